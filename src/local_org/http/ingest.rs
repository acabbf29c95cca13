//! `jobs/ingest`: creating, closing, aborting, asking, listing and deleting jobs.

use super::Call;
use super::answer::{Answer, Failure};
use super::job_info::{JobInfo, Reply};
use super::results;
use crate::local_org::job::{self, DELIMITERS, Job, Kind, State, header, results::File};
use crate::local_org::text::full_id;
use axum::http::{Method, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Jobs of a page of the list.
const PAGE: i64 = 1_000;

/// Everything under `jobs/ingest` but the upload.
pub(super) fn call(call: &Call, body: Value) -> Result<Answer, Failure> {
    let words = call.words();
    let words: Vec<&str> = words.iter().skip(2).map(String::as_str).collect();
    match (call.method.as_str(), words.as_slice()) {
        ("POST", []) => create(call, &body),
        ("GET", []) => list(call, Kind::Ingest),
        ("GET", [_]) => Ok(Answer::json(&JobInfo::new(&call.org, &find(call, Kind::Ingest)?, Reply::Info))),
        ("PATCH", [_]) => change(call, Kind::Ingest, &body),
        ("DELETE", [_]) => delete(call, Kind::Ingest),
        ("GET", [_, "successfulresults"]) => results::ingest(call, File::Successful),
        ("GET", [_, "failedresults"]) => results::ingest(call, File::Failed),
        ("GET", [_, "unprocessedrecords"]) => results::ingest(call, File::Unprocessed),
        _ if call.method == Method::GET => Err(Failure::not_found()),
        _ => Err(Failure::method(&call.method)),
    }
}

/// The job that the path names.
pub(super) fn find(call: &Call, kind: Kind) -> Result<Job, Failure> {
    load(call, &call.org.db(), kind)
}

/// The same for a caller who holds the database: what is loaded and saved in one go, no step can change between.
pub(super) fn load(call: &Call, db: &Connection, kind: Kind) -> Result<Job, Failure> {
    let id = call.path.get(2).and_then(|id| full_id(id)).ok_or_else(Failure::not_found)?;
    job::load(db, kind, &id)?.ok_or_else(Failure::not_found)
}

fn invalid_job(message: &str) -> Failure {
    Failure::bad("INVALIDJOB", &format!("InvalidJob : {message}"))
}

/// A word of a closed list under `name`.
pub(super) fn word<'v>(
    body: &'v Value,
    name: &str,
    words: &[&'static str],
    default: &'v str,
) -> Result<&'v str, Failure> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::String(text)) if words.contains(&text.as_str()) => Ok(text),
        Some(other) => {
            let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            Err(Failure::bad(
                "API_ERROR",
                &format!("Invalid value: '{text}' supplied for property: '{name}'"),
            ))
        }
    }
}

/// Column delimiter and line ending of a new job.
pub(super) fn format(body: &Value) -> Result<(String, String), Failure> {
    word(body, "contentType", &["CSV"], "CSV")?;
    let names: Vec<&'static str> = DELIMITERS.iter().map(|(name, _)| *name).collect();
    let delimiter = word(body, "columnDelimiter", &names, "COMMA")?;
    let line_ending = word(body, "lineEnding", &["LF", "CRLF"], "LF")?;
    Ok((delimiter.to_owned(), line_ending.to_owned()))
}

fn create(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let operations = ["insert", "update", "upsert", "delete", "hardDelete"];
    let operation = word(body, "operation", &operations, "")?;
    if operation.is_empty() {
        return Err(Failure::bad("API_ERROR", "Invalid value: '' supplied for property: 'operation'"));
    }
    let (delimiter, line_ending) = format(body)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let wanted = text("object");
    let schema = &call.org.0.schema;
    let object =
        schema.object(wanted).ok_or_else(|| invalid_job(&format!("Unable to find object: {wanted}")))?;
    if !object.is("createable") {
        let message = format!("Entity '{}' is not supported by the Bulk API.", object.name);
        return Err(Failure::bad("INVALIDENTITY", &message));
    }
    let key = if operation == "upsert" {
        let name = text("externalIdFieldName");
        let field = object.field(name).filter(|f| header::can_be_key(f)).ok_or_else(|| {
            invalid_job(&format!(
                "Field name provided, {name} does not match an External ID for {}",
                object.name
            ))
        })?;
        Some(field.name.clone())
    } else {
        None
    };
    let rule = body.get("assignmentRuleId").and_then(Value::as_str).map(str::to_owned);
    let job = Job {
        operation: operation.to_owned(),
        object: object.name.clone(),
        key,
        assignment_rule: rule,
        delimiter,
        line_ending,
        ..blank(call, Kind::Ingest, State::Open)
    };
    let job = job::create(&call.org.db(), &call.org.0.facts, job)?;
    Ok(Answer::json(&JobInfo::new(&call.org, &job, Reply::Create)))
}

/// A job of a kind with nothing said about it yet.
pub(super) fn blank(call: &Call, kind: Kind, state: State) -> Job {
    let now = call.org.now();
    Job {
        seq: 0,
        id: String::new(),
        kind,
        operation: String::new(),
        object: String::new(),
        key: None,
        soql: None,
        assignment_rule: None,
        delimiter: String::new(),
        line_ending: String::new(),
        version: call.version.clone(),
        state,
        created: now,
        modified: now,
        started: None,
        upload: 0,
        length: 0,
        position: 0,
        rows: 0,
        failed: 0,
        retries: 0,
        active: 0,
        error: None,
    }
}

/// Closes or aborts a job.
pub(super) fn change(call: &Call, kind: Kind, body: &Value) -> Result<Answer, Failure> {
    let wanted = word(body, "state", &["UploadComplete", "Aborted"], "")?;
    let db = call.org.db();
    let mut job = load(call, &db, kind)?;
    let refuse = |message: &str| Err(Failure::bad("INVALIDJOBSTATE", message));
    match wanted {
        "UploadComplete" if job.state != State::Open => {
            return refuse(&format!("Closing already {} Job not allowed", job.state.word()));
        }
        "UploadComplete" if job.upload == 1 => return refuse("Job is still being uploaded"),
        "UploadComplete" => job.state = State::UploadComplete,
        "Aborted" if job.state.is_done() => {
            let word = if job.state == State::JobComplete { "Completed" } else { job.state.word() };
            return refuse(&format!("Aborting already {word} Job not allowed"));
        }
        "Aborted" => job.state = State::Aborted,
        _ => return Err(Failure::bad("API_ERROR", "Invalid value: '' supplied for property: 'state'")),
    }
    job.modified = call.org.now();
    job::save(&db, &job)?;
    Ok(Answer::json(&JobInfo::new(&call.org, &job, Reply::Change)))
}

/// Deletes a job with its data.
pub(super) fn delete(call: &Call, kind: Kind) -> Result<Answer, Failure> {
    let mut db = call.org.db();
    let job = load(call, &db, kind)?;
    let waiting = kind == Kind::Ingest && job.state == State::UploadComplete;
    if !job.state.is_done() && !waiting {
        let message = "Error encountered when deleting the job because the job is not terminated";
        return Err(Failure::bad("API_ERROR", message));
    }
    let tx = db.transaction()?;
    job::delete(&tx, job.seq)?;
    tx.commit()?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// Lists jobs of a kind, a page at a time.
pub(super) fn list(call: &Call, kind: Kind) -> Result<Answer, Failure> {
    let after = call.parameter("queryLocator").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut jobs = job::list(&call.org.db(), kind, after, PAGE + 1)?;
    let more = jobs.len() as i64 > PAGE;
    jobs.truncate(PAGE as usize);
    let next = jobs
        .last()
        .filter(|_| more)
        .map(|j| format!("{}/jobs/{}?queryLocator={}", call.base(), kind.word(), j.seq));
    let records: Vec<JobInfo> = jobs.iter().map(|j| JobInfo::new(&call.org, j, Reply::List)).collect();
    Ok(Answer::json(&json!({"done": !more, "nextRecordsUrl": next, "records": records})))
}
