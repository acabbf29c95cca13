//! How often to ask for a job's state. Pure.

/// Milliseconds in which a job is asked after often.
const MINUTE: u64 = 60_000;
/// Milliseconds between two questions after the first minute, at least.
const CALM: u64 = 5_000;

/// Milliseconds to wait before asking again, `elapsed_ms` after the job was closed: a small job is seen within a
/// fraction of a second, a long one costs few requests. Never less often than every thirty seconds, and after the
/// first minute never more often than every five.
pub fn next_wait(elapsed_ms: u64) -> u64 {
    if elapsed_ms < MINUTE { (elapsed_ms / 4).clamp(50, CALM) } else { (elapsed_ms / 20).clamp(CALM, 30_000) }
}

/// How often a job is asked after that takes this many milliseconds.
pub fn polls(duration_ms: u64) -> u64 {
    let (mut elapsed, mut asked) = (0, 1);
    while elapsed < duration_ms {
        elapsed += next_wait(elapsed);
        asked += 1;
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::{next_wait, polls};

    #[test]
    fn quick_first_and_calm_later() {
        assert_eq!([0, 100, 1_000, 10_000, 30_000].map(next_wait), [50, 50, 250, 2_500, 5_000]);
        assert_eq!([60_000, 100_000, 200_000, u64::MAX].map(next_wait), [5_000, 5_000, 10_000, 30_000]);
    }

    #[test]
    fn waits_never_shorten_and_cost_few_requests() {
        let waits: Vec<u64> = (0..4_000_000).step_by(10).map(next_wait).collect();
        assert!(waits.is_sorted());
        assert!(polls(3_600_000) < 200, "{} requests in an hour", polls(3_600_000));
    }

    #[test]
    fn counts_requests() {
        assert_eq!([0, 1, 50, 51, 200, 201].map(polls), [1, 2, 2, 3, 5, 6]);
        assert!((20..40).contains(&polls(60_000)), "{}", polls(60_000));
        assert_eq!(polls(100_000) - polls(60_000), 8, "one in five seconds");
    }
}
