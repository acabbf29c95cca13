//! Whether a run is alive, dead or finished: from its journal, and from the lock that the process which carries it out
//! holds on the journal. Must not know the screen.

use crate::checkpoint::{Ended, Part, PartKey, PartState, RunState, journal_path};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{CRASH_TABLE, CrashRow, EngineError, Exit};
use crate::ports::{FileLock, Files};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A process carries it out at this moment.
    Running,
    /// Its process is gone, and it did not come to say why.
    Interrupted,
    /// It stopped at a checkpoint.
    Paused,
    /// It came to its end, or its failure budget was spent.
    Finished,
    /// Its inputs changed before it was finished; a new run took over.
    Superseded,
}

impl Standing {
    /// How a run stands whose journal says this; `held`: whether a process held the journal before it was read.
    pub fn of(state: &RunState, held: bool) -> Self {
        match (state.ended, state.paused) {
            (Some((Ended::Superseded, _)), _) => Self::Superseded,
            (Some(_), _) => Self::Finished,
            (None, _) if held => Self::Running,
            (None, Some(_)) => Self::Paused,
            (None, None) => Self::Interrupted,
        }
    }

    /// The word for it, in JSON as well.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Superseded => "superseded",
        }
    }
}

/// Says for as long as it is kept that a process carries this run out; nothing for run 0.
///
/// # Errors
/// 75 when another process does: somebody removed the state's lock. A disk without locks is no error: nobody can tell
/// then whether the run is alive.
pub(in crate::engine) fn alive(
    files: &dyn Files,
    run: u32,
) -> Result<Option<Box<dyn FileLock>>, EngineError> {
    if run == 0 {
        return Ok(None);
    }
    match files.lock(&journal_path(run)) {
        Ok(Some(held)) => Ok(Some(held)),
        Ok(None) => {
            let message = format!("another process carries run {run} out");
            let problem = Diagnostic::error(Code::Locked, message).help("wait until it is done, or stop it");
            Err(EngineError::problem(Exit::Locked, problem))
        }
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The parts that a run has under way.
pub fn under_way(state: &RunState) -> impl Iterator<Item = (&PartKey, &Part)> {
    state.parts.iter().filter(|(_, part)| state.ended.is_none() && !part.state.is_over())
}

/// What the next apply does with a part that it finds in this state: rows of the recovery table.
pub fn recovery_of(state: PartState) -> impl Iterator<Item = &'static CrashRow> {
    CRASH_TABLE.iter().filter(move |row| row.window.state() == state)
}

/// A word for how far a part has come.
pub fn part_word(state: PartState) -> &'static str {
    match state {
        PartState::Staged => "staged",
        PartState::Intent => "job intended",
        PartState::Created => "job created",
        PartState::Uploaded => "uploaded",
        PartState::Closed => "closed",
        PartState::Calling => "calls begun",
        PartState::Settled => "settled",
        PartState::Dropped => "dropped",
    }
}

/// Why a run pauses, as the journal keeps it: a word or a code, never the text.
pub(in crate::engine) fn why(error: &EngineError, stopped: bool) -> Option<String> {
    match error {
        EngineError::Org(error) if error.is_maintenance() => Some("maintenance".into()),
        EngineError::Org(error) if error.is_limit() => Some("limit".into()),
        EngineError::Problems(Exit::Interrupted, _) if stopped => Some("stopped".into()),
        _ => error.diagnostics().first().map(|problem| problem.code.to_string()),
    }
}

/// The words for why a run paused.
pub fn why_in_words(why: &str) -> &str {
    match why {
        "stopped" => "it was told to stop",
        "maintenance" => "the org is maintained and takes no writes",
        "limit" => "the org's allowance for the day does not do",
        "pause_after" => "the manifest wants a pause",
        "until" => "the time of `--until` had come",
        code => Code::ALL
            .iter()
            .find(|(known, _)| known.to_string() == code)
            .map_or(code, |(_, words)| words.trim()),
    }
}
