//! The objects of the org as rows of `EntityDefinition`, for clients that ask for them by SOQL.

use super::Facts;
use super::ids;
use super::tables::quote;
use crate::local_org::schema::{Object, Schema};
use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};

/// Columns of yes and no, with the flag of the object's describe that each follows.
const FLAGS: &[(&str, &str)] = &[
    ("IsApexTriggerable", "triggerable"),
    ("IsCustomSetting", "customSetting"),
    ("IsCustomizable", "layoutable"),
    ("IsDeprecatedAndHidden", "deprecatedAndHidden"),
    ("IsEverCreatable", "createable"),
    ("IsEverDeletable", "deletable"),
    ("IsEverUpdatable", "updateable"),
    ("IsFeedEnabled", "feedEnabled"),
    ("IsIdEnabled", "queryable"),
    ("IsLayoutable", "layoutable"),
    ("IsQueryable", "queryable"),
    ("IsReplicateable", "replicateable"),
    ("IsRetrieveable", "retrieveable"),
    ("IsSearchable", "searchable"),
    ("IsTriggerable", "triggerable"),
    ("IsWorkflowEnabled", "triggerable"),
];

/// Writes the rows anew: they say what the schema says now.
pub(super) fn write(conn: &Connection, schema: &Schema, facts: &Facts) -> Result<()> {
    let Some(definition) = schema.object("EntityDefinition") else { return Ok(()) };
    let table = quote(&definition.name);
    conn.execute(&format!("DELETE FROM {table}"), [])?;
    let names = [
        "Id",
        "DurableId",
        "QualifiedApiName",
        "DeveloperName",
        "MasterLabel",
        "Label",
        "PluralLabel",
        "KeyPrefix",
    ];
    let columns: Vec<String> =
        names.iter().chain(FLAGS.iter().map(|(column, _)| column)).map(|name| quote(name)).collect();
    let marks = vec!["?"; columns.len()].join(", ");
    let mut insert =
        conn.prepare(&format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", ")))?;
    for (number, object) in (1..).zip(&schema.objects) {
        insert.execute(params_from_iter(row(definition, object, facts, number)))?;
    }
    Ok(())
}

fn row(definition: &Object, object: &Object, facts: &Facts, number: u64) -> Vec<Value> {
    let bare = object.name.trim_end_matches("__c");
    // The durable id of a standard object is its name.
    let durable = if object.custom { ids::format("01I", facts.seed, number) } else { object.name.clone() };
    let id = ids::format(&definition.prefix, facts.seed, number);
    let texts =
        [&id, &durable, &object.name, bare, &object.label, &object.label, &object.plural, &object.prefix];
    let texts = texts.map(|text| Value::Text(text.to_owned()));
    let flags = FLAGS.iter().map(|(_, flag)| Value::Integer(object.is(flag).into()));
    texts.into_iter().chain(flags).collect()
}
