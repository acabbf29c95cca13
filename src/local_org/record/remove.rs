//! Deleting a record: details go with their master, look-ups to it become null.

use super::error::RowError;
use super::write::{Refusal, Writer};
use crate::local_org::schema::flags::Flag;
use crate::local_org::schema::{Field, Object, Schema};
use crate::local_org::store;
use rusqlite::Connection;

/// Deletes a record of the writer's object. The id has 18 characters.
pub(crate) fn delete(writer: &Writer<'_>, id: &str) -> Result<(), Refusal> {
    remove(writer.conn, writer.schema, writer.object, id)
}

fn remove(conn: &Connection, schema: &Schema, object: &Object, id: &str) -> Result<(), Refusal> {
    let sql = format!("DELETE FROM {} WHERE \"Id\" = ?1", store::quote(&object.name));
    if conn.prepare_cached(&sql)?.execute([id])? == 0 {
        return Err(RowError::deleted().into());
    }
    for (child, field) in schema.children(&object.name) {
        let (table, column) = (store::quote(&child.name), store::column(field));
        if owned(field) {
            let sql = format!("SELECT \"Id\" FROM {table} WHERE {column} = ?1");
            let ids: Vec<String> =
                conn.prepare_cached(&sql)?.query_map([id], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
            for id in ids {
                remove(conn, schema, child, &id)?;
            }
        } else {
            let sql = format!("UPDATE {table} SET {column} = NULL WHERE {column} = ?1");
            conn.prepare_cached(&sql)?.execute([id])?;
        }
    }
    Ok(())
}

/// Whether a record goes when what this field points to goes: master-detail, and fields that cannot be null.
fn owned(field: &Field) -> bool {
    field.order.is_some() || !field.has(Flag::Nillable)
}

/// Makes deleting from an object quick: an index on each field that points at it or at its details.
pub(crate) fn prepare(conn: &Connection, schema: &Schema, object: &Object) -> rusqlite::Result<()> {
    let mut waiting = vec![object];
    let mut seen: Vec<&str> = Vec::new();
    while let Some(parent) = waiting.pop() {
        if seen.contains(&parent.name.as_str()) {
            continue;
        }
        seen.push(&parent.name);
        for (child, field) in schema.children(&parent.name) {
            store::index(conn, child, &field.name)?;
            if owned(field) {
                waiting.push(child);
            }
        }
    }
    Ok(())
}
