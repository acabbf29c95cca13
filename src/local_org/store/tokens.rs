//! What the org remembers about tokens.

use rusqlite::{Connection, OptionalExtension, Result};

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
