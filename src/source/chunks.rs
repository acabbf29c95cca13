//! A source in chunks: whole records, about a megabyte or some thousands at a time, in order, from one file or several.

use super::cutter::Cutter;
use super::format::{Coding, CsvFormat};
use super::{CHUNK, LONGEST_RECORD, RECORDS};
use crate::ports::Files;
use std::io;

/// Whole records of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Number of the chunk in its source, from 0.
    pub number: u32,
    /// Number of the file in its source, from 0.
    pub file: u16,
    /// Where the chunk begins: in the file, or in its text where the encoding had to be turned into UTF-8 first.
    pub offset: u64,
    /// The line on which it begins; the header stands on line 1.
    pub first_line: u32,
    /// The records.
    pub bytes: Vec<u8>,
    /// Set when the chunk is a single record that cannot be read.
    pub broken: Option<Broken>,
}

/// Why a record cannot be read as a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A quote was opened and the file ended before it was closed.
    Unclosed {
        /// The line on which the record ends.
        last: u32,
    },
    /// The record is longer than [`LONGEST_RECORD`], most often because a quote was not closed. Its bytes are dropped.
    TooLong {
        /// The line on which the record ends.
        last: u32,
    },
}

/// Where a chunk lies, to read it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRef {
    /// As in [`Chunk`].
    pub number: u32,
    /// As in [`Chunk`].
    pub file: u16,
    /// As in [`Chunk`].
    pub offset: u64,
    /// Length of its bytes.
    pub length: u64,
    /// As in [`Chunk`].
    pub first_line: u32,
    /// As in [`Chunk`].
    pub broken: Option<Broken>,
}

impl Chunk {
    /// Where this chunk lies.
    pub fn reference(&self) -> ChunkRef {
        ChunkRef {
            number: self.number,
            file: self.file,
            offset: self.offset,
            length: self.bytes.len() as u64,
            first_line: self.first_line,
            broken: self.broken,
        }
    }
}

/// Cuts a source into chunks. Each file has its own header, which is passed over; that the headers agree is
/// `check_same_headers`' business. Where the cuts fall depends on the bytes alone.
pub struct Chunks<'a> {
    files: &'a dyn Files,
    paths: Vec<String>,
    format: CsvFormat,
    coding: Coding,
    next_file: u16,
    open: Option<Cutter<'a>>,
    number: u32,
    size: usize,
    longest: usize,
    most: usize,
}

impl<'a> Chunks<'a> {
    /// A source of these files, in this order.
    ///
    /// # Errors
    /// `InvalidInput` for an encoding that nobody knows, or more files than a position can tell apart.
    pub fn new(files: &'a dyn Files, paths: &[String], format: &CsvFormat) -> io::Result<Self> {
        if paths.len() > usize::from(u16::MAX) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a source has at most 65535 files"));
        }
        Ok(Self {
            files,
            paths: paths.to_vec(),
            coding: format.coding()?,
            format: format.clone(),
            next_file: 0,
            open: None,
            number: 0,
            size: CHUNK,
            longest: LONGEST_RECORD,
            most: RECORDS,
        })
    }

    /// The next chunk, or nothing at the end of the last file.
    ///
    /// # Errors
    /// The disk's own error; `InvalidData` when a file begins with the mark of another encoding.
    #[allow(clippy::should_implement_trait, reason = "an error ends it, and it lends nothing")]
    pub fn next(&mut self) -> io::Result<Option<Chunk>> {
        loop {
            if self.open.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let Some(cutter) = &mut self.open else { continue };
            let Some(cut) = cutter.next(self.size)? else {
                self.open = None;
                continue;
            };
            let (number, file) = (self.number, self.next_file - 1);
            self.number += 1;
            let (offset, first_line) = (cut.offset, cut.line);
            return Ok(Some(Chunk {
                number,
                file,
                offset,
                first_line,
                bytes: cut.bytes,
                broken: cut.broken,
            }));
        }
    }

    /// Opens the next file behind its header.
    fn open_next(&mut self) -> io::Result<bool> {
        let Some(path) = self.paths.get(usize::from(self.next_file)) else { return Ok(false) };
        let cutter = Cutter::open(self.files, path, &self.format, self.coding)?;
        let mut cutter = cutter.limits(self.longest, self.most);
        cutter.first(self.size)?;
        self.open = Some(cutter);
        self.next_file += 1;
        Ok(true)
    }

    /// Other sizes, for tests.
    #[cfg(test)]
    pub(super) fn sized(mut self, size: usize, longest: usize) -> Self {
        (self.size, self.longest, self.most) = (size, longest, size.div_ceil(8));
        self
    }
}
