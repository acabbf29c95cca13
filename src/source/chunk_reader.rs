//! Chunks read again, to send some of their rows. Where the encoding lets us, a chunk is read from its place in the
//! file; else the file is decoded once more from its beginning, so ask for such chunks in ascending order.

use super::chunks::{Chunk, ChunkRef};
use super::format::{Coding, CsvFormat};
use super::input::{Input, read_full};
use crate::ports::Files;
use std::io;

/// How much decoded text is held while passing over what nobody asked for.
const PASS: usize = 256 << 10;

/// Reads chunks of one source again.
pub struct ChunkReader<'a> {
    files: &'a dyn Files,
    paths: Vec<String>,
    coding: Coding,
    open: Option<Decoded<'a>>,
}

/// A file that is being decoded.
struct Decoded<'a> {
    file: u16,
    input: Input<'a>,
    /// Text that begins at `offset`.
    text: Vec<u8>,
    offset: u64,
}

impl<'a> ChunkReader<'a> {
    /// Over the same files, in the same order, as the `Chunks` that gave the references.
    ///
    /// # Errors
    /// `InvalidInput` for an encoding that nobody knows.
    pub fn new(files: &'a dyn Files, paths: &[String], format: &CsvFormat) -> io::Result<Self> {
        Ok(Self { files, paths: paths.to_vec(), coding: format.coding()?, open: None })
    }

    /// The chunk as it was.
    ///
    /// # Errors
    /// The disk's own error; `UnexpectedEof` when the file has become shorter.
    pub fn read(&mut self, chunk: &ChunkRef) -> io::Result<Chunk> {
        let length = usize::try_from(chunk.length).map_err(io::Error::other)?;
        let bytes = if self.coding.is_direct() {
            self.read_direct(chunk, length)?
        } else {
            self.read_decoded(chunk, length)?
        };
        Ok(Chunk {
            number: chunk.number,
            file: chunk.file,
            offset: chunk.offset,
            first_line: chunk.first_line,
            bytes,
            broken: chunk.broken,
        })
    }

    fn path(&self, file: u16) -> io::Result<&str> {
        self.paths.get(usize::from(file)).map(String::as_str).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_direct(&self, chunk: &ChunkRef, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let read = read_full(self.files, self.path(chunk.file)?, chunk.offset, &mut bytes)?;
        if read < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
    }

    fn read_decoded(&mut self, chunk: &ChunkRef, length: usize) -> io::Result<Vec<u8>> {
        let mut open = match self.open.take() {
            Some(open) if open.file == chunk.file && open.offset <= chunk.offset => open,
            _ => {
                let input = Input::open(self.files, self.path(chunk.file)?, self.coding)?;
                Decoded { file: chunk.file, input, text: Vec::new(), offset: 0 }
            }
        };
        open.pass_to(chunk.offset)?;
        let bytes = open.take(length)?;
        self.open = Some(open);
        Ok(bytes)
    }
}

impl Decoded<'_> {
    /// Drops text before `offset`.
    fn pass_to(&mut self, offset: u64) -> io::Result<()> {
        loop {
            let before = offset - self.offset;
            let passed = usize::try_from(before).map_or(self.text.len(), |b| b.min(self.text.len()));
            self.text.drain(..passed);
            self.offset += passed as u64;
            if self.offset == offset {
                return Ok(());
            }
            self.grow(PASS)?;
        }
    }

    /// Gives the next `length` bytes away.
    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.text.len() < length {
            self.grow(length - self.text.len())?;
        }
        let rest = self.text.split_off(length);
        self.offset += length as u64;
        Ok(std::mem::replace(&mut self.text, rest))
    }

    fn grow(&mut self, want: usize) -> io::Result<()> {
        let before = self.text.len();
        let more = self.input.fill(&mut self.text, want)?;
        if !more && self.text.len() == before { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}
