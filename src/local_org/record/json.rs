//! What a record in JSON asks for: types are JSON's, a parent may be named by its external id in a nested object.
//!
//! Knows neither HTTP nor which record is meant; the names of fields are taken in any letter case.

use super::error::RowError;
use super::write::Refusal;
use super::{Values, convert, find};
use crate::local_org::schema::{Field, Object, Schema};
use crate::model::FieldType;
use rusqlite::Connection;
use rusqlite::types::Value as Stored;
use serde_json::{Map, Value};

/// A record as JSON.
pub(crate) type Record = Map<String, Value>;

/// What a record asks for.
pub(crate) struct Asked {
    pub(crate) values: Values,
    /// The record's own id, when it names one.
    pub(crate) id: Option<String>,
}

/// Reads a record of an object; parents are looked up.
pub(crate) fn read(
    conn: &Connection,
    schema: &Schema,
    object: &Object,
    record: &Record,
) -> Result<Asked, Refusal> {
    let mut asked = Asked { values: vec![None; object.fields.len()], id: None };
    for (name, value) in record.iter().filter(|(name, _)| *name != "attributes") {
        match object.position(name) {
            Some(index) if object.fields[index].kind == FieldType::Id => asked.id = text(value),
            Some(index) => {
                asked.values[index] = Some(field(conn, schema, object, &object.fields[index], value)?)
            }
            None => {
                let (index, value) = parent(conn, schema, object, name, value)?;
                asked.values[index] = Some(value);
            }
        }
    }
    Ok(asked)
}

/// The text of a key or id; none for null, blank text, and what is neither text nor a number.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The stored value of a field. Blank text is null.
pub(crate) fn field(
    conn: &Connection,
    schema: &Schema,
    object: &Object,
    field: &Field,
    value: &Value,
) -> Result<Stored, Refusal> {
    let raw = match value {
        Value::Null => return Ok(Stored::Null),
        Value::String(text) if text.is_empty() => return Ok(Stored::Null),
        // A compound field is never writeable, whatever is sent for it: the writer refuses it by name.
        _ if matches!(field.kind, FieldType::Address | FieldType::Location) => return Ok(Stored::Null),
        Value::String(text) => text.clone(),
        Value::Bool(yes) if field.kind == FieldType::Boolean => yes.to_string(),
        Value::Number(number) if is_number(field.kind) => number.to_string(),
        _ => return Err(unreadable(field, value).into()),
    };
    if field.kind == FieldType::Reference {
        return Ok(Stored::Text(find::parent(conn, schema, object, field, &raw)?));
    }
    if field.kind == FieldType::Base64 {
        return Ok(Stored::Text(raw));
    }
    convert::value(field, 0, &raw).map_err(|error| {
        // Only a text that is no value of the wire type is an INVALID_FIELD here; JSON has words of its own for it.
        if error.code == "INVALID_FIELD" { unreadable(field, value).into() } else { error.into() }
    })
}

fn is_number(kind: FieldType) -> bool {
    use FieldType::{Currency, Double, Int, Long, Percent};
    matches!(kind, Currency | Double | Int | Long | Percent)
}

/// `Cannot deserialize instance of double from VALUE_STRING value N01 or request may be missing a required field`.
///
/// Unconfirmed(json-value-place): a real message goes on with a place, `at [line:1, column:507]`; choice: left out.
fn unreadable(field: &Field, value: &Value) -> RowError {
    let (token, shown) = match value {
        Value::Null => ("VALUE_NULL", "null".to_owned()),
        Value::Bool(true) => ("VALUE_TRUE", "true".to_owned()),
        Value::Bool(false) => ("VALUE_FALSE", "false".to_owned()),
        Value::Number(n) if n.is_f64() => ("VALUE_NUMBER_FLOAT", n.to_string()),
        Value::Number(n) => ("VALUE_NUMBER_INT", n.to_string()),
        Value::String(text) => ("VALUE_STRING", text.clone()),
        Value::Array(_) => ("START_ARRAY", "[".to_owned()),
        Value::Object(_) => ("START_OBJECT", "{".to_owned()),
    };
    let kind = wire(field.kind);
    let message = format!(
        "Cannot deserialize instance of {kind} from {token} value {shown} or request may be missing a required field"
    );
    RowError::at("JSON_PARSER_ERROR", message, &field.name)
}

fn wire(kind: FieldType) -> &'static str {
    use FieldType::{
        Combobox, Email, EncryptedString, MultiPicklist, Phone, Picklist, Reference, TextArea, Url,
    };
    match kind {
        Picklist | MultiPicklist | Combobox | TextArea | Phone | Url | Email | EncryptedString => "string",
        Reference => "reference",
        other => other.name(),
    }
}

/// The reference field that a nested object fills, and the parent's id.
fn parent(
    conn: &Connection,
    schema: &Schema,
    object: &Object,
    name: &str,
    value: &Value,
) -> Result<(usize, Stored), Refusal> {
    let index = object.relationship(name).ok_or_else(|| no_such_column(name, &object.name))?;
    let field = &object.fields[index];
    let Value::Object(nested) = value else {
        return if value.is_null() {
            Ok((index, Stored::Null))
        } else {
            Err(unreadable(field, value).into())
        };
    };
    let parent = parent_object(schema, field, nested, name)?;
    let mut keys = nested.iter().filter(|(key, _)| *key != "attributes");
    let (Some((key, value)), None) = (keys.next(), keys.next()) else {
        // Unconfirmed(nested-parent-words): what a nested parent without exactly one key gets; choice: these words.
        let message =
            format!("More than 1 field provided in an external foreign key reference in entity: {name}");
        return Err(RowError::plain("INVALID_FIELD", message).into());
    };
    let key = parent.position(key).filter(|i| parent.fields[*i].is_key()).ok_or_else(|| {
        let message =
            format!("The {key} field is not an external id or indexed field in entity {}", parent.name);
        RowError::plain("INVALID_FIELD", message)
    })?;
    let key = &parent.fields[key];
    let raw = text(value).ok_or_else(|| RowError::parent_missing("", &key.name, &parent.name))?;
    Ok((index, Stored::Text(find::parent_by_key(conn, object, parent, key, &raw)?)))
}

/// `No such column 'x' on sobject of type Contact`, as captured: without fields.
pub(crate) fn no_such_column(name: &str, object: &str) -> RowError {
    RowError::plain("INVALID_FIELD", format!("No such column '{name}' on sobject of type {object}"))
}

/// The parent's object: named by `attributes.type`, or the only one there is.
fn parent_object<'s>(
    schema: &'s Schema,
    field: &Field,
    nested: &Record,
    relationship: &str,
) -> Result<&'s Object, RowError> {
    let named = nested.get("attributes").and_then(|a| a.get("type")).and_then(Value::as_str);
    let target = match named {
        Some(named) => field.to.iter().find(|t| t.eq_ignore_ascii_case(named)),
        None if field.to.len() == 1 => field.to.first(),
        None => None,
    };
    // Unconfirmed(nested-parent-type): the words when a polymorphic parent's type is missing or wrong; choice: bulk's.
    target.and_then(|name| schema.object(name)).ok_or_else(|| {
        let why = "type is needed for polymorphic foreign key references";
        RowError::plain("INVALID_FIELD", format!("{why}: {relationship}"))
    })
}
