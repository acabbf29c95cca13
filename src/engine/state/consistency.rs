//! Whether what lies in the state folder fits together: no ledger and no folded state may know more of a run than its
//! journal, and no ledger may be gone that a journal put rows into. What does not fit is refused: it is no crash that
//! leaves it, and nobody knows what else is gone.

use super::ledgers::Ledgers;
use crate::checkpoint::{Event, Folded, JournalError, Line, journal_path, last_run, read_journal, restore};
use crate::engine::context::{EngineError, Ports};
use crate::ledger::LedgerError;
use crate::ports::Files;

/// Looks at journals, open ledgers and the folded state together.
pub(in crate::engine) fn check_whole(ports: &Ports<'_>, ledgers: &Ledgers<'_>) -> Result<(), EngineError> {
    let newest = last_run(ports.files)?;
    let (lines, _) = read_journal(ports.files, &journal_path(newest))?;
    none_is_ahead(ports, ledgers, newest, &lines)?;
    for run in emptied(ports.files, newest)? {
        none_is_ahead(ports, ledgers, run, &[])?;
    }
    none_is_gone(ports.files, ledgers, newest)
}

/// Runs after this one whose folder is there and whose journal is not, or holds nothing: one that died before its first
/// line, or was lost. The folder of one that was moved aside is not there.
fn emptied(files: &dyn Files, newest: u32) -> std::io::Result<Vec<u32>> {
    let mut runs = Vec::new();
    for name in files.list("runs")? {
        let Some(run) = name.strip_suffix('/').and_then(|n| n.parse().ok()) else { continue };
        if run > newest && files.length(&journal_path(run))?.unwrap_or(0) == 0 {
            runs.push(run);
        }
    }
    Ok(runs)
}

fn none_is_ahead(
    ports: &Ports<'_>,
    ledgers: &Ledgers<'_>,
    run: u32,
    lines: &[Line],
) -> Result<(), EngineError> {
    let ends = lines.len() as u64;
    let short =
        |by: String, known: u64| Err(JournalError::Short { path: journal_path(run), ends, by, known }.into());
    if let Folded::Ahead(known) = restore(ports.store, run, lines)
        && run > 0
    {
        return short("state/".to_owned(), known);
    }
    for (_, ledger) in ledgers.opened() {
        match ledger.last() {
            Some((last, seq)) if last == run && seq > ends => return short(ledger.current_path(), seq),
            _ => {}
        }
    }
    Ok(())
}

/// A ledger that is not there must be one that nothing was ever put into.
fn none_is_gone(files: &dyn Files, ledgers: &Ledgers<'_>, newest: u32) -> Result<(), EngineError> {
    let absent: Vec<_> = ledgers.opened().filter(|(_, ledger)| !ledger.is_there()).collect();
    for run in (1..=newest).rev().filter(|_| !absent.is_empty()) {
        // An older journal that cannot be read any more says nothing either way.
        let Ok((lines, _)) = read_journal(files, &journal_path(run)) else { continue };
        for (object, ledger) in &absent {
            let folder = ledgers.segments_of(object);
            if lines.iter().any(|line| segment(line).is_some_and(|path| path.starts_with(&folder))) {
                let what = format!("it is not there, though run {run} put rows into this ledger");
                return Err(LedgerError::Damaged { file: ledger.current_path(), what }.into());
            }
        }
    }
    Ok(())
}

fn segment(line: &Line) -> Option<&str> {
    match &line.event {
        Event::PartSettled { segment: Some(named), .. } => Some(&named.path),
        _ => None,
    }
}
