//! Files in memory that tell synced and unsynced bytes and names apart: a crash drops what is not durable.

use super::files::{FileLock, Files, folder_of};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files in memory. Clones share the same files: one "disk" may be opened by several worlds in turn.
#[derive(Clone, Default)]
pub struct MemoryFiles(Arc<Mutex<Disk>>);

/// What the disk holds now, and what it would hold after a crash.
#[derive(Default)]
struct Disk {
    files: BTreeMap<u64, Contents>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    locks: Vec<String>,
    next: u64,
    clock: i64,
    /// Writes, syncs and renames so far.
    writes: u64,
    full: Option<Full>,
}

/// When a disk has no room.
#[derive(Debug, Clone, Copy)]
struct Full {
    /// The first write that fails.
    from: u64,
    /// Whether only that one does: somebody made room at once.
    once: bool,
}

#[derive(Default, Clone)]
struct Contents {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    modified: i64,
}

impl MemoryFiles {
    /// Puts a file there as if it had always been there: durable.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        let mut disk = self.disk();
        disk.clock += 1;
        let (id, modified) = (disk.next, disk.clock);
        disk.next += 1;
        disk.files.insert(id, Contents { bytes: bytes.to_vec(), durable: bytes.to_vec(), modified });
        disk.names.insert(path.to_owned(), id);
        disk.durable_names.insert(path.to_owned(), id);
    }

    /// Puts bytes in the place of as many others without a change of the file's time, as tools do that keep times.
    pub fn put_unseen(&self, path: &str, bytes: &[u8]) {
        if let Ok(contents) = self.disk().contents(path) {
            (contents.bytes, contents.durable) = (bytes.to_vec(), bytes.to_vec());
        }
    }

    /// Power is lost: unsynced bytes and names are gone, locks are free.
    pub fn crash(&self) {
        let mut disk = self.disk();
        disk.names = disk.durable_names.clone();
        disk.locks.clear();
        for contents in disk.files.values_mut() {
            contents.bytes = contents.durable.clone();
        }
    }

    /// Writes, syncs and renames so far.
    pub fn writes(&self) -> u64 {
        self.disk().writes
    }

    /// The disk is full when this write comes, numbered as [`MemoryFiles::writes`] counts from 0: an append leaves half
    /// of its bytes, all fail with `StorageFull`. From then on all do, or that one alone (`once`).
    pub fn fill_at(&self, write: u64, once: bool) {
        self.disk().full = Some(Full { from: write, once });
    }

    /// There is room again.
    pub fn make_room(&self) {
        self.disk().full = None;
    }

    /// Every file's path, sorted.
    pub fn paths(&self) -> Vec<String> {
        self.disk().names.keys().cloned().collect()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// A write is about to be made; an error where there is no room for it.
    fn room(&mut self) -> io::Result<()> {
        let now = self.writes;
        self.writes += 1;
        match self.full {
            Some(Full { from, once }) if now == from || now > from && !once => {
                Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"))
            }
            _ => Ok(()),
        }
    }

    fn contents(&mut self, path: &str) -> io::Result<&mut Contents> {
        let id = self.names.get(path).copied();
        id.and_then(|id| self.files.get_mut(&id))
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, path.to_owned()))
    }
}

struct Held(MemoryFiles, String);

impl FileLock for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.disk().locks.retain(|l| *l != self.1);
    }
}

impl Files for MemoryFiles {
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        disk.clock += 1;
        let now = disk.clock;
        if !disk.names.contains_key(path) {
            let id = disk.next;
            disk.next += 1;
            disk.files.insert(id, Contents::default());
            disk.names.insert(path.to_owned(), id);
        }
        let room = disk.room();
        let contents = disk.contents(path)?;
        let fits = if room.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        contents.bytes.extend_from_slice(fits);
        contents.modified = now;
        room
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.room()?;
        let contents = disk.contents(path)?;
        contents.durable = contents.bytes.clone();
        Ok(())
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let inside = |name: &String| folder_of(name) == path;
        let now: Vec<_> =
            disk.names.iter().filter(|(n, _)| inside(n)).map(|(n, id)| (n.clone(), *id)).collect();
        disk.durable_names.retain(|n, _| !inside(n));
        disk.durable_names.extend(now);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.room()?;
        let id = disk
            .names
            .remove(from)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, from.to_owned()))?;
        disk.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn read_at(&self, path: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.disk();
        let bytes = &disk.contents(path)?.bytes;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let count = buffer.len().min(bytes.len() - start);
        buffer[..count].copy_from_slice(&bytes[start..start + count]);
        Ok(count)
    }

    fn length(&self, path: &str) -> io::Result<Option<u64>> {
        Ok(self.disk().contents(path).ok().map(|c| c.bytes.len() as u64))
    }

    fn modified(&self, path: &str) -> io::Result<Option<i64>> {
        Ok(self.disk().contents(path).ok().map(|c| c.modified))
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        let mut disk = self.disk();
        disk.contents(path)?.bytes.truncate(usize::try_from(length).map_err(io::Error::other)?);
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let disk = self.disk();
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut names: Vec<String> = disk
            .names
            .keys()
            .filter_map(|n| n.strip_prefix(&prefix))
            .map(|rest| rest.split_once('/').map_or(rest.to_owned(), |(head, _)| format!("{head}/")))
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk().names.remove(path);
        Ok(())
    }

    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn FileLock>>> {
        let mut disk = self.disk();
        if disk.locks.iter().any(|l| l == path) {
            return Ok(None);
        }
        disk.locks.push(path.to_owned());
        Ok(Some(Box::new(Held(self.clone(), path.to_owned()))))
    }
}

#[cfg(test)]
mod tests {
    use super::{Files, MemoryFiles};
    use crate::ports::{read_all, write_durably};

    #[test]
    fn a_crash_drops_what_is_not_synced() {
        let files = MemoryFiles::default();
        write_durably(&files, "a/b", b"kept").unwrap();
        files.append("a/b", b" lost").unwrap();
        files.append("a/new", b"named but never synced").unwrap();
        files.sync("a/new").unwrap();
        files.crash();
        assert_eq!(read_all(&files, "a/b").unwrap(), b"kept");
        assert_eq!(files.list("a").unwrap(), ["b"]);
    }

    #[test]
    fn a_lock_is_held_once() {
        let files = MemoryFiles::default();
        let held = files.lock("l").unwrap();
        assert!(files.lock("l").unwrap().is_none());
        drop(held);
        assert!(files.lock("l").unwrap().is_some());
    }
}
