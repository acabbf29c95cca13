//! The state of a run: a fold over its events, the same live and on recovery.

use super::event::{Ended, Event, LoadName, NamedFile, PartKey, RunNames};
use super::journal::{JournalError, Line};
use super::part::{IllegalEvent, PartState};
use crate::model::{Leniency, Outcome, Tally};
use crate::plan::{Api, Lenient, StepKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// References that go in a second pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct References {
    /// Filled.
    pub filled: u64,
    /// Still to be filled, or waiting for their parent.
    pub pending: u64,
    /// Refused by the org.
    pub failed: u64,
}

/// What is known of one load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadState {
    /// Its name and object.
    pub name: LoadName,
    /// Rows in its source.
    pub source: u64,
    /// Rows by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; 10],
    /// Rows that landed once and are no longer in the source.
    pub absent: u64,
    /// Rows with a quote inside an unquoted cell, taken as text.
    #[serde(default)]
    pub quotes: u64,
    /// What happened to values because the manifest allows it.
    #[serde(default)]
    pub lenient: Vec<Lenient>,
    /// Its deferred references.
    pub references: References,
    /// Rows and references that came to an outcome though none was pending any more: there are none, unless we count wrong.
    #[serde(default)]
    pub surplus: u64,
}

impl LoadState {
    /// Whether every row of its source has exactly one outcome, and none of them was given out twice. Once the run is over
    /// (`whole`), none may be pending either.
    pub fn balances(&self, whole: bool) -> bool {
        let left = whole && self.outcomes[Outcome::Pending as usize] > 0;
        self.surplus == 0 && self.tally().balances() && !left
    }

    /// Takes what a survey counted in place of what was counted before.
    fn surveyed(&mut self, event: &Event) {
        let Event::Surveyed { source, outcomes, absent, quotes, lenient, .. } = event else { return };
        (self.source, self.outcomes, self.absent) = (*source, *outcomes, *absent);
        (self.quotes, self.lenient) = (*quotes, lenient.clone());
        // Those refused are tried again by a run that goes on: they may not count twice.
        (self.references.pending, self.references.failed) = (0, 0);
        self.surplus = 0;
    }

    /// The balance of its rows.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::over(self.source);
        for (outcome, rows) in Outcome::ALL.into_iter().zip(self.outcomes) {
            tally.add(outcome, rows);
        }
        tally
    }

    /// Values to which this happened, in all fields.
    pub fn values(&self, what: Leniency) -> u64 {
        self.lenient.iter().filter(|one| one.what == what.word()).map(|one| one.values).sum()
    }

    /// Moves rows from pending to an outcome.
    fn decide(&mut self, outcome: Outcome, rows: u64) {
        take(&mut self.outcomes[Outcome::Pending as usize], rows, &mut self.surplus);
        self.outcomes[outcome as usize] += rows;
    }
}

/// Takes as many from those that are pending. What they do not have is noted: a count that is wrong must show.
fn take(pending: &mut u64, count: u64, surplus: &mut u64) {
    let taken = count.min(*pending);
    *pending -= taken;
    *surplus += count - taken;
}

/// What is known of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its load's place in the manifest.
    pub load: u16,
    /// What its rows are for.
    pub kind: StepKind,
    /// How far it has come.
    pub state: PartState,
    /// The job's operation.
    pub operation: String,
    /// The job's object.
    pub object: String,
    /// The key field.
    pub key: String,
    /// How keys are compared: `folded`, `exact` or `number`.
    pub form: String,
    /// By which API its rows go.
    #[serde(default)]
    pub api: Api,
    /// The assignment rules that run on its rows: a rule's Id, or `TRUE` for the territory rules of accounts.
    #[serde(default)]
    pub assign: Option<String>,
    /// How often its rows were refused in passing before: 0 for rows that go for the first time.
    pub attempt: u32,
    /// Rows sent in it.
    pub rows: u64,
    /// The payload.
    pub file: NamedFile,
    /// Its index.
    pub index: NamedFile,
    /// The job's id, once known.
    pub job: Option<String>,
    /// What the org said of the job in the end.
    pub job_state: Option<String>,
    /// Rows refused.
    pub failed: u64,
    /// The ledger segment with its outcomes.
    pub segment: Option<NamedFile>,
    /// The file of its failed rows.
    pub failures: Option<NamedFile>,
    /// What was done to which record.
    #[serde(default)]
    pub trail: Option<NamedFile>,
}

impl Part {
    /// Whether its rows, and the org's answers, name records by Id rather than by key.
    pub fn by_id(&self) -> bool {
        self.operation == "update" || self.deletes()
    }

    /// Whether its records are gone afterwards.
    pub fn deletes(&self) -> bool {
        matches!(self.operation.as_str(), "delete" | "hardDelete")
    }
}

/// The state of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunState {
    /// Number of the run; 0 before one began.
    pub run: u32,
    /// Number of the last event folded in.
    pub seq: u64,
    /// Environment.
    pub environment: String,
    /// The org's id.
    pub org_id: String,
    /// Whose it is.
    #[serde(default)]
    pub names: RunNames,
    /// Digest of the inputs.
    pub inputs: String,
    /// When it began, in milliseconds since 1970.
    pub started: i64,
    /// When its last event was written.
    pub last: i64,
    /// Loads in manifest order.
    pub loads: Vec<LoadState>,
    /// Parts.
    #[serde(with = "as_pairs")]
    pub parts: BTreeMap<PartKey, Part>,
    /// Steps that are done.
    pub steps_done: Vec<u16>,
    /// How and with which exit code it ended.
    pub ended: Option<(Ended, u8)>,
    /// The exit code it paused with, when it did.
    pub paused: Option<u8>,
    /// The run whose records it deletes again, where it is a rollback.
    #[serde(default)]
    pub rolls_back: Option<u32>,
    /// Whether it was ever interrupted and gone on with.
    #[serde(default)]
    pub resumed: bool,
    /// Why it paused: `stopped`, `limit`, or the code of the error.
    #[serde(default)]
    pub why: Option<String>,
    /// When it makes sense to go on, in milliseconds since 1970, where a limit of the day made it pause.
    #[serde(default)]
    pub back: Option<i64>,
    /// Loads after which it has paused, as the manifest says, by their places there.
    #[serde(default)]
    pub paused_after: Vec<u16>,
    /// Records that were made anew since the rows were last decided: what refers to them is still to go again.
    #[serde(default)]
    pub renewed: u64,
    /// Answers of the org that were not believed.
    #[serde(default)]
    pub set_aside: u64,
}

impl RunState {
    /// The state after one more event.
    ///
    /// # Errors
    /// [`IllegalEvent`] when the event cannot follow.
    pub fn apply(&mut self, line: &Line) -> Result<(), IllegalEvent> {
        if let Some(key) = part_of(&line.event) {
            self.apply_to_part(key, &line.event)?;
        } else {
            self.apply_to_run(&line.event, line.at);
        }
        self.seq = line.seq;
        self.last = line.at;
        Ok(())
    }

    /// All events of a journal folded.
    ///
    /// # Errors
    /// [`JournalError::Illegal`] with the line.
    pub fn fold(path: &str, lines: &[Line]) -> Result<Self, JournalError> {
        let mut state = Self::default();
        state.fold_more(path, lines)?;
        Ok(state)
    }

    /// Folds the lines that are not in yet.
    ///
    /// # Errors
    /// [`JournalError::Illegal`] with the line.
    pub fn fold_more(&mut self, path: &str, lines: &[Line]) -> Result<(), JournalError> {
        let known = self.seq;
        for line in lines.iter().filter(|l| l.seq > known) {
            self.apply(line).map_err(|source| JournalError::Illegal {
                path: path.into(),
                line: line.seq as usize,
                source,
            })?;
        }
        Ok(())
    }

    /// Whether it began and is not over.
    pub fn unfinished(&self) -> bool {
        self.run > 0 && self.ended.is_none()
    }

    /// Whether a load's rows add up, as far as the run has come.
    pub fn balances(&self, load: &LoadState) -> bool {
        load.balances(matches!(self.ended, Some((Ended::Finished, _))))
    }

    /// Loads whose rows do not add up.
    pub fn unbalanced(&self) -> impl Iterator<Item = &LoadState> {
        self.loads.iter().filter(|load| !self.balances(load))
    }

    /// Rows failed or rejected so far, of one load: what a budget counts.
    pub fn refused(&self, load: u16) -> u64 {
        let outcomes = self.loads.get(load as usize).map_or([0; 10], |l| l.outcomes);
        outcomes[Outcome::Failed as usize] + outcomes[Outcome::Rejected as usize]
    }

    fn apply_to_run(&mut self, event: &Event, at: i64) {
        match event {
            Event::RunStarted { .. } => *self = begun(event, at),
            Event::RunResumed { .. } => {
                (self.paused, self.why, self.back) = (None, None, None);
                (self.resumed, self.renewed) = (true, 0);
                self.steps_done.clear();
            }
            Event::Surveyed { load, .. } => {
                if let Some(state) = self.loads.get_mut(*load as usize) {
                    state.surveyed(event);
                }
            }
            Event::StepStaged { load, kind, held, rejected, waiting, rows, .. } => {
                if let Some(state) = self.loads.get_mut(*load as usize) {
                    state.decide(Outcome::Held, *held);
                    state.decide(Outcome::Rejected, *rejected);
                    if *kind == StepKind::References {
                        state.references.pending += waiting + rows;
                    }
                }
            }
            Event::StepDone { step } => self.steps_done.push(*step),
            Event::RunPaused { exit, why, after, back } => {
                (self.paused, self.why, self.back) = (Some(*exit), why.clone(), *back);
                self.paused_after.extend(after);
            }
            Event::RunEnded { ended, exit } => self.ended = Some((*ended, *exit)),
            _ => {}
        }
    }

    fn apply_to_part(&mut self, key: PartKey, event: &Event) -> Result<(), IllegalEvent> {
        let next = PartState::next(self.parts.get(&key).map(|p| p.state), event)?;
        if let Some(part) = new_part(event, next) {
            self.parts.insert(key, part);
        }
        if let Some(part) = self.parts.get_mut(&key) {
            part.state = next;
            note_on_part(part, event);
        }
        self.count_settled(key, event);
        Ok(())
    }

    fn count_settled(&mut self, key: PartKey, event: &Event) {
        let Event::PartSettled {
            created, updated, deleted, unchanged, held, failed, renewed, set_aside, ..
        } = event
        else {
            return;
        };
        self.renewed += renewed;
        self.set_aside += set_aside;
        let Some((load, kind)) = self.parts.get(&key).map(|p| (p.load, p.kind)) else { return };
        let Some(state) = self.loads.get_mut(load as usize) else { return };
        match kind {
            StepKind::Rows => {
                state.decide(Outcome::Created, *created);
                state.decide(Outcome::Updated, *updated);
                state.decide(Outcome::Deleted, *deleted);
                state.decide(Outcome::Unchanged, *unchanged);
                state.decide(Outcome::Held, *held);
                state.decide(Outcome::Failed, *failed);
            }
            StepKind::References => {
                take(&mut state.references.pending, updated + failed, &mut state.surplus);
                state.references.filled += updated;
                state.references.failed += failed;
            }
        }
    }
}

/// The part that an event announces.
fn new_part(event: &Event, state: PartState) -> Option<Part> {
    let Event::PartStaged {
        load, kind, operation, object, key, form, api, attempt, rows, file, index, ..
    } = event
    else {
        return None;
    };
    Some(Part {
        load: *load,
        kind: *kind,
        state,
        operation: operation.clone(),
        object: object.clone(),
        key: key.clone(),
        form: form.clone(),
        api: *api,
        assign: None,
        attempt: *attempt,
        rows: *rows,
        file: file.clone(),
        index: index.clone(),
        job: None,
        job_state: None,
        failed: 0,
        segment: None,
        failures: None,
        trail: None,
    })
}

/// The state of a run that began.
fn begun(event: &Event, started: i64) -> RunState {
    let Event::RunStarted { run, environment, org_id, inputs, loads, rolls_back, names, .. } = event else {
        return RunState::default();
    };
    let (environment, org_id, inputs) = (environment.clone(), org_id.clone(), inputs.clone());
    let loads = loads.iter().cloned().map(empty_load).collect();
    let (run, rolls_back, names) = (*run, *rolls_back, names.clone());
    RunState { run, names, environment, org_id, inputs, started, loads, rolls_back, ..RunState::default() }
}

fn empty_load(name: LoadName) -> LoadState {
    LoadState {
        name,
        source: 0,
        outcomes: [0; 10],
        absent: 0,
        quotes: 0,
        lenient: Vec::new(),
        references: References::default(),
        surplus: 0,
    }
}

fn note_on_part(part: &mut Part, event: &Event) {
    match event {
        Event::PartStaged { assign, .. } => part.assign.clone_from(assign),
        Event::JobCreated { job, .. } => part.job = Some(job.clone()),
        Event::PartSettled { state, failed, segment, failures, trail, .. } => {
            part.job_state = Some(state.clone());
            part.failed = *failed;
            part.segment = segment.clone();
            part.failures = failures.clone();
            part.trail = trail.clone();
        }
        _ => {}
    }
}

fn part_of(event: &Event) -> Option<PartKey> {
    match event {
        Event::PartStaged { part, .. }
        | Event::JobIntent { part }
        | Event::CallsIntent { part }
        | Event::JobCreated { part, .. }
        | Event::Uploaded { part }
        | Event::Closed { part }
        | Event::PartSettled { part, .. }
        | Event::PartDropped { part, .. } => Some(*part),
        _ => None,
    }
}

/// A map whose keys are no texts, as a list of pairs.
mod as_pairs {
    use super::{BTreeMap, Part, PartKey};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(map: &BTreeMap<PartKey, Part>, to: S) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<PartKey, Part>, D::Error> {
        Vec::<(PartKey, Part)>::deserialize(from).map(|pairs| pairs.into_iter().collect())
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
