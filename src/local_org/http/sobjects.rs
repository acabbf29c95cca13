//! Objects and their describes; what stands below an object is a record.

use super::Call;
use super::answer::{Answer, Failure};
use super::record;
use crate::local_org::schema::Object;
use crate::local_org::schema::describe::{self, RecordTypeInfo};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

/// `sobjects`, `sobjects/X`, `sobjects/X/describe`, `sobjects/X/ID`, `sobjects/X/KEY/VALUE`.
pub(super) fn call(call: &Call, body: &Value) -> Result<Answer, Failure> {
    // A client without PATCH sends POST with the method beside it.
    let mut other = None;
    if let (true, Some(method)) = (call.method == Method::POST, call.parameter("_HttpMethod")) {
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes());
        other = method.ok().map(|method| Call { method, ..call.clone() });
    }
    let call = other.as_ref().unwrap_or(call);
    let get = call.method == Method::GET;
    let Some(name) = call.path.get(1) else {
        return match get {
            true if unchanged(call) => Ok(Answer::empty(StatusCode::NOT_MODIFIED)),
            true => Ok(global(call)),
            false => Err(Failure::method(&call.method)),
        };
    };
    let object = call.org.0.schema.object(name).ok_or_else(Failure::not_found)?;
    if get && unchanged(call) && call.words().get(2).is_some_and(|word| word == "describe") {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED));
    }
    let rest: Vec<&str> = call.path.iter().skip(2).map(String::as_str).collect();
    match rest.as_slice() {
        [] if get => Ok(basic(call, object)),
        [] if call.method == Method::POST => record::create(call, object, body),
        [] => Err(Failure::method(&call.method)),
        [word] if word.eq_ignore_ascii_case("describe") && get => whole(call, object),
        [word] if word.eq_ignore_ascii_case("id") && call.method == Method::POST => {
            record::create(call, object, body)
        }
        [id] => record::by_id(call, object, id, body),
        [key, id] if key.eq_ignore_ascii_case("id") => record::by_id(call, object, id, body),
        [key, value] => record::by_key(call, object, key, value, body),
        _ => Err(Failure::not_found()),
    }
}

/// Whether the client has seen the objects since they last changed: an org's do not change while it is open.
fn unchanged(call: &Call) -> bool {
    let seen = call.headers.get("if-modified-since").and_then(|h| h.to_str().ok());
    let seen = seen.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
    seen.is_some_and(|seen| seen.timestamp().as_second() >= call.org.0.opened.div_euclid(1000))
}

fn version(call: &Call) -> String {
    format!("v{}", call.version)
}

fn global(call: &Call) -> Answer {
    let version = version(call);
    let entries = call.org.0.schema.objects.iter().map(|o| Value::Object(describe::entry(o, &version)));
    let all: Vec<Value> = entries.collect();
    Answer::json(&json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": all}))
}

fn basic(call: &Call, object: &Object) -> Answer {
    let entry = describe::entry(object, &version(call));
    Answer::json(&json!({"objectDescribe": entry, "recentItems": []}))
}

fn whole(call: &Call, object: &Object) -> Result<Answer, Failure> {
    let types = record_types(call, object)?;
    Ok(Answer::text(describe::describe(&call.org.0.schema, object, &types, &version(call))))
}

fn record_types(call: &Call, object: &Object) -> Result<Vec<RecordTypeInfo>, Failure> {
    let db = call.org.db();
    let sql = "SELECT \"Id\", \"DeveloperName\", \"Name\", \"IsActive\" FROM \"RecordType\" WHERE \"SobjectType\" = ?1 \
               ORDER BY \"#row\"";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([&object.name], |r| {
        Ok(RecordTypeInfo { id: r.get(0)?, developer_name: r.get(1)?, name: r.get(2)?, active: r.get(3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
