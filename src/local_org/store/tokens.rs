//! Tokens: whose they are, until when, and which were revoked.

use super::Facts;
use crate::local_org::text::{base62, mix};
use rusqlite::{Connection, OptionalExtension, Result, params};

/// Tables of tokens; a row of `_revoked` is a refresh token that is no longer good.
pub(super) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS _token (
  number INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE, user TEXT NOT NULL, client TEXT NOT NULL,
  refresh TEXT, expires INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS _revoked (token TEXT PRIMARY KEY) WITHOUT ROWID;
";

/// How often the admin's token was revoked.
pub(crate) fn revoked(conn: &Connection) -> Result<u64> {
    let sql = "SELECT value FROM _org WHERE key = 'revoked'";
    let value: Option<String> = conn.query_row(sql, [], |r| r.get(0)).optional()?;
    Ok(value.and_then(|v| v.parse().ok()).unwrap_or(0))
}

/// Remembers how often.
pub(crate) fn set_revoked(conn: &Connection, times: u64) -> Result<()> {
    conn.execute("INSERT OR REPLACE INTO _org VALUES ('revoked', ?1)", [times.to_string()])?;
    Ok(())
}

/// The text of a token: the org's id, `!`, and what follows from a seed.
pub(crate) fn text(facts: &Facts, seed: u64) -> String {
    let parts = [1, 2, 3, 4].map(|n| base62(mix(seed, n), 11));
    format!("{}!{}", facts.org_id.get(..15).unwrap_or_default(), parts.join("."))
}

/// A new token of a user, good until `expires`; `refresh` is the refresh token that it came from.
pub(crate) fn issue(
    conn: &Connection,
    facts: &Facts,
    user: &str,
    client: &str,
    refresh: Option<&str>,
    expires: i64,
) -> Result<String> {
    let sql = "INSERT INTO _token (token, user, client, refresh, expires) VALUES ('', ?1, ?2, ?3, ?4)";
    conn.execute(sql, params![user, client, refresh, expires])?;
    let number = conn.last_insert_rowid();
    let token = text(facts, mix(facts.seed ^ 0x0074_6F6B_656E, number.unsigned_abs()));
    conn.execute("UPDATE _token SET token = ?2 WHERE number = ?1", params![number, token])?;
    Ok(token)
}

/// The id of the active user whose token this is now.
pub(crate) fn owner(conn: &Connection, token: &str, now: i64) -> Result<Option<String>> {
    let sql = "SELECT t.user FROM _token t JOIN \"User\" u ON u.\"Id\" = t.user \
               WHERE t.token = ?1 AND t.expires > ?2 AND u.\"IsActive\" = 1";
    conn.prepare_cached(sql)?.query_row(params![token, now], |r| r.get(0)).optional()
}

/// Id of the user with this name, and whether the user is active.
pub(crate) fn user(conn: &Connection, username: &str) -> Result<Option<(String, bool)>> {
    let sql = "SELECT \"Id\", \"IsActive\" FROM \"User\" WHERE \"Username\" = ?1 COLLATE NOCASE";
    conn.query_row(sql, [username], |r| Ok((r.get(0)?, r.get(1)?))).optional()
}

/// Whether a refresh token was revoked.
pub(crate) fn is_revoked(conn: &Connection, refresh: &str) -> Result<bool> {
    conn.query_row("SELECT EXISTS (SELECT 1 FROM _revoked WHERE token = ?1)", [refresh], |r| r.get(0))
}

/// Forgets an access token; whether it was one.
pub(crate) fn forget(conn: &Connection, token: &str) -> Result<bool> {
    Ok(conn.execute("DELETE FROM _token WHERE token = ?1", [token])? > 0)
}

/// Revokes a refresh token, and the access tokens that came from it.
pub(crate) fn revoke_refresh(conn: &Connection, refresh: &str) -> Result<()> {
    conn.execute("INSERT OR IGNORE INTO _revoked VALUES (?1)", [refresh])?;
    conn.execute("DELETE FROM _token WHERE refresh = ?1", [refresh])?;
    Ok(())
}
