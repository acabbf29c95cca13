//! A step of the org's clock: every queued job moves on by one slice.

use super::row::Rows;
use super::{Job, Kind, State, process, query, results, table};
use crate::local_org::fault::{Faults, Held};
use crate::local_org::record::error::RowError;
use crate::local_org::schema::Schema;
use crate::local_org::store::Facts;
use csv::ByteRecord;
use rusqlite::{Connection, Result};

/// What a step needs besides the database.
pub(crate) struct Context<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) facts: &'a Facts,
    pub(crate) faults: &'a Faults,
    pub(crate) now: i64,
}

impl Context<'_> {
    /// What keeps the job from going on.
    pub(super) fn held(&self, job: &Job) -> Option<Held> {
        self.faults.holds(job.seq, job.rows, job.retries)
    }

    /// Whether a row is in none of the job's files.
    pub(super) fn loses(&self, job: &Job, record: &ByteRecord) -> bool {
        !self.faults.is_empty() && self.faults.loses(self.facts.seed, job.seq, results::content(record))
    }

    /// The refusal of a row that meets a lock.
    pub(super) fn locked(&self, rows: &Rows<'_>, cells: &[&str]) -> Option<RowError> {
        if self.faults.is_empty() {
            return None;
        }
        let content = xxhash_rust::xxh3::xxh3_64(cells.join("\u{1f}").as_bytes());
        let refers = |parent: &str| rows.refers_to(cells, parent);
        self.faults.locks(self.facts.seed, self.now, content, &refers).then(RowError::locked)
    }
}

/// Milliseconds spent on a job; none on one that failed by its structure, as recorded.
fn active(job: &Job, now: i64) -> i64 {
    let structural = job.state == State::Failed && job.rows == 0;
    job.started.filter(|_| !structural).map_or(0, |started| (now - started).max(1))
}

/// Moves every queued job on, ingest jobs by so many slices, each job in a transaction of its own; whether any is still
/// queued.
pub(crate) fn step(conn: &mut Connection, context: &Context<'_>, slices: usize) -> Result<bool> {
    let jobs = table::queued(conn)?;
    if context.faults.pauses() {
        return Ok(!jobs.is_empty());
    }
    let mut more = false;
    for mut job in jobs {
        let tx = conn.transaction()?;
        match job.kind {
            Kind::Ingest => process::advance(&tx, context, &mut job, slices)?,
            Kind::Query => query::advance(&tx, context, &mut job)?,
        }
        job.modified = context.now;
        job.active = active(&job, context.now);
        table::save(&tx, &job)?;
        tx.commit()?;
        more |= !job.state.is_done();
    }
    Ok(more)
}
