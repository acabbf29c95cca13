//! The life of a part: a pure, total function that refuses illegal events, the same live and on recovery.

use super::event::Event;
use serde::{Deserialize, Serialize};

/// How far a part has come, as the journal knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// On the disk, nothing sent.
    Staged,
    /// A job may exist that we do not know the id of.
    Intent,
    /// A job exists; whether the data arrived is unknown.
    Created,
    /// The data arrived.
    Uploaded,
    /// The org works on it, or is done.
    Closed,
    /// REST calls may have arrived; which of them did is unknown.
    Calling,
    /// Every row has its outcome.
    Settled,
    /// Given up before the org saw its rows.
    Dropped,
}

/// An event that cannot follow a state: a journal that says so is damaged or not ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a part that is {state:?} cannot see `{event}`")]
pub struct IllegalEvent {
    /// The state.
    pub state: Option<PartState>,
    /// The event's name.
    pub event: &'static str,
}

impl PartState {
    /// All states, for tables and tests.
    pub const ALL: [PartState; 8] = [
        Self::Staged,
        Self::Intent,
        Self::Created,
        Self::Uploaded,
        Self::Closed,
        Self::Calling,
        Self::Settled,
        Self::Dropped,
    ];

    /// The state after an event that names the part.
    ///
    /// # Errors
    /// [`IllegalEvent`] when the event cannot follow.
    pub fn next(state: Option<Self>, event: &Event) -> Result<Self, IllegalEvent> {
        use PartState::{Calling, Closed, Created, Dropped, Intent, Settled, Staged, Uploaded};
        let (name, next) = match event {
            Event::PartStaged { .. } => ("part_staged", state.is_none().then_some(Staged)),
            Event::JobIntent { .. } => ("job_intent", (state == Some(Staged)).then_some(Intent)),
            Event::CallsIntent { .. } => ("calls_intent", (state == Some(Staged)).then_some(Calling)),
            Event::JobCreated { .. } => ("job_created", (state == Some(Intent)).then_some(Created)),
            Event::Uploaded { .. } => ("uploaded", (state == Some(Created)).then_some(Uploaded)),
            Event::Closed { .. } => ("closed", (state == Some(Uploaded)).then_some(Closed)),
            Event::PartSettled { .. } => {
                ("part_settled", matches!(state, Some(Closed | Calling)).then_some(Settled))
            }
            Event::PartDropped { .. } => (
                "part_dropped",
                matches!(state, Some(Staged | Intent | Created | Uploaded)).then_some(Dropped),
            ),
            _ => ("an event of no part", None),
        };
        next.ok_or(IllegalEvent { state, event: name })
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Settled | Self::Dropped)
    }
}
