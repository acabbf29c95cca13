//! `columns=true`: what the columns of a query are, as the Salesforce CLI asks before it draws a table.
//!
//! Keys follow what the CLI reads and the answer it was recorded with. Unconfirmed(column-metadata): their values where the CLI does
//! not look at them.

use crate::local_org::schema::Schema;
use crate::local_org::schema::flags::Flag;
use crate::local_org::soql::Compiled;
use crate::local_org::soql::compile::{Column, Kind};
use crate::model::FieldType;
use serde_json::{Value, json};

/// The answer.
pub(super) fn metadata(schema: &Schema, compiled: &Compiled) -> Value {
    let object = &schema.objects[compiled.object];
    let own_id = compiled.columns.iter().any(|c| c.names == ["Id"]);
    json!({
        "columnMetadata": tree(compiled),
        "entityName": object.name,
        "groupBy": compiled.kind == Kind::Aggregate,
        "idSelected": own_id,
        "keyPrefix": object.prefix,
    })
}

/// The columns in order, fields of parents and children under theirs.
fn tree(compiled: &Compiled) -> Vec<Value> {
    let mut entries = Vec::new();
    for index in 0..=compiled.columns.len() {
        for child in compiled.children.iter().filter(|child| child.before == index) {
            entries.push(node(&child.name, true, tree(&child.query)));
        }
        if let Some(column) = compiled.columns.get(index) {
            place(&mut entries, column, 0);
        }
    }
    entries
}

fn place(entries: &mut Vec<Value>, column: &Column, depth: usize) {
    let name = &column.names[depth];
    if depth + 1 == column.names.len() {
        entries.push(leaf(column, name));
        return;
    }
    let known = entries.iter().position(|e| e["columnName"] == json!(name) && e["apexType"] == "Entity");
    let index = known.unwrap_or_else(|| {
        entries.push(node(name, false, Vec::new()));
        entries.len() - 1
    });
    if let Some(joined) = entries.get_mut(index).and_then(|e| e["joinColumns"].as_array_mut()) {
        place(joined, column, depth + 1);
    }
}

/// A parent or children.
fn node(name: &str, aggregate: bool, joined: Vec<Value>) -> Value {
    json!({
        "aggregate": aggregate, "apexType": "Entity", "booleanType": false, "columnName": name, "custom": false,
        "displayName": name, "foreignKeyName": null, "insertable": false, "joinColumns": joined, "numberType": false,
        "textType": false, "updatable": false,
    })
}

fn leaf(column: &Column, name: &str) -> Value {
    use FieldType::{Currency, Double, Int, Long, Percent};
    let number = matches!(column.kind, Int | Long | Double | Currency | Percent);
    let boolean = column.kind == FieldType::Boolean;
    json!({
        "aggregate": column.call.is_some(),
        "apexType": apex_type(column.kind),
        "booleanType": boolean,
        "columnName": name,
        "custom": column.flags.has(Flag::Custom),
        "displayName": column.call.as_deref().unwrap_or(name),
        "foreignKeyName": null,
        "insertable": column.flags.has(Flag::Createable),
        "joinColumns": [],
        "numberType": number,
        "textType": !number && !boolean,
        "updatable": column.flags.has(Flag::Updateable),
    })
}

fn apex_type(kind: FieldType) -> &'static str {
    use FieldType::{Boolean, Currency, Date, DateTime, Double, Id, Int, Long, Percent, Reference, Time};
    match kind {
        Id | Reference => "Id",
        Boolean => "Boolean",
        Int => "Integer",
        Long => "Long",
        Double | Currency | Percent => "Double",
        Date => "Date",
        DateTime => "Datetime",
        Time => "Time",
        _ => "String",
    }
}
