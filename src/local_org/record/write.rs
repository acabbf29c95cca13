//! Creating and updating one record: checks first, then a single statement, so that a refused row leaves nothing.

use super::check;
use super::error::RowError;
use super::{Values, convert};
use crate::local_org::schema::flags::Flag;
use crate::local_org::schema::{Field, Object, Schema};
use crate::local_org::store::{Facts, column, ids, quote};
use crate::local_org::text::stored_moment;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

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

/// Writes records of one object for one job (or for none).
pub(crate) struct Writer<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) schema: &'a Schema,
    pub(crate) facts: &'a Facts,
    pub(crate) object: &'a Object,
    /// Number of the job that the records are created by.
    pub(crate) job: Option<i64>,
    /// The org's clock, in milliseconds since 1970.
    pub(crate) now: i64,
    stamp: Value,
    /// Fields that a new record's statement sets.
    columns: Vec<usize>,
    insert: String,
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
        let insert = insert_statement(object, &columns);
        Self {
            conn,
            schema,
            facts,
            object,
            job,
            now,
            stamp: Value::Text(stored_moment(now)),
            columns,
            insert,
        }
    }

    /// Creates a record and answers its id. `known` is a unique field already looked up and not found.
    pub(crate) fn insert(&self, mut values: Values, known: Option<usize>) -> Result<String, Refusal> {
        check::createable(self.object, &values)?;
        check::not_null(self.object, &mut values)?;
        self.defaults(&mut values);
        check::required(self.object, &values)?;
        check::owner(self, &values)?;
        check::unique(self, &values, None, known)?;
        check::rules(self, &values, None)?;
        let id = ids::mint(self.conn, self.facts, &self.object.name)?;
        self.names(&mut values, &id)?;
        let mut statement = self.conn.prepare_cached(&self.insert)?;
        let mut all: Vec<Value> = vec![Value::Text(id.clone()), self.job.map_or(Value::Null, Value::Integer)];
        for index in &self.columns {
            let value = values[*index].take().unwrap_or(Value::Null);
            let key = key_copy(&self.object.fields[*index], &value);
            all.push(value);
            all.extend(key);
        }
        statement.execute(params_from_iter(all))?;
        Ok(id)
    }

    /// Updates a record. In an upsert, a master-detail field may name the parent the record has.
    pub(crate) fn update(&self, id: &str, mut values: Values, upsert: bool) -> Result<(), Refusal> {
        if upsert {
            self.keep_masters(id, &mut values)?;
        }
        check::updateable(self.object, &values)?;
        check::not_null(self.object, &mut values)?;
        check::owner(self, &values)?;
        check::unique(self, &values, Some(id), None)?;
        check::rules(self, &values, Some(id))?;
        self.person_name(Some(id), &mut values)?;
        for (name, value) in [
            ("LastModifiedDate", self.stamp.clone()),
            ("LastModifiedById", Value::Text(self.facts.admin_id.clone())),
            ("SystemModstamp", self.stamp.clone()),
        ] {
            if let Some(index) = self.object.position(name) {
                values[index] = Some(value);
            }
        }
        self.set(id, values)
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

    fn set(&self, id: &str, values: Values) -> Result<(), Refusal> {
        let mut sql = format!("UPDATE {} SET ", quote(&self.object.name));
        let mut all = vec![Value::Text(id.to_owned())];
        for (field, value) in self.object.fields.iter().zip(values) {
            let Some(value) = value else { continue };
            let key = key_copy(field, &value);
            push_assignment(&mut sql, &field.name, &mut all, value);
            if let Some(key) = key {
                push_assignment(&mut sql, &field.key_column(), &mut all, key);
            }
        }
        sql.push_str(" WHERE \"Id\" = ?1");
        self.conn.prepare_cached(&sql)?.execute(params_from_iter(all))?;
        Ok(())
    }

    /// Fills what the org fills when it is not sent.
    fn defaults(&self, values: &mut Values) {
        for (field, value) in self.object.fields.iter().zip(values) {
            if matches!(value, None | Some(Value::Null)) {
                *value = self.default(field).or(value.take());
            }
        }
    }

    fn default(&self, field: &Field) -> Option<Value> {
        let admin = || Some(Value::Text(self.facts.admin_id.clone()));
        match field.name.as_str() {
            "OwnerId" | "CreatedById" | "LastModifiedById" => admin(),
            "CreatedDate" | "LastModifiedDate" | "SystemModstamp" => Some(self.stamp.clone()),
            _ => match &field.default {
                Some(text) => convert::value(field, 0, text).ok(),
                None => (field.kind == crate::model::FieldType::Boolean).then_some(Value::Integer(0)),
            },
        }
    }

    /// Names that the org makes: a person's, an auto number, and the id of a custom object's record without a name.
    fn names(&self, values: &mut Values, id: &str) -> Result<(), Refusal> {
        self.person_name(None, values)?;
        for (index, field) in self.object.fields.iter().enumerate() {
            if field.has(Flag::AutoNumber) {
                let number = ids::auto_number(self.conn, &self.object.name)?;
                let pattern = field.number_format.as_deref().unwrap_or("{00000000}");
                values[index] = Some(Value::Text(numbered(pattern, number)));
            }
        }
        if let (true, Some(index)) = (self.object.custom, self.object.position("Name"))
            && matches!(values[index], None | Some(Value::Null))
        {
            values[index] = Some(Value::Text(id.to_owned()));
        }
        Ok(())
    }

    /// Puts a person's Name together again when a part of it is set.
    fn person_name(&self, own: Option<&str>, values: &mut Values) -> Result<(), Refusal> {
        let object = self.object;
        if !object.person() {
            return Ok(());
        }
        let parts = ["FirstName", "LastName"].map(|n| object.position(n).unwrap_or(0));
        let set = |i: &usize| values[*i].is_some();
        if !parts.iter().any(set) {
            return Ok(());
        }
        let current = match own {
            Some(id) if !parts.iter().all(set) => self.current(id, &parts)?,
            _ => vec![Value::Null, Value::Null],
        };
        let text = |place: usize| match values[parts[place]].as_ref().unwrap_or(&current[place]) {
            Value::Text(text) => text.clone(),
            _ => String::new(),
        };
        let full = format!("{} {}", text(0), text(1)).trim().to_owned();
        if let Some(name) = object.position("Name") {
            values[name] = Some(Value::Text(full));
        }
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

fn push_assignment(sql: &mut String, column: &str, all: &mut Vec<Value>, value: Value) {
    if all.len() > 1 {
        sql.push_str(", ");
    }
    all.push(value);
    sql.push_str(&quote(column));
    sql.push_str(" = ?");
    sql.push_str(&all.len().to_string());
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

/// `A-{0000}` with the number in the braces.
fn numbered(pattern: &str, number: u64) -> String {
    let (before, rest) = pattern.split_once('{').unwrap_or((pattern, ""));
    let (zeros, after) = rest.split_once('}').unwrap_or((rest, ""));
    format!("{before}{number:0width$}{after}", width = zeros.len())
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn auto_numbers() {
        assert_eq!(numbered("OL-{000000}", 42), "OL-000042");
        assert_eq!(numbered("{0}/x", 123), "123/x");
    }
}
