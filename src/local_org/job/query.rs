//! Query jobs: a step writes some thousand lines of the answer; results are read from there.

use super::context::Context;
use super::info::{Job, State};
use crate::local_org::schema::Schema;
use crate::local_org::soql::error::SoqlError;
use crate::local_org::soql::read::{Cursor, text};
use crate::local_org::soql::{Scope, prepare};
use crate::local_org::text::push_quoted;
use rusqlite::{Connection, Result, params};

/// Rows a step writes.
const SLICE: u64 = 2_000;

/// The kind of line in the table of results.
const LINE: i64 = 9;

/// What a query of this operation is read against; dates in words follow from when the job was made.
pub(crate) fn scope<'s>(schema: &'s Schema, operation: &str, created: i64) -> Scope<'s> {
    Scope { schema, now: created, deleted: operation == "queryAll", bulk: true }
}

/// Moves a query job on by one slice.
pub(super) fn advance(conn: &Connection, context: &Context<'_>, job: &mut Job) -> Result<()> {
    job.started = job.started.or(Some(context.now));
    let soql = job.soql.clone().unwrap_or_default();
    let compiled = match prepare(&scope(context.schema, &job.operation, job.created), &soql) {
        Ok(compiled) => compiled,
        Err(error) => {
            job.state = State::Failed;
            job.error = Some(error.to_string());
            return Ok(());
        }
    };
    job.state = State::InProgress;
    let cursor = Cursor { row: job.position, read: job.rows.unsigned_abs() };
    let mut number = job.rows;
    let delimiter = char::from(job.delimiter_byte());
    let next = compiled.page(conn, cursor, SLICE, &mut |answer| {
        let mut line = String::new();
        for (index, column) in compiled.columns.iter().enumerate() {
            if index > 0 {
                line.push(delimiter);
            }
            push_quoted(&mut line, &text(answer.value(index)?, column.kind).unwrap_or_default());
        }
        line.push_str(job.line_end());
        number += 1;
        let sql = "INSERT OR REPLACE INTO _result VALUES (?1, ?2, ?3, ?4)";
        conn.prepare_cached(sql)?.execute(params![job.seq, LINE, number, line])?;
        Ok(())
    })?;
    job.rows = number;
    match next {
        Some(next) => job.position = next.row,
        None => job.state = State::JobComplete,
    }
    Ok(())
}

/// The header line of a query's results.
pub(crate) fn header(schema: &Schema, job: &Job) -> std::result::Result<String, SoqlError> {
    let soql = job.soql.as_deref().unwrap_or_default();
    let compiled = prepare(&scope(schema, &job.operation, job.created), soql)?;
    let mut line = String::new();
    for (index, column) in compiled.columns.iter().enumerate() {
        if index > 0 {
            line.push(char::from(job.delimiter_byte()));
        }
        push_quoted(&mut line, &column.names.join("."));
    }
    line.push_str(job.line_end());
    Ok(line)
}

/// Lines after a number, `size` at most, with the number of the last one.
pub(crate) fn lines(conn: &Connection, job: &Job, after: i64, size: i64) -> Result<(String, i64)> {
    let sql =
        "SELECT place, line FROM _result WHERE job = ?1 AND kind = ?2 AND place > ?3 ORDER BY place LIMIT ?4";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![job.seq, LINE, after, size])?;
    let (mut lines, mut last) = (String::new(), after);
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        lines.push_str(row.get_ref(1)?.as_str()?);
    }
    Ok((lines, last))
}
