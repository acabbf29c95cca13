//! Plain reading and writing of single rows by column name: for what the org itself puts in.

use super::tables::{column, live, quote};
use super::{Facts, ids};
use crate::local_org::schema::Object;
use crate::local_org::text::stored_moment;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, params_from_iter};

/// A value by field name.
pub(crate) type Named<'a> = (&'a str, Value);

/// Text as a value.
pub(crate) fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// Finds the row whose fields equal `by`, or creates it, and sets `values`; answers its id.
pub(crate) fn put(
    conn: &Connection,
    facts: &Facts,
    object: &Object,
    by: &[Named<'_>],
    values: &[Named<'_>],
    now: i64,
) -> Result<String> {
    let table = quote(&object.name);
    let condition: Vec<String> =
        by.iter().enumerate().map(|(i, (n, _))| format!("{} = ?{}", quote(n), i + 1)).collect();
    let sql = format!("SELECT \"Id\" FROM {table} WHERE {} AND {}", condition.join(" AND "), live(""));
    let found = conn.query_row(&sql, params_from_iter(by.iter().map(|b| &b.1)), |r| r.get(0)).optional()?;
    let id: String = match found {
        Some(id) => id,
        None => {
            let id = ids::mint(conn, facts, &object.name)?;
            conn.execute(&format!("INSERT INTO {table} (\"Id\") VALUES (?1)"), [&id])?;
            set(conn, object, &id, by)?;
            set(conn, object, &id, &stamps(object, facts, now))?;
            id
        }
    };
    set(conn, object, &id, values)?;
    Ok(id)
}

/// The audit values of a new record, of those fields the object has.
fn stamps<'a>(object: &Object, facts: &Facts, now: i64) -> Vec<Named<'a>> {
    let moment = Value::Text(stored_moment(now));
    let admin = text(&facts.admin_id);
    [
        ("CreatedDate", moment.clone()),
        ("CreatedById", admin.clone()),
        ("LastModifiedDate", moment.clone()),
        ("LastModifiedById", admin),
        ("SystemModstamp", moment),
    ]
    .into_iter()
    .filter(|(name, _)| object.field(name).is_some())
    .collect()
}

/// Sets fields of one record, folded copies of keys with them. Names that are no fields are left out.
pub(crate) fn set(conn: &Connection, object: &Object, id: &str, values: &[Named<'_>]) -> Result<()> {
    for (name, value) in values {
        let Some(field) = object.field(name) else { continue };
        let table = quote(&object.name);
        let sql = format!("UPDATE {table} SET {} = ?2 WHERE \"Id\" = ?1", column(field));
        conn.prepare_cached(&sql)?.execute(rusqlite::params![id, value])?;
        if let (true, Value::Text(text)) = (field.keyed(), value) {
            let sql = format!("UPDATE {table} SET {} = ?2 WHERE \"Id\" = ?1", quote(&field.key_column()));
            conn.prepare_cached(&sql)?.execute(rusqlite::params![id, field.key_of(text)])?;
        }
    }
    Ok(())
}
