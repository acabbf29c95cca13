//! Several calls that stand or fall together: the database is taken for all of them, so that nobody else writes
//! between, and what they wrote goes when they are not kept.

use super::LocalOrg;
use rusqlite::{Connection, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The org's database, taken. Everything written through [`Transaction::org`] is undone unless it is kept.
pub(super) struct Transaction<'o> {
    /// Holds others back; a stand-in waits in it for the connection's return.
    outer: MutexGuard<'o, Connection>,
    org: LocalOrg,
    held: Arc<Mutex<Connection>>,
    kept: bool,
}

impl<'o> Transaction<'o> {
    /// Takes the database.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn begin(org: &'o LocalOrg) -> Result<Self> {
        let stand_in = Connection::open_in_memory()?;
        let mut outer = org.db();
        outer.execute_batch("SAVEPOINT whole")?;
        let held = Arc::new(Mutex::new(std::mem::replace(&mut *outer, stand_in)));
        let org = LocalOrg(Arc::clone(&org.0), Some(Arc::clone(&held)));
        Ok(Self { outer, org, held, kept: false })
    }

    /// The org as its calls must use it: any other handle would wait for this transaction.
    pub(super) fn org(&self) -> &LocalOrg {
        &self.org
    }

    /// Keeps what was written.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *held, &mut *self.outer);
        let end = if self.kept { "RELEASE whole" } else { "ROLLBACK TO whole; RELEASE whole" };
        // Without a way to end it, the database would be of no use to later calls either, and they say so.
        let _ = self.outer.execute_batch(end);
    }
}
