//! What a plan would use up of the org's daily allowances, held against what is left. Pure, but for asking.

use crate::engine::context::{Connected, Need, Observer, Progress};
use crate::plan::{Api, Plan};
use crate::salesforce::{Limit, Limits};

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
    let jobs = plan.steps.iter().filter(|step| step.api == Api::Bulk).map(|step| step.parts).sum();
    let Need { batches, calls, .. } = plan.steps.iter().map(Need::of_step).fold(Need::default(), Need::plus);
    Forecast { jobs, batches, calls }
}

impl Forecast {
    /// What the org does not allow today, in words.
    pub fn shortfalls(&self, limits: &Limits) -> Vec<String> {
        let short = |what: &str, wanted: u64, limit: Option<Limit>| {
            let limit = limit.filter(|limit| wanted > limit.remaining)?;
            Some(format!(
                "the plan needs about {wanted} {what}, and the org has {} of {} left in this period of 24 hours: \
                 the run will stop before they are used up, and go on with a later apply",
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

#[cfg(test)]
mod tests {
    use super::{Forecast, forecast};
    use crate::engine::Need;
    use crate::plan::{Api, PLAN_SCHEMA, Plan};
    use crate::salesforce::Limits;
    use serde_json::json;

    fn plan(steps: &[(u64, u64)]) -> Plan {
        let step = |(rows, parts): &(u64, u64)| {
            json!({ "index": 0, "wave": 1, "load": 0, "name": "a", "kind": "rows", "level": 0, "rows": rows,
                "operation": "upsert", "parts": parts, "part_rows": 50_000, "lock": null, "needs": [] })
        };
        let steps: Vec<_> = steps.iter().map(step).collect();
        let plan = json!({ "schema": PLAN_SCHEMA, "project": "p", "environment": "e", "org_id": "00D", "sandbox": true,
            "inputs": "", "changes": true, "sources": [], "loads": [], "steps": steps, "edges": [], "notes": [] });
        serde_json::from_value(plan).unwrap()
    }

    #[test]
    fn counts_jobs_batches_and_calls() {
        let found = forecast(&plan(&[(120_001, 3), (5, 2), (0, 0)]));
        let (large, small) = (Need::of_part(Api::Bulk, 40_001).calls, Need::of_part(Api::Bulk, 3).calls);
        assert_eq!(found, Forecast { jobs: 5, batches: 15, calls: 3 * large + 2 * small });
        assert!(large > small, "a long job is asked after more often");
        let mut small = plan(&[(120_001, 3), (401, 1), (3, 2)]);
        small.steps[1..].iter_mut().for_each(|step| step.api = Api::Collections);
        assert_eq!(forecast(&small), Forecast { jobs: 3, batches: 13, calls: 3 * large + 3 + 2 });
    }

    #[test]
    fn says_what_the_day_does_not_allow() {
        let limits = |calls: u64, batches: u64| {
            let limit = |max: u64, left: u64| json!({ "Max": max, "Remaining": left });
            let all = json!({ "DailyApiRequests": limit(5_000, calls), "DailyBulkApiBatches": limit(15_000, batches) });
            Limits::read(all.as_object().cloned().unwrap_or_default())
        };
        let wanted = Forecast { jobs: 5, batches: 15, calls: 80 };
        assert!(wanted.shortfalls(&limits(80, 15)).is_empty());
        assert!(wanted.shortfalls(&Limits::default()).is_empty());
        let short = wanted.shortfalls(&limits(79, 14));
        assert_eq!(short.len(), 2, "{short:?}");
        assert!(short[0].contains("80 API calls") && short[0].contains("79 of 5000"), "{short:?}");
        assert!(short[1].contains("15 batches"), "{short:?}");
    }
}
