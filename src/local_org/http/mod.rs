//! HTTP: which route a request goes to, who may call, and what every answer carries.
//!
//! Paths are read as Salesforce reads them: slashes at the end or doubled do not matter, nor does the letter case of
//! path words.

mod admin;
mod answer;
mod batch;
mod collections;
mod composite;
mod counts;
mod create;
mod data;
mod fault;
mod identity;
mod ingest;
mod inner;
mod job_info;
mod multipart;
mod query;
mod query_job;
mod results;
mod record;
mod reference;
mod sobjects;
mod tree;
mod upload;

pub(in crate::local_org) use query::{Cursors, table as query_table};

use super::LocalOrg;
use answer::{Answer, Failure};
use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use std::sync::atomic::Ordering;

/// Longest JSON body.
const BODY: usize = 16 * 1024 * 1024;

/// The org's routes.
pub(super) fn router(org: LocalOrg) -> Router {
    Router::new().fallback(handle).with_state(org)
}

/// A request, taken apart.
#[derive(Clone)]
pub(super) struct Call {
    org: LocalOrg,
    method: Method,
    /// Parts of the path behind `services/data/vXX.0`, as they were written.
    path: Vec<String>,
    /// `62.0`.
    version: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
}

impl Call {
    /// Parts of the path in lower case.
    fn words(&self) -> Vec<String> {
        self.path.iter().map(|p| p.to_ascii_lowercase()).collect()
    }

    /// The value of a query parameter.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The path up to the version, `/services/data/v62.0`.
    fn base(&self) -> String {
        format!("/services/data/v{}", self.version)
    }
}

async fn handle(State(org): State<LocalOrg>, request: Request) -> Response {
    let path = parts(request.uri().path());
    let words: Vec<String> = path.iter().map(|p| p.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.first() == Some(&"admin") {
        return admin::call(&org, &words, request).await;
    }
    // Taken apart from the match, so that the faults are not held while the call is answered.
    let struck = org.faults().strike(org.0.facts.seed, request.method().as_str(), &words);
    match struck {
        None => exchange(&org, request).await,
        Some(effect) => fault::befall(&org, effect, request).await,
    }
}

/// What the org answers when nothing befalls the call.
async fn exchange(org: &LocalOrg, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let calls = org.0.calls.fetch_add(1, Ordering::Relaxed) + 1;
    let pretty = parts.headers.get("x-prettyprint").is_some_and(|v| v == "1");
    let gzip = answer::takes_gzip(&parts.headers);
    let counted = parts.uri.path().trim_end_matches('/') != "/services/data";
    let answer = match route(org, parts.method, &parts.uri, parts.headers, body).await {
        Ok(answer) => answer,
        Err(failure) => failure.into(),
    };
    answer.respond(pretty, gzip, counted.then_some(calls))
}

async fn route(
    org: &LocalOrg,
    method: Method,
    uri: &Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, Failure> {
    let path = parts(uri.path());
    let words: Vec<String> = path.iter().map(|p| p.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words == ["services", "data"] {
        return Ok(data::versions());
    }
    authorised(org, &headers)?;
    if words == ["services", "oauth2", "userinfo"] {
        return identity::userinfo(org, &org.0.facts.admin_id);
    }
    if words.first() == Some(&"id") {
        return identity::identity(org, &path[1..]);
    }
    let ["services", "data", version, ..] = words.as_slice() else { return Err(Failure::not_found()) };
    let version = data::version(version).ok_or_else(Failure::not_found)?;
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(uri).unwrap_or_default();
    let path: Vec<String> = path.into_iter().skip(3).collect();
    if is_strict(&path) && uri.path().trim_end_matches('/').contains("//") {
        return Err(Failure::not_found());
    }
    let call = Call { org: org.clone(), method, path, version, query, headers };
    dispatch(call, body).await
}

async fn dispatch(call: Call, body: Body) -> Result<Answer, Failure> {
    let words = call.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let get = call.method == Method::GET;
    match words.as_slice() {
        [] if get => Ok(data::resources(&call)),
        ["limits"] if get => Ok(data::limits(&call)),
        ["limits", "recordcount"] if get => counts::counts(&call),
        ["sobjects", ..] => sobjects::call(&call, &json(body).await?),
        ["composite", ..] => inner::composite(&call, &json(body).await?),
        ["query" | "queryall"] if get => query::start(&call),
        ["query" | "queryall", _] if get => query::go_on(&call),
        ["jobs", ..] if call.org.trouble().is_some() => Err(Failure::trouble(&call.org)),
        ["jobs", "ingest", _, "batches"] if call.method == Method::PUT => upload::put(&call, body).await,
        ["jobs", "ingest"] if call.method == Method::POST => create::post(&call, body).await,
        ["jobs", "ingest", ..] => ingest::call(&call, json(body).await?),
        ["jobs", "query", ..] => query_job::call(&call, json(body).await?),
        [] | ["limits", ..] | ["query" | "queryall", ..] => Err(Failure::method(&call.method)),
        _ => Err(Failure::not_found()),
    }
}

/// Whether a doubled slash inside the path matters: real orgs were seen to answer 404 for `jobs/query//ID/results`.
fn is_strict(path: &[String]) -> bool {
    matches!(path, [jobs, query, ..] if jobs.eq_ignore_ascii_case("jobs") && query.eq_ignore_ascii_case("query"))
}

/// The parts of a path, empty ones left out, percent signs decoded.
fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|p| !p.is_empty()).map(decode).collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn authorised(org: &LocalOrg, headers: &HeaderMap) -> Result<(), Failure> {
    match token(headers) {
        Some(token) if token == org.access_token() => Ok(()),
        _ => Err(Failure::session()),
    }
}

/// The caller's token.
fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
    known.then(|| token.trim())
}

/// The JSON of a body; null for none.
async fn json(body: Body) -> Result<serde_json::Value, Failure> {
    let bytes = axum::body::to_bytes(body, BODY).await.map_err(|e| unreadable(&e.to_string()))?;
    if bytes.is_empty() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::from_slice(&bytes).map_err(|e| unreadable(&e.to_string()))
}

/// The refusal of a body that is no JSON.
fn unreadable(why: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "JSON_PARSER_ERROR", why)
}
