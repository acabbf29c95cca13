//! Keys, and what refers to them: they go as they are, or their row is rejected. No policy cuts or rounds them, because
//! two records would become one.

use super::fault::Fault;

/// What no key may hold.
///
/// A result file gives a key with a line break back in another form, so that its row is not found again. Control
/// characters have no place in a key, and what an org makes of them is not known.
// Unconfirmed(key-spaces): whether an org counts spaces other than the plain one around a key; choice: such keys are
// rejected.
pub(super) fn check(key: &str) -> Result<(), Fault> {
    if key.chars().any(char::is_control) {
        return Err(Fault::new(
            "a key holds no tabs, line breaks or other control characters; take them out with `| squish` or `| trim`",
        ));
    }
    let inner = key.trim_matches(' ');
    if inner.trim() != inner {
        return Err(Fault::new(
            "the key begins or ends with a no-break or other special space, which orgs may count; take it off with `| trim`",
        ));
    }
    Ok(())
}
