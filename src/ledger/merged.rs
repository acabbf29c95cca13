//! Several segments as one sorted stream, in which only the newest entry of each key is left.

use super::cursor::FileCursor;
use super::entry::{Entry, State};
use super::kway::KWay;
use crate::model::KeyHash;
use std::io;

/// The entries of a ledger in order of their keys. Ends after the first error.
pub struct Merged<'a> {
    segments: Option<KWay<FileCursor<'a>>>,
    last: Option<KeyHash>,
    /// Entries of records removed before this run are left out.
    hide_removed: Option<u32>,
}

impl<'a> Merged<'a> {
    /// Merges segments, oldest first.
    pub(super) fn new(segments: Vec<FileCursor<'a>>, hide_removed: Option<u32>) -> Self {
        Self { segments: Some(KWay::new(segments, size_of::<KeyHash>())), last: None, hide_removed }
    }

    fn read(&mut self) -> io::Result<Option<Entry>> {
        let Some(segments) = &mut self.segments else { return Ok(None) };
        while let Some(bytes) = segments.next()? {
            let entry = Entry::decode(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
            let last = self.last.replace(entry.key);
            if last.is_some_and(|last| last > entry.key) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a ledger segment is not in order"));
            }
            let superseded = last == Some(entry.key);
            let hidden =
                entry.state == State::Removed && self.hide_removed.is_some_and(|run| entry.run < run);
            if !(superseded || hidden) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

impl Iterator for Merged<'_> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read().transpose();
        if !matches!(read, Some(Ok(_))) {
            self.segments = None;
        }
        read
    }
}
