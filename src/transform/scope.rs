//! What an expression may name: columns, vars and the zone.

use std::collections::BTreeMap;

/// What an expression may name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// The source's columns; `None` where the header is unknown, and no column is checked.
    pub columns: Option<Vec<String>>,
    /// The environment's variables.
    pub vars: BTreeMap<String, String>,
    /// The source's time zone.
    pub timezone: Option<String>,
}
