//! What is there now of the records that a run created: the org is asked for each of them by Id.
//!
//! Ids lie in sorted files; memory holds one byte a record, what is to become of it.

use super::super::exit::EngineError;
use super::super::find::each_once;
use super::super::ports::Ports;
use super::super::trail::{Deed, read_trail};
use super::past::{Past, refused};
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::model::{KeyHash, RecordId};
use crate::salesforce::{Client, in_lists};
use crate::transform::second;
use std::collections::BTreeMap;
use std::io;

/// Up to so many records are asked for one by one; beyond, all that have a key are read by a bulk query.
const MOST_LISTED: u64 = 20_000;
/// Characters of one list of Ids.
const LIST: usize = 8_000;
/// Ids of one list of lists.
const CHUNK: usize = 2_000;
/// Bytes that one sorter may hold.
pub(super) const SORT_BUDGET: usize = 4 << 20;
/// Bytes of a moment, to the second.
const MOMENT: usize = 19;

/// What is to become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is deleted.
    Goes,
    /// It is not there any more.
    Gone,
    /// It stays: somebody edited it.
    Edited,
    /// It stays: whether the run created it is not known.
    Doubtful,
    /// It stays: another record that stays would go with it, or keeps it.
    Parent,
}

impl Fate {
    /// Whether the record is there afterwards.
    pub(super) fn stays(self) -> bool {
        matches!(self, Self::Edited | Self::Doubtful | Self::Parent)
    }
}

/// A record that a run created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Created {
    pub(super) id: RecordId,
    deed: u8,
    /// Which batch of the run it is of.
    pub(super) batch: u16,
    pub(super) key: KeyHash,
}

impl Created {
    const WIDTH: usize = 15 + 1 + 2 + 16;

    fn encode(&self) -> [u8; Self::WIDTH] {
        let mut bytes = [0; Self::WIDTH];
        bytes[..15].copy_from_slice(self.id.bytes());
        bytes[15] = self.deed;
        bytes[16..18].copy_from_slice(&self.batch.to_be_bytes());
        bytes[18..].copy_from_slice(&self.key.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> io::Result<Self> {
        Ok(Self {
            id: id_at(bytes, 0)?,
            deed: bytes[15],
            batch: u16::from_be_bytes([bytes[16], bytes[17]]),
            key: KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[18 + i])),
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
    key: String,
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
        fates: &'s [Fate],
    ) -> impl Iterator<Item = io::Result<(Created, Fate)>> + 's {
        self.iter().zip(fates).map(|(created, fate)| Ok((created?, *fate)))
    }
}

/// What the trails of a run say.
pub(super) struct Read<'a> {
    /// What it created, by object.
    pub(super) made: Vec<Made<'a>>,
    /// Records that were there before, of each load: `load, Id`, each once.
    pub(super) touched: Sorted<'a>,
    /// Rows of each load of which no answer named a record.
    pub(super) unnamed: BTreeMap<u16, u64>,
}

/// Reads every trail of a run.
///
/// # Errors
/// A trail that is not the one that the journal names; the disk's own.
pub(super) fn read<'a>(ports: &Ports<'a>, past: &Past) -> Result<Read<'a>, EngineError> {
    let sorter = |name: &str, width| {
        Sorter::new(ports.files, &format!("data/scratch/rollback-{name}"), width, SORT_BUDGET)
    };
    let mut made: BTreeMap<String, (String, Sorter<'a>)> = BTreeMap::new();
    let mut touched = sorter("touched", 17);
    let mut unnamed = BTreeMap::new();
    for trail in &past.trails {
        for step in read_trail(ports.files, &trail.file)? {
            match (step.deed, step.id, trail.batch) {
                (Deed::Created | Deed::Found | Deed::Doubtful, Some(id), Some(batch)) => {
                    let key = past.batches[batch as usize].key.clone();
                    let new = || (key, sorter(&format!("made-{}", trail.object), Created::WIDTH));
                    let of = made.entry(trail.object.clone()).or_insert_with(new);
                    of.1.push(&Created { id, deed: step.deed as u8, batch, key: step.key }.encode())?;
                }
                (Deed::Doubtful, None, _) => *unnamed.entry(trail.load).or_default() += 1,
                (Deed::Updated, Some(id), _) => {
                    touched.push(&[&trail.load.to_be_bytes()[..], id.bytes()].concat())?;
                }
                _ => {}
            }
        }
    }
    let made = made.into_iter().map(|(object, (key, sorter))| {
        let records = sorter.finish()?;
        Ok(Made { object, key, records })
    });
    let made = made.collect::<io::Result<_>>()?;
    Ok(Read { made, touched: touched.finish()?, unnamed })
}

/// Asks the org what is there of the records of one object, and gives what is to become of each, as far as the record
/// itself tells.
///
/// # Errors
/// The org's refusal, or the disk's own; 81 when the org has no such object any more.
pub(super) async fn look(
    ports: &Ports<'_>,
    client: &Client<'_>,
    past: &Past,
    made: &Made<'_>,
    edited_too: bool,
) -> Result<Vec<Fate>, EngineError> {
    let Some(schema) = client.describe(&made.object).await? else {
        let help = "the login of the run could see it; log in as that user";
        return Err(refused(format!("the org has no object {}", made.object), help));
    };
    let has = |field: &str| schema.field(field).is_some();
    let stamps = Stamps { created: has("CreatedDate"), modified: has("LastModifiedDate") };
    let mut fates = vec![Fate::Gone; made.len() as usize];
    let judge = Judge { past, edited_too };
    if made.len() > MOST_LISTED {
        let soql = format!("SELECT {} FROM {} WHERE {} != null", stamps.columns(), made.object, made.key);
        let mut found = sorter(ports);
        let mut each = |row: &csv::StringRecord| found.push(&stamps.found(|at| row.get(at))?);
        client.bulk_query(&soql, &mut each).await?;
        judge.all(made, &found.finish()?, &mut fates)?;
    }
    let missing = made.fated(&fates).filter(|m| m.as_ref().map_or(true, |m| m.1 == Fate::Gone));
    let found = listed(ports, client, made, &stamps, missing).await?;
    judge.all(made, &found, &mut fates)?;
    Ok(fates)
}

fn sorter<'a>(ports: &Ports<'a>) -> Sorter<'a> {
    Sorter::new(ports.files, "data/scratch/rollback-there", 15 + 2 * MOMENT, SORT_BUDGET)
}

/// What the org has of these, asked for in lists: none is called gone without an answer.
async fn listed<'a>(
    ports: &Ports<'a>,
    client: &Client<'_>,
    made: &Made<'_>,
    stamps: &Stamps,
    missing: impl Iterator<Item = io::Result<(Created, Fate)>>,
) -> Result<Sorted<'a>, EngineError> {
    let mut found = sorter(ports);
    let mut missing = missing.peekable();
    while missing.peek().is_some() {
        let ids = missing.by_ref().take(CHUNK).map(|m| Ok(m?.0.id.to_string()));
        let ids = ids.collect::<io::Result<Vec<String>>>()?;
        for list in in_lists("Id", ids.iter().map(String::as_str), false, LIST) {
            let soql = format!("SELECT {} FROM {} WHERE {list}", stamps.columns(), made.object);
            for row in client.query(&soql).await? {
                found.push(&stamps.found(|at| row.get(at).and_then(Option::as_deref))?)?;
            }
        }
    }
    Ok(found.finish()?)
}

/// Which stamps an object's records have.
struct Stamps {
    created: bool,
    modified: bool,
}

impl Stamps {
    fn columns(&self) -> &'static str {
        match (self.created, self.modified) {
            (true, true) => "Id, CreatedDate, LastModifiedDate",
            (true, false) => "Id, CreatedDate",
            (false, true) => "Id, LastModifiedDate",
            (false, false) => "Id",
        }
    }

    /// A record that is there, from its cells: Id, and its moments; zeros where it has none.
    fn found<'c>(&self, cell: impl Fn(usize) -> Option<&'c str>) -> io::Result<Vec<u8>> {
        let id = cell(0).and_then(|id| RecordId::parse(id).ok());
        let id = id.ok_or_else(|| io::Error::other("the org answers with a record that has no Id"))?;
        let mut bytes = id.bytes().to_vec();
        for (known, at) in [(self.created, 1), (self.modified, 1 + usize::from(self.created))] {
            let text = cell(at).filter(|_| known).and_then(|t| t.as_bytes().get(..MOMENT));
            bytes.extend(text.unwrap_or(&[0; MOMENT]));
        }
        Ok(bytes)
    }
}

/// Decides by what the org has.
struct Judge<'p> {
    past: &'p Past,
    edited_too: bool,
}

impl Judge<'_> {
    fn all(&self, made: &Made<'_>, found: &Sorted<'_>, fates: &mut [Fate]) -> io::Result<()> {
        let (began, ended) = (second(self.past.state.started), second(self.past.settled));
        let own = |bytes: &[u8]| id_at(bytes, 0).map(|id| (id, bytes[15..].to_vec()));
        let there = each_once(found.iter().decode(own).map(|read| read?), |f| f.0);
        let made = made.iter().enumerate().map(|(at, created)| Ok((created?, at)));
        for next in join(made, there, |m| m.0.id, |t| t.0) {
            let Joined::Both((created, at), (_, moments)) = next? else { continue };
            let (born, modified) = moments.split_at(MOMENT);
            let before = created.deed == Deed::Found as u8 && born < began.as_bytes();
            // Unconfirmed(rolled-up-stamp): whether a roll-up counted anew moves the stamp; choice: it is taken for an edit.
            fates[at] = match () {
                () if created.deed == Deed::Doubtful as u8 || before => Fate::Doubtful,
                () if !self.edited_too && modified > ended.as_bytes() => Fate::Edited,
                () => Fate::Goes,
            };
        }
        Ok(())
    }
}
