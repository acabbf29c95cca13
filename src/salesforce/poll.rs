//! How often to ask for a job's state. Pure.

/// Milliseconds to wait before asking again, `elapsed_ms` after the job was closed: a small job is seen within a
/// fraction of a second, a long one costs few requests. Never less often than every thirty seconds, and after the
/// first minute never more often than every five.
pub fn next_wait(elapsed_ms: u64) -> u64 {
    const MINUTE: u64 = 60_000;
    if elapsed_ms < MINUTE {
        (elapsed_ms / 4).clamp(50, 5_000)
    } else {
        (elapsed_ms / 20).clamp(5_000, 30_000)
    }
}

#[cfg(test)]
mod tests {
    use super::next_wait;

    #[test]
    fn quick_first_and_calm_later() {
        assert_eq!([0, 100, 1_000, 10_000, 30_000].map(next_wait), [50, 50, 250, 2_500, 5_000]);
        assert_eq!([60_000, 100_000, 200_000, u64::MAX].map(next_wait), [5_000, 5_000, 10_000, 30_000]);
    }

    #[test]
    fn grows_and_costs_few_requests() {
        let (mut elapsed, mut requests, mut last) = (0, 0, 0);
        while elapsed < 3_600_000 {
            let wait = next_wait(elapsed);
            assert!(wait >= last);
            (elapsed, requests, last) = (elapsed + wait, requests + 1, wait);
        }
        assert!(requests < 200, "{requests} requests in an hour");
    }
}
