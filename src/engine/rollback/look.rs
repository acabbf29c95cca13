//! What is there now of the records that a run created: the org is asked for each of them by Id.
//!
//! Ids lie in sorted files; memory holds one byte a record, what is to become of it.

use super::fate::RecordFate;
use super::made::{Created, Made, SORT_BUDGET, id_at};
use super::past::Past;
use crate::engine::context::{EngineError, Ports};
use crate::engine::state::{Deed, MOMENT, each_once};
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::model::{KeyForm, RecordId};
use crate::salesforce::{Client, in_lists};
use crate::transform::second;
use std::io;

/// Up to so many records are asked for one by one; beyond, all that have a key are read by a bulk query.
const MOST_LISTED: usize = 20_000;
/// Characters of one list of Ids.
const LIST: usize = 8_000;
/// Ids of one list of lists.
const CHUNK: usize = 2_000;

/// Asks the org what is there of the records of one object, and gives what is to become of each, as far as the record
/// itself tells. Those of `fates` that had their turn are not asked for; all others are `Gone` until the org has them.
///
/// # Errors
/// The org's refusal, or the disk's own.
pub(super) async fn look(
    ports: &Ports<'_>,
    client: &Client<'_>,
    past: &Past,
    made: &Made<'_>,
    edited_too: bool,
    fates: &mut [RecordFate],
) -> Result<(), EngineError> {
    // What the login does not see it cannot delete.
    let Some(schema) = client.describe(&made.object).await? else {
        fates.iter_mut().filter(|fate| **fate == RecordFate::Gone).for_each(|fate| *fate = RecordFate::Fixed);
        return Ok(());
    };
    let has = |field: &str| schema.field(field).is_some();
    let key = has(&made.key).then(|| made.key.clone());
    let judge = Judge { past, edited_too, by_key: key.is_some() };
    let (created, modified) = (has("CreatedDate"), has("LastModifiedDate"));
    let stamps = Stamps { key, form: made.form, created, modified };
    if fates.iter().filter(|fate| **fate == RecordFate::Gone).count() > MOST_LISTED {
        let soql = format!("SELECT {} FROM {} WHERE {} != null", stamps.columns(), made.object, made.key);
        let mut found = sorter(ports);
        let mut each = |row: &csv::StringRecord| found.push(&stamps.found(|at| row.get(at))?);
        client.bulk_query(&soql, &mut each).await?;
        judge.all(made, &found.finish()?, fates)?;
    }
    let missing = made.fated(fates).filter(|m| m.as_ref().map_or(true, |m| m.1 == RecordFate::Gone));
    let found = listed(ports, client, made, &stamps, missing).await?;
    judge.all(made, &found, fates)?;
    if !schema.deletable {
        fix(fates);
    }
    Ok(())
}

/// Records that might go cannot.
pub(super) fn fix(fates: &mut [RecordFate]) {
    let might = |fate: &&mut RecordFate| matches!(fate, RecordFate::Goes | RecordFate::Edited);
    fates.iter_mut().filter(might).for_each(|fate| *fate = RecordFate::Fixed);
}

fn sorter<'a>(ports: &Ports<'a>) -> Sorter<'a> {
    Sorter::new(ports.files, "data/scratch/rollback-there", FOUND, SORT_BUDGET)
}

/// What the org has of these, asked for in lists: none is called gone without an answer.
async fn listed<'a>(
    ports: &Ports<'a>,
    client: &Client<'_>,
    made: &Made<'_>,
    stamps: &Stamps,
    missing: impl Iterator<Item = io::Result<(Created, RecordFate)>>,
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

/// What is asked of each record: its key, and the stamps that its object has.
struct Stamps {
    key: Option<String>,
    form: KeyForm,
    created: bool,
    modified: bool,
}

/// Bytes of a record that is there: Id, hash of its key, and its moments.
const FOUND: usize = 15 + 16 + 2 * MOMENT;

impl Stamps {
    fn columns(&self) -> String {
        let stamps = [(self.created, "CreatedDate"), (self.modified, "LastModifiedDate")];
        let stamps = stamps.into_iter().filter_map(|(known, name)| known.then_some(name));
        let all: Vec<&str> = ["Id"].into_iter().chain(self.key.as_deref()).chain(stamps).collect();
        all.join(", ")
    }

    /// A record that is there, from its cells; zeros for a key that is blank and for moments that it does not have.
    fn found<'c>(&self, cell: impl Fn(usize) -> Option<&'c str>) -> io::Result<Vec<u8>> {
        let id = cell(0).and_then(|id| RecordId::parse(id).ok());
        let id = id.ok_or_else(|| io::Error::other("the org answers with a record that has no Id"))?;
        let mut bytes = id.bytes().to_vec();
        let key = cell(1).filter(|_| self.key.is_some()).and_then(|text| self.form.hash(text));
        bytes.extend(key.unwrap_or(0).to_be_bytes());
        let first = 1 + usize::from(self.key.is_some());
        for (known, at) in [(self.created, first), (self.modified, first + usize::from(self.created))] {
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
    /// Whether the org tells the key of each record.
    by_key: bool,
}

impl Judge<'_> {
    fn all(&self, made: &Made<'_>, found: &Sorted<'_>, fates: &mut [RecordFate]) -> io::Result<()> {
        let began = second(self.past.state.started);
        let own = |bytes: &[u8]| id_at(bytes, 0).map(|id| (id, bytes[15..].to_vec()));
        let there = each_once(found.iter().decode(own).map(|read| read?), |f| f.0);
        let made = made.iter().enumerate().map(|(at, created)| Ok((created?, at)));
        for next in join(made, there, |m| m.0.id, |t| t.0) {
            let Joined::Both((created, at), (_, found)) = next? else { continue };
            if matches!(fates[at], RecordFate::Done | RecordFate::Refused) {
                continue;
            }
            let (key, moments) = found.split_at(16);
            let (born, modified) = moments.split_at(MOMENT);
            let older = self.is_older(&created, born, &began) || has_another_date(&created, born);
            fates[at] = match () {
                () if created.deed == Deed::Doubtful as u8 || older => RecordFate::Doubtful,
                () if !self.edited_too && edited(&created, born, modified) => RecordFate::Edited,
                () if self.has_another_key(&created, key) => RecordFate::Doubtful,
                () => RecordFate::Goes,
            };
        }
        Ok(())
    }
}

impl Judge<'_> {
    /// Whether a record was there before the run began to create records of its batch, by the org's own clock. Where the
    /// rows say when a record was created, its date does not tell; nor where the org did not tell its clock, unless the
    /// record was found by asking.
    fn is_older(&self, created: &Created, born: &[u8], began: &str) -> bool {
        let batch = &self.past.batches[created.batch as usize];
        let found = created.deed == Deed::Found as u8;
        match &batch.since {
            Some(since) if found || !batch.dated => born.iter().any(|b| *b != 0) && born < since.as_bytes(),
            Some(_) => false,
            None => found && born < began.as_bytes(),
        }
    }

    /// Whether a record has another key than the row that is said to have created it.
    fn has_another_key(&self, created: &Created, key: &[u8]) -> bool {
        self.by_key && key != created.key.to_be_bytes()
    }
}

/// Whether a record has another date than the row set that is said to have created it.
fn has_another_date(created: &Created, born: &[u8]) -> bool {
    let unknown = [0; MOMENT];
    created.dated != unknown && born != unknown && born != created.dated
}

/// Whether a record was changed after the run had last to do with it. All is told by the org's clock; where that is not
/// known of the run's last part, only what has not changed since it was made counts as unchanged.
// Unconfirmed(rolled-up-stamp): whether a roll-up counted anew moves the stamp; choice: it is taken for an edit.
fn edited(created: &Created, born: &[u8], modified: &[u8]) -> bool {
    modified > born && modified > created.touched.as_slice()
}
