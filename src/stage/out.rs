//! What deciding writes: rows to send and rows left out, sorted, and the counts of both.

use super::error::{StageError, StageIo};
use super::record::{Decision, LeftRecord, action, reason};
use super::scan::SORT_BUDGET;
use super::shape::Shape;
use crate::ledger::sort::Sorter;
use crate::model::Outcome;

/// The files being written.
pub(super) struct Out<'a> {
    pub(super) decisions: Sorter<'a>,
    pub(super) left: Sorter<'a>,
    pub(super) creates: Sorter<'a>,
    pub(super) outcomes: [u64; 10],
    pub(super) levels: Vec<(u64, u64)>,
    pub(super) deferred: u64,
    pub(super) linkless: u64,
    pub(super) gone: u64,
    pub(super) absent: u64,
    pub(super) absent_ids: Sorter<'a>,
    pub(super) instead: (u64, u64),
}

impl<'a> Out<'a> {
    pub(super) fn new(io: StageIo<'a>, shape: &Shape, scratch: &str) -> Self {
        let sorter = |what: &str, width| {
            Sorter::new(io.files, &format!("{scratch}/{what}-{}", shape.load), width, SORT_BUDGET)
        };
        Self {
            decisions: sorter("decisions", Decision::WIDTH),
            left: sorter("left", LeftRecord::WIDTH),
            creates: sorter("creates", 16),
            outcomes: [0; 10],
            levels: Vec::new(),
            deferred: 0,
            linkless: 0,
            gone: 0,
            absent: 0,
            absent_ids: sorter("absent", 15),
            instead: (0, 0),
        }
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        self.outcomes[outcome as usize] += 1;
    }

    /// A row that stays as it is, though perhaps without a reference that an earlier run put off.
    pub(super) fn keep(&mut self, outcome: Outcome, reference_pending: bool) {
        self.count(outcome);
        self.deferred += u64::from(reference_pending);
        self.linkless += u64::from(reference_pending);
    }

    pub(super) fn leave(&mut self, pos: u64, line: u32, reason: u8, reference: u8) -> Result<(), StageError> {
        self.count(outcome_of(reason));
        Ok(self.left.push(&LeftRecord { pos, reason, reference, line }.encode())?)
    }

    pub(super) fn send(&mut self, decision: &Decision) -> Result<(), StageError> {
        self.count(Outcome::Pending);
        let level = decision.level as usize;
        if self.levels.len() <= level {
            self.levels.resize(level + 1, (0, 0));
        }
        if decision.action == action::CREATE {
            self.levels[level].0 += 1;
            self.creates.push(&decision.row.key.to_be_bytes())?;
        } else {
            self.levels[level].1 += 1;
        }
        self.deferred += u64::from(decision.deferred != 0);
        Ok(self.decisions.push(&decision.encode())?)
    }
}

/// The outcome of a row that a decision leaves out.
pub(super) fn outcome_of(reason: u8) -> Outcome {
    match reason {
        reason::DUPLICATE => Outcome::Duplicate,
        reason::HELD | reason::HELD_GOING => Outcome::Held,
        _ => Outcome::Rejected,
    }
}
