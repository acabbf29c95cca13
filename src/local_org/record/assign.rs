//! Assignment rules: to whom new cases and leads are given, and to which territories accounts, where a call or a job asks
//! for it.
//!
//! Must not know HTTP, nor who asks.

use super::Values;
use super::write::Writer;
use crate::local_org::schema::AssignmentRule;
use crate::local_org::store::rows::{put, text};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Result};

/// Which rules run on what is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Assign {
    /// None.
    #[default]
    Off,
    /// The active ones, on what is created or updated (REST guide, Assignment Rule header).
    Active,
    /// The rule with this id, of 18 characters, active or not, on what is created.
    ///
    /// Unconfirmed(assignment-on-update): the REST guide says that a rule that is named runs on created records, the SOAP guide
    /// names updates too, and nothing is said of jobs; choice: on created ones alone, by calls and by jobs.
    ///
    /// Unconfirmed(territory-rules-in-jobs): whether a job runs the territory rules of accounts; choice: it does not.
    Rule(String),
}

/// Puts the owner that a rule gives into a case or lead.
pub(super) fn give(writer: &Writer<'_>, values: &mut Values, created: bool) -> Result<()> {
    let Some(owner) = writer.fill.owner else { return Ok(()) };
    let rule = match &writer.assign {
        Assign::Off => None,
        Assign::Active => rules(writer).find(|rule| rule.active),
        Assign::Rule(id) if created => named(writer, id)?,
        Assign::Rule(_) => None,
    };
    if let Some(rule) = rule {
        let sql = "SELECT \"Id\" FROM \"Group\" WHERE \"DeveloperName\" = ?1 AND \"Type\" = 'Queue' \
                   UNION ALL SELECT \"Id\" FROM \"User\" WHERE \"Username\" = ?1 LIMIT 1";
        let found = writer.conn.prepare_cached(sql)?.query_row([&rule.owner], |row| row.get(0)).optional()?;
        values[owner] = found.map(Value::Text).or_else(|| values[owner].take());
    }
    Ok(())
}

/// The rules of the writer's object.
fn rules<'w>(writer: &'w Writer<'_>) -> impl Iterator<Item = &'w AssignmentRule> {
    writer.schema.assignment_rules.iter().filter(|rule| rule.object == writer.object.name)
}

fn named<'w>(writer: &'w Writer<'_>, id: &str) -> Result<Option<&'w AssignmentRule>> {
    let sql = "SELECT \"Name\" FROM \"AssignmentRule\" WHERE \"Id\" = ?1 AND \"SobjectType\" = ?2";
    let name: Option<String> =
        writer.conn.prepare_cached(sql)?.query_row([id, &writer.object.name], |row| row.get(0)).optional()?;
    Ok(name.and_then(|name| rules(writer).find(|rule| rule.name == name)))
}

/// Gives an account to the org's territories, where their rules run.
pub(super) fn territories(writer: &Writer<'_>, id: &str) -> Result<()> {
    let (schema, facts, now) = (writer.schema, writer.facts, writer.now);
    if writer.assign != Assign::Active || writer.object.name != "Account" {
        return Ok(());
    }
    let (Some(territory), Some(link)) =
        (schema.object("Territory2"), schema.object("ObjectTerritory2Association"))
    else {
        return Ok(());
    };
    for name in &schema.territories {
        let of = put(writer.conn, facts, territory, &[("DeveloperName", text(name))], &[], now)?;
        let by = [("ObjectId", text(id)), ("Territory2Id", text(&of))];
        put(writer.conn, facts, link, &by, &[("AssociationCause", text("Territory2AssignmentRule"))], now)?;
    }
    Ok(())
}
