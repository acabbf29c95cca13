//! Query jobs: a step writes some thousand lines of the answer; results are read from there.

use super::step::Context;
use super::{Job, State};
use crate::local_org::soql::read::{Cursor, text};
use crate::local_org::soql::{Compiled, compile, parse};
use crate::local_org::text::push_quoted;
use rusqlite::{Connection, OptionalExtension, Result, params};

/// Rows a step writes.
const SLICE: u64 = 2_000;

/// The kind of line in the table of results.
const LINE: i64 = 9;

/// Moves a query job on by one slice.
pub(super) fn advance(conn: &Connection, context: &Context<'_>, job: &mut Job) -> Result<()> {
    job.started = job.started.or(Some(context.now));
    let soql = job.soql.clone().unwrap_or_default();
    let compiled = match parse(&soql).and_then(|tree| compile(context.schema, &soql, &tree)) {
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
pub(crate) fn header(compiled: &Compiled, job: &Job) -> String {
    let mut line = String::new();
    for (index, column) in compiled.columns.iter().enumerate() {
        if index > 0 {
            line.push(char::from(job.delimiter_byte()));
        }
        push_quoted(&mut line, &column.names.join("."));
    }
    line.push_str(job.line_end());
    line
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

/// Whether there is a line behind this number.
pub(crate) fn is_more(conn: &Connection, job: &Job, after: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM _result WHERE job = ?1 AND kind = ?2 AND place > ?3 LIMIT 1";
    Ok(conn.query_row(sql, params![job.seq, LINE, after], |_| Ok(())).optional()?.is_some())
}
