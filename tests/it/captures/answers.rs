//! Answers: the org is brought into the state of the capture, asked the same, and its answer is held to the capture.

use super::client::hold_client;
use super::differences;
use super::index::{Capture, Sends, read, set};
use super::org::{Answer, TestOrg};
use super::shape::{csv_differences, json_differences};
use serde_json::Value;

fn differences_of(capture: &Capture, there: &str, answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    if answer.status != capture.status {
        found.push(format!("status: {} there, {} here", capture.status, answer.status));
    }
    let csv = capture.file.ends_with(".csv");
    let expected = if csv { "text/csv" } else { "application/json;charset=UTF-8" };
    let kind = answer.headers.get("content-type").map_or("none", String::as_str);
    if !there.is_empty() && !kind.starts_with(expected) {
        found.push(format!("content-type: {expected} there, {kind} here"));
    }
    for name in &capture.headers {
        if !answer.headers.contains_key(&name.to_lowercase()) {
            found.push(format!("header {name}: only there"));
        }
    }
    let here = || serde_json::from_str::<Value>(&answer.text).unwrap_or(Value::Null);
    found.extend(match csv {
        true => csv_differences(there, &answer.text),
        false => json_differences(&serde_json::from_str(there).unwrap(), &here()),
    });
    found
}

/// An org in the state of a capture, as far as it can be brought there.
fn in_state(file: &str, capture: &Capture, found: &mut Vec<(String, String)>) -> TestOrg {
    let mut org = TestOrg::new();
    for step in &capture.before {
        if let Some(answer) = org.step(step).filter(|answer| answer.status >= 300) {
            let call = step.call.as_deref().unwrap_or_default();
            found.push((file.to_owned(), format!("before: {call}: {}", answer.status)));
        }
    }
    org
}

/// Sends a file, and gives what the answer should be like with the answer.
fn send(set: &str, body: &str, sends: &Sends, org: &TestOrg) -> (String, Answer) {
    let body =
        sends.replace.iter().fold(body.to_owned(), |body, (old, new)| body.replace(old, &org.filled(new)));
    let answer = org.call(&sends.call, "application/json", body);
    let like = sends.like.as_ref().map(|file| read(&format!("{set}/{file}")));
    let gives = sends.gives.as_ref().map(Value::to_string);
    (like.or(gives).expect("`like` or `gives`"), answer)
}

/// Plays every capture of a set that is an answer or the body of a request, on both sides.
fn hold(name: &str) {
    let mut found = Vec::new();
    for capture in &set(name).captures {
        let file = format!("{name}/{}", capture.file);
        if capture.call.is_none() && capture.sends.is_none() {
            continue;
        }
        let text = read(&file);
        hold_client(&file, capture, &text);
        let (there, answer) = match (&capture.call, &capture.sends) {
            (Some(call), _) => (text, in_state(&file, capture, &mut found).step(call).unwrap()),
            (_, Some(sends)) => send(name, &text, sends, &in_state(&file, capture, &mut found)),
            _ => unreachable!(),
        };
        found.extend(differences_of(capture, &there, &answer).into_iter().map(|d| (file.clone(), d)));
    }
    differences::hold(name, &found);
}

#[test]
fn amp_labs_connectors() {
    hold("amp-labs-connectors");
}

#[test]
fn observed() {
    hold("observed");
}

#[test]
fn sf_cli_plugin_data() {
    hold("sf-cli-plugin-data");
}
