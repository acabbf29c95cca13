//! Logging in over HTTP: `services/oauth2/token` and `revoke`, and the login of the SOAP API, which is refused
//! (reference G).

use super::answer::{Answer, Failure};
use super::{BODY, decode, identity};
use crate::local_org::LocalOrg;
use crate::local_org::auth::app::{App, Problem};
use crate::local_org::auth::{Form, Granted, grant};
use crate::local_org::store::tokens;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What a token may be used for.
///
/// Unconfirmed(token-fields): which grants answer with `issued_at` and `signature`; choice: all, `signature` where the
/// app has a secret.
const SCOPE: &str = "id web api";

/// `services/oauth2/X`; `word` is the X.
pub(super) async fn call(org: &LocalOrg, word: &str, request: Request) -> Response {
    let answered = match word {
        "token" => token(org, request).await,
        "revoke" => revoke(org, request).await,
        _ => Err(Refusal::Api(Failure::not_found())),
    };
    answered.unwrap_or_else(Answer::from).respond(false, false)
}

/// Why a call to an OAuth address is refused.
enum Refusal {
    Login(Problem),
    Api(Failure),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Login(problem)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Api(error.into())
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Api(failure) => failure.into(),
            Refusal::Login(Problem { error, description }) => {
                let mut answer = Self::json(&json!({"error": error, "error_description": description}));
                answer.status = StatusCode::BAD_REQUEST;
                answer
            }
        }
    }
}

async fn token(org: &LocalOrg, request: Request) -> Result<Answer, Refusal> {
    if request.method() != Method::POST {
        return Err(Problem::new("invalid_request", "must use HTTP POST").into());
    }
    let (parts, body) = request.into_parts();
    let mut form = read(body).await?;
    form.0.extend(basic(&parts.headers));
    let granted = grant(&org.0.schema.apps, &form, &org.base_url(), org.now())?;
    issue(org, &granted)
}

/// The fields of a form.
async fn read(body: Body) -> Result<Form, Problem> {
    let broken = Problem::new("invalid_request", "the form cannot be read");
    let bytes = axum::body::to_bytes(body, BODY).await.map_err(|_| broken)?;
    Ok(Form(fields(&String::from_utf8_lossy(&bytes))))
}

fn fields(text: &str) -> Vec<(String, String)> {
    let plain = |text: &str| decode(&text.trim().replace('+', " "));
    let pair = |field: &str| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (plain(name), plain(value))
    };
    text.split('&').filter(|field| !field.is_empty()).map(pair).collect()
}

/// Client id and secret of a Basic header, as fields.
fn basic(headers: &HeaderMap) -> Vec<(String, String)> {
    let read = || {
        let (scheme, text) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let bytes = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(text.trim()))?.ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some(vec![("client_id".into(), id.into()), ("client_secret".into(), secret.into())])
    };
    read().unwrap_or_default()
}

fn issue(org: &LocalOrg, granted: &Granted<'_>) -> Result<Answer, Refusal> {
    let (db, now) = (org.db(), org.now());
    if let Some(refresh) = &granted.refresh_token
        && tokens::is_revoked(&db, refresh)?
    {
        return Err(Problem::new("invalid_grant", "expired access/refresh token").into());
    }
    let user = match tokens::user(&db, &granted.username)? {
        Some((id, true)) => id,
        // Unconfirmed(oauth-texts): code and description; choice: as remembered.
        Some((_, false)) => return Err(Problem::new("inactive_user", "user is inactive").into()),
        None => return Err(Problem::new("invalid_grant", "user hasn't approved this consumer").into()),
    };
    let minutes = i64::try_from(org.0.schema.session_minutes).unwrap_or(i64::MAX);
    let expires = now.saturating_add(minutes.saturating_mul(60_000));
    let refresh = granted.refresh_token.as_deref();
    let token = tokens::issue(&db, &org.0.facts, &user, &granted.app.client_id, refresh, expires)?;
    drop(db);
    Ok(Answer::json(&body(org, granted.app, &user, &token, now)))
}

fn body(org: &LocalOrg, app: &App, user: &str, token: &str, now: i64) -> Value {
    let (id, issued) = (identity::url(org, user), now.to_string());
    let mut body = json!({
        "access_token": token, "scope": SCOPE, "instance_url": org.base_url(), "id": id, "token_type": "Bearer",
        "issued_at": issued,
    });
    // Base64 of HMAC-SHA256 of id and issued_at with the app's secret, as the guide has it; so without one, none.
    if let Some(secret) = &app.client_secret {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        let tag = ring::hmac::sign(&key, format!("{id}{issued}").as_bytes());
        body["signature"] = STANDARD.encode(tag.as_ref()).into();
    }
    body
}

/// Revokes an access or refresh token, given in the form or in the query.
async fn revoke(org: &LocalOrg, request: Request) -> Result<Answer, Refusal> {
    let (parts, body) = request.into_parts();
    let mut form = read(body).await?;
    form.0.extend(fields(parts.uri.query().unwrap_or_default()));
    let token = form.get("token");
    let known = |app: &App| !token.is_empty() && app.refresh_token.as_deref() == Some(token);
    if org.0.schema.apps.iter().any(known) {
        tokens::revoke_refresh(&org.db(), token)?;
    } else if !org.revoke(token)? {
        // Unconfirmed(revoke-unknown): what a token that is none answers; choice: 400 `invalid_token`.
        return Err(Problem::new("invalid_token", "invalid token").into());
    }
    Ok(Answer::empty(StatusCode::OK))
}

/// The login of the SOAP API: gone since version 65, and off before.
///
/// Unconfirmed(soap-login): the text; choice: what help article 005132110 says, in the form of the API's faults.
pub(super) fn soap() -> Response {
    let fault = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
        <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
        xmlns:sf=\"urn:fault.partner.soap.sforce.com\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
        <soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_OPERATION</faultcode>\
        <faultstring>INVALID_OPERATION: SOAP API login() is disabled by default in this org.</faultstring>\
        <detail><sf:UnexpectedErrorFault xsi:type=\"sf:UnexpectedErrorFault\">\
        <sf:exceptionCode>INVALID_OPERATION</sf:exceptionCode>\
        <sf:exceptionMessage>SOAP API login() is disabled by default in this org.</sf:exceptionMessage>\
        </sf:UnexpectedErrorFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>";
    let mut response = Response::new(Body::from(fault));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let kind = HeaderValue::from_static("text/xml;charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
