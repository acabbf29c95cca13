//! A second look at what is left to delete: a rollback that was interrupted may go on days later, and the org may have
//! refused to delete what others hang on. What has changed since the plan is left out; nothing is added to it.

use super::super::books::Books;
use super::super::connect::Connected;
use super::super::exit::EngineError;
use super::super::job::Desk;
use super::super::ports::Progress;
use super::RollbackOptions;
use super::batches::{Going, Reader, settled};
use super::look::{Fate, fix};
use super::made::{Made, id_at};
use super::survey::{Seen, along, load, losing, see, undo};
use super::{forget, lists, notes};
use crate::checkpoint::Event;
use crate::ledger::merge::{Joined, join};
use crate::model::{Outcome, RecordId};
use crate::plan::{Batch, Plan, RollsBack};
use std::collections::BTreeMap;
use std::io;

/// Objects of which the org refuses to delete records, with its words.
pub(super) type Refusals = BTreeMap<String, String>;

/// What was found the last time.
pub(super) struct Anew<'a> {
    made: Vec<Made<'a>>,
    fates: Vec<Vec<Fate>>,
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
            Ok(Joined::Both(going, (_, Fate::Goes))) => Some(Ok(going)),
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
    books: &mut Books<'_>,
    connected: &Connected<'_>,
    plan: &mut Plan,
    refusals: &Refusals,
) -> Result<Anew<'a>, EngineError> {
    let Some(mut back) = plan.rolls_back.clone() else {
        return Err(EngineError::Unexpected("the plan rolls nothing back".into()));
    };
    let options =
        RollbackOptions { run: back.run, include_edited: back.include_edited, with: back.with.clone() };
    let narrow = |made: &Made<'_>, fates: &mut [Fate]| {
        if refusals.contains_key(&made.object) {
            fix(fates);
        }
        approved(desk, &back.batches, made, fates)
    };
    let seen = see(&desk.ports, connected, &options, desk.observer, &narrow).await?;
    lists::set_aside(desk.ports.files, back.run)?;
    let (counts, losing) = losing(&desk.ports, &seen)?;
    for (made, fates) in seen.read.made.iter().zip(&seen.fates) {
        forget::forget_gone(&desk.ports, books, made, fates)?;
    }
    for (object, losing) in &losing {
        forget::unsettle(&desk.ports, books, object, losing)?;
    }
    back.loads = undo(&desk.ports, &seen)?;
    (back.losing, back.along) = (counts, along(&seen, &options.with)?);
    back.unseen = seen.relations.unseen.iter().cloned().collect();
    count(desk, &seen, &back)?;
    tell(plan, back, refusals);
    Ok(Anew { made: seen.read.made, fates: seen.fates })
}

/// What the plan says now.
fn tell(plan: &mut Plan, back: RollsBack, refusals: &Refusals) {
    plan.loads = back.loads.iter().map(|undo| load(undo, &back)).collect();
    plan.notes = notes::notes(&back);
    plan.notes.extend(refusals.iter().map(|(object, words)| {
        format!("the job that would delete {object} records was refused, and they stay: {words}")
    }));
    plan.rolls_back = Some(back);
}

/// Takes from the records of an object those that the rollback has had its turn with, and those that it never was to delete.
fn approved(
    desk: &Desk<'_, '_>,
    batches: &[Batch],
    made: &Made<'_>,
    fates: &mut [Fate],
) -> Result<(), EngineError> {
    let (files, state) = (desk.ports.files, desk.state.borrow());
    let (mut listed, mut done) = (vec![false; fates.len()], vec![false; fates.len()]);
    for (step, batch) in (0..).zip(batches).filter(|(_, batch)| batch.object == made.object) {
        let list = Reader::open(files, state.run, step, batch)?;
        mark(made, list.map(|going| Ok(going?.id)), &mut listed)?;
        let settled = settled(files, &state, step)?;
        mark(made, settled.iter().decode(|bytes| id_at(bytes, 0)).map(|id| id?), &mut done)?;
    }
    for (at, fate) in fates.iter_mut().enumerate() {
        *fate = match *fate {
            _ if done[at] => Fate::Done,
            Fate::Goes if !listed[at] => Fate::Unlisted,
            same => same,
        };
    }
    Ok(())
}

/// Marks the places of these records, which come by Id.
fn mark(
    made: &Made<'_>,
    ids: impl Iterator<Item = io::Result<RecordId>>,
    marks: &mut [bool],
) -> io::Result<()> {
    let places = made.iter().enumerate().map(|(at, created)| Ok((created?.id, at)));
    for next in join(ids, places, |id| *id, |place| place.0) {
        if let Joined::Both(_, (_, at)) = next? {
            marks[at] = true;
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
            of[0] += u64::from(fate == Fate::Goes);
            of[1] += u64::from(fate == Fate::Done);
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
        let told = outcomes.iter().sum();
        outcomes[Outcome::Held as usize] = undo.stays();
        outcomes[Outcome::Pending as usize] = going;
        // Of those that had their turn, the rest was gone when it came.
        outcomes[Outcome::Unchanged as usize] = undo.gone + done.saturating_sub(told);
        left_out += before[Outcome::Pending as usize].saturating_sub(going);
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
    let (absent, rounded, truncated, blanked, fallbacks) = (0, 0, 0, 0, 0);
    Event::Surveyed { load, source, outcomes, absent, rounded, truncated, blanked, fallbacks }
}
