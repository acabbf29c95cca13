//! Deleting a record: details go with their master, look-ups to it become null. An ordinary delete puts records into
//! the recycle bin, where only `queryAll` sees them; a hard delete removes them.

use super::error::RowError;
use super::find;
use super::write::{Refusal, Writer};
use crate::local_org::schema::flags::Flag;
use crate::local_org::schema::{Field, Object, Schema};
use crate::local_org::store::{column, index, live, quote};
use crate::local_org::text::stored_moment;
use rusqlite::{Connection, Result, params};

/// What becomes of a deleted record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It goes into the recycle bin: `IsDeleted` becomes true.
    Mark,
    /// It is gone, `hardDelete`.
    Erase,
}

/// Deletes a live record of the writer's object. The id has 18 characters; see [`find::own`].
///
/// Unconfirmed(hard-delete-of-deleted): what a hard delete of a record in the recycle bin answers; choice:
/// `ENTITY_IS_DELETED`, as for every operation on such a record.
///
/// # Errors
/// `ENTITY_IS_DELETED` when there is no such live record.
pub(crate) fn delete(writer: &Writer<'_>, id: &str, removal: Removal) -> std::result::Result<(), Refusal> {
    if !find::exists(writer.conn, writer.object, id)? {
        return Err(RowError::deleted().into());
    }
    Ok(remove(writer, writer.object, id, removal)?)
}

fn remove(writer: &Writer<'_>, object: &Object, id: &str, removal: Removal) -> Result<()> {
    match removal {
        Removal::Mark => mark(writer, object, id)?,
        Removal::Erase => {
            let sql = format!("DELETE FROM {} WHERE \"Id\" = ?1", quote(&object.name));
            writer.conn.prepare_cached(&sql)?.execute([id])?;
        }
    }
    for (child, field) in writer.schema.children(&object.name) {
        if !owned(field) {
            release(writer.conn, child, field, id, removal)?;
            continue;
        }
        for id in details(writer.conn, child, field, id, removal)? {
            remove(writer, child, &id, removal)?;
        }
    }
    Ok(())
}

fn mark(writer: &Writer<'_>, object: &Object, id: &str) -> Result<()> {
    let stamps = ["LastModifiedDate", "SystemModstamp"].into_iter().filter(|n| object.field(n).is_some());
    let stamps: String = stamps.map(|name| format!(", {} = ?2", quote(name))).collect();
    let sql =
        format!("UPDATE {} SET {} = ?3{stamps} WHERE \"Id\" = ?1", quote(&object.name), quote("IsDeleted"));
    writer.conn.prepare_cached(&sql)?.execute(params![id, stored_moment(writer.now), true])?;
    Ok(())
}

/// What narrows a statement about children: records in the recycle bin keep what they have until they are removed.
fn among(removal: Removal) -> String {
    if removal == Removal::Mark { format!(" AND {}", live("")) } else { String::new() }
}

/// Ids of the details of a master.
fn details(
    conn: &Connection,
    child: &Object,
    field: &Field,
    id: &str,
    removal: Removal,
) -> Result<Vec<String>> {
    let (table, column) = (quote(&child.name), column(field));
    let sql = format!("SELECT \"Id\" FROM {table} WHERE {column} = ?1{}", among(removal));
    conn.prepare_cached(&sql)?.query_map([id], |r| r.get(0))?.collect()
}

/// Takes a deleted record out of a look-up.
fn release(conn: &Connection, child: &Object, field: &Field, id: &str, removal: Removal) -> Result<()> {
    let (table, column) = (quote(&child.name), column(field));
    let sql = format!("UPDATE {table} SET {column} = NULL WHERE {column} = ?1{}", among(removal));
    conn.prepare_cached(&sql)?.execute([id])?;
    Ok(())
}

/// Whether a record goes when what this field points to goes: master-detail, and fields that cannot be null.
fn owned(field: &Field) -> bool {
    field.order.is_some() || !field.has(Flag::Nillable)
}

/// Makes deleting from an object quick: an index on each field that points at it or at its details.
pub(crate) fn prepare(conn: &Connection, schema: &Schema, object: &Object) -> Result<()> {
    let mut waiting = vec![object];
    let mut seen: Vec<&str> = Vec::new();
    while let Some(parent) = waiting.pop() {
        if seen.contains(&parent.name.as_str()) {
            continue;
        }
        seen.push(&parent.name);
        for (child, field) in schema.children(&parent.name) {
            index(conn, child, &field.name)?;
            if owned(field) {
                waiting.push(child);
            }
        }
    }
    Ok(())
}
