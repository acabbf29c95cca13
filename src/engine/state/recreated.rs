//! Records that are gone from the org or stand there under a new Id: what referred to them by Id refers to nothing now,
//! though its own row has not changed. Their keys are kept beside the ledger with the run that was the last when it was
//! noticed; rows that went to the org no later than that go again if they refer to one of them.
//!
//! Must not know why a ledger is built again, nor how rows are decided: what is known of such a row is forgotten here.

use super::ledgers::Ledgers;
use super::org_keys::keyed;
use crate::engine::context::{EngineError, Ports};
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::ledger::{Entry, State};
use crate::model::{KeyHash, RecordId};
use crate::stage::{Entries, Parents, Scan, Shape, StageError, referring};
use std::cell::Cell;

/// Bytes that one sorter may hold.
const SORT_BUDGET: usize = 4 << 20;
/// With more segments than this a ledger of such keys becomes one.
const MOST_SEGMENTS: usize = 8;

/// What a refresh read from the org: keys and Ids, by key.
pub(in crate::engine) struct OrgKeys<'a>(pub(in crate::engine) Sorted<'a>);

impl OrgKeys<'_> {
    /// The first record of each key; a further one is the org's own ambiguity, and counted.
    pub(in crate::engine) fn first_of_each(
        &self,
        shared: &Cell<u64>,
    ) -> impl Iterator<Item = std::io::Result<(KeyHash, Option<RecordId>)>> {
        let mut last = None;
        self.0.iter().decode(keyed).filter(move |next| {
            let key = next.as_ref().ok().map(|(key, _)| *key);
            let again = key.is_some() && key == last;
            last = key.or(last);
            shared.set(shared.get() + u64::from(again));
            !again
        })
    }
}

/// Whether a record of the org is the one that we know.
pub(in crate::engine) fn is_same((_, id): &(KeyHash, Option<RecordId>), known: &Entry) -> bool {
    known.state == State::Landed && known.id == *id
}

/// Notes durably which known records of an object are gone or new, before its ledger is built again. Gives how many.
///
/// # Errors
/// The disk's own.
pub(in crate::engine) fn note(
    ports: &Ports<'_>,
    ledgers: &mut Ledgers<'_>,
    object: &str,
    found: &OrgKeys<'_>,
    same_key: bool,
    run: u32,
) -> Result<u64, EngineError> {
    let mut renewed = Sorter::new(ports.files, "data/scratch/renewed", 16, SORT_BUDGET);
    // Hashes of another field's values say nothing of these.
    let known = if same_key { ledgers.entries(object) } else { Box::new(std::iter::empty()) };
    let shared = Cell::new(0);
    for next in join(found.first_of_each(&shared), known, |r| r.0, |entry| entry.key) {
        match next? {
            Joined::Both((_, id), known) if known.is_in_org() && known.id.is_some() && known.id != id => {
                renewed.push(&known.key.to_be_bytes())?;
            }
            Joined::Right(known) if known.is_in_org() => renewed.push(&known.key.to_be_bytes())?,
            _ => {}
        }
    }
    let renewed = renewed.finish()?;
    let noted = ledgers.open(&beside(object))?;
    if !renewed.is_empty() || !(same_key || noted.segments().is_empty()) {
        let keys = renewed.iter().decode(|b| KeyHash::from_be_bytes(std::array::from_fn(|i| b[i])));
        noted.rebuild(
            keys,
            |key| *key,
            |joined| match joined {
                Ok(Joined::Left(key) | Joined::Both(key, _)) => {
                    Some(Ok(Entry { run, ..Entry::new(key, State::Landed) }))
                }
                Ok(Joined::Right(before)) => same_key.then_some(Ok(before)),
                Err(error) => Some(Err(error)),
            },
        )?;
    }
    Ok(renewed.len())
}

/// Notes durably that records of these keys, in ascending order, are gone or new: rows that were sent in this run (`run`)
/// or before go again if they refer to one of them. Once more does no harm.
///
/// # Errors
/// The disk's own.
pub(in crate::engine) fn note_keys(
    ledgers: &mut Ledgers<'_>,
    object: &str,
    keys: impl Iterator<Item = std::io::Result<KeyHash>>,
    run: u32,
) -> Result<(), EngineError> {
    let mut keys = keys.peekable();
    if keys.peek().is_none() {
        return Ok(());
    }
    let ledger = ledgers.open(&beside(object))?;
    ledger.adopt(keys.map(|key| Ok(Entry { run, ..Entry::new(key?, State::Landed) })))?;
    if ledger.segments().len() > MOST_SEGMENTS {
        ledger.compact()?;
    }
    Ok(())
}

/// Opens what is noted of these objects.
///
/// # Errors
/// A damaged ledger, or the disk's own.
pub(in crate::engine) fn open_notes(
    ledgers: &mut Ledgers<'_>,
    objects: &[String],
) -> Result<(), EngineError> {
    objects.iter().try_for_each(|object| ledgers.open(&beside(object)).map(|_| ()))
}

/// The ledger of such keys of an object.
fn beside(object: &str) -> String {
    format!("{object}{BESIDE}")
}

/// Whether a ledger is of such keys: what it holds is not what the org has.
pub(in crate::engine) fn is_beside(ledger: &str) -> bool {
    ledger.ends_with(BESIDE)
}

/// What its name ends with; no object has a dot in its name.
const BESIDE: &str = ".renewed";

/// What of a load refers to such records.
pub(in crate::engine) struct Stale<'a> {
    /// `key of the row, run, whether sending the row again mends it`.
    rows: Sorted<'a>,
}

impl<'a> Stale<'a> {
    /// Of the rows of a load; what is noted of the objects ([`open_notes`]) is open. `parents`: what will be there.
    ///
    /// # Errors
    /// The disk's own.
    pub(in crate::engine) fn of(
        ports: &Ports<'a>,
        ledgers: &Ledgers<'_>,
        objects: &[String],
        shape: &Shape,
        scan: &Scan<'_>,
        parents: &dyn Parents,
    ) -> Result<Self, EngineError> {
        let mut rows = Sorter::new(ports.files, "data/scratch/stale", STALE, SORT_BUDGET);
        let of = |object: usize| match objects.get(object) {
            Some(object) => ledgers.entries(&beside(object)),
            None => Box::new(std::iter::empty()),
        };
        referring(shape, scan, &of, parents, &mut |child, entry, sent| {
            let mut bytes = [0; STALE];
            bytes[..16].copy_from_slice(&child.to_be_bytes());
            bytes[16..20].copy_from_slice(&entry.run.to_be_bytes());
            bytes[20] = u8::from(sent);
            Ok::<_, StageError>(rows.push(&bytes)?)
        })?;
        Ok(Self { rows: rows.finish()? })
    }

    /// The entries with nothing known of the values of those that must go again. Counts those that no sending mends.
    pub(in crate::engine) fn forget<'e>(&'e self, entries: Entries<'e>, left: &'e Cell<u64>) -> Entries<'e> {
        let mut stale = self.rows.iter().decode(decode).peekable();
        Box::new(entries.map(move |entry| {
            let mut entry = entry?;
            let (mut mends, mut keeps) = (false, false);
            while let Some(next) = stale.next_if(|s| s.as_ref().map_or(true, |(key, ..)| *key <= entry.key)) {
                let (key, run, sent) = next?;
                let concerned = key == entry.key && entry.state == State::Landed && entry.run <= run;
                mends |= concerned && sent;
                keeps |= concerned && !sent;
            }
            left.set(left.get() + u64::from(keeps));
            if mends {
                entry.payload = 0;
            }
            Ok(entry)
        }))
    }
}

/// Bytes of a row that refers to such a record.
const STALE: usize = 16 + 4 + 1;

fn decode(bytes: &[u8]) -> (KeyHash, u32, bool) {
    let key = KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[i]));
    (key, u32::from_be_bytes(std::array::from_fn(|i| bytes[16 + i])), bytes[20] == 1)
}
