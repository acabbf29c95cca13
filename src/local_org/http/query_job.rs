//! `jobs/query`: bulk queries, and pages of lines of their results.

use super::answer::{Answer, Failure};
use super::ingest::{blank, change, delete, find, format, list, word};
use super::job_info::{JobInfo, Reply};
use super::{Call, limits};
use crate::local_org::LocalOrg;
use crate::local_org::job::info::{Job, Kind, State};
use crate::local_org::job::{self, query};
use crate::local_org::soql::prepare;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures_util::stream::try_unfold;
use serde_json::{Value, json};

/// Lines of a page when the client does not say.
///
/// Unconfirmed(query-page-size): how many a real org chooses; choice: the 50,000 that clients ask for themselves.
const PAGE: i64 = 50_000;

/// Pages that one answer of `resultPages` names (Bulk API 2.0 guide).
const PAGES: usize = 5;

/// The first version with `resultPages`.
const PAGES_SINCE: f64 = 58.0;

/// Lines that are read from the database in one go.
const SLICE: i64 = 1_000;

/// Everything under `jobs/query`.
pub(super) fn call(call: &Call, body: Value) -> Result<Answer, Failure> {
    let words = call.words();
    let words: Vec<&str> = words.iter().skip(2).map(String::as_str).collect();
    match (call.method.as_str(), words.as_slice()) {
        ("POST", []) => create(call, &body),
        ("GET", []) => list(call, Kind::Query),
        ("GET", [_]) => Ok(Answer::json(&JobInfo::new(&call.org, &find(call, Kind::Query)?, Reply::Info))),
        ("PATCH", [_]) => change(call, Kind::Query, &body),
        ("DELETE", [_]) => delete(call, Kind::Query),
        ("GET", [_, "results"]) => results(call),
        ("GET", [_, "resultpages"]) => pages(call),
        _ if call.method == Method::GET => Err(Failure::not_found()),
        _ => Err(Failure::method(&call.method)),
    }
}

fn create(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let operation = word(body, "operation", &["query", "queryAll"], "")?;
    if operation.is_empty() {
        return Err(Failure::bad("API_ERROR", "Invalid value: '' supplied for property: 'operation'"));
    }
    let (delimiter, line_ending) = format(body)?;
    let soql = body.get("query").and_then(Value::as_str).unwrap_or_default();
    if soql.trim().is_empty() {
        return Err(Failure::bad("MALFORMED_QUERY", "SOQL statements cannot be empty or null"));
    }
    let schema = &call.org.0.schema;
    // Unconfirmed(bulk-soql-codes): the codes of errors in the query itself; choice: those they have in REST.
    let compiled = prepare(&query::scope(schema, operation, call.org.now()), soql)?;
    let job = Job {
        operation: operation.to_owned(),
        object: schema.objects[compiled.object].name.clone(),
        soql: Some(soql.to_owned()),
        delimiter,
        line_ending,
        ..blank(call, Kind::Query, State::UploadComplete)
    };
    let db = call.org.db();
    limits::count_query_job(call, &db)?;
    let job = job::create(&db, &call.org.0.facts, job)?;
    Ok(Answer::json(&JobInfo::new(&call.org, &job, Reply::Create)))
}

/// A job whose results may be read: of the same version, and complete.
fn complete(call: &Call) -> Result<Job, Failure> {
    let job = find(call, Kind::Query)?;
    if job.version != call.version {
        // Unconfirmed(query-other-version): code and text, the status is documented; choice: API_ERROR.
        let message = "The API version of the results differs from that of the job";
        return Err(Failure::new(StatusCode::CONFLICT, "API_ERROR", message));
    }
    if job.state != State::JobComplete {
        // Unconfirmed(results-before-end): code and text; choice: as for the results of ingest jobs.
        let message = format!("Results of a Job in state {} not available", job.state.word());
        return Err(Failure::bad("INVALIDJOBSTATE", &message));
    }
    Ok(job)
}

/// A page of lines under its header; the locator says behind which line the next one begins, `null` that none does.
fn results(call: &Call) -> Result<Answer, Failure> {
    let job = complete(call)?;
    let after = after(call, &job)?;
    let size = size(call)?;
    let until = after.saturating_add(size).min(job.rows);
    let locator = if until < job.rows { write_locator(until) } else { "null".into() };
    let first = query::header(&call.org.0.schema, &job)?;
    let next = Next { org: call.org.clone(), job, first: Some(first), after, until };
    let stream = try_unfold(next, |next| async move { next.advance() });
    let count = (until - after).to_string();
    Ok(Answer::csv(Body::from_stream(stream))
        .with("sforce-locator", locator)
        .with("sforce-numberofrecords", count))
}

/// Addresses of pages, five at a time, for clients that download several at once.
fn pages(call: &Call) -> Result<Answer, Failure> {
    if call.version.parse().is_ok_and(|version: f64| version < PAGES_SINCE) {
        return Err(Failure::not_found());
    }
    let job = complete(call)?;
    let base = format!("{}/jobs/query/{}", call.base(), job.id);
    let mut after = after(call, &job)?;
    let mut pages = Vec::new();
    // A job without rows has one page: its header.
    while pages.len() < PAGES && (after < job.rows || (pages.is_empty() && after == 0)) {
        pages.push(json!({"resultUrl": format!("{base}/results?locator={}", write_locator(after))}));
        after = after.saturating_add(PAGE);
    }
    let done = after >= job.rows;
    let next = (!done).then(|| format!("{base}/resultPages?locator={}", write_locator(after)));
    // Unconfirmed(last-result-pages): whether the last answer has the key; choice: with null, as the list of jobs.
    Ok(Answer::json(&json!({"resultPages": pages, "nextRecordsUrl": next, "done": done})))
}

/// The line behind which the page asked for begins.
fn after(call: &Call, job: &Job) -> Result<i64, Failure> {
    let Some(locator) = call.parameter("locator").filter(|l| !l.is_empty()) else { return Ok(0) };
    // Unconfirmed(query-locator): code and text for one that was never given; choice: those of REST.
    let unknown = || Failure::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
    read_locator(locator).filter(|line| (0..job.rows.max(1)).contains(line)).ok_or_else(unknown)
}

fn size(call: &Call) -> Result<i64, Failure> {
    let Some(asked) = call.parameter("maxRecords").filter(|m| !m.is_empty()) else { return Ok(PAGE) };
    let number = asked.parse().ok().filter(|number| *number > 0);
    // Unconfirmed(query-max-records): code and text for what is no size; choice: those of a wrong property.
    let message = || format!("Invalid value: '{asked}' supplied for property: 'maxRecords'");
    number.ok_or_else(|| Failure::bad("API_ERROR", &message()))
}

/// Where a stream of lines stands.
struct Next {
    org: LocalOrg,
    job: Job,
    first: Option<String>,
    after: i64,
    until: i64,
}

impl Next {
    fn advance(mut self) -> Result<Option<(String, Self)>, rusqlite::Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some((first, self)));
        }
        let size = SLICE.min(self.until - self.after);
        let (lines, last) = query::lines(&self.org.db(), &self.job, self.after, size)?;
        self.after = last;
        Ok((!lines.is_empty()).then_some((lines, self)))
    }
}

fn write_locator(line: i64) -> String {
    STANDARD_NO_PAD.encode(line.to_string())
}

fn read_locator(locator: &str) -> Option<i64> {
    let bytes = STANDARD_NO_PAD.decode(locator.trim_end_matches('=')).ok()?;
    String::from_utf8(bytes).ok()?.parse().ok()
}
