//! `composite`: up to 25 calls in one, later ones naming the answers of earlier ones (reference F4).

use super::answer::{Answer, Failure};
use super::record::entity;
use super::reference::{self, Answers};
use super::{Call, inner};
use crate::local_org::transaction::Transaction;
use axum::http::{HeaderName, StatusCode};
use serde_json::{Map, Value, json};

/// Calls in one.
///
/// Unconfirmed(composite-limits): the numbers are remembered; choice: 25, and no bound on queries among them.
const MOST: usize = 25;

/// One call inside.
struct Request<'a> {
    id: &'a str,
    method: &'a str,
    url: &'a str,
    body: &'a Value,
}

/// What it answered.
struct Response {
    status: StatusCode,
    body: Value,
    headers: Map<String, Value>,
    /// Whether it wrote less than it was asked to.
    failed: bool,
}

/// `POST composite`: always 200.
pub(super) fn call(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let body = entity(body)?;
    let requests = match requests(body.get("compositeRequest").unwrap_or(&Value::Null)) {
        Ok(requests) => requests,
        Err(refusal) => return Ok(refused_whole(&refusal)),
    };
    let whole = body.get("allOrNone") == Some(&Value::Bool(true));
    let responses = if whole { together(call, &requests)? } else { each(call, &requests, false) };
    let answers: Vec<Value> = requests.iter().zip(responses).map(|(r, a)| show(r.id, a)).collect();
    Ok(Answer::json(&json!({"compositeResponse": answers})))
}

fn show(id: &str, response: Response) -> Value {
    json!({
        "body": response.body, "httpHeaders": response.headers, "httpStatusCode": response.status.as_u16(),
        "referenceId": id,
    })
}

fn error(code: &str, message: &str) -> Value {
    json!([{"errorCode": code, "message": message}])
}

/// The form in which a real org refused a call with too many calls inside.
fn refused_whole((code, message): &(&str, String)) -> Answer {
    let one = json!({
        "body": error(code, message), "httpHeaders": {}, "httpStatusCode": 400, "referenceId": null,
    });
    Answer::json(&json!({"compositeResponse": [one]}))
}

fn requests(list: &Value) -> Result<Vec<Request<'_>>, (&'static str, String)> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.len() > MOST {
        // Recorded with its typographic apostrophe.
        return Err(("LIMIT_EXCEEDED", format!("The request can’t contain more than {MOST} operations.")));
    }
    let mut requests: Vec<Request<'_>> = Vec::new();
    for item in list {
        let request = request(item)?;
        if requests.iter().any(|r| r.id == request.id) {
            // Unconfirmed(composite-shape): code and words for sub-requests out of shape; choice: INVALID_INPUT.
            return Err(("INVALID_INPUT", format!("Duplicate referenceId: {}", request.id)));
        }
        requests.push(request);
    }
    Ok(requests)
}

fn request(item: &Value) -> Result<Request<'_>, (&'static str, String)> {
    let need = |name: &str| {
        let text = item.get(name).and_then(Value::as_str);
        // Unconfirmed(composite-shape): code and words for sub-requests out of shape; choice: INVALID_INPUT.
        text.ok_or_else(|| ("INVALID_INPUT", format!("Missing {name} in a composite subrequest")))
    };
    let id = need("referenceId")?;
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        let message = format!(
            "Provided referenceId ('{id}') must start with a letter or a number, and it can contain only letters, \
             numbers and underscores ('_')."
        );
        return Err(("INVALID_INPUT", message));
    }
    let body = item.get("body").unwrap_or(&Value::Null);
    Ok(Request { id, method: need("method")?, url: need("url")?, body })
}

/// All of them, or none: the first that fails undoes everything, and the others say so.
fn together(call: &Call, requests: &[Request<'_>]) -> Result<Vec<Response>, Failure> {
    let transaction = Transaction::begin(&call.org)?;
    let inside = Call { org: transaction.org().clone(), ..call.clone() };
    let responses = each(&inside, requests, true);
    if !responses.iter().any(|r| r.failed) {
        transaction.keep();
        return Ok(responses);
    }
    let undone = || {
        let message =
            "The transaction was rolled back since another operation in the same transaction failed.";
        halted(message)
    };
    let told = responses.into_iter().map(|r| if r.failed { r } else { undone() }).collect();
    Ok(told)
}

/// One after the other. With `whole`, those behind a failed one are not made.
fn each(call: &Call, requests: &[Request<'_>], whole: bool) -> Vec<Response> {
    let mut answers = Answers::new();
    let mut responses: Vec<Response> = Vec::new();
    for request in requests {
        if whole && responses.iter().any(|r| r.failed) {
            responses.push(Response { failed: false, ..halted("") });
            continue;
        }
        let response = one(call, request, &answers, whole);
        if !response.failed {
            answers.insert(request.id.to_owned(), response.body.clone());
        }
        responses.push(response);
    }
    responses
}

fn halted(message: &str) -> Response {
    Response {
        status: StatusCode::BAD_REQUEST,
        body: error("PROCESSING_HALTED", message),
        headers: Map::new(),
        failed: true,
    }
}

fn one(call: &Call, request: &Request<'_>, answers: &Answers, whole: bool) -> Response {
    let url = reference::text(request.url, answers);
    let body = reference::body(request.body, answers);
    let (url, mut body) = match (url, body) {
        (Ok(url), Ok(body)) => (url, body),
        (Err(message), _) | (_, Err(message)) => return halted(&message),
    };
    let answer = match inner::call(call, request.method, &url) {
        Err(failure) => failure.into(),
        Ok(mut inside) => {
            if whole {
                insist(&mut inside, &mut body);
            }
            inner::answer(&inside, &body)
        }
    };
    let (status, body, headers) = answer.into_parts();
    let rows = body.as_array().map(Vec::as_slice).unwrap_or_default();
    let failed = status.as_u16() >= 300 || rows.iter().any(|r| r.get("success") == Some(&Value::Bool(false)));
    Response {
        status,
        body,
        headers: headers.into_iter().filter_map(location).collect(),
        failed: failed && (whole || status.as_u16() >= 300),
    }
}

/// `allOrNone` of the whole goes over that of a collection inside.
fn insist(call: &mut Call, body: &mut Value) {
    let collection = call.words().get(..2).is_some_and(|w| w == ["composite", "sobjects"]);
    if collection && body.is_object() {
        body["allOrNone"] = Value::Bool(true);
    }
    call.query.insert(0, ("allOrNone".into(), "true".into()));
}

fn location((name, value): (HeaderName, String)) -> Option<(String, Value)> {
    (name == "location").then(|| ("Location".to_owned(), Value::String(value)))
}
