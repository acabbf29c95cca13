//! Saving one record that came as JSON: insert, update, upsert by a key, delete. The same checks and the same writer as
//! for the rows of a bulk job.

use super::assign::Assign;
use super::error::RowError;
use super::find;
use super::json::{self, Asked, Record};
use super::remove::{self, Removal};
use super::write::{Refusal, Writer};
use crate::local_org::fault::Faults;
use crate::local_org::schema::{Object, Schema};
use crate::local_org::store::Facts;
use crate::model::FieldType;
use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use serde_json::Value;

/// What saving needs besides the record.
pub(crate) struct Place<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) schema: &'a Schema,
    pub(crate) facts: &'a Facts,
    pub(crate) now: i64,
    /// Which assignment rules run.
    pub(crate) assign: Assign,
    /// What befalls records on their way, if anything may.
    pub(crate) faults: Option<&'a Faults>,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) id: String,
    pub(crate) created: bool,
}

impl<'a> Place<'a> {
    /// Creates a record.
    pub(crate) fn insert(&self, object: &'a Object, record: &Record) -> Result<Saved, Refusal> {
        let asked = json::read(self.conn, self.schema, object, record)?;
        if asked.id.is_some() {
            let message = "cannot specify Id in an insert call";
            return Err(RowError::at("INVALID_FIELD_FOR_INSERT_UPDATE", message, "Id").into());
        }
        self.create(object, asked, None)
    }

    /// Updates the record with this id, of 18 characters; an id in the record itself does not count.
    pub(crate) fn update(&self, object: &'a Object, id: &str, record: &Record) -> Result<Saved, Refusal> {
        let asked = json::read(self.conn, self.schema, object, record)?;
        self.change(object, id, asked, false)
    }

    /// Updates the record that has `value` in its key field, or creates it.
    pub(crate) fn upsert(
        &self,
        object: &'a Object,
        key: usize,
        value: Option<&Value>,
        record: &Record,
    ) -> Result<Saved, Refusal> {
        let field = &object.fields[key];
        let raw = value.and_then(json::text);
        if field.kind == FieldType::Id {
            return match raw {
                Some(raw) => self.update(object, &self.own_id(object, &raw)?, record),
                None => self.create(object, json::read(self.conn, self.schema, object, record)?, None),
            };
        }
        let raw = raw.ok_or_else(|| RowError::not_specified(&field.name))?;
        let mut asked = json::read(self.conn, self.schema, object, record)?;
        if asked.id.is_some() {
            let message = "cannot specify both an external ID reference and a salesforce id";
            return Err(RowError::at("INVALID_FIELD", message, "Id").into());
        }
        let found = find::by_key(self.conn, object, field, &raw, None)?;
        match found.as_slice() {
            [] => {
                let sent = value.unwrap_or(&Value::Null);
                asked.values[key] = Some(json::field(self.conn, self.schema, object, field, sent)?);
                self.create(object, asked, Some(key))
            }
            [id] => self.change(object, id, asked, true),
            many => Err(RowError::ambiguous(field, many).into()),
        }
    }

    /// Deletes the record with this id, of 18 characters.
    pub(crate) fn delete(&self, object: &'a Object, id: &str) -> Result<Saved, Refusal> {
        self.meet_locks(object, id, &[])?;
        remove::delete(&self.writer(object, &[]), id, Removal::Mark)?;
        Ok(Saved { id: id.to_owned(), created: false })
    }

    /// The id, of 18 characters, of an existing record of the object.
    pub(crate) fn own_id(&self, object: &'a Object, raw: &str) -> Result<String, Refusal> {
        find::own(&self.writer(object, &[]), raw)
    }

    fn create(&self, object: &'a Object, asked: Asked, known: Option<usize>) -> Result<Saved, Refusal> {
        self.meet_locks(object, "", &asked.values)?;
        let id = self.writer(object, &set(&asked)).insert(asked.values, known)?;
        Ok(Saved { id, created: true })
    }

    fn change(&self, object: &'a Object, id: &str, asked: Asked, upsert: bool) -> Result<Saved, Refusal> {
        self.meet_locks(object, id, &asked.values)?;
        self.writer(object, &set(&asked)).update(id, asked.values, upsert, None)?;
        Ok(Saved { id: id.to_owned(), created: false })
    }

    /// Refuses a record that meets a lock, or an org that is maintained.
    fn meet_locks(&self, object: &Object, id: &str, values: &[Option<Sql>]) -> Result<(), RowError> {
        let Some(faults) = self.faults.filter(|faults| !faults.is_empty()) else { return Ok(()) };
        let content = xxhash_rust::xxh3::xxh3_64(format!("{} {id} {values:?}", object.name).as_bytes());
        let refers = |parent: &str| {
            object.fields.iter().zip(values).any(|(field, value)| match value {
                Some(Sql::Text(id)) if field.kind == FieldType::Reference => {
                    find::is_named(self.conn, self.schema, id, parent).unwrap_or(false)
                }
                _ => false,
            })
        };
        match faults.meets(self.facts.seed, self.now, content, &refers) {
            Some(met) => Err(RowError::of(met)),
            None => Ok(()),
        }
    }

    fn writer(&self, object: &'a Object, mapped: &[usize]) -> Writer<'a> {
        let writer = Writer::new(self.conn, self.schema, self.facts, object, None, mapped, self.now);
        writer.assigning(self.assign.clone())
    }
}

/// The fields that a record sets.
fn set(asked: &Asked) -> Vec<usize> {
    asked.values.iter().enumerate().filter(|(_, v)| v.is_some()).map(|(i, _)| i).collect()
}
