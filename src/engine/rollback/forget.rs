//! What the ledger knows after a rollback: nothing of what is gone, so that the next apply loads it again; and of
//! records that lost what they pointed to, no longer that they are as their rows say.

use super::fate::RecordFate;
use super::made::{Made, SORT_BUDGET, id_at};
use crate::checkpoint::last_run;
use crate::engine::context::{EngineError, Ports};
use crate::engine::state::{Ledgers, each_once, note_keys};
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::ledger::{Entry, State};
use crate::model::{KeyHash, RecordId};
use std::io;

/// Forgets records of a run that were gone before its rollback. Once more does no harm.
///
/// # Errors
/// The disk's own.
pub(super) fn forget_gone(
    ports: &Ports<'_>,
    ledgers: &mut Ledgers<'_>,
    made: &Made<'_>,
    fates: &[RecordFate],
) -> Result<(), EngineError> {
    let mut keys = Sorter::new(ports.files, "data/scratch/rollback-gone", KEYED, SORT_BUDGET);
    for next in made.fated(fates) {
        let (created, fate) = next?;
        if fate == RecordFate::Gone {
            keys.push(&keyed(created.key, created.id))?;
        }
    }
    replace(ports, ledgers, &made.object, &keys.finish()?, |known| Entry {
        load: known.load,
        ..Entry::new(known.key, State::Removed)
    })
}

/// Notes that records are not as their rows say any more: they lost what they pointed to. Once more does no harm.
///
/// # Errors
/// The disk's own.
pub(super) fn unsettle(
    ports: &Ports<'_>,
    ledgers: &mut Ledgers<'_>,
    object: &str,
    losing: &Sorted<'_>,
) -> Result<(), EngineError> {
    let mut by_id = Sorter::new(ports.files, "data/scratch/rollback-by-id", KEYED, SORT_BUDGET);
    for entry in ledgers.open(object)?.iter() {
        let entry = entry?;
        if let Some(id) = entry.id.filter(|_| entry.state == State::Landed) {
            by_id.push(&[id.bytes().as_slice(), &entry.key.to_be_bytes()].concat())?;
        }
    }
    let by_id = by_id.finish()?;
    let mut keys = Sorter::new(ports.files, "data/scratch/rollback-unsettled", KEYED, SORT_BUDGET);
    let losing = each_once(losing.iter().decode(|bytes| id_at(bytes, 0)).map(|id| id?), |id| *id);
    let known =
        |b: &[u8]| id_at(b, 0).map(|id| (id, KeyHash::from_be_bytes(std::array::from_fn(|i| b[15 + i]))));
    let by_id = by_id.iter().decode(known).map(|read| read?);
    for next in join(by_id, losing, |k| k.0, |id| *id) {
        if let Joined::Both((id, key), _) = next? {
            keys.push(&keyed(key, id))?;
        }
    }
    replace(ports, ledgers, object, &keys.finish()?, |known| Entry { payload: 0, ..known })
}

/// A key and a record: bytes.
const KEYED: usize = 16 + 15;

fn keyed(key: KeyHash, id: RecordId) -> Vec<u8> {
    [&key.to_be_bytes()[..], id.bytes()].concat()
}

/// Puts other entries in the place of those that are known of these keys with these records. What is gone is noted
/// first, so that what refers to it goes again once it is made anew.
fn replace(
    ports: &Ports<'_>,
    ledgers: &mut Ledgers<'_>,
    object: &str,
    keys: &Sorted<'_>,
    make: impl Fn(Entry) -> Entry,
) -> Result<(), EngineError> {
    let ledger = ledgers.open(object)?;
    let mut entries = Sorter::new(ports.files, "data/scratch/rollback-entries", Entry::WIDTH, SORT_BUDGET);
    let pairs = || {
        let of = |b: &[u8]| Ok((KeyHash::from_be_bytes(std::array::from_fn(|i| b[i])), id_at(b, 16)?));
        keys.iter().decode(of).map(|read: io::Result<io::Result<_>>| read?)
    };
    let found = ledger.lookup(pairs().map(|pair| Ok(pair?.0)));
    for (found, pair) in found.zip(pairs()) {
        let (_, id): (KeyHash, RecordId) = pair?;
        if let Some(known) = found?.1.filter(|known| known.id == Some(id)) {
            entries.push(&make(known).encode())?;
        }
    }
    let entries = entries.finish()?;
    if entries.is_empty() {
        return Ok(());
    }
    let decoded = || entries.iter().decode(|b| Entry::decode(b).map_err(io::Error::other)).map(|read| read?);
    let gone = |read: &io::Result<Entry>| read.as_ref().map_or(true, |entry| entry.state == State::Removed);
    let run = last_run(ports.files)?.max(ledgers.last_run());
    note_keys(ledgers, object, decoded().filter(gone).map(|read| Ok(read?.key)), run)?;
    Ok(ledgers.open(object)?.adopt(decoded())?)
}
