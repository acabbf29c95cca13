//! What somebody else does in the org while a client works there: deletes a job, deletes or changes records. By the same
//! rules as anybody, so what keeps a record from being deleted keeps it here too.
//!
//! Must not know HTTP, nor why it happens: that is the faults'.

use super::fault::Others;
use super::job::info::Kind;
use super::record::assign::Assign;
use super::record::find;
use super::record::save::Place;
use super::record::write::Refusal;
use super::schema::Object;
use super::store::{LIVE, quote};
use super::text::{full_id, mix};
use super::{LocalOrg, job};
use rusqlite::{Connection, Result};
use serde_json::{Map, Value};

impl LocalOrg {
    /// A job among these parts of a path is aborted, and deleted with all that is told of it. What it has done stays.
    pub(super) fn others_delete_job(&self, path: &[String]) -> Result<()> {
        let mut db = self.db();
        for id in path.iter().filter_map(|part| full_id(part)) {
            if let Some(found) = job::load(&db, Kind::Ingest, &id)? {
                let tx = db.transaction()?;
                job::delete(&tx, found.seq)?;
                tx.commit()?;
            }
        }
        Ok(())
    }

    /// Records go into the recycle bin, with what belongs to them.
    pub(super) fn others_delete(&self, others: &Others) -> Result<()> {
        self.others_do(others, |place, object, id| place.delete(object, id).map(|_| ()))
    }

    /// A field of records gets a value.
    pub(super) fn others_edit(&self, others: &Others, field: &str, value: &str) -> Result<()> {
        let record = Map::from_iter([(field.to_owned(), Value::String(value.to_owned()))]);
        self.others_do(others, |place, object, id| place.update(object, id, &record).map(|_| ()))
    }

    /// Does something to each record that is meant; one that refuses it stays as it is.
    fn others_do(
        &self,
        others: &Others,
        each: impl Fn(&Place<'_>, &'_ Object, &str) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        let (schema, struck) = (&self.0.schema, self.struck());
        let Some(object) = schema.object(&others.object) else { return Ok(()) };
        let mut db = self.db();
        let savepoint = db.savepoint()?;
        let (facts, now) = (&self.0.facts, self.now());
        let place = Place { conn: &savepoint, schema, facts, now, assign: Assign::Off, faults: None };
        let mut ids = self.meant(&savepoint, object, others)?;
        ids.sort_by_key(|id| mix(self.0.facts.seed ^ struck, xxhash_rust::xxh3::xxh3_64(id.as_bytes())));
        for id in ids.iter().take(others.count as usize) {
            if let Err(Refusal::Store(error)) = each(&place, object, id) {
                return Err(error);
            }
        }
        savepoint.commit()
    }

    /// Ids of the live records of an object, or of the one that is named.
    fn meant(&self, conn: &Connection, object: &Object, others: &Others) -> Result<Vec<String>> {
        let sql = format!("SELECT \"Id\" FROM {} WHERE {LIVE} ORDER BY \"Id\"", quote(&object.name));
        let all: Vec<String> = conn.prepare(&sql)?.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
        let Some(name) = &others.record else { return Ok(all) };
        let mut named = Vec::new();
        for id in all {
            if find::is_named(conn, &self.0.schema, &id, name)? {
                named.push(id);
            }
        }
        Ok(named)
    }
}
