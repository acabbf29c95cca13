//! Whether a record may be written: writeable, required, unique, owned by somebody active, not refused by a rule.

use super::error::RowError;
use super::write::{Refusal, Writer};
use super::{Values, find};
use crate::local_org::schema::flags::Flag;
use crate::local_org::schema::{Field, Object};
use crate::model::FieldType;
use rusqlite::OptionalExtension;
use rusqlite::types::Value;

/// Refuses fields that cannot be set when a record is created.
pub(crate) fn createable(object: &Object, values: &Values) -> Result<(), RowError> {
    writeable(object, values, |f| f.has(Flag::Createable))
}

/// Refuses fields that cannot be set on an existing record.
pub(crate) fn updateable(object: &Object, values: &Values) -> Result<(), RowError> {
    writeable(object, values, |f| f.has(Flag::Updateable))
}

fn writeable(object: &Object, values: &Values, may: impl Fn(&Field) -> bool) -> Result<(), RowError> {
    let set = object.fields.iter().zip(values).filter(|(_, v)| v.is_some());
    let refused: Vec<String> = set.filter(|(f, _)| !may(f)).map(|(f, _)| f.name.clone()).collect();
    if refused.is_empty() { Ok(()) } else { Err(RowError::not_writeable(refused)) }
}

/// Refuses a new record without a required field.
pub(crate) fn required(writer: &Writer<'_>, values: &Values) -> Result<(), RowError> {
    let missing = |i: usize| matches!(writer.fill.of(values, i), None | Some(Value::Null));
    let fields = writer.object.fields.iter().enumerate().filter(|(i, f)| f.required() && missing(*i));
    refuse_missing(fields.map(|(_, f)| f.name.clone()).collect())
}

/// Refuses null in a field that must have a value; null in a checkbox is false.
pub(crate) fn not_null(object: &Object, values: &mut Values) -> Result<(), RowError> {
    let mut missing = Vec::new();
    for (field, value) in object.fields.iter().zip(values).filter(|(_, v)| **v == Some(Value::Null)) {
        if field.kind == FieldType::Boolean {
            *value = Some(Value::Integer(0));
        } else if !field.has(Flag::Nillable) {
            missing.push(field.name.clone());
        }
    }
    refuse_missing(missing)
}

fn refuse_missing(fields: Vec<String>) -> Result<(), RowError> {
    if fields.is_empty() { Ok(()) } else { Err(RowError::required(fields)) }
}

/// Refuses a value of a unique field that another record has. `known` is a field already looked up.
pub(crate) fn unique(
    writer: &Writer<'_>,
    values: &Values,
    own: Option<&str>,
    known: Option<usize>,
) -> Result<(), Refusal> {
    for (index, field) in writer.object.fields.iter().enumerate() {
        if !field.has(Flag::Unique) || known == Some(index) {
            continue;
        }
        let Some(raw) = values[index].as_ref().and_then(plain) else { continue };
        let found = find::by_key(writer.conn, writer.object, field, &raw, None)?;
        if let Some(other) = found.iter().find(|id| Some(id.as_str()) != own) {
            return Err(RowError::duplicate_value(&field.name, other).into());
        }
    }
    Ok(())
}

/// Refuses an owner who is not active.
pub(crate) fn owner(writer: &Writer<'_>, values: &Values) -> Result<(), Refusal> {
    let Some(index) = writer.fill.owner else { return Ok(()) };
    let Some(Value::Text(id)) = &values[index] else { return Ok(()) };
    let mut last = writer.owner.borrow_mut();
    if last.as_ref().is_none_or(|(known, _)| known != id) {
        let sql = "SELECT \"IsActive\" FROM \"User\" WHERE \"Id\" = ?1";
        let active = writer.conn.prepare_cached(sql)?.query_row([id], |r| r.get::<_, bool>(0)).optional()?;
        *last = Some((id.clone(), active != Some(false)));
    }
    if last.as_ref().is_some_and(|(_, active)| *active) {
        return Ok(());
    }
    let short = id.get(..15).unwrap_or(id);
    let object = writer.object.label.to_lowercase();
    let message = format!("operation performed with inactive user [{short}] as owner of {object}");
    Err(RowError::at("INACTIVE_OWNER_OR_USER", message, "OwnerId").into())
}

/// Refuses a record for which a validation rule is true. `own` is the record's id when it exists already: fields that
/// are not set are read from it.
pub(crate) fn rules(writer: &Writer<'_>, values: &Values, own: Option<&str>) -> Result<(), Refusal> {
    for compiled in &writer.rules {
        let rule = compiled.rule;
        let fields: Vec<usize> = rule.names.iter().filter_map(|n| writer.object.position(n)).collect();
        let current = match own {
            Some(id) => writer.current(id, &fields)?,
            None => vec![Value::Null; fields.len()],
        };
        let refused = compiled.refuses(&mut |name| {
            let place = rule.names.iter().position(|n| n == name).unwrap_or(0);
            let index = fields.get(place).copied().unwrap_or(0);
            let value = match own {
                None => writer.fill.of(values, index),
                Some(_) => values[index].as_ref().or(current.get(place)),
            };
            (writer.object.fields[index].kind, value.and_then(plain))
        });
        if refused {
            let fields = rule.field.iter().cloned().collect();
            let message = rule.message.clone();
            return Err(RowError { code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", message, fields }.into());
        }
    }
    Ok(())
}

/// The text of a stored value.
pub(crate) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Blob(_) => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
    }
}
