//! What an interrupted intent means: a table of what the journal says, what the org answers and what is done. Pure.

use crate::checkpoint::PartState;
use crate::salesforce::JobStage;

/// What to do with a part that an interrupted run left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Give it up: the org saw none of its rows. They are decided anew.
    Drop,
    /// A job may exist that we do not know: give the part up, touch nothing, and say so.
    DropAndTell,
    /// Abort the job, then give the part up.
    AbortThenDrop,
    /// Close the upload, then collect.
    CloseThenCollect,
    /// Wait for the job and read its results.
    Collect,
    /// Make all its calls again.
    CallAgain,
    /// Ask for what can be asked for, and count the rest as failed: what became of it is unknown.
    GiveUpCalls,
    /// Publish the segment that the journal names.
    Publish,
    /// Nothing is left to do but to clear away.
    Nothing,
}

/// In which window between two commits a run was cut off, as far as one part of it goes: the rows of [`CRASH_TABLE`],
/// in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    /// Staged, no intent.
    Staged,
    /// A job was about to be made.
    Intent,
    /// A job was made, its upload not confirmed.
    Created,
    /// Uploaded, the job is open, the inputs are the same.
    UploadedOpen,
    /// Uploaded, the job is open, the inputs have changed.
    UploadedOpenChanged,
    /// Uploaded, and the job is closed or over.
    UploadedOver,
    /// Uploaded, and the org no longer knows the job.
    UploadedGone,
    /// Closed, and the org knows the job.
    Closed,
    /// Closed, and the org no longer knows the job.
    ClosedGone,
    /// Calls were under way, the inputs are the same.
    Calls,
    /// Calls were under way, the inputs have changed.
    CallsChanged,
    /// Settled, and the ledger does not have it.
    Unpublished,
    /// Settled or dropped; files may be left.
    Over,
}

impl Window {
    /// Its row of the table.
    pub fn row(self) -> &'static CrashRow {
        &CRASH_TABLE[self as usize]
    }

    /// How far a part has come in it.
    pub fn state(self) -> PartState {
        match self {
            Self::Staged => PartState::Staged,
            Self::Intent => PartState::Intent,
            Self::Created => PartState::Created,
            Self::UploadedOpen | Self::UploadedOpenChanged | Self::UploadedOver | Self::UploadedGone => {
                PartState::Uploaded
            }
            Self::Closed | Self::ClosedGone => PartState::Closed,
            Self::Calls | Self::CallsChanged => PartState::Calling,
            Self::Unpublished | Self::Over => PartState::Settled,
        }
    }
}

/// A row of the crash table, in words.
pub struct CrashRow {
    /// The window that it is about.
    pub window: Window,
    /// What the journal says.
    pub journal: &'static str,
    /// What the org is asked, and answers.
    pub ask: &'static str,
    /// What is done.
    pub what: &'static str,
    /// The same as the engine does it.
    pub recovery: Recovery,
    /// The tests that go through it; they assert that they did.
    pub tests: &'static [&'static str],
}

/// The crash table. Its page in the documentation is generated from it.
pub const CRASH_TABLE: &[CrashRow] = &[
    CrashRow {
        window: Window::Staged,
        journal: "`part_staged`, no intent",
        ask: "–",
        what: "drop the part; its rows are decided anew",
        recovery: Recovery::Drop,
        tests: &["crash_at_every_boundary", "crash_twice_at_every_pair", "storms"],
    },
    CrashRow {
        window: Window::Intent,
        journal: "`job_intent`, no id",
        ask: "nothing: a job that the journal does not know is never touched (it may be a colleague's)",
        what: "drop the part, a new job later; the possible empty job is named",
        recovery: Recovery::DropAndTell,
        tests: &["crash_at_every_boundary", "crash_twice_at_every_pair", "storms"],
    },
    CrashRow {
        window: Window::Created,
        journal: "`job_created`, not `uploaded`",
        ask: "– (one upload per job; whether the first arrived cannot be asked)",
        what: "abort that job, drop the part, a new job later",
        recovery: Recovery::AbortThenDrop,
        tests: &["crash_at_every_boundary", "crash_twice_at_every_pair", "storms"],
    },
    CrashRow {
        window: Window::UploadedOpen,
        journal: "`uploaded`, not `closed`",
        ask: "the job's state: Open, and the inputs are the same",
        what: "close, poll, collect",
        recovery: Recovery::CloseThenCollect,
        tests: &["crash_at_every_boundary", "crash_twice_at_every_pair", "storms"],
    },
    CrashRow {
        window: Window::UploadedOpenChanged,
        journal: "`uploaded`, not `closed`",
        ask: "the job's state: Open, and the inputs have changed",
        what: "abort that job, drop the part",
        recovery: Recovery::AbortThenDrop,
        tests: &["the_source_changes_after_a_crash", "storms"],
    },
    CrashRow {
        window: Window::UploadedOver,
        journal: "`uploaded`, not `closed`",
        ask: "the job's state: any other",
        what: "poll, collect",
        recovery: Recovery::Collect,
        tests: &["crash_at_every_boundary", "crash_twice_at_every_pair", "storms"],
    },
    CrashRow {
        window: Window::UploadedGone,
        journal: "`uploaded`, not `closed`",
        ask: "the job's state: it is gone, and may have been closed before",
        what: "all its rows are unknown: as below",
        recovery: Recovery::Collect,
        tests: &["the_jobs_are_removed_after_a_crash", "storms"],
    },
    CrashRow {
        window: Window::Closed,
        journal: "`closed`",
        ask: "the job's state, then the three result files",
        what: "poll, collect; rows in none of the files are unknown: an insert's and an upsert's are asked for by key and a delete's by Id, then all that are not done go again",
        recovery: Recovery::Collect,
        tests: &["crash_at_every_boundary", "crash_twice_at_every_pair", "storms"],
    },
    CrashRow {
        window: Window::ClosedGone,
        journal: "`closed`",
        ask: "the job's state: the org no longer knows the job",
        what: "all its rows are unknown: an insert's and an upsert's are asked for by key and a delete's by Id, then all that are not done go again",
        recovery: Recovery::Collect,
        tests: &["the_jobs_are_removed_after_a_crash", "storms"],
    },
    CrashRow {
        window: Window::Calls,
        journal: "`calls_intent`, not `part_settled`",
        ask: "nothing; the inputs are the same",
        what: "make all its calls again, which an upsert by key, an update and a delete by Id may be; a record that a lost call created counts as updated, one that it deleted as deleted",
        recovery: Recovery::CallAgain,
        tests: &["crash_at_every_boundary_of_calls", "storms"],
    },
    CrashRow {
        window: Window::CallsChanged,
        journal: "`calls_intent`, not `part_settled`",
        ask: "the inputs have changed: an upsert's new records by key, a delete's by Id",
        what: "send nothing; deleted records count as deleted, the others' outcome as unknown: whatever values they have, they are decided anew",
        recovery: Recovery::GiveUpCalls,
        tests: &["the_source_changes_after_a_crash_among_calls", "storms"],
    },
    CrashRow {
        window: Window::Unpublished,
        journal: "`part_settled`, and the ledger has not got so far",
        ask: "–",
        what: "publish the segment that the event names",
        recovery: Recovery::Publish,
        tests: &["crash_at_every_boundary", "crash_twice_at_every_pair", "storms"],
    },
    CrashRow {
        window: Window::Over,
        journal: "`part_settled` or `part_dropped`",
        ask: "–",
        what: "remove what is left of the part's files; go on",
        recovery: Recovery::Nothing,
        tests: &["crash_at_every_boundary", "crash_twice_at_every_pair", "storms"],
    },
];

/// Which window it was: pure and total. That a settled part is not in the ledger yet is seen before, in the ledger.
pub fn window(state: PartState, stage: Option<&JobStage>, same_inputs: bool) -> Window {
    match (state, stage) {
        (PartState::Staged, _) => Window::Staged,
        (PartState::Intent, _) => Window::Intent,
        (PartState::Created, _) => Window::Created,
        (PartState::Uploaded, Some(JobStage::Open)) if same_inputs => Window::UploadedOpen,
        (PartState::Uploaded, Some(JobStage::Open)) => Window::UploadedOpenChanged,
        (PartState::Uploaded, Some(_)) => Window::UploadedOver,
        (PartState::Uploaded, None) => Window::UploadedGone,
        (PartState::Closed, Some(_)) => Window::Closed,
        (PartState::Closed, None) => Window::ClosedGone,
        (PartState::Calling, _) if same_inputs => Window::Calls,
        (PartState::Calling, _) => Window::CallsChanged,
        (PartState::Settled | PartState::Dropped, _) => Window::Over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_window_has_its_row() {
        let windows: Vec<Window> = CRASH_TABLE.iter().map(|row| row.window).collect();
        assert!(windows.iter().enumerate().all(|(at, window)| *window as usize == at), "{windows:?}");
        assert_eq!(windows.last(), Some(&Window::Over));
        assert!(windows.iter().all(|window| window.row().window == *window));
    }

    #[test]
    fn every_window_but_the_ledger_s_is_found() {
        let stages = [None, Some(JobStage::Open), Some(JobStage::InProgress), Some(JobStage::Aborted)];
        let found = PartState::ALL.into_iter().flat_map(|state| {
            let both =
                |stage: &Option<JobStage>| [true, false].map(|same| window(state, stage.as_ref(), same));
            stages.iter().flat_map(both).collect::<Vec<_>>()
        });
        let found: BTreeSet<Window> = found.collect();
        let all = CRASH_TABLE.iter().map(|row| row.window).filter(|window| *window != Window::Unpublished);
        assert_eq!(found, all.collect());
    }

    #[test]
    fn nothing_is_sent_twice_nor_with_old_values() {
        let at = |state, stage: Option<JobStage>, same| window(state, stage.as_ref(), same).row().recovery;
        assert_eq!(at(PartState::Staged, None, true), Recovery::Drop);
        assert_eq!(at(PartState::Intent, None, true), Recovery::DropAndTell);
        assert_eq!(at(PartState::Created, None, true), Recovery::AbortThenDrop);
        assert_eq!(at(PartState::Uploaded, Some(JobStage::Open), true), Recovery::CloseThenCollect);
        assert_eq!(at(PartState::Uploaded, Some(JobStage::Open), false), Recovery::AbortThenDrop);
        for same in [true, false] {
            assert_eq!(at(PartState::Uploaded, Some(JobStage::InProgress), same), Recovery::Collect);
            assert_eq!(at(PartState::Uploaded, None, same), Recovery::Collect);
            assert_eq!(at(PartState::Closed, Some(JobStage::Open), same), Recovery::Collect);
            assert_eq!(at(PartState::Closed, None, same), Recovery::Collect);
        }
        assert_eq!(at(PartState::Calling, None, true), Recovery::CallAgain);
        assert_eq!(at(PartState::Calling, None, false), Recovery::GiveUpCalls);
    }
}
