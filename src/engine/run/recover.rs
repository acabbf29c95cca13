//! Brings the parts of an interrupted run to their end, as the crash table says. Must not know why the run was interrupted.

use crate::checkpoint::{Event, Part, PartKey, PartState};
use crate::engine::context::{EngineError, Progress, Recovery, window};
use crate::engine::part::{Collected, Desk, settle};
use crate::engine::state::{Ledgers, remove_staged};

/// Brings every part of an interrupted run to its end: collected, or given up before the org saw it.
pub(in crate::engine) async fn recover(
    desk: &Desk<'_, '_>,
    ledgers: &mut Ledgers<'_>,
    same_inputs: bool,
) -> Result<(), EngineError> {
    for (key, state, job) in parts(desk) {
        let job = job.unwrap_or_default();
        let stage = match state {
            PartState::Uploaded | PartState::Closed => desk.client.job(&job).await?.map(|j| j.state),
            _ => None,
        };
        let window = window(state, stage.as_ref(), same_inputs);
        desk.observer.recovered(key, window);
        match window.row().recovery {
            Recovery::Nothing | Recovery::Publish => remove_files(desk, &desk.part(key)?)?,
            Recovery::Drop => drop_part(desk, key, "the org never saw it")?,
            Recovery::DropAndTell => drop_and_tell(desk, key)?,
            Recovery::AbortThenDrop => {
                abort(desk, &job).await?;
                drop_part(desk, key, "its job was aborted")?;
            }
            Recovery::CloseThenCollect => {
                desk.close(key, &job).await?;
                over(desk, ledgers, key, desk.collect(key).await?)?;
            }
            Recovery::Collect => {
                if state == PartState::Uploaded {
                    desk.note(Event::Closed { part: key })?;
                }
                over(desk, ledgers, key, desk.collect(key).await?)?;
            }
            Recovery::CallAgain => over(desk, ledgers, key, desk.calls(key, true).await?)?,
            Recovery::GiveUpCalls => over(desk, ledgers, key, desk.give_up_calls(key).await?)?,
        }
    }
    let run = desk.state.borrow().run;
    remove_staged(desk.ports.files, run)
}

fn drop_and_tell(desk: &Desk<'_, '_>, key: PartKey) -> Result<(), EngineError> {
    let note = "the run was cut off while it created a job: the org may have an empty open job of ours";
    desk.observer.progress(&Progress::Note(note.into()));
    drop_part(desk, key, "whether its job was created is unknown; an empty one may be in the org")
}

/// Every part with its state and its job; of those that are over, only files may be left.
fn parts(desk: &Desk<'_, '_>) -> Vec<(PartKey, PartState, Option<String>)> {
    let state = desk.state.borrow();
    state.parts.iter().map(|(key, part)| (*key, part.state, part.job.clone())).collect()
}

/// Settles a part. Rows that may go again are decided anew with all the others.
fn over(
    desk: &Desk<'_, '_>,
    ledgers: &mut Ledgers<'_>,
    key: PartKey,
    collected: Collected,
) -> Result<(), EngineError> {
    for again in settle(desk, ledgers, key, collected)? {
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
pub(in crate::engine) fn drop_part(
    desk: &Desk<'_, '_>,
    key: PartKey,
    reason: &str,
) -> Result<(), EngineError> {
    desk.note(Event::PartDropped { part: key, reason: reason.to_owned() })?;
    remove_files(desk, &desk.part(key)?)
}

/// The files of a part that is over: they hold customers' values, and a crash may have come before they went.
fn remove_files(desk: &Desk<'_, '_>, part: &Part) -> Result<(), EngineError> {
    desk.ports.files.remove(&part.file.path)?;
    Ok(desk.ports.files.remove(&part.index.path)?)
}
