//! What the org still allows today: asked for as a whole, and remembered from the header of every reply (reference F1).

use super::call::Call;
use super::client::Client;
use super::error::OrgError;
use serde_json::Value;
use std::collections::BTreeMap;

/// One allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// In all.
    pub max: u64,
    /// What is left of it.
    pub remaining: u64,
}

/// Every allowance that the org tells of, by its name there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits(BTreeMap<String, Limit>);

impl Limits {
    /// From the org's answer; what is no allowance is left out.
    pub fn read(all: serde_json::Map<String, Value>) -> Self {
        Self(all.into_iter().filter_map(|(name, value)| Some((name, limit(&value)?))).collect())
    }

    /// One allowance by the org's name for it, such as `DataStorageMB`.
    pub fn get(&self, name: &str) -> Option<Limit> {
        self.0.get(name).copied()
    }

    /// Calls in 24 hours; every request counts.
    pub fn calls(&self) -> Option<Limit> {
        self.get("DailyApiRequests")
    }

    /// Batches in 24 hours, of 10,000 rows each; ingest jobs use them up, query jobs do not (reference A9).
    pub fn batches(&self) -> Option<Limit> {
        self.get("DailyBulkApiBatches").or_else(|| self.get("DailyBulkApiRequests"))
    }

    /// Query jobs in 24 hours.
    pub fn query_jobs(&self) -> Option<Limit> {
        self.get("DailyBulkV2QueryJobs")
    }
}

impl Client<'_> {
    /// What the org still allows today.
    ///
    /// # Errors
    /// The org's refusal (not every user may ask), or a broken connection.
    pub async fn limits(&self) -> Result<Limits, OrgError> {
        Ok(Limits::read(self.json(Call::get(self.path("limits"))).await?))
    }
}

/// Some allowances hold further ones, by connected app, beside their own two numbers.
fn limit(value: &Value) -> Option<Limit> {
    let number = |name| Some(value.get(name)?.as_i64()?.max(0).unsigned_abs());
    Some(Limit { max: number("Max")?, remaining: number("Remaining")? })
}

#[cfg(test)]
mod tests {
    use super::super::usage::{Usage, read_usage};
    use super::Limit;
    use crate::salesforce::testing::{Script, with};

    #[test]
    fn reads_the_header() {
        let usage = Some(Usage { used: 18, max: 5_000 });
        assert_eq!(read_usage("api-usage=18/5000"), usage);
        assert_eq!(read_usage("per-app-api-usage=1/250(appName=x); api-usage=18/5000"), usage);
        assert_eq!(read_usage("api-usage=18/5000; api-bursts=1/750"), usage);
        for text in ["", "api-bursts=1/750", "api-usage=18", "api-usage=x/y"] {
            assert_eq!(read_usage(text), None, "{text}");
        }
        assert_eq!(Usage { used: 9, max: 4 }.remaining(), 0);
    }

    #[test]
    fn asks_for_all_and_remembers_the_last_header() {
        let body = r#"{"DailyApiRequests":{"Max":5000,"Remaining":4937,"Ant Migration Tool":{"Max":0,"Remaining":0}},
            "DailyBulkApiBatches":{"Max":15000,"Remaining":-3},"Odd":{"Max":"x"},"Other":7}"#;
        let script = Script::default().reply_with(
            "GET /services/data/v67.0/limits",
            200,
            &[("sforce-limit-info", "api-usage=63/5000")],
            body,
        );
        let (limits, usage) = with(script, async |c| {
            assert_eq!(c.usage(), None);
            (c.limits().await.unwrap(), c.usage())
        });
        assert_eq!(limits.calls(), Some(Limit { max: 5_000, remaining: 4_937 }));
        assert_eq!(limits.batches(), Some(Limit { max: 15_000, remaining: 0 }));
        assert_eq!((limits.query_jobs(), limits.get("Odd")), (None, None));
        assert_eq!(usage, Some(Usage { used: 63, max: 5_000 }));
    }

    #[test]
    fn a_refusal_tells_the_usage_too() {
        let refusal = r#"[{"errorCode":"NOT_FOUND","message":"no"}]"#;
        let script = Script::default().reply_with(
            "GET /services/data/v67.0/limits",
            404,
            &[("sforce-limit-info", "api-usage=64/5000")],
            refusal,
        );
        let usage = with(script, async |c| {
            assert!(c.limits().await.unwrap_err().is_gone());
            c.usage()
        });
        assert_eq!(usage.map(|u| u.remaining()), Some(4_936));
    }
}
