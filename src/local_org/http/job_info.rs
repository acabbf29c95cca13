//! Job info, with exactly the fields that the captures of each call show, in their order.

use crate::local_org::LocalOrg;
use crate::local_org::job::info::{Job, Kind, State};
use crate::local_org::text::json_moment;
use serde::Serialize;

/// Which call the info answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// POST: with `contentUrl` while open, without `jobType`.
    Create,
    /// PATCH: nothing behind `apiVersion`.
    Change,
    /// An entry of a list.
    List,
    /// GET: everything.
    Info,
}

/// Job info.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobInfo {
    id: String,
    operation: String,
    object: String,
    created_by_id: String,
    created_date: String,
    system_modstamp: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id_field_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment_rule_id: Option<String>,
    concurrency_mode: &'static str,
    content_type: &'static str,
    api_version: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_ending: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column_delimiter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_records_processed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_records_failed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_processing_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_active_processing_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apex_processing_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_pk_chunking_supported: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

impl JobInfo {
    /// What a call answers about a job.
    pub(super) fn new(org: &LocalOrg, job: &Job, reply: Reply) -> Self {
        let (ingest, open, info) = (job.kind == Kind::Ingest, job.state == State::Open, reply == Reply::Info);
        let format = reply != Reply::Change;
        let version: f64 = job.version.parse().unwrap_or(0.0);
        let counted = info && (!open || job.upload == 2);
        let url = || format!("services/data/v{}/jobs/ingest/{}/batches", job.version, job.id);
        Self {
            id: job.id.clone(),
            operation: job.operation.clone(),
            object: job.object.clone(),
            created_by_id: job.user.clone().unwrap_or_else(|| org.0.facts.admin_id.clone()),
            created_date: json_moment(job.created),
            system_modstamp: json_moment(job.modified),
            state: job.state.word(),
            external_id_field_name: job.key.clone(),
            assignment_rule_id: job.assignment_rule.clone(),
            concurrency_mode: "Parallel",
            content_type: "CSV",
            api_version: version,
            job_type: matches!(reply, Reply::Info | Reply::List).then_some(if ingest {
                "V2Ingest"
            } else {
                "V2Query"
            }),
            content_url: (ingest && open && format).then(url),
            line_ending: format.then(|| job.line_ending.clone()),
            column_delimiter: format.then(|| job.delimiter.clone()),
            number_records_processed: counted.then_some(job.rows),
            number_records_failed: (counted && ingest).then_some(job.failed),
            retries: info.then_some(job.retries),
            total_processing_time: info.then_some(if job.state.is_done() { job.active } else { 0 }),
            api_active_processing_time: (info && ingest).then_some(job.active),
            apex_processing_time: (info && ingest).then_some(0),
            // Unconfirmed(pk-chunking-field): the first version that has it, 51.0 has not; choice: 58.0.
            is_pk_chunking_supported: (info && !ingest && version >= 58.0).then_some(false),
            error_message: job.error.clone().filter(|_| info && ingest),
        }
    }
}
