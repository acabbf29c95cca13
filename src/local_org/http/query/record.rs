//! Records as JSON: attributes first, then what was selected, parents and children nested.

use super::{PAGE, cursors};
use crate::local_org::decimal::java;
use crate::local_org::http::Call;
use crate::local_org::soql::Compiled;
use crate::local_org::soql::compile::{Column, Only};
use crate::local_org::soql::read::{Answer as Row, Cursor, number};
use crate::model::FieldType;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};
use std::sync::Arc;

/// Records of one page.
pub(super) struct Page {
    /// JSON, joined by commas.
    pub(super) records: String,
    pub(super) count: u64,
    pub(super) next: Option<Cursor>,
}

/// One part of a record's JSON.
enum Part<'c> {
    Field { name: &'c str, column: usize },
    Parent { name: &'c str, path: usize, mixed: bool, parts: Vec<Part<'c>> },
    Children { name: &'c str, query: &'c Compiled, writer: Writer<'c> },
}

/// Writes the records of one query.
pub(super) struct Writer<'c> {
    call: &'c Call,
    object: usize,
    columns: &'c [Column],
    parts: Vec<Part<'c>>,
}

/// The answer around records.
pub(super) fn answer(call: &Call, total: u64, more: Option<&str>, records: &str) -> String {
    let done = more.is_none();
    let next = more.map(|locator| format!("\"nextRecordsUrl\":\"{}/query/{locator}\",", call.base()));
    let next = next.unwrap_or_default();
    format!("{{\"totalSize\":{total},\"done\":{done},{next}\"records\":[{records}]}}")
}

/// One group as JSON.
pub(super) fn group(compiled: &Compiled, row: &Row<'_>) -> Result<String> {
    let mut out = String::from("{\"attributes\":{\"type\":\"AggregateResult\"}");
    for (index, column) in compiled.columns.iter().enumerate() {
        out.push(',');
        push_name(&mut out, &column.names[0]);
        push_value(&mut out, row.value(index)?, column.kind);
    }
    out.push('}');
    Ok(out)
}

impl<'c> Writer<'c> {
    /// Of the records that this query answers.
    pub(super) fn new(call: &'c Call, compiled: &'c Compiled) -> Self {
        let mut writer =
            Self { call, object: compiled.object, columns: &compiled.columns, parts: Vec::new() };
        for index in 0..=compiled.columns.len() {
            for child in compiled.children.iter().filter(|child| child.before == index) {
                let (name, query) = (child.name.as_str(), &child.query);
                writer.parts.push(Part::Children { name, query, writer: Writer::new(call, query) });
            }
            if let Some(column) = compiled.columns.get(index) {
                place(&mut writer.parts, compiled, &column.names, 0, index);
            }
        }
        writer
    }

    /// The records of a page. `compiled` is the writer's query, perhaps of one parent.
    pub(super) fn page(
        &self,
        db: &Connection,
        compiled: &Compiled,
        cursor: Cursor,
        size: u64,
    ) -> Result<Page> {
        let (mut records, mut count) = (String::new(), 0);
        let name = &self.call.org.0.schema.objects[self.object].name;
        let next = compiled.page(db, cursor, size, &mut |row| {
            if count > 0 {
                records.push(',');
            }
            count += 1;
            self.head(&mut records, name, name, row.id()?);
            self.parts(db, &self.parts, name, row, &mut records)?;
            records.push('}');
            Ok(())
        })?;
        Ok(Page { records, count, next })
    }

    fn head(&self, out: &mut String, kind: &str, object: &str, id: &str) {
        let base = self.call.base();
        out.push_str(&format!(
            "{{\"attributes\":{{\"type\":\"{kind}\",\"url\":\"{base}/sobjects/{object}/{id}\"}}"
        ));
    }

    /// The parts that are shown for an object of this name.
    fn parts(
        &self,
        db: &Connection,
        parts: &[Part<'_>],
        object: &str,
        row: &Row<'_>,
        out: &mut String,
    ) -> Result<()> {
        for part in parts.iter().filter(|part| self.shows(part, object)) {
            out.push(',');
            match part {
                Part::Field { name, column } => {
                    push_name(out, name);
                    push_value(out, row.value(*column)?, self.columns[*column].kind);
                }
                Part::Parent { name, path, mixed, parts } => {
                    push_name(out, name);
                    self.parent(db, (*path, *mixed), parts, row, out)?;
                }
                Part::Children { name, query, writer } => {
                    push_name(out, name);
                    writer.children(db, query, row.id()?, out)?;
                }
            }
        }
        Ok(())
    }

    fn shows(&self, part: &Part<'_>, object: &str) -> bool {
        let Part::Field { column, .. } = part else { return true };
        match &self.columns[*column].only {
            Only::All => true,
            Only::Object(name) => name == object,
            Only::Others(names) => !names.iter().any(|name| name.eq_ignore_ascii_case(object)),
        }
    }

    /// A parent, null without one, and null where TYPEOF has nothing for its object.
    fn parent(
        &self,
        db: &Connection,
        (path, mixed): (usize, bool),
        parts: &[Part<'_>],
        row: &Row<'_>,
        out: &mut String,
    ) -> Result<()> {
        let parent = row.parent(path)?;
        let object = parent.and_then(|id| self.call.org.0.schema.by_prefix(id));
        match (parent, object) {
            (Some(id), Some(object)) if parts.iter().any(|part| self.shows(part, &object.name)) => {
                // A parent that can be of several objects is said to be a Name (seen in reports of real answers).
                self.head(out, if mixed { "Name" } else { &object.name }, &object.name, id);
                self.parts(db, parts, &object.name, row, out)?;
                out.push('}');
            }
            _ => out.push_str("null"),
        }
        Ok(())
    }

    /// The children of one record, null without any.
    fn children(&self, db: &Connection, query: &Compiled, parent: &str, out: &mut String) -> Result<()> {
        let bound = query.of_parent(parent);
        let Page { records, count, next } = self.page(db, &bound, Cursor::default(), PAGE)?;
        if count == 0 {
            out.push_str("null");
            return Ok(());
        }
        let total = if next.is_some() { bound.total(db)? } else { count };
        let bound = Arc::new(bound);
        let more = next.map(|next| cursors::remember(&self.call.org, None, &bound, total, next));
        out.push_str(&answer(self.call, total, more.as_deref(), &records));
        Ok(())
    }
}

fn place<'c>(
    parts: &mut Vec<Part<'c>>,
    compiled: &'c Compiled,
    names: &'c [String],
    depth: usize,
    column: usize,
) {
    let name = names[depth].as_str();
    if depth + 1 == names.len() {
        parts.push(Part::Field { name, column });
        return;
    }
    let known = parts.iter().position(|p| matches!(p, Part::Parent { name: known, .. } if *known == name));
    let index = known.unwrap_or_else(|| {
        let path = compiled.parents.iter().position(|p| p.names[..] == names[..=depth]).unwrap_or(0);
        let mixed = compiled.parents.get(path).is_some_and(|parent| parent.mixed);
        parts.push(Part::Parent { name, path, mixed, parts: Vec::new() });
        parts.len() - 1
    });
    if let Some(Part::Parent { parts, .. }) = parts.get_mut(index) {
        place(parts, compiled, names, depth + 1, column);
    }
}

fn push_name(out: &mut String, name: &str) {
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
}

/// A stored value as JSON.
fn push_value(out: &mut String, value: ValueRef<'_>, kind: FieldType) {
    if let Some(number) = number(value, kind) {
        return out.push_str(&java(number));
    }
    match value {
        ValueRef::Null | ValueRef::Blob(_) | ValueRef::Real(_) => out.push_str("null"),
        ValueRef::Integer(n) if kind == FieldType::Boolean => {
            out.push_str(if n != 0 { "true" } else { "false" })
        }
        ValueRef::Integer(n) => out.push_str(&n.to_string()),
        // The database has put a compound address together as JSON.
        ValueRef::Text(bytes) if kind == FieldType::Address => out.push_str(&String::from_utf8_lossy(bytes)),
        ValueRef::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            let text = if kind == FieldType::DateTime { text.replace('Z', "+0000").into() } else { text };
            out.push_str(&serde_json::to_string(&text).unwrap_or_default());
        }
    }
}
