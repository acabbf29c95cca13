//! One source file as text bytes that can be cut: the mark at its beginning is dropped, and character sets that
//! cannot be cut as they are come out as UTF-8.
//!
//! In transcoded text a wrong byte stands as `0xFF`, which is never UTF-8: the cell that holds it is refused when
//! it is read, and the rows around it are not.

use super::format::Coding;
use crate::ports::Files;
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16LE};
use std::io;

/// Stands for a byte sequence that is not in the stated encoding.
const WRONG: u8 = 0xFF;
/// How much of a transcoded file is read at once.
const PIECE: usize = 64 << 10;

/// A source file, read from its beginning to its end.
pub(super) struct Input<'a> {
    files: &'a dyn Files,
    path: String,
    next: u64,
    decoder: Option<Decoder>,
    ended: bool,
}

impl<'a> Input<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// The disk's own error; `InvalidData` when the mark at its beginning is that of another encoding.
    pub(super) fn open(files: &'a dyn Files, path: &str, coding: Coding) -> io::Result<Self> {
        let mut mark = [0; 3];
        let read = read_full(files, path, 0, &mut mark)?;
        let marked = Encoding::for_bom(&mark[..read]);
        agree(coding, marked.map(|(encoding, _)| encoding))?;
        let decoder = match coding {
            Coding::Utf8 | Coding::SingleByte(_) => None,
            Coding::Transcoded(encoding) => Some(encoding),
            Coding::MarkedUtf16 => Some(marked.map_or(UTF_16LE, |(encoding, _)| encoding)),
        };
        let next = marked.map_or(0, |(_, length)| length as u64);
        let decoder = decoder.map(Encoding::new_decoder_without_bom_handling);
        Ok(Self { files, path: path.to_owned(), next, decoder, ended: false })
    }

    /// Offset of the first byte that comes out: in the file where it is cut as it is, else in the decoded text.
    pub(super) fn start(&self) -> u64 {
        if self.decoder.is_some() { 0 } else { self.next }
    }

    /// Adds about `want` bytes to `out`; false when the file has ended.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>, want: usize) -> io::Result<bool> {
        let enough = out.len() + want;
        while !self.ended && out.len() < enough {
            let space = enough - out.len();
            match self.decoder.take() {
                None => self.copy(out, space)?,
                Some(mut decoder) => {
                    self.decode(&mut decoder, out)?;
                    self.decoder = Some(decoder);
                }
            }
        }
        Ok(!self.ended)
    }

    fn copy(&mut self, out: &mut Vec<u8>, space: usize) -> io::Result<()> {
        let begin = out.len();
        out.resize(begin + space, 0);
        let read = self.files.read_at(&self.path, self.next, &mut out[begin..]);
        out.truncate(begin + *read.as_ref().unwrap_or(&0));
        self.next += read? as u64;
        self.ended = out.len() == begin;
        Ok(())
    }

    fn decode(&mut self, decoder: &mut Decoder, out: &mut Vec<u8>) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        let read = self.files.read_at(&self.path, self.next, &mut piece)?;
        self.next += read as u64;
        self.ended = read == 0;
        let mut rest = &piece[..read];
        loop {
            let begin = out.len();
            let most = decoder.max_utf8_buffer_length_without_replacement(rest.len());
            out.resize(begin + most.unwrap_or(PIECE), 0);
            let (result, taken, given) =
                decoder.decode_to_utf8_without_replacement(rest, &mut out[begin..], self.ended);
            out.truncate(begin + given);
            rest = &rest[taken..];
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => out.push(WRONG),
            }
        }
    }
}

/// Refuses a file that begins with the mark of another encoding: every later row would be read wrongly.
fn agree(coding: Coding, marked: Option<&'static Encoding>) -> io::Result<()> {
    let Some(found) = marked else { return Ok(()) };
    let fits = match coding {
        Coding::Utf8 => found == UTF_8,
        Coding::SingleByte(_) => false,
        Coding::Transcoded(stated) => stated == found,
        Coding::MarkedUtf16 => found != UTF_8,
    };
    if fits {
        return Ok(());
    }
    let words =
        format!("the file begins with the mark of {}, which is not the stated encoding", found.name());
    Err(io::Error::new(io::ErrorKind::InvalidData, words))
}

/// Fills the buffer from `offset` as far as the file goes.
pub(super) fn read_full(files: &dyn Files, path: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match files.read_at(path, offset + filled as u64, &mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
