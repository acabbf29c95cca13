//! What the org tells about itself: versions, resources, who is calling.

use super::Call;
use super::answer::{Answer, Failure};
use crate::local_org::LocalOrg;
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
        "identity": identity_url(org, &call.user), "jobs": at("jobs"), "limits": at("limits"), "query": at("query"),
        "queryAll": at("queryAll"), "sobjects": at("sobjects"),
    }))
}

/// Where the org tells who a user is.
pub(super) fn identity_url(org: &LocalOrg, user: &str) -> String {
    format!("{}/id/{}/{user}", org.base_url(), org.org_id())
}

/// Who is calling, at the address of an identity, which is the caller's own.
pub(super) fn identity_of(
    org: &LocalOrg,
    of_org: &str,
    of_user: &str,
    user: &str,
) -> Result<Answer, Failure> {
    // The words of a path are in lower case here.
    let same = |word: &str, id: &str| {
        let id = id.to_ascii_lowercase();
        word == id || Some(word) == id.get(..15)
    };
    if same(of_org, &org.org_id()) && same(of_user, user) {
        return identity(org, user);
    }
    Err(Failure::not_found())
}

/// Who is calling.
pub(super) fn identity(org: &LocalOrg, user: &str) -> Result<Answer, Failure> {
    let (url, base, organization) = (identity_url(org, user), org.base_url(), org.org_id());
    let rest = format!("{base}/services/data/v{{version}}/");
    let sql = "SELECT \"Username\", \"Email\", \"Name\", \"FirstName\", \"LastName\", \"CommunityNickname\" \
               FROM \"User\" WHERE \"Id\" = ?1";
    let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<[Option<String>; 6]> {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?])
    };
    let [username, email, name, first, last, nickname] = org.db().query_row(sql, [user], read)?;
    Ok(Answer::json(&json!({
        "sub": url, "id": url, "user_id": user, "organization_id": organization, "preferred_username": username,
        "username": username, "display_name": name, "name": name, "nickname": nickname,
        "email": email, "email_verified": true, "given_name": first, "family_name": last, "active": true,
        "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "zoneinfo": "GMT", "is_app_installed": true,
        "urls": {
            "rest": rest, "query": format!("{rest}query/"), "sobjects": format!("{rest}sobjects/"),
            "recent": format!("{rest}recent/"), "custom_domain": base,
        },
    })))
}
