//! What the org puts into itself when it opens: its own record, users, queues, record types, the standard price book.

use super::rows::{put, text};
use super::{Facts, ids};
use crate::local_org::schema::{ADMIN, Schema, User};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result};

/// The org's fixed facts, when it has them.
pub(super) fn known(conn: &Connection) -> Result<Option<Facts>> {
    let read = |key: &str| {
        conn.query_row("SELECT value FROM _org WHERE key = ?1", [key], |r| r.get::<_, String>(0)).optional()
    };
    let (org_id, admin_id, seed) = (read("org_id")?, read("admin_id")?, read("seed")?);
    Ok(org_id.zip(admin_id).zip(seed).map(|((org_id, admin_id), seed)| Facts {
        org_id,
        user_id: admin_id.clone(),
        admin_id,
        seed: seed.parse().unwrap_or(0),
    }))
}

/// The org's fixed facts: read, or made from the seed when the org is new.
pub(super) fn facts(conn: &Connection, schema: &Schema, seed: u64, now: i64) -> Result<Facts> {
    if let Some(facts) = known(conn)? {
        return Ok(facts);
    }
    let admin_id = ids::format("005", seed, 1);
    let facts = Facts { org_id: ids::format("00D", seed, 1), user_id: admin_id.clone(), admin_id, seed };
    for (key, value) in [
        ("format", "1"),
        ("org_id", &facts.org_id),
        ("admin_id", &facts.admin_id),
        ("seed", &seed.to_string()),
    ] {
        conn.execute("INSERT INTO _org VALUES (?1, ?2)", [key, value])?;
    }
    // The first user and the first organization get the ids above because their counters start there.
    if let Some(object) = schema.object("Organization") {
        let values = [
            ("OrganizationType", text("Developer Edition")),
            ("IsSandbox", Value::Integer(1)),
            ("InstanceName", text("LOCAL")),
            ("Country", text("US")),
            ("DefaultLocaleSidKey", text("en_US")),
            ("LanguageLocaleKey", text("en_US")),
            ("TimeZoneSidKey", text("GMT")),
        ];
        put(conn, &facts, object, &[("Name", text("cutover local org"))], &values, now)?;
    }
    Ok(facts)
}

/// Users, queues, record types and assignment rules as the schema has them; users and record types that are gone become inactive.
pub(super) fn people(conn: &Connection, schema: &Schema, facts: &Facts, now: i64) -> Result<()> {
    users(conn, schema, facts, now)?;
    queues(conn, schema, facts, now)?;
    record_types(conn, schema, facts, now)?;
    rules(conn, schema, facts, now)?;
    // Whether it is maintained is a fault's to say, and those do not outlast the process.
    conn.execute("UPDATE \"Organization\" SET \"IsReadOnly\" = 0", [])?;
    if let Some(object) = schema.object("Pricebook2") {
        let values = [("Name", text("Standard Price Book")), ("IsActive", Value::Integer(1))];
        put(conn, facts, object, &[("IsStandard", Value::Integer(1))], &values, now)?;
    }
    Ok(())
}

fn users(conn: &Connection, schema: &Schema, facts: &Facts, now: i64) -> Result<()> {
    let Some(object) = schema.object("User") else { return Ok(()) };
    let admin = User {
        username: ADMIN.into(),
        email: ADMIN.into(),
        name: "Local Admin".into(),
        employee_number: None,
        federation_id: None,
        active: true,
    };
    conn.execute("UPDATE \"User\" SET \"IsActive\" = 0 WHERE \"Username\" <> ?1", [ADMIN])?;
    let named = schema.users.iter().filter(|u| !u.username.eq_ignore_ascii_case(ADMIN));
    for user in std::iter::once(&admin).chain(named) {
        let (first, last) = user.name.rsplit_once(' ').unwrap_or(("", &user.name));
        let optional = |text: Option<&str>| text.map_or(Value::Null, |t| Value::Text(t.into()));
        let alias: String = user.username.chars().take(8).collect();
        let values = [
            ("Email", text(&user.email)),
            ("Name", text(&user.name)),
            ("FirstName", optional((!first.is_empty()).then_some(first))),
            ("LastName", text(last)),
            ("EmployeeNumber", optional(user.employee_number.as_deref())),
            ("FederationIdentifier", optional(user.federation_id.as_deref())),
            ("IsActive", Value::Integer(user.active.into())),
            ("Alias", text(&alias)),
            ("CommunityNickname", text(&user.username.chars().take(40).collect::<String>())),
            ("UserType", text("Standard")),
            ("TimeZoneSidKey", text("GMT")),
            ("LocaleSidKey", text("en_US")),
            ("LanguageLocaleKey", text("en_US")),
            ("EmailEncodingKey", text("UTF-8")),
        ];
        put(conn, facts, object, &[("Username", text(&user.username))], &values, now)?;
    }
    Ok(())
}

fn queues(conn: &Connection, schema: &Schema, facts: &Facts, now: i64) -> Result<()> {
    let (Some(group), Some(link)) = (schema.object("Group"), schema.object("QueueSobject")) else {
        return Ok(());
    };
    let (mut kept, mut groups) = (Vec::new(), Vec::new());
    for queue in &schema.queues {
        let by = [("DeveloperName", text(&queue.name)), ("Type", text("Queue"))];
        let values = [("Name", text(&queue.name.replace('_', " "))), ("OwnerId", text(&facts.org_id))];
        let id = put(conn, facts, group, &by, &values, now)?;
        groups.push(id.clone());
        for object in &queue.objects {
            let by = [("QueueId", text(&id)), ("SobjectType", text(object))];
            kept.push(put(conn, facts, link, &by, &[], now)?);
        }
    }
    remove_others(conn, "SELECT \"Id\" FROM \"QueueSobject\"", "QueueSobject", &kept)?;
    remove_others(conn, "SELECT \"Id\" FROM \"Group\" WHERE \"Type\" = 'Queue'", "Group", &groups)
}

/// Assignment rules and territories; what is gone from the schema is removed.
fn rules(conn: &Connection, schema: &Schema, facts: &Facts, now: i64) -> Result<()> {
    let (Some(rule), Some(territory)) = (schema.object("AssignmentRule"), schema.object("Territory2")) else {
        return Ok(());
    };
    let (mut rules, mut territories) = (Vec::new(), Vec::new());
    for one in &schema.assignment_rules {
        let by = [("Name", text(&one.name)), ("SobjectType", text(&one.object))];
        rules.push(put(conn, facts, rule, &by, &[("Active", Value::Integer(one.active.into()))], now)?);
    }
    for name in &schema.territories {
        let (by, label) = ([("DeveloperName", text(name))], name.replace('_', " "));
        territories.push(put(conn, facts, territory, &by, &[("Name", text(&label))], now)?);
    }
    remove_others(conn, "SELECT \"Id\" FROM \"AssignmentRule\"", "AssignmentRule", &rules)?;
    remove_others(conn, "SELECT \"Id\" FROM \"Territory2\"", "Territory2", &territories)
}

fn remove_others(conn: &Connection, sql: &str, table: &str, kept: &[String]) -> Result<()> {
    let ids: Vec<String> = conn.prepare(sql)?.query_map([], |r| r.get(0))?.collect::<Result<_>>()?;
    for id in ids.iter().filter(|id| !kept.contains(id)) {
        conn.execute(&format!("DELETE FROM \"{table}\" WHERE \"Id\" = ?1"), [id])?;
    }
    Ok(())
}

fn record_types(conn: &Connection, schema: &Schema, facts: &Facts, now: i64) -> Result<()> {
    let Some(object) = schema.object("RecordType") else { return Ok(()) };
    conn.execute("UPDATE \"RecordType\" SET \"IsActive\" = 0", [])?;
    for owner in &schema.objects {
        for name in &owner.record_types {
            let by = [("SobjectType", text(&owner.name)), ("DeveloperName", text(name))];
            let values = [("Name", text(&name.replace('_', " "))), ("IsActive", Value::Integer(1))];
            put(conn, facts, object, &by, &values, now)?;
        }
    }
    Ok(())
}
