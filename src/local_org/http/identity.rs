//! Who is calling: `userinfo` and the identity address, with the keys of real answers that clients read.

use super::answer::{Answer, Failure};
use crate::local_org::LocalOrg;
use crate::local_org::text::{full_id, json_moment};
use rusqlite::OptionalExtension;
use serde_json::{Value, json};

/// What is told of a user.
struct Person {
    id: String,
    username: String,
    email: String,
    name: String,
    first: Option<String>,
    last: Option<String>,
    nick: Option<String>,
    active: bool,
    modified: Option<String>,
}

/// The address of a user's identity.
pub(super) fn url(org: &LocalOrg, user: &str) -> String {
    format!("{}/id/{}/{user}", org.base_url(), org.org_id())
}

/// `GET /services/oauth2/userinfo`.
pub(super) fn userinfo(org: &LocalOrg, user: &str) -> Result<Answer, Failure> {
    let person = person(org, user)?;
    let mut all = common(org, &person);
    let own = json!({
        "sub": url(org, user), "preferred_username": person.username, "name": person.name,
        "nickname": person.nick, "given_name": person.first, "family_name": person.last, "zoneinfo": "GMT",
        "profile": format!("{}/{user}", org.base_url()), "picture": "", "address": {}, "updated_at": person.modified,
    });
    add(&mut all, own);
    Ok(Answer::json(&all))
}

/// `GET /id/ORG/USER`: of the caller's own org, and of any user of it.
pub(super) fn identity(org: &LocalOrg, path: &[String]) -> Result<Answer, Failure> {
    let [organization, user] = path else { return Err(Failure::not_found()) };
    if full_id(organization) != Some(org.org_id()) {
        return Err(Failure::not_found());
    }
    let person = person(org, &full_id(user).ok_or_else(Failure::not_found)?)?;
    let mut all = common(org, &person);
    let own = json!({
        "id": url(org, &person.id), "asserted_user": true, "username": person.username,
        "display_name": person.name, "nick_name": person.nick, "first_name": person.first,
        "last_name": person.last, "timezone": "GMT", "mobile_phone": null, "mobile_phone_verified": false,
        "status": {"created_date": null, "body": null}, "last_modified_date": person.modified,
    });
    add(&mut all, own);
    Ok(Answer::json(&all))
}

fn add(all: &mut Value, own: Value) {
    if let (Value::Object(all), Value::Object(own)) = (all, own) {
        all.extend(own);
    }
}

/// What both answers say.
fn common(org: &LocalOrg, person: &Person) -> Value {
    let base = org.base_url();
    let rest = format!("{base}/services/data/v{{version}}/");
    json!({
        "user_id": person.id, "organization_id": org.org_id(), "email": person.email, "email_verified": true,
        "active": person.active, "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "utcOffset": 0,
        "is_app_installed": true, "photos": {"picture": "", "thumbnail": ""},
        "urls": {
            "rest": rest, "query": format!("{rest}query/"), "sobjects": format!("{rest}sobjects/"),
            "search": format!("{rest}search/"), "recent": format!("{rest}recent/"),
            "profile": format!("{base}/{}", person.id), "custom_domain": base,
        },
    })
}

fn person(org: &LocalOrg, user: &str) -> Result<Person, Failure> {
    let sql = "SELECT \"Id\", \"Username\", \"Email\", \"Name\", \"FirstName\", \"LastName\", \"CommunityNickname\", \
               \"IsActive\", \"LastModifiedDate\" FROM \"User\" WHERE \"Id\" = ?1";
    let db = org.db();
    let found = db.prepare_cached(sql)?.query_row([user], |r| {
        let moment: Option<String> = r.get(8)?;
        Ok(Person {
            id: r.get(0)?,
            username: r.get(1)?,
            email: r.get::<_, Option<String>>(2)?.unwrap_or_default(),
            name: r.get::<_, Option<String>>(3)?.unwrap_or_default(),
            first: r.get(4)?,
            last: r.get(5)?,
            nick: r.get(6)?,
            active: r.get(7)?,
            modified: moment.and_then(|m| crate::local_org::text::parse_moment(&m)).map(json_moment),
        })
    });
    found.optional()?.ok_or_else(Failure::not_found)
}
