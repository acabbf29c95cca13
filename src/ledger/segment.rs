//! One segment file: a header of 12 bytes (magic, version, width of an entry), then entries in ascending order of
//! their keys, each key once, and nothing else.
//!
//! A segment is written once and never changed. Its length, hash and count stand with whoever names it: files are
//! only appended to, so a header could not know the count of a stream.

use super::LedgerError;
use super::cursor::FileCursor;
use super::entry::Entry;
use crate::model::KeyHash;
use crate::ports::Files;
use crate::source::fingerprint;
use serde::{Deserialize, Serialize};
use std::io;

const MAGIC: &[u8; 8] = b"cutovrLG";
const VERSION: u16 = 2;
/// Entries that say nothing of the rule by which they were hashed; else the same.
const WITHOUT_RULES: u16 = 1;
/// Length of the header.
const HEADER: usize = 12;
/// How much is collected before it is written.
const BUFFER: usize = 256 << 10;

/// A segment, as a journal event or CURRENT names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// Name, used once in the ledger's lifetime.
    pub name: String,
    /// Length of the file in bytes.
    pub length: u64,
    /// blake3 of the file, in hexadecimal.
    pub blake3: String,
    /// How many entries it holds.
    pub entries: u64,
}

impl SegmentRef {
    /// A segment as an event names it: its number of entries follows from its length.
    pub fn named(name: String, length: u64, blake3: String) -> Self {
        let entries = length.saturating_sub(HEADER as u64) / Entry::WIDTH as u64;
        Self { name, length, blake3, entries }
    }
}

/// Path of a segment's file.
pub(super) fn path(folder: &str, name: &str) -> String {
    format!("{folder}/{name}.seg")
}

/// The entries of a segment that has been checked.
pub(super) fn cursor<'a>(files: &'a dyn Files, folder: &str, segment: &SegmentRef) -> FileCursor<'a> {
    FileCursor::new(files, path(folder, &segment.name), Entry::WIDTH, HEADER as u64, segment.length)
}

/// Sees that the file is there, has the length that its name promises, and a header that we know.
pub(super) fn check(files: &dyn Files, folder: &str, segment: &SegmentRef) -> Result<(), LedgerError> {
    let file = path(folder, &segment.name);
    let damaged = |what: &str| LedgerError::Damaged { file: file.clone(), what: what.to_owned() };
    let length = files.length(&file)?.ok_or_else(|| damaged("it is not there"))?;
    let mut header = [0; HEADER];
    let read = files.read_at(&file, 0, &mut header)?;
    if read < HEADER || header[..8] != *MAGIC {
        return Err(damaged("it is no ledger segment"));
    }
    let found = u16::from_be_bytes([header[8], header[9]]);
    if ![VERSION, WITHOUT_RULES].contains(&found) {
        return Err(LedgerError::Version { file, found: found.into(), known: VERSION.into() });
    }
    let promised = HEADER as u64 + segment.entries.saturating_mul(Entry::WIDTH as u64);
    if header[10..] != (Entry::WIDTH as u16).to_be_bytes() || segment.length != promised {
        return Err(damaged("its entries have another width"));
    }
    if length != segment.length {
        return Err(damaged(&format!("it has {length} bytes instead of {}", segment.length)));
    }
    Ok(())
}

/// [`check`], and every byte as well.
pub(super) fn verify(files: &dyn Files, folder: &str, segment: &SegmentRef) -> Result<(), LedgerError> {
    check(files, folder, segment)?;
    let file = path(folder, &segment.name);
    let found = fingerprint(files, &file)?;
    if blake3::Hash::from_bytes(found.hash).to_hex().as_str() == segment.blake3 {
        return Ok(());
    }
    Err(LedgerError::Damaged { file, what: "its bytes have changed".to_owned() })
}

/// A segment that is written and synced under a temporary name.
pub(super) struct Draft {
    pub(super) segment: SegmentRef,
    temporary: String,
}

impl Draft {
    /// Gives the file its name, durably.
    pub(super) fn commit(self, files: &dyn Files, folder: &str) -> io::Result<SegmentRef> {
        files.rename(&self.temporary, &path(folder, &self.segment.name))?;
        files.sync_dir(folder)?;
        Ok(self.segment)
    }

    /// Throws the file away.
    pub(super) fn discard(self, files: &dyn Files) -> io::Result<SegmentRef> {
        files.remove(&self.temporary)?;
        Ok(self.segment)
    }
}

/// Writes entries under a temporary name and syncs them.
pub(super) fn draft(
    files: &dyn Files,
    folder: &str,
    name: &str,
    entries: impl IntoIterator<Item = io::Result<Entry>>,
) -> Result<Draft, LedgerError> {
    let mut writer = Writer::new(files, format!("{}.tmp", path(folder, name)))?;
    let mut last: Option<KeyHash> = None;
    let mut count = 0;
    for entry in entries {
        let entry = entry?;
        if last.is_some_and(|last| last >= entry.key) {
            return Err(LedgerError::Unsorted { segment: name.to_owned() });
        }
        last = Some(entry.key);
        count += 1;
        writer.put(&entry.encode())?;
    }
    writer.flush()?;
    files.sync(&writer.path)?;
    let blake3 = writer.hasher.finalize().to_hex().to_string();
    let segment = SegmentRef { name: name.to_owned(), length: writer.length, blake3, entries: count };
    Ok(Draft { segment, temporary: writer.path })
}

/// Appends to a new file and hashes what goes there.
struct Writer<'a> {
    files: &'a dyn Files,
    path: String,
    buffer: Vec<u8>,
    hasher: blake3::Hasher,
    length: u64,
}

impl<'a> Writer<'a> {
    fn new(files: &'a dyn Files, path: String) -> io::Result<Self> {
        files.remove(&path)?;
        let mut writer = Self { files, path, buffer: Vec::new(), hasher: blake3::Hasher::new(), length: 0 };
        writer.put(MAGIC)?;
        writer.put(&VERSION.to_be_bytes())?;
        writer.put(&(Entry::WIDTH as u16).to_be_bytes())?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < BUFFER { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.files.append(&self.path, &self.buffer)?;
        self.hasher.update(&self.buffer);
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
