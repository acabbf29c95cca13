//! Faults that can be switched on: of calls (refused, dropped, cut off, carried out twice), of jobs and of rows, and
//! what others do in the org meanwhile. Given as data and seeded, so that the same run meets the same ones.
//!
//! Owns which fault strikes when. What a fault does to an answer is `http/fault.rs`'s, what others do `others.rs`'s.

mod aim;
mod read;
mod words;

pub(crate) use words::{Effect, Ending, Others};

use super::text::mix;
use crate::diagnostic::Diagnostic;
use aim::Aim;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Words of a job that the org gives up: these were seen as a batch's message (reference A10).
const STORM: &str = "TooManyLockFailure : Too many lock failure 200. Trying again later.";

/// Words of a job that ends because the org is maintained: the code of rows and calls, in the form of the others.
///
/// Unconfirmed(maintenance-answers): whether a job ends so at all; choice: where a fault asks for it.
const MAINTAINED: &str = "InternalServerError : INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE";

/// And these are told of, not seen: "a message that it was tried more than 20 times".
const EXHAUSTED: &str = "InternalServerError : Batch failed. Tried more than 20 times";

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
    /// What it has struck: of a lock, rows and how often each has met it; of lost results, rows and the job of which
    /// they are missing; of retries, jobs.
    #[serde(skip)]
    struck: BTreeMap<u64, u64>,
}

impl Seen {
    /// Whether this one is struck, now or before: chosen by `aim`, so many different ones at most.
    fn chooses(&mut self, aim: &Aim, seed: u64, one: u64) -> bool {
        self.struck.contains_key(&one) || aim.strikes(seed, one, self.struck.len() as u64)
    }
}

/// How often the org tries a batch again before it gives the job up (reference A8).
const MOST_RETRIES: u64 = 20;

/// What keeps a job from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// The org will try again.
    Retry,
    /// The org gives it up, in these words.
    GivenUp(&'static str),
}

/// What a row meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// Its record or its parent is locked.
    Lock,
    /// The org is maintained.
    Maintenance,
}

impl Active {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a job that has `done` so many rows is given up at once, at `rows`.
    fn fails(&self, rows: u64, done: u64) -> bool {
        let mut seen = self.seen();
        let fails = done >= rows && self.fault.aim.strikes(0, 1, seen.hits);
        seen.hits += u64::from(fails);
        fails
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

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
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

    /// Whether the org is maintained now.
    pub(crate) fn read_only(&self, now: i64) -> bool {
        let is = |active: &Active| match active.fault.effect {
            Effect::ReadOnly { until } => until.is_none_or(|until| now < until),
            _ => false,
        };
        self.0.iter().any(is)
    }

    /// What a row of this content meets now. `refers` says whether it refers to a record, by id or key.
    pub(crate) fn meets(
        &self,
        seed: u64,
        now: i64,
        content: u64,
        refers: &dyn Fn(&str) -> bool,
    ) -> Option<Met> {
        if self.read_only(now) {
            return Some(Met::Maintenance);
        }
        let mut met = None;
        for active in &self.0 {
            let (lock, what) = match &active.fault.effect {
                Effect::LockRows(lock) => (lock, Met::Lock),
                Effect::RefuseRows(lock) => (lock, Met::Maintenance),
                _ => continue,
            };
            let mut seen = active.seen();
            let gone = lock.until.is_some_and(|until| now >= until);
            let elsewhere = || lock.parent.as_deref().is_some_and(|parent| !refers(parent));
            if gone || !seen.chooses(&active.fault.aim, seed, content) || elsewhere() {
                continue;
            }
            let most = lock.tries.unwrap_or(if lock.until.is_some() { u64::MAX } else { 1 });
            let tries = seen.struck.entry(content).or_default();
            if *tries < most {
                *tries += 1;
                seen.hits += 1;
                met = Some(what);
            }
        }
        met
    }

    /// Whether a row of this content is in none of this job's files: once, of the first job that brings it.
    pub(crate) fn loses(&self, seed: u64, job: i64, content: u64) -> bool {
        let mut lost = false;
        for active in self.0.iter().filter(|active| active.fault.effect == Effect::LoseResults) {
            let (mut seen, job) = (active.seen(), job.unsigned_abs());
            if !seen.chooses(&active.fault.aim, seed, content) {
                continue;
            }
            let new = !seen.struck.contains_key(&content);
            seen.hits += u64::from(new);
            lost |= *seen.struck.entry(content).or_insert(job) == job;
        }
        lost
    }

    /// What keeps a job that has processed so many rows, and was tried again so often, from going on.
    pub(crate) fn holds(&self, job: i64, done: i64, retries: i64) -> Option<Held> {
        let (job, done, retries) = (job.unsigned_abs(), done.unsigned_abs(), retries.unsigned_abs());
        self.0.iter().find_map(|active| {
            let (rows, most, words) = match active.fault.effect {
                Effect::FailJob { rows } => {
                    return active.fails(rows, done).then_some(Held::GivenUp(EXHAUSTED));
                }
                Effect::RefuseJob { rows } => {
                    return active.fails(rows, done).then_some(Held::GivenUp(MAINTAINED));
                }
                Effect::LockStorm { rows, retries } => (rows, retries, STORM),
                Effect::ExhaustRetries { rows } => (rows, u64::MAX, EXHAUSTED),
                _ => return None,
            };
            let mut seen = active.seen();
            if done < rows || retries >= most || !seen.chooses(&active.fault.aim, 0, job) {
                return None;
            }
            seen.struck.entry(job).or_default();
            seen.hits += 1;
            Some(if retries < MOST_RETRIES { Held::Retry } else { Held::GivenUp(words) })
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
