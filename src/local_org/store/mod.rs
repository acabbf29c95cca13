//! Where the org keeps its records, jobs and uploads: one SQLite database, in memory or in a file that a curious
//! user can open.
//!
//! Owns tables, ids and what is put into the org when it opens. Must not know HTTP, SOQL or the rules of rows.

pub(crate) mod ids;
pub(crate) mod rows;
mod sync;
pub(crate) mod tables;

pub(crate) use tables::{column, index, quote};

use super::OpenError;
use super::schema::Schema;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use std::path::Path;

/// Facts about the org that do not change once it exists.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) org_id: String,
    pub(crate) admin_id: String,
    pub(crate) seed: u64,
}

/// Opens the database, brings its tables up to the schema, and puts users, queues and record types in.
/// The prefixes of custom objects are written into the schema.
pub(crate) fn open(
    path: Option<&Path>,
    schema: &mut Schema,
    seed: u64,
    now: i64,
) -> Result<(Connection, Facts), OpenError> {
    let mut conn = connect(path)?;
    let tx = conn.transaction()?;
    tables::create(&tx)?;
    tables::sync(&tx, schema)?;
    let facts = sync::facts(&tx, schema, seed, now)?;
    sync::people(&tx, schema, &facts, now)?;
    tx.execute("DELETE FROM _upload WHERE job IN (SELECT seq FROM _job WHERE upload = 1)", [])?;
    tx.execute("UPDATE _job SET upload = 0 WHERE upload = 1", [])?;
    tx.commit()?;
    Ok((conn, facts))
}

fn connect(path: Option<&Path>) -> Result<Connection, OpenError> {
    let conn = match path {
        None => Connection::open_in_memory()?,
        Some(path) => {
            private_file(path).map_err(|e| OpenError::File(path.display().to_string(), e))?;
            Connection::open(path)?
        }
    };
    conn.busy_timeout(std::time::Duration::from_secs(10))?;
    // WAL with NORMAL survives the death of the process, not of the machine: enough for a rehearsal, and fast.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    conn.pragma_update(None, "cache_size", -32_000)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(512);
    conn.create_scalar_function(
        "fold",
        1,
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
        |context| Ok(context.get::<Option<String>>(0)?.map(|text| text.to_lowercase())),
    )?;
    Ok(conn)
}

/// Creates the file where it is missing, readable by its owner alone: it will hold customer values.
fn private_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
