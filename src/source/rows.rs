//! The rows inside a chunk, as text cells with their places. One reader per worker; nothing is allocated per row.

use super::LONGEST_RECORD;
use super::chunks::{Broken, Chunk};
use super::cutter::line_ends;
use super::format::{Coding, CsvFormat};
use crate::diagnostic::Code;
use csv::ByteRecord;
use encoding_rs::{DecoderResult, Encoding};
use std::io::{self, Read};

/// A row's place: unique, and ascending in the order of the source. The file's number in the upper 16 bits, the
/// offset of the record's first byte in the (decoded) file in the lower 48.
pub type RowPos = u64;

/// The file's number and the offset in it.
pub fn split_position(position: RowPos) -> (u16, u64) {
    ((position >> 48) as u16, position & ((1 << 48) - 1))
}

/// Why a record is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// More or fewer cells than the header.
    #[error("the row has {found} cells, the header has {expected}")]
    Ragged {
        /// Columns in the header.
        expected: usize,
        /// Cells in the row.
        found: usize,
    },
    /// A cell with bytes that are not in the stated encoding.
    #[error("cell {} holds bytes that are not in the stated encoding", column + 1)]
    Encoding {
        /// The cell's column, from 0.
        column: usize,
    },
    /// A quote that the file never closes.
    #[error("the row opens a quote that is never closed")]
    Unclosed,
    /// A record longer than [`LONGEST_RECORD`].
    #[error("the row is longer than {} MB; a quote may not be closed", LONGEST_RECORD >> 20)]
    TooLong,
}

impl RowFault {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Encoding { .. } => Code::RowEncoding,
            _ => Code::RowRagged,
        }
    }
}

/// The cells of one row, as many as the header has columns. A cell that is one of the null values reads as "".
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    text: &'a str,
    ends: &'a [usize],
    nulls: &'a [String],
}

impl<'a> Cells<'a> {
    /// The cell of a column; empty beyond the last.
    pub fn get(&self, column: usize) -> &'a str {
        let cell = self.raw(column);
        if self.nulls.iter().any(|null| null == cell) { "" } else { cell }
    }

    /// The cell as it stands in the file, null value or not.
    pub fn raw(&self, column: usize) -> &'a str {
        let Some(&end) = self.ends.get(column) else { return "" };
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.text[start..end]
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// Takes the records of a chunk one by one: the place, the line of the record's first byte, its cells or its fault.
pub type RowSink<'f> = dyn FnMut(RowPos, u32, Result<&Cells<'_>, RowFault>) + 'f;

/// Reads the rows of chunks.
pub struct RowReader {
    columns: usize,
    delimiter: u8,
    quote: u8,
    single: Option<&'static Encoding>,
    nulls: Vec<String>,
    record: ByteRecord,
    /// Decoded cells, where they are not UTF-8 already.
    text: String,
    ends: Vec<usize>,
    longest: usize,
}

impl RowReader {
    /// A reader of rows with this many columns.
    ///
    /// # Errors
    /// `InvalidInput` for an encoding that nobody knows.
    pub fn new(format: &CsvFormat, columns: usize) -> io::Result<Self> {
        let single = match format.coding()? {
            Coding::SingleByte(encoding) => Some(encoding),
            _ => None,
        };
        Ok(Self {
            columns,
            delimiter: format.delimiter,
            quote: format.quote,
            single,
            nulls: format.null_values.clone(),
            record: ByteRecord::new(),
            text: String::new(),
            ends: Vec::new(),
            longest: LONGEST_RECORD,
        })
    }

    /// Calls `f` with the place, the line and the cells of each record, in order. Blank lines are no records.
    pub fn each(&mut self, chunk: &Chunk, f: &mut RowSink<'_>) {
        let place = |at: usize| u64::from(chunk.file) << 48 | (chunk.offset + at as u64);
        match chunk.broken {
            Some(Broken::Unclosed) => return f(place(0), chunk.first_line, Err(RowFault::Unclosed)),
            Some(Broken::TooLong) => return f(place(0), chunk.first_line, Err(RowFault::TooLong)),
            None => {}
        }
        let mut csv = parser(self.delimiter, self.quote, &chunk.bytes);
        let mut begin = Begin { at: 0, line: chunk.first_line };
        // Reading from memory, with any number of cells allowed, has no way to fail.
        while let Ok(true) = csv.read_byte_record(&mut self.record) {
            let end =
                usize::try_from(csv.position().byte()).map_or(usize::MAX, |byte| byte.saturating_sub(1));
            begin.pass_blank(&chunk.bytes);
            let length = end - begin.at;
            match self.cells(length) {
                Ok(cells) => f(place(begin.at), begin.line, Ok(&cells)),
                Err(fault) => f(place(begin.at), begin.line, Err(fault)),
            }
            begin.pass(&chunk.bytes, end);
        }
    }

    /// The cells of the record that has just been read from `length` bytes.
    fn cells(&mut self, length: usize) -> Result<Cells<'_>, RowFault> {
        if length > self.longest {
            return Err(RowFault::TooLong);
        }
        let (expected, found) = (self.columns, self.record.len());
        if found != expected {
            return Err(RowFault::Ragged { expected, found });
        }
        self.ends.clear();
        let text = match self.single {
            Some(encoding) if !self.record.as_slice().is_ascii() => {
                decode(encoding, &self.record, &mut self.text, &mut self.ends)?
            }
            _ => check_utf8(&self.record, &mut self.ends)?,
        };
        Ok(Cells { text, ends: &self.ends, nulls: &self.nulls })
    }

    /// Another limit than [`LONGEST_RECORD`], for tests.
    #[cfg(test)]
    pub(super) fn longest(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }
}

/// The line end before the text keeps `csv` from dropping a byte-order mark: one inside a file is text, wherever
/// the chunks happen to be cut.
fn parser(delimiter: u8, quote: u8, bytes: &[u8]) -> csv::Reader<impl Read> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quote(quote)
        .buffer_capacity(64 << 10)
        .from_reader(b"\n".chain(bytes))
}

/// Where a record begins. `csv` tells where it began to look for one, which may be the LF of a CRLF or a blank line.
struct Begin {
    at: usize,
    line: u32,
}

impl Begin {
    fn pass_blank(&mut self, bytes: &[u8]) {
        while let Some(&byte @ (b'\n' | b'\r')) = bytes.get(self.at) {
            self.at += 1;
            self.line = self.line.saturating_add(u32::from(byte == b'\n'));
        }
    }

    fn pass(&mut self, bytes: &[u8], end: usize) {
        self.line = self.line.saturating_add(line_ends(&bytes[self.at..end]));
        self.at = end;
    }
}

/// The record as text where every cell is UTF-8 by itself.
fn check_utf8<'a>(record: &'a ByteRecord, ends: &mut Vec<usize>) -> Result<&'a str, RowFault> {
    ends.extend((0..record.len()).filter_map(|column| record.range(column)).map(|range| range.end));
    match std::str::from_utf8(record.as_slice()) {
        Ok(text) if ends.iter().all(|end| text.is_char_boundary(*end)) => Ok(text),
        _ => {
            let column = record.iter().position(|cell| std::str::from_utf8(cell).is_err()).unwrap_or(0);
            Err(RowFault::Encoding { column })
        }
    }
}

/// The record as text, cell by cell, into `text`.
fn decode<'a>(
    encoding: &'static Encoding,
    record: &ByteRecord,
    text: &'a mut String,
    ends: &mut Vec<usize>,
) -> Result<&'a str, RowFault> {
    text.clear();
    // A byte becomes at most three bytes of UTF-8, so the decoder never runs out of space.
    text.reserve(record.as_slice().len() * 3 + 16);
    for (column, cell) in record.iter().enumerate() {
        let mut decoder = encoding.new_decoder_without_bom_handling();
        match decoder.decode_to_string_without_replacement(cell, text, true) {
            (DecoderResult::InputEmpty, _) => ends.push(text.len()),
            _ => return Err(RowFault::Encoding { column }),
        }
    }
    Ok(text)
}
