//! What deciding writes: rows to send and rows left out, sorted, and the counts of both.

use crate::ledger::sort::Sorter;
use crate::model::{KeyHash, LeniencyCounts, Outcome};
use crate::stage::decision::{Decision, LeftRecord, action, reason};
use crate::stage::error::{StageError, StageIo};
use crate::stage::record::RowRecord;
use crate::stage::scan::SORT_BUDGET;
use crate::stage::shape::Shape;

/// The files being written.
pub(super) struct Out<'a> {
    pub(super) decisions: Sorter<'a>,
    pub(super) left: Sorter<'a>,
    pub(super) creates: Sorter<'a>,
    pub(super) second: Sorter<'a>,
    pub(super) nowhere: Sorter<'a>,
    pub(super) stays: Sorter<'a>,
    pub(super) outcomes: [u64; 10],
    pub(super) levels: Vec<(u64, u64)>,
    pub(super) deferred: u64,
    pub(super) linkless: u64,
    pub(super) gone: u64,
    pub(super) absent: u64,
    pub(super) absent_ids: Sorter<'a>,
    pub(super) lenient: LeniencyCounts,
}

/// Bytes of a row of the second pass: its key, then what was decided.
pub(in crate::stage) const SECOND: usize = 16 + Decision::WIDTH;

impl<'a> Out<'a> {
    pub(super) fn new(io: StageIo<'a>, shape: &Shape, scratch: &str, round: u32) -> Self {
        let sorter = |what: &str, width| {
            let name = format!("{scratch}/{what}-{}-{round}", shape.load);
            Sorter::new(io.files, &name, width, SORT_BUDGET)
        };
        Self {
            decisions: sorter("decisions", Decision::WIDTH),
            left: sorter("left", LeftRecord::WIDTH),
            creates: sorter("creates", 16),
            second: sorter("second", SECOND),
            nowhere: sorter("nowhere", 16),
            stays: sorter("stays", LeftRecord::WIDTH),
            outcomes: [0; 10],
            levels: Vec::new(),
            deferred: 0,
            linkless: 0,
            gone: 0,
            absent: 0,
            absent_ids: sorter("absent", 15),
            lenient: LeniencyCounts::default(),
        }
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        self.outcomes[outcome as usize] += 1;
    }

    /// A row that stays as it is, though perhaps without references that an earlier run put off.
    pub(super) fn keep(&mut self, outcome: Outcome, decision: &Decision) -> Result<(), StageError> {
        self.count(outcome);
        self.linkless += u64::from(decision.put_off.fill != 0);
        self.later(decision)
    }

    /// A row that is left out.
    pub(super) fn leave(&mut self, row: &RowRecord, reason: u8, reference: u8) -> Result<(), StageError> {
        self.nowhere(row.key)?;
        self.leave_copy(row, reason, reference)
    }

    /// A row that is left out, though another with its key may go.
    pub(super) fn leave_copy(
        &mut self,
        row: &RowRecord,
        reason: u8,
        reference: u8,
    ) -> Result<(), StageError> {
        self.count(outcome_of(reason));
        Ok(self.left.push(&LeftRecord { pos: row.pos, reason, reference, line: row.line }.encode())?)
    }

    /// No row of this key goes.
    pub(super) fn nowhere(&mut self, key: KeyHash) -> Result<(), StageError> {
        Ok(self.nowhere.push(&key.to_be_bytes())?)
    }

    /// A row with a value that its record does not get.
    pub(super) fn stay(&mut self, row: &RowRecord) -> Result<(), StageError> {
        let left = LeftRecord { pos: row.pos, reason: reason::STAYS, reference: 0, line: row.line };
        Ok(self.stays.push(&left.encode())?)
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
        self.later(decision)?;
        Ok(self.decisions.push(&decision.encode())?)
    }

    /// A row whose references the second pass fills.
    fn later(&mut self, decision: &Decision) -> Result<(), StageError> {
        if decision.put_off.fill == 0 {
            return Ok(());
        }
        self.deferred += 1;
        Ok(self.second.push(&[&decision.row.key.to_be_bytes()[..], &decision.encode()].concat())?)
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
