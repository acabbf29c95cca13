//! May this request be sent again, and when? One pure function; it knows neither sockets nor clocks.
//!
//! What may be repeated follows from what a second arrival would do:
//!
//! | request | [`Repeat`] | why |
//! |---|---|---|
//! | every GET, DELETE of a job | `Safe` | a second one changes nothing |
//! | PATCH of a job's state | `Safe` | the second one finds the state it asks for; a refusal is checked against it |
//! | POST that makes a job | `IfUnheard` | after a broken connection a job may exist: the caller must know, and say so |
//! | PUT of the data | `IfUnheard` | one upload a job; whether the first one arrived cannot be asked |
//! | PUT of a stream | `Never` | its bytes are gone once they were read |
//!
//! | fault | `Safe` | `IfUnheard` | `Never` |
//! |---|---|---|---|
//! | never sent | wait | wait | surface |
//! | 429, or 403 for too many requests at once: refused unread | wait | wait | surface |
//! | broken connection | wait | surface | surface |
//! | 408, 420, 5xx | wait | surface | surface |
//! | anything else, 401 among it | surface | surface | surface |
//!
//! Waits double from half a second to thirty seconds, each spread over its upper half so that clients that failed
//! together do not come back together; `Retry-After` lengthens a wait and never shortens it.

use crate::ports::TransportError;

/// What a second arrival of a request would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing: it may always be repeated.
    Safe,
    /// Harm: it may be repeated only when the org has not acted on the first.
    IfUnheard,
    /// It cannot be sent twice.
    Never,
}

/// How a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is no whole reply.
    Transport(TransportError),
    /// A reply that is no success.
    Status {
        /// HTTP status.
        status: u16,
        /// It was refused unread, because there are too many requests.
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
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Send again after this many milliseconds.
    Wait(u64),
    /// Tell the caller.
    Surface,
}

/// Decides after the failure of attempt number `attempt` (from 1), `waited_ms` having been waited before. `random`
/// spreads the wait.
pub fn decide(
    attempt: u32,
    waited_ms: u64,
    repeat: Repeat,
    fault: &Fault,
    budget: Budget,
    random: u64,
) -> Retry {
    if attempt >= budget.attempts || !may_repeat(repeat, fault) {
        return Retry::Surface;
    }
    let wait = pause(attempt, random).max(asked_for(fault));
    if waited_ms.saturating_add(wait) > budget.wait_ms { Retry::Surface } else { Retry::Wait(wait) }
}

fn may_repeat(repeat: Repeat, fault: &Fault) -> bool {
    let (unheard, passing) = match fault {
        Fault::Transport(TransportError::NotSent(_)) => (true, true),
        Fault::Transport(TransportError::Broken(_)) => (false, true),
        Fault::Status { status: 429, .. } | Fault::Status { busy: true, .. } => (true, true),
        Fault::Status { status, .. } => (false, matches!(status, 408 | 420 | 500..)),
    };
    match repeat {
        Repeat::Safe => passing,
        Repeat::IfUnheard => unheard,
        Repeat::Never => false,
    }
}

/// Half a second, doubled with each attempt up to thirty, of which the upper half is spread.
fn pause(attempt: u32, random: u64) -> u64 {
    let full = (500_u64 << attempt.saturating_sub(1).min(6)).min(30_000);
    full / 2 + random % (full / 2 + 1)
}

fn asked_for(fault: &Fault) -> u64 {
    match fault {
        Fault::Status { retry_after_ms, .. } => retry_after_ms.unwrap_or(0),
        Fault::Transport(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::Repeat::{IfUnheard, Never, Safe};
    use super::{Budget, Fault, Retry, decide};
    use crate::ports::TransportError::{Broken, NotSent};

    fn status(status: u16) -> Fault {
        Fault::Status { status, busy: false, retry_after_ms: None }
    }

    #[test]
    fn the_table() {
        let busy = Fault::Status { status: 403, busy: true, retry_after_ms: None };
        let not_sent = Fault::Transport(NotSent(String::new()));
        let broken = Fault::Transport(Broken(String::new()));
        for (fault, waits) in [
            (not_sent, [true, true, false]),
            (busy, [true, true, false]),
            (status(429), [true, true, false]),
            (broken, [true, false, false]),
            (status(408), [true, false, false]),
            (status(420), [true, false, false]),
            (status(500), [true, false, false]),
            (status(503), [true, false, false]),
            (status(401), [false, false, false]),
            (status(403), [false, false, false]),
            (status(400), [false, false, false]),
            (status(404), [false, false, false]),
            (status(301), [false, false, false]),
        ] {
            for (repeat, wait) in [Safe, IfUnheard, Never].into_iter().zip(waits) {
                let decision = decide(1, 0, repeat, &fault, Budget::PATIENT, 7);
                assert_eq!(matches!(decision, Retry::Wait(_)), wait, "{repeat:?} after {fault:?}");
            }
        }
    }

    #[test]
    fn waits_grow_and_spread_within_bounds() {
        for (attempt, full) in [(1, 500), (2, 1_000), (5, 8_000), (7, 30_000), (15, 30_000)] {
            for random in [0, 1, full / 2, u64::MAX] {
                let Retry::Wait(wait) = decide(attempt, 0, Safe, &status(503), Budget::PATIENT, random)
                else {
                    panic!("attempt {attempt} surfaced");
                };
                assert!((full / 2..=full).contains(&wait), "attempt {attempt} waits {wait}");
            }
        }
        let spread = |random| decide(4, 0, Safe, &status(503), Budget::PATIENT, random);
        assert_ne!(spread(0), spread(1));
    }

    #[test]
    fn the_org_may_lengthen_a_wait_but_not_shorten_it() {
        let asks = |ms| Fault::Status { status: 503, busy: false, retry_after_ms: Some(ms) };
        assert_eq!(decide(1, 0, Safe, &asks(20_000), Budget::PATIENT, 0), Retry::Wait(20_000));
        assert_eq!(decide(5, 0, Safe, &asks(1), Budget::PATIENT, 0), Retry::Wait(4_000));
        assert_eq!(decide(1, 0, Safe, &asks(900_000), Budget::PATIENT, 0), Retry::Surface);
    }

    #[test]
    fn patience_ends() {
        let broken = Fault::Transport(Broken(String::new()));
        assert_eq!(decide(16, 0, Safe, &broken, Budget::PATIENT, 0), Retry::Surface);
        assert_eq!(decide(9, 299_000, Safe, &broken, Budget::PATIENT, 0), Retry::Surface);
        assert_eq!(decide(3, 0, Safe, &broken, Budget::BRIEF, 0), Retry::Surface);
    }
}
