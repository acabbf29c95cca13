//! Exit codes, and the errors that carry them.

use super::advice::advice;
use crate::checkpoint::JournalError;
use crate::diagnostic::Diagnostic;
use crate::ledger::LedgerError;
use crate::salesforce::OrgError;
use crate::stage::StageError;

/// Exit codes: public and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Unexpected: a bug, or a disk that does not do what disks do.
    Unexpected = 1,
    /// The plan has changes; only with `--detailed-exitcode`.
    Changes = 2,
    /// The command line is wrong.
    Usage = 64,
    /// The manifest or the data is invalid.
    Invalid = 65,
    /// Finished; some rows were rejected, held or failed, or are left to the next apply.
    Partial = 68,
    /// Interrupted; the next apply goes on.
    Interrupted = 69,
    /// Another run holds the state.
    Locked = 75,
    /// The org refused us: login or permission.
    Refused = 77,
    /// The plan is stale, or this is the wrong org.
    Stale = 81,
    /// The failure budget is spent.
    Budget = 84,
    /// Verify found differences.
    Differences = 85,
}

impl Exit {
    /// Every code with its meaning, for the documentation and its test.
    pub const ALL: [(Exit, &'static str); 12] = [
        (Self::Done, "done"),
        (Self::Unexpected, "unexpected"),
        (Self::Changes, "plan has changes, only with `--detailed-exitcode`"),
        (Self::Usage, "usage"),
        (Self::Invalid, "manifest or data invalid"),
        (Self::Partial, "finished, some rows rejected, held, failed or left to the next apply"),
        (Self::Interrupted, "interrupted, resumable"),
        (Self::Locked, "another run holds the state"),
        (Self::Refused, "the org refused us (login, permission)"),
        (Self::Stale, "plan stale or wrong org"),
        (Self::Budget, "failure budget spent"),
        (Self::Differences, "verify found differences"),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Problems that people can mend, with the exit code they come to.
    #[error("{}", .1.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Exit, Vec<Diagnostic>),
    /// The org.
    #[error(transparent)]
    Org(#[from] OrgError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A disk.
    #[error("{0}")]
    Disk(#[from] std::io::Error),
    /// Something that cannot be.
    #[error("{0}")]
    Unexpected(String),
}

impl EngineError {
    /// One problem with its exit code.
    pub fn problem(exit: Exit, problem: Diagnostic) -> Self {
        Self::Problems(exit, vec![problem])
    }

    /// The exit code it comes to.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problems(exit, _) => *exit,
            error => advice(error).0,
        }
    }

    /// What to show.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        if let Self::Problems(_, problems) = self {
            return problems.clone();
        }
        let (_, code, help) = advice(self);
        vec![Diagnostic::error(code, self.to_string()).help(help)]
    }
}

impl From<StageError> for EngineError {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Disk(error) => Self::Disk(error),
            StageError::Problems(problems) => Self::Problems(Exit::Invalid, problems),
        }
    }
}
