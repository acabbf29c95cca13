//! The records of a whole text one by one, and the cells of one of them.

use super::cutter::line_ends;
use super::splitter::{Seen, Splitter};
use memchr::memchr;

/// One record that is no blank line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'t> {
    /// Where it begins in the text.
    pub(super) at: usize,
    /// The line on which it begins, and the one on which it ends.
    pub(super) lines: (u32, u32),
    /// Its bytes without the line end.
    pub(super) bytes: &'t [u8],
    /// Whether there is a line end.
    pub(super) ended: bool,
    /// What it is.
    pub(super) seen: Seen,
}

/// Goes through the records of a text that is cut at their ends.
pub(super) struct Records<'t> {
    text: &'t [u8],
    splitter: Splitter,
    at: usize,
    line: u32,
}

impl<'t> Records<'t> {
    /// Over a text whose first line has this number.
    pub(super) fn new(text: &'t [u8], first_line: u32, delimiter: u8, quote: u8) -> Self {
        Self { text, splitter: Splitter::new(delimiter, quote), at: 0, line: first_line }
    }
}

impl<'t> Iterator for Records<'t> {
    type Item = Record<'t>;

    fn next(&mut self) -> Option<Record<'t>> {
        loop {
            let (at, line) = (self.at, self.line);
            let rest = self.text.get(at..).filter(|rest| !rest.is_empty())?;
            let (taken, seen) = self.splitter.take(rest, true);
            let ended = seen.is_some();
            let seen = seen.unwrap_or_else(|| self.splitter.finish());
            let whole = &rest[..taken];
            let last = line.saturating_add(line_ends(whole));
            (self.at, self.line) = (at + taken, last);
            let bytes = &whole[..taken - usize::from(ended) - usize::from(seen.crlf)];
            if !bytes.is_empty() {
                let last = last - u32::from(whole.ends_with(b"\n") && last > line);
                return Some(Record { at, lines: (line, last), bytes, ended, seen });
            }
        }
    }
}

/// The cells of a record that is not malformed, one behind the other, with the end of each.
pub(super) fn cells(record: &[u8], delimiter: u8, quote: u8, text: &mut Vec<u8>, ends: &mut Vec<usize>) {
    let mut rest = record;
    loop {
        rest = if rest.first() == Some(&quote) {
            quoted(&rest[1..], quote, text)
        } else {
            let (cell, behind) = rest.split_at(memchr(delimiter, rest).unwrap_or(rest.len()));
            text.extend_from_slice(cell);
            behind
        };
        ends.push(text.len());
        match rest.split_first() {
            Some((_, behind)) => rest = behind,
            None => return,
        }
    }
}

/// A quoted cell behind its first quote; gives what follows its last.
fn quoted<'r>(mut rest: &'r [u8], quote: u8, text: &mut Vec<u8>) -> &'r [u8] {
    while let Some(n) = memchr(quote, rest) {
        text.extend_from_slice(&rest[..n]);
        rest = &rest[n + 1..];
        if rest.first() != Some(&quote) {
            return rest;
        }
        text.push(quote);
        rest = &rest[1..];
    }
    text.extend_from_slice(rest);
    &[]
}
