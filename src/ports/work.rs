//! CPU work: the same function on several threads in the binary, once inline in tests. Workers pull their tasks
//! from what they share, so the output must not depend on how many there are.

/// Runs CPU work.
pub trait Work: Send + Sync {
    /// Calls `worker` with 0, 1, … on as many threads as there are, and returns when all have returned. A worker
    /// must not wait for another worker to begin: there may be only one.
    fn fan_out(&self, worker: &(dyn Fn(usize) + Sync));
}

/// Everything on the caller's thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct InlineWork;

impl Work for InlineWork {
    fn fan_out(&self, worker: &(dyn Fn(usize) + Sync)) {
        worker(0);
    }
}

/// A fixed number of threads for each call.
#[derive(Debug, Clone, Copy)]
pub struct Threads(usize);

impl Threads {
    /// This many threads, at least one.
    pub fn new(count: usize) -> Self {
        Self(count.max(1))
    }
}

impl Work for Threads {
    fn fan_out(&self, worker: &(dyn Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for index in 1..self.0 {
                scope.spawn(move || worker(index));
            }
            worker(0);
        });
    }
}
