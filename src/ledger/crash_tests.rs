//! A crash after every single call that changes the disk: the ledger is the old one or the new one, never a third.

use super::tests::{FOLDER, contents, landed};
use super::*;
use crate::model::KeyHash;
use crate::ports::{FileLock, Files, MemoryFiles};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Files that stop working after a number of changes, and may lie about `sync`.
struct Failing {
    disk: MemoryFiles,
    left: AtomicUsize,
    lies: Lies,
}

#[derive(Clone, Copy, PartialEq)]
enum Lies {
    Never,
    AboutSync,
    AboutSyncDir,
}

impl Failing {
    fn after(disk: &MemoryFiles, changes: usize, lies: Lies) -> Self {
        Self { disk: disk.clone(), left: AtomicUsize::new(changes), lies }
    }

    fn change(&self) -> io::Result<()> {
        let stop = |left: usize| left.checked_sub(1);
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, stop);
        left.map(|_| ()).map_err(|_| io::Error::other("the power is gone"))
    }
}

impl Files for Failing {
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change()?;
        self.disk.append(path, bytes)
    }
    fn sync(&self, path: &str) -> io::Result<()> {
        self.change()?;
        if self.lies == Lies::AboutSync { Ok(()) } else { self.disk.sync(path) }
    }
    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.change()?;
        if self.lies == Lies::AboutSyncDir { Ok(()) } else { self.disk.sync_dir(path) }
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change()?;
        self.disk.rename(from, to)
    }
    fn read_at(&self, path: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.read_at(path, offset, buffer)
    }
    fn length(&self, path: &str) -> io::Result<Option<u64>> {
        self.disk.length(path)
    }
    fn modified(&self, path: &str) -> io::Result<Option<i64>> {
        self.disk.modified(path)
    }
    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        self.change()?;
        self.disk.truncate(path, length)
    }
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        self.change()?;
        self.disk.remove(path)
    }
    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn FileLock>>> {
        self.disk.lock(path)
    }
}

/// A disk with a base of 100 landed keys, and two small segments that do not merge yet.
fn disk() -> MemoryFiles {
    let disk = MemoryFiles::default();
    let mut ledger = Ledger::open(&disk, FOLDER).unwrap();
    let base: Vec<Entry> = (0..100).map(|key| landed(key, 1)).collect();
    let base = ledger.add("base", base.into_iter().map(Ok)).unwrap();
    let small = ledger.add("small", [Ok(landed(5, 2)), Ok(Entry::new(6, State::Removed))]).unwrap();
    ledger.publish(&[base, small], 1, 1).unwrap();
    assert_eq!(ledger.segments().len(), 2);
    disk
}

/// One run's work: two segments, enough for a full merge, published together.
fn work(files: &dyn Files) -> Result<(), LedgerError> {
    let mut ledger = Ledger::open(files, FOLDER)?;
    let one = ledger.add("r2-p1", (0..20).map(|key| Ok(landed(key, 3))))?;
    let two = ledger.add("r2-p2", (10..30).map(|key| Ok(landed(key, 4))))?;
    ledger.publish(&[one, two], 2, 7)?;
    Ok(())
}

fn state(disk: &MemoryFiles) -> Result<Vec<(KeyHash, u128)>, LedgerError> {
    let ledger = Ledger::open(disk, FOLDER)?;
    ledger.verify()?;
    Ok(contents(&ledger))
}

/// How it ends: with the machine, or with the process alone, whose changes stay.
#[derive(Clone, Copy)]
enum End {
    PowerLoss,
    Kill,
}

impl End {
    fn come(self, disk: &MemoryFiles) {
        if let Self::PowerLoss = self {
            disk.crash();
        }
    }
}

/// What went wrong when the end came after this many changes; nothing when all was well.
fn crash_after(changes: usize, end: End, lies: Lies, finished: &mut bool) -> Option<String> {
    let disk = disk();
    let old = state(&disk).unwrap();
    let new = {
        let disk = self::disk();
        work(&disk).unwrap();
        state(&disk).unwrap()
    };
    *finished = work(&Failing::after(&disk, changes, lies)).is_ok();
    end.come(&disk);
    let after = match state(&disk) {
        Ok(after) => after,
        Err(error) => return Some(error.to_string()),
    };
    if *finished && after != new {
        return Some("what was published is lost".to_owned());
    }
    if after != old && after != new {
        return Some("neither old nor new".to_owned());
    }
    // Recovery does the same work again, whichever of the two it finds.
    work(&disk).unwrap();
    end.come(&disk);
    (state(&disk).unwrap() != new).then(|| "recovery does not arrive".to_owned())
}

/// Crashes after each change in turn until the work finishes; gives the faults and how many changes there are.
fn crash_everywhere(end: End, lies: Lies) -> (Vec<String>, usize) {
    let mut faults = Vec::new();
    for changes in 0.. {
        let mut finished = false;
        faults.extend(crash_after(changes, end, lies, &mut finished));
        if finished {
            return (faults, changes);
        }
    }
    unreachable!()
}

#[test]
fn every_crash_leaves_the_old_or_the_new() {
    for end in [End::PowerLoss, End::Kill] {
        let (faults, changes) = crash_everywhere(end, Lies::Never);
        assert!(faults.is_empty(), "{faults:?}");
        assert!(changes > 20, "the work changes the disk {changes} times, so the merge was part of it");
    }
}

/// The null control: the same suite must notice a disk that does not do what it says.
#[test]
fn without_a_sync_the_suite_goes_red() {
    assert!(!crash_everywhere(End::PowerLoss, Lies::AboutSync).0.is_empty());
    assert!(!crash_everywhere(End::PowerLoss, Lies::AboutSyncDir).0.is_empty());
}

#[test]
fn a_segment_is_durable_before_anybody_may_name_it() {
    let disk = MemoryFiles::default();
    let mut ledger = Ledger::open(&disk, FOLDER).unwrap();
    let segment = ledger.add("a", [Ok(landed(1, 1))]).unwrap();
    disk.crash();
    ledger.verify_segment(&segment).unwrap();
    assert!(state(&disk).unwrap().is_empty(), "it does not count yet");
}

#[test]
fn a_crash_leaves_no_file_that_is_never_removed() {
    for changes in 0..60 {
        let disk = disk();
        let _ = work(&Failing::after(&disk, changes, Lies::Never));
        disk.crash();
        work(&disk).unwrap();
        let mut ledger = Ledger::open(&disk, FOLDER).unwrap();
        ledger.remove_unused().unwrap();
        assert_eq!(disk.paths().len(), 1 + ledger.segments().len(), "after {changes}: {:?}", disk.paths());
    }
}
