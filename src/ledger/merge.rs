//! Two sorted streams walked side by side.

use std::cmp::Ordering;
use std::io;

/// One step of a [`join`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined<L, R> {
    /// A left one without a right one.
    Left(L),
    /// A right one that no left one has asked for.
    Right(R),
    /// A left one and the right one of the same key.
    Both(L, R),
}

/// Joins two streams in ascending order of their keys. A key may stand several times on the left (children of one
/// parent), and each of them meets the right one; on the right it stands once. A stream that is not in this order
/// is `InvalidData`; the join ends after an error.
pub fn join<L, R, K: Ord>(
    left: impl IntoIterator<Item = io::Result<L>>,
    right: impl IntoIterator<Item = io::Result<R>>,
    left_key: impl Fn(&L) -> K,
    right_key: impl Fn(&R) -> K,
) -> impl Iterator<Item = io::Result<Joined<L, R>>>
where
    R: Clone,
{
    let mut join = Join {
        left: Head::new(left.into_iter(), left_key, true),
        right: Head::new(right.into_iter(), right_key, false),
        met: false,
    };
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let step = join.step().transpose();
        ended = !matches!(step, Some(Ok(_)));
        step
    })
}

struct Join<A, B> {
    left: A,
    right: B,
    /// Whether a left one has met the current right one.
    met: bool,
}

impl<I, J, L, R, K, F, G> Join<Head<I, L, K, F>, Head<J, R, K, G>>
where
    I: Iterator<Item = io::Result<L>>,
    J: Iterator<Item = io::Result<R>>,
    K: Ord,
    F: Fn(&L) -> K,
    G: Fn(&R) -> K,
    R: Clone,
{
    fn step(&mut self) -> io::Result<Option<Joined<L, R>>> {
        loop {
            self.left.fill()?;
            self.right.fill()?;
            let order = match (&self.left.head, &self.right.head) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((left, _)), Some((right, _))) => left.cmp(right),
            };
            match (order, &self.right.head) {
                (Ordering::Equal, Some((_, right))) => {
                    let right = right.clone();
                    self.met = true;
                    return Ok(self.left.take().map(|left| Joined::Both(left, right)));
                }
                (Ordering::Greater, _) => {
                    let right = self.right.take();
                    if !std::mem::take(&mut self.met) {
                        return Ok(right.map(Joined::Right));
                    }
                }
                _ => return Ok(self.left.take().map(Joined::Left)),
            }
        }
    }
}

/// A stream of which the next element can be seen.
struct Head<I, T, K, F> {
    stream: I,
    key: F,
    repeats: bool,
    head: Option<(K, T)>,
    last: Option<K>,
}

impl<I, T, K, F> Head<I, T, K, F>
where
    I: Iterator<Item = io::Result<T>>,
    K: Ord,
    F: Fn(&T) -> K,
{
    fn new(stream: I, key: F, repeats: bool) -> Self {
        Self { stream, key, repeats, head: None, last: None }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.head.is_some() {
            return Ok(());
        }
        let Some(item) = self.stream.next().transpose()? else { return Ok(()) };
        let key = (self.key)(&item);
        let in_order = self.last.as_ref().is_none_or(|last| match last.cmp(&key) {
            Ordering::Less => true,
            Ordering::Equal => self.repeats,
            Ordering::Greater => false,
        });
        if !in_order {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a stream to be joined is not in order"));
        }
        self.head = Some((key, item));
        Ok(())
    }

    fn take(&mut self) -> Option<T> {
        let (key, item) = self.head.take()?;
        self.last = Some(key);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::{Joined, join};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::io;

    fn ok(numbers: &[u8]) -> impl Iterator<Item = io::Result<u8>> {
        numbers.iter().copied().map(Ok)
    }

    fn joined(left: &[u8], right: &[u8]) -> io::Result<Vec<Joined<u8, u8>>> {
        join(ok(left), ok(right), |l| *l, |r| *r).collect()
    }

    #[test]
    fn a_left_one_may_repeat_and_a_right_one_may_not() {
        use Joined::{Both, Left, Right};
        let expected = vec![Left(1), Right(2), Both(3, 3), Both(3, 3), Left(4), Right(9)];
        assert_eq!(joined(&[1, 3, 3, 4], &[2, 3, 9]).unwrap(), expected);
        assert!(joined(&[1], &[1, 1]).is_err());
        assert!(joined(&[2, 1], &[]).is_err());
    }

    #[test]
    fn the_first_error_ends_it() {
        let left = [Ok(1), Err(io::Error::other("disk")), Ok(2)];
        let mut steps = join(left, ok(&[]), |l| *l, |r| *r);
        assert!(steps.next().unwrap().is_ok());
        assert!(steps.next().unwrap().is_err());
        assert!(steps.next().is_none());
    }

    proptest! {
        #[test]
        fn agrees_with_a_map(mut left in proptest::collection::vec(0_u8..40, 0..60), right: BTreeSet<u8>) {
            left.sort_unstable();
            let right: Vec<u8> = right.into_iter().map(|r| r % 50).collect::<BTreeSet<_>>().into_iter().collect();
            let table: BTreeMap<u8, u8> = right.iter().map(|r| (*r, *r)).collect();
            let mut expected: Vec<_> = left.iter().map(|l| table.get(l).map_or(Joined::Left(*l), |r| Joined::Both(*l, *r))).collect();
            expected.extend(right.iter().filter(|r| !left.contains(r)).map(|r| Joined::Right(*r)));
            expected.sort_by_key(|step| match step { Joined::Left(k) | Joined::Right(k) | Joined::Both(k, _) => *k });
            prop_assert_eq!(joined(&left, &right).unwrap(), expected);
        }
    }
}
