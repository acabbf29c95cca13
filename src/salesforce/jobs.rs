//! Ingest jobs of Bulk API 2.0: made, filled, closed, asked after and removed. One job takes one upload.

use super::call::{Call, MakeBody};
use super::client::Client;
use super::error::OrgError;
use super::moment::second;
use super::retry::Kind;
use super::soql::encode;
use crate::ports::{Method, TransportError};
use serde::Deserialize;
use serde_json::json;

/// What a job does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the API's own words")]
pub enum JobOperation {
    Insert,
    Update,
    Upsert,
    Delete,
    HardDelete,
}

impl JobOperation {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::HardDelete => "hardDelete",
        }
    }
}

/// A job to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// The object's API name.
    pub object: String,
    /// What to do.
    pub operation: JobOperation,
    /// The field that finds a row's record: for upsert, and only there.
    pub external_id: Option<String>,
    /// The Id of the assignment rule that runs on cases or leads; none runs without it.
    pub assignment_rule: Option<String>,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStage {
    /// It takes its upload.
    Open,
    /// It is closed and waits.
    UploadComplete,
    /// The org works on it.
    InProgress,
    /// Every row was tried; rows may have failed.
    JobComplete,
    /// The org gave up; rows saved before stay saved.
    Failed,
    /// It was aborted; rows saved before stay saved.
    Aborted,
    /// A word that we do not know.
    Other(String),
}

impl JobStage {
    fn parse(word: &str) -> Self {
        match word {
            "Open" => Self::Open,
            "UploadComplete" => Self::UploadComplete,
            "InProgress" => Self::InProgress,
            "JobComplete" => Self::JobComplete,
            "Failed" => Self::Failed,
            "Aborted" => Self::Aborted,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Nothing more will happen in it.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }

    /// It has left `Open` by being closed.
    fn is_closed(&self) -> bool {
        matches!(self, Self::UploadComplete | Self::InProgress | Self::JobComplete | Self::Failed)
    }
}

/// A job that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobInfo {
    /// 18 characters.
    pub id: String,
    /// Where it stands.
    pub state: JobStage,
    /// When it was made, by the org's clock: `2024-09-09T19:25:27` in UTC.
    pub created: Option<String>,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobState {
    /// Where it stands.
    pub state: JobStage,
    /// Rows tried, those that failed among them.
    pub processed: u64,
    /// Rows that failed.
    pub failed: u64,
    /// Why the whole job failed.
    pub error_message: Option<String>,
    /// When it last changed, of a job that is over its end, by the org's clock: `2024-09-09T19:25:27` in UTC.
    pub changed: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    pub(super) id: String,
    state: String,
    #[serde(default)]
    number_records_processed: u64,
    #[serde(default)]
    number_records_failed: u64,
    error_message: Option<String>,
    created_date: Option<String>,
    system_modstamp: Option<String>,
}

impl Wire {
    pub(super) fn state(self) -> JobState {
        JobState {
            state: JobStage::parse(&self.state),
            processed: self.number_records_processed,
            failed: self.number_records_failed,
            error_message: self.error_message,
            // Unconfirmed(job-modstamp): whether it is the end of a job that is over; choice: it is taken for that, and a
            // record that a rollback finds changed later counts as edited and is kept.
            changed: self.system_modstamp.as_deref().and_then(second),
        }
    }
}

impl Client<'_> {
    /// Makes a job. Not repeated once the org may have heard of it: a job that nobody knows may then exist.
    ///
    /// # Errors
    /// The org's refusal; [`OrgError::is_unknown`] says whether a job may exist all the same.
    pub async fn create_job(&self, spec: &JobSpec) -> Result<JobInfo, OrgError> {
        let mut body = json!({
            "object": spec.object,
            "operation": spec.operation.word(),
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        });
        if let Some(field) = &spec.external_id {
            body["externalIdFieldName"] = json!(field);
        }
        if let Some(rule) = &spec.assignment_rule {
            body["assignmentRuleId"] = json!(rule);
        }
        let call = Call::json(Kind::CreateJob, Method::Post, self.path("jobs/ingest"), &body);
        let wire: Wire = self.json(call).await?;
        let created = wire.created_date.as_deref().and_then(second);
        Ok(JobInfo { id: wire.id.clone(), state: wire.state().state, created })
    }

    /// Uploads the job's rows: once. `body` is asked for the bytes again only when the org cannot have heard the
    /// first.
    ///
    /// # Errors
    /// As [`Client::create_job`]; when it is unknown whether the upload arrived, the job is to be aborted.
    pub async fn upload(&self, job: &str, body: &MakeBody<'_>) -> Result<(), OrgError> {
        let path = format!("{}/batches", self.job_path(job));
        self.done(Call::put_csv(path, body)).await.map_err(sent_twice)
    }

    /// Says that the upload is complete: the org begins to work. A job that is closed already stays closed.
    ///
    /// # Errors
    /// The org's refusal, or a broken connection.
    pub async fn close(&self, job: &str) -> Result<JobState, OrgError> {
        self.move_to(job, "UploadComplete", JobStage::is_closed).await
    }

    /// Stops a job. A job that is over already stays as it is; the state says how it ended.
    ///
    /// # Errors
    /// The org's refusal, or a broken connection.
    pub async fn abort(&self, job: &str) -> Result<JobState, OrgError> {
        self.move_to(job, "Aborted", JobStage::is_final).await
    }

    /// How far a job is; nothing when the org no longer knows it.
    ///
    /// # Errors
    /// The org's refusal, or a broken connection.
    pub async fn job(&self, job: &str) -> Result<Option<JobState>, OrgError> {
        match self.json::<Wire>(Call::get(self.job_path(job))).await {
            Ok(wire) => Ok(Some(wire.state())),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a job and its data; one that is gone is no error.
    ///
    /// # Errors
    /// The org's refusal, or a broken connection.
    pub async fn delete(&self, job: &str) -> Result<(), OrgError> {
        match self.done(Call::delete(Kind::RemoveJob, self.job_path(job))).await {
            Err(error) if !error.is_gone() => Err(error),
            _ => Ok(()),
        }
    }

    /// Asks for a state. A refusal counts only when the job has not reached it: the first of two equal requests may
    /// have done it before its reply was lost. Of a job that is gone by then, that is told instead.
    async fn move_to(
        &self,
        job: &str,
        word: &str,
        reached: impl Fn(&JobStage) -> bool,
    ) -> Result<JobState, OrgError> {
        let body = json!({ "state": word });
        let call = Call::json(Kind::MoveJob, Method::Patch, self.job_path(job), &body);
        let refusal = match self.json::<Wire>(call).await {
            Ok(wire) => return Ok(wire.state()),
            Err(refusal @ OrgError::Api { status: 400..=499, .. }) => refusal,
            Err(other) => return Err(other),
        };
        let state = self.json::<Wire>(Call::get(self.job_path(job))).await?.state();
        if reached(&state.state) { Ok(state) } else { Err(refusal) }
    }

    pub(super) fn job_path(&self, job: &str) -> String {
        self.path(&format!("jobs/ingest/{}", encode(job)))
    }
}

/// An upload goes out once; refused as the second one, it was repeated on its way, and what became of the first is as
/// unknown as if its answer were lost. The words are Salesforce's, misspelt at first (reference A4).
fn sent_twice(error: OrgError) -> OrgError {
    match error {
        OrgError::Api { status: 400..=499, message, .. } if message.starts_with("Found mult") => {
            TransportError::Broken(format!("the upload was repeated on its way: {message}")).into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{JobOperation, JobSpec, JobStage, JobState};
    use crate::ports::{Body, TransportError};
    use crate::salesforce::testing::{Script, with};
    use crate::salesforce::{OrgError, ResultKind};

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../../tests/fixtures/captures/amp-labs-connectors/bulk/", $name))
        };
    }

    const JOB: &str = "GET /services/data/v67.0/jobs/ingest/750x";
    const PATCH_CLOSE: &str = "PATCH /services/data/v67.0/jobs/ingest/750x {\"state\":\"UploadComplete\"}";
    const PATCH_ABORT: &str = "PATCH /services/data/v67.0/jobs/ingest/750x {\"state\":\"Aborted\"}";

    fn state_in(text: &str) -> JobState {
        let script = Script::default().reply(JOB, 200, text);
        with(script, async |c| c.job("750x").await.unwrap().unwrap())
    }

    #[test]
    fn reads_recorded_states() {
        let state = |state, processed, failed, changed: &str| JobState {
            state,
            processed,
            failed,
            error_message: None,
            changed: Some(changed.into()),
        };
        for (text, expected) in [
            (
                recorded!("write/launch-job-opportunity.json"),
                state(JobStage::Open, 0, 0, "2024-09-09T19:25:27"),
            ),
            (
                recorded!("write/update-job-opportunity.json"),
                state(JobStage::UploadComplete, 0, 0, "2024-09-09T19:25:27"),
            ),
            (
                recorded!("info/in-progress.json"),
                state(JobStage::InProgress, 2_000, 0, "2024-09-09T21:32:36"),
            ),
            (recorded!("info/success.json"), state(JobStage::JobComplete, 3_000, 0, "2024-09-09T19:25:43")),
            (
                recorded!("info/partial-failure.json"),
                state(JobStage::JobComplete, 8, 1, "2024-09-10T13:12:47"),
            ),
        ] {
            assert_eq!(state_in(text), expected);
        }
        let failed = state_in(recorded!("info/complete-failure.json"));
        assert!(failed.state == JobStage::Failed && failed.state.is_final());
        let message = "InvalidBatch : Field name not found : StageName_invalid_field_on_purpose";
        assert_eq!(failed.error_message.as_deref(), Some(message));
        let other = state_in("{\"id\":\"750x\",\"state\":\"Resting\"}").state;
        assert!(other == JobStage::Other("Resting".into()) && !other.is_final());
    }

    #[test]
    fn makes_a_job() {
        let spec = JobSpec {
            object: "Opportunity".into(),
            operation: JobOperation::Upsert,
            external_id: Some("external_id__c".into()),
            assignment_rule: None,
        };
        let sent = "POST /services/data/v67.0/jobs/ingest {\"columnDelimiter\":\"COMMA\",\"contentType\":\"CSV\",\
            \"externalIdFieldName\":\"external_id__c\",\"lineEnding\":\"LF\",\"object\":\"Opportunity\",\"operation\":\"upsert\"}";
        let script = Script::default().reply(sent, 200, recorded!("write/launch-job-opportunity.json"));
        let job = with(script, async |c| c.create_job(&spec).await.unwrap());
        assert_eq!((job.id.as_str(), job.state), ("750ak000009BWKLAA4", JobStage::Open));
        assert_eq!(job.created.as_deref(), Some("2024-09-09T19:25:27"));
        let script = Script::default().broken("POST /services/data/v67.0/jobs/ingest");
        assert!(with(script, async |c| c.create_job(&spec).await.unwrap_err()).is_unknown());
        let ruled = JobSpec { external_id: None, assignment_rule: Some("01Q5e000000AbcdEAE".into()), ..spec };
        let sent = "POST /services/data/v67.0/jobs/ingest {\"assignmentRuleId\":\"01Q5e000000AbcdEAE\",\
            \"columnDelimiter\":\"COMMA\",\"contentType\":\"CSV\",\"lineEnding\":\"LF\",\"object\":\"Opportunity\",\
            \"operation\":\"upsert\"}";
        let script = Script::default().reply(sent, 200, recorded!("write/launch-job-opportunity.json"));
        with(script, async |c| c.create_job(&ruled).await.unwrap());
    }

    #[test]
    fn uploads_once() {
        let put = "PUT /services/data/v67.0/jobs/ingest/750x/batches Id\n1\n";
        let body = || Body::from(b"Id\n1\n".to_vec());
        let script = Script::default().not_sent(put).reply(put, 201, "");
        with(script, async |c| c.upload("750x", &body).await.unwrap());
        let script = Script::default().broken(put);
        let error = with(script, async |c| c.upload("750x", &body).await.unwrap_err());
        assert!(matches!(error, OrgError::Transport(TransportError::Broken(_))));
        let twice = r#"[{"errorCode":"BULK_API_ERROR","message":"Found multipe contents for job: <750x>, please …"}]"#;
        let script = Script::default().reply(put, 400, twice);
        let error = with(script, async |c| c.upload("750x", &body).await.unwrap_err());
        assert!(error.is_unknown() && error.to_string().contains("multipe"), "{error}");
    }

    #[test]
    fn a_close_whose_answer_was_lost_is_a_close() {
        let refusal = r#"[{"errorCode":"INVALIDJOBSTATE","message":"no"}]"#;
        let script = Script::default().broken(PATCH_CLOSE).reply(PATCH_CLOSE, 400, refusal).reply(
            JOB,
            200,
            recorded!("info/in-progress.json"),
        );
        assert_eq!(with(script, async |c| c.close("750x").await.unwrap()).state, JobStage::InProgress);
        let script = Script::default().reply(PATCH_CLOSE, 400, refusal).reply(
            JOB,
            200,
            "{\"id\":\"750x\",\"state\":\"Aborted\"}",
        );
        let error = with(script, async |c| c.close("750x").await.unwrap_err());
        assert_eq!(error.code(), Some("INVALIDJOBSTATE"));
    }

    #[test]
    fn a_job_that_is_gone_when_it_is_asked_about_a_refusal_is_gone() {
        let refusal =
            r#"[{"errorCode":"INVALIDJOBSTATE","message":"Closing already InProgress Job not allowed"}]"#;
        let gone = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;
        let script =
            Script::default().broken(PATCH_CLOSE).reply(PATCH_CLOSE, 400, refusal).reply(JOB, 404, gone);
        let error = with(script, async |c| c.close("750x").await.unwrap_err());
        assert!(error.is_gone(), "{error}");
    }

    #[test]
    fn aborting_what_is_over_tells_how_it_ended() {
        let refusal =
            r#"[{"errorCode":"INVALIDJOBSTATE","message":"Aborting already Completed Job not allowed"}]"#;
        let script = Script::default().reply(PATCH_ABORT, 400, refusal).reply(
            JOB,
            200,
            recorded!("info/success.json"),
        );
        assert_eq!(with(script, async |c| c.abort("750x").await.unwrap()).state, JobStage::JobComplete);
    }

    #[test]
    fn a_job_that_is_gone() {
        let gone = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;
        let script = Script::default()
            .reply(JOB, 404, gone)
            .reply("DELETE /services/data/v67.0/jobs/ingest/750x", 404, gone)
            .reply("GET /services/data/v67.0/jobs/ingest/750x/unprocessedrecords", 404, gone);
        with(script, async |c| {
            assert_eq!(c.job("750x").await.unwrap(), None);
            c.delete("750x").await.unwrap();
            let rows = c.each_result("750x", ResultKind::Unprocessed, &mut |_| Ok(())).await;
            assert!(rows.unwrap_err().is_gone());
        });
    }

    #[test]
    fn reads_a_partial_failure_and_a_file_that_breaks_off() {
        let path = "GET /services/data/v67.0/jobs/ingest/750x/failedResults";
        let file = recorded!("info/partial-failure.csv");
        let script =
            Script::default().reply(path, 200, &file[..200]).cut_off(path, file).reply(path, 200, file);
        let mut codes = Vec::new();
        let mut keep = |row: &crate::salesforce::ResultRow<'_>| {
            codes.push(row.error().unwrap().code);
            Ok(())
        };
        let rows =
            with(script, async |c| c.each_result("750x", ResultKind::Failed, &mut keep).await.unwrap());
        assert_eq!((rows, codes), (1, vec!["INVALID_FIELD".to_owned()]));
    }
}
