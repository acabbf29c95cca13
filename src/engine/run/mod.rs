//! Executing a plan: how a run begins, its rounds, what goes next (pure), what stops it, and how an interrupted one is brought
//! to rest. Must not know how rows are decided or what becomes of the rows of a part.

mod begin;
mod gate;
mod pauses;
mod recover;
mod rounds;
mod runner;
mod schedule;

pub(in crate::engine) use gate::refused_for_maintenance;
pub use pauses::{PauseAt, Wish, next_pause};
pub(in crate::engine) use recover::{drop_part, recover};
pub use schedule::{Effect, PartProgress, Scheduled, StepProgress, next};

use crate::bind::Bound;
use crate::checkpoint::{RunState, last_kept, last_run};
use crate::diagnostic::Diagnostic;
use crate::engine::context::{Approve, Connected, EngineError, Exit, Observer, Ports, Question, Stop};
use crate::engine::part::desk;
use crate::engine::state::{alive, check_environment};
use crate::manifest::Migration;
use crate::plan::Plan;
use begin::{Before, begin, known, recover_run};
use rounds::Rounds;
use runner::Runner;

/// How an apply ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code.
    pub exit: Exit,
    /// The state at the end.
    pub state: RunState,
    /// The plan that was carried out.
    pub plan: Plan,
}

/// Carries a migration out, going on with an interrupted run where there is one. With `refreshes` the ledgers are built
/// again from what the org has: first, and once more when an interrupted run has come to rest, for what it had under way
/// lands only then.
///
/// # Errors
/// Everything that stops a run, with its exit code; the journal is left so that the next call goes on.
#[expect(clippy::too_many_arguments, reason = "the engine takes everything as arguments, each once")]
pub async fn run(
    ports: Ports<'_>,
    connected: &Connected<'_>,
    migration: &Migration,
    bound: (Bound, Vec<Diagnostic>),
    selected: &[bool],
    refreshes: bool,
    approve: Approve<'_>,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Finished, EngineError> {
    check_environment(&ports, migration, connected, refreshes)?;
    let mut ledgers = known(&ports, connected, &bound.0, refreshes, observer).await?;
    let last = last_run(ports.files)?;
    let (mut resumed, mut run) = (None, last.max(ledgers.last_run()).max(last_kept(ports.store)) + 1);
    let _alive = alive(ports.files, last)?;
    if last > 0 {
        let desk = desk(ports, connected, last, stop, observer, &mut ledgers)?;
        let unfinished = desk.state.borrow().unfinished();
        let before = Before { connected, migration, bound: &bound, selected, refreshes, approve };
        if unfinished && recover_run(&desk, &mut ledgers, &before).await? {
            (resumed, run) = (Some(last), last);
        }
    }
    let rounds = Rounds { ports, connected, migration, selected, approve, observer, run };
    let prepared = rounds.prepare(bound, &mut ledgers, resumed).await?;
    approve(Question::Plan(&prepared.plan))?;
    let _new = if resumed.is_none() { alive(ports.files, run)? } else { None };
    let desk = desk(ports, connected, run, stop, observer, &mut ledgers)?;
    begin(&desk, &prepared, migration, run, resumed)?;
    let plan = prepared.plan.clone();
    let exit = match Runner::new(&desk, &prepared, migration, &mut ledgers).run(false).await? {
        Some(exit) => exit,
        None => rounds.again(&desk, prepared, &mut ledgers).await?,
    };
    let state = desk.state.borrow().clone();
    Ok(Finished { exit, state, plan })
}
