//! Calls inside calls: the composite resources, and where the calls that they carry go to.

use super::answer::{Answer, Failure};
use super::{
    Call, batch, collections, composite, counts, data, decode, limits, parts, query, sobjects, tree,
};
use axum::http::Method;
use serde_json::{Value, json};

/// `composite`, `composite/sobjects`, `composite/tree/X`, `composite/batch`.
pub(super) fn composite(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let words = call.words();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    match (words.as_slice(), call.method == Method::POST) {
        ([], true) => composite::call(call, body),
        ([], false) if call.method == Method::GET => Ok(resources(call)),
        (["batch"], true) => batch::call(call, body),
        (["tree", _], true) => tree::call(call, body),
        (["sobjects", ..], _) => collections::call(call, body),
        ([] | ["batch"] | ["tree", _], _) => Err(Failure::method(&call.method)),
        _ => Err(Failure::not_found()),
    }
}

fn resources(call: &Call) -> Answer {
    let base = call.base();
    let at = |name: &str| format!("{base}/composite/{name}");
    Answer::json(&json!({"batch": at("batch"), "sobjects": at("sobjects"), "tree": at("tree")}))
}

/// What a call inside another one answers. Jobs and other composite calls cannot stand inside.
pub(super) fn answer(call: &Call, body: &Value) -> Answer {
    inside(call, body).unwrap_or_else(Answer::from)
}

fn inside(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let words = call.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let get = call.method == Method::GET;
    match words.as_slice() {
        [] if get => Ok(data::resources(call)),
        ["limits"] if get => limits::all(call),
        ["limits", "recordcount"] if get => counts::counts(call),
        ["sobjects", ..] => sobjects::call(call, body),
        ["query" | "queryall"] if get => query::start(call),
        ["query" | "queryall", _] if get => query::go_on(call),
        ["composite", "sobjects", ..] => collections::call(call, body),
        ["composite", "tree", _] if call.method == Method::POST => tree::call(call, body),
        _ => Err(Failure::not_found()),
    }
}

/// The call that a method and a URL inside another call stand for; the URL may hold blanks as they are.
pub(super) fn call(outer: &Call, method: &str, url: &str) -> Result<Call, Failure> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Failure::not_found())?;
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut path = parts(path);
    if !path.first().is_some_and(|p| p.eq_ignore_ascii_case("services")) {
        // A batch names its calls from the version on.
        path.splice(0..0, ["services".to_owned(), "data".to_owned()]);
    }
    let version = path.get(2).and_then(|v| data::version(&v.to_ascii_lowercase()));
    let version = version.ok_or_else(Failure::not_found)?;
    path.drain(..3);
    Ok(Call { method, path, version, query: parameters(query), ..outer.clone() })
}

fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|p| !p.is_empty());
    let text = |t: &str| decode(&t.replace('+', " "));
    pairs.map(|p| p.split_once('=').unwrap_or((p, ""))).map(|(n, v)| (text(n), text(v))).collect()
}
