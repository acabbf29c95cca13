//! Fixed-width records of one file, read in order through a buffer; and records in memory likewise.

use crate::ports::Files;
use std::io;

/// How much is read at once.
const BUFFER: usize = 16 << 10;

/// Walks over sorted records. Before the first `advance` there is no record.
pub(super) trait Cursor {
    /// Goes to the next record; false at the end.
    fn advance(&mut self) -> io::Result<bool>;
    /// The record where the cursor stands; empty before the first and after the last.
    fn record(&self) -> &[u8];
}

/// Records of a file.
pub(super) struct FileCursor<'a> {
    files: &'a dyn Files,
    path: String,
    width: usize,
    /// Where the next buffer begins.
    next: u64,
    /// Where the records end.
    end: u64,
    buffer: Vec<u8>,
    /// Where the current record begins in the buffer, and the one after it.
    here: usize,
    after: usize,
}

impl<'a> FileCursor<'a> {
    /// Records between two offsets of a file.
    pub(super) fn new(files: &'a dyn Files, path: String, width: usize, from: u64, end: u64) -> Self {
        Self { files, path, width, next: from, end, buffer: Vec::new(), here: 0, after: 0 }
    }

    fn refill(&mut self) -> io::Result<()> {
        let most = (BUFFER / self.width).max(1) * self.width;
        let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        self.buffer.resize(most.min(left), 0);
        (self.here, self.after) = (0, 0);
        let mut filled = 0;
        while filled < self.buffer.len() {
            match self.files.read_at(&self.path, self.next + filled as u64, &mut self.buffer[filled..])? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, self.path.clone())),
                count => filled += count,
            }
        }
        self.next += filled as u64;
        Ok(())
    }
}

impl Cursor for FileCursor<'_> {
    fn advance(&mut self) -> io::Result<bool> {
        if self.after >= self.buffer.len() {
            self.refill()?;
        }
        self.here = self.after;
        self.after = self.buffer.len().min(self.here + self.width);
        Ok(self.here < self.after)
    }

    fn record(&self) -> &[u8] {
        &self.buffer[self.here..self.after]
    }
}

/// Records in memory, taken in the order of a list of their numbers.
pub(super) struct MemoryCursor<'a> {
    pub(super) records: &'a [u8],
    pub(super) width: usize,
    pub(super) order: &'a [(u64, u32)],
    /// How many have been passed, the current one included.
    pub(super) passed: usize,
}

impl Cursor for MemoryCursor<'_> {
    fn advance(&mut self) -> io::Result<bool> {
        self.passed = self.order.len().min(self.passed) + 1;
        Ok(self.passed <= self.order.len())
    }

    fn record(&self) -> &[u8] {
        let number = self.passed.checked_sub(1).and_then(|n| self.order.get(n));
        number.map_or(&[], |(_, n)| &self.records[*n as usize * self.width..][..self.width])
    }
}
