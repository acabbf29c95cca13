//! `jobs/query`: bulk queries and their pages of lines.

use super::Call;
use super::answer::{Answer, Failure};
use super::ingest::{blank, change, delete, find, format, list, word};
use super::job_info::{JobInfo, Reply};
use super::limits;
use crate::local_org::job::{self, Job, Kind, State, query};
use crate::local_org::soql::compile::Kind as Answers;
use crate::local_org::soql::{compile, parse};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

/// Lines of a page when the client does not say.
const PAGE: i64 = 50_000;

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
        _ if call.method == Method::GET => Err(Failure::not_found()),
        _ => Err(Failure::method(&call.method)),
    }
}

fn create(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let operation = word(body, "operation", &["query", "queryAll"], "query")?;
    let (delimiter, line_ending) = format(body)?;
    let soql = body.get("query").and_then(Value::as_str).unwrap_or_default();
    let schema = &call.org.0.schema;
    let compiled = compile(schema, soql, &parse(soql)?)?;
    if compiled.kind != Answers::Records {
        let message = "Aggregate Relationships not supported in Bulk V2 Query with CSV content type";
        return Err(Failure::bad("API_ERROR", message));
    }
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

/// A page of lines under its header; the locator says behind which line the next one begins.
fn results(call: &Call) -> Result<Answer, Failure> {
    let job = find(call, Kind::Query)?;
    if job.version != call.version {
        let message = "The API version of the results differs from that of the job";
        return Err(Failure::new(StatusCode::CONFLICT, "API_ERROR", message));
    }
    if job.state != State::JobComplete {
        let message = format!("Results of a Job in state {} not available", job.state.word());
        return Err(Failure::bad("INVALIDJOBSTATE", &message));
    }
    let after = match call.parameter("locator").filter(|l| !l.is_empty()) {
        None => 0,
        Some(locator) => {
            read_locator(locator).ok_or_else(|| Failure::bad("INVALID_QUERY_LOCATOR", "invalid locator"))?
        }
    };
    let size = call.parameter("maxRecords").and_then(|m| m.parse().ok()).unwrap_or(PAGE).max(1);
    let soql = job.soql.clone().unwrap_or_default();
    let compiled = compile(&call.org.0.schema, &soql, &parse(&soql)?)?;
    let db = call.org.db();
    let (lines, last) = query::lines(&db, &job, after, size)?;
    let locator = if query::is_more(&db, &job, last)? { write_locator(last) } else { "null".into() };
    let text = query::header(&compiled, &job) + &lines;
    let count = (last - after).to_string();
    Ok(Answer::csv(Body::from(text)).with("sforce-locator", locator).with("sforce-numberofrecords", count))
}

fn write_locator(line: i64) -> String {
    STANDARD_NO_PAD.encode(line.to_string())
}

fn read_locator(locator: &str) -> Option<i64> {
    let bytes = STANDARD_NO_PAD.decode(locator.trim_end_matches('=')).ok()?;
    String::from_utf8(bytes).ok()?.parse().ok()
}
