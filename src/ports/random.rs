//! Randomness as an argument: for the spread of waits, never for results. What the system gives is drawn in `cli` alone,
//! and handed in.

use ring::rand::{SecureRandom, SystemRandom};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of numbers.
pub trait Random: Send + Sync {
    /// The next number.
    fn next(&self) -> u64;
}

/// Bytes that cannot be guessed, from the system.
///
/// # Errors
/// The system has none to give.
pub fn entropy<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(bytes)
}

/// The same numbers for the same seed (splitmix64).
#[derive(Debug)]
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// Numbers from this seed.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Random for SeededRandom {
    fn next(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        let mut z = self.0.fetch_add(step, Ordering::SeqCst).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_drawn_differs_each_time() {
        assert_ne!(super::entropy::<16>().unwrap(), super::entropy::<16>().unwrap());
    }
}
