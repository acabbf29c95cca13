//! `events.ndjson`: one checked line an event. A short or bad last line is cut off before anything is appended; the
//! same fault earlier is refused (spec, commit point 3). Once a write or a sync has failed, nothing more is written.

use super::event::Event;
use crate::ports::{Files, cannot, folder_of, read_all};
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
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// Something else failed to reach the disk before: nothing more is written behind it.
    #[error("nothing more is written to {0} once a write or sync of it has failed")]
    Broken(String),
    /// A line is damaged that no cut-off write can have left.
    #[error("{path}:{line} is damaged: {cause}")]
    Damaged {
        /// Path below the state folder, or as the user named it.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// A line is whole and says what this version does not know.
    #[error("{path}:{line} is whole, and says what this cutover does not know: another version wrote it")]
    Foreign {
        /// Path below the state folder.
        path: String,
        /// Line, from 1.
        line: usize,
    },
    /// Lines are gone from its end: something that is written after them knows of them.
    #[error("{path} ends at event {ends}, but {by} knows event {known} of that run: its end is lost")]
    Short {
        /// Path below the state folder.
        path: String,
        /// Its last event.
        ends: u64,
        /// What knows more.
        by: String,
        /// The event known there.
        known: u64,
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
/// [`JournalError::Damaged`] for a bad line that is not the last one, or that no write of ours began;
/// [`JournalError::Version`] and [`JournalError::Foreign`] for what another version wrote; the disk's own error.
pub fn read_journal(files: &dyn Files, path: &str) -> Result<(Vec<Line>, u64), JournalError> {
    let unread = |error| cannot("read", path, error);
    if files.length(path).map_err(unread)?.is_none() {
        return Ok((Vec::new(), 0));
    }
    let bytes = read_all(files, path).map_err(unread)?;
    let mut lines: Vec<Line> = Vec::new();
    let mut good = 0;
    let mut pieces = bytes.split_inclusive(|b| *b == b'\n').enumerate().peekable();
    while let Some((index, piece)) = pieces.next() {
        match decode(piece, index as u64 + 1) {
            Ok(line) => lines.push(line),
            Err(bad) if pieces.peek().is_none() && bad.may_be_cut(index, piece) => break,
            Err(bad) => return Err(bad.refused(path, index)),
        }
        check_version(path, &lines)?;
        good += piece.len() as u64;
    }
    Ok((lines, good))
}

fn check_version(path: &str, lines: &[Line]) -> Result<(), JournalError> {
    match lines {
        [Line { event: Event::RunStarted { version, .. }, .. }] if *version != super::JOURNAL_VERSION => {
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

/// A line that cannot be read.
pub(super) struct Bad {
    /// What is wrong with it.
    pub(super) cause: &'static str,
    /// Whether an append that was cut off may have left it: its checksum does not hold.
    torn: bool,
    /// What it says, where its checksum holds and it is no event that we know.
    foreign: Option<serde_json::Value>,
}

impl Bad {
    fn torn(cause: &'static str) -> Self {
        Self { cause, torn: true, foreign: None }
    }

    /// Whether this, as the last line, is what an append that was cut off leaves. Where it is the only one, it must look
    /// like the beginning of a line, or be nothing yet: else the file is something else, and nobody knows what it was.
    pub(super) fn may_be_cut(&self, index: usize, piece: &[u8]) -> bool {
        let nothing = piece.iter().all(|b| *b == 0);
        let (sum, rest) = piece.split_at(piece.len().min(16));
        let begun = sum.iter().all(u8::is_ascii_hexdigit) && b" {".iter().zip(rest).all(|(a, b)| a == b);
        self.torn && (index > 0 || nothing || begun && !piece.ends_with(b"\n"))
    }

    /// The version that the first line names, where it is not ours.
    pub(super) fn version(&self, index: usize) -> Option<u32> {
        let version = self.foreign.as_ref()?.get("version")?.as_u64()?;
        u32::try_from(version).ok().filter(|v| index == 0 && *v != super::JOURNAL_VERSION)
    }

    fn refused(&self, path: &str, index: usize) -> JournalError {
        let (path, line) = (path.to_owned(), index + 1);
        match (self.version(index), &self.foreign) {
            (Some(found), _) => JournalError::Version { path, found, known: super::JOURNAL_VERSION },
            (None, Some(_)) => JournalError::Foreign { path, line },
            (None, None) => JournalError::Damaged { path, line, cause: self.cause.to_owned() },
        }
    }
}

/// The event of a line.
pub(super) fn decode(piece: &[u8], seq: u64) -> Result<Line, Bad> {
    let json = checked(piece).map_err(Bad::torn)?;
    let Ok(line) = serde_json::from_str::<Line>(json) else {
        let foreign = Some(serde_json::from_str(json).unwrap_or_default());
        return Err(Bad { cause: "it is whole, but no event that this cutover knows", torn: false, foreign });
    };
    if line.seq == seq {
        return Ok(line);
    }
    let cause = "its number does not follow the one before: lines are missing or stand twice";
    Err(Bad { cause, torn: false, foreign: None })
}

/// The JSON of a line whose checksum holds.
fn checked(piece: &[u8]) -> Result<&str, &'static str> {
    let line = piece.strip_suffix(b"\n").ok_or("it ends in the middle")?;
    let text = std::str::from_utf8(line).map_err(|_| "it is no text")?;
    let (sum, json) = text.split_once(' ').ok_or("it has no checksum")?;
    let sum = u64::from_str_radix(sum, 16).map_err(|_| "it has no checksum")?;
    if sum == xxh3_64(json.as_bytes()) { Ok(json) } else { Err("its bytes are not those of its checksum") }
}

/// A journal being written.
pub struct Journal<'a> {
    files: &'a dyn Files,
    path: String,
    seq: u64,
    unsynced: bool,
    /// Whether a write or sync has failed: what is on the disk is unknown, and a line behind it would hide that.
    broken: bool,
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
        let held = files.length(&path)?.unwrap_or(0);
        if held > good {
            files.truncate(&path, good)?;
        }
        let (seq, unsynced) = (lines.len() as u64, held > 0);
        let mut journal = Self { files, path, seq, unsynced, broken: false, named: false };
        // A process that was killed may have left lines in the cache alone: what is gone by is durable first.
        journal.commit()?;
        Ok((journal, lines))
    }

    /// Appends an event. Not durable before [`Journal::commit`].
    ///
    /// # Errors
    /// The disk's own error.
    pub fn append(&mut self, at: i64, event: Event) -> Result<Line, JournalError> {
        let line = Line { seq: self.seq + 1, at, event };
        let bytes = encode(&line)?;
        self.unless_broken(|journal| journal.files.append(&journal.path, &bytes))?;
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
            self.unless_broken(|journal| journal.files.sync(&journal.path))?;
            if !self.named {
                self.unless_broken(|j| j.files.sync_dir(folder_of(&j.path)))?;
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

    /// Does something to the file, once only where it fails.
    fn unless_broken(&mut self, act: impl FnOnce(&Self) -> io::Result<()>) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken(self.path.clone()));
        }
        let done = act(self);
        self.broken = done.is_err();
        Ok(done?)
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

    #[test]
    fn what_no_cut_off_write_leaves_is_refused_at_the_end_too() {
        let files = three();
        let bytes = read_all(&files, &journal_path(1)).unwrap();
        let whole = |json: &str| format!("{:016x} {json}\n", xxh3_64(json.as_bytes())).into_bytes();
        let foreign = whole(r#"{"seq":4,"at":7,"event":"flown"}"#);
        let later = whole(r#"{"seq":1,"at":7,"event":"run_started","version":2,"run":1}"#);
        let read = |bytes: &[u8]| {
            files.put("j", bytes);
            read_journal(&files, "j").map(|(lines, _)| lines.len()).map_err(|e| e.to_string())
        };
        let twice = bytes.split_inclusive(|b| *b == b'\n').next().unwrap();
        for (bytes, says) in [
            (&[&bytes[..], &foreign].concat(), "another version wrote it"),
            (&later, "format version 2"),
            (&[&bytes[..], twice].concat(), "j:4 is damaged"),
            (&b"no journal of ours".to_vec(), "j:1 is damaged"),
        ] {
            assert!(read(bytes).is_err_and(|told| told.contains(says)), "{says}: {:?}", read(bytes));
        }
        assert_eq!(read(&bytes[..40]), Ok(0), "the beginning of a first line");
        assert_eq!(read(&[0; 40]), Ok(0), "a first line that never got its bytes");
        assert_eq!(read(&[&bytes[..], &[0; 40]].concat()), Ok(3));
    }

    #[test]
    fn after_a_write_that_failed_nothing_more_is_written() {
        let files = three();
        let (mut journal, _) = Journal::open(&files, 1).unwrap();
        files.fill_at(files.writes(), true);
        assert!(matches!(journal.append(9, intent(4)), Err(JournalError::Disk(_))));
        assert!(matches!(journal.append(9, intent(4)), Err(JournalError::Broken(_))));
        let (mut journal, lines) = Journal::open(&files, 1).unwrap();
        assert_eq!(lines.len(), 3, "half a line is cut off");
        journal.append(9, intent(4)).unwrap();
        files.fill_at(files.writes(), true);
        assert!(matches!(journal.commit(), Err(JournalError::Disk(_))));
        assert!(matches!(journal.commit(), Err(JournalError::Broken(_))), "a sync is not tried again");
    }
}
