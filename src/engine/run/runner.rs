//! Carrying a plan out: one loop on one task. Takes what [`next`] says, performs it, and keeps the journal.

use super::gate::{Gate, Hold, refused_for_maintenance, settles_first, spent};
use super::recover::drop_part;
use super::schedule::{CANARY_ROWS, Effect, PartProgress, Scheduled, StepProgress, next};
use crate::bind::{Assignment, Column};
use crate::checkpoint::{Ended, Event, NamedFile, PartKey};
use crate::engine::context::{EngineError, Exit, Progress, source_changed};
use crate::engine::part::{Collected, Desk, TERRITORIES, settle};
use crate::engine::prepare::{Landed, Prepared, leave_out};
use crate::engine::state::{Ledgers, exit_of, keep_rest};
use crate::manifest::{Budget, Migration};
use crate::model::Outcome;
use crate::plan::{PlanStep, StepKind};
use crate::stage::{
    LeftOutFile, PartLimits, Reasons, StagedPart, StepInputs, StepRows, action, stage_references, stage_rows,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeMap;
use std::pin::Pin;

/// Bytes of a part: the org takes 100 MB of raw upload (reference A4); below that stays some room.
const PART_BYTES: u64 = 90_000_000;
/// A budget never trips on fewer refused rows than this (spec, manifest).
const BUDGET_FROM: u64 = 20;

/// A part with the org.
type Sending<'f> = Pin<Box<dyn std::future::Future<Output = (PartKey, Result<Collected, EngineError>)> + 'f>>;

/// One run, carried out.
pub(super) struct Runner<'r, 'd, 'a> {
    desk: &'r Desk<'d, 'a>,
    prepared: &'r Prepared<'a>,
    migration: &'r Migration,
    ledgers: &'r mut Ledgers<'a>,
    parallel: usize,
    objects: Vec<String>,
    steps: BTreeMap<u16, StepProgress>,
    gate: Gate,
    /// Why the run stops, once it does.
    stopping: Option<Stopping>,
    /// Whether a part could not be settled: it is the next apply's, and so is every one after it.
    untold: bool,
}

enum Stopping {
    Error(EngineError),
    Budget,
    /// Nothing more begins; what is under way comes to its end.
    Checkpoint(Hold),
}

impl<'r, 'd, 'a> Runner<'r, 'd, 'a> {
    pub(super) fn new(
        desk: &'r Desk<'d, 'a>,
        prepared: &'r Prepared<'a>,
        migration: &'r Migration,
        ledgers: &'r mut Ledgers<'a>,
    ) -> Self {
        let objects = prepared.bound.objects.iter().map(|o| o.name.clone()).collect();
        let parallel = migration.environment.parallel_jobs.max(1) as usize;
        let gate = Gate::new(desk, &prepared.plan, migration);
        let steps = BTreeMap::new();
        Self {
            desk,
            prepared,
            migration,
            ledgers,
            parallel,
            objects,
            steps,
            gate,
            stopping: None,
            untold: false,
        }
    }

    /// Carries the plan out; nothing, when all is done and records were made anew in it, so that the run is not over but
    /// `last`, whatever is left.
    ///
    /// # Errors
    /// Everything that stops a run; the journal is left so that the next call goes on.
    pub(super) async fn run(&mut self, last: bool) -> Result<Option<Exit>, EngineError> {
        let mut sending: FuturesUnordered<Sending<'r>> = FuturesUnordered::new();
        self.check_budgets();
        loop {
            let finished = self.start(&mut sending).await;
            if finished && self.stopping.is_none() {
                if !last && self.desk.state.borrow().renewed > 0 {
                    return Ok(None);
                }
                let exit = self.exit();
                return self.finish(Ended::Finished, exit).map(Some);
            }
            match sending.next().await {
                Some((key, Ok(collected))) => self.settled(key, collected),
                Some((_, Err(error))) => self.stop(Stopping::Error(error)),
                None if self.stopping.is_some() => return self.pause().map(Some),
                None => {}
            }
        }
    }

    /// Performs everything that can be done now; true when nothing is left to do.
    async fn start(&mut self, sending: &mut FuturesUnordered<Sending<'r>>) -> bool {
        while self.stopping.is_none() {
            if self.desk.stop.asked() {
                self.stop(Stopping::Error(crate::engine::part::interrupted()));
                break;
            }
            let plan = &self.prepared.plan;
            let effects = next(plan, &self.steps, self.parallel, self.gate.last_wave());
            if effects.is_empty() {
                let hold = self.gate.pauses(self.desk, plan, &self.steps);
                self.hold(hold);
                break;
            }
            for effect in effects {
                let hold = self.gate.holds(self.desk, plan, &self.steps, effect).await;
                if self.hold(hold) {
                    break;
                }
                match effect {
                    Effect::Finish => return true,
                    Effect::Stage(step) => {
                        if let Err(error) = self.stage(step) {
                            self.stop(Stopping::Error(error));
                        }
                    }
                    Effect::Send(key) => {
                        self.mark(key, PartProgress::Running);
                        let desk = self.desk;
                        sending.push(Box::pin(async move { (key, desk.send(key).await) }));
                    }
                }
            }
        }
        false
    }

    /// Stops at a checkpoint, if there is a reason; true if so.
    fn hold(&mut self, hold: Option<Hold>) -> bool {
        let holds = hold.is_some();
        hold.into_iter().for_each(|hold| self.stop(Stopping::Checkpoint(hold)));
        holds
    }

    fn stop(&mut self, why: Stopping) {
        // A stale source stops what has not begun; jobs that are open settle first (spec, Crash windows).
        if matches!(&why, Stopping::Error(error) if !settles_first(error)) {
            self.desk.halted.set(true);
        }
        match (&self.stopping, &why) {
            // A part that came to no end must be gone on with: a spent budget would end the run without it.
            (None, _) | (Some(Stopping::Budget | Stopping::Checkpoint(_)), Stopping::Error(_)) => {
                self.stopping = Some(why);
            }
            // The first error counts; parts that were interrupted because of it say less.
            _ => {}
        }
    }

    fn settled(&mut self, key: PartKey, collected: Collected) {
        // Once the ledger could not be told of a part it must not hear of a later one: the earlier one would count as told.
        if self.untold {
            return;
        }
        self.mark(key, PartProgress::Over);
        let (day_is_spent, maintained) = (collected.ended_at_a_limit(), collected.met_maintenance());
        let done = settle(self.desk, self.ledgers, key, collected).and_then(|again| {
            self.schedule_again(key.step, again);
            self.step_done(key.step)
        });
        match done {
            Ok(()) if maintained => self.stop(Stopping::Checkpoint(refused_for_maintenance())),
            Ok(()) if day_is_spent => self.stop(Stopping::Checkpoint(spent(self.desk))),
            Ok(()) => self.check_budgets(),
            Err(error) => {
                self.untold = true;
                self.stop(Stopping::Error(error));
            }
        }
    }

    /// Rows that go again wait for everything before them: gently, one part after the other.
    fn schedule_again(&mut self, step: u16, again: Vec<PartKey>) {
        if let Some(StepProgress::Staged(parts)) = self.steps.get_mut(&step) {
            let later = |key| Scheduled { key, after_previous: true, progress: PartProgress::Ready };
            parts.extend(again.into_iter().map(later));
        }
    }

    fn mark(&mut self, key: PartKey, progress: PartProgress) {
        if let Some(StepProgress::Staged(parts)) = self.steps.get_mut(&key.step) {
            for part in parts.iter_mut().filter(|p| p.key == key) {
                part.progress = progress;
            }
        }
    }

    fn step_done(&mut self, step: u16) -> Result<(), EngineError> {
        let all_over = |p: &StepProgress| matches!(p, StepProgress::Staged(parts) if parts.iter().all(|p| p.progress == PartProgress::Over));
        if self.steps.get(&step).is_some_and(all_over) {
            self.steps.insert(step, StepProgress::Done);
            self.desk.note(Event::StepDone { step })?;
            self.desk.save();
        }
        Ok(())
    }

    /// Divides a step's rows into parts, by what has landed by now.
    fn stage(&mut self, index: u16) -> Result<(), EngineError> {
        let step = &self.prepared.plan.steps[index as usize];
        self.desk.observer.progress(&Progress::Staging { load: step.name.clone(), rows: step.rows });
        let (rows, numbers) = self.stage_step(step)?;
        self.check_sources()?;
        self.late(step, &rows)?;
        self.desk.record(Event::StepStaged {
            step: index,
            load: step.load,
            kind: step.kind,
            rows: rows.parts.iter().map(|p| p.rows).sum(),
            held: rows.held,
            rejected: rows.rejected,
            waiting: rows.waiting,
            dated: self.dates(step),
        })?;
        let mut scheduled = Vec::new();
        for (part, key) in rows.parts.iter().zip(numbers) {
            self.desk.record(self.part_staged(step, key, part))?;
            let (after_previous, progress) = (part.after_previous, PartProgress::Ready);
            scheduled.push(Scheduled { key, after_previous, progress });
        }
        self.desk.commit()?;
        self.steps.insert(index, StepProgress::Staged(scheduled));
        self.step_done(index)
    }

    fn stage_step(&mut self, step: &PlanStep) -> Result<(StepRows<'a>, Vec<PartKey>), EngineError> {
        let load = step.load as usize;
        let (run, first) = self.first_number(step.index);
        let survey = &self.prepared.survey;
        let shape = &survey.shapes[load];
        let landed = Landed { ledgers: self.ledgers, objects: &self.objects, survey };
        let name = |number: u32| format!("data/{run}/{}-{}-{}", shape.name, step.index, first + number);
        let second_pass = step.kind == StepKind::References;
        let inputs = StepInputs {
            io: self.desk.ports.stage(),
            shape,
            scan: &survey.scans[load],
            deferred: if second_pass { survey.second_pass(load) } else { survey.deferred[load] },
            landed: &landed,
            limits: PartLimits {
                first_rows: CANARY_ROWS.min(step.part_rows),
                rows: step.part_rows,
                bytes: PART_BYTES,
            },
            lock: survey.locks[load].as_ref().filter(|_| !second_pass).map(|(reference, _)| *reference),
            scratch: "data/scratch",
            name: &name,
        };
        let rows = match step.kind {
            StepKind::Rows => stage_rows(&inputs, &survey.decided[load], step.level)?,
            StepKind::References => stage_references(
                &inputs,
                &survey.decided[load],
                self.ledgers.entries(&self.prepared.bound.objects[shape.object].name),
            )?,
        };
        let keys =
            rows.parts.iter().map(|p| PartKey { step: step.index, number: first + p.number }).collect();
        Ok((rows, keys))
    }

    /// Part numbers are never used twice in a run.
    fn first_number(&self, step: u16) -> (u32, u32) {
        let state = self.desk.state.borrow();
        let last = state.parts.keys().filter(|k| k.step == step).map(|k| k.number + 1).max();
        (state.run, last.unwrap_or(0))
    }

    fn part_staged(&self, step: &PlanStep, key: PartKey, part: &StagedPart) -> Event {
        let bound = &self.prepared.bound.loads[step.load as usize];
        let shape = &self.prepared.survey.shapes[step.load as usize];
        let updates = part.action != action::DELETE && shape.sends_id(part.action);
        let named = |(path, length, blake3): &(String, u64, String)| NamedFile {
            path: path.clone(),
            length: *length,
            blake3: blake3.clone(),
        };
        Event::PartStaged {
            part: key,
            load: step.load,
            kind: step.kind,
            operation: if updates { "update".into() } else { step.operation.clone() },
            object: bound.object.clone(),
            key: bound.key.clone(),
            form: bound.key_form.word().into(),
            api: step.api,
            assign: assign(&bound.assignment, part.action).filter(|_| step.kind == StepKind::Rows),
            attempt: 0,
            rows: part.rows,
            file: named(&part.file),
            index: named(&part.index),
        }
    }

    /// Whether the rows of a step set the date on which their record was created.
    fn dates(&self, step: &PlanStep) -> bool {
        let columns = &self.prepared.bound.loads[step.load as usize].columns;
        columns.iter().any(|c| matches!(c, Column::Plain(field) if field.eq_ignore_ascii_case("CreatedDate")))
    }

    /// Rows that turned out held or rejected only now.
    fn late(&self, step: &PlanStep, rows: &StepRows<'a>) -> Result<(), EngineError> {
        if rows.left.is_empty() {
            return Ok(());
        }
        let load = step.load as usize;
        let (shape, scan) = (&self.prepared.survey.shapes[load], &self.prepared.survey.scans[load]);
        let run = self.desk.state.borrow().run;
        let path = format!("data/{run}/{}.left-out-{}.csv", shape.name, step.index);
        let mut file = LeftOutFile::new(self.desk.ports.files, path, &shape.columns);
        leave_out(&self.desk.ports, shape, scan, &rows.left, Some(&mut file), &mut Reasons::default())
    }

    /// A source that changes while the run goes on stops it.
    fn check_sources(&self) -> Result<(), EngineError> {
        for (mark, modified) in &self.prepared.sources {
            let files = self.desk.ports.sources;
            if files.length(&mark.path)? != Some(mark.length) || files.modified(&mark.path)? != *modified {
                return Err(source_changed(&mark.path, "while the run was going on"));
            }
        }
        Ok(())
    }

    fn check_budgets(&mut self) {
        for (index, load) in self.migration.loads.iter().enumerate() {
            let (refused, source) = {
                let state = self.desk.state.borrow();
                (state.refused(index as u16), state.loads.get(index).map_or(0, |l| l.source))
            };
            let spent = match load.max_failed {
                Some(Budget::Rows(rows)) => refused > rows,
                Some(Budget::Percent(percent)) => refused as f64 > source as f64 * percent / 100.0,
                None => false,
            };
            if spent && refused >= BUDGET_FROM && self.stopping.is_none() {
                let note = format!(
                    "{}: {refused} of {source} rows failed or were rejected: its `max_failed` is spent",
                    load.name
                );
                self.desk.observer.progress(&Progress::Note(note));
                self.stop(Stopping::Budget);
            }
        }
    }

    /// The exit code of a run that came to its end.
    fn exit(&self) -> Exit {
        let state = self.desk.state.borrow();
        let bad = [Outcome::Rejected, Outcome::Held, Outcome::Failed];
        let left = |load: &crate::checkpoint::LoadState| {
            bad.iter().any(|o| load.outcomes[*o as usize] > 0)
                || load.references.failed + load.references.pending > 0
        };
        if state.renewed > 0 || state.loads.iter().any(left) { Exit::Partial } else { Exit::Done }
    }

    /// Writes down that the run is over. Gives its exit code: another than it would be where its rows do not add up.
    ///
    /// # Errors
    /// The disk's own.
    pub(super) fn finish(&mut self, ended: Ended, exit: Exit) -> Result<Exit, EngineError> {
        keep_rest(self.desk.ports.files, self.desk.state.borrow().run)?;
        let exit = exit_of(&self.desk.state.borrow(), ended, exit);
        self.desk.note(Event::RunEnded { ended, exit: exit.code() })?;
        self.desk.save();
        // No unfinished run can name a segment now: what does not count is left over from a crash.
        for object in &self.objects {
            self.ledgers.open(object)?.remove_unused()?;
        }
        Ok(exit)
    }

    /// Parts that lie on the disk when the budget ends the run: nobody will send them.
    fn drop_unsent(&self) -> Result<(), EngineError> {
        let unsent: Vec<PartKey> = {
            let state = self.desk.state.borrow();
            state.parts.iter().filter(|(_, p)| !p.state.is_over()).map(|(key, _)| *key).collect()
        };
        unsent.into_iter().try_for_each(|key| drop_part(self.desk, key, "the failure budget was spent"))
    }

    /// All parts under way have come to rest: the budget ends the run, anything else leaves it to be gone on with.
    fn pause(&mut self) -> Result<Exit, EngineError> {
        match self.stopping.take() {
            Some(Stopping::Budget) => {
                self.drop_unsent()?;
                self.finish(Ended::Budget, Exit::Budget)
            }
            Some(Stopping::Error(error)) => Err(Hold::of(error, self.desk).rest(self.desk)),
            Some(Stopping::Checkpoint(hold)) => Err(hold.rest(self.desk)),
            None => Err(EngineError::Unexpected("the run stopped without a reason".into())),
        }
    }
}

/// The assignment rules that run on a load's rows, as the journal keeps them. A second pass runs none again.
fn assign(assignment: &Assignment, what: u8) -> Option<String> {
    match assignment {
        Assignment::Off => None,
        Assignment::Territories => Some(TERRITORIES.to_owned()),
        // Of records that are there nobody has asked for another owner.
        Assignment::Rule(id) => (what == action::CREATE).then(|| id.clone()),
    }
}
