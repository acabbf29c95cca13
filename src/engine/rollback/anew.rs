//! A second look at what is left to delete: a rollback that was interrupted may go on days later, and the org may have
//! refused to delete what others hang on. What has changed since the plan is left out; nothing is added to it.

use super::batches::{Going, Reader, settled};
use super::fate::RecordFate;
use super::look::fix;
use super::made::{Made, id_at};
use super::options::RollbackOptions;
use super::survey::{Earlier, Seen, along, load, losing, see, undo};
use super::{forget, lists, notes};
use crate::checkpoint::Event;
use crate::engine::context::{Connected, EngineError, Progress};
use crate::engine::part::Desk;
use crate::engine::state::{Deed, Ledgers, each_once};
use crate::ledger::merge::{Joined, join};
use crate::model::{Outcome, RecordId};
use crate::plan::{Batch, Losing, Plan, RollsBack};
use std::collections::BTreeMap;
use std::io;

/// Objects of which no more records may be deleted, and why.
pub(super) type Refusals = BTreeMap<String, String>;

/// What was found the last time.
pub(super) struct Anew<'a> {
    made: Vec<Made<'a>>,
    fates: Vec<Vec<RecordFate>>,
}

impl Anew<'_> {
    /// Those of the records of an object that may still go.
    pub(super) fn still_going<'s>(
        &'s self,
        object: &str,
        left: impl Iterator<Item = io::Result<Going>> + 's,
    ) -> Box<dyn Iterator<Item = io::Result<Going>> + 's> {
        let Some(at) = self.made.iter().position(|made| made.object == object) else {
            return Box::new(std::iter::empty());
        };
        let fated = self.made[at].fated(&self.fates[at]);
        Box::new(join(left, fated, |going| going.id, |made| made.0.id).filter_map(|next| match next {
            Ok(Joined::Both(going, (_, RecordFate::Goes))) => Some(Ok(going)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }))
    }
}

/// Looks at everything once more, as before the first deletion, and counts anew. The plan says afterwards what is so now;
/// what was approved and stands in the run's folder is not widened.
///
/// # Errors
/// 81 when the run can no longer be rolled back; the org's refusal; the disk's own.
pub(super) async fn look_again<'a>(
    desk: &Desk<'_, 'a>,
    ledgers: &mut Ledgers<'_>,
    connected: &Connected<'_>,
    plan: &mut Plan,
    refusals: &Refusals,
) -> Result<Anew<'a>, EngineError> {
    let Some(mut back) = plan.rolls_back.clone() else {
        return Err(EngineError::Unexpected("the plan rolls nothing back".into()));
    };
    let mut options =
        RollbackOptions { run: back.run, include_edited: back.include_edited, with: back.with.clone() };
    let (mut refusals, mut more) = (refusals.clone(), Vec::new());
    let seen = loop {
        let approved = Approved { desk, batches: &back.batches, refusals: &refusals };
        let seen = see(&desk.ports, connected, &options, desk.observer, &approved).await?;
        if !narrowed(&back, &seen, &mut options.with, &mut refusals, &mut more)? {
            break seen;
        }
    };
    more.into_iter().for_each(|note| desk.observer.progress(&Progress::Note(note)));
    lists::set_aside(desk.ports.files, back.run)?;
    let (counts, losing) = losing(&desk.ports, &seen)?;
    for (made, fates) in seen.read.made.iter().zip(&seen.fates) {
        forget::forget_gone(&desk.ports, ledgers, made, fates)?;
    }
    for (object, losing) in &losing {
        forget::unsettle(&desk.ports, ledgers, object, losing)?;
    }
    back.loads = undo(&desk.ports, &seen)?;
    (back.losing, back.along) = (counts, along(&seen, &options.with)?);
    back.unseen = seen.relations.unseen.iter().cloned().collect();
    count(desk, &seen, &back)?;
    tell(plan, back, &refusals);
    Ok(Anew { made: seen.read.made, fates: seen.fates })
}

/// Nobody has approved that more records of others go along than were there at the time, or any that nobody can look at:
/// then what would take them along stays. True where the look must be taken again under these narrower words.
fn narrowed(
    back: &RollsBack,
    seen: &Seen<'_>,
    with: &mut Vec<String>,
    refusals: &mut Refusals,
    notes: &mut Vec<String>,
) -> Result<bool, EngineError> {
    let approved = |now: &Losing| {
        let same = |then: &&Losing| (&then.object, &then.field) == (&now.object, &now.field);
        back.along.iter().find(same).map_or(0, |then| then.records)
    };
    let grown: Vec<Losing> =
        along(seen, with)?.into_iter().filter(|now| now.records > approved(now)).collect();
    with.retain(|name| !grown.iter().any(|now| now.object.eq_ignore_ascii_case(name)));
    notes.extend(grown.iter().map(|Losing { object, field, records }| {
        format!("{records} {object} records would go along by {field} now, more than were approved: what would take them along stays")
    }));
    let unseen = seen.relations.unseen.iter().find(|field| !back.unseen.contains(field));
    let fixed = seen.read.made.iter().filter(|made| !refusals.contains_key(&made.object));
    let fixed: Vec<String> = fixed.filter(|_| unseen.is_some()).map(|made| made.object.clone()).collect();
    let again = !grown.is_empty() || !fixed.is_empty();
    let words =
        format!("what refers to them by {} can no longer be looked at", unseen.map_or("", String::as_str));
    refusals.extend(fixed.into_iter().map(|object| (object, words.clone())));
    Ok(again)
}

/// What the plan says now.
fn tell(plan: &mut Plan, back: RollsBack, refusals: &Refusals) {
    plan.loads = back.loads.iter().map(|undo| load(undo, &back)).collect();
    plan.notes = notes::notes(&back);
    plan.notes.extend(
        refusals
            .iter()
            .map(|(object, words)| format!("{object} records that were still to go stay: {words}")),
    );
    plan.rolls_back = Some(back);
}

/// What the rollback was to delete, and what of it had its turn.
struct Approved<'n, 'd, 'a> {
    desk: &'n Desk<'d, 'a>,
    batches: &'n [Batch],
    refusals: &'n Refusals,
}

impl Approved<'_, '_, '_> {
    /// The batches of an object, with their steps.
    fn of<'s>(&'s self, object: &'s str) -> impl Iterator<Item = (u16, &'s Batch)> {
        (0..).zip(self.batches).filter(move |(_, batch)| batch.object == object)
    }
}

impl Earlier for Approved<'_, '_, '_> {
    fn before(&self, made: &Made<'_>, fates: &mut [RecordFate]) -> Result<(), EngineError> {
        for (step, _) in self.of(&made.object) {
            for (fate, refused) in [(RecordFate::Refused, true), (RecordFate::Done, false)] {
                let like = |deed| (deed == Deed::Refused) == refused;
                let settled = settled(self.desk.ports.files, &self.desk.state.borrow(), step, like)?;
                let ids = each_once(settled.iter().decode(|bytes| id_at(bytes, 0)).map(|id| id?), |id| *id);
                each_place(made, ids, |at| fates[at] = fate)?;
            }
        }
        Ok(())
    }

    fn after(&self, made: &Made<'_>, fates: &mut [RecordFate]) -> Result<(), EngineError> {
        if self.refusals.contains_key(&made.object) {
            fix(fates);
        }
        let (run, mut listed) = (self.desk.state.borrow().run, vec![false; fates.len()]);
        for (step, batch) in self.of(&made.object) {
            let list = Reader::open(&self.desk.ports, run, step, batch)?;
            each_place(made, list.map(|going| Ok(going?.id)), |at| listed[at] = true)?;
        }
        let goes =
            fates.iter_mut().zip(listed).filter(|(fate, listed)| **fate == RecordFate::Goes && !listed);
        goes.for_each(|(fate, _)| *fate = RecordFate::Unlisted);
        Ok(())
    }
}

/// The places of these records, which come by Id.
fn each_place(
    made: &Made<'_>,
    ids: impl Iterator<Item = io::Result<RecordId>>,
    mut each: impl FnMut(usize),
) -> io::Result<()> {
    let places = made.iter().enumerate().map(|(at, created)| Ok((created?.id, at)));
    for next in join(ids, places, |id| *id, |place| place.0) {
        if let Joined::Both(_, (_, at)) = next? {
            each(at);
        }
    }
    Ok(())
}

/// Counts the rows of each load anew, and says how many that were to go are left out.
fn count(desk: &Desk<'_, '_>, seen: &Seen<'_>, back: &RollsBack) -> Result<(), EngineError> {
    let mut turns: BTreeMap<u16, [u64; 2]> = BTreeMap::new();
    for (made, fates) in seen.read.made.iter().zip(&seen.fates) {
        for next in made.fated(fates) {
            let (created, fate) = next?;
            let of = turns.entry(seen.past.batches[created.batch as usize].load).or_default();
            of[0] += u64::from(fate == RecordFate::Goes);
            of[1] += u64::from(matches!(fate, RecordFate::Done | RecordFate::Refused));
        }
    }
    let before: Vec<[u64; 10]> = desk.state.borrow().loads.iter().map(|load| load.outcomes).collect();
    let mut left_out = 0;
    for ((load, undo), before) in (0..).zip(&back.loads).zip(before) {
        let [going, done] = turns.get(&load).copied().unwrap_or_default();
        let mut outcomes = [0; 10];
        for told in [Outcome::Deleted, Outcome::Failed] {
            outcomes[told as usize] = before[told as usize];
        }
        let told: u64 = outcomes.iter().sum();
        outcomes[Outcome::Held as usize] = undo.stays();
        outcomes[Outcome::Pending as usize] = going;
        // Of those that had their turn, the rest was gone when it came. Where more were told than had it, or more are to go
        // than before, the rows do not add up, which is asked once the rollback is over.
        outcomes[Outcome::Unchanged as usize] = undo.gone + (done - told.min(done));
        let pending = before[Outcome::Pending as usize];
        left_out += pending - going.min(pending);
        desk.record(surveyed(load, undo.stays() + undo.gone + going + done, outcomes))?;
    }
    desk.commit()?;
    if left_out > 0 {
        let note = format!("{left_out} records that were to go are left out: {WHY} {}/kept.csv", back.lists);
        desk.observer.progress(&Progress::Note(note));
    }
    Ok(())
}

const WHY: &str = "gone, edited or not to be deleted any more; those that stay are listed in";

/// The count of a load, where nothing but that is to be said.
pub(super) fn surveyed(load: u16, source: u64, outcomes: [u64; 10]) -> Event {
    Event::Surveyed { load, source, outcomes, absent: 0, quotes: 0, lenient: Vec::new() }
}
