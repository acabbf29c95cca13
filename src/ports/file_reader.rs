//! A file of [`Files`] as a stream, so that large ones need not be held in memory.

use super::Files;
use std::io::{self, Read};

/// Reads a file from its start.
pub struct FileReader<'f> {
    files: &'f dyn Files,
    path: String,
    offset: u64,
}

impl<'f> FileReader<'f> {
    /// At the start of a file, which is opened by the first read.
    pub fn new(files: &'f dyn Files, path: &str) -> Self {
        Self { files, path: path.to_owned(), offset: 0 }
    }
}

impl Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.files.read_at(&self.path, self.offset, buffer)?;
        self.offset += read as u64;
        Ok(read)
    }
}
