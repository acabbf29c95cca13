//! What a plan would use up of the org's daily allowances, held against what is left. Pure, but for asking.

use super::connect::Connected;
use super::ports::{Observer, Progress};
use crate::plan::Plan;
use crate::salesforce::{Limit, Limits};

/// Rows of one of the org's own batches (reference A8).
const BATCH: u64 = 10_000;
/// Calls of one job: made, filled, closed, asked after some ten times, three result files.
const CALLS: u64 = 16;

/// What would be used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// Jobs.
    pub jobs: u64,
    /// The org's batches of 10,000 rows.
    pub batches: u64,
    /// Calls, roughly.
    pub calls: u64,
}

/// Forecasts a plan.
pub fn forecast(plan: &Plan) -> Forecast {
    let jobs = plan.steps.iter().map(|step| step.parts).sum();
    let batches = plan.steps.iter().map(|step| step.rows.div_ceil(BATCH).max(step.parts)).sum();
    Forecast { jobs, batches, calls: jobs * CALLS }
}

impl Forecast {
    /// What the org does not allow today, in words.
    pub fn shortfalls(&self, limits: &Limits) -> Vec<String> {
        let short = |what: &str, wanted: u64, limit: Option<Limit>| {
            let limit = limit.filter(|limit| wanted > limit.remaining)?;
            Some(format!(
                "the plan needs about {wanted} {what}, and the org has {} of {} left in this period of 24 hours: \
                 the run will stop when they are used up, and go on with the next apply",
                limit.remaining, limit.max
            ))
        };
        let all = [
            short("API calls", self.calls, limits.calls()),
            short("batches", self.batches, limits.batches()),
        ];
        all.into_iter().flatten().collect()
    }
}

/// Notes what the org does not allow today. Not every user may ask for the limits: then nothing is said. The notes are
/// no part of the plan, because they change by the hour.
pub(super) async fn note_shortfalls(connected: &Connected<'_>, plan: &Plan, observer: &dyn Observer) {
    if !plan.changes {
        return;
    }
    let Ok(limits) = connected.client.limits().await else { return };
    for note in forecast(plan).shortfalls(&limits) {
        observer.progress(&Progress::Note(note));
    }
}
