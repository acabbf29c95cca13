//! `composite/batch`: up to 25 calls in one that do not know each other.

use super::answer::{Answer, Failure};
use super::record::entity;
use super::{Call, inner};
use serde_json::{Value, json};

/// Calls in one.
const MOST: usize = 25;

/// `POST composite/batch`.
pub(super) fn call(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let body = entity(body)?;
    let requests = body.get("batchRequests").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if requests.len() > MOST {
        return Err(Failure::bad(
            "LIMIT_EXCEEDED",
            &format!("The request can’t contain more than {MOST} operations."),
        ));
    }
    let halt = body.get("haltOnError") == Some(&Value::Bool(true));
    let (mut failed, mut results) = (false, Vec::new());
    for request in requests {
        let (status, result) = if failed && halt { halted() } else { one(call, request) };
        failed |= status >= 400;
        results.push(json!({"statusCode": status, "result": result}));
    }
    Ok(Answer::json(&json!({"hasErrors": failed, "results": results})))
}

fn one(call: &Call, request: &Value) -> (u16, Value) {
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
    let answer = match inner::call(call, text("method"), text("url")) {
        Ok(inside) => inner::answer(&inside, request.get("richInput").unwrap_or(&Value::Null)),
        Err(failure) => failure.into(),
    };
    let (status, body, _) = answer.into_parts();
    (status.as_u16(), body)
}

fn halted() -> (u16, Value) {
    let message = "Batch processing was halted per request";
    (412, json!([{"errorCode": "BATCH_PROCESSING_HALTED", "message": message}]))
}
