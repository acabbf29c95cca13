//! A cell's text to the value that is stored, or why the field does not take it.

use super::error::RowError;
use crate::local_org::decimal::Decimal;
use crate::local_org::schema::Field;
use crate::local_org::schema::flags::Flag;
use crate::local_org::text;
use crate::model::FieldType;
use rusqlite::types::Value;

/// Longest text of any field on the wire (reference A9).
const LONGEST: usize = 131_072;

/// Longest value of a picklist: describe's length is not held against it.
const PICKLIST: usize = 255;

/// The stored value of a cell that is neither blank nor `#N/A`; `column` counts from 0. References are looked up
/// elsewhere.
pub(crate) fn value(field: &Field, column: usize, raw: &str) -> Result<Value, RowError> {
    use FieldType::{Boolean, Currency, Date, DateTime, Double, Int, Long, Percent, Time};
    let unreadable = |wire| RowError::unreadable(field, column, raw, wire);
    // Unconfirmed(cell-words): 1 and 0 for booleans, the form of times, blanks around; choice: read as such, blanks off.
    let trimmed = raw.trim();
    match field.kind {
        Boolean => {
            boolean(trimmed).map(|b| Value::Integer(b.into())).ok_or_else(|| unreadable("xsd:boolean"))
        }
        Int | Long => int(field, column, trimmed),
        Double | Currency | Percent => double(field, column, trimmed),
        Date => {
            let date = text::parse_date(trimmed.strip_suffix('Z').unwrap_or(trimmed));
            date.map(|d| Value::Text(d.to_string())).ok_or_else(|| unreadable("xsd:date"))
        }
        DateTime => {
            let moment = text::parse_moment(trimmed);
            moment.map(|m| Value::Text(text::stored_moment(m))).ok_or_else(|| unreadable("xsd:dateTime"))
        }
        Time => {
            let clock = text::parse_clock(trimmed.strip_suffix('Z').unwrap_or(trimmed));
            let stored = |c: jiff::civil::Time| format!("{}.{:03}Z", c.strftime("%H:%M:%S"), c.millisecond());
            clock.map(|c| Value::Text(stored(c))).ok_or_else(|| unreadable("xsd:time"))
        }
        _ => text_value(field, raw),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn int(field: &Field, column: usize, text: &str) -> Result<Value, RowError> {
    if let Ok(number) = text.parse::<i64>() {
        let widest = 10_i64.pow(if field.digits == 0 { 10 } else { field.digits.min(18) });
        let fits = number.abs() < widest && i32::try_from(number).is_ok();
        return if fits { Ok(Value::Integer(number)) } else { Err(RowError::out_of_range(field, text)) };
    }
    // A number with a fraction, even `250.0`, is of the wrong type; anything else is no number.
    match Decimal::parse(text) {
        Some(_) => Err(RowError::wrong_type(field, text)),
        None => Err(RowError::unreadable(field, column, text, "xsd:int")),
    }
}

fn double(field: &Field, column: usize, text: &str) -> Result<Value, RowError> {
    let number =
        Decimal::parse(text).ok_or_else(|| RowError::unreadable(field, column, text, "xsd:double"))?;
    let number = number.round(field.scale);
    if field.precision > 0 && number.whole_digits() > field.precision as i32 - field.scale as i32 {
        return Err(RowError::out_of_range(field, text));
    }
    Ok(Value::Text(number.text()))
}

fn text_value(field: &Field, raw: &str) -> Result<Value, RowError> {
    // Unconfirmed(picklist-length): how long a value of a picklist may be; choice: 255.
    let most = match (field.kind, field.length as usize) {
        (FieldType::Picklist, _) => PICKLIST,
        (_, 0) => LONGEST,
        (_, length) => LONGEST.min(length),
    };
    if raw.len() > most && raw.encode_utf16().count() > most {
        return Err(RowError::too_long(field, raw, most));
    }
    if field.kind == FieldType::Email && !email(raw.trim()) {
        return Err(RowError::bad_email(field, raw));
    }
    if field.has(Flag::RestrictedPicklist) && !picks(field, raw) {
        return Err(RowError::bad_pick(field, raw));
    }
    Ok(Value::Text(raw.to_owned()))
}

/// Something before and after one `@`, a dot in what is after, no blanks.
fn email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let inner_dot = domain.split('.').count() > 1 && domain.split('.').all(|part| !part.is_empty());
    !local.is_empty() && inner_dot && !domain.contains('@') && !text.contains(char::is_whitespace)
}

fn picks(field: &Field, raw: &str) -> bool {
    let known = |value: &str| field.values.iter().any(|(v, _)| v == value);
    match field.kind {
        FieldType::MultiPicklist => raw.split(';').all(|v| known(v.trim())),
        _ => known(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::value;
    use crate::local_org::schema::Field;
    use crate::local_org::schema::flags::Flag;
    use crate::model::FieldType;
    use rusqlite::types::Value;

    fn field(kind: FieldType) -> Field {
        Field { length: 5, precision: 5, scale: 2, ..Field::plain("CloseDate", "Close Date", kind) }
    }

    #[test]
    fn wrong_dates_fail_with_the_captured_text() {
        let error = value(&field(FieldType::Date), 3, "2003-04-987654321987654321").unwrap_err();
        assert_eq!(
            error.to_string(),
            "INVALID_FIELD:Failed to deserialize field at col 3. Due to, '2003-04-987654321987654321' is not a valid \
             value for the type xsd:date:CloseDate --"
        );
    }

    #[test]
    fn values_by_type() {
        let ok = |kind, raw| value(&field(kind), 0, raw).unwrap();
        assert_eq!(ok(FieldType::Boolean, "TRUE"), Value::Integer(1));
        assert_eq!(ok(FieldType::Double, "1.005"), Value::Text("1.01".into()));
        assert_eq!(ok(FieldType::Date, "1940-06-07Z"), Value::Text("1940-06-07".into()));
        let noon = Value::Text("2020-01-01T12:00:00.000Z".into());
        assert_eq!(ok(FieldType::DateTime, "2020-01-01T14:00:00+02:00"), noon);
        assert_eq!(ok(FieldType::Time, "09:30:00"), Value::Text("09:30:00.000Z".into()));
        assert_eq!(ok(FieldType::String, "ÄÖÜéè"), Value::Text("ÄÖÜéè".into()));
    }

    #[test]
    fn refusals_by_type() {
        let code = |kind, raw| value(&field(kind), 0, raw).unwrap_err().code;
        assert_eq!(code(FieldType::Int, "250.0"), "INVALID_TYPE_ON_FIELD_IN_RECORD");
        assert_eq!(code(FieldType::Int, "9999999999"), "NUMBER_OUTSIDE_VALID_RANGE");
        assert_eq!(code(FieldType::Double, "1234"), "NUMBER_OUTSIDE_VALID_RANGE");
        assert_eq!(code(FieldType::Boolean, "yes"), "INVALID_FIELD");
        assert_eq!(code(FieldType::String, "123456"), "STRING_TOO_LONG");
        assert_eq!(code(FieldType::String, "123😀4"), "STRING_TOO_LONG", "length is in UTF-16 units");
        assert_eq!(code(FieldType::Email, "a@b"), "INVALID_EMAIL_ADDRESS");
        let mut pick = field(FieldType::Picklist);
        pick.flags.set(Flag::RestrictedPicklist, true);
        pick.values = vec![("Mid".into(), "Mid".into())];
        assert_eq!(value(&pick, 0, "Big").unwrap_err().code, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
        assert!(value(&pick, 0, "Mid").is_ok());
        assert!(value(&field(FieldType::Picklist), 0, "longer than five").is_ok());
    }
}
