//! What is there now of the records that a run created: the org is asked for each of them by Id.
//!
//! Ids lie in sorted files; memory holds one byte a record, what is to become of it.

use super::fate::RecordFate;
use super::made::{Created, MOMENT, Made, SORT_BUDGET, id_at};
use super::past::Past;
use crate::engine::context::{EngineError, Ports};
use crate::engine::state::{Deed, each_once};
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::model::RecordId;
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
    let stamps = Stamps { created: has("CreatedDate"), modified: has("LastModifiedDate") };
    let judge = Judge { past, edited_too };
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
    Sorter::new(ports.files, "data/scratch/rollback-there", 15 + 2 * MOMENT, SORT_BUDGET)
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
    fn all(&self, made: &Made<'_>, found: &Sorted<'_>, fates: &mut [RecordFate]) -> io::Result<()> {
        let began = second(self.past.state.started);
        let own = |bytes: &[u8]| id_at(bytes, 0).map(|id| (id, bytes[15..].to_vec()));
        let there = each_once(found.iter().decode(own).map(|read| read?), |f| f.0);
        let made = made.iter().enumerate().map(|(at, created)| Ok((created?, at)));
        for next in join(made, there, |m| m.0.id, |t| t.0) {
            let Joined::Both((created, at), (_, moments)) = next? else { continue };
            if matches!(fates[at], RecordFate::Done | RecordFate::Refused) {
                continue;
            }
            let (born, modified) = moments.split_at(MOMENT);
            let since = self.past.batches[created.batch as usize].since.as_ref().unwrap_or(&began);
            let before = created.deed == Deed::Found as u8 && born < since.as_bytes();
            fates[at] = match () {
                () if created.deed == Deed::Doubtful as u8 || before => RecordFate::Doubtful,
                () if !self.edited_too && edited(&created, born, modified) => RecordFate::Edited,
                () => RecordFate::Goes,
            };
        }
        Ok(())
    }
}

/// Whether a record was changed after the run had last to do with it. All is told by the org's clock; where that is not
/// known of the run's last part, only what has not changed since it was made counts as unchanged.
// Unconfirmed(rolled-up-stamp): whether a roll-up counted anew moves the stamp; choice: it is taken for an edit.
fn edited(created: &Created, born: &[u8], modified: &[u8]) -> bool {
    modified > born && modified > created.touched.as_slice()
}
