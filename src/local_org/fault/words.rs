//! What a fault does, in the words of its file.

use crate::local_org::text::stored_moment;
use serde::{Serialize, Serializer};

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
    /// Rows meet a lock: the first time they are sent, so many times, or until a moment; all of them, or those that
    /// refer to one parent.
    LockRows(Lock),
    /// The org is maintained: it says so (`Organization.IsReadOnly`), and calls that write and rows are refused, until a
    /// moment or for good.
    ReadOnly {
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "moment")]
        until: Option<i64>,
    },
    /// A call is refused as by an org that is maintained.
    RefuseWrites,
    /// Rows are refused so, as they meet locks.
    RefuseRows(Lock),
    /// A job ends so when it has processed so many rows.
    RefuseJob { rows: u64 },
    /// Jobs move on in one step of the clock and rest for so many.
    SlowJobs { steps: u64 },
    /// A job fails when it has processed so many rows, and the rest of it stays unprocessed.
    FailJob { rows: u64 },
    /// A job that has processed so many rows gets no further: the org tries again so often, then goes on, or gives it
    /// up when that is more often than it tries.
    LockStorm { rows: u64, retries: u64 },
    /// The same without an end.
    ExhaustRetries { rows: u64 },
    /// Rows are in none of a job's three files the first time they are sent.
    LoseResults,
    /// Somebody else aborts and deletes the job that the call is about, before the call.
    DeleteJob,
    /// Somebody else deletes records before the call.
    DeleteRecords(Others),
    /// Somebody else changes a field of records before the call.
    EditRecords {
        #[serde(flatten)]
        others: Others,
        field: String,
        value: String,
    },
}

impl Effect {
    /// Whether it befalls calls, not jobs or rows.
    pub(super) fn is_of_calls(&self) -> bool {
        !matches!(
            self,
            Self::LockRows(_)
                | Self::ReadOnly { .. }
                | Self::RefuseRows(_)
                | Self::RefuseJob { .. }
                | Self::SlowJobs { .. }
                | Self::FailJob { .. }
                | Self::LockStorm { .. }
                | Self::ExhaustRetries { .. }
                | Self::LoseResults
        )
    }
}

/// Which rows meet a lock, besides chance, and for how long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Lock {
    /// Those that refer to this record, by its id or a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<String>,
    /// A row meets it so often; without an `until`, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tries: Option<u64>,
    /// It is gone from this moment on, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "moment")]
    pub(crate) until: Option<i64>,
}

fn moment<S: Serializer>(until: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    until.map(stored_moment).serialize(serializer)
}

/// Records that somebody else has a hand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Others {
    pub(crate) object: String,
    /// This one, by its id or a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<String>,
    /// So many, chosen by the seed.
    pub(crate) count: u64,
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
