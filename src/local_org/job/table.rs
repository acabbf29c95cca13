//! Jobs in the database.

use super::info::{Job, Kind, State};
use crate::local_org::store::{Facts, ids};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// Stores a new job, giving it its number and id.
pub(crate) fn create(conn: &Connection, facts: &Facts, mut job: Job) -> Result<Job> {
    conn.execute(
        "INSERT INTO _job (id, kind, operation, object, key, soql, assignment_rule, delimiter, line_ending, version,
           state, created, modified, user) VALUES ('', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12)",
        params![
            job.kind.word(),
            job.operation,
            job.object,
            job.key,
            job.soql,
            job.assignment_rule,
            job.delimiter,
            job.line_ending,
            job.version,
            job.state.word(),
            job.created,
            job.user
        ],
    )?;
    job.seq = conn.last_insert_rowid();
    job.id = ids::format("750", facts.seed, job.seq.unsigned_abs());
    conn.execute("UPDATE _job SET id = ?2 WHERE seq = ?1", params![job.seq, job.id])?;
    Ok(job)
}

/// Stores what changes during a job's life.
pub(crate) fn save(conn: &Connection, job: &Job) -> Result<()> {
    let mut statement = conn.prepare_cached(
        "UPDATE _job SET state = ?2, modified = ?3, started = ?4, upload = ?5, length = ?6, position = ?7, rows = ?8,
           failed = ?9, retries = ?10, active = ?11, error = ?12 WHERE seq = ?1",
    )?;
    statement.execute(params![
        job.seq,
        job.state.word(),
        job.modified,
        job.started,
        job.upload,
        job.length,
        job.position,
        job.rows,
        job.failed,
        job.retries,
        job.active,
        job.error
    ])?;
    Ok(())
}

/// The job with this id, of 18 characters.
pub(crate) fn load(conn: &Connection, kind: Kind, id: &str) -> Result<Option<Job>> {
    let sql = "SELECT * FROM _job WHERE id = ?1 AND kind = ?2";
    conn.prepare_cached(sql)?.query_row([id, kind.word()], read).optional()
}

/// Jobs of a kind after a number, oldest first.
pub(crate) fn list(conn: &Connection, kind: Kind, after: i64, limit: i64) -> Result<Vec<Job>> {
    let sql = "SELECT * FROM _job WHERE kind = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    conn.prepare_cached(sql)?.query_map(params![kind.word(), after, limit], read)?.collect()
}

/// Jobs that a step moves on, oldest first.
pub(super) fn queued(conn: &Connection) -> Result<Vec<Job>> {
    let sql = "SELECT * FROM _job WHERE state IN ('UploadComplete', 'InProgress') ORDER BY seq";
    conn.prepare_cached(sql)?.query_map([], read)?.collect()
}

/// Removes a job with its upload and results.
pub(crate) fn delete(conn: &Connection, seq: i64) -> Result<()> {
    for sql in [
        "DELETE FROM _upload WHERE job = ?1",
        "DELETE FROM _result WHERE job = ?1",
        "DELETE FROM _job WHERE seq = ?1",
    ] {
        conn.execute(sql, [seq])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Job> {
    let kind: String = row.get("kind")?;
    let state: String = row.get("state")?;
    Ok(Job {
        seq: row.get("seq")?,
        id: row.get("id")?,
        kind: if kind == "query" { Kind::Query } else { Kind::Ingest },
        operation: row.get("operation")?,
        object: row.get("object")?,
        key: row.get("key")?,
        soql: row.get("soql")?,
        assignment_rule: row.get("assignment_rule")?,
        delimiter: row.get("delimiter")?,
        line_ending: row.get("line_ending")?,
        version: row.get("version")?,
        state: State::parse(&state).unwrap_or(State::Failed),
        created: row.get("created")?,
        modified: row.get("modified")?,
        started: row.get("started")?,
        upload: row.get("upload")?,
        length: row.get("length")?,
        position: row.get("position")?,
        rows: row.get("rows")?,
        failed: row.get("failed")?,
        retries: row.get("retries")?,
        active: row.get("active")?,
        error: row.get("error")?,
        user: row.get("user")?,
    })
}
