//! A row of a source, as expressions see it.

use crate::source::Cells;
use crate::transform::Row;

/// Cells as the row path's input.
pub(super) struct SourceRow<'a>(pub(super) Cells<'a>);

impl Row for SourceRow<'_> {
    fn cell(&self, column: usize) -> &str {
        self.0.get(column)
    }
}
