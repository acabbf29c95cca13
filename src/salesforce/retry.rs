//! May this request be sent again, and when? One pure function; it knows neither sockets nor clocks.
//!
//! What may be repeated follows from what a second arrival would do. The table is read by the test below: it is
//! what the code does. `again`: after a wait, as long as the budget lasts. `log in`: once a call, with a new token.
//! `surface`: the caller is told.
//!
//! | call | no connection | too many | lost | failing | 401 | other | why |
//! |---|---|---|---|---|---|---|---|
//! | `Read` | again | again | again | again | log in | surface | a GET changes nothing; a download begins anew and its rows are told once |
//! | `MoveJob` | again | again | again | again | log in | surface | PATCH of a job's state: the second finds the state it asks for, a refusal is held against it |
//! | `RemoveJob` | again | again | again | again | log in | surface | DELETE of a job: the second finds it gone, and 404 is what was wanted |
//! | `CreateJob` | again | again | surface | surface | log in | surface | POST of an ingest job: an empty job that nobody knows may exist, and the journal must know |
//! | `CreateQuery` | again | again | again | again | log in | surface | POST of a query job: one that nobody reads changes no record; it costs one of 10,000 a day |
//! | `Upload` | again | again | surface | surface | log in | surface | PUT of the rows: one upload a job, and whether the first arrived cannot be asked: the job is aborted |
//! | `InsertRecords` | again | again | surface | surface | log in | surface | POST of collections: a second arrival doubles the records; they are asked for by key |
//! | `UpdateRecords` | again | again | again | again | log in | surface | PATCH of collections by Id: the second writes the same values (triggers fire twice) |
//! | `UpsertRecords` | again | again | again | again | log in | surface | PATCH of collections by key: the second finds the first's records and calls them updated |
//! | `DeleteRecords` | again | again | again | again | log in | surface | DELETE of collections: the second finds them deleted, which is what was wanted |
//! | `Token` | again | again | again | again | surface | surface | POST of a login: a token that nobody uses does no harm; a 401 is its answer |
//!
//! - *no connection*: the request never left: nobody has heard of it.
//! - *too many*: 429, or 403 `REQUEST_LIMIT_EXCEEDED` for too many calls at once: refused unread. The same code for
//!   the day's calls is *other*: no wait of ours outlasts it.
//! - *lost*: the line broke before an answer or within it, or nothing came in time. Whether the org acted is unknown.
//! - *failing*: 408, 420 and every 5xx.
//! - *401*: refused unread, because of the token.
//!
//! Waits double from half a second to thirty seconds, each spread over its upper half so that clients that failed
//! together do not come back together; `Retry-After` lengthens a wait and never shortens it.

// Unconfirmed(failing-acted): whether a call answered by a 5xx may have had its effect; choice: as if it may have.
// Unconfirmed(retry-after): whether an org ever sends it; choice: seconds are honoured, a date is not looked at.

use crate::ports::TransportError;

/// What is asked, told apart by what a second arrival of it would do: a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table above says what each is")]
pub enum Kind {
    Read,
    MoveJob,
    RemoveJob,
    CreateJob,
    CreateQuery,
    Upload,
    InsertRecords,
    UpdateRecords,
    UpsertRecords,
    DeleteRecords,
    Token,
}

impl Kind {
    /// Whether a second arrival does no harm.
    fn harmless(self) -> bool {
        !matches!(self, Self::CreateJob | Self::Upload | Self::InsertRecords)
    }
}

/// How a request failed: a column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is no whole reply.
    Transport(TransportError),
    /// A reply that is no success.
    Status {
        /// HTTP status.
        status: u16,
        /// It was refused unread, because there are too many requests at this moment.
        busy: bool,
        /// The wait that the org asks for.
        retry_after_ms: Option<u64>,
    },
}

/// How much patience there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests in all, the first one included.
    pub attempts: u32,
    /// Milliseconds waited in all.
    pub wait_ms: u64,
}

impl Budget {
    /// For work under way: some five minutes.
    pub const PATIENT: Self = Self { attempts: 16, wait_ms: 300_000 };
    /// For first contact, where a wrong address is likelier than an outage: a few seconds.
    pub const BRIEF: Self = Self { attempts: 3, wait_ms: 5_000 };
    /// For a login, first or renewed: half a minute.
    pub const LOGIN: Self = Self { attempts: 6, wait_ms: 30_000 };
}

/// What was tried so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// Requests that were sent, the one that has just failed included.
    pub attempts: u32,
    /// Milliseconds waited between them.
    pub waited_ms: u64,
    /// Whether a new login was made for this call.
    pub logged_in: bool,
}

impl Tried {
    /// The first request is under way.
    pub const FIRST: Self = Self { attempts: 1, waited_ms: 0, logged_in: false };
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send again after this many milliseconds.
    Wait(u64),
    /// Log in, and send again at once.
    LogIn,
    /// It might have gone again, but patience is spent.
    GiveUp,
    /// Tell the caller: sending again would not help, or might do harm.
    Surface,
}

/// Decides after a failure. `random` spreads the wait.
pub fn decide(tried: Tried, kind: Kind, outcome: &Outcome, budget: Budget, random: u64) -> Decision {
    match verdict(kind, outcome) {
        Verdict::Surface => Decision::Surface,
        Verdict::LogIn if tried.logged_in => Decision::Surface,
        Verdict::LogIn => Decision::LogIn,
        Verdict::Again => {
            let wait = pause(tried.attempts, random).max(asked_for(outcome));
            let spent = tried.attempts >= budget.attempts;
            match spent || tried.waited_ms.saturating_add(wait) > budget.wait_ms {
                true => Decision::GiveUp,
                false => Decision::Wait(wait),
            }
        }
    }
}

/// A cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Again,
    LogIn,
    Surface,
}

fn verdict(kind: Kind, outcome: &Outcome) -> Verdict {
    let unheard = match outcome {
        Outcome::Transport(TransportError::NotSent(_)) => true,
        Outcome::Transport(TransportError::Broken(_)) => false,
        Outcome::Status { status: 429, .. } | Outcome::Status { busy: true, .. } => true,
        Outcome::Status { status: 408 | 420 | 500.., .. } => false,
        Outcome::Status { status: 401, .. } if kind != Kind::Token => return Verdict::LogIn,
        Outcome::Status { .. } => return Verdict::Surface,
    };
    if unheard || kind.harmless() { Verdict::Again } else { Verdict::Surface }
}

/// Half a second, doubled with each attempt up to thirty, of which the upper half is spread.
fn pause(attempt: u32, random: u64) -> u64 {
    let full = (500_u64 << attempt.saturating_sub(1).min(6)).min(30_000);
    full / 2 + random % (full / 2 + 1)
}

fn asked_for(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Status { retry_after_ms, .. } => retry_after_ms.unwrap_or(0),
        Outcome::Transport(_) => 0,
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
