//! Where the org keeps its records, jobs and uploads: one SQLite database, in memory or in a file that a curious
//! user can open.
//!
//! Owns tables, ids and what is put into the org when it opens. Must not know HTTP, SOQL or the rules of rows.

mod entities;
pub(crate) mod ids;
pub(crate) mod rows;
mod sync;
pub(crate) mod tables;
pub(crate) mod tokens;

pub(crate) use tables::{LIVE, column, index, live, quote};

use super::schema::Schema;
use super::{OpenError, Options};
use crate::local_org::decimal::compare;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

/// How long one connection waits for another.
const PATIENCE: Duration = Duration::from_secs(10);

/// Facts about the org that do not change once it exists.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) org_id: String,
    pub(crate) admin_id: String,
    /// In whose name records are written: the admin's, unless [`Facts::acting`] says otherwise.
    pub(crate) user_id: String,
    pub(crate) seed: u64,
}

impl Facts {
    /// The same for what another user does.
    pub(crate) fn acting(&self, user: &str) -> Self {
        Self { user_id: user.to_owned(), ..self.clone() }
    }
}

/// An open database.
pub(crate) struct Opened {
    pub(crate) conn: Connection,
    pub(crate) facts: Facts,
    /// The lock that keeps other processes out.
    pub(crate) lock: Option<File>,
}

/// Opens the database, brings its tables up to the schema, and puts users, queues and record types in.
/// The prefixes of custom objects are written into the schema.
pub(crate) fn open(options: &Options, schema: &mut Schema) -> Result<Opened, OpenError> {
    let path = options.data.as_deref();
    if let (Some(path), true) = (path, options.read_only)
        && let Some(opened) = read_only(path, schema)?
    {
        return Ok(opened);
    }
    let lock = path.map(lock).transpose()?;
    let mut conn = connect(path)?;
    let (seed, now) = (options.seed, options.now);
    let tx = conn.transaction()?;
    tables::create(&tx)?;
    tx.execute_batch(tokens::TABLES)?;
    tx.execute_batch(crate::local_org::limit::TABLE)?;
    tables::sync(&tx, schema)?;
    let facts = sync::facts(&tx, schema, seed, now)?;
    sync::people(&tx, schema, &facts, now)?;
    entities::write(&tx, schema, &facts)?;
    tx.execute("DELETE FROM _upload WHERE job IN (SELECT seq FROM _job WHERE upload = 1)", [])?;
    tx.execute("UPDATE _job SET upload = 0 WHERE upload = 1", [])?;
    tx.commit()?;
    Ok(Opened { conn, facts, lock })
}

/// Opens a database to be queried; nothing when it is not up to date with the schema.
fn read_only(path: &Path, schema: &mut Schema) -> Result<Option<Opened>, OpenError> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.busy_timeout(PATIENCE)?;
    functions(&conn)?;
    let facts = sync::known(&conn)?;
    let complete = tables::complete(&conn, schema)?;
    Ok(facts.filter(|_| complete).map(|facts| Opened { conn, facts, lock: None }))
}

/// Takes the lock beside the database. It ends with the process, however that ends.
fn lock(path: &Path) -> Result<File, OpenError> {
    let shown = || path.display().to_string();
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = private_file(Path::new(&name)).map_err(|e| OpenError::File(shown(), e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Busy(shown())),
        Err(TryLockError::Error(error)) => Err(OpenError::File(shown(), error)),
    }
}

fn connect(path: Option<&Path>) -> Result<Connection, OpenError> {
    let conn = match path {
        None => Connection::open_in_memory()?,
        Some(path) => {
            private_file(path).map_err(|e| OpenError::File(path.display().to_string(), e))?;
            Connection::open(path)?
        }
    };
    conn.busy_timeout(PATIENCE)?;
    // What is written survives the death of the process, not of the machine: enough for a rehearsal, and fast.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    // 64 MB of log before it is written into the file: pages that many rows change are written once.
    conn.pragma_update(None, "wal_autocheckpoint", 16_000)?;
    conn.pragma_update(None, "cache_size", -32_000)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(512);
    functions(&conn)?;
    Ok(conn)
}

/// Functions and orders that our SQL uses. Numbers are texts, so that no digit is lost; an older database keeps them as
/// doubles, and is read as before.
fn functions(conn: &Connection) -> Result<(), OpenError> {
    conn.create_collation("DECIMAL", compare)?;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("fold", 1, flags, |context| {
        Ok(context.get::<Option<String>>(0)?.map(|text| text.to_lowercase()))
    })?;
    conn.create_scalar_function("trimmed", 1, flags, |context| {
        Ok(context.get::<Option<String>>(0)?.map(|text| text.trim().to_owned()))
    })?;
    Ok(())
}

/// Creates the file where it is missing, readable by its owner alone: it will hold customer values.
fn private_file(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
