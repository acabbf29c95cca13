//! Parts on the disk: rows gathered in temporary files, then written out in order, durable and named.

use super::decision::IndexRecord;
use super::error::StageError;
use crate::ports::{Files, read_all};

/// Bytes that all parts of a step together keep in memory before they are appended to temporary files: a share for
/// each, so that memory does not grow with the number of parts.
const GATHER: usize = 1 << 20;
/// The smallest share; below it there would be an append for every few rows.
const SHARE: usize = 2 << 10;

/// How large a part may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartLimits {
    /// Rows of the first part.
    pub first_rows: u32,
    /// Rows of the others.
    pub rows: u32,
    /// Bytes; the org takes 100 MB of raw upload (reference A4).
    pub bytes: u64,
}

/// A part that lies on the disk, not yet known to the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedPart {
    /// Its number within the step's staging, from 0.
    pub number: u32,
    /// What its rows do.
    pub action: u8,
    /// Rows.
    pub rows: u64,
    /// Whether it must wait for the part before it, because both hold children of one parent.
    pub after_previous: bool,
    /// Payload: path, length, blake3.
    pub file: (String, u64, String),
    /// Index: path, length, blake3.
    pub index: (String, u64, String),
}

/// A part being gathered.
pub(super) struct PartWriter {
    name: String,
    pub(super) action: u8,
    pub(super) after_previous: bool,
    rows: Vec<u8>,
    index: Vec<u8>,
    share: usize,
    count: u64,
    bytes: u64,
}

impl PartWriter {
    /// One of so many parts that are gathered at the same time.
    pub(super) fn new(name: String, action: u8, after_previous: bool, parts: usize) -> Self {
        let share = (GATHER / parts.max(1)).max(SHARE);
        let (rows, index) = (Vec::new(), Vec::new());
        Self { name, action, after_previous, rows, index, share, count: 0, bytes: 0 }
    }

    /// Adds a row with its rank in the part.
    pub(super) fn add(
        &mut self,
        files: &dyn Files,
        rank: u32,
        row: &[u8],
        index: &IndexRecord,
    ) -> Result<(), StageError> {
        self.rows.extend_from_slice(&rank.to_be_bytes());
        self.rows.extend_from_slice(&(row.len() as u32).to_be_bytes());
        self.rows.extend_from_slice(row);
        self.index.extend_from_slice(&rank.to_be_bytes());
        self.index.extend_from_slice(&index.encode());
        self.count += 1;
        self.bytes += row.len() as u64;
        if self.rows.len() + self.index.len() >= self.share {
            self.flush(files)?;
        }
        Ok(())
    }

    fn flush(&mut self, files: &dyn Files) -> Result<(), StageError> {
        for (kind, bytes) in [("rows", &mut self.rows), ("index", &mut self.index)] {
            if !bytes.is_empty() {
                files.append(&format!("{}.{kind}.tmp", self.name), bytes)?;
                bytes.clear();
            }
        }
        Ok(())
    }

    /// Writes the part out, sorted by rank, as one or more files that each stay below `most` bytes.
    pub(super) fn finish(
        mut self,
        files: &dyn Files,
        header: &[u8],
        most: u64,
        next: &mut u32,
        name: impl Fn(u32) -> String,
    ) -> Result<Vec<StagedPart>, StageError> {
        self.flush(files)?;
        let rows = read_all(files, &format!("{}.rows.tmp", self.name))?;
        let index = read_all(files, &format!("{}.index.tmp", self.name))?;
        let order = ranked(&rows, &index);
        let mut parts = Vec::new();
        let mut from = 0;
        while from < order.len() {
            let to = cut(&order, from, most.saturating_sub(header.len() as u64));
            let payload = payload(header, &rows, &order[from..to]);
            let index = index_bytes(&index, &order[from..to]);
            let number = *next;
            *next += 1;
            parts.push(StagedPart {
                number,
                action: self.action,
                rows: (to - from) as u64,
                after_previous: self.after_previous || from > 0,
                file: write_named(files, format!("{}.csv", name(number)), &payload)?,
                index: write_named(files, format!("{}.index", name(number)), &index)?,
            });
            from = to;
        }
        files.remove(&format!("{}.rows.tmp", self.name))?;
        files.remove(&format!("{}.index.tmp", self.name))?;
        Ok(parts)
    }
}

/// A row's rank, where its bytes stand, and where its index record stands.
struct Ranked {
    rank: u32,
    start: usize,
    length: usize,
    index: usize,
}

fn ranked(rows: &[u8], index: &[u8]) -> Vec<Ranked> {
    let number = |at: usize| u32::from_be_bytes([rows[at], rows[at + 1], rows[at + 2], rows[at + 3]]);
    let mut order = Vec::with_capacity(index.len() / (4 + IndexRecord::WIDTH));
    let mut at = 0;
    while at + 8 <= rows.len() {
        let (rank, length) = (number(at), number(at + 4) as usize);
        let index = order.len() * (4 + IndexRecord::WIDTH) + 4;
        order.push(Ranked { rank, start: at + 8, length, index });
        at += 8 + length;
    }
    order.sort_by_key(|r| r.rank);
    order
}

/// The end of the longest run of rows from `from` on that stays below `most` bytes; at least one row.
fn cut(order: &[Ranked], from: usize, most: u64) -> usize {
    let mut bytes = 0;
    for (at, row) in order.iter().enumerate().skip(from) {
        bytes += row.length as u64;
        if bytes > most && at > from {
            return at;
        }
    }
    order.len()
}

fn payload(header: &[u8], rows: &[u8], order: &[Ranked]) -> Vec<u8> {
    let mut out = header.to_vec();
    for row in order {
        out.extend_from_slice(&rows[row.start..row.start + row.length]);
    }
    out
}

fn index_bytes(index: &[u8], order: &[Ranked]) -> Vec<u8> {
    let mut records: Vec<&[u8]> =
        order.iter().map(|r| &index[r.index..r.index + IndexRecord::WIDTH]).collect();
    records.sort_unstable();
    records.concat()
}

/// `*.tmp`, sync, rename; the caller syncs the folder once for all files.
fn write_named(files: &dyn Files, path: String, bytes: &[u8]) -> Result<(String, u64, String), StageError> {
    let temporary = format!("{path}.tmp");
    files.remove(&temporary)?;
    files.append(&temporary, bytes)?;
    files.sync(&temporary)?;
    files.rename(&temporary, &path)?;
    Ok((path, bytes.len() as u64, blake3::hash(bytes).to_hex().to_string()))
}
