//! `composite/sobjects`: up to 200 records in one call, each with an answer of its own (reference F4; answers as
//! captured by amp-labs and CumulusCI).

use super::Call;
use super::answer::{Answer, Failure};
use super::record::{entity, select};
use crate::local_org::record::error::RowError;
use crate::local_org::record::json::{Record, text};
use crate::local_org::record::save::{Place, Saved};
use crate::local_org::record::write::Refusal;
use crate::local_org::schema::{Object, Schema};
use crate::local_org::text::full_id;
use crate::model::FieldType;
use axum::http::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Records in a call.
const MOST: usize = 200;

/// Runs of records of one object in a call.
const RUNS: usize = 10;

type Outcome = Result<Saved, RowError>;

/// `composite/sobjects`, `composite/sobjects/X`, `composite/sobjects/X/KEY`.
pub(super) fn call(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let rest: Vec<&str> = call.path.iter().skip(2).map(String::as_str).collect();
    match (rest.as_slice(), &call.method) {
        ([], &Method::POST) => create(call, body),
        ([], &Method::PATCH) => update(call, body),
        ([], &Method::DELETE) => delete(call),
        ([object, key], &Method::PATCH) => upsert(call, object, key, body),
        ([object], &Method::GET | &Method::POST) => read(call, object, body),
        ([] | [_] | [_, _], method) => Err(Failure::method(method)),
        _ => Err(Failure::not_found()),
    }
}

/// Records of a body with their objects.
struct Items<'a> {
    all_or_none: bool,
    items: Vec<(Result<&'a Object, RowError>, &'a Record)>,
}

impl<'a> Items<'a> {
    /// Reads a body; `kind` is the object of records that do not name theirs.
    fn read(schema: &'a Schema, body: &'a Value, kind: Option<&'a Object>) -> Result<Self, Failure> {
        let body = entity(body)?;
        let records = body.get("records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        check_number(records.len())?;
        let items: Result<Vec<_>, Failure> =
            records.iter().map(|record| Ok((object_of(schema, record, kind), entity(record)?))).collect();
        let items = items?;
        let name = |o: &Result<&Object, RowError>| o.as_ref().map(|o| o.name.clone()).unwrap_or_default();
        let runs = 1 + items.windows(2).filter(|pair| name(&pair[0].0) != name(&pair[1].0)).count();
        if runs > RUNS {
            // Unconfirmed(collection-runs): the code, the words being those of SOAP; choice: LIMIT_EXCEEDED.
            let message = "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce \
                           chunking.";
            return Err(Failure::bad("LIMIT_EXCEEDED", message));
        }
        Ok(Self { all_or_none: body.get("allOrNone") == Some(&Value::Bool(true)), items })
    }
}

fn check_number(records: usize) -> Result<(), Failure> {
    match records {
        0 => Err(Failure::bad("REQUIRED_FIELD_MISSING", "At least 1 record is required")),
        1..=MOST => Ok(()),
        _ => {
            let message =
                format!("record limit reached. cannot submit more than {MOST} records into this call");
            Err(Failure::bad("EXCEEDED_ID_LIMIT", &message))
        }
    }
}

/// Unconfirmed(collection-type): what a missing or unknown type gets; choice: the record fails, the others go on.
fn object_of<'a>(
    schema: &'a Schema,
    record: &Value,
    kind: Option<&'a Object>,
) -> Result<&'a Object, RowError> {
    let named = record.get("attributes").and_then(|a| a.get("type")).and_then(Value::as_str);
    let found = named.map_or(kind, |name| schema.object(name));
    found.filter(|o| kind.is_none_or(|k| k.name == o.name)).ok_or_else(|| {
        let name = named.unwrap_or_default();
        RowError::plain("INVALID_TYPE", format!("sObject type '{name}' is not supported."))
    })
}

fn create(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let items = Items::read(&call.org.0.schema, body, None)?;
    let outcomes = run(call, items.all_or_none, &items.items, |place, (object, record)| {
        place.insert(object.clone()?, record)
    })?;
    Ok(answer(&outcomes, false))
}

fn update(call: &Call, body: &Value) -> Result<Answer, Failure> {
    let items = Items::read(&call.org.0.schema, body, None)?;
    let ids: Vec<Option<String>> = items.items.iter().map(|(_, r)| own_id(r)).collect();
    let twice = Twice::new(ids.iter().map(|id| id.as_deref().and_then(full_id)));
    let numbered: Vec<_> = items.items.iter().enumerate().collect();
    let outcomes = run(call, items.all_or_none, &numbered, |place, (number, (object, record))| {
        let object = object.clone()?;
        let missing = || RowError::plain("MISSING_ARGUMENT", "Id not specified in an update call");
        let id = ids[*number].as_ref().ok_or_else(missing)?;
        twice.check(*number, || {
            RowError::at("DUPLICATE_VALUE", format!("Duplicate id specified: {id}"), "Id")
        })?;
        place.update(object, &place.own_id(object, id)?, record)
    })?;
    Ok(answer(&outcomes, false))
}

fn upsert(call: &Call, object: &str, key: &str, body: &Value) -> Result<Answer, Failure> {
    let schema = &call.org.0.schema;
    let object = schema.object(object).ok_or_else(Failure::not_found)?;
    let index = object.position(key).filter(|i| object.fields[*i].is_key());
    let index = index.ok_or_else(|| super::record::unknown(key))?;
    let field = &object.fields[index];
    let items = Items::read(schema, body, Some(object))?;
    let sent: Vec<Option<&Value>> = items.items.iter().map(|(_, r)| named(r, &field.name)).collect();
    let twice = Twice::new(sent.iter().map(|v| field.same(&v.and_then(text)?).into()));
    let numbered: Vec<_> = items.items.iter().enumerate().collect();
    let outcomes = run(call, items.all_or_none, &numbered, |place, (number, (kind, record))| {
        kind.clone()?;
        let shown = || sent[*number].and_then(text).unwrap_or_default();
        twice.check(*number, || match field.kind {
            FieldType::Id => {
                RowError::at("DUPLICATE_VALUE", format!("Duplicate id specified: {}", shown()), "Id")
            }
            _ => RowError::twice(&field.name, &shown()),
        })?;
        place.upsert(object, index, sent[*number], record)
    })?;
    Ok(answer(&outcomes, true))
}

/// `DELETE composite/sobjects?ids=a,b&allOrNone=false`.
fn delete(call: &Call) -> Result<Answer, Failure> {
    let ids = list(call.parameter("ids").unwrap_or_default());
    check_number(ids.len())?;
    let schema = &call.org.0.schema;
    let all_or_none = call.parameter("allOrNone").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let outcomes = run(call, all_or_none, &ids, |place, id| {
        let malformed = || RowError::plain("MALFORMED_ID", format!("malformed id {id}"));
        let object = schema.by_prefix(id).filter(|_| full_id(id).is_some()).ok_or_else(malformed)?;
        place.delete(object, &place.own_id(object, id)?)
    })?;
    Ok(answer(&outcomes, false))
}

/// Records by id, in order; null for one that is not there.
fn read(call: &Call, object: &str, body: &Value) -> Result<Answer, Failure> {
    let object = call.org.0.schema.object(object).ok_or_else(Failure::not_found)?;
    let (ids, fields) = match body.as_object() {
        Some(body) => (texts(body.get("ids")), texts(body.get("fields"))),
        None => {
            let parameter = |name| list(call.parameter(name).unwrap_or_default());
            (parameter("ids"), parameter("fields"))
        }
    };
    if fields.is_empty() {
        return Err(Failure::bad("MISSING_ARGUMENT", "fields not specified"));
    }
    let fields = fields.join(",");
    let mut records = Vec::new();
    for id in ids {
        let found = select(call, object, &id, Some(&fields))?;
        records.push(found.map_or(Value::Null, |answer| answer.into_parts().1));
    }
    Ok(Answer::json(&records))
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn named<'r>(record: &'r Record, name: &str) -> Option<&'r Value> {
    record.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn own_id(record: &Record) -> Option<String> {
    named(record, "Id").and_then(text)
}

/// Which records share what tells records apart: none of them is taken.
struct Twice {
    keys: Vec<Option<String>>,
    counts: HashMap<String, u32>,
}

impl Twice {
    fn new(keys: impl Iterator<Item = Option<String>>) -> Self {
        let keys: Vec<Option<String>> = keys.collect();
        let mut counts = HashMap::new();
        for key in keys.iter().flatten() {
            *counts.entry(key.clone()).or_default() += 1;
        }
        Self { keys, counts }
    }

    fn check(&self, number: usize, refusal: impl FnOnce() -> RowError) -> Result<(), RowError> {
        let shared = |key: &String| self.counts.get(key).is_some_and(|n| *n > 1);
        if self.keys[number].as_ref().is_some_and(shared) { Err(refusal()) } else { Ok(()) }
    }
}

/// Does `each` to every item, one after the other; with `all_or_none`, one refusal undoes all.
fn run<T>(
    call: &Call,
    all_or_none: bool,
    items: &[T],
    each: impl Fn(&Place<'_>, &T) -> Result<Saved, Refusal>,
) -> Result<Vec<Outcome>, Failure> {
    let org = &call.org;
    let faults = org.faults();
    let mut db = org.db();
    let savepoint = db.savepoint()?;
    let facts = call.facts();
    let (schema, now) = (&org.0.schema, org.now());
    let (assign, faults) = (call.assign(), Some(&*faults));
    let place = Place { conn: &savepoint, schema, facts: &facts, now, assign, faults };
    let mut outcomes = Vec::with_capacity(items.len());
    for item in items {
        outcomes.push(alone(&savepoint, || each(&place, item))?);
    }
    if !all_or_none || outcomes.iter().all(Result::is_ok) {
        savepoint.commit()?;
        return Ok(outcomes);
    }
    let message =
        "Record rolled back because not all records were valid and the request was using AllOrNone header";
    let undone = || Err(RowError::plain("ALL_OR_NONE_OPERATION_ROLLED_BACK", message));
    Ok(outcomes.into_iter().map(|o| o.map_or_else(Err, |_| undone())).collect())
}

/// Does one thing; what it wrote is undone when it is refused.
fn alone(
    conn: &Connection,
    work: impl FnOnce() -> Result<Saved, Refusal>,
) -> Result<Outcome, rusqlite::Error> {
    conn.execute_batch("SAVEPOINT alone")?;
    let outcome = match work() {
        Ok(saved) => Ok(saved),
        Err(Refusal::Row(error)) => {
            conn.execute_batch("ROLLBACK TO alone")?;
            Err(error)
        }
        Err(Refusal::Store(error)) => return Err(error),
    };
    conn.execute_batch("RELEASE alone")?;
    Ok(outcome)
}

/// One answer a record; upserts say whether they created it.
fn answer(outcomes: &[Outcome], upsert: bool) -> Answer {
    let show = |outcome: &Outcome| match outcome {
        Ok(saved) if upsert => {
            json!({"id": saved.id, "success": true, "errors": [], "created": saved.created})
        }
        Ok(saved) => json!({"id": saved.id, "success": true, "errors": []}),
        Err(error) => json!({"success": false, "errors": [show_error(error)]}),
    };
    Answer::json(&outcomes.iter().map(show).collect::<Vec<_>>())
}

/// An error as collections and trees show it.
pub(super) fn show_error(error: &RowError) -> Value {
    json!({"statusCode": error.code, "message": error.message, "fields": error.fields})
}
