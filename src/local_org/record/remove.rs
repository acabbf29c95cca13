//! Deleting a record: details and what else belongs to it go along, other look-ups to it become null, and some records
//! keep it from being deleted. An ordinary delete puts records into the recycle bin, where only `queryAll` sees them; a
//! hard delete removes them.

use super::error::RowError;
use super::find;
use super::write::{Refusal, Writer};
use crate::local_org::schema::flags::Flag;
use crate::local_org::schema::{Field, Gone, Object, Schema};
use crate::local_org::store::{LIVE, column, index, quote};
use crate::local_org::text::stored_moment;
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::collections::BTreeSet;

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
/// `ENTITY_IS_DELETED` when there is no such live record, `DELETE_FAILED` when another one keeps it: then all stay.
pub(crate) fn delete(writer: &Writer<'_>, id: &str, removal: Removal) -> std::result::Result<(), Refusal> {
    if !find::exists(writer.conn, writer.object, id)? {
        return Err(RowError::deleted().into());
    }
    let family = family(writer, id, removal)?;
    if let Some(keeper) = family.keepers.iter().find(|keeper| !family.ids.contains(&keeper.id)) {
        return Err(keeper.refusal(writer.conn)?.into());
    }
    for (object, id) in &family.records {
        remove(writer, object, id, removal)?;
    }
    Ok(())
}

/// A record with all that goes with it.
struct Family<'a> {
    /// Parents before their children.
    records: Vec<(&'a Object, String)>,
    ids: BTreeSet<String>,
    keepers: Vec<Keeper<'a>>,
}

/// A live record that keeps a parent from being deleted.
struct Keeper<'a> {
    object: &'a Object,
    id: String,
    parent: (&'a Object, String),
}

fn family<'a>(writer: &'a Writer<'_>, id: &str, removal: Removal) -> Result<Family<'a>> {
    let ids = BTreeSet::from([id.to_owned()]);
    let mut family = Family { records: vec![(writer.object, id.to_owned())], ids, keepers: Vec::new() };
    let mut next = 0;
    while let Some((parent, id)) = family.records.get(next).cloned() {
        next += 1;
        for (child, field) in writer.schema.children(&parent.name) {
            if owned(field) {
                let found = children(writer.conn, child, field, &id, removal)?;
                let new: Vec<String> = found.into_iter().filter(|id| family.ids.insert(id.clone())).collect();
                family.records.extend(new.into_iter().map(|id| (child, id)));
            } else if field.gone == Some(Gone::Restrict) {
                let found = children(writer.conn, child, field, &id, Removal::Mark)?;
                let keeper = |own| Keeper { object: child, id: own, parent: (parent, id.clone()) };
                family.keepers.extend(found.into_iter().map(keeper));
            }
        }
    }
    Ok(family)
}

impl Keeper<'_> {
    /// Unconfirmed(delete-restricted): the words with which a deletion is refused because of a child; choice: those of
    /// the web page, with the names of both.
    fn refusal(&self, conn: &Connection) -> Result<RowError> {
        let (parent, id) = &self.parent;
        let message = format!(
            "Your attempt to delete {} could not be completed because it is associated with the following {}.: {}",
            name(conn, parent, id)?,
            self.object.plural.to_lowercase(),
            name(conn, self.object, &self.id)?
        );
        Ok(RowError::plain("DELETE_FAILED", message))
    }
}

/// The name by which people know a record; its id where it has none.
fn name(conn: &Connection, object: &Object, id: &str) -> Result<String> {
    let Some(field) = object.fields.iter().find(|f| f.has(Flag::NameField)) else { return Ok(id.to_owned()) };
    let sql = format!("SELECT {} FROM {} WHERE \"Id\" = ?1", column(field), quote(&object.name));
    let name: Option<Option<String>> = conn.prepare_cached(&sql)?.query_row([id], |r| r.get(0)).optional()?;
    Ok(name.flatten().unwrap_or_else(|| id.to_owned()))
}

fn remove(writer: &Writer<'_>, object: &Object, id: &str, removal: Removal) -> Result<()> {
    match removal {
        Removal::Mark => mark(writer, object, id)?,
        Removal::Erase => {
            let sql = format!("DELETE FROM {} WHERE \"Id\" = ?1", quote(&object.name));
            writer.conn.prepare_cached(&sql)?.execute([id])?;
        }
    }
    for (child, field) in writer.schema.children(&object.name).filter(|(_, field)| !owned(field)) {
        release(writer.conn, child, field, id, removal)?;
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
    if removal == Removal::Mark { format!(" AND {LIVE}") } else { String::new() }
}

/// Ids of the records that have this parent in a field.
fn children(
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

/// Whether a record goes when what this field points to goes: master-detail, look-ups of which the real describes say
/// so, and fields that cannot be null.
fn owned(field: &Field) -> bool {
    field.order.is_some() || field.gone == Some(Gone::Cascade) || !field.has(Flag::Nillable)
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
