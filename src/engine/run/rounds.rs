//! The rounds of a run. One carries the plan out, and mostly that is all. Where the org made records anew in it, because
//! somebody had deleted them and no count told, rows that refer to them point to nothing, though they were decided to be
//! the same: then all is decided once more, as for a run that goes on after it was interrupted, and what is left is sent.
//! There is no third round: what is made anew in the second is counted in the report, and is the next run's.
//!
//! Must not know how rows are decided or sent.

use super::begin::begin;
use super::gate::Hold;
use super::runner::Runner;
use crate::bind::Bound;
use crate::checkpoint::Ended;
use crate::diagnostic::Diagnostic;
use crate::engine::context::{
    Approve, Connected, EngineError, Exit, Observer, Ports, Progress, Question, source_changed,
};
use crate::engine::part::Desk;
use crate::engine::prepare::{PrepareOptions, Prepared, prepare};
use crate::engine::state::Ledgers;
use crate::manifest::Migration;
use crate::ports::Files;

/// What all rounds of a run have in common.
pub(super) struct Rounds<'x, 'c, 'a> {
    pub(super) ports: Ports<'a>,
    pub(super) connected: &'x Connected<'c>,
    pub(super) migration: &'x Migration,
    pub(super) selected: &'x [bool],
    pub(super) approve: Approve<'x>,
    pub(super) observer: &'x dyn Observer,
    pub(super) run: u32,
}

impl<'a> Rounds<'_, '_, 'a> {
    /// Decides all rows, by what has landed by now. `resumed`: the run, where it has begun before.
    ///
    /// # Errors
    /// As [`prepare`].
    pub(super) async fn prepare(
        &self,
        bound: (Bound, Vec<Diagnostic>),
        ledgers: &mut Ledgers<'a>,
        resumed: Option<u32>,
    ) -> Result<Prepared<'a>, EngineError> {
        let folder = format!("data/{}", self.run);
        remove_left_out(self.ports.files, &folder)?;
        let options = PrepareOptions { resumed, left_out: Some(&folder), selected: self.selected };
        let (ports, observer) = (&self.ports, self.observer);
        prepare(ports, self.connected, self.migration, bound, ledgers, options, observer).await
    }

    /// The round that sends again what refers to records which the first one (`before`) made anew. Where whoever is asked
    /// does not agree, or records are made anew in it as well, the run ends with 68, and the next one sends it.
    ///
    /// # Errors
    /// Everything that stops a run; the journal is left so that the next call goes on.
    pub(super) async fn again(
        &self,
        desk: &Desk<'_, 'a>,
        before: Prepared<'a>,
        ledgers: &mut Ledgers<'a>,
    ) -> Result<Exit, EngineError> {
        let anew = desk.state.borrow().renewed;
        self.tell(format!(
            "{anew} records were gone from the org, and were made anew under another Id: rows that refer to them go again"
        ));
        if self.selected.contains(&false) {
            self.tell("not all loads are selected: what refers to those records goes with the next `cutover apply` of all".into());
            return Runner::new(desk, &before, self.migration, ledgers)
                .finish(Ended::Finished, Exit::Partial);
        }
        let Prepared { bound, survey, .. } = before;
        // First: what the survey sorted has the names that the next one gives.
        drop(survey);
        let rest = |error| Hold::of(error, desk).rest(desk);
        let prepared = self.prepare((bound, Vec::new()), ledgers, Some(self.run)).await.map_err(rest)?;
        let plan = &prepared.plan;
        if plan.inputs != desk.state.borrow().inputs {
            return Err(rest(source_changed("a source", "while the run was going on")));
        }
        if !plan.changes {
            plan.notes.iter().for_each(|note| self.tell(note.clone()));
        } else if let Err(error) = (self.approve)(Question::Again(plan)) {
            self.tell(format!("{error}: what refers to them goes with the next `cutover apply`"));
            return Runner::new(desk, &prepared, self.migration, ledgers)
                .finish(Ended::Finished, Exit::Partial);
        }
        begin(desk, &prepared, self.migration, self.run, Some(self.run))?;
        let exit = Runner::new(desk, &prepared, self.migration, ledgers).run(true).await?;
        Ok(exit.unwrap_or(Exit::Partial))
    }

    fn tell(&self, note: String) {
        self.observer.progress(&Progress::Note(note));
    }
}

/// Removes the files of rows left out that an earlier call or round wrote: the survey that follows writes them anew,
/// and a row that has found its parent since must not stand in one.
fn remove_left_out(files: &dyn Files, folder: &str) -> Result<(), EngineError> {
    let names = files.list(folder)?;
    let old = names.iter().filter(|n| n.contains(".left-out") && n.ends_with(".csv"));
    Ok(old.map(|name| format!("{folder}/{name}")).try_for_each(|path| files.remove(&path))?)
}
