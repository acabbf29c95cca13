//! Beginning a run: its journal opened, an interrupted one brought to rest, and the first events written.

use super::recover::{drop_part, recover};
use crate::bind::Bound;
use crate::checkpoint::{
    Ended, Environments, Event, JOURNAL_VERSION, LoadName, Part, PartKey, PartState, RunNames,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{
    Approve, Connected, EngineError, Exit, Interrupted, Observer, Ports, Progress, Question,
    rollback_under_way,
};
use crate::engine::part::Desk;
use crate::engine::prepare::{Prepared, refresh};
use crate::engine::state::{Ledgers, check_whole, keep_rest, remember};
use crate::manifest::{Migration, OrgLogin};

/// What a run that was interrupted before is held against.
pub(super) struct Before<'x, 'c> {
    pub(super) connected: &'x Connected<'c>,
    pub(super) migration: &'x Migration,
    pub(super) bound: &'x (Bound, Vec<Diagnostic>),
    pub(super) selected: &'x [bool],
    /// Whether the ledgers are to be built again once it is at rest: what it had under way lands only then.
    pub(super) refreshes: bool,
    pub(super) approve: Approve<'x>,
}

/// Finishes what an interrupted run had under way, if whoever is asked agrees. True when the run goes on, because its
/// inputs are the same.
pub(super) async fn recover_run(
    desk: &Desk<'_, '_>,
    ledgers: &mut Ledgers<'_>,
    before: &Before<'_, '_>,
) -> Result<bool, EngineError> {
    let Before { connected, migration, bound, selected, refreshes, approve } = before;
    let (org, run, inputs, rolls_back) = {
        let state = desk.state.borrow();
        (state.org_id.clone(), state.run, state.inputs.clone(), state.rolls_back)
    };
    if org != connected.info.org_id && *refreshes && was_thrown_away(desk, migration)? {
        return give_up(desk, run).map(|()| false);
    }
    if let Some(of) = rolls_back {
        return Err(rollback_under_way(run, of));
    }
    if org != connected.info.org_id {
        return Err(of_another_org(run, &org, &connected.info.org_id));
    }
    let sources = crate::engine::prepare::marks(&desk.ports, migration)?;
    let now = crate::engine::prepare::digest(&desk.ports, migration, &bound.0, connected, &sources, selected);
    let same = now == inputs;
    let waiting = Interrupted::of(&desk.state.borrow(), same);
    if let Some(waiting) = &waiting {
        approve(Question::GoOn(waiting))?;
    }
    recover(desk, ledgers, same).await?;
    if !same {
        supersede(desk, run, "its inputs have changed")?;
    }
    if *refreshes {
        refresh(&desk.ports, desk.client, &bound.0, ledgers, desk.observer).await?;
    }
    Ok(same)
}

/// The run is over: a new plan takes its place.
fn supersede(desk: &Desk<'_, '_>, run: u32, because: &str) -> Result<(), EngineError> {
    keep_rest(desk.ports.files, run)?;
    desk.note(Event::RunEnded { ended: Ended::Superseded, exit: Exit::Interrupted.code() })?;
    desk.save();
    let note = format!("run {run} was not finished and {because}: it is superseded by a new plan");
    desk.observer.progress(&Progress::Note(note));
    Ok(())
}

/// Whether the org of an unfinished run was this environment's own local org, in whose place there is another one: then
/// what became of its rows can no longer be asked.
fn was_thrown_away(desk: &Desk<'_, '_>, migration: &Migration) -> Result<bool, EngineError> {
    let local = matches!(migration.environment.org, OrgLogin::Local { .. });
    let state = desk.state.borrow();
    let remembered = Environments::read(desk.ports.files)?;
    // An environment that led to a real org before leads to a local one now: the real one is still there.
    let own =
        remembered.org_of(&state.environment).is_some_and(|org| org.local && org.org_id == state.org_id);
    Ok(local && own && state.environment == migration.environment.name)
}

/// What waited in an org that is gone is given up, with the rows that lie on the disk for it.
fn give_up(desk: &Desk<'_, '_>, run: u32) -> Result<(), EngineError> {
    let open: Vec<(PartKey, Part)> = {
        let state = desk.state.borrow();
        let open = state.parts.iter().filter(|(_, part)| !part.state.is_over());
        open.map(|(key, part)| (*key, part.clone())).collect()
    };
    for (key, part) in open {
        match part.state {
            PartState::Closed | PartState::Calling => {
                desk.ports.files.remove(&part.file.path)?;
                desk.ports.files.remove(&part.index.path)?;
            }
            _ => drop_part(desk, key, "its org is gone")?,
        }
    }
    supersede(desk, run, "its org is gone")
}

fn of_another_org(run: u32, org: &str, here: &str) -> EngineError {
    let message = format!("run {run} was begun in org {org} and is not finished; this is {here}");
    let help = "apply it to its own org first, or use another state folder (`--state-dir`) for this one; where its org is gone, move the run's folder out of `runs` in the state folder, and apply with `--refresh`";
    EngineError::problem(Exit::Stale, Diagnostic::error(Code::StalePlan, message).help(help))
}

/// The first events of a run: who it is, and what the survey found.
pub(super) fn begin(
    desk: &Desk<'_, '_>,
    prepared: &Prepared<'_>,
    migration: &Migration,
    run: u32,
    resumed: Option<u32>,
) -> Result<(), EngineError> {
    let plan = &prepared.plan;
    if resumed.is_some() {
        desk.record(Event::RunResumed { inputs: plan.inputs.clone() })?;
    } else {
        started(desk, prepared, migration, run)?;
    }
    for (load, (scan, decided)) in prepared.survey.scans.iter().zip(&prepared.survey.decided).enumerate() {
        desk.record(Event::Surveyed {
            load: load as u16,
            source: scan.source,
            outcomes: decided.outcomes,
            absent: decided.absent,
            quotes: scan.quotes,
            lenient: plan.loads[load].lenient.clone(),
        })?;
    }
    desk.commit()
}

/// The run's own beginning; its plan, and to which org its environment leads, are durable before.
fn started(
    desk: &Desk<'_, '_>,
    prepared: &Prepared<'_>,
    migration: &Migration,
    run: u32,
) -> Result<(), EngineError> {
    let plan = &prepared.plan;
    remember(desk.ports.files, migration, &plan.org_id)?;
    let json = serde_json::to_vec_pretty(plan).map_err(|e| EngineError::Unexpected(e.to_string()))?;
    crate::ports::write_durably(desk.ports.files, &format!("runs/{run}/plan.json"), &json)?;
    let loads = migration.loads.iter().zip(&prepared.bound.loads);
    let name = |(load, bound): (&crate::manifest::Load, &crate::bind::BoundLoad)| LoadName {
        name: load.name.clone(),
        object: bound.object.clone(),
        files: load.files.clone(),
    };
    desk.record(Event::RunStarted {
        version: JOURNAL_VERSION,
        run,
        environment: plan.environment.clone(),
        org_id: plan.org_id.clone(),
        inputs: plan.inputs.clone(),
        loads: loads.map(name).collect(),
        rolls_back: None,
        names: RunNames::of(plan),
    })?;
    Ok(())
}

/// What is known of each object, whole; built again from what the org has where that is wanted.
///
/// # Errors
/// What does not fit together; the org's refusal, or the disk's own.
pub(super) async fn known<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    bound: &Bound,
    refreshes: bool,
    observer: &dyn Observer,
) -> Result<Ledgers<'a>, EngineError> {
    let mut ledgers = Ledgers::new(ports.files, &connected.info.org_id);
    if refreshes {
        refresh(ports, &connected.client, bound, &mut ledgers, observer).await?;
    }
    for object in &bound.objects {
        ledgers.open(&object.name)?;
    }
    check_whole(ports, &ledgers)?;
    Ok(ledgers)
}
