//! `events.ndjson`: one checked line an event. A short or bad last line is cut off before anything is appended; the
//! same fault earlier is refused (spec, commit point 3).

use super::event::Event;
use crate::ports::{Files, read_all};
use serde::{Deserialize, Serialize};
use std::io;
use xxhash_rust::xxh3::xxh3_64;

/// One line: the event with its number, its time (milliseconds since 1970, UTC) and a checksum over both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Number of the event in its run, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: i64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk's own error. What is durable is unknown: the process must end.
    #[error("the journal cannot be written or read: {0}")]
    Disk(#[from] io::Error),
    /// A line before the last one is damaged.
    #[error(
        "{path}:{line} is damaged; restore the file, or move the run's folder aside and run `cutover apply --refresh`"
    )]
    Damaged {
        /// Path below the state folder.
        path: String,
        /// Line, from 1.
        line: usize,
    },
    /// A line that cannot be used, wherever the journal lies.
    #[error("{path}:{line} is damaged: {cause}")]
    Flawed {
        /// The file as the user named it.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// Written by a version that this one does not know.
    #[error("{path} has format version {found}; this cutover knows version {known}")]
    Version {
        /// Path below the state folder.
        path: String,
        /// The version found.
        found: u32,
        /// The version known.
        known: u32,
    },
    /// Events that cannot follow each other.
    #[error("{path}:{line}: {source}")]
    Illegal {
        /// Path below the state folder.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What is illegal.
        source: super::IllegalEvent,
    },
}

/// Where a run's journal lies below the state folder.
pub fn journal_path(run: u32) -> String {
    format!("runs/{run}/events.ndjson")
}

/// The number of the newest run that has a journal; 0 when there is none.
///
/// # Errors
/// The disk's own error.
pub fn last_run(files: &dyn Files) -> io::Result<u32> {
    let mut newest = 0;
    for name in files.list("runs")? {
        let Some(run) = name.strip_suffix('/').and_then(|n| n.parse().ok()) else { continue };
        if run > newest && files.length(&journal_path(run))?.is_some_and(|l| l > 0) {
            newest = run;
        }
    }
    Ok(newest)
}

/// Every whole line of a journal, and the length of the file up to the end of the last whole one.
///
/// # Errors
/// [`JournalError::Damaged`] for a bad line that is not the last one; the disk's own error.
pub fn read_journal(files: &dyn Files, path: &str) -> Result<(Vec<Line>, u64), JournalError> {
    if files.length(path)?.is_none() {
        return Ok((Vec::new(), 0));
    }
    let bytes = read_all(files, path)?;
    let mut lines = Vec::new();
    let mut good = 0;
    let mut pieces = bytes.split_inclusive(|b| *b == b'\n').enumerate().peekable();
    while let Some((index, piece)) = pieces.next() {
        match decode(piece, index as u64 + 1) {
            Ok(line) => lines.push(line),
            Err(_) if pieces.peek().is_none() => break,
            Err(_) => return Err(JournalError::Damaged { path: path.into(), line: index + 1 }),
        }
        good += piece.len() as u64;
    }
    check_version(path, &lines)?;
    Ok((lines, good))
}

fn check_version(path: &str, lines: &[Line]) -> Result<(), JournalError> {
    match lines.first() {
        Some(Line { event: Event::RunStarted { version, .. }, .. }) if *version != super::JOURNAL_VERSION => {
            Err(JournalError::Version { path: path.into(), found: *version, known: super::JOURNAL_VERSION })
        }
        _ => Ok(()),
    }
}

/// `<16 hex digits> <json>\n`
fn encode(line: &Line) -> Result<Vec<u8>, io::Error> {
    let json = serde_json::to_string(line).map_err(io::Error::other)?;
    Ok(format!("{:016x} {json}\n", xxh3_64(json.as_bytes())).into_bytes())
}

/// What is wrong with a line that cannot be read.
pub(super) fn decode(piece: &[u8], seq: u64) -> Result<Line, &'static str> {
    let line = piece.strip_suffix(b"\n").ok_or("it ends in the middle")?;
    let text = std::str::from_utf8(line).map_err(|_| "it is no text")?;
    let (sum, json) = text.split_once(' ').ok_or("it has no checksum")?;
    let sum = u64::from_str_radix(sum, 16).map_err(|_| "it has no checksum")?;
    if sum != xxh3_64(json.as_bytes()) {
        return Err("its bytes are not those of its checksum");
    }
    let line: Line =
        serde_json::from_str(json).map_err(|_| "it is whole, but no event that this cutover knows")?;
    if line.seq == seq {
        Ok(line)
    } else {
        Err("its number does not follow the one before: lines are missing")
    }
}

/// A journal being written.
pub struct Journal<'a> {
    files: &'a dyn Files,
    path: String,
    seq: u64,
    unsynced: bool,
    /// Whether the names of the file and of its folders are known to be durable.
    named: bool,
}

impl<'a> Journal<'a> {
    /// Opens a run's journal to append to, cutting off a short last line, and gives what it holds.
    ///
    /// # Errors
    /// As [`read_journal`].
    pub fn open(files: &'a dyn Files, run: u32) -> Result<(Self, Vec<Line>), JournalError> {
        let path = journal_path(run);
        let (lines, good) = read_journal(files, &path)?;
        if files.length(&path)?.is_some_and(|length| length > good) {
            files.truncate(&path, good)?;
            files.sync(&path)?;
        }
        Ok((Self { files, path, seq: lines.len() as u64, unsynced: false, named: false }, lines))
    }

    /// Appends an event. Not durable before [`Journal::commit`].
    ///
    /// # Errors
    /// The disk's own error.
    pub fn append(&mut self, at: i64, event: Event) -> Result<Line, JournalError> {
        let line = Line { seq: self.seq + 1, at, event };
        self.files.append(&self.path, &encode(&line)?)?;
        self.seq = line.seq;
        self.unsynced = true;
        Ok(line)
    }

    /// Makes everything appended durable: one sync for all of it.
    ///
    /// # Errors
    /// The disk's own error; it is never tried again.
    pub fn commit(&mut self) -> Result<(), JournalError> {
        if self.unsynced {
            self.files.sync(&self.path)?;
            if !self.named {
                self.name_durably()?;
                self.named = true;
            }
            self.unsynced = false;
        }
        Ok(())
    }

    /// Number of the last event.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The file's name and those of its folders.
    fn name_durably(&self) -> Result<(), JournalError> {
        let mut folder = self.path.as_str();
        while let Some((parent, _)) = folder.rsplit_once('/') {
            self.files.sync_dir(parent)?;
            folder = parent;
        }
        Ok(self.files.sync_dir("")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::PartKey;
    use crate::ports::MemoryFiles;

    fn intent(number: u32) -> Event {
        Event::JobIntent { part: PartKey { step: 0, number } }
    }

    fn three() -> MemoryFiles {
        let files = MemoryFiles::default();
        let (mut journal, _) = Journal::open(&files, 1).unwrap();
        for number in 0..3 {
            journal.append(7, intent(number)).unwrap();
        }
        journal.commit().unwrap();
        files
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_journal_goes_on() {
        let files = three();
        files.append(&journal_path(1), b"0123456789abcdef {\"seq\":4").unwrap();
        let (mut journal, lines) = Journal::open(&files, 1).unwrap();
        assert_eq!(lines.len(), 3);
        assert_eq!(journal.append(8, intent(9)).unwrap().seq, 4);
        journal.commit().unwrap();
        assert_eq!(read_journal(&files, &journal_path(1)).unwrap().0.len(), 4);
    }

    #[test]
    fn damage_before_the_last_line_is_refused() {
        let files = three();
        let mut bytes = read_all(&files, &journal_path(1)).unwrap();
        bytes[40] ^= 1;
        files.put(&journal_path(1), &bytes);
        let refused = Journal::open(&files, 1).err().unwrap();
        assert!(matches!(refused, JournalError::Damaged { line: 1, .. }), "{refused}");
    }

    #[test]
    fn however_many_events_the_first_commit_has_the_file_keeps_its_name() {
        let files = MemoryFiles::default();
        let (mut journal, _) = Journal::open(&files, 1).unwrap();
        for number in 0..20 {
            journal.append(7, intent(number)).unwrap();
        }
        journal.commit().unwrap();
        files.crash();
        assert_eq!(read_journal(&files, &journal_path(1)).unwrap().0.len(), 20);
    }

    #[test]
    fn what_is_committed_survives_a_crash() {
        let files = three();
        let (mut journal, _) = Journal::open(&files, 1).unwrap();
        journal.append(9, intent(4)).unwrap();
        files.crash();
        assert_eq!(read_journal(&files, &journal_path(1)).unwrap().0.len(), 3);
        assert_eq!(last_run(&files).unwrap(), 1);
    }
}
