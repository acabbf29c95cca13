//! What a slice of work on a job is handed.

use super::info::Job;
use super::results;
use super::row::Rows;
use crate::local_org::fault::{Faults, Held};
use crate::local_org::record::error::RowError;
use crate::local_org::schema::Schema;
use crate::local_org::store::Facts;
use csv::ByteRecord;

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

    /// The refusal of a row that meets a lock, or an org that is maintained.
    pub(super) fn met(&self, rows: &Rows<'_>, cells: &[&str]) -> Option<RowError> {
        if self.faults.is_empty() {
            return None;
        }
        let content = xxhash_rust::xxh3::xxh3_64(cells.join("\u{1f}").as_bytes());
        let refers = |parent: &str| rows.refers_to(cells, parent);
        self.faults.meets(self.facts.seed, self.now, content, &refers).map(RowError::of)
    }
}
