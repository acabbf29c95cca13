//! Cases of a conformance suite, many of them checked by its owners on a real org: a request, and what the answer must
//! say at least.

use super::client::play;
use super::differences;
use super::index::read;
use super::org::TestOrg;
use serde_json::{Value, json};

fn cases() -> Vec<Value> {
    let cases: Value = serde_yaml::from_str(&read("fidelic-conformance/seen.yaml")).unwrap();
    cases.as_array().unwrap().clone()
}

/// The case's request. One is told in words only: a record that a validation rule refuses.
fn request(case: &Value) -> (String, Option<Value>) {
    let request = &case["request"];
    if request.is_null() {
        let account = json!({"Name": "One", "AnnualRevenue": -1});
        return ("POST /services/data/v62.0/sobjects/Account".to_owned(), Some(account));
    }
    let call = format!("{} {}", request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
    (call, request.get("body").cloned())
}

/// Whether `there` is in `here`: every field and item of it.
fn holds(there: &Value, here: &Value) -> bool {
    match (there, here) {
        (Value::Object(a), Value::Object(b)) => a.iter().all(|(n, v)| b.get(n).is_some_and(|w| holds(v, w))),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| holds(a, b)),
        _ => there == here,
    }
}

#[test]
fn our_org_answers_as_the_cases_say() {
    let mut found = Vec::new();
    for case in cases() {
        let org = TestOrg::new();
        let (call, body) = request(&case);
        let answer = org.json(&call, body.as_ref());
        let body = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
        if case["expect"]["status"] != answer.status || !holds(&case["expect"]["body"], &body) {
            let difference =
                format!("{}: {} there, {} {} here", case["id"], case["expect"], answer.status, answer.text);
            found.push(("fidelic-conformance/seen.yaml".to_owned(), difference));
        }
    }
    differences::hold("fidelic-conformance", &found);
}

#[test]
fn our_client_reads_their_errors() {
    for case in cases() {
        let status = u16::try_from(case["expect"]["status"].as_u64().unwrap()).unwrap();
        let body = &case["expect"]["body"];
        let given = play("count", "SELECT COUNT() FROM Account", status, &body.to_string());
        assert_eq!(given["code"], body[0]["errorCode"], "{case}");
        assert!(
            given["says"].as_str().unwrap().contains(body[0]["message"].as_str().unwrap_or("")),
            "{case}: {given}"
        );
    }
}
