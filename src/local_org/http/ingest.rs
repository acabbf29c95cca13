//! `jobs/ingest`: closing, aborting, asking, listing and deleting jobs.

use super::answer::{Answer, Failure};
use super::job_info::{JobInfo, Reply};
use super::{Call, results};
use crate::local_org::job;
use crate::local_org::job::info::{DELIMITERS, Job, Kind, State};
use crate::local_org::job::results::File;
use crate::local_org::text::full_id;
use axum::http::{Method, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Jobs of a page of the list.
const PAGE: i64 = 1_000;

/// Everything under `jobs/ingest` but creating and uploading.
pub(super) fn call(call: &Call, body: Value) -> Result<Answer, Failure> {
    let words = call.words();
    let words: Vec<&str> = words.iter().skip(2).map(String::as_str).collect();
    match (call.method.as_str(), words.as_slice()) {
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

/// The refusal of a word that is not of a closed list.
pub(super) fn wrong_value(value: &str, name: &str) -> Failure {
    Failure::bad("API_ERROR", &format!("Invalid value: '{value}' supplied for property: '{name}'"))
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
            Err(wrong_value(&other.as_str().map_or_else(|| other.to_string(), str::to_owned), name))
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
        user: Some(call.user.clone()),
    }
}

/// Closes or aborts a job.
///
/// Unconfirmed(other-job-states): what a PATCH to another state answers; choice: the error of an unknown value.
///
/// Unconfirmed(close-without-upload): what closing a job that got no upload does; choice: it is complete with no rows,
/// as one with an empty upload is.
pub(super) fn change(call: &Call, kind: Kind, body: &Value) -> Result<Answer, Failure> {
    let wanted = word(body, "state", &["UploadComplete", "Aborted"], "")?;
    let db = call.org.db();
    let mut job = load(call, &db, kind)?;
    job.state = match wanted {
        "UploadComplete" => closed(&job)?,
        "Aborted" => aborted(&job)?,
        _ => return Err(wrong_value("", "state")),
    };
    job.modified = call.org.now();
    job::save(&db, &job)?;
    Ok(Answer::json(&JobInfo::new(&call.org, &job, Reply::Change)))
}

/// Unconfirmed(close-twice): the texts; choice: after the pattern of the one known, of aborting a finished job.
fn closed(job: &Job) -> Result<State, Failure> {
    let refuse = |message: &str| Err(Failure::bad("INVALIDJOBSTATE", message));
    match job.state {
        State::Open if job.upload == 1 => refuse("Job is still being uploaded"),
        State::Open => Ok(State::UploadComplete),
        _ => refuse(&format!("Closing already {} Job not allowed", passed(job.state))),
    }
}

fn aborted(job: &Job) -> Result<State, Failure> {
    if job.state.is_done() {
        let message = format!("Aborting already {} Job not allowed", passed(job.state));
        return Err(Failure::bad("INVALIDJOBSTATE", &message));
    }
    Ok(State::Aborted)
}

/// How a refusal says where a job stands.
fn passed(state: State) -> &'static str {
    if state == State::JobComplete { "Completed" } else { state.word() }
}

/// Deletes a job with its data.
///
/// Unconfirmed(delete-open-job): what deleting an open job answers; choice: that it is not terminated.
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

/// Lists jobs of a kind, a page at a time, oldest first.
pub(super) fn list(call: &Call, kind: Kind) -> Result<Answer, Failure> {
    let after = match call.parameter("queryLocator") {
        None => 0,
        Some(locator) => {
            locator.parse().map_err(|_| Failure::bad("INVALID_QUERY_LOCATOR", "invalid query locator"))?
        }
    };
    let mut jobs =
        if filters(call, kind)? { job::list(&call.org.db(), kind, after, PAGE + 1)? } else { Vec::new() };
    let more = jobs.len() as i64 > PAGE;
    jobs.truncate(PAGE as usize);
    let next = jobs
        .last()
        .filter(|_| more)
        .map(|j| format!("{}/jobs/{}?queryLocator={}", call.base(), kind.word(), j.seq));
    let records: Vec<JobInfo> = jobs.iter().map(|j| JobInfo::new(&call.org, j, Reply::List)).collect();
    Ok(Answer::json(&json!({"done": !more, "nextRecordsUrl": next, "records": records})))
}

/// Whether jobs of this kind pass the filters of a list. Every job of the local org is of Bulk API 2.0, parallel and
/// without PK chunking, so a filter passes all of them or none.
///
/// Unconfirmed(list-filter-values): what a value that a filter does not know answers; choice: the error of an unknown
/// value in a body.
fn filters(call: &Call, kind: Kind) -> Result<bool, Failure> {
    let own = if kind == Kind::Ingest { "V2Ingest" } else { "V2Query" };
    let types = ["BigObjectIngest", "Classic", "V2Ingest", "V2Query"];
    Ok(filter(call, "jobType", &types, own)?
        && filter(call, "concurrencyMode", &["Parallel", "Serial"], "Parallel")?
        && filter(call, "isPkChunkingEnabled", &["true", "false"], "false")?)
}

fn filter(call: &Call, name: &str, values: &[&str], own: &str) -> Result<bool, Failure> {
    let Some(wanted) = call.parameter(name) else { return Ok(true) };
    let known = values.iter().any(|v| v.eq_ignore_ascii_case(wanted));
    if known { Ok(wanted.eq_ignore_ascii_case(own)) } else { Err(wrong_value(wanted, name)) }
}
