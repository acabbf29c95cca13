//! One file cut at the ends of its records. Owns the text that has been read and not yet been given away.

use super::format::{Coding, CsvFormat};
use super::input::Input;
use super::splitter::Splitter;
use super::{Broken, LONGEST_RECORD, RECORDS};
use crate::ports::Files;
use memchr::memchr_iter;
use std::io;

/// Whole records of one file, one after the other.
pub(super) struct Cut {
    /// Where they begin.
    pub(super) offset: u64,
    /// The line on which they begin.
    pub(super) line: u32,
    /// The records; empty for one that was too long to be held.
    pub(super) bytes: Vec<u8>,
    /// Why the one record that this is cannot be read.
    pub(super) broken: Option<Broken>,
}

/// Cuts one file.
pub(super) struct Cutter<'a> {
    input: Input<'a>,
    splitter: Splitter,
    buffer: Vec<u8>,
    /// Where the buffer begins.
    offset: u64,
    line: u32,
    /// How much of the buffer the splitter has seen.
    seen: usize,
    /// The last end of a record in what it has seen; 0 when there is none.
    end: usize,
    /// How many records end there.
    records: usize,
    ended: bool,
    longest: usize,
    most: usize,
}

impl<'a> Cutter<'a> {
    /// Opens a file at its first byte.
    pub(super) fn open(
        files: &'a dyn Files,
        path: &str,
        format: &CsvFormat,
        coding: Coding,
    ) -> io::Result<Self> {
        let input = Input::open(files, path, coding)?;
        Ok(Self {
            offset: input.start(),
            input,
            splitter: Splitter::new(format.delimiter, format.quote),
            buffer: Vec::new(),
            line: 1,
            seen: 0,
            end: 0,
            records: 0,
            ended: false,
            longest: LONGEST_RECORD,
            most: RECORDS,
        })
    }

    /// Other limits than [`LONGEST_RECORD`] and [`RECORDS`].
    pub(super) fn limits(mut self, longest: usize, most: usize) -> Self {
        (self.longest, self.most) = (longest, most);
        self
    }

    /// The first record that is not a blank line, alone: the header. Nothing when there is none.
    pub(super) fn first(&mut self, piece: usize) -> io::Result<Option<Cut>> {
        loop {
            let cut = if self.scan_one() {
                self.take()
            } else if self.ended {
                return Ok(self.rest());
            } else if self.seen > self.longest {
                return self.skip(piece).map(Some);
            } else {
                self.read(piece)?;
                continue;
            };
            if !matches!(cut.bytes.as_slice(), b"\n" | b"\r\n") {
                return Ok(Some(cut));
            }
        }
    }

    /// The next records, about `piece` bytes of them and at most [`RECORDS`]; nothing when the file has ended.
    pub(super) fn next(&mut self, piece: usize) -> io::Result<Option<Cut>> {
        if !self.ended && self.buffer.len() < piece {
            self.read(piece - self.buffer.len())?;
        }
        self.scan();
        while self.end == 0 && !self.ended {
            if self.seen > self.longest {
                return self.skip(piece).map(Some);
            }
            self.read(piece)?;
            self.scan();
        }
        if self.end == 0 {
            return Ok(self.rest());
        }
        if self.is_last() {
            self.end = self.buffer.len();
        }
        Ok(Some(self.take()))
    }

    /// Whether what follows the last end that was found is the file's last record, without a line end.
    fn is_last(&self) -> bool {
        let tail = self.buffer.len() - self.end;
        let all_seen = self.seen == self.buffer.len();
        self.ended && all_seen && !self.splitter.inside_quotes() && tail <= self.longest
    }

    fn read(&mut self, want: usize) -> io::Result<()> {
        self.ended = !self.input.fill(&mut self.buffer, want)?;
        Ok(())
    }

    fn scan(&mut self) {
        while self.records < self.most && self.scan_one() {}
    }

    fn scan_one(&mut self) -> bool {
        let (taken, found) = self.splitter.take(&self.buffer[self.seen..], self.ended);
        self.seen += taken;
        if found.is_some() {
            self.end = self.seen;
            self.records += 1;
        }
        found.is_some()
    }

    /// Gives away the buffer up to the last end.
    fn take(&mut self) -> Cut {
        let bytes = self.buffer[..self.end].to_vec();
        self.buffer.drain(..self.end);
        let (offset, line) = self.pass(&bytes);
        self.seen -= self.end;
        (self.end, self.records) = (0, 0);
        Cut { offset, line, bytes, broken: None }
    }

    /// What follows the last line end of the file.
    fn rest(&mut self) -> Option<Cut> {
        if self.buffer.is_empty() {
            return None;
        }
        let too_long = self.buffer.len() > self.longest;
        self.end = self.buffer.len();
        let cut = self.take();
        let last = self.last_line(cut.bytes.last().copied());
        let broken = match self.splitter.inside_quotes() {
            true => Some(Broken::Unclosed { last }),
            false => too_long.then_some(Broken::TooLong { last }),
        };
        Some(Cut { broken, ..cut })
    }

    /// Passes over a record that is too long, holding little more of it than a piece.
    fn skip(&mut self, piece: usize) -> io::Result<Cut> {
        let (mut begin, mut tail) = (None, None);
        loop {
            let found = self.scan_one();
            let kept = self.buffer.split_off(self.seen);
            let gone = std::mem::replace(&mut self.buffer, kept);
            let place = self.pass(&gone);
            let (offset, line) = *begin.get_or_insert(place);
            (self.seen, self.end, self.records) = (0, 0, 0);
            tail = gone.last().copied().or(tail);
            if found || self.ended {
                let last = self.last_line(tail);
                let unclosed = !found && self.splitter.inside_quotes();
                let broken = if unclosed { Broken::Unclosed { last } } else { Broken::TooLong { last } };
                return Ok(Cut { offset, line, bytes: Vec::new(), broken: Some(broken) });
            }
            self.read(piece)?;
        }
    }

    /// The line on which a record ends that has just been passed, by its last byte.
    fn last_line(&self, tail: Option<u8>) -> u32 {
        self.line.saturating_sub(u32::from(tail == Some(b'\n')))
    }

    /// Moves the place over these bytes and gives where they began.
    fn pass(&mut self, bytes: &[u8]) -> (u64, u32) {
        let begin = (self.offset, self.line);
        self.offset += bytes.len() as u64;
        self.line = self.line.saturating_add(line_ends(bytes));
        begin
    }
}

/// How many lines end in these bytes.
pub(super) fn line_ends(bytes: &[u8]) -> u32 {
    u32::try_from(memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}
