//! A ledger's folder looked at from outside: all that is wrong with it at once, what does not count, and a CURRENT
//! made again for one that is known to be whole. Must not know the journal that proves it.

use super::LedgerError;
use super::current::Current;
use super::merged::Merged;
use super::segment::{self, SegmentRef};
use crate::ports::Files;
use std::io;

/// What a ledger's folder holds.
#[derive(Debug, Default)]
pub struct Inspected {
    /// Run and journal line folded in, where CURRENT can be read.
    pub last: Option<(u32, u64)>,
    /// The segments that count, oldest first.
    pub live: Vec<SegmentRef>,
    /// What is wrong, each with its file.
    pub flaws: Vec<LedgerError>,
    /// Names of all segments that have a file.
    pub segments: Vec<String>,
    /// Drafts: files that were being written.
    pub drafts: Vec<String>,
    /// Files that are none of a ledger's.
    pub foreign: Vec<String>,
    /// Whether CURRENT tells which segments count.
    pub known: bool,
    /// Whether there is no CURRENT.
    pub absent: bool,
}

impl Inspected {
    /// Segments with a file that CURRENT does not name; none when it cannot be read.
    pub fn unnamed(&self) -> impl Iterator<Item = &str> {
        let live = |name: &&String| self.live.iter().any(|segment| segment.name == **name);
        self.segments.iter().filter(move |name| self.known && !live(name)).map(String::as_str)
    }
}

/// Reads every byte of a ledger that counts.
///
/// # Errors
/// The disk's own error; what is wrong with the ledger is in the answer.
pub fn inspect(files: &dyn Files, folder: &str) -> io::Result<Inspected> {
    let mut found = Inspected::default();
    for name in files.list(folder)? {
        match name.strip_suffix(".seg") {
            Some(segment) => found.segments.push(segment.to_owned()),
            None if name.ends_with(".tmp") => found.drafts.push(name),
            None if name == "CURRENT" => {}
            None => found.foreign.push(name),
        }
    }
    match Current::read(files, folder) {
        Ok(Some(current)) => {
            found.last = Some((current.last_run, current.last_seq));
            (found.live, found.known) = (current.segments, true);
        }
        Ok(None) => (found.known, found.absent) = (found.segments.is_empty(), true),
        Err(LedgerError::Io(error)) => return Err(error),
        Err(flaw) => found.flaws.push(flaw),
    }
    if !found.known && found.flaws.is_empty() {
        let what = "it is not there, and segments are".to_owned();
        found.flaws.push(LedgerError::Damaged { file: format!("{folder}/CURRENT"), what });
    }
    for live in &found.live {
        found.flaws.extend(flaw(files, folder, live)?);
    }
    Ok(found)
}

/// What is wrong with a segment: its file, its bytes, or the order of its entries.
///
/// # Errors
/// The disk's own error.
pub fn flaw(files: &dyn Files, folder: &str, segment: &SegmentRef) -> io::Result<Option<LedgerError>> {
    match segment::verify(files, folder, segment) {
        Ok(()) => {}
        Err(LedgerError::Io(error)) => return Err(error),
        Err(flaw) => return Ok(Some(flaw)),
    }
    let mut entries = Merged::new(vec![segment::cursor(files, folder, segment)], None);
    match entries.find_map(Result::err) {
        Some(error) if error.kind() == io::ErrorKind::InvalidData => {
            let (file, what) = (segment::path(folder, &segment.name), error.to_string());
            Ok(Some(LedgerError::Damaged { file, what }))
        }
        Some(error) => Err(error),
        None => Ok(None),
    }
}

/// Puts a CURRENT there that names these segments: only for when it is proved that they are all that ever counted.
///
/// # Errors
/// The disk's own error.
pub fn write_current(
    files: &dyn Files,
    folder: &str,
    segments: Vec<SegmentRef>,
    last: (u32, u64),
    key: Option<String>,
) -> Result<(), LedgerError> {
    let (last_run, last_seq) = last;
    Current { last_run, last_seq, segments, key, ..Current::empty() }.write(files, folder)
}

#[cfg(test)]
mod tests {
    use super::{inspect, write_current};
    use crate::ledger::{Entry, Ledger, State};
    use crate::ports::{Files, MemoryFiles, read_all};

    fn two() -> MemoryFiles {
        let files = MemoryFiles::default();
        let mut ledger = Ledger::open(&files, "l").unwrap();
        for (run, keys) in [(1_u32, 0..100_u128), (2, 200..201)] {
            let entries = keys.map(|key| Ok(Entry { run, ..Entry::new(key, State::Landed) }));
            let segment = ledger.add(&format!("run-{run}"), entries).unwrap();
            ledger.publish(&[segment], run, 5).unwrap();
        }
        files
    }

    fn flaws(files: &MemoryFiles) -> Vec<String> {
        inspect(files, "l").unwrap().flaws.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let files = two();
        assert_eq!(flaws(&files), [""; 0]);
        let mut bytes = read_all(&files, "l/run-1.seg").unwrap();
        bytes[500] ^= 1;
        files.put("l/run-1.seg", &bytes);
        files.remove("l/run-2.seg").unwrap();
        files.put("l/run-9.seg", b"");
        files.put("l/run-9.seg.tmp", b"");
        let told = flaws(&files);
        assert!(
            told.len() == 2 && told[0].contains("run-1.seg") && told[1].contains("not there"),
            "{told:?}"
        );
        let found = inspect(&files, "l").unwrap();
        assert_eq!(found.unnamed().collect::<Vec<_>>(), ["run-9"]);
        assert_eq!((found.drafts.len(), found.last), (1, Some((2, 5))));
        files.put("l/CURRENT", b"{");
        let found = inspect(&files, "l").unwrap();
        assert!(!found.known && found.unnamed().next().is_none() && found.flaws.len() == 1);
        files.remove("l/CURRENT").unwrap();
        assert!(flaws(&files)[0].contains("segments are"));
    }

    #[test]
    fn a_current_made_again_is_the_same_ledger() {
        let files = two();
        let live = inspect(&files, "l").unwrap().live;
        let before: Vec<Entry> = Ledger::open(&files, "l").unwrap().iter().map(Result::unwrap).collect();
        files.put("l/CURRENT", b"");
        write_current(&files, "l", live, (2, 5), None).unwrap();
        let ledger = Ledger::open(&files, "l").unwrap();
        assert_eq!(ledger.last(), Some((2, 5)));
        assert_eq!(ledger.iter().map(Result::unwrap).collect::<Vec<_>>(), before);
        assert!(ledger.verify().is_ok());
    }
}
