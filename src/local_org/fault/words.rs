//! What a fault does, in the words of its file.

use serde::Serialize;

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "then", rename_all = "snake_case")]
pub(crate) enum Effect {
    /// 429 before anything is done.
    TooManyRequests {
        /// Seconds named by `Retry-After`.
        retry_after: u64,
    },
    /// 503, before anything is done unless `carried_out`.
    Unavailable {
        /// Seconds named by `Retry-After`, if any.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        carried_out: bool,
    },
    /// 401 for this call alone.
    Unauthorized,
    /// The caller's token is revoked for good; so this call and all after it are refused.
    Revoked,
    /// The connection closes, nothing is done.
    DropBefore,
    /// All is done, and the connection closes without an answer.
    DropAfter,
    /// The answer's body breaks off in the middle.
    Cut { ending: Ending },
    /// Results of a job that is said to be complete are not there yet.
    NotReady,
    /// Carried out twice, as when a proxy repeats a request; the second answer arrives.
    Twice,
    /// Rows meet a lock the first time they are sent.
    LockRows,
    /// Jobs move on in one step of the clock and rest for so many.
    SlowJobs { steps: u64 },
    /// A job fails when it has processed so many rows, and the rest of it stays unprocessed.
    FailJob { rows: u64 },
}

impl Effect {
    /// Whether it befalls calls, not jobs or rows.
    pub(super) fn is_of_calls(&self) -> bool {
        !matches!(self, Self::LockRows | Self::SlowJobs { .. } | Self::FailJob { .. })
    }
}

/// How a body that is cut off ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The connection closes before the length that the answer states.
    Short,
    /// The connection closes; no length was stated.
    Open,
    /// As though it were whole, behind the last whole line: what a careless proxy makes of it.
    Silent,
}
