//! Carrying a rollback out: step by step, part by part, one after the other; children are gone before their parents'
//! turn, and locks meet rarely.

use super::super::alive::why;
use super::super::books::Books;
use super::super::exit::{EngineError, Exit};
use super::super::find::each_once;
use super::super::job::Desk;
use super::super::ports::Progress;
use super::super::recover::recover;
use super::super::settle::settle;
use super::RolledBack;
use super::batches::{self, Going, Reader, settled};
use super::look::id_at;
use super::survey::Surveyed;
use crate::checkpoint::{Ended, Event, JOURNAL_VERSION, LoadName, NamedFile, PartKey};
use crate::ledger::merge::{Joined, join};
use crate::model::Outcome;
use crate::plan::{Batch, Plan, PlanStep, StepKind};
use crate::ports::write_durably;
use crate::stage::{IndexRecord, Past, action};
use std::io;

/// The first events: which run is rolled back, and what is to be done of each load. The lists of what to delete and
/// the plan are durable before.
pub(super) fn begin(desk: &Desk<'_, '_>, found: &Surveyed<'_>, run: u32) -> Result<(), EngineError> {
    let (plan, files) = (&found.plan, desk.ports.files);
    batches::write(files, run, &found.listed, &found.made, &found.fates)?;
    let json = serde_json::to_vec_pretty(plan).map_err(|e| EngineError::Unexpected(e.to_string()))?;
    write_durably(files, &format!("runs/{run}/plan.json"), &json)?;
    let name = |load: &crate::plan::PlanLoad| LoadName {
        name: load.name.clone(),
        object: load.object.clone(),
        files: vec![],
    };
    desk.record(Event::RunStarted {
        version: JOURNAL_VERSION,
        run,
        environment: plan.environment.clone(),
        org_id: plan.org_id.clone(),
        inputs: plan.inputs.clone(),
        loads: plan.loads.iter().map(name).collect(),
        rolls_back: plan.rolls_back.as_ref().map(|back| back.run),
    })?;
    for (load, counts) in (0..).zip(&plan.loads) {
        let mut outcomes = [0; 10];
        outcomes[Outcome::Held as usize] = counts.held;
        outcomes[Outcome::Unchanged as usize] = counts.unchanged;
        outcomes[Outcome::Pending as usize] = counts.delete;
        let (source, absent) = (counts.source, 0);
        let (rounded, truncated, blanked, fallbacks) = (0, 0, 0, 0);
        desk.record(Event::Surveyed {
            load,
            source,
            outcomes,
            absent,
            rounded,
            truncated,
            blanked,
            fallbacks,
        })?;
    }
    desk.commit()
}

/// Carries the plan out, or what is left of it.
///
/// # Errors
/// Everything that stops a run; the journal is left so that the next call goes on.
pub(super) async fn carry_out(
    desk: &Desk<'_, '_>,
    books: &mut Books<'_>,
    plan: Plan,
    resumed: bool,
) -> Result<RolledBack, EngineError> {
    match all_steps(desk, books, &plan, resumed).await {
        Ok(exit) => {
            let state = desk.state.borrow().clone();
            Ok(RolledBack { exit, state: Some(state), plan })
        }
        Err(error) => {
            // The journal may be what failed: then there is nothing more to write.
            if !matches!(error, EngineError::Journal(_)) {
                let why = why(&error, desk.stop.asked());
                desk.note(Event::RunPaused {
                    exit: error.exit().code(),
                    why,
                    after: Vec::new(),
                    back: None,
                })?;
                desk.save();
            }
            Err(error)
        }
    }
}

async fn all_steps(
    desk: &Desk<'_, '_>,
    books: &mut Books<'_>,
    plan: &Plan,
    resumed: bool,
) -> Result<Exit, EngineError> {
    if resumed {
        // What was to be deleted was fixed when the run began: its inputs are always the same.
        recover(desk, books, true).await?;
        desk.note(Event::RunResumed { inputs: plan.inputs.clone() })?;
    }
    let batches = plan.rolls_back.as_ref().map_or(&[][..], |back| &back.batches);
    for (step, batch) in plan.steps.iter().zip(batches) {
        one_step(desk, books, step, batch).await?;
    }
    let exit = exit(desk);
    desk.note(Event::RunEnded { ended: Ended::Finished, exit: exit.code() })?;
    desk.save();
    for batch in batches {
        books.open(&batch.object)?.remove_unused()?;
    }
    Ok(exit)
}

/// 68 where a record stays that the run may have created.
fn exit(desk: &Desk<'_, '_>) -> Exit {
    let stays = [Outcome::Held, Outcome::Failed];
    let state = desk.state.borrow();
    let left = state.loads.iter().any(|load| stays.iter().any(|o| load.outcomes[*o as usize] > 0));
    if left { Exit::Partial } else { Exit::Done }
}

async fn one_step(
    desk: &Desk<'_, '_>,
    books: &mut Books<'_>,
    step: &PlanStep,
    batch: &Batch,
) -> Result<(), EngineError> {
    let run = desk.state.borrow().run;
    let list = Reader::open(desk.ports.files, run, step.index, batch)?;
    let done = settled(desk.ports.files, &desk.state.borrow(), step.index)?;
    let done = each_once(done.iter().decode(|bytes| id_at(bytes, 0)).map(|id| id?), |id| *id);
    let mut left = join(list, done, |going| going.id, |id| *id).filter_map(|next| match next {
        Ok(Joined::Left(going)) => Some(Ok(going)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    desk.observer.progress(&Progress::Staging { load: step.name.clone(), rows: step.rows });
    desk.record(step_staged(step))?;
    loop {
        let part = left.by_ref().take(step.part_rows as usize).collect::<io::Result<Vec<Going>>>()?;
        if part.is_empty() {
            break;
        }
        let mut keys = vec![stage(desk, step, batch, part)?];
        while let Some(key) = keys.pop() {
            let collected = desk.send(key).await?;
            keys.extend(settle(desk, books, key, collected)?);
        }
    }
    desk.note(Event::StepDone { step: step.index })?;
    desk.save();
    Ok(())
}

fn step_staged(step: &PlanStep) -> Event {
    let (load, kind, rows) = (step.load, StepKind::Rows, step.rows);
    Event::StepStaged { step: step.index, load, kind, rows, held: 0, rejected: 0, waiting: 0 }
}

/// Writes a part and announces it.
fn stage(
    desk: &Desk<'_, '_>,
    step: &PlanStep,
    batch: &Batch,
    mut part: Vec<Going>,
) -> Result<PartKey, EngineError> {
    let (run, first) = {
        let state = desk.state.borrow();
        let used = state.parts.keys().filter(|k| k.step == step.index).map(|k| k.number + 1).max();
        (state.run, used.unwrap_or(0))
    };
    let key = PartKey { step: step.index, number: first };
    let rows = part.len() as u64;
    let payload = part.iter().fold("Id\n".to_owned(), |text, going| text + &going.id.to_string() + "\n");
    part.sort_unstable_by_key(|going| going.key);
    let index: Vec<u8> = part.iter().flat_map(|going| index(going).encode()).collect();
    let named = |ending: &str, bytes: &[u8]| -> io::Result<NamedFile> {
        let path = format!("data/{run}/rollback-{key}.{ending}");
        write_durably(desk.ports.files, &path, bytes)?;
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        Ok(NamedFile { path, length: bytes.len() as u64, blake3 })
    };
    desk.note(Event::PartStaged {
        part: key,
        load: step.load,
        kind: StepKind::Rows,
        operation: "delete".into(),
        object: batch.object.clone(),
        key: batch.key.clone(),
        form: batch.form.clone(),
        api: step.api,
        attempt: 0,
        rows,
        file: named("csv", payload.as_bytes())?,
        index: named("index", &index)?,
    })?;
    Ok(key)
}

fn index(going: &Going) -> IndexRecord {
    IndexRecord {
        key: going.key,
        payload: 0,
        create: 0,
        id: Some(going.id),
        action: action::DELETE,
        pending: false,
        file: 0,
        line: 0,
        past: Past::default(),
    }
}
