//! `query` and `queryAll`: the first page of an answer, later ones, and whole answers as tables.

mod columns;
mod cursors;
mod record;

pub(in crate::local_org) use cursors::Cursors;

use super::Call;
use super::answer::{Answer, Failure};
use crate::local_org::soql::compile::Kind;
use crate::local_org::soql::error::SoqlError;
use crate::local_org::soql::read::{Answer as Row, Cursor, in_full};
use crate::local_org::soql::{Compiled, Scope, prepare};
use crate::local_org::{LocalOrg, QueryTable};
use record::{Page, Writer};
use rusqlite::Connection;
use std::sync::Arc;

/// Records of a page.
const PAGE: u64 = 2_000;

/// The first page of `query?q=`, or with `columns=true` what its columns are.
pub(super) fn start(call: &Call) -> Result<Answer, Failure> {
    let Some(soql) = call.parameter("q") else {
        return Err(Failure::bad("MALFORMED_QUERY", "A query string has to be specified"));
    };
    if soql.trim().is_empty() {
        return Err(Failure::bad("MALFORMED_QUERY", "SOQL statements cannot be empty or null"));
    }
    let compiled = Arc::new(prepare(&scope(call), soql)?);
    if call.parameter("columns").is_some_and(|c| c.eq_ignore_ascii_case("true")) {
        return Ok(Answer::json(&columns::metadata(&call.org.0.schema, &compiled)));
    }
    let db = call.org.db();
    tell_maintenance(call, &db, &compiled)?;
    match compiled.kind {
        Kind::Records => page(call, &db, &compiled, Cursor::default(), None),
        Kind::Count => {
            let total = compiled.total(&db)?;
            Ok(Answer::text(format!("{{\"totalSize\":{total},\"done\":true,\"records\":[]}}")))
        }
        Kind::Aggregate => groups(&db, &compiled),
    }
}

/// Brings up to date what an org says of itself that a fault decides: whether it is maintained.
fn tell_maintenance(call: &Call, db: &Connection, compiled: &Compiled) -> Result<(), Failure> {
    let is_org = call.org.0.schema.objects[compiled.object].name == "Organization";
    if is_org {
        let now = call.org.faults().read_only(call.org.now());
        let told: bool = db.query_row("SELECT \"IsReadOnly\" FROM \"Organization\"", [], |row| row.get(0))?;
        if now != told {
            db.execute("UPDATE \"Organization\" SET \"IsReadOnly\" = ?1", [now])?;
        }
    }
    Ok(())
}

/// A later page: the locator names the query and how many records were read.
pub(super) fn go_on(call: &Call) -> Result<Answer, Failure> {
    let unknown = || Failure::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
    let locator = call.path.get(1).map(String::as_str).unwrap_or_default();
    let found = cursors::find(&call.org, locator).ok_or_else(unknown)?;
    page(call, &call.org.db(), &found.compiled, found.cursor, Some((found.id, found.total)))
}

/// The only record of a query, if there is one.
pub(super) fn one(call: &Call, soql: &str) -> Result<Option<Answer>, Failure> {
    let compiled = prepare(&Scope { deleted: false, ..scope(call) }, soql)?;
    let db = call.org.db();
    let page = Writer::new(call, &compiled).page(&db, &compiled, Cursor::default(), 1)?;
    Ok((page.count > 0).then(|| Answer::text(page.records)))
}

/// Deleted records are seen by `queryAll`.
fn scope(call: &Call) -> Scope<'_> {
    let deleted = call.path.first().is_some_and(|word| word.eq_ignore_ascii_case("queryall"));
    Scope { schema: &call.org.0.schema, now: call.org.now(), deleted, bulk: false }
}

fn page(
    call: &Call,
    db: &Connection,
    compiled: &Arc<Compiled>,
    cursor: Cursor,
    known: Option<(String, u64)>,
) -> Result<Answer, Failure> {
    let Page { records, count, next } =
        Writer::new(call, compiled).page(db, compiled, cursor, page_size(call))?;
    let total = match (&known, next) {
        (Some((_, total)), _) => *total,
        (None, None) => count,
        (None, Some(_)) => compiled.total(db)?,
    };
    let id = known.map(|(id, _)| id);
    let more = next.map(|next| cursors::remember(&call.org, id, compiled, total, next));
    Ok(Answer::text(record::answer(call, total, more.as_deref(), &records)))
}

/// The one page of a grouped query.
fn groups(db: &Connection, compiled: &Compiled) -> Result<Answer, Failure> {
    let mut records: Vec<String> = Vec::new();
    let all = compiled.groups(db, PAGE, &mut |row| {
        records.push(record::group(compiled, row)?);
        Ok(())
    })?;
    if !all {
        let message = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch";
        return Err(Failure::bad("EXCEEDED_ID_LIMIT", message));
    }
    let (total, records) = (records.len(), records.join(","));
    Ok(Answer::text(format!("{{\"totalSize\":{total},\"done\":true,\"records\":[{records}]}}")))
}

/// `Sforce-Query-Options: batchSize=200..2000`.
///
/// Unconfirmed(batch-size-bounds): what numbers outside do; choice: the nearest inside.
fn page_size(call: &Call) -> u64 {
    let options = call.headers.get("sforce-query-options").and_then(|h| h.to_str().ok()).unwrap_or_default();
    let asked = options.split([',', ';']).find_map(|option| {
        let (name, size) = option.split_once('=')?;
        name.trim().eq_ignore_ascii_case("batchSize").then(|| size.trim().parse().ok())?
    });
    asked.map_or(PAGE, |size: u64| size.clamp(200, PAGE))
}

/// The whole answer of a query as a table of texts.
pub(in crate::local_org) fn table(org: &LocalOrg, soql: &str) -> Result<QueryTable, SoqlError> {
    let scope = Scope { schema: &org.0.schema, now: org.now(), deleted: false, bulk: false };
    let compiled = prepare(&scope, soql)?;
    read_table(&org.db(), &compiled).map_err(|e| SoqlError::new("UNKNOWN_EXCEPTION", e.to_string()))
}

fn read_table(db: &Connection, compiled: &Compiled) -> rusqlite::Result<QueryTable> {
    let mut columns: Vec<String> = compiled.columns.iter().map(|c| c.names.join(".")).collect();
    let mut rows = Vec::new();
    let mut each = |row: &Row<'_>| {
        let cells = compiled.columns.iter().enumerate().map(|(i, c)| Ok(in_full(row.value(i)?, c.kind)));
        rows.push(cells.collect::<rusqlite::Result<_>>()?);
        Ok(())
    };
    let all = u64::from(u32::MAX);
    match compiled.kind {
        Kind::Count => {
            rows.push(vec![Some(compiled.total(db)?.to_string())]);
            columns.push("count".into());
        }
        Kind::Aggregate => drop(compiled.groups(db, all, &mut each)?),
        Kind::Records => drop(compiled.page(db, Cursor::default(), all, &mut each)?),
    }
    Ok(QueryTable { columns, rows })
}
