//! One row of an ingest job: what its cells mean, whether it creates, updates or deletes, and what becomes of it.

use super::header::Column;
use crate::local_org::record::error::RowError;
use crate::local_org::record::remove::{self, Removal};
use crate::local_org::record::write::{Refusal, Writer};
use crate::local_org::record::{Cell, Values, convert, find};
use crate::local_org::text::full_id;
use crate::model::FieldType;
use rusqlite::types::Value;
use std::cell::RefCell;
use std::collections::HashMap;

/// What became of a row that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Landed {
    pub(crate) id: String,
    pub(crate) created: bool,
}

/// Why a row was not taken, with the id of the record that it means, where there is one.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) id: String,
    pub(crate) why: Refusal,
}

impl<E: Into<Refusal>> From<E> for Refused {
    fn from(why: E) -> Self {
        Self { id: String::new(), why: why.into() }
    }
}

/// What a job does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Insert,
    Update,
    /// By this field.
    Upsert(usize),
    Delete(Removal),
}

/// The rows of some slices of one job.
pub(crate) struct Rows<'a> {
    pub(crate) writer: &'a Writer<'a>,
    pub(crate) columns: &'a [Column],
    pub(crate) operation: Operation,
    /// Parents found, by column and key.
    parents: RefCell<HashMap<(usize, String), Result<String, RowError>>>,
}

impl<'a> Rows<'a> {
    /// Rows of a job with these columns.
    pub(crate) fn new(writer: &'a Writer<'a>, columns: &'a [Column], operation: Operation) -> Self {
        Self { writer, columns, operation, parents: RefCell::default() }
    }

    /// Which columns hold doubles, whose cells come back in results as the API writes numbers.
    pub(crate) fn doubles(&self) -> Vec<bool> {
        use FieldType::{Currency, Double, Percent};
        let kind = |column: &Column| match column {
            Column::Field(field) => self.writer.object.fields[*field].kind,
            Column::Id | Column::Parent { .. } => FieldType::Id,
        };
        self.columns.iter().map(|column| matches!(kind(column), Double | Currency | Percent)).collect()
    }

    /// Ends a chunk: what it minted is kept, and what it may have changed is looked up anew.
    pub(crate) fn end_chunk(&self) -> rusqlite::Result<()> {
        let own = |column: &Column| match column {
            Column::Parent { object, .. } => {
                self.writer.schema.objects[*object].name == self.writer.object.name
            }
            Column::Id | Column::Field(_) => true,
        };
        self.parents.borrow_mut().retain(|(index, _), _| !self.columns.get(*index).is_some_and(own));
        self.writer.flush()
    }

    /// The key of a row in the form in which two are the same, when rows must not share it; `None` for a blank one.
    pub(crate) fn identity(&self, cells: &[&str]) -> Option<String> {
        match self.operation {
            Operation::Upsert(field) => {
                let raw = self.key_cell(field, cells)?;
                Some(self.writer.object.fields[field].same(raw))
            }
            Operation::Update => full_id(self.id_cell(cells)?.trim()),
            Operation::Insert | Operation::Delete(_) => None,
        }
    }

    /// Whether the row refers to this record, named by its id or by a key.
    pub(crate) fn refers_to(&self, cells: &[&str], record: &str) -> bool {
        self.columns.iter().zip(cells).any(|(column, raw)| {
            let Cell::Text(text) = Cell::of(raw) else { return false };
            let id = match column {
                Column::Parent { object, key, .. } => self.parent(*object, *key, text).ok(),
                Column::Field(field) => {
                    let reference = self.writer.object.fields[*field].kind == FieldType::Reference;
                    full_id(text.trim()).filter(|_| reference)
                }
                Column::Id => None,
            };
            let (conn, schema) = (self.writer.conn, self.writer.schema);
            id.is_some_and(|id| find::is_named(conn, schema, &id, record).unwrap_or(false))
        })
    }

    /// The refusal of a row whose identity another row of the same chunk has.
    ///
    /// Unconfirmed(key-twice-in-chunk): whether every row of the group fails, and the tail of the text; choice: every
    /// one, with the field's name.
    pub(crate) fn twice(&self, cells: &[&str]) -> RowError {
        match self.operation {
            Operation::Upsert(field) if self.writer.object.fields[field].kind != FieldType::Id => {
                let raw = self.key_cell(field, cells).unwrap_or_default();
                RowError::twice(&self.writer.object.fields[field].name, raw)
            }
            _ => {
                let id = self.id_cell(cells).unwrap_or_default();
                RowError::at("DUPLICATE_VALUE", format!("Duplicate id specified: {id}"), "Id")
            }
        }
    }

    /// Does what the row asks for.
    pub(crate) fn run(&self, cells: &[&str]) -> Result<Landed, Refused> {
        match self.operation {
            Operation::Insert => Ok(self.insert(cells, None)?),
            Operation::Update => self.update(cells),
            Operation::Upsert(field) => self.upsert(field, cells),
            Operation::Delete(removal) => self.delete(cells, removal),
        }
    }

    /// `known` is a unique field already looked up and not found.
    fn insert(&self, cells: &[&str], known: Option<usize>) -> Result<Landed, Refusal> {
        if self.id_cell(cells).is_some() {
            let message = "cannot specify Id in an insert call";
            return Err(RowError::at("INVALID_FIELD_FOR_INSERT_UPDATE", message, "Id").into());
        }
        let id = self.writer.insert(self.values(cells)?, known)?;
        Ok(Landed { id, created: true })
    }

    fn update(&self, cells: &[&str]) -> Result<Landed, Refused> {
        let raw = self
            .id_cell(cells)
            .ok_or_else(|| RowError::plain("MISSING_ARGUMENT", "Id not specified in an update call"))?;
        self.change(find::own(self.writer, raw)?, cells, None)
    }

    /// Changes the record of this id. `known` is the key by which it was found.
    fn change(&self, id: String, cells: &[&str], known: Option<usize>) -> Result<Landed, Refused> {
        match self.values(cells).and_then(|values| self.writer.update(&id, values, known.is_some(), known)) {
            Ok(()) => Ok(Landed { id, created: false }),
            Err(why) => Err(Refused { id, why }),
        }
    }

    fn upsert(&self, field: usize, cells: &[&str]) -> Result<Landed, Refused> {
        let object = self.writer.object;
        let key = &object.fields[field];
        if key.kind == FieldType::Id {
            let new = self.id_cell(cells).is_none();
            return if new { Ok(self.insert(cells, None)?) } else { self.update(cells) };
        }
        if self.id_cell(cells).is_some() {
            let message = "cannot specify both an external ID reference and a salesforce id";
            return Err(RowError::at("INVALID_FIELD", message, "Id").into());
        }
        let raw = self.key_cell(field, cells).ok_or_else(|| RowError::not_specified(&key.name))?;
        let mut found = find::by_key(self.writer.conn, object, key, raw, None)?;
        match found.len() {
            0 => Ok(self.insert(cells, Some(field))?),
            1 => self.change(found.remove(0), cells, Some(field)),
            _ => Err(RowError::ambiguous(key, &found).into()),
        }
    }

    fn delete(&self, cells: &[&str], removal: Removal) -> Result<Landed, Refused> {
        let raw = self.id_cell(cells).ok_or_else(|| RowError::not_specified("Id"))?;
        let id = find::own(self.writer, raw)?;
        match remove::delete(self.writer, &id, removal) {
            Ok(()) => Ok(Landed { id, created: false }),
            Err(why) => Err(Refused { id, why }),
        }
    }

    fn cell<'c>(&self, cells: &[&'c str], wanted: impl Fn(&Column) -> bool) -> Option<&'c str> {
        let index = self.columns.iter().position(wanted)?;
        match Cell::of(cells.get(index)?) {
            Cell::Text(text) => Some(text),
            Cell::Keep | Cell::Null => None,
        }
    }

    fn id_cell<'c>(&self, cells: &[&'c str]) -> Option<&'c str> {
        self.cell(cells, |c| *c == Column::Id)
    }

    fn key_cell<'c>(&self, field: usize, cells: &[&'c str]) -> Option<&'c str> {
        if self.writer.object.fields[field].kind == FieldType::Id {
            return self.id_cell(cells);
        }
        self.cell(cells, |c| *c == Column::Field(field))
    }

    fn values(&self, cells: &[&str]) -> Result<Values, Refusal> {
        let mut values: Values = vec![None; self.writer.object.fields.len()];
        for (index, (column, raw)) in self.columns.iter().zip(cells).enumerate() {
            let Some(field) = column.field() else { continue };
            values[field] = match Cell::of(raw) {
                Cell::Keep => continue,
                Cell::Null => Some(Value::Null),
                Cell::Text(text) => Some(self.value(index, column, field, text)?),
            };
        }
        Ok(values)
    }

    fn value(&self, index: usize, column: &Column, field: usize, text: &str) -> Result<Value, Refusal> {
        let writer = self.writer;
        let shape = &writer.object.fields[field];
        match column {
            Column::Parent { object, key, .. } => {
                self.remembered(index, text, || self.parent(*object, *key, text))
            }
            _ if shape.kind == FieldType::Reference => self.remembered(index, text, || {
                find::parent(writer.conn, writer.schema, writer.object, shape, text)
            }),
            _ => Ok(convert::value(shape, index, text)?),
        }
    }

    /// Finds a parent once a slice: rows of one parent mostly stand together.
    fn remembered(
        &self,
        index: usize,
        text: &str,
        find: impl FnOnce() -> Result<String, Refusal>,
    ) -> Result<Value, Refusal> {
        let place = (index, text.to_owned());
        let known = self.parents.borrow().get(&place).cloned();
        let found = match known {
            Some(found) => found,
            None => {
                let found = match find() {
                    Ok(id) => Ok(id),
                    Err(Refusal::Row(error)) => Err(error),
                    Err(store) => return Err(store),
                };
                self.parents.borrow_mut().insert(place, found.clone());
                found
            }
        };
        Ok(Value::Text(found?))
    }

    /// The parent with this key, among records that this job did not create.
    fn parent(&self, object: usize, key: usize, raw: &str) -> Result<String, Refusal> {
        let parent = &self.writer.schema.objects[object];
        let field = &parent.fields[key];
        let mut found = find::by_key(self.writer.conn, parent, field, raw, self.writer.job)?;
        if parent.name == "RecordType" {
            found = find::record_types_of(self.writer.conn, self.writer.object, field, raw)?;
        }
        match found.len() {
            0 => Err(RowError::parent_missing(raw, &field.name, &parent.name).into()),
            1 => Ok(found.remove(0)),
            _ => Err(RowError::ambiguous(field, &found).into()),
        }
    }
}
