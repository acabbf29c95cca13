//! What to roll back and how far, and how a rollback ended.

use crate::checkpoint::RunState;
use crate::engine::context::Exit;
use crate::plan::{Plan, RollsBack};

/// What to roll back, and how far.
#[derive(Debug, Clone, Default)]
pub struct RollbackOptions {
    /// The run.
    pub run: u32,
    /// Whether records that were edited since go too.
    pub include_edited: bool,
    /// Objects whose records may go with their parents though the run did not create them.
    pub with: Vec<String>,
}

/// How a rollback ended.
#[derive(Debug)]
pub struct RolledBack {
    /// The exit code.
    pub exit: Exit,
    /// The state of the run that did it; nothing where there was nothing to delete.
    pub state: Option<RunState>,
    /// The plan that was carried out.
    pub plan: Plan,
}

/// Whether the run may have created records that nobody can name.
pub(super) fn unnamed(back: &RollsBack) -> bool {
    back.loads.iter().any(|load| load.unnamed > 0)
}
