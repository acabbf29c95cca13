//! `/admin/faults`: reading and changing the org's faults while it is served. No part of Salesforce's API: off unless
//! it was asked for, outside the API's paths, and never struck by a fault. It asks for no token, since a fault may
//! have revoked the only one.

use super::BODY;
use super::answer::{Answer, Failure};
use crate::diagnostic::Diagnostic;
use crate::local_org::{Faults, LocalOrg};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use std::sync::atomic::Ordering;

/// GET tells the faults, PUT replaces them, DELETE removes them; each answers with what is in force then.
pub(super) async fn call(org: &LocalOrg, words: &[&str], request: Request) -> Response {
    let answer = match words {
        ["admin", "faults"] if org.0.admin.load(Ordering::Relaxed) => faults(org, request).await,
        _ => Err(Failure::not_found()),
    };
    answer.unwrap_or_else(Answer::from).respond(true, false)
}

async fn faults(org: &LocalOrg, request: Request) -> Result<Answer, Failure> {
    let (parts, body) = request.into_parts();
    match parts.method {
        Method::GET => {}
        Method::PUT => org.set_faults(read(body).await?),
        Method::DELETE => org.set_faults(Faults::default()),
        other => return Err(Failure::method(&other)),
    }
    Ok(Answer::json(&org.faults().json()))
}

async fn read(body: Body) -> Result<Faults, Failure> {
    let broken = |why: String| Failure::new(StatusCode::BAD_REQUEST, "JSON_PARSER_ERROR", &why);
    let bytes = axum::body::to_bytes(body, BODY).await.map_err(|e| broken(e.to_string()))?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|e| broken(e.to_string()))?;
    Faults::read("body", &text)
        .map_err(|problems| broken(problems.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")))
}
