//! What a rule makes of a row: a cell, and the records that it points to.

use std::ops::Range;

/// One cell of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellOut {
    /// Blank, and the org's value is left alone: an empty cell.
    Absent,
    /// Blank, and the org's value is removed: `#N/A`.
    Clear,
    /// A part of [`RowOut::text`](super::RowOut::text).
    Text(Range<usize>),
    /// A reference by key; its parent is found, or not, by whoever knows the keys.
    Ref {
        /// Index into the rule's targets.
        target: usize,
        /// The raw key, a part of [`RowOut::text`](super::RowOut::text).
        key: Range<usize>,
    },
    /// Several things that the value may be, a reference among them: the first counts that is there. Never empty.
    Chain(Vec<Link>),
}

/// One of several things that a value may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A reference by key: there if its parent is.
    Ref {
        /// Which of the rule's references; those of its fallback are counted on behind them.
        seat: usize,
        /// Index into that reference's targets.
        target: usize,
        /// The raw key, a part of [`RowOut::text`](super::RowOut::text).
        key: Range<usize>,
    },
    /// Always there: the last.
    Last {
        /// A part of [`RowOut::text`](super::RowOut::text).
        text: Range<usize>,
        /// Whether the fallback came to it.
        fallback: bool,
    },
}
