//! What an org counts per rolling 24 hours, and how much of it is allowed (reference A9, F1).
//!
//! Owns the counting, by the hour: what was used in an hour is free again 24 hours after it began. What a refusal says
//! on the wire is `http/limits.rs`'s, what it makes of a job `job/process.rs`'s.

use rusqlite::{Connection, Result, params};

/// The table of what was used.
pub(crate) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS _used (
  name TEXT NOT NULL, hour INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (name, hour)) WITHOUT ROWID;
";

/// How much of each is allowed in 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) api_requests: u64,
    pub(crate) bulk_batches: u64,
    pub(crate) bulk_records: u64,
    pub(crate) query_jobs: u64,
}

impl Default for Limits {
    /// A Developer Edition's calls; what is Bulk's is the same in every org.
    fn default() -> Self {
        Self { api_requests: 15_000, bulk_batches: 15_000, bulk_records: 150_000_000, query_jobs: 10_000 }
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Daily {
    /// Calls to `/services/data`, whatever they answer.
    ApiRequests,
    /// Internal batches of ingest jobs: one for each 10,000 rows begun.
    BulkBatches,
    /// Rows of ingest jobs.
    BulkRecords,
    /// Bulk query jobs.
    QueryJobs,
}

impl Daily {
    fn word(self) -> &'static str {
        match self {
            Self::ApiRequests => "api_requests",
            Self::BulkBatches => "bulk_batches",
            Self::BulkRecords => "bulk_records",
            Self::QueryJobs => "query_jobs",
        }
    }

    /// How much is allowed.
    pub(crate) fn max(self, limits: &Limits) -> u64 {
        match self {
            Self::ApiRequests => limits.api_requests,
            Self::BulkBatches => limits.bulk_batches,
            Self::BulkRecords => limits.bulk_records,
            Self::QueryJobs => limits.query_jobs,
        }
    }

    /// How much was used in the 24 hours before `now`.
    pub(crate) fn used(self, conn: &Connection, now: i64) -> Result<u64> {
        let sql = "SELECT coalesce(sum(count), 0) FROM _used WHERE name = ?1 AND hour > ?2";
        let first = hour(now) - 24;
        conn.prepare_cached(sql)?
            .query_row(params![self.word(), first], |r| r.get::<_, i64>(0))
            .map(i64::unsigned_abs)
    }

    /// Counts `amount` more if that is allowed; what is used then, or nothing.
    pub(crate) fn spend(
        self,
        conn: &Connection,
        limits: &Limits,
        amount: u64,
        now: i64,
    ) -> Result<Option<u64>> {
        let used = self.used(conn, now)?.saturating_add(amount);
        if used > self.max(limits) {
            return Ok(None);
        }
        let sql = "INSERT INTO _used VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET count = count + ?3";
        conn.prepare_cached(sql)?.execute(params![self.word(), hour(now), amount as i64])?;
        Ok(Some(used))
    }
}

fn hour(now: i64) -> i64 {
    now.div_euclid(3_600_000)
}

#[cfg(test)]
mod tests {
    use super::{Daily, Limits, TABLE};

    #[test]
    fn what_was_used_is_free_again_after_a_day() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(TABLE).unwrap();
        let limits = Limits { api_requests: 3, ..Limits::default() };
        let hour = 3_600_000;
        let spend = |amount, now| Daily::ApiRequests.spend(&conn, &limits, amount, now).unwrap();
        assert_eq!([spend(2, 0), spend(2, hour), spend(1, hour)], [Some(2), None, Some(3)]);
        assert_eq!(spend(1, 24 * hour - 1), None);
        assert_eq!([spend(2, 24 * hour), spend(1, 24 * hour), spend(1, 25 * hour)], [Some(3), None, Some(3)]);
        assert_eq!(Daily::QueryJobs.used(&conn, hour).unwrap(), 0, "each is counted apart");
    }
}
