//! What a run did, read from its journal and its trail: which records it created, in which order, and what else.

use crate::checkpoint::{Event, Line, NamedFile, PartKey, RunState, journal_path, read_journal};
use crate::engine::context::{EngineError, refused};
use crate::plan::StepKind;
use crate::ports::Files;
use std::collections::{BTreeMap, BTreeSet};

/// A run that is over.
pub(super) struct Past {
    /// Its state at the end.
    pub(super) state: RunState,
    /// Its steps that created records, in the order in which they were staged: parents before their children.
    pub(super) batches: Vec<PastBatch>,
    /// What its parts did.
    pub(super) trails: Vec<Trail>,
}

/// What one staging of a step was about.
pub(super) struct PastBatch {
    pub(super) load: u16,
    pub(super) object: String,
    pub(super) key: String,
    pub(super) form: String,
    /// Whether its rows set `CreatedDate`.
    pub(super) dated: bool,
    /// Whether some of its rows went by calls, of which the org does not tell when they began.
    pub(super) calls: bool,
    /// When its first job was made, by the org's clock, to the second; nothing where none was, where rows went by calls
    /// before it, or where the org did not tell.
    pub(super) since: Option<String>,
}

/// What one part did.
pub(super) struct Trail {
    pub(super) load: u16,
    pub(super) object: String,
    /// Its batch; nothing for a second pass.
    pub(super) batch: Option<u16>,
    pub(super) file: NamedFile,
    /// When the org was done with it, by its own clock, to the second, where it told.
    pub(super) over: Option<String>,
}

impl Past {
    /// Reads a run that went to this org and is over.
    ///
    /// # Errors
    /// 81 when it cannot be rolled back, with the reason; a damaged journal; the disk's own.
    pub(super) fn read(files: &dyn Files, run: u32, org_id: &str) -> Result<Self, EngineError> {
        let path = journal_path(run);
        let (lines, _) = read_journal(files, &path)?;
        let state = RunState::fold(&path, &lines)?;
        check(&state, run, org_id)?;
        let (batches, trails) = what_it_did(&state, &lines)?;
        Ok(Self { state, batches, trails })
    }

    /// Records that it deleted, of one load.
    pub(super) fn deleted(&self, load: u16) -> u64 {
        self.state.loads.get(load as usize).map_or(0, |l| l.outcomes[crate::model::Outcome::Deleted as usize])
    }
}

fn check(state: &RunState, run: u32, org_id: &str) -> Result<(), EngineError> {
    let over = state.parts.values().all(|part| part.state.is_over());
    match state {
        s if s.run == 0 => Err(refused(
            format!("there is no run {run} in this state folder"),
            "`runs/` in the state folder has a folder for each run",
        )),
        s if s.org_id != org_id => Err(refused(
            format!("run {run} went to org {}; this is {org_id}", s.org_id),
            "name the environment of that org (`-e`)",
        )),
        s if s.rolls_back.is_some() => Err(refused(
            format!("run {run} is itself a rollback: what it deleted cannot be undone by deleting"),
            "`cutover apply` loads again what a rollback deleted",
        )),
        s if s.ended.is_none() || !over => Err(refused(
            format!("run {run} is not over: what it did is not known yet"),
            "`cutover apply` brings it to its end; roll it back after that",
        )),
        _ => Ok(()),
    }
}

fn what_it_did(state: &RunState, lines: &[Line]) -> Result<(Vec<PastBatch>, Vec<Trail>), EngineError> {
    let (mut batches, mut trails) = (Vec::new(), Vec::new());
    // Steps of which no part is staged yet, with whether their rows set `CreatedDate`.
    let mut staging: BTreeMap<u16, bool> = BTreeMap::new();
    let mut begun: BTreeSet<u16> = BTreeSet::new();
    let mut of_step: BTreeMap<u16, u16> = BTreeMap::new();
    let mut of_part: BTreeMap<PartKey, u16> = BTreeMap::new();
    for line in lines {
        match &line.event {
            // The same step is staged anew by a run that goes on.
            Event::StepStaged { step, dated, .. } => {
                begun.remove(step);
                staging.insert(*step, *dated);
            }
            Event::PartStaged { part, kind: StepKind::Rows, .. } => {
                if begun.insert(part.step) {
                    of_step.insert(part.step, batches.len() as u16);
                    batches.extend(batch(&line.event, staging.get(&part.step).copied().unwrap_or(false)));
                }
                of_part.extend(of_step.get(&part.step).map(|batch| (*part, *batch)));
            }
            Event::CallsIntent { part } => {
                let batch = of_part.get(part).and_then(|batch| batches.get_mut(*batch as usize));
                batch.into_iter().for_each(|batch| (batch.calls, batch.since) = (true, None));
            }
            Event::JobCreated { part, there: Some(there), .. } => {
                let batch = of_part.get(part).and_then(|batch| batches.get_mut(*batch as usize));
                batch
                    .filter(|batch| !batch.calls)
                    .into_iter()
                    .for_each(|batch| _ = batch.since.get_or_insert(there.clone()));
            }
            Event::PartSettled { part, created, trail, over, .. } => {
                let Some(known) = state.parts.get(part) else { continue };
                let (load, object, over) = (known.load, known.object.clone(), over.clone());
                let batch = of_part.get(part).copied();
                match trail {
                    Some(file) => trails.push(Trail { load, object, batch, file: file.clone(), over }),
                    None if *created > 0 => return Err(no_trail(state.run)),
                    None => {}
                }
            }
            _ => {}
        }
    }
    Ok((batches, trails))
}

/// What a staging is about, by its first part.
fn batch(staged: &Event, dated: bool) -> Option<PastBatch> {
    let Event::PartStaged { load, object, key, form, .. } = staged else { return None };
    let (object, key, form) = (object.clone(), key.clone(), form.clone());
    Some(PastBatch { load: *load, object, key, form, dated, calls: false, since: None })
}

fn no_trail(run: u32) -> EngineError {
    refused(
        format!("run {run} was made by a cutover that kept no list of what it created"),
        "its records cannot be told from those that were there before; delete them by a manifest (`operation: delete`)",
    )
}
