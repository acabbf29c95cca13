//! Work on several threads, results in order: workers pull items, make results, and hand them on in turn.

use crate::ports::Work;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Pulls items until there are none, makes each on any worker, and hands the results on in the order of the items.
/// Output is the same for any number of workers.
///
/// # Errors
/// The first error of `pull`, `make` or `take`, in the order of the items.
pub(super) fn ordered<I, O, W, E: Send>(
    work: &dyn Work,
    pull: impl FnMut() -> Result<Option<I>, E> + Send,
    worker: impl Fn() -> W + Sync,
    make: impl Fn(&mut W, I) -> Result<O, E> + Sync,
    take: impl FnMut(O) -> Result<(), E> + Send,
) -> Result<(), E> {
    let line = Line {
        pull: Mutex::new((pull, 0_u64)),
        take: Mutex::new(Turn { take, next: 0, error: None }),
        moved: Condvar::new(),
    };
    work.fan_out(&|_| {
        let mut mine = worker();
        while line.one(|item| make(&mut mine, item)) {}
    });
    let turn = line.take.into_inner().unwrap_or_else(PoisonError::into_inner);
    turn.error.map_or(Ok(()), |(_, error)| Err(error))
}

/// What the workers share.
struct Line<P, T, E> {
    pull: Mutex<(P, u64)>,
    take: Mutex<Turn<T, E>>,
    moved: Condvar,
}

/// Whose turn it is to hand on.
struct Turn<T, E> {
    take: T,
    next: u64,
    error: Option<(u64, E)>,
}

impl<P, T, E> Line<P, T, E> {
    /// Does one item; false when there is no more to do.
    fn one<I, O>(&self, make: impl FnOnce(I) -> Result<O, E>) -> bool
    where
        P: FnMut() -> Result<Option<I>, E>,
        T: FnMut(O) -> Result<(), E>,
    {
        let (number, pulled) = {
            let mut pull = self.pull.lock().unwrap_or_else(PoisonError::into_inner);
            let number = pull.1;
            pull.1 += 1;
            (number, (pull.0)())
        };
        let made = match pulled {
            Ok(None) => return false,
            Ok(Some(item)) => make(item),
            Err(error) => Err(error),
        };
        self.hand_on(number, made)
    }

    fn hand_on<O>(&self, number: u64, made: Result<O, E>) -> bool
    where
        T: FnMut(O) -> Result<(), E>,
    {
        let mut turn = self.wait_for(number);
        if turn.error.is_some() {
            return false;
        }
        let done = match made {
            Ok(output) => (turn.take)(output),
            Err(error) => Err(error),
        };
        turn.next += 1;
        if let Err(error) = done {
            turn.error = Some((number, error));
        }
        self.moved.notify_all();
        turn.error.is_none()
    }

    fn wait_for(&self, number: u64) -> MutexGuard<'_, Turn<T, E>> {
        let turn = self.take.lock().unwrap_or_else(PoisonError::into_inner);
        self.moved
            .wait_while(turn, |turn| turn.next != number && turn.error.is_none())
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::ordered;
    use crate::ports::{InlineWork, Threads, Work};

    fn run(work: &dyn Work, fail_at: Option<u32>) -> (Result<(), u32>, Vec<u32>) {
        let mut items = 0..100_u32;
        let mut out = Vec::new();
        let make = |(): &mut (), n: u32| if Some(n) == fail_at { Err(n) } else { Ok(n * 2) };
        let result = ordered(
            work,
            || Ok(items.next()),
            || (),
            make,
            |n| {
                out.push(n);
                Ok(())
            },
        );
        (result, out)
    }

    #[test]
    fn order_and_errors_do_not_depend_on_the_workers() {
        for work in [&InlineWork as &dyn Work, &Threads::new(4)] {
            let (result, out) = run(work, None);
            assert_eq!((result, out), (Ok(()), (0..100).map(|n| n * 2).collect()));
            let (result, out) = run(work, Some(37));
            assert_eq!((result, out.len()), (Err(37), 37));
        }
    }
}
