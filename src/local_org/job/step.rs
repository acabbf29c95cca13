//! A step of the org's clock: every queued job moves on by one slice.

use super::context::Context;
use super::info::{Job, Kind, State};
use super::{process, query, table};
use rusqlite::{Connection, Result};

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
