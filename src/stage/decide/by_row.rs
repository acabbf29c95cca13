//! Records that are read along with the rows of a source: sorted by the row's key, then by its place.

use crate::ledger::sort::{Sorted, SortedIter};
use crate::model::KeyHash;
use crate::source::RowPos;
use crate::stage::error::StageError;
use crate::stage::record::{LinkRecord, MissingRecord};

/// A record that belongs to a row.
pub(super) trait OfRow: Copy {
    /// From bytes.
    fn read(bytes: &[u8]) -> Self;
    /// The row's key and place.
    fn row(&self) -> (KeyHash, RowPos);
}

impl OfRow for MissingRecord {
    fn read(bytes: &[u8]) -> Self {
        Self::decode(bytes)
    }

    fn row(&self) -> (KeyHash, RowPos) {
        (self.child, self.pos)
    }
}

impl OfRow for LinkRecord {
    fn read(bytes: &[u8]) -> Self {
        Self::decode(bytes)
    }

    fn row(&self) -> (KeyHash, RowPos) {
        (self.key, self.pos)
    }
}

/// Such records, row by row.
pub(super) struct ByRow<'m, T> {
    iter: SortedIter<'m>,
    here: Option<T>,
    begun: bool,
}

impl<'m, T: OfRow> ByRow<'m, T> {
    pub(super) fn over(sorted: &'m Sorted<'_>) -> Self {
        Self { iter: sorted.iter(), here: None, begun: false }
    }

    fn step(&mut self) -> Result<(), StageError> {
        self.begun = true;
        self.here = self.iter.next_record()?.map(T::read);
        Ok(())
    }

    /// Those of one row; rows are asked for in ascending order.
    pub(super) fn of(&mut self, key: KeyHash, pos: RowPos) -> Result<Vec<T>, StageError> {
        if !self.begun {
            self.step()?;
        }
        let mut found = Vec::new();
        while let Some(here) = self.here.filter(|here| here.row() <= (key, pos)) {
            if here.row() == (key, pos) {
                found.push(here);
            }
            self.step()?;
        }
        Ok(found)
    }
}
