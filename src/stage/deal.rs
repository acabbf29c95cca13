//! Dealing: which part each row goes into. Children of one parent stay together, so that jobs do not wait for each
//! other's locks.

use super::decision::{Decision, action};
use super::error::StageError;
use super::part::PartLimits;
use super::record::RefRecord;
use super::scan::SORT_BUDGET;
use super::shape::Shape;
use super::staged_row::{ASSIGNED, Kind, LANE, ROW, Row};
use super::step::StepInputs;
use crate::ledger::sort::{Sorted, Sorter};

/// Rows that do different things go in different jobs; rows that failed before go last, on their own.
pub(super) fn lane(shape: &Shape, decision: &Decision) -> u8 {
    let known = shape.splits() && decision.action == action::UPDATE;
    u8::from(decision.retry) << 1 | u8::from(known)
}

/// The locked parent of each row, by place: `pos, parent`.
pub(super) fn locked_parents<'a>(step: &StepInputs<'_, 'a>, lock: usize) -> Result<Sorted<'a>, StageError> {
    let name = format!("{}/locks-{}", step.scratch, step.shape.load);
    let mut sorter = Sorter::new(step.io.files, &name, 24, SORT_BUDGET);
    for references in step.scan.references.values() {
        let mut iter = references.iter();
        while let Some(bytes) = iter.next_record()? {
            let record = RefRecord::decode(bytes);
            if record.reference as usize == lock && record.pos != u64::MAX {
                let mut key = [0; 24];
                key[..8].copy_from_slice(&record.pos.to_be_bytes());
                key[8..].copy_from_slice(&record.parent.to_be_bytes());
                sorter.push(&key)?;
            }
        }
    }
    Ok(sorter.finish()?)
}

/// The lanes again, each row with its locked parent in its key.
pub(super) fn with_locks<'a>(
    step: &StepInputs<'_, 'a>,
    lanes: &Sorted<'a>,
    locks: &Sorted<'a>,
) -> Result<Sorted<'a>, StageError> {
    let name = |what: &str| format!("{}/{what}-{}", step.scratch, step.shape.load);
    let mut places = Sorter::new(step.io.files, &name("places"), 8 + LANE + ROW, SORT_BUDGET);
    let mut iter = lanes.iter();
    while let Some(bytes) = iter.next_record()? {
        places.push(&[&bytes[17..25], bytes].concat())?;
    }
    let places = places.finish()?;
    let mut sorted = Sorter::new(step.io.files, &name("parents"), LANE + ROW, SORT_BUDGET);
    let (mut rows, mut locks) = (places.iter(), locks.iter());
    let mut lock = locks.next_record()?.map(<[u8]>::to_vec);
    while let Some(bytes) = rows.next_record()? {
        while lock.as_deref().is_some_and(|l| l[..8] < bytes[..8]) {
            lock = locks.next_record()?.map(<[u8]>::to_vec);
        }
        let mut row = bytes[8..].to_vec();
        if let Some(lock) = lock.as_deref().filter(|l| l[..8] == bytes[..8]) {
            row[1..17].copy_from_slice(&lock[8..]);
        }
        sorted.push(&row)?;
    }
    Ok(sorted.finish()?)
}

/// Divides the rows into parts: children of one parent stay together, a parent with more children than a part
/// holds has its parts one after the other. Gives the rows by place: `pos, part, rank, row`.
pub(super) fn assign<'a>(
    step: &StepInputs<'_, 'a>,
    lanes: &Sorted<'a>,
) -> Result<(Sorted<'a>, Vec<Kind>), StageError> {
    let name = format!("{}/assigned-{}", step.scratch, step.shape.load);
    let sorter = Sorter::new(step.io.files, &name, ASSIGNED, SORT_BUDGET);
    let (limits, locks) = (step.limits, step.lock.is_some());
    let mut dealer =
        Dealer { sorter, limits, kinds: Vec::new(), rows: 0, lane: None, first_lane: None, locks };
    let mut group: Vec<Vec<u8>> = Vec::new();
    let mut continues = false;
    let mut iter = lanes.iter();
    while let Some(bytes) = iter.next_record()? {
        let alone = bytes[1..17].iter().all(|b| *b == 0);
        let same = group.last().is_some_and(|g| !alone && g[..17] == bytes[..17]);
        if !same || group.len() >= dealer.limit() as usize {
            dealer.deal(&group, continues)?;
            continues = same;
            group.clear();
        }
        group.push(bytes.to_vec());
    }
    dealer.deal(&group, continues)?;
    Ok((dealer.sorter.finish()?, dealer.kinds))
}

/// Deals groups of rows into parts.
struct Dealer<'a> {
    sorter: Sorter<'a>,
    limits: PartLimits,
    kinds: Vec<Kind>,
    rows: u32,
    lane: Option<u8>,
    first_lane: Option<u8>,
    /// Whether the rows lock parents.
    locks: bool,
}

impl Dealer<'_> {
    /// Rows that the part being filled may hold.
    fn limit(&self) -> u32 {
        if self.kinds.len() <= 1 { self.limits.first_rows } else { self.limits.rows }
    }

    /// Deals children of one parent, or one row without a parent. `continues`: the group before held children of
    /// the same parent.
    fn deal(&mut self, group: &[Vec<u8>], continues: bool) -> Result<(), StageError> {
        let Some(first) = group.first() else { return Ok(()) };
        let full = self.rows > 0 && self.rows as usize + group.len() > self.limit() as usize;
        if self.lane != Some(first[0]) || full {
            self.lane = Some(first[0]);
            self.rows = 0;
            let action = Row::decode(&first[LANE..]).decision.action;
            // Rows that do different things may share a locked parent: then their parts do not run side by side.
            let later_lane = self.locks && first[0] != self.first_lane.unwrap_or(first[0]);
            self.first_lane.get_or_insert(first[0]);
            self.kinds.push(Kind { action, after_previous: continues || later_lane });
        }
        for row in group {
            let mut record = row[17..25].to_vec();
            record.extend_from_slice(&(self.kinds.len() as u32 - 1).to_be_bytes());
            record.extend_from_slice(&self.rows.to_be_bytes());
            record.extend_from_slice(&row[LANE..]);
            self.sorter.push(&record)?;
            self.rows += 1;
        }
        Ok(())
    }
}
