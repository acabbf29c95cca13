//! What is asked before anything is written to the org, and who answers. Must not know how a plan is made or executed.

use super::error::EngineError;
use crate::checkpoint::{Part, PartState, RunState};
use crate::plan::Plan;

/// Asked before anything is written to the org: whether to go on.
pub type Approve<'x> = &'x dyn Fn(Question<'_>) -> Result<(), EngineError>;

/// What is asked.
pub enum Question<'q> {
    /// Whether to go on with an interrupted run whose parts wait in the org: bringing them to rest writes there.
    GoOn(&'q Interrupted),
    /// Whether to carry out a plan.
    Plan(&'q Plan),
    /// Whether the run goes on with what refers to records that the org made anew in it.
    Again(&'q Plan),
}

/// An interrupted run whose parts wait in the org for a word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interrupted {
    /// The run.
    pub run: u32,
    /// Its environment.
    pub environment: String,
    /// Its org.
    pub org_id: String,
    /// Parts whose upload may not be closed: going on closes it or makes its calls again, or aborts their jobs.
    pub parts: u64,
    /// Rows that going on would write.
    pub rows: u64,
    /// Those of them that delete a record.
    pub deletes: u64,
}

impl Interrupted {
    /// What going on would write to the org; nothing where no part waits. With inputs that have changed jobs are
    /// aborted, and no row is written.
    pub(in crate::engine) fn of(state: &RunState, same_inputs: bool) -> Option<Self> {
        let waits = |part: &&Part| match part.state {
            PartState::Created | PartState::Uploaded => true,
            PartState::Calling => same_inputs,
            _ => false,
        };
        let (environment, org_id) = (state.environment.clone(), state.org_id.clone());
        let mut found = Self { run: state.run, environment, org_id, ..Self::default() };
        for part in state.parts.values().filter(waits) {
            found.parts += 1;
            if same_inputs && part.state != PartState::Created {
                found.rows += part.rows;
                found.deletes += if part.deletes() { part.rows } else { 0 };
            }
        }
        (found.parts > 0).then_some(found)
    }
}
