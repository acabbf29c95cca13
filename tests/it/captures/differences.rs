//! The one list of differences that are allowed between a capture and our org's answer, each with its reason. A
//! difference that is not listed is red, and so is a listed one that does not occur.

use super::index::read;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    /// The capture, with its set: `cumulusci/….yaml`.
    capture: String,
    /// The difference, as the test words it; `*` stands for any text.
    difference: String,
    reason: String,
}

fn allowed() -> Vec<Allowed> {
    serde_yaml::from_str(&read("differences.yaml")).unwrap_or_else(|e| panic!("differences.yaml: {e}"))
}

fn covers(pattern: &str, difference: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == difference,
        Some((begin, end)) => difference.starts_with(begin) && difference.ends_with(end),
    }
}

/// Holds the differences found in one set, as pairs of capture and difference, to the list.
#[track_caller]
pub fn hold(set: &str, found: &[(String, String)]) {
    let allowed: Vec<Allowed> =
        allowed().into_iter().filter(|a| a.capture.starts_with(&format!("{set}/"))).collect();
    let is = |a: &Allowed, f: &(String, String)| a.capture == f.0 && covers(&a.difference, &f.1);
    let new: BTreeSet<String> = found
        .iter()
        .filter(|f| !allowed.iter().any(|a| is(a, f)))
        .map(|(capture, difference)| format!("{capture}\n    {difference}"))
        .collect();
    let gone: Vec<String> = allowed
        .iter()
        .filter(|a| !found.iter().any(|f| is(a, f)))
        .map(|a| format!("{}\n    {}", a.capture, a.difference))
        .collect();
    let new: Vec<String> = new.into_iter().collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "{set}: {} differences are not in tests/fixtures/captures/differences.yaml:\n{}\n{} listed ones do not occur:\n{}",
        new.len(),
        new.join("\n"),
        gone.len(),
        gone.join("\n")
    );
}

#[test]
fn every_difference_has_a_reason() {
    for a in allowed() {
        assert!(a.reason.len() > 20, "{}: {}: why? {}", a.capture, a.difference, a.reason);
        assert!(
            super::index::SETS.iter().any(|set| a.capture.starts_with(&format!("{set}/"))),
            "{}: no such set",
            a.capture
        );
    }
}
