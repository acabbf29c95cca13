//! Limits on the wire: what each is called, and how a call past one is refused.

use super::Call;
use super::answer::{Answer, Failure};
use crate::local_org::LocalOrg;
use crate::local_org::limit::Daily;
use axum::http::StatusCode;
use rusqlite::Connection;
use serde_json::{Value, json};

/// Counts a call; what `Sforce-Limit-Info` says then.
///
/// # Errors
/// 403 when the day's calls are used up; such a call is not counted.
pub(super) fn count_call(org: &LocalOrg) -> Result<String, Failure> {
    let limits = &org.0.schema.limits;
    match Daily::ApiRequests.spend(&org.db(), limits, 1, org.now())? {
        Some(used) => Ok(format!("api-usage={used}/{}", limits.api_requests)),
        None => {
            let message = "TotalRequests Limit exceeded.";
            Err(Failure::new(StatusCode::FORBIDDEN, "REQUEST_LIMIT_EXCEEDED", message))
        }
    }
}

/// Refuses a new ingest job when no batch or no record could follow.
///
/// Unconfirmed(ingest-quota): code and text of Bulk 2.0 (reference K9); choice: those of Bulk 1.0 in the form of 2.0's
/// codes.
pub(super) fn check_ingest(call: &Call, db: &Connection) -> Result<(), Failure> {
    let (limits, now) = (&call.org.0.schema.limits, call.org.now());
    for daily in [Daily::BulkBatches, Daily::BulkRecords] {
        if daily.used(db, now)? >= daily.max(limits) {
            return Err(Failure::bad("EXCEEDEDQUOTA", "ExceededQuota : ApiBatchItems Limit exceeded."));
        }
    }
    Ok(())
}

/// Counts a new query job, or refuses it.
pub(super) fn count_query_job(call: &Call, db: &Connection) -> Result<(), Failure> {
    let limits = &call.org.0.schema.limits;
    match Daily::QueryJobs.spend(db, limits, 1, call.org.now())? {
        Some(_) => Ok(()),
        None => {
            let max = limits.query_jobs;
            let message = format!("Max bulk v2 query jobs ({max}) per 24 hrs has been reached");
            Err(Failure::bad("LIMIT_EXCEEDED", &message))
        }
    }
}

/// `limits`. Those that this org does not count are as free as on the first day.
pub(super) fn all(call: &Call) -> Result<Answer, Failure> {
    let db = call.org.db();
    let counted = |daily: Daily| -> Result<Value, Failure> {
        let max = daily.max(&call.org.0.schema.limits);
        Ok(limit(max, daily.used(&db, call.org.now())?))
    };
    Ok(Answer::json(&json!({
        "DailyApiRequests": counted(Daily::ApiRequests)?,
        "DailyAsyncApexExecutions": limit(250_000, 0),
        "DailyBulkApiBatches": counted(Daily::BulkBatches)?,
        "DailyBulkV2QueryFileStorageMB": limit(976_562, 0),
        "DailyBulkV2QueryJobs": counted(Daily::QueryJobs)?,
        "DataStorageMB": limit(1_024, 0),
        "FileStorageMB": limit(1_024, 0),
        "HourlyTimeBasedWorkflow": limit(1_000, 0),
    })))
}

fn limit(max: u64, used: u64) -> Value {
    json!({"Max": max, "Remaining": max.saturating_sub(used)})
}
