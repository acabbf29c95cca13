//! Rows of one source with the same key: which of them counts is judged among all rows after `where`, whatever becomes
//! of them. A copy that is rejected or waits for what it looks up is one of them.

use crate::diagnostic::{Code, Diagnostic, Place};
use crate::ledger::sort::SortedIter;
use crate::manifest::Duplicates;
use crate::model::KeyHash;
use crate::source::{RowPos, split_position};
use crate::stage::error::StageError;
use crate::stage::record::{RefusedRecord, RowRecord};
use crate::stage::scan::Scan;
use crate::stage::shape::Shape;

/// Duplicates named one by one in the error; more are counted.
const MOST_NAMED: usize = 20;

/// The rows with one key.
pub(super) struct Copies {
    pub(super) key: KeyHash,
    /// Those that may go.
    pub(super) rows: Vec<RowRecord>,
    /// Those that are left out already.
    refused: Vec<RefusedRecord>,
}

impl Copies {
    /// Where each of them stands.
    fn places(&self) -> Vec<(RowPos, u32)> {
        let rows = self.rows.iter().map(|row| (row.pos, row.line));
        let mut all: Vec<_> = rows.chain(self.refused.iter().map(|row| (row.pos, row.line))).collect();
        all.sort_unstable();
        all
    }

    /// The place of the one that counts, by the load's policy; nothing where none does.
    pub(super) fn winner(&self, policy: Duplicates) -> Option<RowPos> {
        let places = self.places();
        let chosen = match policy {
            _ if places.len() == 1 => places.first(),
            Duplicates::First => places.first(),
            Duplicates::Last => places.last(),
            Duplicates::Reject | Duplicates::Stop => None,
        };
        chosen.map(|(pos, _)| *pos)
    }

    /// Whether there are several.
    pub(super) fn several(&self) -> bool {
        self.rows.len() + self.refused.len() > 1
    }
}

/// The rows of a source, key by key.
pub(super) struct ByKey<'s> {
    rows: SortedIter<'s>,
    refused: SortedIter<'s>,
    row: Option<RowRecord>,
    left: Option<RefusedRecord>,
}

impl<'s> ByKey<'s> {
    pub(super) fn over(scan: &'s Scan<'_>) -> Result<Self, StageError> {
        let mut all = Self { rows: scan.rows.iter(), refused: scan.refused.iter(), row: None, left: None };
        all.step()?;
        all.step_refused()?;
        Ok(all)
    }

    fn step(&mut self) -> Result<(), StageError> {
        self.row = self.rows.next_record()?.map(RowRecord::decode);
        Ok(())
    }

    fn step_refused(&mut self) -> Result<(), StageError> {
        self.left = self.refused.next_record()?.map(RefusedRecord::decode);
        Ok(())
    }

    /// The rows of the next key.
    pub(super) fn next(&mut self) -> Result<Option<Copies>, StageError> {
        let keys = self.row.map(|row| row.key).into_iter().chain(self.left.map(|row| row.key));
        let Some(key) = keys.min() else { return Ok(None) };
        let mut copies = Copies { key, rows: Vec::new(), refused: Vec::new() };
        while let Some(row) = self.row.filter(|row| row.key == key) {
            copies.rows.push(row);
            self.step()?;
        }
        while let Some(row) = self.left.filter(|row| row.key == key) {
            copies.refused.push(row);
            self.step_refused()?;
        }
        Ok(Some(copies))
    }
}

/// Keys that stand in several rows of a load that says `stop`.
#[derive(Default)]
pub(super) struct Stopped {
    named: Vec<[(RowPos, u32); 2]>,
    more: u64,
}

impl Stopped {
    pub(super) fn note(&mut self, copies: &Copies) {
        match copies.places()[..] {
            [first, second, ..] if self.named.len() < MOST_NAMED => self.named.push([first, second]),
            _ => self.more += 1,
        }
    }

    /// A problem for each of them; none where there are none.
    pub(super) fn problems(&self, shape: &Shape, paths: &[String]) -> Vec<Diagnostic> {
        let place = |(pos, line): &(RowPos, u32)| {
            let (file, _) = split_position(*pos);
            Place::new(paths.get(file as usize).map_or("", String::as_str), *line, 0, 0)
        };
        let help = "mend the source, or say `duplicates: first`, `last` or `reject` on the load";
        let named = self.named.iter().map(|[first, second]| {
            Diagnostic::error(Code::RowDuplicate, format!("{}: two rows have the same key", shape.name))
                .label(&place(second), "this row")
                .label(&place(first), "has the key of this one")
                .help(help)
        });
        let more = (self.more > 0).then(|| {
            let message = format!("{}: {} more keys stand in several rows", shape.name, self.more);
            Diagnostic::error(Code::RowDuplicate, message).help(help)
        });
        named.chain(more).collect()
    }
}
