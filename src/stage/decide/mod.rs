//! What each row needs: merges of the survey's rows, their missing parents and the ledger, all sorted by key.

mod by_row;
mod copies;
mod decided;
mod going;
mod level;
mod out;

pub use decided::{Decided, Decisions};
pub use going::Going;
pub(super) use going::past_of;
pub use level::{Levels, Rules};
pub(super) use out::SECOND;

use crate::diagnostic::{Code, Diagnostic};
use crate::ledger::{Entry, HASH_RULE, State, load_tag};
use crate::manifest::Duplicates;
use crate::model::{KeyHash, Leniency, LeniencyCounts, Outcome, RecordId};
use crate::stage::decision::{Decision, action, reason};
use crate::stage::entries::Entries;
use crate::stage::error::{StageError, StageIo};
use crate::stage::hash::{Instead, chosen, cleared_part, fallback_part, own_part, pointing};
use crate::stage::record::{LinkRecord, MissingRecord, RowRecord};
use crate::stage::resolve::{Beside, Resolved, is_itself};
use crate::stage::scan::Scan;
use crate::stage::shape::{Chain, Shape};
use crate::stage::sums::{Behind, Sums};
use crate::transform::OnMissing;
use by_row::ByRow;
use copies::{ByKey, Copies, Stopped};
use going::with_entry;
use level::Placed;
use out::Out;
use std::iter::Peekable;

/// Decides.
///
/// # Errors
/// An error of the disk; duplicates, where the load says `stop`; entries that were hashed by a rule that is not known here.
pub fn decide<'a>(
    io: StageIo<'a>,
    shape: &Shape,
    scan: &Scan<'a>,
    resolved: &Resolved<'a>,
    entries: Entries<'_>,
    given: Decisions<'_>,
    scratch: &str,
) -> Result<Decided<'a>, StageError> {
    let mut levels = Levels::default();
    resolved.own_fallbacks.values().for_each(|key| levels.expect(*key));
    let mut missing = resolved.missing.iter();
    while let Some(bytes) = missing.next_record()? {
        let record = MissingRecord::decode(bytes);
        if record.own && !goes_later(shape, &record) {
            levels.wait(&record);
        } else if let Some(fallback) = own_fallback(shape, resolved, &record) {
            levels.wait_for_fallback(&record, fallback);
        }
    }
    let mut given = given;
    let elsewhere = std::mem::replace(&mut given.elsewhere, Box::new(std::iter::empty()));
    let mut pass = Pass {
        shape,
        resolved,
        levels,
        missing: ByRow::over(&resolved.missing),
        links: ByRow::over(&scan.links),
        left: Beside::over(scan.left.iter().decode(left_key)),
        elsewhere: Beside::over(elsewhere),
        out: Out::new(io, shape, scratch, given.round),
        stopped: Stopped::default(),
        given: &given,
    };
    pass.run(scan, entries.peekable())?;
    pass.finish(scan)
}

/// Whether a reference is left for the second pass because its parent stands in a later load of the same object.
fn goes_later(shape: &Shape, missing: &MissingRecord) -> bool {
    missing.later && shape.references.get(missing.reference as usize).is_some_and(|r| r.deferrable)
}

/// The fallback of the load's own object that a row may wait for, because its own parent, of another object, is nowhere.
fn own_fallback(shape: &Shape, resolved: &Resolved<'_>, missing: &MissingRecord) -> Option<KeyHash> {
    let alone = shape.chained() & (1 << missing.reference) == 0;
    let fallback = resolved.own_fallbacks.get(&missing.reference).copied();
    fallback.filter(|_| !missing.own && alone && !is_itself(shape, missing.reference, missing.child))
}

/// Links of chains that stand behind one that is there: nothing waits for them, a bit each.
fn needless(chains: &[Chain], filled: u64, missing: &[MissingRecord]) -> u64 {
    let missing = missing.iter().fold(0, |all, m| all | 1 << m.reference);
    chains.iter().fold(0, |all, chain| {
        let there = filled & chain.all & !missing;
        let first = there & there.wrapping_neg();
        if first == 0 { all } else { all | (chain.all & !(first - 1) & !first) }
    })
}

fn left_key(bytes: &[u8]) -> (KeyHash, Option<RecordId>) {
    (KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[i])), None)
}

/// An entry whose hashes cannot be compared with ours.
fn other_rule(shape: &Shape, rule: u8) -> StageError {
    let message = format!(
        "{}: what is known of its records was hashed by rule {rule}, and this version knows rule {HASH_RULE}",
        shape.name
    );
    let help = "use the cutover that wrote it, or run `cutover apply --refresh`: it keeps keys and Ids, and every row goes once more";
    StageError::Problems(vec![Diagnostic::error(Code::State, message).help(help)])
}

/// Counts a reference that `on_missing: blank` leaves without its parent.
fn left_blank(counts: &mut LeniencyCounts, rule: usize, clears: bool) {
    counts.note(rule, Leniency::MissingBlank);
    if clears {
        counts.note(rule, Leniency::Cleared);
    }
}

/// What a row's references come to whose parent is not there.
#[derive(Default)]
struct Without {
    instead: Instead,
    /// How that changes the row's hashes.
    change: Sums,
    /// To be filled by the second pass, a bit each.
    later: u64,
}

struct Pass<'p, 'a> {
    shape: &'p Shape,
    given: &'p Decisions<'p>,
    resolved: &'p Resolved<'a>,
    levels: Levels,
    missing: ByRow<'p, MissingRecord>,
    links: ByRow<'p, LinkRecord>,
    /// Keys of rows of the source that do not take part.
    left: Beside<'p>,
    /// Keys of other loads of the object.
    elsewhere: Beside<'p>,
    out: Out<'a>,
    stopped: Stopped,
}

impl<'a> Pass<'_, 'a> {
    fn run(&mut self, scan: &Scan<'a>, mut entries: Peekable<Entries<'_>>) -> Result<(), StageError> {
        let mut keys = ByKey::over(scan)?;
        while let Some(copies) = keys.next()? {
            let entry = self.entry(&mut entries, Some(copies.key))?;
            if let Some(row) = self.survivor(&copies)? {
                self.row(row, entry)?;
            }
        }
        self.entry(&mut entries, None).map(|_| ())
    }

    /// The ledger's entry of a key; entries passed on the way are of rows that are gone.
    fn entry(
        &mut self,
        entries: &mut Peekable<Entries<'_>>,
        key: Option<KeyHash>,
    ) -> Result<Option<Entry>, StageError> {
        while let Some(next) =
            entries.next_if(|e| e.as_ref().map_or(true, |e| key.is_none_or(|k| e.key <= k)))
        {
            let entry = next?;
            if entry.rule != HASH_RULE {
                return Err(other_rule(self.shape, entry.rule));
            }
            if Some(entry.key) == key {
                return Ok(Some(entry));
            }
            if self.answers_for(&entry) && !self.left.has(entry.key)? && !self.elsewhere.has(entry.key)? {
                self.out.absent += 1;
                if let Some(id) = entry.id {
                    self.out.absent_ids.push(id.bytes())?;
                }
            }
        }
        Ok(None)
    }

    /// Whether a landed record is this load's to miss.
    fn answers_for(&self, entry: &Entry) -> bool {
        let heir = self.given.heir_of_all_but.is_some_and(|loads| !loads.contains(&entry.load));
        entry.state == State::Landed
            && !self.shape.operation.deletes()
            && !entry.flags.adopted
            && (heir || entry.load == load_tag(&self.shape.name))
    }

    /// The row of those with the same key that counts, by the load's policy.
    fn survivor(&mut self, copies: &Copies) -> Result<Option<RowRecord>, StageError> {
        if copies.several() && self.shape.duplicates == Duplicates::Stop {
            self.stopped.note(copies);
        }
        let winner = copies.winner(self.shape.duplicates);
        for row in copies.rows.iter().filter(|r| Some(r.pos) != winner) {
            self.out.leave_copy(row, reason::DUPLICATE, 0)?;
        }
        let survivor = copies.rows.iter().find(|r| Some(r.pos) == winner).copied();
        if survivor.is_none() {
            self.out.nowhere(copies.key)?;
        }
        Ok(survivor)
    }

    fn row(&mut self, row: RowRecord, entry: Option<Entry>) -> Result<(), StageError> {
        let missing = self.missing.of(row.key, row.pos)?;
        let links = self.links.of(row.key, row.pos)?.iter().map(|l| (l.reference, l.part)).collect();
        if self.given.twice.contains(&row.key) {
            return self.out.leave(&row, reason::TWICE, 0);
        }
        let there = entry.is_some_and(|e| e.state == State::Landed);
        let unsure = self.given.ambiguous.contains(&row.key);
        if self.shape.operation.needs_record() && (!there || unsure) {
            return self.without_record(row, entry);
        }
        let Without { instead, change, later } = match self.without(&row, &missing) {
            Ok(without) => without,
            Err((reason, reference)) => return self.out.leave(&row, reason, reference),
        };
        let mut decision = with_entry(Decision::of(row), entry, self.shape.operation.deletes());
        decision.put_off.fill = (self.given.deferred & row.filled | later) & !instead.blank;
        let sums = row.sums.plus(change);
        let mut going = Going { decision, instead, sums, links, entry };
        if self.levels.waits(row.key) {
            let needless = needless(&self.shape.chains, row.filled, &missing);
            self.levels.decide(row.key, going, needless);
            return Ok(());
        }
        if let Err((without, reference)) = going.instead.choose(&self.shape.chains, row.filled) {
            return self.out.leave(&row, reason::without_parent(without, false), reference);
        }
        self.levels.takes_part(row.key);
        self.settle(going)
    }

    /// What a row's references do whose parent is nowhere, but for those that wait for rows of the same object; or why,
    /// and by which of them, the row is left out.
    fn without(&self, row: &RowRecord, missing: &[MissingRecord]) -> Result<Without, (u8, u8)> {
        let mut found = Without::default();
        for missing in missing {
            let (reference, bit) = (missing.reference, 1 << missing.reference);
            if missing.own {
                found.later |= if goes_later(self.shape, missing) { bit } else { 0 };
            } else if self.shape.chained() & bit != 0 {
                found.instead.passed |= bit;
            } else {
                found.change = found.change.minus(own_part(self.shape, missing));
                if own_fallback(self.shape, self.resolved, missing).is_some() {
                    continue;
                }
                self.stand_in(row, missing, &mut found)?;
                if found.instead.fallback & bit != 0 {
                    found.change = found.change.plus(fallback_part(self.shape, reference));
                }
            }
        }
        Ok(found)
    }

    /// What stands in for one parent that is nowhere.
    fn stand_in(
        &self,
        row: &RowRecord,
        missing: &MissingRecord,
        found: &mut Without,
    ) -> Result<(), (u8, u8)> {
        let (index, bit) = (missing.reference, 1 << missing.reference);
        let reference = self.shape.references.get(index as usize);
        let later = self.resolved.later_fallbacks & bit != 0 && reference.is_some_and(|r| r.deferrable);
        if self.resolved.has_fallback(self.shape, index, row.key) {
            found.instead.fallback |= bit;
        } else if later {
            found.instead.fallback |= bit;
            found.later |= bit;
        } else {
            match reference.map_or(OnMissing::Hold, |r| r.on_missing) {
                OnMissing::Blank => {
                    found.instead.blank |= bit;
                    found.change = found.change.plus(cleared_part(self.shape, index));
                }
                without => return Err((reason::without_parent(without, missing.going), index)),
            }
        }
        Ok(())
    }

    /// A row that needs a record and has none: an update is refused; of a delete nothing is left to do.
    fn without_record(&mut self, row: RowRecord, entry: Option<Entry>) -> Result<(), StageError> {
        let out = &mut self.out;
        if self.given.ambiguous.contains(&row.key) {
            return out.leave(&row, reason::AMBIGUOUS, 0);
        }
        if !self.shape.operation.deletes() {
            return out.leave(&row, reason::NO_RECORD, 0);
        }
        let now = entry.filter(|e| self.given.resumed == Some(e.run) && e.outcome == Some(Outcome::Deleted));
        out.count(if now.is_some() { Outcome::Deleted } else { Outcome::Unchanged });
        out.gone += u64::from(now.is_none());
        Ok(())
    }

    /// Counts a row that needs nothing, and sends the others.
    fn settle(&mut self, going: Going) -> Result<(), StageError> {
        let Going { mut decision, instead, sums, links, entry } = going;
        let row = decision.row;
        self.stands_in(row.filled, instead);
        let sums = sums.plus(chosen(self.shape, &links, instead, row.filled));
        decision.put_off.blank = self.given.deferred & row.filled & instead.blank;
        if !entry.is_some_and(|e| e.flags.reference_pending) {
            decision.put_off.fill &= self.shape.sent(decision.action == action::CREATE);
        }
        decision.put_off.fallback = decision.put_off.fill & instead.fallback;
        let Some(entry) = entry else { return self.out.send(&decision) };
        let landed = entry.state == State::Landed;
        let behind = if landed { sums.behind(entry.create, entry.payload) } else { Behind::Nothing };
        // Also of rows that this run has sent already: the list is that of the whole run.
        if behind == Behind::Stays {
            self.out.stay(&row)?;
        }
        if let Some(outcome) = self.done(&entry, sums) {
            return self.keep(outcome, decision, instead, &entry);
        }
        match behind {
            _ if !landed => return self.out.send(&decision),
            Behind::Refused => return self.out.leave(&row, reason::CREATE_ONLY, 0),
            Behind::Moved => decision.known.1 = sums.on_create(),
            Behind::Stays | Behind::Nothing => {}
        }
        if entry.payload == sums.payload && !self.shape.operation.deletes() {
            return self.keep(Outcome::Unchanged, decision, instead, &entry);
        }
        self.out.send(&decision)
    }

    /// Counts the references of a row that go without their own parent, once for each field.
    fn stands_in(&mut self, filled: u64, instead: Instead) {
        let (shape, counts) = (self.shape, &mut self.out.lenient);
        let chained = shape.chained();
        for (index, reference) in shape.references.iter().enumerate() {
            let bit = 1 << index;
            if chained & bit != 0 {
                continue;
            }
            if instead.blank & bit != 0 {
                left_blank(counts, reference.rule, reference.clears);
            } else if instead.fallback & bit != 0 {
                counts.note(reference.rule, Leniency::Fallback);
            }
        }
        for chain in &shape.chains {
            let link = instead.counts(chain, filled);
            if link.is_some_and(|link| chain.instead & 1 << link != 0) {
                counts.note(chain.rule, Leniency::Fallback);
            } else if link.is_none() && instead.blank & filled & chain.all != 0 {
                left_blank(counts, chain.rule, shape.clearing() & chain.all != 0);
            }
        }
    }

    /// What the run that goes on made of a row already.
    fn done(&self, entry: &Entry, sums: Sums) -> Option<Outcome> {
        let run = self.given.resumed?;
        entry.outcome_in(run, sums.payload).or_else(|| entry.outcome_in(run, sums.when_created()))
    }

    /// A row that stays as it is. Where it still lacks references, the second pass looks at all that it can fill: which
    /// were put off is not known.
    fn keep(
        &mut self,
        outcome: Outcome,
        mut decision: Decision,
        instead: Instead,
        entry: &Entry,
    ) -> Result<(), StageError> {
        let shape = self.shape;
        let fill = match entry.flags.reference_pending && entry.state == State::Landed {
            true if outcome == Outcome::Created => shape.deferrable() & shape.sent(true),
            true => shape.deferrable(),
            false => 0,
        };
        decision.put_off.fill = fill & decision.row.filled & !instead.blank;
        decision.put_off.fallback = decision.put_off.fill & instead.fallback;
        self.out.keep(outcome, &decision)
    }

    fn finish(mut self, scan: &Scan<'a>) -> Result<Decided<'a>, StageError> {
        let stopped = self.stopped.problems(self.shape, self.given.paths);
        if !stopped.is_empty() {
            return Err(StageError::Problems(stopped));
        }
        let (placed, levels) = self.place();
        for placed in placed {
            match placed {
                Placed::Goes(going) => self.settle(*going)?,
                Placed::Out(row, reason, reference) => self.out.leave(&row, reason, reference)?,
            }
        }
        let mut outcomes = self.out.outcomes;
        outcomes[Outcome::Filtered as usize] += scan.filtered;
        outcomes[Outcome::Rejected as usize] += scan.rejected;
        outcomes[Outcome::Held as usize] += scan.held;
        Ok(Decided {
            decisions: self.out.decisions.finish()?,
            left: self.out.left.finish()?,
            creates: self.out.creates.finish()?,
            second: self.out.second.finish()?,
            nowhere: self.out.nowhere.finish()?,
            stays: self.out.stays.finish()?,
            outcomes,
            levels: self.out.levels,
            deferred: self.out.deferred,
            linkless: self.out.linkless,
            gone: self.out.gone,
            absent: self.out.absent,
            absent_ids: self.out.absent_ids.finish()?,
            lenient: self.out.lenient,
            loops: levels.loops,
            too_deep: levels.too_deep,
        })
    }

    /// The rows that waited for rows of their own object.
    fn place(&mut self) -> (Vec<Placed>, Levels) {
        let (shape, resolved) = (self.shape, self.resolved);
        let part = |reference: u8, own: Option<KeyHash>| match own {
            Some(parent) => pointing(shape, reference, shape.object, parent),
            None => fallback_part(shape, reference),
        };
        let rules = Rules {
            references: &shape.references,
            chains: &shape.chains,
            fallbacks: &|reference, row| resolved.has_fallback(shape, reference, row),
            own_fallbacks: &resolved.own_fallbacks,
            later_fallbacks: resolved.later_fallbacks,
            part: &part,
            cleared: &|reference| cleared_part(shape, reference),
            levels: shape.levels,
        };
        std::mem::take(&mut self.levels).place(&rules)
    }
}
