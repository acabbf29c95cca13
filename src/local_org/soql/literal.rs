//! Literals as the values that fields store.

use super::dates::{Days, days};
use super::error::SoqlError;
use super::lexer::unescape;
use super::tree::{Literal, Path, Value as Written};
use crate::local_org::decimal::Decimal;
use crate::local_org::schema::Field;
use crate::local_org::text::{full_id, parse_date, parse_moment, stored_moment};
use crate::model::FieldType;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::types::Value;

/// A literal compared with a field at a place: what the field would store.
pub(super) fn value(field: &Field, literal: &Literal, query: &str, path: &Path) -> Result<Value, SoqlError> {
    use FieldType::{Boolean, Currency, Date, DateTime, Double, Id, Int, Long, Percent, Reference};
    let wrong = || wrong(field, literal, query, path);
    match (&literal.value, field.kind) {
        (Written::Null, _) => Ok(Value::Null),
        (Written::Boolean(value), Boolean) => Ok(Value::Integer((*value).into())),
        (Written::Text(raw), Id | Reference) => id(&unescape(raw)),
        (Written::Text(raw), _) if field.is_text() => Ok(match unescape(raw) {
            text if text.is_empty() => Value::Null,
            text => Value::Text(text),
        }),
        (Written::Number(text), Double | Currency | Percent) => {
            Decimal::parse(text).map(|number| Value::Text(number.text())).ok_or_else(wrong)
        }
        (Written::Number(text), Int | Long) => {
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            number.map(Value::Real).ok_or_else(wrong)
        }
        (Written::Moment(text), Date) => {
            parse_date(text).map(|d| Value::Text(d.to_string())).ok_or_else(wrong)
        }
        (Written::Moment(text), DateTime) => {
            parse_moment(text).map(|m| Value::Text(stored_moment(m))).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn id(text: &str) -> Result<Value, SoqlError> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let invalid = || SoqlError::new("INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {text}"));
    full_id(text).map(Value::Text).ok_or_else(invalid)
}

/// The first day of a date in words and the day behind its last, as the field stores them.
pub(super) fn span(
    field: &Field,
    literal: &Literal,
    now: i64,
    query: &str,
    path: &Path,
) -> Result<Option<(Value, Value)>, SoqlError> {
    let Written::Relative { word, count } = &literal.value else { return Ok(None) };
    let Days { first, behind } = days(word, *count, now).ok_or_else(|| wrong(field, literal, query, path))?;
    match field.kind {
        FieldType::Date => Ok(Some((Value::Text(first.to_string()), Value::Text(behind.to_string())))),
        FieldType::DateTime => Ok(midnight(first).zip(midnight(behind))),
        _ => Err(wrong(field, literal, query, path)),
    }
}

fn midnight(day: Date) -> Option<Value> {
    let stamp = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Value::Text(stored_moment(stamp.as_millisecond())))
}

/// A value that the field cannot hold; Salesforce points at the field, not at the value.
pub(super) fn wrong(field: &Field, literal: &Literal, query: &str, path: &Path) -> SoqlError {
    let quotes = match literal.value {
        Written::Text(_) => "should not be enclosed in quotes",
        _ if field.is_text() || super::semi::is_id(field.kind) => "should be enclosed in quotes",
        _ => "should not be enclosed in quotes",
    };
    let kind = if field.kind == FieldType::DateTime { "dateTime" } else { field.kind.name() };
    let message =
        format!("value of filter criterion for field '{}' must be of type {kind} and {quotes}", field.name);
    SoqlError::at("INVALID_FIELD", query, path.at, &message)
}
