//! Files on a disk, below one folder. Mode 0600 for files and 0700 for folders: they hold customers' values.

use super::files::{FileLock, Files, cannot};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Open files kept for appending and reading; above this many, all are closed and opened again when needed.
const MOST_OPEN: usize = 256;

/// A folder on a disk.
pub struct RealFiles {
    root: PathBuf,
    writers: Mutex<BTreeMap<String, Arc<File>>>,
    readers: Mutex<BTreeMap<String, Arc<File>>>,
}

impl RealFiles {
    /// Files below `root`, which is made when something is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), writers: Mutex::default(), readers: Mutex::default() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn writer(&self, path: &str) -> io::Result<Arc<File>> {
        cached(&self.writers, path, || {
            let full = self.path(path);
            if let Some(folder) = full.parent() {
                make_folder(folder)?;
            }
            private(OpenOptions::new().create(true).append(true)).open(full)
        })
    }

    fn reader(&self, path: &str) -> io::Result<Arc<File>> {
        cached(&self.readers, path, || File::open(self.path(path)))
    }

    /// The file that an error is about, as the user would type it.
    fn failed(&self, what: &'static str, path: &str) -> impl Fn(io::Error) -> io::Error {
        let full = self.path(path);
        move |error| cannot(what, full.strip_prefix(".").unwrap_or(&full).display(), error)
    }

    fn forget(&self, path: &str) {
        for cache in [&self.writers, &self.readers] {
            cache.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
        }
    }
}

fn cached(
    cache: &Mutex<BTreeMap<String, Arc<File>>>,
    path: &str,
    open: impl FnOnce() -> io::Result<File>,
) -> io::Result<Arc<File>> {
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = cache.get(path) {
        return Ok(file.clone());
    }
    if cache.len() >= MOST_OPEN {
        cache.clear();
    }
    let file = Arc::new(open()?);
    cache.insert(path.to_owned(), file.clone());
    Ok(file)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// A lock on an open file; released when the file closes, however the process ends.
struct Held(#[allow(dead_code, reason = "kept open for as long as the lock is held")] File);

impl FileLock for Held {}

impl Files for RealFiles {
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let written = self.writer(path).and_then(|file| (&*file).write_all(bytes));
        written.map_err(self.failed("write", path))
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        self.writer(path).and_then(|file| file.sync_data()).map_err(self.failed("sync", path))
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        #[cfg(unix)]
        for folder in std::iter::successors(Some(path), |folder| Some(folder.rsplit_once('/')?.0))
            .chain((!path.is_empty()).then_some(""))
        {
            File::open(self.path(folder)).and_then(|f| f.sync_all()).map_err(self.failed("sync", folder))?;
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.forget(from);
        self.forget(to);
        fs::rename(self.path(from), self.path(to)).map_err(self.failed("write", to))
    }

    fn read_at(&self, path: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.reader(path)?;
        #[cfg(unix)]
        {
            std::os::unix::fs::FileExt::read_at(&*file, buffer, offset)
        }
        #[cfg(windows)]
        {
            std::os::windows::fs::FileExt::seek_read(&*file, buffer, offset)
        }
    }

    fn length(&self, path: &str) -> io::Result<Option<u64>> {
        absent_is_none(fs::metadata(self.path(path)))
            .map(|m| m.filter(fs::Metadata::is_file).map(|m| m.len()))
    }

    fn modified(&self, path: &str) -> io::Result<Option<i64>> {
        let Some(metadata) = absent_is_none(fs::metadata(self.path(path)))? else { return Ok(None) };
        let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(i64::try_from(since.as_millis()).ok())
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        self.forget(path);
        let opened = OpenOptions::new().write(true).open(self.path(path));
        opened.and_then(|file| file.set_len(length)).map_err(self.failed("cut", path))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let Some(entries) = absent_is_none(fs::read_dir(self.path(folder)))? else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
            names.push(format!("{}{slash}", entry.file_name().to_string_lossy()));
        }
        names.sort();
        Ok(names)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.forget(path);
        absent_is_none(fs::remove_file(self.path(path))).map(|_| ()).map_err(self.failed("remove", path))
    }

    fn remove_folder(&self, folder: &str) -> io::Result<()> {
        match absent_is_none(fs::remove_dir(self.path(folder))) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            done => done.map(|_| ()),
        }
    }

    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn FileLock>>> {
        let file = open_lock(&lock_path(self.path(path))).map_err(self.failed("write", path))?;
        let held = hold(&file).map_err(self.failed("lock", path))?;
        Ok(held.then(|| Box::new(Held(file)) as Box<dyn FileLock>))
    }

    fn is_locked(&self, path: &str) -> io::Result<bool> {
        let Some(file) = absent_is_none(File::open(lock_path(self.path(path))))? else { return Ok(false) };
        Ok(!try_shared(&file)?)
    }
}

/// How often, and how long apart in milliseconds, a lock is tried that only lookers stand before: they look for a
/// moment, and five seconds are many.
const LOOKERS: (u32, u64) = (1_000, 5);

/// Takes a file's lock. False when another holder has it.
fn hold(file: &File) -> io::Result<bool> {
    for _ in 0..LOOKERS.0 {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A holder keeps lookers out; lookers do not keep each other out.
        if !try_shared(file)? {
            return Ok(false);
        }
        file.unlock()?;
        super::clock::pause(LOOKERS.1);
    }
    Ok(false)
}

/// Locks as one who looks; false when somebody holds the lock.
fn try_shared(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Where the lock of a name lies: on the file itself, but where a lock keeps others from reading.
fn lock_path(path: PathBuf) -> PathBuf {
    if cfg!(windows) { PathBuf::from(format!("{}.held", path.display())) } else { path }
}

fn open_lock(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    private(OpenOptions::new().create(true).truncate(false).write(true)).open(path)
}

fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{Files, RealFiles};

    #[test]
    fn a_lock_on_a_file_is_seen_and_keeps_nobody_from_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (holder, other) = (RealFiles::new(folder.path()), RealFiles::new(folder.path()));
        assert!(!other.is_locked("runs/1/j").unwrap() && !folder.path().join("runs").exists());
        let held = holder.lock("runs/1/j").unwrap();
        holder.append("runs/1/j", b"line").unwrap();
        assert!(held.is_some() && other.is_locked("runs/1/j").unwrap());
        assert!(other.lock("runs/1/j").unwrap().is_none());
        assert_eq!(crate::ports::read_all(&other, "runs/1/j").unwrap(), b"line");
        drop(held);
        assert!(!other.is_locked("runs/1/j").unwrap());
    }

    #[test]
    fn only_an_empty_folder_goes() {
        let folder = tempfile::tempdir().unwrap();
        let files = RealFiles::new(folder.path());
        files.append("a/b/c", b"x").unwrap();
        files.remove_folder("a/b").unwrap();
        assert_eq!(files.list("a/b").unwrap(), ["c"]);
        files.remove("a/b/c").unwrap();
        files.remove_folder("a/b").unwrap();
        files.remove_folder("a/b").unwrap();
        assert!(files.list("a").unwrap().is_empty());
    }
}
