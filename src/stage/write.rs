//! Staging: the rows of a step, resolved against what has landed by now, divided into parts and written out.

use super::deal::{assign, lane, locked_parents, with_locks};
use super::decide::{Decided, SECOND, past_of};
use super::decision::{Decision, LeftRecord, PutOff, action, reason};
use super::entries::Entries;
use super::error::StageError;
use super::hash::Instead;
use super::record::MissingRecord;
use super::resolve::{Look, Resolved, resolve};
use super::rows_out::write_parts;
use super::scan::SORT_BUDGET;
use super::staged_row::{LANE, ROW, Row, be64, bits};
use super::step::{StepInputs, StepRows};
use crate::ledger::State;
use crate::ledger::sort::{Sorted, SortedIter, Sorter};
use crate::transform::OnMissing;

/// Stages the rows of one level of a load.
///
/// # Errors
/// The disk's own.
pub fn stage_rows<'a>(
    step: &StepInputs<'_, 'a>,
    decided: &Decided<'a>,
    level: u16,
) -> Result<StepRows<'a>, StageError> {
    let look = Look { skip: step.deferred, put_off: 0 };
    let resolved = resolve(step.io, step.shape, step.scan, step.scratch, look, step.landed)?;
    let missing = by_place(step, &resolved)?;
    let mut sorting = Sorting::new(step)?;
    let mut missing = MissingByPlace::new(&missing)?;
    let mut decisions = decided.decisions.iter();
    while let Some(bytes) = decisions.next_record()? {
        let decision = Decision::decode(bytes);
        let gone = missing.of(decision.pos)? & !decision.put_off.fill;
        if decision.level == level {
            sorting.row(decision, gone, &resolved)?;
        }
    }
    sorting.write(&resolved)
}

/// Stages the second pass of a load: rows whose record still lacks references.
///
/// # Errors
/// The disk's own.
pub fn stage_references<'a>(
    step: &StepInputs<'_, 'a>,
    decided: &Decided<'a>,
    entries: Entries<'_>,
) -> Result<StepRows<'a>, StageError> {
    let look = Look { skip: !step.deferred, put_off: 0 };
    let resolved = resolve(step.io, step.shape, step.scan, step.scratch, look, step.landed)?;
    let missing = by_place(step, &resolved)?;
    let candidates = pending(step, decided, entries)?;
    let mut sorting = Sorting::new(step)?;
    let mut missing = MissingByPlace::new(&missing)?;
    let mut rows = candidates.iter();
    while let Some(bytes) = rows.next_record()? {
        let decision = Decision::decode(bytes);
        let gone = missing.of(decision.pos)?;
        sorting.reference_row(decision, gone, &resolved)?;
    }
    sorting.write(&resolved)
}

/// Rows of which it was decided that the second pass fills their references, and whose record is there and lacks them, by
/// place.
fn pending<'a>(
    step: &StepInputs<'_, 'a>,
    decided: &Decided<'a>,
    mut entries: Entries<'_>,
) -> Result<Sorted<'a>, StageError> {
    let name = format!("{}/pending-{}", step.scratch, step.shape.load);
    let mut found = Sorter::new(step.io.files, &name, Decision::WIDTH, SORT_BUDGET);
    let mut rows = decided.second.iter();
    let mut entry = entries.next().transpose()?;
    while let Some(bytes) = rows.next_record()? {
        let row = Decision::decode(&bytes[SECOND - Decision::WIDTH..]);
        while entry.as_ref().is_some_and(|e| e.key < row.row.key) {
            entry = entries.next().transpose()?;
        }
        let landed = entry.as_ref().filter(|e| e.key == row.row.key && e.state == State::Landed);
        let Some(entry) = landed.filter(|entry| entry.flags.reference_pending) else { continue };
        let decision = Decision {
            level: 0,
            action: action::REFERENCES,
            retry: false,
            id: entry.id,
            past: past_of(entry),
            known: (entry.payload, entry.create),
            ..row
        };
        found.push(&decision.encode())?;
    }
    Ok(found.finish()?)
}

/// Missing references by the place of their row: `pos, reference`.
fn by_place<'a>(step: &StepInputs<'_, 'a>, resolved: &Resolved<'a>) -> Result<Sorted<'a>, StageError> {
    let name = format!("{}/gone-{}", step.scratch, step.shape.load);
    let mut sorter = Sorter::new(step.io.files, &name, 9, SORT_BUDGET);
    let mut missing = resolved.missing.iter();
    while let Some(bytes) = missing.next_record()? {
        let record = MissingRecord::decode(bytes);
        let mut key = [0; 9];
        key[..8].copy_from_slice(&record.pos.to_be_bytes());
        key[8] = record.reference;
        sorter.push(&key)?;
    }
    Ok(sorter.finish()?)
}

/// Reads missing references along with rows by place.
struct MissingByPlace<'m> {
    iter: SortedIter<'m>,
    here: Option<(u64, u8)>,
}

impl<'m> MissingByPlace<'m> {
    fn new(sorted: &'m Sorted<'_>) -> Result<Self, StageError> {
        let mut cursor = Self { iter: sorted.iter(), here: None };
        cursor.step()?;
        Ok(cursor)
    }

    fn step(&mut self) -> Result<(), StageError> {
        self.here = self.iter.next_record()?.map(|b| (be64(b), b[8]));
        Ok(())
    }

    /// The references of a row that are missing, a bit each.
    fn of(&mut self, pos: u64) -> Result<u64, StageError> {
        let mut bits = 0;
        while let Some((at, reference)) = self.here.filter(|(at, _)| *at <= pos) {
            if at == pos {
                bits |= 1 << reference;
            }
            self.step()?;
        }
        Ok(bits)
    }
}

/// Rows on their way into lanes: new, known, failed before; within a lane by locked parent, then by place.
struct Sorting<'s, 'x, 'a> {
    step: &'s StepInputs<'x, 'a>,
    lanes: Sorter<'a>,
    left: Sorter<'a>,
    held: u64,
    rejected: u64,
    waiting: u64,
    locks: Option<Sorted<'a>>,
    scratch: Vec<u8>,
    rows: u64,
}

impl<'s, 'x, 'a> Sorting<'s, 'x, 'a> {
    fn new(step: &'s StepInputs<'x, 'a>) -> Result<Self, StageError> {
        let sorter = |what: &str, width| {
            Sorter::new(
                step.io.files,
                &format!("{}/{what}-{}", step.scratch, step.shape.load),
                width,
                SORT_BUDGET,
            )
        };
        Ok(Self {
            lanes: sorter("lanes", LANE + ROW),
            left: sorter("late", LeftRecord::WIDTH),
            held: 0,
            rejected: 0,
            waiting: 0,
            locks: step.lock.map(|lock| locked_parents(step, lock)).transpose()?,
            scratch: Vec::new(),
            rows: 0,
            step,
        })
    }

    /// A row of a load; `gone`: references whose parent is not there.
    fn row(&mut self, decision: Decision, gone: u64, resolved: &Resolved<'_>) -> Result<(), StageError> {
        let (shape, key) = (self.step.shape, decision.row.key);
        let chained = shape.chained();
        let PutOff { fill, blank, .. } = decision.put_off;
        // What is not sent with the row needs no parent yet: `only: update` of a row below the levels, whose parent goes
        // in the same step.
        let gone = gone & shape.sent(decision.action == action::CREATE);
        let mut instead = Instead { blank: fill | blank, fallback: 0, passed: gone & chained };
        for index in bits(gone & !chained) {
            let bit = 1 << index;
            if resolved.has_fallback(shape, index, key) {
                instead.fallback |= bit;
                continue;
            }
            match shape.references[index as usize].on_missing {
                OnMissing::Blank => instead.blank |= bit,
                without => return self.leave(&decision, reason::without_parent(without, false), index),
            }
        }
        match instead.choose(&shape.chains, decision.row.filled) {
            Ok(()) => self.push(Row { decision, instead }),
            Err((without, index)) => self.leave(&decision, reason::without_parent(without, false), index),
        }
    }

    /// A row of a second pass: what is there goes, what is not waits and has its line; then the ledger still knows of it,
    /// and it goes when its parent has landed.
    fn reference_row(
        &mut self,
        decision: Decision,
        gone: u64,
        resolved: &Resolved<'_>,
    ) -> Result<(), StageError> {
        let (shape, key, fill) = (self.step.shape, decision.row.key, decision.put_off.fill);
        let stands_in = |i: &u8| resolved.has_fallback(shape, *i, key);
        let fallback = bits(gone & fill).filter(stands_in).map(|i| 1 << i).sum::<u64>();
        let waits = gone & fill & !fallback;
        let told = bits(waits).find(|i| shape.references[*i as usize].on_missing != OnMissing::Blank);
        if let Some(reference) = told {
            self.waiting += 1;
            self.note(&decision, reason::PENDING, reference)?;
        }
        if fill & !waits == 0 {
            return Ok(());
        }
        self.push(Row { decision, instead: Instead { blank: waits | !fill, fallback, passed: 0 } })
    }

    fn leave(&mut self, decision: &Decision, why: u8, reference: u8) -> Result<(), StageError> {
        if why == reason::HELD {
            self.held += 1;
        } else {
            self.rejected += 1;
        }
        self.note(decision, why, reference)
    }

    /// A line for the file of rows left out.
    fn note(&mut self, decision: &Decision, why: u8, reference: u8) -> Result<(), StageError> {
        let (pos, line) = (decision.pos, decision.row.line);
        Ok(self.left.push(&LeftRecord { pos, reason: why, reference, line }.encode())?)
    }

    fn push(&mut self, row: Row) -> Result<(), StageError> {
        self.scratch.clear();
        self.scratch.push(lane(self.step.shape, &row.decision));
        self.scratch.extend_from_slice(&[0; 16]);
        self.scratch.extend_from_slice(&row.decision.pos.to_be_bytes());
        row.encode(&mut self.scratch);
        self.rows += 1;
        Ok(self.lanes.push(&self.scratch)?)
    }

    fn write(self, resolved: &Resolved<'a>) -> Result<StepRows<'a>, StageError> {
        let step = self.step;
        let lanes = self.lanes.finish()?;
        let lanes = match &self.locks {
            Some(locks) => with_locks(step, &lanes, locks)?,
            None => lanes,
        };
        let (assigned, kinds) = assign(step, &lanes)?;
        drop(lanes);
        let parts = write_parts(step, &assigned, kinds, resolved)?;
        Ok(StepRows {
            parts,
            left: self.left.finish()?,
            held: self.held,
            rejected: self.rejected,
            waiting: self.waiting,
        })
    }
}
