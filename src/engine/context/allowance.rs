//! What the org's allowances of a day let a run do: what something needs, held against what is left. Pure; knows
//! neither the org nor the journal.

use crate::plan::{Api, PlanStep};
use crate::salesforce::{COLLECTION_ROWS, polls};

/// Rows of one of the org's own batches (reference A8). The org tells nothing of the day's records, but it takes
/// 10,000 times as many as batches (reference A9): batches are always used up first.
const BATCH: u64 = 10_000;
/// Calls of one job beside those that ask after it: made, filled, closed, three result files.
const JOB_CALLS: u64 = 6;
/// Calls without which a job is not even begun: made, filled, closed.
const FEWEST_CALLS: u64 = 3;
/// Of this many, one is kept back for others and for collecting what is under way.
const KEPT: u64 = 100;
/// No more than this is kept back.
const MOST_KEPT: u64 = 100;
/// What is used is free again after this many milliseconds (reference A9: rolling 24 hours).
pub(in crate::engine) const DAY: i64 = 24 * 60 * 60 * 1000;

/// What something uses of the day's allowances, as far as can be known before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Need {
    /// The org's batches of 10,000 rows.
    pub batches: u64,
    /// Calls, roughly: how often a job is asked after hangs on how long it takes.
    pub calls: u64,
    /// Rows.
    pub rows: u64,
}

impl Need {
    /// Of one part.
    pub fn of_part(api: Api, rows: u64) -> Self {
        match api {
            Api::Bulk => {
                let calls = JOB_CALLS + polls(job_time(rows));
                Self { batches: rows.div_ceil(BATCH).max(1), calls, rows }
            }
            Api::Collections => Self { batches: 0, calls: rows.div_ceil(COLLECTION_ROWS as u64), rows },
        }
    }

    /// Of a whole step, before its rows are divided into parts.
    pub fn of_step(step: &PlanStep) -> Self {
        let parts = step.parts.max(1);
        match step.api {
            Api::Bulk => {
                let one = Self::of_part(Api::Bulk, step.rows.div_ceil(parts));
                let batches = step.rows.div_ceil(BATCH).max(step.parts);
                Self { batches, calls: one.calls * step.parts, rows: step.rows }
            }
            Api::Collections => Self { batches: 0, calls: step.calls(), rows: step.rows },
        }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            batches: self.batches + other.batches,
            calls: self.calls + other.calls,
            rows: self.rows + other.rows,
        }
    }
}

/// Milliseconds that a job may take: batches go side by side, the more of them the slower.
// Unconfirmed(job-speed): how long a job takes; choice: two seconds, 4 ms a row of its first batch, ten seconds for each
// further batch.
fn job_time(rows: u64) -> u64 {
    2_000 + rows.min(BATCH) * 4 + rows.saturating_sub(BATCH) / BATCH * 10_000
}

/// What is left of one allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// How much is left.
    pub remaining: u64,
    /// How much there is in a day.
    pub max: u64,
    /// What each call of `apply` uses up before it sends anything: waiting does not bring that back.
    pub before: u64,
}

impl Left {
    /// What stays for others and for collecting what is under way: one in a hundred, a hundred at most.
    pub fn kept(&self) -> u64 {
        (self.max / KEPT).min(MOST_KEPT)
    }

    /// From how much on something is begun that needs `need`: what takes more than half of a day would else wait for
    /// ever where others use the org too.
    fn enough(&self, need: u64, fewest: u64) -> u64 {
        need.min((self.max.saturating_sub(self.kept() + self.before) / 2).max(fewest))
    }

    /// How much must come free before something begins while parts under way still use `open`; 0 where it may begin
    /// now.
    pub fn missing(&self, need: u64, open: u64, fewest: u64) -> u64 {
        (self.enough(need, fewest) + self.kept() + open).saturating_sub(self.remaining)
    }
}

/// What is left of all, as far as the org tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftover {
    /// Calls.
    pub calls: Option<Left>,
    /// Batches.
    pub batches: Option<Left>,
}

/// An allowance that does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    /// Which one, in words.
    pub what: &'static str,
    /// How much must come free.
    pub missing: u64,
    /// What is left of it.
    pub left: Left,
}

/// What keeps a part from beginning; nothing when it may go. `open`: what parts under way may still use.
pub fn short_of(need: Need, open: Need, left: &Leftover) -> Option<Short> {
    // What parts under way use of batches is counted as used already.
    let of = |what, need: u64, open, fewest, left: Option<Left>| {
        let left = left.filter(|_| need > 0)?;
        let missing = left.missing(need, open, fewest);
        (missing > 0).then_some(Short { what, missing, left })
    };
    let fewest = if need.batches > 0 { FEWEST_CALLS } else { 1 };
    of("API calls", need.calls, open.calls, fewest, left.calls)
        .or_else(|| of("batches", need.batches, 0, 1, left.batches))
}

/// When `missing` is free again for certain, in milliseconds since 1970, by what was used when (in order of time); a
/// day from now where that does not tell, for then nothing counts any more that has been used until now.
pub fn free_again(used: &[(i64, u64)], missing: u64, now: i64) -> i64 {
    let mut sum = 0;
    let recent = used.iter().filter(|(at, _)| *at > now - DAY);
    for (at, amount) in recent {
        sum += amount;
        if sum >= missing {
            return at + DAY;
        }
    }
    now + DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(remaining: u64, max: u64, before: u64) -> Left {
        Left { remaining, max, before }
    }

    #[test]
    fn a_part_goes_while_it_fits_beside_what_is_under_way() {
        let need = Need { batches: 1, calls: 20, rows: 10 };
        let with = |calls, batches| Leftover { calls: Some(calls), batches: Some(batches) };
        let plenty = left(15_000, 15_000, 0);
        assert_eq!(short_of(need, Need::default(), &Leftover::default()), None, "nothing is told");
        assert_eq!(short_of(need, Need::default(), &with(plenty, plenty)), None);
        let just = left(120, 15_000, 9);
        assert_eq!(short_of(need, Need::default(), &with(just, plenty)), None, "100 are kept back");
        let one_less = left(119, 15_000, 9);
        let short = short_of(need, Need::default(), &with(one_less, plenty)).unwrap();
        assert_eq!((short.what, short.missing), ("API calls", 1));
        let open = Need { calls: 30, ..Need::default() };
        assert_eq!(short_of(need, open, &with(just, plenty)).unwrap().missing, 30);
        let short = short_of(need, Need::default(), &with(plenty, left(100, 15_000, 0))).unwrap();
        assert_eq!((short.what, short.missing), ("batches", 1));
        let by_calls = Need { batches: 0, ..need };
        assert_eq!(short_of(by_calls, open, &with(plenty, left(0, 15_000, 0))), None);
    }

    #[test]
    fn what_a_day_never_allows_goes_as_far_as_it_comes() {
        let need = Need { batches: 40, calls: 30, rows: 400_000 };
        let with = |calls, batches| Leftover { calls: Some(calls), batches: Some(batches) };
        let goes = |calls, batches| short_of(need, Need::default(), &with(calls, batches)).is_none();
        let plenty = left(15_000, 15_000, 0);
        assert!(goes(plenty, left(5, 10, 0)) && !goes(plenty, left(4, 10, 0)), "half of a day is enough");
        assert!(goes(plenty, left(1, 1, 0)) && !goes(plenty, left(0, 1, 0)));
        // 10 of 15 calls went for making the plan: the other five are all that any day brings.
        assert!(goes(left(5, 15, 10), plenty) && !goes(left(2, 15, 10), plenty));
    }

    #[test]
    fn what_was_used_comes_back_a_day_later() {
        let used = [(0, 9), (100, 3), (200, 4)];
        assert_eq!(free_again(&used, 3, 50), DAY, "what is older counts first");
        assert_eq!(free_again(&used, 10, 300), 100 + DAY);
        assert_eq!(free_again(&used, 17, 300), 300 + DAY, "others used it: a day from now at the latest");
        assert_eq!(free_again(&used, 3, DAY + 50), 100 + DAY, "what is free again does not count");
        assert_eq!(free_again(&[], 1, 300), 300 + DAY);
    }

    #[test]
    fn needs_grow_with_rows() {
        let small = Need::of_part(Api::Bulk, 5);
        let large = Need::of_part(Api::Bulk, 50_001);
        assert_eq!((small.batches, large.batches), (1, 6));
        assert!((10..25).contains(&small.calls) && (25..60).contains(&large.calls), "{small:?} {large:?}");
        let calls = Need { batches: 0, calls: 3, rows: 401 };
        assert_eq!(Need::of_part(Api::Collections, 401), calls);
        assert_eq!(calls.plus(calls), Need { batches: 0, calls: 6, rows: 802 });
    }
}
