//! The engine: prepare a plan, then run it.
//!
//! [`prepare`] asks the org what must be known, reads every row once and makes the plan; [`run`] carries it out:
//! `next(plan, state) -> effects` (pure), one async loop, and the table of what an interrupted intent means. Takes
//! all its ports as arguments; must not know arguments, the environment, the home folder or the terminal.

mod context;
pub mod inspect;
mod part;
mod prepare;
mod rollback;
mod run;
mod state;

pub use context::{
    Approve, CRASH_TABLE, Connected, CrashRow, EngineError, Exit, Interrupted, Left, Leftover, Need,
    Observer, Ports, Progress, Question, Quiet, Recovery, Short, Stop, Window, connect, free_again,
    is_protected, short_of, window,
};
pub use prepare::{Forecast, PrepareOptions, Prepared, Surveyed, bound, forecast, prepare};
pub use rollback::{RollbackOptions, RolledBack, plan_rollback, rollback};
pub use run::{
    Effect, Finished, PartProgress, PauseAt, Scheduled, StepProgress, Wish, next, next_pause, run,
};
pub use state::{Ledgers, Standing, check_environment, part_word, recovery_of, under_way, why_in_words};
