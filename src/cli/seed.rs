//! The seed of a process: the one place where real randomness comes from.

use crate::ports::{Clock, RealClock};

/// The spread of waits differs from run to run; nothing else hangs on it.
pub(super) fn seed() -> u64 {
    RealClock.now().unsigned_abs() ^ u64::from(std::process::id())
}
