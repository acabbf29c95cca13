//! What a run made, read from its trails: each record once, with how it came to be and when the run last touched it.
//!
//! Records lie in sorted files. Must not know what the org has of them now.

use super::fate::RecordFate;
use super::past::{Past, Trail};
use crate::engine::context::{EngineError, Ports};
use crate::engine::state::{Deed, MOMENT, Moment, TrailRecord, each_once, read_trail};
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::model::{KeyForm, KeyHash, RecordId};
use std::collections::BTreeMap;
use std::io;

/// Bytes that one sorter may hold.
pub(super) const SORT_BUDGET: usize = 4 << 20;
/// A record that a run created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Created {
    pub(super) id: RecordId,
    pub(super) deed: u8,
    /// Which batch of the run it is of.
    pub(super) batch: u16,
    pub(super) key: KeyHash,
    /// When the org was done with the last part of the run that touched it, by the org's clock; zeros where it did not
    /// tell.
    pub(super) touched: Moment,
    /// The `CreatedDate` that its row set; zeros where it set none.
    pub(super) dated: Moment,
}

impl Created {
    const WIDTH: usize = 15 + 1 + 2 + 16 + 2 * MOMENT;

    fn encode(&self) -> [u8; Self::WIDTH] {
        let mut bytes = [0; Self::WIDTH];
        bytes[..15].copy_from_slice(self.id.bytes());
        bytes[15] = self.deed;
        bytes[16..18].copy_from_slice(&self.batch.to_be_bytes());
        bytes[18..34].copy_from_slice(&self.key.to_be_bytes());
        bytes[34..34 + MOMENT].copy_from_slice(&self.touched);
        bytes[34 + MOMENT..].copy_from_slice(&self.dated);
        bytes
    }

    fn decode(bytes: &[u8]) -> io::Result<Self> {
        Ok(Self {
            id: id_at(bytes, 0)?,
            deed: bytes[15],
            batch: u16::from_be_bytes([bytes[16], bytes[17]]),
            key: KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[18 + i])),
            touched: std::array::from_fn(|i| bytes[34 + i]),
            dated: std::array::from_fn(|i| bytes[34 + MOMENT + i]),
        })
    }
}

/// The Id that stands at a place of a record of our own.
pub(super) fn id_at(bytes: &[u8], at: usize) -> io::Result<RecordId> {
    let id = RecordId::from_bytes(std::array::from_fn(|i| bytes[at + i]));
    id.ok_or_else(|| io::Error::other("a list of records holds what is no Id"))
}

/// The records of one object that a run created.
pub(super) struct Made<'a> {
    pub(super) object: String,
    /// Its key field.
    pub(super) key: String,
    /// How its keys are compared.
    pub(super) form: KeyForm,
    records: Sorted<'a>,
}

impl Made<'_> {
    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.records.len()
    }

    /// They, by Id.
    pub(super) fn iter(&self) -> impl Iterator<Item = io::Result<Created>> {
        self.records.iter().decode(Created::decode).map(|read| read?)
    }

    /// They with what is to become of each.
    pub(super) fn fated<'s>(
        &'s self,
        fates: &'s [RecordFate],
    ) -> impl Iterator<Item = io::Result<(Created, RecordFate)>> + 's {
        self.iter().zip(fates).map(|(created, fate)| Ok((created?, *fate)))
    }
}

/// What the trails of a run say.
pub(super) struct Read<'a> {
    /// What it created, by object.
    pub(super) made: Vec<Made<'a>>,
    /// Records that were there before, of each load: `load, Id`, each once.
    pub(super) touched: Sorted<'a>,
    /// Rows of each load that may have created a record, which no answer ever named.
    pub(super) unnamed: BTreeMap<u16, u64>,
}

/// Reads every trail of a run.
///
/// # Errors
/// A trail that is not the one that the journal names; the disk's own.
pub(super) fn read<'a>(ports: &Ports<'a>, past: &Past) -> Result<Read<'a>, EngineError> {
    let mut deeds: BTreeMap<String, Sorter<'a>> = BTreeMap::new();
    let mut touched = sorter(ports, "touched", 17);
    let mut unnamed = sorter(ports, "unnamed", ROW);
    for trail in &past.trails {
        for step in read_trail(ports.files, &trail.file)? {
            match (step.deed, step.id, trail.batch) {
                (Deed::Created | Deed::Found | Deed::Doubtful, Some(id), Some(batch)) => {
                    let of = of_object(ports, &mut deeds, &trail.object);
                    of.push(&created(trail, &step, id, batch).encode())?;
                }
                (Deed::Doubtful, None, _) => unnamed.push(&row(trail.load, step.key))?,
                (Deed::Updated, Some(id), _) => {
                    touched.push(&[&trail.load.to_be_bytes()[..], id.bytes()].concat())?;
                    let of = of_object(ports, &mut deeds, &trail.object);
                    of.push(&created(trail, &step, id, 0).encode())?;
                }
                _ => {}
            }
        }
    }
    let mut made = Vec::new();
    for (object, deeds) in deeds {
        let records =
            each_record(sorter(ports, &format!("made-{object}"), Created::WIDTH), &deeds.finish()?)?;
        if let Some(batch) = past.batches.iter().find(|b| b.object == object && !records.is_empty()) {
            let form = KeyForm::parse(&batch.form).unwrap_or(KeyForm::FoldedText);
            made.push(Made { object, key: batch.key.clone(), form, records });
        }
    }
    let unnamed = never_named(ports, past, &unnamed.finish()?)?;
    Ok(Read { made, touched: touched.finish()?, unnamed })
}

/// A load and a key: bytes.
const ROW: usize = 2 + 16;

fn row(load: u16, key: KeyHash) -> [u8; ROW] {
    let mut bytes = [0; ROW];
    bytes[..2].copy_from_slice(&load.to_be_bytes());
    bytes[2..].copy_from_slice(&key.to_be_bytes());
    bytes
}

fn row_of(bytes: &[u8]) -> (u16, KeyHash) {
    let load = u16::from_be_bytes([bytes[0], bytes[1]]);
    (load, KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[2 + i])))
}

/// How many of these rows there are of each load, without those of which another sending in the run named the record.
fn never_named(ports: &Ports<'_>, past: &Past, rows: &Sorted<'_>) -> Result<BTreeMap<u16, u64>, EngineError> {
    let mut counts = BTreeMap::new();
    if rows.is_empty() {
        return Ok(counts);
    }
    let mut named = sorter(ports, "named", ROW);
    for trail in &past.trails {
        let steps = read_trail(ports.files, &trail.file)?;
        steps.iter().filter(|s| s.id.is_some()).try_for_each(|s| named.push(&row(trail.load, s.key)))?;
    }
    let named = named.finish()?;
    let rows = each_once(rows.iter().decode(row_of), |row| *row);
    let named = each_once(named.iter().decode(row_of), |row| *row);
    for next in join(rows, named, |row| *row, |row| *row) {
        if let Joined::Left((load, _)) = next? {
            *counts.entry(load).or_default() += 1;
        }
    }
    Ok(counts)
}

fn sorter<'a>(ports: &Ports<'a>, name: &str, width: usize) -> Sorter<'a> {
    Sorter::new(ports.files, &format!("data/scratch/rollback-{name}"), width, SORT_BUDGET)
}

fn of_object<'s, 'a>(
    ports: &Ports<'a>,
    deeds: &'s mut BTreeMap<String, Sorter<'a>>,
    object: &str,
) -> &'s mut Sorter<'a> {
    let new = || sorter(ports, &format!("deeds-{object}"), Created::WIDTH);
    deeds.entry(object.to_owned()).or_insert_with(new)
}

fn created(trail: &Trail, step: &TrailRecord, id: RecordId, batch: u16) -> Created {
    let over = trail.over.as_deref().and_then(|over| over.as_bytes().try_into().ok());
    let touched = over.unwrap_or([0; MOMENT]);
    Created { id, deed: step.deed as u8, batch, key: step.key, touched, dated: step.dated }
}

/// Of all that a run did to records of an object, by Id and deed, one entry for each record that it created: what tells
/// most of how it came to be, and when the run had last to do with it. Nothing of those that were there before.
fn each_record<'a>(mut made: Sorter<'a>, deeds: &Sorted<'_>) -> io::Result<Sorted<'a>> {
    let mut keep = |of: Created| match of.deed == Deed::Updated as u8 {
        true => Ok(()),
        false => made.push(&of.encode()),
    };
    let mut last: Option<Created> = None;
    for next in deeds.iter().decode(Created::decode) {
        let next = next??;
        match &mut last {
            Some(same) if same.id == next.id => {
                same.touched = same.touched.max(next.touched);
                same.dated = same.dated.max(next.dated);
            }
            other => other.replace(next).map_or(Ok(()), &mut keep)?,
        }
    }
    last.map_or(Ok(()), &mut keep)?;
    made.finish()
}
