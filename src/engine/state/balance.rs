//! Whether all rows are accounted for: asked before anything is sent, and once a run is over. Where they are not, we have
//! counted wrong, and what else is wrong is not known: that is never a success.

use crate::checkpoint::{Ended, RunState};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{EngineError, Exit};
use crate::plan::Plan;

/// A plan whose rows do not add up is not carried out.
///
/// # Errors
/// 1, with the loads.
pub(in crate::engine) fn check_plan(plan: &Plan) -> Result<(), EngineError> {
    let wrong = plan.loads.iter().filter(|load| !load.balances());
    let problems: Vec<Diagnostic> = wrong
        .map(|load| {
            let message = format!(
                "the plan does not balance: {} has {} rows in its source, and {} with an outcome: a fault of cutover's",
                load.name,
                load.source,
                load.decided()
            );
            let help = "nothing was sent: keep the sources and the state folder, and report it";
            Diagnostic::error(Code::State, message).help(help)
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(EngineError::Problems(Exit::Unexpected, problems)) }
}

/// The exit code of a run that is over: 1 where its rows do not add up, whatever it would be otherwise.
pub(in crate::engine) fn exit_of(state: &RunState, ended: Ended, exit: Exit) -> Exit {
    let whole = ended == Ended::Finished;
    if state.loads.iter().all(|load| load.balances(whole)) { exit } else { Exit::Unexpected }
}

#[cfg(test)]
mod tests {
    use super::exit_of;
    use crate::checkpoint::{Ended, LoadName, LoadState, References, RunState};
    use crate::engine::Exit;

    fn run(outcomes: [u64; 10], surplus: u64) -> RunState {
        let name = LoadName { name: "a".into(), object: "Account".into(), files: Vec::new() };
        let references = References::default();
        let load = LoadState {
            name,
            source: 5,
            outcomes,
            absent: 0,
            quotes: 0,
            lenient: Vec::new(),
            references,
            surplus,
        };
        RunState { run: 3, loads: vec![load], ..RunState::default() }
    }

    #[test]
    fn a_run_that_does_not_balance_is_never_a_success() {
        let (done, more, fewer, left) = (
            run([0, 0, 0, 0, 0, 5, 0, 0, 0, 0], 0),
            run([0, 0, 0, 0, 0, 6, 0, 0, 0, 0], 1),
            run([0, 0, 0, 0, 0, 4, 0, 0, 0, 0], 0),
            run([0, 0, 0, 0, 0, 4, 0, 0, 0, 1], 0),
        );
        for exit in [Exit::Done, Exit::Partial, Exit::Budget] {
            assert_eq!(exit_of(&done, Ended::Finished, exit), exit);
            for wrong in [&more, &fewer, &left] {
                assert_eq!(exit_of(wrong, Ended::Finished, exit), Exit::Unexpected, "{:?}", wrong.loads);
            }
        }
        assert_eq!(exit_of(&left, Ended::Budget, Exit::Budget), Exit::Budget, "a budget leaves rows");
        // Rows taken from more than there were, though the sum is right.
        let twice = run([0, 0, 0, 0, 0, 5, 0, 0, 0, 0], 1);
        assert_eq!(exit_of(&twice, Ended::Finished, Exit::Done), Exit::Unexpected);
    }
}
