//! Many worlds at once: as many threads as there are processors, one crowd at a time, so that what a crowd took is its
//! own time. And the figures of a crowd, which are printed whether or not its test passes. Knows no world.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Held by the crowd that has the processors.
static PROCESSORS: Mutex<()> = Mutex::new(());

/// Carries all out on as many threads as there are processors; gives what came of each, in their order, and how long
/// all took.
pub fn crowd<T: Sync, R: Send>(items: &[T], carry_out: impl Fn(&T) -> R + Sync) -> (Vec<R>, Duration) {
    let _processors = PROCESSORS.lock().unwrap_or_else(PoisonError::into_inner);
    let (begun, next) = (Instant::now(), AtomicUsize::new(0));
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, carry_out(item)));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    (done.into_iter().map(|(_, result)| result).collect(), begun.elapsed())
}

/// Prints figures. The test runner keeps what a test prints to itself unless the test fails; these are for every reader.
pub fn figures(told: &str) {
    let _ = writeln!(std::io::stderr(), "figures: {told}");
}
