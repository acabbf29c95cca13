//! `POST jobs/ingest`: a new job, by JSON, or by a multipart body that brings its data along and so closes its upload.

use super::answer::{Answer, Failure};
use super::ingest::{blank, format, word, wrong_value};
use super::job_info::{JobInfo, Reply};
use super::{BODY, Call, limits, multipart};
use crate::local_org::job::info::{Job, Kind, State};
use crate::local_org::job::upload::{PART, append};
use crate::local_org::job::{self, header};
use crate::local_org::schema::Object;
use crate::local_org::text::full_id;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;

/// Characters of data that a multipart body may bring along (reference A3).
const LONGEST: usize = 100_000;

/// Creates a job.
///
/// Unconfirmed(create-status): the status of the answer; choice: 200, as for every job info.
pub(super) async fn post(call: &Call, body: Body) -> Result<Answer, Failure> {
    let kind = call.headers.get(CONTENT_TYPE).and_then(|k| k.to_str().ok()).unwrap_or_default();
    let Some(boundary) = multipart::boundary(kind) else {
        return open(call, described(call, &super::json(body).await?, State::Open)?);
    };
    let bytes = axum::body::to_bytes(body, BODY).await.map_err(|e| broken(&e.to_string()))?;
    let parts =
        multipart::parts(&bytes, &boundary).ok_or_else(|| broken("the parts cannot be told apart"))?;
    let part = |name, kind| multipart::find(&parts, name, kind);
    let spec = part("job", "application/json").ok_or_else(|| broken("there is no part 'job'"))?;
    let content = part("content", "text/csv").ok_or_else(|| broken("there is no part 'content'"))?;
    let spec = serde_json::from_slice(spec).map_err(|e| super::unreadable(&e.to_string()))?;
    if content.len() > LONGEST && String::from_utf8_lossy(content).chars().count() > LONGEST {
        let message = format!("Failed to read request. Exceeded max size limit of {LONGEST}");
        return Err(Failure::bad("CLIENTINPUTERROR", &message));
    }
    with_data(call, described(call, &spec, State::UploadComplete)?, content)
}

/// Unconfirmed(multipart-out-of-shape): what a multipart body out of shape, or with more data than it may bring,
/// answers; choice: the code of unknown client-side errors.
fn broken(why: &str) -> Failure {
    Failure::bad("CLIENTINPUTERROR", &format!("Failed to read request. {why}"))
}

fn open(call: &Call, job: Job) -> Result<Answer, Failure> {
    let db = call.org.db();
    limits::check_ingest(call, &db)?;
    let job = job::create(&db, &call.org.0.facts, job)?;
    Ok(Answer::json(&JobInfo::new(&call.org, &job, Reply::Create)))
}

fn with_data(call: &Call, job: Job, content: &[u8]) -> Result<Answer, Failure> {
    let mut db = call.org.db();
    let tx = db.transaction()?;
    limits::check_ingest(call, &tx)?;
    let mut job = job::create(&tx, &call.org.0.facts, job)?;
    for (number, part) in content.chunks(PART).enumerate() {
        append(&tx, job.seq, number as i64, part)?;
    }
    job.upload = 2;
    job.length = content.len() as i64;
    job::save(&tx, &job)?;
    tx.commit()?;
    Ok(Answer::json(&JobInfo::new(&call.org, &job, Reply::Create)))
}

/// The job that a body describes.
fn described(call: &Call, body: &Value, state: State) -> Result<Job, Failure> {
    let operations = ["insert", "update", "upsert", "delete", "hardDelete"];
    let operation = word(body, "operation", &operations, "")?;
    if operation.is_empty() {
        return Err(wrong_value("", "operation"));
    }
    let (delimiter, line_ending) = format(body)?;
    let object = object(call, body)?;
    let key = if operation == "upsert" { Some(key(object, body)?) } else { None };
    Ok(Job {
        operation: operation.to_owned(),
        object: object.name.clone(),
        key,
        assignment_rule: body.get("assignmentRuleId").and_then(Value::as_str).map(rule),
        delimiter,
        line_ending,
        ..blank(call, Kind::Ingest, state)
    })
}

/// The id of an assignment rule, in full where it is one.
fn rule(id: &str) -> String {
    full_id(id).unwrap_or_else(|| id.to_owned())
}

fn invalid_job(message: &str) -> Failure {
    Failure::bad("INVALIDJOB", &format!("InvalidJob : {message}"))
}

fn object<'c>(call: &'c Call, body: &Value) -> Result<&'c Object, Failure> {
    let wanted = body.get("object").and_then(Value::as_str).unwrap_or_default();
    let object = call.org.0.schema.object(wanted);
    let object = object.ok_or_else(|| invalid_job(&format!("Unable to find object: {wanted}")))?;
    if !object.is("createable") {
        let message = format!("Entity '{}' is not supported by the Bulk API.", object.name);
        return Err(Failure::bad("INVALIDENTITY", &message));
    }
    Ok(object)
}

/// The key of an upsert: `Id`, an external id or an idLookup field.
fn key(object: &Object, body: &Value) -> Result<String, Failure> {
    let name = body.get("externalIdFieldName").and_then(Value::as_str).unwrap_or_default();
    let field = object.field(name).filter(|f| header::can_be_key(f));
    field.map(|f| f.name.clone()).ok_or_else(|| {
        let object = &object.name;
        invalid_job(&format!("Field name provided, {name} does not match an External ID for {object}"))
    })
}
