//! References against what is there: one merge of a load's references, sorted by parent, with the sorted keys of
//! the parent object.

use super::entries::Entries;
use super::error::{StageError, StageIo};
use super::record::{MissingRecord, RefRecord};
use super::scan::{SORT_BUDGET, Scan};
use super::shape::{ReferenceShape, Shape};
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

    /// The keys of an object that this load and those after it will bring, as far as is known, sorted: what a reference
    /// that is filled by a second pass may count on. None, where there is nothing to foresee.
    fn coming(&self, _object: usize) -> Presence<'_> {
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
    /// Fallbacks that are not there and are of the load's own object: its own rows may bring them.
    pub own_fallbacks: BTreeMap<u8, KeyHash>,
    /// References whose fallback a later load of the same object brings, a bit each.
    pub later_fallbacks: u64,
}

impl Resolved<'_> {
    /// Whether a reference of a row can point to its fallback. No record stands in for its own parent.
    pub(super) fn has_fallback(&self, shape: &Shape, reference: u8, row: KeyHash) -> bool {
        self.fallbacks.contains_key(&reference) && !is_itself(shape, reference, row)
    }
}

/// Whether a row is the fallback of its own reference.
pub(super) fn is_itself(shape: &Shape, reference: u8, row: KeyHash) -> bool {
    let fallback = shape.references.get(reference as usize).and_then(ReferenceShape::fallback_hash);
    fallback == Some((shape.object, row))
}

/// Which references are looked at, a bit each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Those that are left alone.
    pub skip: u64,
    /// Those that a second pass fills: it is enough if their parent is coming.
    pub put_off: u64,
}

/// Resolves the references of a load to all its parent objects.
///
/// # Errors
/// The disk's own.
pub fn resolve<'a>(
    io: StageIo<'a>,
    shape: &Shape,
    scan: &Scan<'a>,
    scratch: &str,
    look: Look,
    parents: &dyn Parents,
) -> Result<Resolved<'a>, StageError> {
    let name = format!("{scratch}/missing-{}", shape.load);
    let missing = Sorter::new(io.files, &name, MissingRecord::WIDTH, SORT_BUDGET);
    let mut found = Found { missing, count: 0, fallbacks: BTreeMap::new(), own: BTreeMap::new(), later: 0 };
    for (object, references) in &scan.references {
        let mut later = Beside::over(parents.later());
        let mut coming = Beside::over(parents.coming(*object));
        each(references, *object, parents, |record, there, going| {
            let bit = 1 << record.reference;
            if look.skip & bit != 0 {
                return Ok(());
            }
            let put_off = look.put_off & bit != 0;
            if let Some(id) = there {
                return found.there(record, id);
            }
            if put_off && !going && coming.has(record.parent)? {
                return found.there(record, None);
            }
            // One that is put off waits for no level, whatever it points to.
            let own = *object == shape.object && !put_off;
            let later = own && later.has(record.parent)?;
            found.nowhere(record, *object as u16, Nowhere { own, later, going })
        })?;
    }
    found.finish()
}

/// What is gathered of a load's references.
struct Found<'a> {
    missing: Sorter<'a>,
    count: u64,
    fallbacks: BTreeMap<u8, Option<RecordId>>,
    own: BTreeMap<u8, KeyHash>,
    later: u64,
}

/// A parent that is not there: whether it is of the row's own object, of a later load of that, or deleted.
struct Nowhere {
    own: bool,
    later: bool,
    going: bool,
}

impl<'a> Found<'a> {
    fn there(&mut self, record: &RefRecord, id: Option<RecordId>) -> Result<(), StageError> {
        if record.pos == u64::MAX {
            self.fallbacks.insert(record.reference, id);
        }
        Ok(())
    }

    fn nowhere(&mut self, record: &RefRecord, object: u16, why: Nowhere) -> Result<(), StageError> {
        let RefRecord { parent, pos, reference, child, line } = *record;
        let Nowhere { own, later, going } = why;
        if pos != u64::MAX {
            self.count += 1;
            let missing = MissingRecord { child, pos, reference, own, later, going, object, parent, line };
            return Ok(self.missing.push(&missing.encode())?);
        }
        if later && !going {
            self.later |= 1 << reference;
        } else if own && !going {
            self.own.insert(reference, parent);
        }
        Ok(())
    }

    fn finish(self) -> Result<Resolved<'a>, StageError> {
        let Self { missing, count, fallbacks, own: own_fallbacks, later: later_fallbacks } = self;
        Ok(Resolved { missing: missing.finish()?, count, fallbacks, own_fallbacks, later_fallbacks })
    }
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
