//! The ledgers, and what their CURRENT must have said where it cannot be read.
//!
//! That can be proved where a ledger was never merged, adopted into or built again: then its segments are those that
//! the journals name, no more, in their order. Anything less is no proof.

use super::kinds::{LedgerFacts, Proved, RunFacts};
use super::parts::segment_of;
use crate::checkpoint::{Event, RunState};
use crate::ledger::SegmentRef;
use crate::ledger::inspect::{Inspected, flaw, inspect};
use crate::ports::Files;
use std::collections::BTreeSet;
use std::io;

/// Reads every ledger of every org.
pub(super) fn read_ledgers(files: &dyn Files, runs: &[RunFacts]) -> io::Result<Vec<LedgerFacts>> {
    let mut found = Vec::new();
    for org in folders(files, "ledger")? {
        for object in folders(files, &format!("ledger/{org}"))? {
            let folder = format!("ledger/{org}/{object}");
            let inspected = inspect(files, &folder)?;
            let proved = match inspected.known {
                true => None,
                false => prove(files, &folder, &inspected, runs)?,
            };
            found.push(LedgerFacts { org: org.clone(), object, inspected, proved });
        }
    }
    Ok(found)
}

/// Folders directly inside a folder.
pub(super) fn folders(files: &dyn Files, folder: &str) -> io::Result<Vec<String>> {
    Ok(files.list(folder)?.iter().filter_map(|name| name.strip_suffix('/')).map(str::to_owned).collect())
}

fn prove(
    files: &dyn Files,
    folder: &str,
    inspected: &Inspected,
    runs: &[RunFacts],
) -> io::Result<Option<Proved>> {
    let Some(proved) = told(folder, runs) else { return Ok(None) };
    let named: BTreeSet<&str> = proved.segments.iter().map(|s| s.name.as_str()).collect();
    // A segment beside those was merged, adopted, or never counted: which of these, nobody can say.
    if inspected.segments.iter().any(|name| !named.contains(name.as_str())) {
        return Ok(None);
    }
    for segment in &proved.segments {
        if flaw(files, folder, segment)?.is_some() {
            return Ok(None);
        }
    }
    Ok(Some(proved))
}

/// What the journals tell of a ledger; nothing unless every run from the first on has a journal that can be trusted.
fn told(folder: &str, runs: &[RunFacts]) -> Option<Proved> {
    let mut segments: Vec<SegmentRef> = Vec::new();
    let (mut last, mut keys) = ((0, 0), BTreeSet::new());
    for (index, run) in runs.iter().enumerate() {
        let (state, journal) = (run.state()?, run.journal.as_ref()?);
        if usize::try_from(run.run).ok()? != index + 1 || state.run != run.run {
            return None;
        }
        for line in &journal.lines {
            let Event::PartSettled { part, segment: Some(named), .. } = &line.event else { continue };
            let Some((its, segment)) = segment_of(named).filter(|(its, _)| *its == folder) else { continue };
            debug_assert_eq!(its, folder);
            keys.insert(key_of(state, *part)?);
            segments.push(segment);
            last = (run.run, line.seq);
        }
    }
    let key = keys.pop_first();
    (keys.is_empty() && !segments.is_empty()).then_some(Proved { segments, last, key })
}

/// The key field of a part and how its values are compared, as a ledger notes it.
fn key_of(state: &RunState, part: crate::checkpoint::PartKey) -> Option<String> {
    state.parts.get(&part).map(|part| format!("{} {}", part.key, part.form))
}
