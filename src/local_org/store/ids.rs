//! Record ids: key prefix, two characters of the seed, a zero, nine of a counter that begins where the seed says.

use super::Facts;
use crate::local_org::text::{base62, full_id, mix};
use rusqlite::{Connection, OptionalExtension, params};
use std::cell::RefCell;

/// The two characters that stand for this org in its ids.
pub(crate) fn instance(seed: u64) -> String {
    base62(mix(seed, 0x0D) % (62 * 62), 2)
}

/// What the counters of an org begin with. Two characters tell few orgs apart, and two that were drawn by chance must never
/// have an id in common; the ids of a small seed, which was chosen, count from one and can be read.
fn begin(seed: u64) -> u64 {
    (seed >> 12) % 62_u64.pow(8)
}

/// The id with this number.
pub(crate) fn format(prefix: &str, seed: u64, number: u64) -> String {
    let short = format!("{prefix}{}0{}", instance(seed), base62(begin(seed) + number, 9));
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

#[cfg(test)]
mod tests {
    use super::format;
    use std::collections::BTreeSet;

    #[test]
    fn orgs_that_were_drawn_have_no_id_in_common() {
        // Far more than two characters tell apart.
        let drawn = (0..20_000).map(|n| crate::local_org::text::mix(n, 99));
        let ids: BTreeSet<String> = drawn.map(|seed| format("00D", seed, 1)).collect();
        assert_eq!(ids.len(), 20_000);
        assert!(ids.iter().all(|id| id.len() == 18 && id.starts_with("00D")));
    }

    #[test]
    fn ids_count_on_from_their_beginning() {
        assert_eq!(format("001", 7, 1)[5..15], *"0000000001");
        for seed in [0, 7, u64::MAX, 1 << 40] {
            let ids: Vec<String> = (1..200).map(|n| format("001", seed, n)[..15].to_owned()).collect();
            assert!(ids.is_sorted() && ids.iter().collect::<BTreeSet<_>>().len() == 199, "{seed}");
        }
    }
}
