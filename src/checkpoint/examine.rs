//! A journal looked at from outside, wherever it lies: what it holds, how far it is good, and what is wrong with it, by
//! line and cause. Writes nothing, and goes on where [`read_journal`](super::read_journal) stops.

use super::JOURNAL_VERSION;
use super::event::Event;
use super::journal::{JournalError, Line, decode};
use super::state::RunState;
use crate::ports::{Files, read_all};
use std::io;

/// What was found in a journal.
#[derive(Debug, Clone, Default)]
pub struct Examined {
    /// The whole lines before the first flaw.
    pub lines: Vec<Line>,
    /// Bytes of them.
    pub good: u64,
    /// Bytes behind the last whole line: one that a process was writing when it died, or is writing now. Recovery
    /// cuts it off.
    pub torn: u64,
    /// What makes the journal unusable.
    pub flaw: Option<Flaw>,
    /// What its good lines come to; nothing of an empty journal.
    pub state: Option<RunState>,
}

/// Why a journal cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The line, from 1.
    pub line: usize,
    /// The cause.
    pub cause: String,
    /// The version that it has, where that is one we do not know.
    pub version: Option<u32>,
}

/// Reads a journal to its end or its first flaw.
///
/// # Errors
/// The disk's own error; `NotFound` when there is no such file.
pub fn examine(files: &dyn Files, path: &str) -> io::Result<Examined> {
    let bytes = read_all(files, path)?;
    let mut found = read_lines(&bytes);
    match begins(&found.lines) {
        Some(flaw) => found.flaw = Some(flaw),
        None => found.fold(),
    }
    Ok(found)
}

fn read_lines(bytes: &[u8]) -> Examined {
    let mut found = Examined::default();
    let mut pieces = bytes.split_inclusive(|b| *b == b'\n').peekable();
    while let Some(piece) = pieces.next() {
        let number = found.lines.len() + 1;
        match decode(piece, number as u64) {
            Ok(line) => {
                found.lines.push(line);
                found.good += piece.len() as u64;
            }
            Err(bad) if pieces.peek().is_none() && bad.may_be_cut(number - 1, piece) => {
                found.torn = piece.len() as u64;
            }
            Err(bad) => {
                let version = bad.version(number - 1);
                found.flaw = Some(Flaw { line: number, cause: bad.cause.to_owned(), version });
                break;
            }
        }
    }
    found
}

/// What is wrong with how it begins.
fn begins(lines: &[Line]) -> Option<Flaw> {
    match &lines.first()?.event {
        Event::RunStarted { version, .. } if *version == JOURNAL_VERSION => None,
        Event::RunStarted { version, .. } => {
            let cause =
                format!("it has format version {version}; this cutover knows version {JOURNAL_VERSION}");
            Some(Flaw { line: 1, cause, version: Some(*version) })
        }
        _ => Some(Flaw { line: 1, cause: "a journal begins with `run_started`".into(), version: None }),
    }
}

impl Examined {
    /// Folds the lines, as far as they can follow each other.
    fn fold(&mut self) {
        let mut state = RunState::default();
        for line in &self.lines {
            if let Err(illegal) = state.apply(line) {
                let line = usize::try_from(line.seq).unwrap_or(usize::MAX);
                self.flaw = Some(Flaw { line, cause: illegal.to_string(), version: None });
                break;
            }
        }
        self.state = (state.run > 0).then_some(state);
    }

    /// The state that the journal comes to, or why it cannot be trusted.
    ///
    /// # Errors
    /// [`JournalError`] with the path as it is to be shown.
    pub fn trusted(self, path: &str) -> Result<Option<RunState>, JournalError> {
        let Some(flaw) = self.flaw else { return Ok(self.state) };
        Err(match flaw.version {
            Some(found) => JournalError::Version { path: path.into(), found, known: JOURNAL_VERSION },
            None => JournalError::Damaged { path: path.into(), line: flaw.line, cause: flaw.cause },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Journal, PartKey, journal_path};
    use crate::ports::MemoryFiles;

    fn started(version: u32) -> Event {
        let text = || "x".to_owned();
        let (environment, org_id, inputs) = (text(), text(), text());
        Event::RunStarted {
            version,
            run: 1,
            rolls_back: None,
            environment,
            org_id,
            inputs,
            loads: vec![],
            names: crate::checkpoint::RunNames::default(),
        }
    }

    fn journal(events: Vec<Event>) -> (MemoryFiles, Vec<u8>) {
        let files = MemoryFiles::default();
        let (mut journal, _) = Journal::open(&files, 1).unwrap();
        for event in events {
            journal.append(7, event).unwrap();
        }
        journal.commit().unwrap();
        let bytes = read_all(&files, &journal_path(1)).unwrap();
        (files, bytes)
    }

    fn flaw_of(bytes: &[u8]) -> Option<(usize, String)> {
        let files = MemoryFiles::default();
        files.put("j", bytes);
        examine(&files, "j").unwrap().flaw.map(|f| (f.line, f.cause))
    }

    #[test]
    fn each_damage_is_told_with_its_line_and_cause() {
        let done = |step| Event::StepDone { step };
        let (_, good) = journal(vec![started(1), done(0), done(1), done(2)]);
        let text = String::from_utf8(good.clone()).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        assert_eq!(flaw_of(&good), None);
        let mut flipped = good.clone();
        flipped[lines[0].len() + 30] ^= 1;
        let cut = [lines[0], &lines[1][..30], "\n", lines[2]].concat();
        let unknown = serde_json::json!({ "seq": 2, "at": 7, "event": "flown" }).to_string();
        let sum = xxhash_rust::xxh3::xxh3_64(unknown.as_bytes());
        let newer = [lines[0], &format!("{sum:016x} {unknown}\n"), lines[2]].concat();
        let cases = [
            (flipped, 2, "checksum"),
            (cut.into_bytes(), 2, "checksum"),
            ([lines[0], "\n", lines[1]].concat().into_bytes(), 2, "no checksum"),
            ([lines[0].as_bytes(), b"\xff\n", lines[1].as_bytes()].concat(), 2, "no text"),
            ([lines[0], lines[2], lines[3]].concat().into_bytes(), 2, "lines are missing"),
            (newer.into_bytes(), 2, "no event that this cutover knows"),
            (journal(vec![done(0), done(1)]).1, 1, "begins with `run_started`"),
            (journal(vec![started(9), done(1)]).1, 1, "format version 9"),
        ];
        for (bytes, line, words) in cases {
            let (at, cause) = flaw_of(&bytes).unwrap();
            assert!(at == line && cause.contains(words), "{words}: {at}: {cause}");
        }
        let lost = Event::Closed { part: PartKey { step: 0, number: 0 } };
        let (_, illegal) = journal(vec![started(1), done(0), lost]);
        assert!(flaw_of(&illegal).is_some_and(|(line, cause)| line == 3 && cause.contains("closed")));
    }

    #[test]
    fn a_torn_last_line_is_no_flaw() {
        let (files, good) = journal(vec![started(1), Event::StepDone { step: 0 }]);
        files.append(&journal_path(1), b"0123 {\"seq\":3").unwrap();
        let found = examine(&files, &journal_path(1)).unwrap();
        assert_eq!((found.good, found.torn, found.flaw.clone()), (good.len() as u64, 13, None));
        assert_eq!(found.trusted("j").unwrap().unwrap().steps_done, [0]);
        files.put("empty", b"");
        assert!(examine(&files, "empty").unwrap().trusted("empty").unwrap().is_none());
    }
}
