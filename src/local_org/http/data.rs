//! What the org tells about itself: versions, resources.

use super::answer::Answer;
use super::{Call, identity};
use serde_json::json;

/// API versions the org answers to.
const VERSIONS: std::ops::RangeInclusive<u32> = 51..=68;

/// `62.0` from `v62.0`, for a version that the org has.
pub(super) fn version(word: &str) -> Option<String> {
    let number = word.strip_prefix('v')?;
    let (major, minor) = number.split_once('.')?;
    let known = major.parse().is_ok_and(|m: u32| VERSIONS.contains(&m)) && minor == "0";
    known.then(|| number.to_owned())
}

/// The list of versions, oldest first.
pub(super) fn versions() -> Answer {
    let versions: Vec<_> = VERSIONS
        .map(|v| {
            // Three releases a year: 51 is Spring '21.
            let (season, year) = (["Spring", "Summer", "Winter"][v as usize % 3], 21 + (v - 51 + 1) / 3);
            let label = format!("{season} '{year}");
            json!({"label": label, "url": format!("/services/data/v{v}.0"), "version": format!("{v}.0")})
        })
        .collect();
    Answer::json(&versions)
}

/// Resources of a version, with the address of the caller's identity.
pub(super) fn resources(call: &Call) -> Answer {
    let (org, base) = (&call.org, call.base());
    let at = |name: &str| format!("{base}/{name}");
    Answer::json(&json!({
        "composite": at("composite"), "identity": identity::url(org, &call.user), "jobs": at("jobs"),
        "limits": at("limits"), "query": at("query"), "queryAll": at("queryAll"), "sobjects": at("sobjects"),
    }))
}
