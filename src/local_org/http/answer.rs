//! Answers and errors in the API's shapes: errors are arrays of code and message.

use crate::local_org::LocalOrg;
use crate::local_org::record::error::{MAINTAINED, RowError};
use crate::local_org::record::write::Refusal;
use crate::local_org::soql::error::SoqlError;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::TryStreamExt;
use futures_util::stream::try_unfold;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write;

/// An answer before it is turned into bytes.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    content: Content,
    headers: Vec<(HeaderName, String)>,
}

enum Content {
    Nothing,
    /// JSON text, compact.
    Json(String),
    Csv(Body),
}

impl Answer {
    /// 200 with JSON.
    pub(super) fn json(value: &impl Serialize) -> Self {
        Self::text(serde_json::to_string(value).unwrap_or_default())
    }

    /// 200 with JSON that is text already.
    pub(super) fn text(json: String) -> Self {
        Self { status: StatusCode::OK, content: Content::Json(json), headers: Vec::new() }
    }

    /// 200 with CSV.
    pub(super) fn csv(body: Body) -> Self {
        Self { status: StatusCode::OK, content: Content::Csv(body), headers: Vec::new() }
    }

    /// JSON with a status of its own.
    pub(super) fn status(status: StatusCode, value: &impl Serialize) -> Self {
        Self { status, ..Self::json(value) }
    }

    /// What a call inside another one answers with: status, JSON, headers.
    pub(super) fn into_parts(self) -> (StatusCode, Value, Vec<(HeaderName, String)>) {
        let body = match self.content {
            Content::Json(text) => serde_json::from_str(&text).unwrap_or_default(),
            Content::Nothing | Content::Csv(_) => Value::Null,
        };
        (self.status, body, self.headers)
    }

    /// A status and nothing else.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, content: Content::Nothing, headers: Vec::new() }
    }

    /// The same with one header more.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }

    /// The bytes, compressed where the client takes that.
    pub(super) fn respond(self, pretty: bool, gzip: bool) -> Response {
        let (kind, body) = match self.content {
            Content::Nothing => (None, Body::empty()),
            Content::Json(text) => {
                let text = if pretty { indented(&text).unwrap_or(text) } else { text };
                (Some("application/json;charset=UTF-8"), Body::from(text))
            }
            // Unconfirmed(result-content-type): whether more stands behind it; choice: no more.
            Content::Csv(body) => (Some("text/csv"), body),
        };
        let gzip = gzip && kind.is_some();
        let mut response = Response::new(if gzip { compressed(body) } else { body });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// Whether a client takes compressed answers; other encodings than gzip are not looked at (Bulk API 2.0 guide).
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|list| list.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(quality.trim(), "q=0" | "q=0.0")
    })
}

/// A body as gzip, part by part, so that files are never held whole.
fn compressed(body: Body) -> Body {
    let start = Some((body.into_data_stream(), GzEncoder::new(Vec::new(), Compression::fast())));
    Body::from_stream(try_unfold(start, |state| async move {
        let Some((mut parts, mut encoder)) = state else { return Ok(None) };
        while let Some(part) = parts.try_next().await? {
            encoder.write_all(&part).map_err(axum::Error::new)?;
            if !encoder.get_ref().is_empty() {
                let ready = std::mem::take(encoder.get_mut());
                return Ok(Some((ready, Some((parts, encoder)))));
            }
        }
        Ok::<_, axum::Error>(Some((encoder.finish().map_err(axum::Error::new)?, None)))
    }))
}

fn indented(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

/// A refusal of a call.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    code: String,
    message: String,
    /// Fields of a record that the refusal stands at; refusals of records always carry the list.
    fields: Option<Vec<String>>,
}

impl Failure {
    /// Status, code and message.
    pub(super) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, code: code.into(), message: message.into(), fields: None }
    }

    /// Whether it has this code.
    pub(super) fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// The same under another status.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// 400.
    pub(super) fn bad(code: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404, in the words of an unknown resource.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "The requested resource does not exist")
    }

    /// 400: the org is maintained.
    pub(super) fn maintained() -> Self {
        Self::bad(MAINTAINED.0, MAINTAINED.1)
    }

    /// 401: no token, an unknown one, or one that is no longer good.
    pub(super) fn session() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    /// 500: the database failed while the org worked at its jobs.
    pub(super) fn trouble(org: &LocalOrg) -> Self {
        let message = org.trouble().unwrap_or_default();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", &message)
    }

    /// 405.
    pub(super) fn method(method: &axum::http::Method) -> Self {
        let message = format!("HTTP Method '{method}' not allowed. Allowed are HEAD,GET");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", &message)
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        let mut error = json!({"errorCode": failure.code, "message": failure.message});
        if let Some(fields) = failure.fields {
            error["fields"] = json!(fields);
        }
        Self::status(failure.status, &[error])
    }
}

impl From<RowError> for Failure {
    /// 404 for a record that is gone (captured with its empty list of fields), else 400. A value that cannot be read
    /// as its field's type and a field that is not there come without the list.
    fn from(error: RowError) -> Self {
        let gone = error.code == "ENTITY_IS_DELETED";
        let status = if gone { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
        let bare = error.code == "JSON_PARSER_ERROR" || error.message.starts_with("No such column");
        let fields = (!bare).then_some(error.fields);
        Self { status, code: error.code.into(), message: error.message, fields }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Row(error) => error.into(),
            Refusal::Store(error) => error.into(),
        }
    }
}

impl From<SoqlError> for Failure {
    fn from(error: SoqlError) -> Self {
        Self::bad(error.code, &error.message)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", &error.to_string())
    }
}
