//! Faults that can be switched on: rows that meet a lock, slow jobs, a job that fails half-way. Seeded, so that the
//! same run meets the same ones.

use super::text::mix;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The faults of an org; none by default.
#[derive(Debug, Default)]
pub struct Faults {
    /// Of a thousand rows, how many meet a lock the first time they are sent.
    pub lock_rows: u32,
    /// Steps of the clock that pass between two slices of a job.
    pub slow: u32,
    /// Rows that have met their lock.
    met: Mutex<BTreeSet<u64>>,
    pause: Mutex<u32>,
    /// The next job fails when it has processed this many rows; taken when it did.
    fail_after: Mutex<Option<u64>>,
}

impl Faults {
    /// No faults but these; with `fail_after`, one job fails when it has processed so many rows, and the rest of it
    /// stays unprocessed.
    pub fn new(lock_rows: u32, slow: u32, fail_after: Option<u64>) -> Self {
        Self { lock_rows, slow, fail_after: Mutex::new(fail_after), ..Self::default() }
    }

    /// Whether this row meets a lock now: chosen by seed and content, once.
    pub(crate) fn locks(&self, seed: u64, cells: &[&str]) -> bool {
        if self.lock_rows == 0 {
            return false;
        }
        let content = xxhash_rust::xxh3::xxh3_64(cells.join("\u{1f}").as_bytes());
        let chosen = mix(seed, content) % 1000 < u64::from(self.lock_rows);
        chosen && self.met.lock().unwrap_or_else(PoisonError::into_inner).insert(content)
    }

    /// Whether a job that has processed this many rows fails here.
    pub(crate) fn fails(&self, rows: i64) -> bool {
        let mut after = self.fail_after.lock().unwrap_or_else(PoisonError::into_inner);
        after.take_if(|after| rows.unsigned_abs() >= *after).is_some()
    }

    /// Whether this step of the clock does nothing.
    pub(crate) fn pauses(&self) -> bool {
        if self.slow == 0 {
            return false;
        }
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = (*pause + 1) % (self.slow + 1);
        *pause != 0
    }
}
