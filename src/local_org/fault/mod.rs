//! Faults that can be switched on: of calls (refused, dropped, cut off, carried out twice), of jobs and of rows. Given
//! as data and seeded, so that the same run meets the same ones.
//!
//! Owns which fault strikes when. What a fault does to an answer is `http/fault.rs`'s.

mod aim;
mod read;
mod words;

pub(crate) use words::{Effect, Ending};

use super::text::mix;
use crate::diagnostic::Diagnostic;
use aim::Aim;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Marks an answer that must not arrive: whoever carries answers to a client closes the connection instead. It is
/// found among the extensions of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped;

/// The faults of an org, in order; none by default.
#[derive(Debug, Default)]
pub struct Faults(Vec<Active>);

/// One fault: when, and what happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Fault {
    #[serde(flatten)]
    aim: Aim,
    #[serde(flatten)]
    effect: Effect,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    seen: Mutex<Seen>,
}

/// What a fault has seen and done.
#[derive(Debug, Default, Serialize)]
struct Seen {
    /// Calls it was meant for; of `slow_jobs`, steps of the clock.
    calls: u64,
    /// How often it struck.
    hits: u64,
    /// Rows that have met their lock.
    #[serde(skip)]
    rows: BTreeSet<u64>,
}

impl Active {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Faults {
    /// Reads `faults: […]` in YAML or JSON; `file` names it in problems.
    ///
    /// # Errors
    /// Every problem found, with its place.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let faults = read::read(file, text)?;
        Ok(Self(faults.into_iter().map(|fault| Active { fault, seen: Mutex::default() }).collect()))
    }

    /// The faults as they can be read again, and under `seen` what each has seen and done.
    pub(crate) fn json(&self) -> serde_json::Value {
        let faults: Vec<&Fault> = self.0.iter().map(|active| &active.fault).collect();
        let seen: Vec<serde_json::Value> =
            self.0.iter().map(|active| serde_json::json!(*active.seen())).collect();
        serde_json::json!({"faults": faults, "seen": seen})
    }

    /// How often they have struck.
    pub(crate) fn struck(&self) -> u64 {
        self.0.iter().map(|active| active.seen().hits).sum()
    }

    /// What happens to this call. Each fault counts the calls that it is meant for; the first that strikes, acts.
    /// `words` are the parts of the path in lower case.
    pub(crate) fn strike(&self, seed: u64, method: &str, words: &[&str]) -> Option<Effect> {
        let mut struck = None;
        for (number, active) in (1..).zip(&self.0) {
            let Fault { aim, effect } = &active.fault;
            if !effect.is_of_calls() || !aim.means(method, words) {
                continue;
            }
            let mut seen = active.seen();
            seen.calls += 1;
            if struck.is_none() && aim.strikes(mix(seed, number), seen.calls, seen.hits) {
                seen.hits += 1;
                struck = Some(effect.clone());
            }
        }
        struck
    }

    /// Whether this row meets a lock now: chosen by seed and content, once.
    pub(crate) fn locks(&self, seed: u64, cells: &[&str]) -> bool {
        let mut met = false;
        let mut content = None;
        for active in self.0.iter().filter(|active| active.fault.effect == Effect::LockRows) {
            let content =
                *content.get_or_insert_with(|| xxhash_rust::xxh3::xxh3_64(cells.join("\u{1f}").as_bytes()));
            let (aim, mut seen) = (&active.fault.aim, active.seen());
            if aim.strikes(seed, content, seen.hits) && seen.rows.insert(content) {
                seen.hits += 1;
                met = true;
            }
        }
        met
    }

    /// Whether a job that has processed this many rows fails here.
    pub(crate) fn fails(&self, done: i64) -> bool {
        self.0.iter().any(|active| {
            let Effect::FailJob { rows } = active.fault.effect else { return false };
            let mut seen = active.seen();
            let fails = done.unsigned_abs() >= rows && active.fault.aim.strikes(0, 1, seen.hits);
            seen.hits += u64::from(fails);
            fails
        })
    }

    /// Whether this step of the clock does nothing.
    pub(crate) fn pauses(&self) -> bool {
        let mut pauses = false;
        for active in &self.0 {
            let Effect::SlowJobs { steps } = active.fault.effect else { continue };
            let mut seen = active.seen();
            seen.calls += 1;
            let pause = !seen.calls.is_multiple_of(steps.saturating_add(1));
            seen.hits += u64::from(pause);
            pauses |= pause;
        }
        pauses
    }
}
