//! The merge of many sorted streams of records into one: a heap of cursors, smallest record on top.

use super::cursor::Cursor;
use std::io;

/// Merges sorted cursors. Of equal records, the one of the later cursor comes first: it is the newer one.
pub(super) struct KWay<C> {
    cursors: Vec<C>,
    /// How many leading bytes decide the order.
    compared: usize,
    /// Numbers of the cursors that still have records; a heap.
    heap: Vec<usize>,
    started: bool,
}

impl<C: Cursor> KWay<C> {
    /// Over these cursors, oldest first, by the first `compared` bytes of their records.
    pub(super) fn new(cursors: Vec<C>, compared: usize) -> Self {
        Self { heap: Vec::with_capacity(cursors.len()), cursors, compared, started: false }
    }

    /// The next record.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.started {
            self.advance_top()?;
        } else {
            self.start()?;
        }
        Ok(self.heap.first().map(|top| self.cursors[*top].record()))
    }

    fn start(&mut self) -> io::Result<()> {
        self.started = true;
        for number in 0..self.cursors.len() {
            if self.cursors[number].advance()? {
                self.heap.push(number);
            }
        }
        for position in (0..self.heap.len() / 2).rev() {
            self.sink(position);
        }
        Ok(())
    }

    fn advance_top(&mut self) -> io::Result<()> {
        let Some(&top) = self.heap.first() else { return Ok(()) };
        if !self.cursors[top].advance()? {
            self.heap.swap_remove(0);
        }
        self.sink(0);
        Ok(())
    }

    fn sink(&mut self, mut position: usize) {
        loop {
            let mut least = position;
            for child in [2 * position + 1, 2 * position + 2] {
                if child < self.heap.len() && self.before(child, least) {
                    least = child;
                }
            }
            if least == position {
                return;
            }
            self.heap.swap(position, least);
            position = least;
        }
    }

    fn before(&self, one: usize, other: usize) -> bool {
        let (one, other) = (self.heap[one], self.heap[other]);
        let prefix = |number: usize| {
            let record = self.cursors[number].record();
            &record[..record.len().min(self.compared)]
        };
        prefix(one).cmp(prefix(other)).then(other.cmp(&one)).is_lt()
    }
}
