//! How many of the day's calls are used, as each answer tells.

/// The day's calls, as a reply told them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Used so far.
    pub used: u64,
    /// In all.
    pub max: u64,
}

impl Usage {
    /// Calls that are left.
    pub fn remaining(&self) -> u64 {
        self.max.saturating_sub(self.used)
    }
}
