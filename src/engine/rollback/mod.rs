//! Rolling a run back: the records that it created are deleted, children first, by Id; what cannot be undone is said.
//!
//! Owns what a run did (its trail read again), what is there of it now, the plan, and the run that carries it out: a run
//! like any other, with a journal, intents before effects, and the same table for what an interrupted intent means.
//! Must not know manifests beyond the environment: what is deleted is what the journal of the run says.

mod anew;
mod batches;
mod carry;
mod children;
mod fate;
mod forget;
mod lists;
mod look;
mod made;
mod notes;
mod options;
mod past;
mod survey;

pub use options::{RollbackOptions, RolledBack};

use crate::checkpoint::{RunState, last_kept, last_run};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{
    Connected, EngineError, Exit, Observer, Ports, Stop, refused, rollback_under_way,
};
use crate::engine::part::desk;
use crate::engine::state::{Ledgers, alive, check_whole, lost};
use crate::manifest::Migration;
use crate::plan::Plan;
use crate::ports::{cannot, read_text};
use batches::OUT_OF_A_LIST;
use carry::{begin, carry_out};
use options::unnamed;
use std::io::ErrorKind::{InvalidData, NotFound};
use survey::{RollbackSurvey, digest, survey_records};

/// The plan of a rollback; lists of Ids are written beside the state.
///
/// # Errors
/// 81 when the run cannot be rolled back, or another one is not over; the org's refusal; the disk's own.
pub async fn plan_rollback(
    ports: &Ports<'_>,
    connected: &Connected<'_>,
    migration: &Migration,
    options: &RollbackOptions,
    observer: &dyn Observer,
) -> Result<Plan, EngineError> {
    let mut ledgers = Ledgers::new(ports.files, &connected.info.org_id);
    let last = last_run(ports.files)?;
    let stop = Stop::default();
    if last > 0 {
        let state = desk(*ports, connected, last, &stop, observer, &mut ledgers)?.state.into_inner();
        if state.unfinished() {
            return Err(not_over(&state));
        }
    }
    let found = survey_records(ports, connected, migration, options, observer).await?;
    whole(ports, &mut ledgers, &found)?;
    Ok(found.plan)
}

/// Rolls a run back, going on with an interrupted rollback of it where there is one.
///
/// # Errors
/// Everything that stops a run, with its exit code; the journal is left so that the next call goes on.
pub async fn rollback(
    ports: Ports<'_>,
    connected: &Connected<'_>,
    migration: &Migration,
    options: &RollbackOptions,
    approve: &dyn Fn(&Plan) -> Result<(), EngineError>,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<RolledBack, EngineError> {
    let mut ledgers = Ledgers::new(ports.files, &connected.info.org_id);
    let last = last_run(ports.files)?;
    let _alive = alive(ports.files, last)?;
    if last > 0 {
        let desk = desk(ports, connected, last, stop, observer, &mut ledgers)?;
        let state = desk.state.borrow().clone();
        if state.unfinished() {
            if state.rolls_back != Some(options.run) || state.org_id != connected.info.org_id {
                return Err(not_over(&state));
            }
            let plan = stored(&ports, last, &state)?;
            same_options(options, &plan)?;
            approve(&plan)?;
            let carried = carry_out(&desk, &mut ledgers, connected, plan, true).await;
            return carried.map_err(|error| error.of_rollback(options.run));
        }
    }
    let found = survey_records(&ports, connected, migration, options, observer).await?;
    whole(&ports, &mut ledgers, &found)?;
    approve(&found.plan)?;
    forget(&ports, &mut ledgers, &found)?;
    if !found.plan.changes {
        return Ok(RolledBack { exit: nothing_left(&found.plan), state: None, plan: found.plan });
    }
    let run = last.max(ledgers.last_run()).max(last_kept(ports.store)) + 1;
    let _new = alive(ports.files, run)?;
    let desk = desk(ports, connected, run, stop, observer, &mut ledgers)?;
    begin(&desk, &found, run)?;
    // What was found is in the lists of the run now: memory need not hold it any longer.
    let RollbackSurvey { plan, .. } = found;
    let carried = carry_out(&desk, &mut ledgers, connected, plan, false).await;
    carried.map_err(|error| error.of_rollback(options.run))
}

/// What lies in the state folder fits together, with the ledgers of what is to go.
fn whole<'a>(
    ports: &Ports<'a>,
    ledgers: &mut Ledgers<'a>,
    found: &RollbackSurvey<'_>,
) -> Result<(), EngineError> {
    for made in &found.made {
        ledgers.open(&made.object)?;
    }
    check_whole(ports, ledgers)
}

/// A rollback that is under way goes on as it was approved: an order for more, or for something else, would be dropped
/// without a word.
fn same_options(options: &RollbackOptions, plan: &Plan) -> Result<(), EngineError> {
    let Some(back) = &plan.rolls_back else { return Ok(()) };
    let edited = options.include_edited && !back.include_edited;
    if !edited && (options.with.is_empty() || options.with == back.with) {
        return Ok(());
    }
    let message = "the rollback that is under way was approved with other options, and goes on with those";
    let help =
        "leave `--include-edited` and `--with` out; once it is over, roll the run back again with them";
    Err(EngineError::problem(Exit::Usage, Diagnostic::error(Code::PlanNote, message).help(help)))
}

/// What the ledger need not know before anything is deleted: once more does no harm.
fn forget(
    ports: &Ports<'_>,
    ledgers: &mut Ledgers<'_>,
    found: &RollbackSurvey<'_>,
) -> Result<(), EngineError> {
    for (made, fates) in found.made.iter().zip(&found.fates) {
        forget::forget_gone(ports, ledgers, made, fates)?;
    }
    if found.plan.changes {
        for (object, losing) in &found.losing {
            forget::unsettle(ports, ledgers, object, losing)?;
        }
    }
    Ok(())
}

/// 68 where records stay that the run may have created.
fn nothing_left(plan: &Plan) -> Exit {
    let stays = plan.loads.iter().any(|load| load.held > 0);
    if stays || plan.rolls_back.as_ref().is_some_and(unnamed) { Exit::Partial } else { Exit::Done }
}

/// The plan that an interrupted rollback carries out.
fn stored(ports: &Ports<'_>, run: u32, state: &RunState) -> Result<Plan, EngineError> {
    let path = format!("runs/{run}/plan.json");
    let text = match read_text(ports.files, &path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), NotFound | InvalidData) => String::new(),
        Err(error) => return Err(cannot("read", path, error).into()),
    };
    match serde_json::from_str::<Plan>(&text) {
        Ok(plan) if plan.inputs == state.inputs && says_what_it_is_of(&plan) => Ok(plan),
        _ => Err(lost(format!("`{path}` is not the plan that run {run} began with"), OUT_OF_A_LIST)),
    }
}

/// Whether the lists that a plan names are those that its digest is of.
fn says_what_it_is_of(plan: &Plan) -> bool {
    plan.rolls_back.as_ref().is_some_and(|back| digest(&plan.org_id, back) == plan.inputs)
}

/// Another run is under way: what it did is not known yet.
fn not_over(state: &RunState) -> EngineError {
    let run = state.run;
    match state.rolls_back {
        Some(of) => rollback_under_way(run, of),
        None => refused(
            format!("run {run} is not over"),
            "`cutover apply` brings it to its end; roll back after that",
        ),
    }
}
