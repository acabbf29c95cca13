//! `composite/tree/X`: parents with their children in one call, all or nothing (reference F4).

use super::Call;
use super::answer::{Answer, Failure};
use super::collections::show_error;
use super::record::{entity, saving};
use crate::local_org::record::error::RowError;
use crate::local_org::record::json::Record;
use crate::local_org::record::save::Place;
use crate::local_org::record::write::Refusal;
use crate::local_org::schema::{Object, Schema};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Records in a call.
const MOST: usize = 200;

/// How deep trees may be.
const LEVELS: usize = 5;

/// A record of a tree.
struct Node<'a> {
    reference: String,
    object: &'a Object,
    record: Record,
    /// Place of the parent among all nodes, and the field that names it.
    parent: Option<(usize, &'a str)>,
    level: usize,
}

/// A node's reference with why it is refused.
type Refused = (String, RowError);

/// `POST composite/tree/X`: 201 with an id a reference, or 400 with the errors of the first level that has any.
pub(super) fn call(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let schema = &call.org.0.schema;
    let name = call.path.get(2).map(String::as_str).unwrap_or_default();
    let object = schema.object(name).ok_or_else(Failure::not_found)?;
    let records =
        entity(body)?.get("records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let nodes = match nodes(schema, object, records) {
        Ok(nodes) => nodes,
        Err(refused) => return Ok(failed(&[refused])),
    };
    let mut errors = Vec::new();
    let done = saving(call, |place| match plant(place, &nodes) {
        Ok(ids) => Ok(ids),
        Err(Planting::Refused(refused)) => {
            errors = refused;
            Err(Failure::bad("INVALID_INPUT", "the tree is refused"))
        }
        Err(Planting::Store(error)) => Err(error.into()),
    });
    if !errors.is_empty() {
        return Ok(failed(&errors));
    }
    let ids = done?;
    let pairs = nodes.iter().zip(ids);
    let results: Vec<Value> = pairs.map(|(n, id)| json!({"referenceId": n.reference, "id": id})).collect();
    Ok(Answer::status(StatusCode::CREATED, &json!({"hasErrors": false, "results": results})))
}

fn failed(errors: &[Refused]) -> Answer {
    let show =
        |(reference, error): &Refused| json!({"referenceId": reference, "errors": [show_error(error)]});
    let results: Vec<Value> = errors.iter().map(show).collect();
    Answer::status(StatusCode::BAD_REQUEST, &json!({"hasErrors": true, "results": results}))
}

enum Planting {
    Refused(Vec<Refused>),
    Store(rusqlite::Error),
}

/// Creates the records level by level; a level with errors is the last.
fn plant(place: &Place<'_>, nodes: &[Node<'_>]) -> Result<Vec<String>, Planting> {
    let (mut ids, mut errors): (Vec<String>, Vec<(usize, Refused)>) = (Vec::new(), Vec::new());
    for node in nodes {
        if errors.last().is_some_and(|(level, _)| *level < node.level) {
            break;
        }
        let mut record = node.record.clone();
        if let Some((parent, field)) = node.parent {
            let id = ids.get(parent).cloned().unwrap_or_default();
            record.insert(field.to_owned(), Value::String(id));
        }
        match place.insert(node.object, &record) {
            Ok(saved) => ids.push(saved.id),
            Err(Refusal::Row(error)) => {
                ids.push(String::new());
                errors.push((node.level, (node.reference.clone(), error)));
            }
            Err(Refusal::Store(error)) => return Err(Planting::Store(error)),
        }
    }
    if errors.is_empty() {
        Ok(ids)
    } else {
        Err(Planting::Refused(errors.into_iter().map(|(_, e)| e).collect()))
    }
}

/// All records, level by level, in the order in which they stand.
fn nodes<'a>(schema: &'a Schema, root: &'a Object, records: &[Value]) -> Result<Vec<Node<'a>>, Refused> {
    let mut nodes: Vec<Node<'a>> = Vec::new();
    let mut level: Vec<(&'a Object, Option<(usize, &'a str)>, &Value)> =
        records.iter().map(|record| (root, None, record)).collect();
    let mut depth = 0;
    while !level.is_empty() {
        let mut next = Vec::new();
        for (object, parent, record) in level {
            let (node, children) = node(schema, object, parent, record, depth)?;
            check(&nodes, &node)?;
            let own = nodes.len();
            next.extend(children.into_iter().map(|(child, field, r)| (child, Some((own, field)), r)));
            nodes.push(node);
        }
        level = next;
        depth += 1;
    }
    Ok(nodes)
}

/// Unconfirmed(tree-shape): code and words for trees out of shape; choice: INVALID_INPUT, the words plain.
fn check(nodes: &[Node<'_>], node: &Node<'_>) -> Result<(), Refused> {
    let why = if node.reference.is_empty() {
        "Include a reference ID for each record in the request."
    } else if nodes.iter().any(|n| n.reference == node.reference) {
        "Duplicate ReferenceId provided in the request."
    } else if node.level >= LEVELS {
        "A tree can be five levels deep at most."
    } else if nodes.len() >= MOST {
        "Only 200 records can be created in one request."
    } else {
        return Ok(());
    };
    Err((node.reference.clone(), RowError::plain("INVALID_INPUT", why)))
}

type Child<'a, 'v> = (&'a Object, &'a str, &'v Value);

/// A record without its children, and the children.
fn node<'a, 'v>(
    schema: &'a Schema,
    object: &'a Object,
    parent: Option<(usize, &'a str)>,
    value: &'v Value,
    level: usize,
) -> Result<(Node<'a>, Vec<Child<'a, 'v>>), Refused> {
    let attribute = |name: &str| value.get("attributes").and_then(|a| a.get(name)).and_then(Value::as_str);
    let reference = attribute("referenceId").unwrap_or_default().to_owned();
    let right = attribute("type").is_some_and(|t| t.eq_ignore_ascii_case(&object.name));
    let record = value.as_object().filter(|_| right).ok_or_else(|| {
        let why = format!("Record type does not match the type {}", object.name);
        (reference.clone(), RowError::plain("INVALID_INPUT", why))
    })?;
    let (mut own, mut children) = (Record::new(), Vec::new());
    for (name, value) in record {
        let list = value.get("records").and_then(Value::as_array);
        match (list, schema.child(object, name)) {
            (Some(list), Some((child, field))) => {
                children.extend(list.iter().map(|r| (child, field.name.as_str(), r)))
            }
            _ => drop(own.insert(name.clone(), value.clone())),
        }
    }
    Ok((Node { reference, object, record: own, parent, level }, children))
}
