//! Seeds, of a process and of a new local org: where real randomness comes from.

use crate::engine::EngineError;
use crate::ports::{Clock, RealClock, entropy};

/// The spread of waits differs from run to run; nothing else hangs on it.
pub(super) fn seed() -> u64 {
    RealClock.now().unsigned_abs() ^ u64::from(std::process::id())
}

/// A seed that no other org has.
///
/// # Errors
/// The system has no random bytes to give.
pub(super) fn drawn() -> Result<u64, EngineError> {
    Ok(u64::from_le_bytes(entropy()?))
}
