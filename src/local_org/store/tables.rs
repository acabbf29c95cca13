//! Tables: the org's own, whose names begin with an underscore, and one a object, which only ever grows columns.

use super::ids;
use crate::local_org::schema::{Field, Object, Schema};
use crate::local_org::text::base62;
use crate::model::FieldType;
use rusqlite::{Connection, Result, params};
use std::collections::BTreeSet;

/// The org's own tables. `upload` of a job is 0 before, 1 during and 2 after its upload.
const OWN: &str = "
CREATE TABLE IF NOT EXISTS _org (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _object (
  name TEXT PRIMARY KEY, prefix TEXT NOT NULL UNIQUE, next INTEGER NOT NULL, auto INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _job (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, operation TEXT NOT NULL,
  object TEXT NOT NULL, key TEXT, soql TEXT, assignment_rule TEXT, delimiter TEXT NOT NULL, line_ending TEXT NOT NULL,
  version TEXT NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,
  started INTEGER, upload INTEGER NOT NULL DEFAULT 0, length INTEGER NOT NULL DEFAULT 0,
  position INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
  retries INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 0, error TEXT, user TEXT);
CREATE INDEX IF NOT EXISTS _job_state ON _job (state);
CREATE TABLE IF NOT EXISTS _upload (
  job INTEGER NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (job, part));
CREATE TABLE IF NOT EXISTS _result (
  job INTEGER NOT NULL, kind INTEGER NOT NULL, place INTEGER NOT NULL, line TEXT NOT NULL,
  PRIMARY KEY (job, kind, place)) WITHOUT ROWID;
";

/// A name in double quotes.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{name}\"")
}

/// The column that says whether a record is in the recycle bin. Every table has it, also where the object has no such
/// field.
const DELETED: &str = "IsDeleted";

/// The condition under which a row is a live record, not one in the recycle bin.
pub(crate) const LIVE: &str = "\"IsDeleted\" = 0";

/// The same where the row's table has an alias in the statement; nothing for none.
pub(crate) fn live(table: &str) -> String {
    if table.is_empty() { LIVE.to_owned() } else { format!("{table}.{LIVE}") }
}

/// The quoted column of a field.
pub(crate) fn column(field: &Field) -> String {
    quote(&field.name)
}

/// Creates the org's own tables where they are missing.
pub(super) fn create(conn: &Connection) -> Result<()> {
    conn.execute_batch(OWN)?;
    if !columns(conn, "_job")?.contains("user") {
        // The jobs of an org from before there were several users are the admin's.
        conn.execute_batch("ALTER TABLE _job ADD COLUMN user TEXT")?;
    }
    Ok(())
}

/// Brings the tables of the objects up to the schema and gives custom objects their prefixes.
pub(super) fn sync(conn: &Connection, schema: &mut Schema) -> Result<()> {
    for object in &mut schema.objects {
        object.prefix = prefix_of(conn, object)?;
        table(conn, object)?;
    }
    Ok(())
}

/// Whether the database has every table and column that the schema needs; prefixes are written into the schema.
pub(super) fn complete(conn: &Connection, schema: &mut Schema) -> Result<bool> {
    for object in &mut schema.objects {
        let Some(prefix) = ids::prefix(conn, &object.name)? else { return Ok(false) };
        object.prefix = prefix;
        let there = columns(conn, &object.name)?;
        let missing = |f: &Field| !there.contains(&f.name) || !there.contains(&f.key_column());
        if object.fields.iter().any(missing) || !there.contains(DELETED) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn prefix_of(conn: &Connection, object: &Object) -> Result<String> {
    if let Some(prefix) = ids::prefix(conn, &object.name)? {
        return Ok(prefix);
    }
    let prefix = if object.custom {
        let sql = "SELECT count(*) FROM _object WHERE prefix LIKE 'a%' AND name LIKE '%\\_\\_c' ESCAPE '\\'";
        let taken: u64 = conn.query_row(sql, [], |r| r.get::<_, i64>(0))?.unsigned_abs();
        format!("a{}", base62(taken, 2))
    } else {
        object.prefix.clone()
    };
    conn.execute("INSERT INTO _object VALUES (?1, ?2, 0, 0)", params![object.name, prefix])?;
    Ok(prefix)
}

fn table(conn: &Connection, object: &Object) -> Result<()> {
    let there = columns(conn, &object.name)?;
    if there.is_empty() {
        conn.execute_batch(&new_table(object))?;
    } else {
        grow(conn, object, &there)?;
    }
    for field in &object.fields {
        if field.kind != FieldType::Id && (field.is_key() || field.keyed()) {
            index(conn, object, &field.key_column())?;
        }
    }
    Ok(())
}

/// A new table with all its columns in one statement: SQLite reads its whole schema again after each `ALTER TABLE`.
fn new_table(object: &Object) -> String {
    let mut columns = vec![
        "\"#row\" INTEGER PRIMARY KEY".to_owned(),
        "\"#job\" INTEGER".to_owned(),
        "\"Id\" TEXT NOT NULL UNIQUE".to_owned(),
    ];
    for field in &object.fields {
        if field.name != "Id" {
            columns.push(definition(field));
        }
        if field.keyed() {
            columns.push(format!("{} TEXT", quote(&field.key_column())));
        }
    }
    if object.field(DELETED).is_none() {
        columns.push(mark());
    }
    format!("CREATE TABLE {} ({})", quote(&object.name), columns.join(", "))
}

/// The definition of the recycle bin's column in a table whose object has no such field.
fn mark() -> String {
    format!("{} INTEGER DEFAULT 0", quote(DELETED))
}

/// Adds the columns that an older table lacks.
fn grow(conn: &Connection, object: &Object, there: &BTreeSet<String>) -> Result<()> {
    let name = quote(&object.name);
    for field in &object.fields {
        if !there.contains(&field.name) {
            conn.execute_batch(&format!("ALTER TABLE {name} ADD COLUMN {}", definition(field)))?;
        }
        if field.keyed() && !there.contains(&field.key_column()) {
            key_column(conn, object, field)?;
        }
    }
    if object.field(DELETED).is_none() && !there.contains(DELETED) {
        conn.execute_batch(&format!("ALTER TABLE {name} ADD COLUMN {}", mark()))?;
    }
    Ok(())
}

fn definition(field: &Field) -> String {
    let default = if field.kind == FieldType::Boolean { " DEFAULT 0" } else { "" };
    format!("{} {}{default}", column(field), storage(field))
}

fn columns(conn: &Connection, table: &str) -> Result<BTreeSet<String>> {
    let mut statement = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
    statement.query_map([table], |r| r.get(0))?.collect()
}

fn storage(field: &Field) -> &'static str {
    use FieldType::{Boolean, Currency, Double, Int, Long, Percent};
    match field.kind {
        Boolean | Int | Long => "INTEGER",
        Double | Currency | Percent => "TEXT COLLATE DECIMAL",
        _ if field.is_text() => "TEXT COLLATE NOCASE",
        _ => "TEXT",
    }
}

/// Adds the folded copy of a field that became a key, and fills it for the records that are there.
fn key_column(conn: &Connection, object: &Object, field: &Field) -> Result<()> {
    let (table, key) = (quote(&object.name), quote(&field.key_column()));
    conn.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {key} TEXT"))?;
    let mut read =
        conn.prepare(&format!("SELECT \"#row\", {0} FROM {table} WHERE {0} IS NOT NULL", column(field)))?;
    let mut write = conn.prepare(&format!("UPDATE {table} SET {key} = ?2 WHERE \"#row\" = ?1"))?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(1)?;
        write.execute(params![row.get::<_, i64>(0)?, field.key_of(&text)])?;
    }
    Ok(())
}

/// Creates an index on one column of an object where it is missing.
pub(crate) fn index(conn: &Connection, object: &Object, column: &str) -> Result<()> {
    let name = quote(&format!("{}.{column}", object.name));
    conn.execute_batch(&format!(
        "CREATE INDEX IF NOT EXISTS {name} ON {} ({})",
        quote(&object.name),
        quote(column)
    ))
}
