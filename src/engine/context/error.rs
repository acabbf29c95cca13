//! How a command ends: the exit codes, the one error, and what is said to mend it. A disk that is full or closed to us is a
//! reason to stop, not to give up: what is on it says how to go on.

use crate::checkpoint::{JournalError, PaperError, SECRET};
use crate::diagnostic::{Code, Diagnostic};
use crate::ledger::LedgerError;
use crate::salesforce::OrgError;
use crate::stage::StageError;
use std::io::{Error, ErrorKind};

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
    /// What is remembered beside them.
    #[error(transparent)]
    Paper(#[from] PaperError),
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

    /// The same where a rollback was stopped: that is what goes on where it stopped, not an apply.
    pub(in crate::engine) fn of_rollback(self, run: u32) -> Self {
        if self.exit() != Exit::Interrupted {
            return self;
        }
        let mut problems = self.diagnostics();
        let again = format!("`cutover rollback {run}`");
        for help in problems.iter_mut().filter_map(|problem| problem.help.as_mut()) {
            *help = help.replace("`cutover apply`", &again);
        }
        Self::Problems(Exit::Interrupted, problems)
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
            StageError::Changed(path) => source_changed(&path, "while it was being read"),
            StageError::Problems(problems) => Self::Problems(Exit::Invalid, problems),
        }
    }
}

/// A source that has changed: no fault of the disk. What is open settles; then there is a new plan to be made.
pub(in crate::engine) fn source_changed(path: &str, when: &str) -> EngineError {
    let help = "let the source rest, then run `cutover apply` again: it makes a new plan";
    refused(format!("{path} changed {when}"), help)
}

/// A rollback is under way: nothing else may be done before it is over.
pub(in crate::engine) fn rollback_under_way(run: u32, of: u32) -> EngineError {
    refused(
        format!("run {run}, the rollback of run {of}, is not over"),
        &format!("`cutover rollback {of}` goes on where it stopped"),
    )
}

/// A run that cannot be rolled back, and why.
pub(in crate::engine) fn refused(message: impl Into<String>, help: &str) -> EngineError {
    EngineError::problem(Exit::Stale, Diagnostic::error(Code::StalePlan, message).help(help))
}

/// The way out where a journal, or a file that it names, is lost: what the org holds is adopted by key.
pub(in crate::engine) const OUT_OF_A_JOURNAL: &str = "restore it from a copy; or let the org finish the jobs of that run, move the run's folder (`runs/…`) out of the state folder and run `cutover apply --refresh` (`cutover state check` lists all that is wrong)";
const OUT_OF_A_LEDGER: &str = "restore it from a copy; or move that object's folder out of the state folder and run `cutover apply --refresh`: it is built anew from what the org holds (`cutover state check` lists all that is wrong)";
const OTHER_VERSION: &str = "use the cutover that wrote it, or a newer one: a newer one reads what an older one wrote, or says why not";
const GO_ON: &str = "run `cutover apply` again: it goes on where it stopped";

/// The exit code and the help of an error that does not bring its own.
fn advice(error: &EngineError) -> (Exit, Code, String) {
    let (exit, code, help) = match error {
        EngineError::Org(error) => of_org(error),
        EngineError::Journal(JournalError::Disk(error))
        | EngineError::Paper(PaperError::Disk(error))
        | EngineError::Ledger(LedgerError::Io(error))
        | EngineError::Disk(error) => return of_disk(error),
        EngineError::Journal(error) => of_journal(error),
        EngineError::Ledger(LedgerError::Version { .. }) => (Exit::Invalid, Code::State, OTHER_VERSION),
        EngineError::Ledger(LedgerError::Damaged { .. }) => (Exit::Invalid, Code::State, OUT_OF_A_LEDGER),
        EngineError::Paper(PaperError::Version { .. }) => (Exit::Invalid, Code::State, OTHER_VERSION),
        EngineError::Paper(PaperError::Damaged { path, .. }) => {
            (Exit::Invalid, Code::State, out_of_a_paper(path))
        }
        _ => (Exit::Unexpected, Code::State, "nothing is lost: run `cutover status` to see what is recorded"),
    };
    (exit, code, help.to_owned())
}

fn of_org(error: &OrgError) -> (Exit, Code, &'static str) {
    match error {
        error if error.is_maintenance() => (
            Exit::Interrupted,
            Code::OrgRefused,
            "the org takes no writes while it is maintained: run `cutover apply` again once that is over, it goes on where it stopped",
        ),
        OrgError::Refused { .. } | OrgError::Login(_) => {
            (Exit::Refused, Code::OrgRefused, "log in again, or ask for the permission")
        }
        error if error.is_limit() => (
            Exit::Interrupted,
            Code::OrgRefused,
            "the org's allowance comes back within a day: then run `cutover apply` again, it goes on where it stopped",
        ),
        OrgError::Transport(_) | OrgError::Api { status: 500.., .. } => {
            (Exit::Interrupted, Code::OrgUnreachable, GO_ON)
        }
        _ => (Exit::Unexpected, Code::OrgUnreachable, GO_ON),
    }
}

fn of_journal(error: &JournalError) -> (Exit, Code, &'static str) {
    let help = match error {
        JournalError::Version { .. } | JournalError::Foreign { .. } => OTHER_VERSION,
        JournalError::Broken(_) => return (Exit::Interrupted, Code::State, GO_ON),
        _ => OUT_OF_A_JOURNAL,
    };
    (Exit::Invalid, Code::State, help)
}

/// The way out where one of the small files beside the journals is damaged.
pub(in crate::engine) fn out_of_a_paper(path: &str) -> &'static str {
    if path == SECRET {
        "restore it from a copy; or remove it: then plans that were saved are stale, and hashes that were exported match no later ones"
    } else {
        "restore it from a copy; or remove it: then the orgs of the environments are those that the journals name"
    }
}

/// What people can mend and then go on from is an interruption; any other fault of a disk is unexpected.
fn of_disk(error: &Error) -> (Exit, Code, String) {
    let mend = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on that disk",
        ErrorKind::FileTooLarge => {
            "raise the limit on the size of files (`ulimit -f`, or the file system's own)"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "let this user read and write the state folder and all that is in it"
        }
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
            "something else stands in that place of the state folder: move it away"
        }
        _ => return (Exit::Unexpected, Code::State, format!("see to that disk; then {GO_ON}")),
    };
    (Exit::Interrupted, Code::State, format!("{mend}; then {GO_ON}"))
}

#[cfg(test)]
mod tests {
    use super::advice;
    use crate::checkpoint::{JournalError, PaperError};
    use crate::engine::{EngineError, Exit};
    use crate::ledger::LedgerError;
    use std::io::{Error, ErrorKind};

    #[test]
    fn a_disk_that_can_be_mended_interrupts_wherever_it_is_met() {
        let met: [fn(Error) -> EngineError; 4] = [
            EngineError::Disk,
            |e| JournalError::Disk(e).into(),
            |e| LedgerError::Io(e).into(),
            |e| PaperError::Disk(e).into(),
        ];
        for (kind, exit, word) in [
            (ErrorKind::StorageFull, Exit::Interrupted, "make room"),
            (ErrorKind::FileTooLarge, Exit::Interrupted, "ulimit"),
            (ErrorKind::PermissionDenied, Exit::Interrupted, "let this user"),
            (ErrorKind::NotADirectory, Exit::Interrupted, "move it away"),
            (ErrorKind::Other, Exit::Unexpected, "see to that disk"),
        ] {
            for met in met {
                let (told, _, help) = advice(&met(Error::new(kind, "x")));
                assert!(told == exit && help.contains(word) && help.contains("goes on"), "{kind}: {help}");
            }
        }
    }
}
