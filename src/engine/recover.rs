//! What an interrupted intent means: one table, used as it stands and printed in the documentation.

use super::books::Books;
use super::exit::EngineError;
use super::job::Desk;
use super::ports::Progress;
use super::settle::{Collected, settle};
use crate::checkpoint::{Event, Part, PartKey, PartState};
use crate::ledger::SegmentRef;
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
    /// Nothing is left to do.
    Nothing,
}

/// A row of the crash table, in words.
pub struct CrashRow {
    /// What the journal says.
    pub journal: &'static str,
    /// What the org is asked, and answers.
    pub ask: &'static str,
    /// What is done.
    pub what: &'static str,
    /// What the function gives for it.
    pub recovery: Recovery,
    /// The state it stands for.
    pub state: PartState,
    /// The job's stage it stands for, where the org is asked.
    pub stage: Option<JobStage>,
    /// Whether the inputs are the same.
    pub same_inputs: bool,
}

/// The crash table. Its page in the documentation is generated from it.
pub const CRASH_TABLE: &[CrashRow] = &[
    CrashRow {
        journal: "`part_staged`, no intent",
        ask: "–",
        what: "drop the part; its rows are decided anew",
        recovery: Recovery::Drop,
        state: PartState::Staged,
        stage: None,
        same_inputs: true,
    },
    CrashRow {
        journal: "`job_intent`, no id",
        ask: "nothing: a job that the journal does not know is never touched (it may be a colleague's)",
        what: "drop the part, a new job later; the possible empty job is named",
        recovery: Recovery::DropAndTell,
        state: PartState::Intent,
        stage: None,
        same_inputs: true,
    },
    CrashRow {
        journal: "`job_created`, not `uploaded`",
        ask: "– (one upload per job; whether the first arrived cannot be asked)",
        what: "abort that job, drop the part, a new job later",
        recovery: Recovery::AbortThenDrop,
        state: PartState::Created,
        stage: None,
        same_inputs: true,
    },
    CrashRow {
        journal: "`uploaded`, not `closed`",
        ask: "the job's state: Open, and the inputs are the same",
        what: "close, poll, collect",
        recovery: Recovery::CloseThenCollect,
        state: PartState::Uploaded,
        stage: Some(JobStage::Open),
        same_inputs: true,
    },
    CrashRow {
        journal: "`uploaded`, not `closed`",
        ask: "the job's state: Open, and the inputs have changed",
        what: "abort that job, drop the part",
        recovery: Recovery::AbortThenDrop,
        state: PartState::Uploaded,
        stage: Some(JobStage::Open),
        same_inputs: false,
    },
    CrashRow {
        journal: "`uploaded`, not `closed`",
        ask: "the job's state: any other",
        what: "poll, collect",
        recovery: Recovery::Collect,
        state: PartState::Uploaded,
        stage: Some(JobStage::InProgress),
        same_inputs: true,
    },
    CrashRow {
        journal: "`uploaded`, not `closed`",
        ask: "the job's state: it is gone, and may have been closed before",
        what: "all its rows are unknown: as below",
        recovery: Recovery::Collect,
        state: PartState::Uploaded,
        stage: None,
        same_inputs: true,
    },
    CrashRow {
        journal: "`closed`",
        ask: "the job's state, then the three result files",
        what: "poll, collect; rows in none of the files are unknown: an insert's and an upsert's are asked for by key and a delete's by Id, then all that are not done go again",
        recovery: Recovery::Collect,
        state: PartState::Closed,
        stage: Some(JobStage::JobComplete),
        same_inputs: true,
    },
    CrashRow {
        journal: "`uploaded` or `closed`",
        ask: "the job's state: the org no longer knows the job",
        what: "all its rows are unknown: an insert's and an upsert's are asked for by key and a delete's by Id, then all that are not done go again",
        recovery: Recovery::Collect,
        state: PartState::Closed,
        stage: None,
        same_inputs: true,
    },
    CrashRow {
        journal: "`calls_intent`, not `part_settled`",
        ask: "nothing; the inputs are the same",
        what: "make all its calls again, which an upsert by key, an update and a delete by Id may be; a record that a lost call created counts as updated, one that it deleted as deleted",
        recovery: Recovery::CallAgain,
        state: PartState::Calling,
        stage: None,
        same_inputs: true,
    },
    CrashRow {
        journal: "`calls_intent`, not `part_settled`",
        ask: "the inputs have changed: an upsert's new records by key, a delete's by Id",
        what: "send nothing; deleted records count as deleted, the others' outcome as unknown: whatever values they have, they are decided anew",
        recovery: Recovery::GiveUpCalls,
        state: PartState::Calling,
        stage: None,
        same_inputs: false,
    },
    CrashRow {
        journal: "`part_settled` or `part_dropped`",
        ask: "–",
        what: "publish the segment that the event names, if the ledger has not got so far; go on",
        recovery: Recovery::Nothing,
        state: PartState::Settled,
        stage: None,
        same_inputs: true,
    },
];

/// The decision: pure and total.
pub fn decide_recovery(state: PartState, stage: Option<&JobStage>, same_inputs: bool) -> Recovery {
    match (state, stage) {
        (PartState::Staged, _) => Recovery::Drop,
        (PartState::Intent, _) => Recovery::DropAndTell,
        (PartState::Created, _) => Recovery::AbortThenDrop,
        (PartState::Uploaded, Some(JobStage::Open)) if same_inputs => Recovery::CloseThenCollect,
        (PartState::Uploaded, Some(JobStage::Open)) => Recovery::AbortThenDrop,
        (PartState::Uploaded | PartState::Closed, _) => Recovery::Collect,
        (PartState::Calling, _) if same_inputs => Recovery::CallAgain,
        (PartState::Calling, _) => Recovery::GiveUpCalls,
        (PartState::Settled | PartState::Dropped, _) => Recovery::Nothing,
    }
}

/// Brings every part of an interrupted run to its end: collected, or given up before the org saw it.
pub(super) async fn recover(
    desk: &Desk<'_, '_>,
    books: &mut Books<'_>,
    same_inputs: bool,
) -> Result<(), EngineError> {
    for (key, state, job) in parts(desk) {
        let stage = match (&job, state) {
            (Some(job), PartState::Uploaded) => desk.client.job(job).await?.map(|j| j.state),
            _ => None,
        };
        let job = job.unwrap_or_default();
        match decide_recovery(state, stage.as_ref(), same_inputs) {
            Recovery::Nothing => remove_files(desk, &desk.part(key)?)?,
            Recovery::Drop => drop_part(desk, key, "the org never saw it")?,
            Recovery::DropAndTell => {
                desk.observer.progress(&Progress::Note(
                    "the run was cut off while it created a job: the org may have an empty open job of ours"
                        .into(),
                ));
                drop_part(
                    desk,
                    key,
                    "whether its job was created is unknown; an empty one may be in the org",
                )?;
            }
            Recovery::AbortThenDrop => {
                abort(desk, &job).await?;
                drop_part(desk, key, "its job was aborted")?;
            }
            Recovery::CloseThenCollect => {
                desk.close(key, &job).await?;
                over(desk, books, key, desk.collect(key).await?)?;
            }
            Recovery::Collect => {
                if state == PartState::Uploaded {
                    desk.note(Event::Closed { part: key })?;
                }
                over(desk, books, key, desk.collect(key).await?)?;
            }
            Recovery::CallAgain => over(desk, books, key, desk.calls(key, true).await?)?,
            Recovery::GiveUpCalls => over(desk, books, key, desk.give_up_calls(key).await?)?,
        }
    }
    Ok(())
}

/// Every part with its state and its job; of those that are over, only files may be left.
fn parts(desk: &Desk<'_, '_>) -> Vec<(PartKey, PartState, Option<String>)> {
    let state = desk.state.borrow();
    state.parts.iter().map(|(key, part)| (*key, part.state, part.job.clone())).collect()
}

/// Settles a part. Rows that may go again are decided anew with all the others.
fn over(
    desk: &Desk<'_, '_>,
    books: &mut Books<'_>,
    key: PartKey,
    collected: Collected,
) -> Result<(), EngineError> {
    for again in settle(desk, books, key, collected)? {
        drop_part(desk, again, "its rows are decided anew")?;
    }
    Ok(())
}

/// A job that is gone or over already needs no abort.
async fn abort(desk: &Desk<'_, '_>, job: &str) -> Result<(), EngineError> {
    match desk.client.abort(job).await {
        Err(error) if !error.is_gone() => Err(error.into()),
        _ => Ok(()),
    }
}

/// Gives a part up: first the journal says so, then its files go.
pub(super) fn drop_part(desk: &Desk<'_, '_>, key: PartKey, reason: &str) -> Result<(), EngineError> {
    desk.note(Event::PartDropped { part: key, reason: reason.to_owned() })?;
    remove_files(desk, &desk.part(key)?)
}

/// The files of a part that is over: they hold customers' values, and a crash may have come before they went.
fn remove_files(desk: &Desk<'_, '_>, part: &Part) -> Result<(), EngineError> {
    desk.ports.files.remove(&part.file.path)?;
    Ok(desk.ports.files.remove(&part.index.path)?)
}

/// Publishes the segments of settled parts that the ledger may not have: the event came first.
pub(super) fn republish(
    books: &mut Books<'_>,
    run: u32,
    lines: &[crate::checkpoint::Line],
    state: &crate::checkpoint::RunState,
) -> Result<(), EngineError> {
    for line in lines {
        let Event::PartSettled { part, segment: Some(named), .. } = &line.event else { continue };
        let Some(part) = state.parts.get(part) else { continue };
        let ledger = books.open(&part.object)?;
        if ledger.last().is_some_and(|last| (run, line.seq) <= last) {
            continue;
        }
        let name = named.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".seg").to_owned();
        let segment = SegmentRef::named(name, named.length, named.blake3.clone());
        ledger.verify_segment(&segment)?;
        ledger.publish(&[segment], run, line.seq)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_function_does() {
        for row in CRASH_TABLE {
            let decided = decide_recovery(row.state, row.stage.as_ref(), row.same_inputs);
            assert_eq!(decided, row.recovery, "{} / {}", row.journal, row.ask);
        }
    }

    #[test]
    fn every_state_has_its_row() {
        for state in PartState::ALL {
            let listed = CRASH_TABLE.iter().any(|row| row.state == state);
            assert!(listed || state == PartState::Dropped, "{state:?} is in no row");
        }
    }
}
