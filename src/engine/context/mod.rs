//! What everything in the engine is handed: ports, the connection to the org, errors with their exit codes and advice,
//! the questions asked before a write, the day's allowance, and the crash table. Must not know any other room of the engine.

mod allowance;
mod approve;
mod connect;
mod crash_table;
mod error;
mod ports;

pub(in crate::engine) use allowance::DAY;
pub use allowance::{Left, Leftover, Need, Short, free_again, short_of};
pub use approve::{Approve, Interrupted, Question};
pub use connect::{Connected, connect, is_protected};
pub use crash_table::{CRASH_TABLE, CrashRow, Recovery, Window, window};
pub use error::{EngineError, Exit};
pub(in crate::engine) use error::{
    OUT_OF_A_JOURNAL, out_of_a_paper, refused, rollback_under_way, source_changed,
};
pub use ports::{Observer, Ports, Progress, Quiet, Stop};
