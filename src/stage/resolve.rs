//! References against what is there: one merge of a load's references, sorted by parent, with the sorted keys of
//! the parent object.

use super::entries::Entries;
use super::error::{StageError, StageIo};
use super::record::{MissingRecord, RefRecord};
use super::scan::{SORT_BUDGET, Scan};
use super::shape::Shape;
use crate::ledger::Entry;
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::model::{KeyHash, RecordId};
use crate::transform::Only;
use std::collections::BTreeMap;
use std::iter::Peekable;

/// Keys that are there, sorted, with their records where they have landed.
pub type Presence<'p> = Box<dyn Iterator<Item = std::io::Result<(KeyHash, Option<RecordId>)>> + 'p>;

/// Who knows which keys of an object are there.
pub trait Parents: Sync {
    /// The keys of an object that are there, sorted.
    ///
    /// # Errors
    /// The disk's own.
    fn of(&self, object: usize) -> Result<Presence<'_>, StageError>;

    /// The keys of the load's own object that loads after it will bring, sorted. None, where nobody asks for levels.
    fn later(&self) -> Presence<'_> {
        Box::new(std::iter::empty())
    }

    /// The keys of an object that the same manifest deletes, sorted: whoever points there would lose its parent, or
    /// go with it.
    fn going(&self, object: usize) -> Presence<'_>;
}

/// What became of a load's references.
pub struct Resolved<'a> {
    /// References whose parent is nowhere, by the row's key ([`MissingRecord`]).
    pub missing: Sorted<'a>,
    /// How many those are.
    pub count: u64,
    /// Whether the fallback of each reference is there, and its record.
    pub fallbacks: BTreeMap<u8, Option<RecordId>>,
}

/// Resolves the references of a load to all its parent objects. References in `skip` (a bit each) are left alone.
///
/// # Errors
/// The disk's own.
pub fn resolve<'a>(
    io: StageIo<'a>,
    shape: &Shape,
    scan: &Scan<'a>,
    scratch: &str,
    skip: u64,
    parents: &dyn Parents,
) -> Result<Resolved<'a>, StageError> {
    let name = format!("{scratch}/missing-{}", shape.load);
    let mut missing = Sorter::new(io.files, &name, MissingRecord::WIDTH, SORT_BUDGET);
    let mut count = 0;
    let mut fallbacks = BTreeMap::new();
    for (object, references) in &scan.references {
        let own = *object == shape.object;
        let mut later = Beside::over(parents.later());
        each(references, *object, parents, |record, found, going| {
            if skip & (1 << record.reference) != 0 {
                return Ok(());
            }
            match (record.pos == u64::MAX, found) {
                (true, Some(id)) => {
                    fallbacks.insert(record.reference, id);
                }
                (false, None) => {
                    count += 1;
                    let RefRecord { parent, pos, reference, child, line } = *record;
                    let later = own && later.has(parent)?;
                    let record = MissingRecord { child, pos, reference, own, later, going, parent, line };
                    missing.push(&record.encode())?;
                }
                _ => {}
            }
            Ok(())
        })?;
    }
    Ok(Resolved { missing: missing.finish()?, count, fallbacks })
}

/// The Ids of parents that are there, for references whose cells hold Ids: `(pos, reference, id)` by place.
///
/// # Errors
/// The disk's own.
pub fn found_ids<'a>(
    io: StageIo<'a>,
    shape: &Shape,
    scan: &Scan<'a>,
    scratch: &str,
    parents: &dyn Parents,
) -> Result<Sorted<'a>, StageError> {
    let mut ids = Sorter::new(io.files, &format!("{scratch}/ids-{}", shape.load), 24, SORT_BUDGET);
    for (object, references) in &scan.references {
        if !shape.references.iter().any(|r| r.by_id && r.points_to(*object)) {
            continue;
        }
        each(references, *object, parents, |record, found, _| {
            let by_id = shape.references.get(record.reference as usize).is_some_and(|r| r.by_id);
            if let (true, Some(Some(id))) = (by_id && record.pos != u64::MAX, found) {
                let mut bytes = [0; 24];
                bytes[..8].copy_from_slice(&record.pos.to_be_bytes());
                bytes[8] = record.reference;
                bytes[9..].copy_from_slice(id.bytes());
                ids.push(&bytes)?;
            }
            Ok(())
        })?;
    }
    Ok(ids.finish()?)
}

/// Calls `f` with the key of each row that refers to one of these records, by itself or by the fallback on which it
/// stands, the record's entry, and whether the reference is sent when the row's record is there.
///
/// # Errors
/// The disk's own, or that of `f`.
pub fn referring<'e>(
    shape: &Shape,
    scan: &Scan<'_>,
    of: &dyn Fn(usize) -> Entries<'e>,
    parents: &dyn Parents,
    f: &mut dyn FnMut(KeyHash, &Entry, bool) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let sent = |reference: u8| {
        let rule = shape.references.get(reference as usize).map(|r| &shape.rules[r.rule]);
        rule.map(|rule| !rule.create_only && rule.only != Only::Create)
    };
    let mut fallbacks = BTreeMap::new();
    for (object, references) in &scan.references {
        let records = references.iter().decode(RefRecord::decode);
        for next in join(records, of(*object), |record| record.parent, |entry| entry.key) {
            let Joined::Both(record, entry) = next? else { continue };
            let Some(sent) = sent(record.reference) else { continue };
            if record.pos == u64::MAX {
                fallbacks.insert(record.reference, (entry, sent));
            } else {
                f(record.child, &entry, sent)?;
            }
        }
    }
    if fallbacks.is_empty() {
        return Ok(());
    }
    for (object, references) in &scan.references {
        each(references, *object, parents, |record, found, _| match fallbacks.get(&record.reference) {
            Some((entry, sent)) if record.pos != u64::MAX && found.is_none() => f(record.child, entry, *sent),
            _ => Ok(()),
        })?;
    }
    Ok(())
}

/// Calls `f` with each reference, the parent found for it, if one was, and whether the parent is about to be deleted:
/// then none was.
fn each(
    references: &Sorted<'_>,
    object: usize,
    parents: &dyn Parents,
    mut f: impl FnMut(&RefRecord, Option<Option<RecordId>>, bool) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let mut there = Beside::over(parents.of(object)?);
    let mut going = Beside::over(parents.going(object));
    let mut iter = references.iter();
    while let Some(bytes) = iter.next_record()? {
        let record = RefRecord::decode(bytes);
        let goes = going.has(record.parent)?;
        let found = if goes { None } else { there.find(record.parent)? };
        f(&record, found, goes)?;
    }
    Ok(())
}

/// Sorted keys read along with others.
pub(super) struct Beside<'p>(Peekable<Presence<'p>>);

impl<'p> Beside<'p> {
    pub(super) fn over(
        keys: impl Iterator<Item = std::io::Result<(KeyHash, Option<RecordId>)>> + 'p,
    ) -> Self {
        let keys: Presence<'p> = Box::new(keys);
        Self(keys.peekable())
    }

    /// What is there of a key; keys are asked for in ascending order.
    fn find(&mut self, key: KeyHash) -> Result<Option<Option<RecordId>>, StageError> {
        while let Some(passed) = self.0.next_if(|k| k.as_ref().map_or(true, |(k, _)| *k < key)) {
            passed?;
        }
        let here = self.0.peek().and_then(|k| k.as_ref().ok());
        Ok(here.filter(|(k, _)| *k == key).map(|(_, id)| *id))
    }

    /// Whether a key is there.
    pub(super) fn has(&mut self, key: KeyHash) -> Result<bool, StageError> {
        Ok(self.find(key)?.is_some())
    }
}
