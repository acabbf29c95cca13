//! The marks that stand between the alternatives and the parts of a value that is looked for in tables.

/// Stands between the alternatives of a value that is looked for in several tables.
pub const OR: char = '\u{1e}';
/// Begins an alternative that could not be worked out: why stands behind it.
pub(super) const FAULT: char = '\u{1d}';
/// Stands between the parts of a value that is looked for by several fields at once.
pub const AND: char = '\u{1f}';
