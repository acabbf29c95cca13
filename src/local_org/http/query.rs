//! Queries: pages of 2,000 records as JSON, and whole answers as tables.

use super::Call;
use super::answer::{Answer, Failure};
use crate::local_org::soql::compile::Kind;
use crate::local_org::soql::read::{Answer as Row, Cursor, number, text};
use crate::local_org::soql::{Compiled, SoqlError, compile, parse};
use crate::local_org::text::base62;
use crate::local_org::{LocalOrg, QueryTable};
use crate::model::FieldType;
use rusqlite::types::ValueRef;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

/// Records of a page.
const PAGE: u64 = 2_000;

/// Cursors kept; the oldest goes first.
const CURSORS: usize = 1_000;

/// Queries that have more pages.
#[derive(Default)]
pub(in crate::local_org) struct Cursors {
    made: u64,
    open: VecDeque<(String, Arc<Compiled>, u64)>,
}

/// The first page of `query?q=`.
pub(super) fn start(call: &Call) -> Result<Answer, Failure> {
    let soql = call.parameter("q").unwrap_or_default();
    if soql.trim().is_empty() {
        return Err(Failure::bad("MALFORMED_QUERY", "SOQL statements cannot be empty or null"));
    }
    let schema = &call.org.0.schema;
    let compiled = Arc::new(compile(schema, soql, &parse(soql)?)?);
    match compiled.kind {
        Kind::Records => page(call, &compiled, Cursor::default(), None),
        Kind::Count => {
            let total = compiled.total(&call.org.db())?;
            Ok(Answer::text(format!("{{\"totalSize\":{total},\"done\":true,\"records\":[]}}")))
        }
        Kind::Aggregate => {
            let values = compiled.aggregates(&call.org.db())?;
            let mut record = String::from("{\"attributes\":{\"type\":\"AggregateResult\"}");
            for (column, value) in compiled.columns.iter().zip(values) {
                record.push_str(&format!(",\"{}\":{value}", column.names[0]));
            }
            Ok(Answer::text(format!("{{\"totalSize\":1,\"done\":true,\"records\":[{record}}}]}}")))
        }
    }
}

/// A later page: the locator names the query, the row and how many were read.
pub(super) fn go_on(call: &Call) -> Result<Answer, Failure> {
    let unknown = || Failure::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
    let locator = call.path.get(1).map(String::as_str).unwrap_or_default();
    let mut parts = locator.split('-');
    let id = parts.next().ok_or_else(unknown)?;
    let read = parts.next().and_then(|p| p.parse().ok()).ok_or_else(unknown)?;
    let row = parts.next().and_then(|p| p.parse().ok()).ok_or_else(unknown)?;
    let cursors = call.org.0.cursors.lock().unwrap_or_else(PoisonError::into_inner);
    let found = cursors.open.iter().find(|(i, _, _)| i == id).map(|(_, c, t)| (Arc::clone(c), *t));
    drop(cursors);
    let (compiled, total) = found.ok_or_else(unknown)?;
    page(call, &compiled, Cursor { row, read }, Some((id.to_owned(), total)))
}

/// The only record of a query, if there is one.
pub(super) fn one(call: &Call, soql: &str) -> Result<Option<Answer>, Failure> {
    let compiled = compile(&call.org.0.schema, soql, &parse(soql)?)?;
    let writer = RecordWriter::new(call, &compiled);
    let mut found = None;
    compiled.page(&call.org.db(), Cursor::default(), 1, &mut |row| {
        let mut text = String::new();
        writer.record(row, &mut text)?;
        found = Some(Answer::text(text));
        Ok(())
    })?;
    Ok(found)
}

fn page(
    call: &Call,
    compiled: &Arc<Compiled>,
    cursor: Cursor,
    known: Option<(String, u64)>,
) -> Result<Answer, Failure> {
    let db = call.org.db();
    let writer = RecordWriter::new(call, compiled);
    let mut records = String::new();
    let mut count = 0;
    let next = compiled.page(&db, cursor, page_size(call), &mut |row| {
        if count > 0 {
            records.push(',');
        }
        count += 1;
        writer.record(row, &mut records)
    })?;
    let total = match (&known, next) {
        (Some((_, total)), _) => *total,
        (None, None) => count,
        (None, Some(_)) => compiled.total(&db)?,
    };
    drop(db);
    let more = next.map(|next| {
        let id = known.map_or_else(|| remember(&call.org, compiled, total), |(id, _)| id);
        let url = format!("{}/query/{id}-{}-{}", call.base(), next.read, next.row);
        format!("\"nextRecordsUrl\":\"{url}\",")
    });
    let (done, more) = (more.is_none(), more.unwrap_or_default());
    Ok(Answer::text(format!("{{\"totalSize\":{total},\"done\":{done},{more}\"records\":[{records}]}}")))
}

/// `Sforce-Query-Options: batchSize=200..2000`.
fn page_size(call: &Call) -> u64 {
    let options = call.headers.get("sforce-query-options").and_then(|h| h.to_str().ok()).unwrap_or_default();
    let asked = options.split(',').find_map(|o| o.trim().strip_prefix("batchSize=")?.trim().parse().ok());
    asked.map_or(PAGE, |size: u64| size.clamp(200, PAGE))
}

fn remember(org: &LocalOrg, compiled: &Arc<Compiled>, total: u64) -> String {
    let mut cursors = org.0.cursors.lock().unwrap_or_else(PoisonError::into_inner);
    cursors.made += 1;
    let id = format!("01g{}", base62(cursors.made, 15));
    cursors.open.push_back((id.clone(), Arc::clone(compiled), total));
    if cursors.open.len() > CURSORS {
        cursors.open.pop_front();
    }
    id
}

/// One part of a record's JSON.
enum Part {
    Field { name: String, column: usize, kind: FieldType },
    Parent { name: String, path: usize, parts: Vec<Part> },
}

/// Writes records as JSON: attributes first, then what was selected, parents nested.
struct RecordWriter<'c> {
    call: &'c Call,
    compiled: &'c Compiled,
    parts: Vec<Part>,
}

impl<'c> RecordWriter<'c> {
    fn new(call: &'c Call, compiled: &'c Compiled) -> Self {
        let mut parts = Vec::new();
        for (index, column) in compiled.columns.iter().enumerate() {
            place(&mut parts, compiled, &column.names, 0, index, column.kind);
        }
        Self { call, compiled, parts }
    }

    fn record(&self, row: &Row<'_>, out: &mut String) -> rusqlite::Result<()> {
        let object = &self.call.org.0.schema.objects[self.compiled.object];
        self.object(&object.name, row.id()?, &self.parts, row, out)
    }

    fn object(
        &self,
        name: &str,
        id: &str,
        parts: &[Part],
        row: &Row<'_>,
        out: &mut String,
    ) -> rusqlite::Result<()> {
        let base = self.call.base();
        out.push_str(&format!(
            "{{\"attributes\":{{\"type\":\"{name}\",\"url\":\"{base}/sobjects/{name}/{id}\"}}"
        ));
        for part in parts {
            out.push(',');
            match part {
                Part::Field { name, column, kind } => {
                    push_name(out, name);
                    push_value(out, row.value(*column)?, *kind);
                }
                Part::Parent { name, path, parts } => {
                    push_name(out, name);
                    let parent = row.parent(*path)?;
                    let object = parent.and_then(|id| self.call.org.0.schema.by_prefix(id));
                    match (parent, object) {
                        (Some(id), Some(object)) => self.object(&object.name, id, parts, row, out)?,
                        _ => out.push_str("null"),
                    }
                }
            }
        }
        out.push('}');
        Ok(())
    }
}

fn place(
    parts: &mut Vec<Part>,
    compiled: &Compiled,
    names: &[String],
    depth: usize,
    column: usize,
    kind: FieldType,
) {
    if depth + 1 == names.len() {
        parts.push(Part::Field { name: names[depth].clone(), column, kind });
        return;
    }
    let known = parts.iter().position(|p| matches!(p, Part::Parent { name, .. } if *name == names[depth]));
    let index = known.unwrap_or_else(|| {
        let path = compiled.parents.iter().position(|p| p[..] == names[..=depth]).unwrap_or(0);
        parts.push(Part::Parent { name: names[depth].clone(), path, parts: Vec::new() });
        parts.len() - 1
    });
    if let Some(Part::Parent { parts, .. }) = parts.get_mut(index) {
        place(parts, compiled, names, depth + 1, column, kind);
    }
}

fn push_name(out: &mut String, name: &str) {
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
}

/// A stored value as JSON.
fn push_value(out: &mut String, value: ValueRef<'_>, kind: FieldType) {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => out.push_str("null"),
        ValueRef::Integer(n) if kind == FieldType::Boolean => {
            out.push_str(if n != 0 { "true" } else { "false" })
        }
        ValueRef::Integer(n) => out.push_str(&n.to_string()),
        ValueRef::Real(n) => out.push_str(&number(n)),
        ValueRef::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            let text = if kind == FieldType::DateTime { text.replace('Z', "+0000").into() } else { text };
            out.push_str(&serde_json::to_string(&text).unwrap_or_default());
        }
    }
}

/// The whole answer of a query as a table of texts.
pub(in crate::local_org) fn table(org: &LocalOrg, soql: &str) -> Result<QueryTable, SoqlError> {
    let compiled = compile(&org.0.schema, soql, &parse(soql)?)?;
    let failed = |e: rusqlite::Error| SoqlError::new("UNKNOWN_EXCEPTION", e.to_string());
    let db = org.db();
    let names = |c: &Compiled| c.columns.iter().map(|c| c.names.join(".")).collect();
    match compiled.kind {
        Kind::Count => {
            let total = compiled.total(&db).map_err(failed)?;
            Ok(QueryTable { columns: vec!["count".into()], rows: vec![vec![Some(total.to_string())]] })
        }
        Kind::Aggregate => {
            let row = compiled.aggregates(&db).map_err(failed)?;
            let row = row.iter().map(|v| Some(v.to_string())).collect();
            Ok(QueryTable { columns: names(&compiled), rows: vec![row] })
        }
        Kind::Records => {
            let mut rows = Vec::new();
            let mut each = |row: &Row<'_>| {
                let cell = |(i, c): (usize, &crate::local_org::soql::compile::Column)| {
                    Ok(text(row.value(i)?, c.kind))
                };
                rows.push(compiled.columns.iter().enumerate().map(cell).collect::<rusqlite::Result<_>>()?);
                Ok(())
            };
            let all = u64::from(u32::MAX);
            compiled.page(&db, Cursor::default(), all, &mut each).map_err(failed)?;
            Ok(QueryTable { columns: names(&compiled), rows })
        }
    }
}
