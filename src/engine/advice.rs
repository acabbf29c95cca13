//! What to do about an error: with which exit code it ends and what is said to mend it. A disk that is full or closed
//! to us is a reason to stop, not to give up: what is on it says how to go on.

use super::exit::{EngineError, Exit};
use crate::checkpoint::JournalError;
use crate::diagnostic::Code;
use crate::ledger::LedgerError;
use crate::salesforce::OrgError;
use std::io::{Error, ErrorKind};

/// The way out where a journal, or a file that it names, is lost: what the org holds is adopted by key.
pub(super) const OUT_OF_A_JOURNAL: &str = "restore it from a copy; or let the org finish the jobs of that run, move the run's folder (`runs/…`) out of the state folder and run `cutover apply --refresh` (`cutover state check` lists all that is wrong)";
const OUT_OF_A_LEDGER: &str = "restore it from a copy; or move that object's folder out of the state folder and run `cutover apply --refresh`: it is built anew from what the org holds (`cutover state check` lists all that is wrong)";
const OTHER_VERSION: &str = "use the cutover that wrote it, or a newer one: a newer one reads what an older one wrote, or says why not";
const GO_ON: &str = "run `cutover apply` again: it goes on where it stopped";

/// The exit code and the help of an error that does not bring its own.
pub(super) fn advice(error: &EngineError) -> (Exit, Code, String) {
    let (exit, code, help) = match error {
        EngineError::Org(error) => of_org(error),
        EngineError::Journal(JournalError::Disk(error))
        | EngineError::Ledger(LedgerError::Io(error))
        | EngineError::Disk(error) => return of_disk(error),
        EngineError::Journal(error) => of_journal(error),
        EngineError::Ledger(LedgerError::Version { .. }) => (Exit::Invalid, Code::State, OTHER_VERSION),
        EngineError::Ledger(LedgerError::Damaged { .. }) => (Exit::Invalid, Code::State, OUT_OF_A_LEDGER),
        _ => (Exit::Unexpected, Code::State, "nothing is lost: run `cutover status` to see what is recorded"),
    };
    (exit, code, help.to_owned())
}

fn of_org(error: &OrgError) -> (Exit, Code, &'static str) {
    match error {
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
    use crate::checkpoint::JournalError;
    use crate::engine::{EngineError, Exit};
    use crate::ledger::LedgerError;
    use std::io::{Error, ErrorKind};

    #[test]
    fn a_disk_that_can_be_mended_interrupts_wherever_it_is_met() {
        let met: [fn(Error) -> EngineError; 3] =
            [EngineError::Disk, |e| JournalError::Disk(e).into(), |e| LedgerError::Io(e).into()];
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
