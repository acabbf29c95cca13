//! Record ids: key prefix, two characters of the seed, a zero, nine of a counter.

use super::Facts;
use crate::local_org::text::{base62, full_id, mix};
use rusqlite::{Connection, OptionalExtension, params};
use std::cell::RefCell;

/// The two characters that stand for this org in its ids.
pub(crate) fn instance(seed: u64) -> String {
    base62(mix(seed, 0x0D) % (62 * 62), 2)
}

/// The id with this number.
pub(crate) fn format(prefix: &str, seed: u64, number: u64) -> String {
    let short = format!("{prefix}{}0{}", instance(seed), base62(number, 9));
    full_id(&short).unwrap_or(short)
}

/// Gives out ids of one object, the counter in memory until [`Minter::flush`]: it belongs to one transaction.
pub(crate) struct Minter<'c> {
    conn: &'c Connection,
    object: &'c str,
    seed: u64,
    /// The object's prefix and the last number given out, once one was asked for.
    state: RefCell<Option<(String, u64)>>,
}

impl<'c> Minter<'c> {
    /// For ids of this object.
    pub(crate) fn new(conn: &'c Connection, facts: &Facts, object: &'c str) -> Self {
        Self { conn, object, seed: facts.seed, state: RefCell::default() }
    }

    /// The next id.
    pub(crate) fn next(&self) -> rusqlite::Result<String> {
        let mut state = self.state.borrow_mut();
        let (prefix, last) = match state.take() {
            Some(known) => known,
            None => counter(self.conn, self.object)?,
        };
        let id = format(&prefix, self.seed, last + 1);
        *state = Some((prefix, last + 1));
        Ok(id)
    }

    /// Writes the counter into the database, where the next reader looks.
    pub(crate) fn flush(&self) -> rusqlite::Result<()> {
        if let Some((_, last)) = self.state.borrow_mut().take() {
            let sql = "UPDATE _object SET next = ?2 WHERE name = ?1";
            self.conn.prepare_cached(sql)?.execute(params![self.object, last as i64])?;
        }
        Ok(())
    }
}

/// The key prefix of an object and its last number given out.
fn counter(conn: &Connection, object: &str) -> rusqlite::Result<(String, u64)> {
    let sql = "SELECT prefix, next FROM _object WHERE name = ?1";
    conn.prepare_cached(sql)?.query_row([object], |r| Ok((r.get(0)?, r.get::<_, i64>(1)?.unsigned_abs())))
}

/// The next id of an object. The counter moves with the transaction it is called in.
pub(crate) fn mint(conn: &Connection, facts: &Facts, object: &str) -> rusqlite::Result<String> {
    let minter = Minter::new(conn, facts, object);
    let id = minter.next()?;
    minter.flush()?;
    Ok(id)
}

/// The next number of an object's auto number.
pub(crate) fn auto_number(conn: &Connection, object: &str) -> rusqlite::Result<u64> {
    let mut statement =
        conn.prepare_cached("UPDATE _object SET auto = auto + 1 WHERE name = ?1 RETURNING auto")?;
    statement.query_row([object], |r| r.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// The key prefix of an object, if it has one yet.
pub(super) fn prefix(conn: &Connection, object: &str) -> rusqlite::Result<Option<String>> {
    conn.query_row("SELECT prefix FROM _object WHERE name = ?1", [object], |r| r.get(0)).optional()
}

/// Whether the org has given out this id of an object, so that its record was deleted since.
pub(crate) fn was_minted(conn: &Connection, facts: &Facts, object: &str, id: &str) -> rusqlite::Result<bool> {
    let (prefix, next) = counter(conn, object)?;
    // The digits of base 62 are in the order of their bytes, so ids of one object sort by number.
    let (first, last) = (format(&prefix, facts.seed, 1), format(&prefix, facts.seed, next));
    let short = |id: &str| id.get(..15).unwrap_or(id).to_owned();
    Ok(next > 0 && short(id) >= short(&first) && short(id) <= short(&last))
}
