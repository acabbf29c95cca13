//! Fixed-width records brought into the order of their bytes within bounded memory: what does not fit is written
//! out in sorted runs, which are merged while they are read.
//!
//! Runs are scratch: never synced, removed with the [`Sorted`] that owns them, and overwritten when a killed
//! process left some under the same prefix.

use super::cursor::{Cursor, FileCursor, MemoryCursor};
use super::kway::KWay;
use crate::ports::Files;
use std::io;

/// How much is collected before it is written to a run.
const BUFFER: usize = 256 << 10;
/// How many runs are read at once.
const FAN_IN: usize = 64;
/// What is kept beside each record: the first bytes of it and its number.
const BESIDE: usize = size_of::<(u64, u32)>();

/// Takes records in any order.
pub struct Sorter<'a> {
    runs: Runs<'a>,
    /// How many records are held in memory.
    most: usize,
    records: Vec<u8>,
    order: Vec<(u64, u32)>,
    count: u64,
}

impl<'a> Sorter<'a> {
    /// For records of `width` bytes, with run files `<prefix>.<n>.run` and about `budget` bytes of memory.
    pub fn new(files: &'a dyn Files, prefix: &str, width: usize, budget: usize) -> Self {
        let runs = Runs { files, prefix: prefix.to_owned(), width: width.max(1), live: Vec::new(), next: 0 };
        let most = (budget / (runs.width + BESIDE)).clamp(2, u32::MAX as usize);
        Self { runs, most, records: Vec::new(), order: Vec::new(), count: 0 }
    }

    /// Takes one record.
    ///
    /// # Errors
    /// `InvalidInput` for a record of another width; else the disk's own error.
    pub fn push(&mut self, record: &[u8]) -> io::Result<()> {
        if record.len() != self.runs.width {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a record of another width"));
        }
        if self.order.len() == self.most {
            self.spill()?;
        }
        self.make_room();
        let number = u32::try_from(self.order.len()).map_err(io::Error::other)?;
        self.order.push((first_bytes(record), number));
        self.records.extend_from_slice(record);
        self.count += 1;
        Ok(())
    }

    /// All records in order.
    ///
    /// # Errors
    /// The disk's own error.
    pub fn finish(mut self) -> io::Result<Sorted<'a>> {
        if self.runs.live.is_empty() {
            self.sort();
        } else {
            self.spill()?;
            (self.records, self.order) = (Vec::new(), Vec::new());
            while self.runs.live.len() > FAN_IN {
                self.runs.merge_first()?;
            }
        }
        Ok(Sorted { runs: self.runs, records: self.records, order: self.order, count: self.count })
    }

    /// Grows by doubling, but never beyond the budget.
    fn make_room(&mut self) {
        let held = self.order.len();
        if held == self.order.capacity() {
            let more = held.max(1024).min(self.most - held);
            self.order.reserve_exact(more);
            self.records.reserve_exact(more * self.runs.width);
        }
    }

    fn sort(&mut self) {
        let (records, width) = (&self.records, self.runs.width);
        let record = |number: u32| &records[number as usize * width..][..width];
        self.order.sort_unstable_by(|one, other| {
            one.0.cmp(&other.0).then_with(|| record(one.1).cmp(record(other.1)))
        });
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        let mut run = self.runs.begin()?;
        for (_, number) in &self.order {
            let at = *number as usize * self.runs.width;
            run.put(&self.records[at..at + self.runs.width])?;
        }
        self.runs.end(run)?;
        self.records.clear();
        self.order.clear();
        Ok(())
    }
}

fn first_bytes(record: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = record.len().min(8);
    first[..length].copy_from_slice(&record[..length]);
    u64::from_be_bytes(first)
}

/// Records in order, to be read any number of times. Its files go when it is dropped.
pub struct Sorted<'a> {
    runs: Runs<'a>,
    records: Vec<u8>,
    order: Vec<(u64, u32)>,
    count: u64,
}

impl Sorted<'_> {
    /// How many records there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Reads the records from the first one on.
    pub fn iter(&self) -> SortedIter<'_> {
        if self.runs.live.is_empty() {
            let (records, width, order) = (&self.records, self.runs.width, &self.order);
            return SortedIter(Source::Memory(MemoryCursor { records, width, order, passed: 0 }));
        }
        SortedIter(Source::Runs(self.runs.merged(self.runs.live.len())))
    }

    /// Removes the files.
    ///
    /// # Errors
    /// The disk's own error.
    pub fn remove(mut self) -> io::Result<()> {
        self.runs.remove()
    }
}

/// Reads sorted records.
pub struct SortedIter<'s>(Source<'s>);

enum Source<'s> {
    Memory(MemoryCursor<'s>),
    Runs(KWay<FileCursor<'s>>),
}

impl<'s> SortedIter<'s> {
    /// The next record.
    ///
    /// # Errors
    /// The disk's own error.
    pub fn next_record(&mut self) -> io::Result<Option<&[u8]>> {
        match &mut self.0 {
            Source::Memory(cursor) => Ok(if cursor.advance()? { Some(cursor.record()) } else { None }),
            Source::Runs(runs) => runs.next(),
        }
    }

    /// The records as an iterator of what `decode` makes of them.
    pub fn decode<T>(mut self, mut decode: impl FnMut(&[u8]) -> T) -> impl Iterator<Item = io::Result<T>> {
        std::iter::from_fn(move || self.next_record().map(|record| record.map(&mut decode)).transpose())
    }
}

/// Sorted files.
struct Runs<'a> {
    files: &'a dyn Files,
    prefix: String,
    width: usize,
    /// Path and length of each.
    live: Vec<(String, u64)>,
    next: u32,
}

impl<'a> Runs<'a> {
    fn begin(&mut self) -> io::Result<Run<'a>> {
        let path = format!("{}.{}.run", self.prefix, self.next);
        self.next += 1;
        self.files.remove(&path)?;
        self.live.push((path.clone(), 0));
        Ok(Run { files: self.files, path, buffer: Vec::new(), length: 0 })
    }

    fn end(&mut self, mut run: Run<'a>) -> io::Result<()> {
        run.flush()?;
        self.live.last_mut().into_iter().for_each(|(_, length)| *length = run.length);
        Ok(())
    }

    /// The first so many runs as one.
    fn merged(&self, count: usize) -> KWay<FileCursor<'a>> {
        let cursor = |(path, length): &(String, u64)| {
            FileCursor::new(self.files, path.clone(), self.width, 0, *length)
        };
        KWay::new(self.live[..count].iter().map(cursor).collect(), self.width)
    }

    /// Makes one run of the first ones.
    fn merge_first(&mut self) -> io::Result<()> {
        let mut merged = self.merged(FAN_IN);
        let mut run = self.begin()?;
        while let Some(record) = merged.next()? {
            run.put(record)?;
        }
        self.end(run)?;
        let old: Vec<_> = self.live.drain(..FAN_IN).collect();
        old.iter().try_for_each(|(path, _)| self.files.remove(path))
    }

    fn remove(&mut self) -> io::Result<()> {
        self.live.drain(..).try_for_each(|(path, _)| self.files.remove(&path))
    }
}

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        // Scratch: what cannot be removed now is overwritten by the next sort of this name.
        let _ = self.remove();
    }
}

/// A run that is being written.
struct Run<'a> {
    files: &'a dyn Files,
    path: String,
    buffer: Vec<u8>,
    length: u64,
}

impl Run<'_> {
    fn put(&mut self, record: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(record);
        if self.buffer.len() < BUFFER { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.files.append(&self.path, &self.buffer)?;
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
