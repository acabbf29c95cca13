//! Time as an argument: now, and sleep.

use super::Future;
use std::sync::atomic::{AtomicI64, Ordering};

/// Tells the time and waits.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970 in UTC.
    fn now(&self) -> i64;
    /// Waits this many milliseconds.
    fn sleep(&self, milliseconds: u64) -> Future<'_, ()>;
}

/// A time in milliseconds since 1970 for people: to the minute, in UTC, which it says.
pub fn utc_text(at: i64) -> String {
    match jiff::Timestamp::from_millisecond(at) {
        Ok(stamp) => stamp.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => "a time beyond the calendar".to_owned(),
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, milliseconds: u64) -> Future<'_, ()> {
        Box::pin(tokio::time::sleep(std::time::Duration::from_millis(milliseconds)))
    }
}

/// Stops the thread for a moment, where there is no one to take a clock from: a disk's lock that somebody looks at.
pub(super) fn pause(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}

/// A clock that moves only when somebody sleeps on it.
#[derive(Debug, Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that shows this time.
    pub fn at(now: i64) -> Self {
        Self(AtomicI64::new(now))
    }
}

impl Clock for TestClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn sleep(&self, milliseconds: u64) -> Future<'_, ()> {
        self.0.fetch_add(i64::try_from(milliseconds).unwrap_or(i64::MAX), Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::utc_text;

    #[test]
    fn times_are_told_to_the_minute() {
        assert_eq!(utc_text(1_704_067_200_000 + 90_061_000), "2024-01-02 01:01 UTC");
        assert_eq!(utc_text(i64::MAX), "a time beyond the calendar");
    }
}
