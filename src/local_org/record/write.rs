//! Creating and updating one record: checks first, then a single statement, so that a refused row leaves nothing.

use super::assign::{self, Assign};
use super::error::RowError;
use super::fill::Fill;
use super::{Values, check};
use crate::local_org::rule;
use crate::local_org::schema::flags::Flag;
use crate::local_org::schema::{Field, Object, Schema};
use crate::local_org::store::ids::Minter;
use crate::local_org::store::{Facts, column, quote};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};
use std::cell::RefCell;

/// Why a row was not written: it may not be, or the database failed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The row's own fault.
    Row(RowError),
    /// Ours.
    Store(rusqlite::Error),
}

impl From<RowError> for Refusal {
    fn from(error: RowError) -> Self {
        Self::Row(error)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error)
    }
}

/// Writes records of one object for one job (or for none). What is the same for all of them is found out once.
pub(crate) struct Writer<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) schema: &'a Schema,
    pub(crate) facts: &'a Facts,
    pub(crate) object: &'a Object,
    /// Number of the job that the records are created by.
    pub(crate) job: Option<i64>,
    /// The org's clock, in milliseconds since 1970.
    pub(crate) now: i64,
    pub(super) fill: Fill,
    pub(super) assign: Assign,
    pub(super) rules: Vec<rule::Compiled<'a>>,
    /// The owner looked at last, and whether active: rows of one owner mostly stand together.
    pub(super) owner: RefCell<Option<(String, bool)>>,
    minter: Minter<'a>,
    /// Fields that a new record's statement sets.
    columns: Vec<usize>,
    insert: String,
    update: RefCell<Update>,
}

impl<'a> Writer<'a> {
    /// A writer for records that set some of the `mapped` fields.
    pub(crate) fn new(
        conn: &'a Connection,
        schema: &'a Schema,
        facts: &'a Facts,
        object: &'a Object,
        job: Option<i64>,
        mapped: &[usize],
        now: i64,
    ) -> Self {
        let columns = insert_columns(object, mapped);
        Self {
            conn,
            schema,
            facts,
            object,
            job,
            now,
            fill: Fill::new(object, facts, now),
            assign: Assign::Off,
            rules: object.rules.iter().map(rule::compile).collect(),
            owner: RefCell::default(),
            minter: Minter::new(conn, facts, &object.name),
            insert: insert_statement(object, &columns),
            update: RefCell::default(),
            columns,
        }
    }

    /// The same writer, with assignment rules.
    pub(crate) fn assigning(self, assign: Assign) -> Self {
        Self { assign, ..self }
    }

    /// Creates a record and answers its id. `known` is a unique field already looked up and not found. In a job, the
    /// counter of ids waits for [`Writer::flush`].
    pub(crate) fn insert(&self, mut values: Values, known: Option<usize>) -> Result<String, Refusal> {
        assign::give(self, &mut values, true)?;
        check::createable(self.object, &values)?;
        check::not_null(self.object, &mut values)?;
        check::required(self, &values)?;
        check::owner(self, &values)?;
        check::unique(self, &values, None, known)?;
        check::rules(self, &values, None)?;
        let id = self.minter.next()?;
        if self.job.is_none() {
            self.flush()?;
        }
        self.fill.names(self, &mut values, &id)?;
        let mut statement = self.conn.prepare_cached(&self.insert)?;
        statement.raw_bind_parameter(1, &id)?;
        statement.raw_bind_parameter(2, self.job)?;
        let mut place = 3;
        for index in &self.columns {
            let value = self.fill.of(&values, *index).unwrap_or(&Value::Null);
            statement.raw_bind_parameter(place, value)?;
            place += 1;
            if let Some(key) = key_copy(&self.object.fields[*index], value) {
                statement.raw_bind_parameter(place, key)?;
                place += 1;
            }
        }
        statement.raw_execute()?;
        assign::territories(self, &id)?;
        Ok(id)
    }

    /// Writes the counter of ids into the database. A job does it after each chunk of rows.
    pub(crate) fn flush(&self) -> rusqlite::Result<()> {
        self.minter.flush()
    }

    /// Updates a record. In an upsert, a master-detail field may name the parent the record has. `known` is a field by
    /// whose value, which it keeps, this record alone was found.
    pub(crate) fn update(
        &self,
        id: &str,
        mut values: Values,
        upsert: bool,
        known: Option<usize>,
    ) -> Result<(), Refusal> {
        if upsert {
            self.keep_masters(id, &mut values)?;
        }
        assign::give(self, &mut values, false)?;
        check::updateable(self.object, &values)?;
        check::not_null(self.object, &mut values)?;
        check::owner(self, &values)?;
        check::unique(self, &values, Some(id), known)?;
        check::rules(self, &values, Some(id))?;
        self.fill.person_name(self, Some(id), &mut values)?;
        self.fill.touch(&mut values);
        self.set(id, &values, known)?;
        Ok(assign::territories(self, id)?)
    }

    /// The current values of some fields.
    pub(crate) fn current(&self, id: &str, fields: &[usize]) -> Result<Vec<Value>, Refusal> {
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let columns: Vec<String> = fields.iter().map(|i| column(&self.object.fields[*i])).collect();
        let sql =
            format!("SELECT {} FROM {} WHERE \"Id\" = ?1", columns.join(", "), quote(&self.object.name));
        let mut statement = self.conn.prepare_cached(&sql)?;
        let read = |row: &rusqlite::Row<'_>| (0..fields.len()).map(|i| row.get(i)).collect();
        let row = statement.query_row([id], read).optional()?;
        row.ok_or_else(|| RowError::deleted().into())
    }

    /// Writes values into a record. The folded copy of `known` stays as it is.
    fn set(&self, id: &str, values: &Values, known: Option<usize>) -> Result<(), Refusal> {
        let fields: Vec<usize> = (0..values.len()).filter(|i| values[*i].is_some()).collect();
        let mut last = self.update.borrow_mut();
        if last.is_other(&fields, known) {
            *last = Update::new(self.object, fields, known);
        }
        let mut statement = self.conn.prepare_cached(&last.sql)?;
        statement.raw_bind_parameter(1, id)?;
        let mut place = 2;
        for index in &last.fields {
            let value = values[*index].as_ref().unwrap_or(&Value::Null);
            statement.raw_bind_parameter(place, value)?;
            place += 1;
            let field = &self.object.fields[*index];
            if let Some(key) = key_copy(field, value).filter(|_| known != Some(*index)) {
                statement.raw_bind_parameter(place, key)?;
                place += 1;
            }
        }
        statement.raw_execute()?;
        Ok(())
    }

    /// Takes master-detail fields that name the parent the record has out of `values`; refuses another parent.
    fn keep_masters(&self, id: &str, values: &mut Values) -> Result<(), Refusal> {
        for (index, field) in self.object.fields.iter().enumerate() {
            if field.order.is_none() || field.has(Flag::Updateable) || values[index].is_none() {
                continue;
            }
            let current = self.current(id, &[index])?;
            if current.first() != values[index].as_ref() {
                let text = |v: Option<&Value>| v.and_then(check::plain).unwrap_or_default();
                let message = format!(
                    "Attempting to update (as part of an upsert) parent field {} with new value {}, current value {}",
                    field.name,
                    text(values[index].as_ref()),
                    text(current.first())
                );
                return Err(RowError::at("INVALID_FIELD_FOR_INSERT_UPDATE", message, &field.name).into());
            }
            values[index] = None;
        }
        Ok(())
    }
}

/// The folded copy of a key's value, when one is kept.
fn key_copy(field: &Field, value: &Value) -> Option<Value> {
    field.keyed().then(|| match value {
        Value::Text(text) => Value::Text(field.key_of(text)),
        _ => Value::Null,
    })
}

/// The statement that changed the last record: the next one mostly sets the same fields.
#[derive(Default)]
struct Update {
    fields: Vec<usize>,
    known: Option<usize>,
    sql: String,
}

impl Update {
    fn new(object: &Object, fields: Vec<usize>, known: Option<usize>) -> Self {
        let mut columns = Vec::new();
        for index in &fields {
            let field = &object.fields[*index];
            columns.push(column(field));
            if field.keyed() && known != Some(*index) {
                columns.push(quote(&field.key_column()));
            }
        }
        let set: Vec<String> = columns.iter().enumerate().map(|(i, c)| format!("{c} = ?{}", i + 2)).collect();
        let sql = format!("UPDATE {} SET {} WHERE \"Id\" = ?1", quote(&object.name), set.join(", "));
        Self { fields, known, sql }
    }

    /// Whether it is not the statement for these fields.
    fn is_other(&self, fields: &[usize], known: Option<usize>) -> bool {
        self.sql.is_empty() || self.fields != fields || self.known != known
    }
}

/// The fields that a new record's statement sets: what the job maps, and what the org may fill.
fn insert_columns(object: &Object, mapped: &[usize]) -> Vec<usize> {
    let filled = |f: &Field| {
        f.default.is_some()
            || f.has(Flag::AutoNumber)
            || f.has(Flag::NameField)
            || matches!(
                f.name.as_str(),
                "OwnerId"
                    | "CreatedById"
                    | "LastModifiedById"
                    | "CreatedDate"
                    | "LastModifiedDate"
                    | "SystemModstamp"
            )
    };
    let wanted = |i: &usize| mapped.contains(i) || filled(&object.fields[*i]);
    (0..object.fields.len()).filter(|i| object.fields[*i].name != "Id").filter(wanted).collect()
}

fn insert_statement(object: &Object, columns: &[usize]) -> String {
    let mut names = vec![quote("Id"), quote("#job")];
    for index in columns {
        let field = &object.fields[*index];
        names.push(column(field));
        if field.keyed() {
            names.push(quote(&field.key_column()));
        }
    }
    let marks = vec!["?"; names.len()].join(", ");
    format!("INSERT INTO {} ({}) VALUES ({marks})", quote(&object.name), names.join(", "))
}
