//! The local org: an honest small Salesforce org, in process or on a port.
//!
//! Owns the org's schema, storage, rules, jobs, SOQL and HTTP routes: an axum `Router` without sockets, threads or a
//! clock of its own. Uses `diagnostic`, `yaml` and `model` only: it must never know the client's rooms, so that the
//! two readings of the API check each other.

mod auth;
mod decimal;
mod fault;
mod http;
mod job;
mod limit;
mod others;
mod record;
mod rule;
mod schema;
mod soql;
mod store;
#[cfg(test)]
mod tests;
mod text;
mod transaction;

pub use fault::{Dropped, Faults};
pub use schema::Schema;
pub use soql::error::SoqlError;

use crate::diagnostic::Diagnostic;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

/// How to open an org.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The database file, created where it is missing; in memory without one.
    pub data: Option<PathBuf>,
    /// What ids, tokens, the order of results and faults follow from. An org that exists keeps the one it was made with.
    /// Two orgs with one seed have the same ids: draw it wherever they need not be known beforehand.
    pub seed: u64,
    /// `http://127.0.0.1:7071`: what answers name as the org's own address.
    pub base_url: String,
    /// The org's clock when it opens, in milliseconds since 1970; `step` moves it on.
    pub now: i64,
    /// Only to be queried: may be open elsewhere, and nothing is brought up to date.
    pub read_only: bool,
}

/// Why an org cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be created.
    #[error("cannot create {0}: {1}")]
    File(String, #[source] std::io::Error),
    /// Another process has it open.
    #[error("the local org in {0} is open in another process")]
    Busy(String),
    /// The file is no database of ours, or cannot be used.
    #[error("cannot use the local org's database: {0}")]
    Database(#[from] rusqlite::Error),
}

impl OpenError {
    /// Whether the file is there and is none of ours, or no longer is: no other disk would help.
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let Self::Database(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
    }

    /// Whether the disk is at fault: it is full or cannot be written.
    pub fn is_disk(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
        let Self::Database(error) = self else { return matches!(self, Self::File(..)) };
        let code = error.sqlite_error_code();
        matches!(code, Some(CannotOpen | DiskFull | PermissionDenied | ReadOnly | SystemIoFailure))
    }
}

/// What a query answers: names of columns, and rows of texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryTable {
    /// `Name`, `Account.Name`, `count`.
    pub columns: Vec<String>,
    /// A text for each column, nothing for null.
    pub rows: Vec<Vec<Option<String>>>,
}

/// An org. Clones are the same org. Inside a transaction, the second part is the connection that it holds.
#[derive(Clone)]
pub struct LocalOrg(Arc<Shared>, Option<Arc<Mutex<Connection>>>);

struct Shared {
    schema: Schema,
    facts: store::Facts,
    db: Mutex<Connection>,
    base_url: RwLock<String>,
    /// When the org opened: its objects have not changed since.
    opened: i64,
    now: AtomicI64,
    /// Calls that wait for the database.
    waiting: AtomicU64,
    trouble: Mutex<Option<String>>,
    /// Held while the org is open, so that no other process works at the same jobs.
    _lock: Option<std::fs::File>,
    faults: RwLock<Faults>,
    /// Whether calls may change the faults.
    admin: AtomicBool,
    /// How often the admin's token was revoked.
    revoked: AtomicU64,
    cursors: Mutex<http::Cursors>,
}

impl LocalOrg {
    /// Reads an `org.yaml` on top of the standard objects.
    ///
    /// # Errors
    /// Every problem found, with its place.
    pub fn schema_from_yaml(file: &str, text: &str) -> Result<Schema, Vec<Diagnostic>> {
        Self::schema_with_files(file, text, &|_| Err(std::io::Error::other("no files are read here")))
    }

    /// The same, with certificates of connected apps: `files` reads what the `org.yaml` names, by its path there.
    ///
    /// # Errors
    /// Every problem found, with its place.
    pub fn schema_with_files(
        file: &str,
        text: &str,
        files: &dyn Fn(&str) -> std::io::Result<Vec<u8>>,
    ) -> Result<Schema, Vec<Diagnostic>> {
        schema::yaml::read(file, text, files)
    }

    /// Opens an org. A database that exists goes on with its records and unfinished jobs, also when the schema has
    /// gained objects or fields.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(mut schema: Schema, options: Options) -> Result<Self, OpenError> {
        let store::Opened { conn, facts, lock } = store::open(&options, &mut schema)?;
        let revoked = store::tokens::revoked(&conn)?;
        let shared = Arc::new(Shared {
            schema,
            facts,
            db: Mutex::new(conn),
            base_url: RwLock::new(options.base_url),
            opened: options.now,
            now: AtomicI64::new(options.now),
            waiting: AtomicU64::new(0),
            trouble: Mutex::default(),
            _lock: lock,
            faults: RwLock::default(),
            admin: AtomicBool::new(false),
            revoked: AtomicU64::new(revoked),
            cursors: Mutex::default(),
        });
        Ok(Self(shared, None))
    }

    /// The org's routes.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// Moves the clock to `now` and every queued job on by one slice of 200 rows; whether there is more to do.
    /// When the database fails, jobs stay as they are, [`LocalOrg::trouble`] and every call about jobs say so, and the
    /// next step tries again.
    pub fn step(&self, now: i64) -> bool {
        self.steps(now, 1)
    }

    /// The same by several slices a job in one go, which takes less time in all and keeps calls waiting longer.
    pub fn steps(&self, now: i64, slices: usize) -> bool {
        self.0.now.fetch_max(now, Ordering::Relaxed);
        let faults = self.faults();
        let context =
            job::Context { schema: &self.0.schema, facts: &self.0.facts, faults: &faults, now: self.now() };
        let stepped = job::step(&mut self.db(), &context, slices);
        let mut trouble = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = stepped.as_ref().err().map(ToString::to_string);
        stepped.unwrap_or(false)
    }

    /// What went wrong with the database in the last step, if anything did.
    pub fn trouble(&self) -> Option<String> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The token of `admin@local.invalid`. It does not expire; a revoked one has a new one in its place.
    pub fn access_token(&self) -> String {
        let seed = match self.0.revoked.load(Ordering::Relaxed) {
            0 => self.0.facts.seed,
            revoked => text::mix(self.0.facts.seed, u64::MAX - revoked),
        };
        store::tokens::text(&self.0.facts, seed)
    }

    /// The org's id, of 18 characters.
    pub fn org_id(&self) -> String {
        self.0.facts.org_id.clone()
    }

    /// The address that answers name as the org's own.
    pub fn base_url(&self) -> String {
        self.0.base_url.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the address, once it is known on which port the org is served.
    pub fn set_base_url(&self, url: &str) {
        *self.0.base_url.write().unwrap_or_else(PoisonError::into_inner) =
            url.trim_end_matches('/').to_owned();
    }

    /// Puts these faults in the place of those there are.
    pub fn set_faults(&self, faults: Faults) {
        *self.0.faults.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Lets calls to `/admin/faults` change the faults; until then there is no such address.
    pub fn allow_admin(&self) {
        self.0.admin.store(true, Ordering::Relaxed);
    }

    /// How often the faults that are in force have struck.
    pub fn struck(&self) -> u64 {
        self.faults().struck()
    }

    fn faults(&self) -> RwLockReadGuard<'_, Faults> {
        self.0.faults.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Revokes a token for good, also across a restart; whether it was one.
    fn revoke(&self, token: &str) -> rusqlite::Result<bool> {
        let db = self.db();
        if token != self.access_token() {
            return store::tokens::forget(&db, token);
        }
        let times = self.0.revoked.fetch_add(1, Ordering::Relaxed) + 1;
        store::tokens::set_revoked(&db, times)?;
        Ok(true)
    }

    /// Answers a query whole. `COUNT()` is a table of one column, `count`.
    ///
    /// # Errors
    /// Why the query is refused.
    pub fn query(&self, soql: &str) -> Result<QueryTable, SoqlError> {
        http::query_table(self, soql)
    }

    /// Whether a call waits for the database: whoever steps the org without a pause lets it go first.
    pub fn is_wanted(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        let db = self.1.as_deref().unwrap_or(&self.0.db).lock().unwrap_or_else(PoisonError::into_inner);
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        db
    }

    fn now(&self) -> i64 {
        self.0.now.load(Ordering::Relaxed)
    }
}
