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

/// `api-usage=18/5000` of `Sforce-Limit-Info`, among others.
pub(super) fn read_usage(header: &str) -> Option<Usage> {
    let text = header.split([';', ',']).find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, max) = text.split_once('/')?;
    Some(Usage { used: used.trim().parse().ok()?, max: max.trim().parse().ok()? })
}
