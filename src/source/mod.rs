//! Rows in: character sets, globs, headers, fingerprints, chunks cut at record boundaries, and the rows inside them.
//!
//! The path of a source: [`expand`] its pattern into files, [`read_header`] and [`check_same_headers`],
//! [`fingerprint`] each file, then [`Chunks`] cuts them serially and one [`RowReader`] per worker reads the rows of
//! a chunk. Memory is bounded by the chunk, never by the file. Must not know loads, fields or the org: a row is
//! text cells under column numbers.

mod chunk_reader;
mod chunks;
mod cutter;
mod expand;
mod fingerprint;
mod format;
mod header;
mod input;
mod problem;
mod records;
mod rows;
mod splitter;
#[cfg(test)]
mod tests;

pub use chunk_reader::ChunkReader;
pub use chunks::{Broken, Chunk, ChunkRef, Chunks};
pub use expand::expand;
pub use fingerprint::{Fingerprint, fingerprint};
pub use format::CsvFormat;
pub use header::{Header, check_same_headers, read_header};
pub use problem::SourceProblem;
pub use rows::{Cells, LineEnds, RowFault, RowPos, RowReader, RowSink, Unread, records, split_position};

/// The longest record that is read, in bytes of decoded text. A quote that is never closed makes the rest of its
/// file one record; beyond this length it is dropped, and reported as one row, instead of being held in memory.
pub const LONGEST_RECORD: usize = 16 << 20;

/// How much of a file goes into one chunk, unless a record is longer.
const CHUNK: usize = 1 << 20;

/// How many records go into one chunk: what a worker holds of a chunk grows with its records, and a megabyte of very
/// short ones would take ten times what it takes of long ones.
const RECORDS: usize = 8192;
