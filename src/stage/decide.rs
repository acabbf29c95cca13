//! What each row needs: merges of the survey's rows, their missing parents and the ledger, all sorted by key.

use super::entries::Entries;
use super::error::{StageError, StageIo};
use super::hash::{Instead, altered};
use super::level::{Levels, Placed, Rules};
use super::out::Out;
use super::record::{Decision, MissingRecord, Past, RowRecord, action, reason};
use super::resolve::{Beside, Resolved};
use super::scan::Scan;
use super::shape::{Chain, Shape};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::ledger::sort::{Sorted, SortedIter};
use crate::ledger::{Entry, State, load_tag};
use crate::manifest::Duplicates;
use crate::model::{KeyHash, Outcome, RecordId};
use crate::source::split_position;
use crate::transform::OnMissing;
use std::collections::BTreeSet;
use std::iter::Peekable;

/// Duplicates named one by one in the error; more are counted.
const MOST_NAMED: usize = 20;

/// What a load's rows need.
pub struct Decided<'a> {
    /// Rows to send, by place ([`Decision`]).
    pub decisions: Sorted<'a>,
    /// Rows left out, by place ([`super::LeftRecord`]).
    pub left: Sorted<'a>,
    /// Keys of records that will be created.
    pub creates: Sorted<'a>,
    /// Rows by outcome; those to send are pending.
    pub outcomes: [u64; 10],
    /// Rows to create and to update, by level.
    pub levels: Vec<(u64, u64)>,
    /// Rows with references for the second pass.
    pub deferred: u64,
    /// Those of them that an earlier run, or this one before it was cut off, has sent: without which reference is not
    /// told, for it may have put off others than this plan does.
    pub linkless: u64,
    /// Rows of a delete whose record is gone already.
    pub gone: u64,
    /// Landed rows that are no longer in the source.
    pub absent: u64,
    /// Their record Ids.
    pub absent_ids: Sorted<'a>,
    /// Rows with a reference left blank because its parent is nowhere, and with one given its fallback.
    pub instead: (u64, u64),
    /// Loops: lines, and whether one reference is filled later.
    pub loops: Vec<(Vec<u32>, bool)>,
    /// Whether the hierarchy is too deep for levels.
    pub too_deep: bool,
}

/// What [`decide`] is given beside the survey.
pub struct Decisions<'x> {
    /// The run that is going on, when an interrupted one is continued: its outcomes count as they are.
    pub resumed: Option<u32>,
    /// References of the load that are filled in a second pass, a bit each.
    pub deferred: u64,
    /// Where files are named.
    pub paths: &'x [String],
    /// Keys that several records of the org have, as far as it was asked.
    pub ambiguous: &'x BTreeSet<KeyHash>,
    /// Keys whose record is that of another row's key too.
    pub twice: &'x BTreeSet<KeyHash>,
}

/// Decides.
///
/// # Errors
/// The disk's own; duplicates, where the load says `stop`.
pub fn decide<'a>(
    io: StageIo<'a>,
    shape: &Shape,
    scan: &Scan<'a>,
    resolved: &Resolved<'a>,
    entries: Entries<'_>,
    given: &Decisions<'_>,
    scratch: &str,
) -> Result<Decided<'a>, StageError> {
    let mut levels = Levels::default();
    let mut missing = resolved.missing.iter();
    while let Some(bytes) = missing.next_record()? {
        let record = MissingRecord::decode(bytes);
        if record.own && !goes_later(shape, &record) {
            levels.wait(&record);
        }
    }
    let mut pass = Pass {
        shape,
        given,
        resolved,
        levels,
        missing: MissingCursor { iter: resolved.missing.iter(), here: None, begun: false },
        left: Beside::over(scan.left.iter().decode(left_key)),
        out: Out::new(io, shape, scratch),
        stopped: Vec::new(),
        more_stopped: 0,
    };
    pass.run(scan, entries.peekable())?;
    pass.finish(scan)
}

/// Whether a reference is left for the second pass because its parent stands in a later load of the same object.
fn goes_later(shape: &Shape, missing: &MissingRecord) -> bool {
    missing.later && shape.references.get(missing.reference as usize).is_some_and(|r| r.deferrable)
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

/// What the ledger's entry makes of a row: create, update or delete of a record.
fn with_entry(decision: Decision, entry: Option<Entry>, deletes: bool) -> Decision {
    let Some(entry) = entry else { return Decision { action: action::CREATE, ..decision } };
    let landed = entry.state == State::Landed;
    // A delete sends none of it: what is known of the record stays, should the org refuse.
    let known = RowRecord { payload: entry.payload, create: entry.create, ..decision.row };
    Decision {
        action: match landed {
            true if deletes => action::DELETE,
            true => action::UPDATE,
            false => action::CREATE,
        },
        row: if deletes { known } else { decision.row },
        id: entry.id.filter(|_| landed),
        retry: entry.refused(),
        past: past_of(&entry),
        ..decision
    }
}

/// What an entry says of a row's last sending.
pub(super) fn past_of(entry: &Entry) -> Past {
    Past { ours: entry.flags.created_by_us, run: entry.run, outcome: entry.outcome.map_or(255, |o| o as u8) }
}

fn left_key(bytes: &[u8]) -> (KeyHash, Option<RecordId>) {
    (KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[i])), None)
}

/// References that are missing, read along with the rows.
struct MissingCursor<'m> {
    iter: SortedIter<'m>,
    here: Option<MissingRecord>,
    begun: bool,
}

impl MissingCursor<'_> {
    fn step(&mut self) -> Result<(), StageError> {
        self.begun = true;
        self.here = self.iter.next_record()?.map(MissingRecord::decode);
        Ok(())
    }

    /// Those of one row.
    fn of(&mut self, key: KeyHash, pos: u64) -> Result<Vec<MissingRecord>, StageError> {
        if !self.begun {
            self.step()?;
        }
        let mut found = Vec::new();
        while let Some(here) = self.here.filter(|h| (h.child, h.pos) <= (key, pos)) {
            if (here.child, here.pos) == (key, pos) {
                found.push(here);
            }
            self.step()?;
        }
        Ok(found)
    }
}

struct Pass<'p, 'a> {
    shape: &'p Shape,
    given: &'p Decisions<'p>,
    resolved: &'p Resolved<'a>,
    levels: Levels,
    missing: MissingCursor<'p>,
    /// Keys of rows of the source that do not take part.
    left: Beside<'p>,
    out: Out<'a>,
    stopped: Vec<(RowRecord, RowRecord)>,
    more_stopped: u64,
}

impl<'a> Pass<'_, 'a> {
    fn run(&mut self, scan: &Scan<'a>, mut entries: Peekable<Entries<'_>>) -> Result<(), StageError> {
        let mut rows = scan.rows.iter();
        let mut next = rows.next_record()?.map(RowRecord::decode);
        while let Some(first) = next {
            let mut group = vec![first];
            next = rows.next_record()?.map(RowRecord::decode);
            while let Some(same) = next.filter(|r| r.key == first.key) {
                group.push(same);
                next = rows.next_record()?.map(RowRecord::decode);
            }
            let entry = self.entry(&mut entries, Some(first.key))?;
            if let Some(row) = self.survivor(&group)? {
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
            if Some(entry.key) == key {
                return Ok(Some(entry));
            }
            if entry.state == State::Landed
                && !self.shape.operation.deletes()
                && entry.load == load_tag(&self.shape.name)
                && !entry.flags.adopted
                && !self.left.has(entry.key)?
            {
                self.out.absent += 1;
                if let Some(id) = entry.id {
                    self.out.absent_ids.push(id.bytes())?;
                }
            }
        }
        Ok(None)
    }

    /// The row of a group with the same key that counts, by the load's policy.
    fn survivor(&mut self, group: &[RowRecord]) -> Result<Option<RowRecord>, StageError> {
        if let [only] = group {
            return Ok(Some(*only));
        }
        let keep = match self.shape.duplicates {
            Duplicates::First => group.iter().map(|r| r.pos).min(),
            Duplicates::Last => group.iter().map(|r| r.pos).max(),
            Duplicates::Reject => None,
            Duplicates::Stop => {
                self.stop(group);
                None
            }
        };
        for row in group.iter().filter(|r| Some(r.pos) != keep) {
            self.out.leave(row.pos, row.line, reason::DUPLICATE, 0)?;
        }
        Ok(group.iter().find(|r| Some(r.pos) == keep).copied())
    }

    fn stop(&mut self, group: &[RowRecord]) {
        if self.stopped.len() < MOST_NAMED {
            self.stopped.push((group[0], group[1]));
        } else {
            self.more_stopped += 1;
        }
    }

    fn row(&mut self, row: RowRecord, entry: Option<Entry>) -> Result<(), StageError> {
        let missing = self.missing.of(row.key, row.pos)?;
        if self.given.twice.contains(&row.key) {
            return self.out.leave(row.pos, row.line, reason::TWICE, 0);
        }
        let there = entry.is_some_and(|e| e.state == State::Landed);
        let unsure = self.given.ambiguous.contains(&row.key);
        if self.shape.operation.needs_record() && (!there || unsure) {
            return self.without_record(row, entry);
        }
        let later =
            missing.iter().filter(|m| goes_later(self.shape, m)).map(|m| 1 << m.reference).sum::<u64>();
        let mut instead = match self.instead(&missing) {
            Ok(instead) => instead,
            Err((reason, reference)) => return self.out.leave(row.pos, row.line, reason, reference),
        };
        let deferred = self.given.deferred & row.filled | later;
        let decision = Decision {
            pos: row.pos,
            level: 0,
            action: 0,
            retry: false,
            deferred,
            id: None,
            past: Past::default(),
            row,
        };
        let decision = with_entry(decision, entry, self.shape.operation.deletes());
        if self.levels.waits(row.key) {
            let needless = needless(&self.shape.chains, row.filled, &missing);
            self.levels.decide(row.key, decision, instead, entry, needless);
            return Ok(());
        }
        if let Err((without, reference)) = instead.choose(&self.shape.chains, row.filled) {
            return self.out.leave(row.pos, row.line, reason::without_parent(without, false), reference);
        }
        self.levels.takes_part(row.key);
        self.settle(decision, instead, entry)
    }

    /// What a row's references to other objects do whose parent is nowhere; or why, and by which of them, the row is
    /// left out.
    fn instead(&self, missing: &[MissingRecord]) -> Result<Instead, (u8, u8)> {
        let mut instead = Instead::default();
        let chained = self.shape.chained();
        for missing in missing.iter().filter(|m| !m.own) {
            if chained & (1 << missing.reference) != 0 {
                instead.passed |= 1 << missing.reference;
                continue;
            }
            if self.resolved.fallbacks.contains_key(&missing.reference) {
                instead.fallback |= 1 << missing.reference;
                continue;
            }
            let reference = self.shape.references.get(missing.reference as usize);
            match reference.map_or(OnMissing::Hold, |r| r.on_missing) {
                OnMissing::Blank => instead.blank |= 1 << missing.reference,
                without => return Err((reason::without_parent(without, missing.going), missing.reference)),
            }
        }
        Ok(instead)
    }

    /// A row that needs a record and has none: an update is refused; of a delete nothing is left to do.
    fn without_record(&mut self, row: RowRecord, entry: Option<Entry>) -> Result<(), StageError> {
        let out = &mut self.out;
        if self.given.ambiguous.contains(&row.key) {
            return out.leave(row.pos, row.line, reason::AMBIGUOUS, 0);
        }
        if !self.shape.operation.deletes() {
            return out.leave(row.pos, row.line, reason::NO_RECORD, 0);
        }
        let now = entry.filter(|e| self.given.resumed == Some(e.run) && e.outcome == Some(Outcome::Deleted));
        out.count(if now.is_some() { Outcome::Deleted } else { Outcome::Unchanged });
        out.gone += u64::from(now.is_none());
        Ok(())
    }

    /// Counts a row that needs nothing, and sends the others.
    fn settle(
        &mut self,
        decision: Decision,
        instead: Instead,
        entry: Option<Entry>,
    ) -> Result<(), StageError> {
        let row = decision.row;
        self.out.instead.0 += u64::from(instead.blank != 0);
        self.out.instead.1 += u64::from(instead.fallback != 0);
        let payload = altered(&row, instead);
        let Some(entry) = entry else { return self.out.send(&decision) };
        if let Some(outcome) = self.given.resumed.and_then(|run| entry.outcome_in(run, payload)) {
            self.out.keep(outcome, entry.flags.reference_pending);
            return Ok(());
        }
        if entry.state != State::Landed {
            return self.out.send(&decision);
        }
        if entry.create != 0 && row.create != 0 && entry.create != row.create {
            return self.out.leave(row.pos, row.line, reason::CREATE_ONLY, 0);
        }
        if entry.payload == payload && !self.shape.operation.deletes() {
            self.out.keep(Outcome::Unchanged, entry.flags.reference_pending);
            return Ok(());
        }
        self.out.send(&decision)
    }

    fn finish(mut self, scan: &Scan<'a>) -> Result<Decided<'a>, StageError> {
        if !self.stopped.is_empty() {
            return Err(StageError::Problems(self.duplicates()));
        }
        let fallbacks = |reference: u8| self.resolved.fallbacks.contains_key(&reference);
        let Shape { references, chains, .. } = self.shape;
        let rules = Rules { references, chains, fallbacks: &fallbacks };
        let (placed, levels) = std::mem::take(&mut self.levels).place(&rules);
        for placed in placed {
            match placed {
                Placed::Goes(decision, instead, entry) => self.settle(decision, instead, entry)?,
                Placed::Out(pos, line, reason, reference) => self.out.leave(pos, line, reason, reference)?,
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
            outcomes,
            levels: self.out.levels,
            deferred: self.out.deferred,
            linkless: self.out.linkless,
            gone: self.out.gone,
            absent: self.out.absent,
            absent_ids: self.out.absent_ids.finish()?,
            instead: self.out.instead,
            loops: levels.loops,
            too_deep: levels.too_deep,
        })
    }

    fn duplicates(&self) -> Vec<Diagnostic> {
        let place = |row: &RowRecord| {
            let (file, _) = split_position(row.pos);
            let file = self.given.paths.get(file as usize).map_or("", String::as_str);
            Place::new(file, row.line, 0, 0)
        };
        let help = "mend the source, or say `duplicates: first`, `last` or `reject` on the load";
        let named = self.stopped.iter().map(|(first, second)| {
            Diagnostic::error(Code::RowDuplicate, format!("{}: two rows have the same key", self.shape.name))
                .label(&place(second), "this row")
                .label(&place(first), "has the key of this one")
                .help(help)
        });
        let more = (self.more_stopped > 0).then(|| {
            let message =
                format!("{}: {} more keys stand in several rows", self.shape.name, self.more_stopped);
            Diagnostic::error(Code::RowDuplicate, message).help(help)
        });
        named.chain(more).collect()
    }
}
