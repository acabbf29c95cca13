//! Files that a journal vouches for, with length and hash: what the next apply needs of them, and what they are.

use super::kinds::{LedgerFacts, NamedFlaw, Role, RunFacts};
use crate::checkpoint::{Event, NamedFile, Part, PartState, RunState};
use crate::ledger::inspect::flaw;
use crate::ledger::{LedgerError, SegmentRef};
use crate::ports::Files;
use crate::source::fingerprint;
use std::io;

/// Compares what the next apply, or a reader of the report, needs of a run with what its journal says.
pub(super) fn named_flaws(
    files: &dyn Files,
    run: &RunFacts,
    ledgers: &[LedgerFacts],
) -> io::Result<Vec<NamedFlaw>> {
    let (Some(state), Some(journal)) = (run.state(), &run.journal) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for part in state.parts.values() {
        for (named, role) in needed(state, part) {
            found.extend(compare(files, named, role)?);
        }
    }
    for line in &journal.lines {
        let Event::PartSettled { part, segment: Some(named), .. } = &line.event else { continue };
        let Some(part) = state.parts.get(part) else { continue };
        if !folded_in(ledgers, state, part, line.seq) {
            found.extend(segment_flaw(files, named)?);
        }
    }
    Ok(found)
}

/// What of a part is needed. Rows that the org never saw are decided anew: their files are not.
fn needed<'p>(state: &RunState, part: &'p Part) -> Vec<(&'p NamedFile, Role)> {
    let sent = matches!(part.state, PartState::Uploaded | PartState::Closed | PartState::Calling);
    let mut needed: Vec<_> = part.failures.iter().map(|file| (file, Role::Failures)).collect();
    needed.extend(part.trail.iter().map(|file| (file, Role::Trail)));
    if sent && state.ended.is_none() {
        needed.extend([(&part.file, Role::Sent), (&part.index, Role::Sent)]);
    }
    needed
}

/// Whether the ledger has what was settled at this line of the journal.
pub(super) fn folded_in(ledgers: &[LedgerFacts], state: &RunState, part: &Part, seq: u64) -> bool {
    let ledger = ledgers.iter().find(|l| l.org == state.org_id && l.object == part.object);
    // Where it is gone, or CURRENT cannot be read, that says enough.
    ledger.is_none_or(|l| !l.inspected.known || l.inspected.last.is_some_and(|last| (state.run, seq) <= last))
}

fn compare(files: &dyn Files, named: &NamedFile, role: Role) -> io::Result<Option<NamedFlaw>> {
    let what = match files.length(&named.path)? {
        None => "it is not there".to_owned(),
        Some(length) if length != named.length => {
            format!("it has {length} bytes instead of {}", named.length)
        }
        Some(_) if hash_of(files, &named.path)? != named.blake3 => "its bytes have changed".to_owned(),
        Some(_) => return Ok(None),
    };
    Ok(Some(NamedFlaw { path: named.path.clone(), what, role }))
}

fn hash_of(files: &dyn Files, path: &str) -> io::Result<String> {
    Ok(blake3::Hash::from_bytes(fingerprint(files, path)?.hash).to_hex().to_string())
}

fn segment_flaw(files: &dyn Files, named: &NamedFile) -> io::Result<Option<NamedFlaw>> {
    let Some((folder, segment)) = segment_of(named) else { return Ok(None) };
    Ok(flaw(files, folder, &segment)?.map(|error| {
        let what = match error {
            LedgerError::Damaged { what, .. } => what,
            other => other.to_string(),
        };
        NamedFlaw { path: named.path.clone(), what, role: Role::Outcomes }
    }))
}

/// A segment that an event names, with its folder.
pub(super) fn segment_of(named: &NamedFile) -> Option<(&str, SegmentRef)> {
    let (folder, file) = named.path.rsplit_once('/')?;
    let name = file.strip_suffix(".seg")?.to_owned();
    Some((folder, SegmentRef::named(name, named.length, named.blake3.clone())))
}
