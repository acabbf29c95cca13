//! Finding records: by key, by id, as a parent. Records in the recycle bin are found by none of these.

use super::error::RowError;
use super::write::{Refusal, Writer};
use crate::local_org::decimal::Decimal;
use crate::local_org::schema::{Field, KEY, Object, Schema};
use crate::local_org::store::{LIVE, ids, quote};
use crate::local_org::text::full_id;
use crate::model::FieldType;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, params};

/// Ids of the records whose key is `raw`, three at most. Records that `not_job` created are not seen.
///
/// Unconfirmed(lookup-case): whether a standard field that is no external id is matched with regard to case; choice: not.
pub(crate) fn by_key(
    conn: &Connection,
    object: &Object,
    field: &Field,
    raw: &str,
    not_job: Option<i64>,
) -> Result<Vec<String>> {
    let Some(key) = key_value(field, raw) else { return Ok(Vec::new()) };
    // Written out in one piece: it is asked for every row.
    let folded = if field.keyed() { KEY } else { "" };
    let sql = format!(
        "SELECT \"Id\" FROM \"{}\" WHERE \"{}{folded}\" = ?1 AND {LIVE} AND \"#job\" IS NOT ?2 \
         AND (?3 IS NULL OR trimmed(\"{}\") = ?3) LIMIT 3",
        object.name, field.name, field.name
    );
    // No job has the number -1, so that records of no job are seen too.
    let not_job = not_job.unwrap_or(-1);
    let exact = (field.keyed() && field.tells_case()).then(|| raw.trim());
    conn.prepare_cached(&sql)?.query_map(params![key, not_job, exact], |r| r.get(0))?.collect()
}

/// The value that a key column holds for this text; `None` when it can hold none.
fn key_value(field: &Field, raw: &str) -> Option<Value> {
    use FieldType::{Currency, Double, Id, Int, Long, Percent, Reference};
    match field.kind {
        Id | Reference => full_id(raw.trim()).map(Value::Text),
        Int | Long => raw.trim().parse().ok().map(Value::Integer),
        Double | Currency | Percent => Decimal::parse(raw.trim()).map(|d| Value::Text(d.text())),
        _ => Some(Value::Text(field.key_of(raw))),
    }
}

/// Whether the object has this record, and not in the recycle bin. The id has 18 characters.
pub(crate) fn exists(conn: &Connection, object: &Object, id: &str) -> Result<bool> {
    let sql = format!("SELECT 1 FROM \"{}\" WHERE \"Id\" = ?1 AND {LIVE}", object.name);
    Ok(conn.prepare_cached(&sql)?.query_row([id], |_| Ok(())).optional()?.is_some())
}

/// Whether the record with this id, of 18 characters, is the one that `name` names: its id, or one of its keys.
pub(crate) fn is_named(conn: &Connection, schema: &Schema, id: &str, name: &str) -> Result<bool> {
    if full_id(name).as_deref() == Some(id) {
        return Ok(true);
    }
    let Some(object) = schema.by_prefix(id) else { return Ok(false) };
    for field in object.fields.iter().filter(|field| field.is_key()) {
        if by_key(conn, object, field, name, None)?.iter().any(|found| found == id) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The id, of 18 characters, of a live record of the writer's object. An id that the org has given out and that no
/// live record has is of a deleted one, in the recycle bin or gone from it.
pub(crate) fn own(writer: &Writer<'_>, raw: &str) -> Result<String, Refusal> {
    let object = writer.object;
    let label = format!("{} ID", object.label);
    let id = full_id(raw.trim())
        .filter(|id| id.starts_with(&object.prefix))
        .ok_or_else(|| RowError::malformed_id(&label, "Id", raw))?;
    if exists(writer.conn, object, &id)? {
        return Ok(id);
    }
    let was = ids::was_minted(writer.conn, writer.facts, &object.name, &id)?;
    Err(if was { RowError::deleted() } else { RowError::no_such_record() }.into())
}

/// The id of an existing parent, from what a reference field's cell says.
pub(crate) fn parent(
    conn: &Connection,
    schema: &Schema,
    object: &Object,
    field: &Field,
    raw: &str,
) -> Result<String, Refusal> {
    let malformed = || RowError::malformed_id(&field.label, &field.name, raw);
    let id = full_id(raw.trim()).ok_or_else(malformed)?;
    let parent = schema.by_prefix(&id).filter(|p| field.to.contains(&p.name));
    // An id of an object that this org does not have could be right elsewhere; here nothing has it.
    let Some(parent) = parent else {
        let strange = schema.by_prefix(&id).is_none() && field.to.iter().any(|t| schema.object(t).is_none());
        return Err(if strange { RowError::no_such_record() } else { malformed() }.into());
    };
    if parent.name == "RecordType" {
        return record_type(conn, object, field, &id);
    }
    if exists(conn, parent, &id)? { Ok(id) } else { Err(RowError::no_such_record().into()) }
}

/// The id of the only parent whose key is `raw`, for a record of `object`.
pub(crate) fn parent_by_key(
    conn: &Connection,
    object: &Object,
    parent: &Object,
    key: &Field,
    raw: &str,
) -> Result<String, Refusal> {
    let mut found = if parent.name == "RecordType" {
        record_types_of(conn, object, key, raw)?
    } else {
        by_key(conn, parent, key, raw, None)?
    };
    match found.len() {
        0 => Err(RowError::parent_missing(raw, &key.name, &parent.name).into()),
        1 => Ok(found.remove(0)),
        _ => Err(RowError::ambiguous(key, &found).into()),
    }
}

/// Ids of the object's own record types whose key is `raw`: objects share names of record types.
pub(crate) fn record_types_of(
    conn: &Connection,
    object: &Object,
    field: &Field,
    raw: &str,
) -> Result<Vec<String>> {
    let column = quote(&field.key_column());
    let sql = format!(
        "SELECT \"Id\" FROM \"RecordType\" WHERE {column} = ?1 AND \"SobjectType\" = ?2 AND \"IsActive\""
    );
    let Some(key) = key_value(field, raw) else { return Ok(Vec::new()) };
    conn.prepare_cached(&sql)?.query_map(params![key, object.name], |r| r.get(0))?.collect()
}

/// A record type must be an active one of the object.
fn record_type(conn: &Connection, object: &Object, field: &Field, id: &str) -> Result<String, Refusal> {
    let sql = "SELECT 1 FROM \"RecordType\" WHERE \"Id\" = ?1 AND \"SobjectType\" = ?2 AND \"IsActive\"";
    let found = conn.prepare_cached(sql)?.query_row([id, &object.name], |_| Ok(())).optional()?;
    if found.is_some() {
        return Ok(id.to_owned());
    }
    let message = format!("{}: this ID value isn't valid for the user: {id}", field.label);
    Err(RowError::at("INVALID_CROSS_REFERENCE_KEY", message, &field.name).into())
}
