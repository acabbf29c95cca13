//! Carrying a rollback out: step by step, part by part, one after the other; children are gone before their parents'
//! turn, and locks meet rarely.

use super::anew::{Anew, Refusals, look_again, surveyed};
use super::batches::{self, Going, Reader, settled};
use super::made::id_at;
use super::options::{RolledBack, unnamed};
use super::survey::RollbackSurvey;
use crate::checkpoint::{Ended, Event, JOURNAL_VERSION, LoadName, NamedFile, PartKey, PartState, RunNames};
use crate::engine::context::{Connected, EngineError, Exit, Progress};
use crate::engine::part::{Desk, settle};
use crate::engine::run::{drop_part, recover, refused_for_maintenance};
use crate::engine::state::{Ledgers, each_once, exit_of, why};
use crate::ledger::merge::{Joined, join};
use crate::model::Outcome;
use crate::plan::{Batch, Plan, PlanStep, StepKind};
use crate::ports::write_durably;
use crate::salesforce::OrgError;
use crate::stage::{IndexRecord, Past, action};
use std::io;

/// The first events: which run is rolled back, and what is to be done of each load. The lists of what to delete and
/// the plan are durable before.
pub(super) fn begin(desk: &Desk<'_, '_>, found: &RollbackSurvey<'_>, run: u32) -> Result<(), EngineError> {
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
        names: RunNames::of(plan),
    })?;
    for (load, counts) in (0..).zip(&plan.loads) {
        let mut outcomes = [0; 10];
        outcomes[Outcome::Held as usize] = counts.held;
        outcomes[Outcome::Unchanged as usize] = counts.unchanged;
        outcomes[Outcome::Pending as usize] = counts.delete;
        desk.record(surveyed(load, counts.source, outcomes))?;
    }
    desk.commit()
}

/// Carries the plan out, or what is left of it.
///
/// # Errors
/// Everything that stops a run; the journal is left so that the next call goes on.
pub(super) async fn carry_out(
    desk: &Desk<'_, '_>,
    ledgers: &mut Ledgers<'_>,
    connected: &Connected<'_>,
    mut plan: Plan,
    resumed: bool,
) -> Result<RolledBack, EngineError> {
    match all_steps(desk, ledgers, connected, &mut plan, resumed).await {
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
    ledgers: &mut Ledgers<'_>,
    connected: &Connected<'_>,
    plan: &mut Plan,
    resumed: bool,
) -> Result<Exit, EngineError> {
    let (mut anew, mut refusals) = (None, Refusals::new());
    if resumed {
        // An upload that is not closed is given up: its records are looked at again before they go.
        recover(desk, ledgers, false).await?;
        desk.note(Event::RunResumed { inputs: plan.inputs.clone() })?;
        anew = Some(look_again(desk, ledgers, connected, plan, &refusals).await?);
    }
    let batches = plan.rolls_back.as_ref().map_or(Vec::new(), |back| back.batches.clone());
    for (step, batch) in plan.steps.clone().iter().zip(&batches) {
        if let Some(words) = one_step(desk, ledgers, step, batch, anew.as_ref()).await? {
            // The files of the one make room for those of the other.
            drop(anew.take());
            refusals
                .insert(batch.object.clone(), format!("the job that would delete them was refused: {words}"));
            anew = Some(look_again(desk, ledgers, connected, plan, &refusals).await?);
        }
        desk.note(Event::StepDone { step: step.index })?;
        desk.save();
    }
    let exit = exit_of(&desk.state.borrow(), Ended::Finished, exit(desk, plan));
    desk.note(Event::RunEnded { ended: Ended::Finished, exit: exit.code() })?;
    desk.save();
    for batch in &batches {
        ledgers.open(&batch.object)?.remove_unused()?;
    }
    Ok(exit)
}

/// 68 where a record stays that the run may have created.
fn exit(desk: &Desk<'_, '_>, plan: &Plan) -> Exit {
    let stays = [Outcome::Held, Outcome::Failed];
    let state = desk.state.borrow();
    let left = state.loads.iter().any(|load| stays.iter().any(|o| load.outcomes[*o as usize] > 0));
    if left || plan.rolls_back.as_ref().is_some_and(unnamed) { Exit::Partial } else { Exit::Done }
}

/// Deletes what is left of a step. Gives the org's words where it refused a job: nothing of the step goes then.
async fn one_step(
    desk: &Desk<'_, '_>,
    ledgers: &mut Ledgers<'_>,
    step: &PlanStep,
    batch: &Batch,
    anew: Option<&Anew<'_>>,
) -> Result<Option<String>, EngineError> {
    let run = desk.state.borrow().run;
    let list = Reader::open(&desk.ports, run, step.index, batch)?;
    let done = settled(desk.ports.files, &desk.state.borrow(), step.index, |_| true)?;
    let done = each_once(done.iter().decode(|bytes| id_at(bytes, 0)).map(|id| id?), |id| *id);
    let left = join(list, done, |going| going.id, |id| *id).filter_map(|next| match next {
        Ok(Joined::Left(going)) => Some(Ok(going)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    let mut left: Box<dyn Iterator<Item = io::Result<Going>> + '_> = match anew {
        Some(anew) => anew.still_going(&batch.object, left),
        None => Box::new(left),
    };
    desk.observer.progress(&Progress::Staging { load: step.name.clone(), rows: step.rows });
    desk.record(step_staged(step))?;
    loop {
        let part = left.by_ref().take(step.part_rows as usize).collect::<io::Result<Vec<Going>>>()?;
        if part.is_empty() {
            return Ok(None);
        }
        let refusal = send(desk, ledgers, stage(desk, step, batch, part)?).await?;
        if refusal.is_some() {
            return Ok(refusal);
        }
    }
}

/// Takes a part to the org and back, and the rows of it that go again. Gives the org's words where it refused a job.
async fn send(
    desk: &Desk<'_, '_>,
    ledgers: &mut Ledgers<'_>,
    part: PartKey,
) -> Result<Option<String>, EngineError> {
    let mut keys = vec![part];
    while let Some(key) = keys.pop() {
        match desk.send(key).await {
            Ok(collected) => {
                let maintained = collected.met_maintenance();
                keys.extend(settle(desk, ledgers, key, collected)?);
                if maintained {
                    return Err(refused_for_maintenance().error);
                }
            }
            Err(error) if refuses_the_job(desk.part(key)?.state, &error) => {
                keys.push(key);
                keys.into_iter().try_for_each(|key| drop_part(desk, key, "the org refused its job"))?;
                return Ok(Some(error.to_string()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether the org will make no job that deletes these records, now or later: with this login, neither rollback nor apply
/// would ever go on. A limit and a maintenance pass, and a login may be mended.
fn refuses_the_job(state: PartState, error: &EngineError) -> bool {
    let EngineError::Org(error) = error else { return false };
    let refuses =
        matches!(error, OrgError::Api { status: 400..=499, .. } | OrgError::Refused { status: 403, .. });
    state == PartState::Intent && refuses && !error.is_limit() && !error.is_maintenance()
}

fn step_staged(step: &PlanStep) -> Event {
    let (load, kind, rows) = (step.load, StepKind::Rows, step.rows);
    Event::StepStaged { step: step.index, load, kind, rows, held: 0, rejected: 0, waiting: 0, dated: false }
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
        assign: None,
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
