//! The rows inside a chunk, as text cells with their places. One reader per worker; nothing is allocated per row.

use super::LONGEST_RECORD;
use super::chunks::{Broken, Chunk};
use super::format::{Coding, CsvFormat};
use super::records::{Record, Records, cells};
use super::splitter::Flaw;
use crate::diagnostic::Code;
use encoding_rs::{DecoderResult, Encoding};
use std::borrow::Cow;
use std::io;

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
    /// Text between a closing quote and the end of its cell, or a quote that opened what should not be quoted.
    #[error(
        "a quoted cell goes on behind its closing quote; inside quotes a quote is written twice, and a stray one is taken out"
    )]
    Quotes,
    /// A carriage return outside quotes without a line feed behind it.
    #[error(
        "a carriage return outside quotes has no line feed behind it; quote the cell, or mend the line end"
    )]
    CarriageReturn,
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
            Self::Quotes | Self::CarriageReturn => Code::RowQuotes,
            _ => Code::RowRagged,
        }
    }
}

impl From<Flaw> for RowFault {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Quotes => Self::Quotes,
            Flaw::CarriageReturn => Self::CarriageReturn,
            Flaw::Unclosed => Self::Unclosed,
        }
    }
}

/// A record that is no row.
#[derive(Debug, Clone, Copy)]
pub struct Unread<'a> {
    /// Why.
    pub fault: RowFault,
    /// The line on which it ends.
    pub last_line: u32,
    bytes: &'a [u8],
    single: Option<&'static Encoding>,
}

impl<'a> Unread<'a> {
    /// Its lines as they stand in the file, what is not in the stated encoding replaced; empty where it was too long
    /// to be held.
    pub fn text(&self) -> Cow<'a, str> {
        match self.single {
            Some(encoding) => encoding.decode_without_bom_handling(self.bytes).0,
            None => String::from_utf8_lossy(self.bytes),
        }
    }
}

/// How the records of a chunk end: so many in LF, so many in CRLF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineEnds {
    /// Line feeds alone.
    pub lf: u64,
    /// Carriage returns with a line feed.
    pub crlf: u64,
}

impl LineEnds {
    fn note(&mut self, record: &Record<'_>) {
        self.crlf += u64::from(record.seen.crlf);
        self.lf += u64::from(record.ended && !record.seen.crlf);
    }

    /// Whether both were met.
    pub fn are_mixed(&self) -> bool {
        self.lf > 0 && self.crlf > 0
    }
}

impl std::ops::AddAssign for LineEnds {
    fn add_assign(&mut self, other: Self) {
        self.lf += other.lf;
        self.crlf += other.crlf;
    }
}

/// The cells of one row, as many as the header has columns. A cell that is one of the null values reads as "".
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    text: &'a str,
    ends: &'a [usize],
    nulls: &'a [String],
    quotes: bool,
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

    /// Whether a quote stands inside an unquoted cell: it is taken as text.
    pub fn has_stray_quotes(&self) -> bool {
        self.quotes
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
pub type RowSink<'f> = dyn FnMut(RowPos, u32, Result<&Cells<'_>, &Unread<'_>>) + 'f;

/// Reads the rows of chunks.
pub struct RowReader {
    columns: usize,
    delimiter: u8,
    quote: u8,
    single: Option<&'static Encoding>,
    nulls: Vec<String>,
    /// The cells of a record, one behind the other.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Decoded cells, where they are not UTF-8 already.
    text: String,
    text_ends: Vec<usize>,
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
            bytes: Vec::new(),
            ends: Vec::new(),
            text: String::new(),
            text_ends: Vec::new(),
            longest: LONGEST_RECORD,
        })
    }

    /// Calls `f` with the place, the line and the cells of each record, in order. Blank lines are no records. Gives
    /// how the records end.
    pub fn each(&mut self, chunk: &Chunk, f: &mut RowSink<'_>) -> LineEnds {
        let place = |at: usize| u64::from(chunk.file) << 48 | (chunk.offset + at as u64);
        let mut line_ends = LineEnds::default();
        if let Some(broken) = chunk.broken {
            f(place(0), chunk.first_line, Err(&self.broken(broken, &chunk.bytes)));
            return line_ends;
        }
        for record in Records::new(&chunk.bytes, chunk.first_line, self.delimiter, self.quote) {
            line_ends.note(&record);
            let (first, last_line) = record.lines;
            let single = self.single;
            match self.cells(&record) {
                Ok(cells) => f(place(record.at), first, Ok(&cells)),
                Err(fault) => {
                    let unread = Unread { fault, last_line, bytes: record.bytes, single };
                    f(place(record.at), first, Err(&unread));
                }
            }
        }
        line_ends
    }

    /// A chunk that is one record which cannot be read.
    fn broken<'b>(&self, broken: Broken, bytes: &'b [u8]) -> Unread<'b> {
        let (fault, last_line) = match broken {
            Broken::Unclosed { last } => (RowFault::Unclosed, last),
            Broken::TooLong { last } => (RowFault::TooLong, last),
        };
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Unread { fault, last_line, bytes, single: self.single }
    }

    /// The cells of a record.
    fn cells(&mut self, record: &Record<'_>) -> Result<Cells<'_>, RowFault> {
        if record.bytes.len() > self.longest {
            return Err(RowFault::TooLong);
        }
        if let Some(flaw) = record.seen.flaw {
            return Err(flaw.into());
        }
        self.bytes.clear();
        self.ends.clear();
        cells(record.bytes, self.delimiter, self.quote, &mut self.bytes, &mut self.ends);
        let (expected, found) = (self.columns, self.ends.len());
        if found != expected {
            return Err(RowFault::Ragged { expected, found });
        }
        let quotes = record.seen.quotes;
        match self.single {
            Some(encoding) if !self.bytes.is_ascii() => {
                self.decode(encoding)?;
                Ok(Cells { text: &self.text, ends: &self.text_ends, nulls: &self.nulls, quotes })
            }
            _ => {
                let text = check_utf8(&self.bytes, &self.ends)?;
                Ok(Cells { text, ends: &self.ends, nulls: &self.nulls, quotes })
            }
        }
    }

    /// The record as text, cell by cell.
    fn decode(&mut self, encoding: &'static Encoding) -> Result<(), RowFault> {
        self.text.clear();
        self.text_ends.clear();
        // A byte becomes at most three bytes of UTF-8, so the decoder never runs out of space.
        self.text.reserve(self.bytes.len() * 3 + 16);
        let mut start = 0;
        for (column, end) in self.ends.iter().enumerate() {
            let mut decoder = encoding.new_decoder_without_bom_handling();
            let cell = &self.bytes[start..*end];
            match decoder.decode_to_string_without_replacement(cell, &mut self.text, true) {
                (DecoderResult::InputEmpty, _) => self.text_ends.push(self.text.len()),
                _ => return Err(RowFault::Encoding { column }),
            }
            start = *end;
        }
        Ok(())
    }

    /// Another limit than [`LONGEST_RECORD`], for tests.
    #[cfg(test)]
    pub(super) fn longest(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }
}

/// The record as text where every cell is UTF-8 by itself.
fn check_utf8<'a>(bytes: &'a [u8], ends: &[usize]) -> Result<&'a str, RowFault> {
    match std::str::from_utf8(bytes) {
        Ok(text) if ends.iter().all(|end| text.is_char_boundary(*end)) => Ok(text),
        _ => {
            let mut start = 0;
            let wrong = ends.iter().position(|end| {
                let cell = &bytes[start..*end];
                start = *end;
                std::str::from_utf8(cell).is_err()
            });
            Err(RowFault::Encoding { column: wrong.unwrap_or(0) })
        }
    }
}

/// The rows of a text in UTF-8 with commas, the header among them: the line of each and its cells, or its fault.
pub fn records(text: &str) -> impl Iterator<Item = (u32, Result<Vec<String>, RowFault>)> {
    Records::new(text.as_bytes(), 1, b',', b'"').map(|record| (record.lines.0, texts(&record)))
}

fn texts(record: &Record<'_>) -> Result<Vec<String>, RowFault> {
    if let Some(flaw) = record.seen.flaw {
        return Err(flaw.into());
    }
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    cells(record.bytes, b',', b'"', &mut bytes, &mut ends);
    let text = check_utf8(&bytes, &ends)?;
    let mut start = 0;
    let cut = |end: &usize| text[std::mem::replace(&mut start, *end)..*end].to_owned();
    Ok(ends.iter().map(cut).collect())
}
