//! Files as the engine sees them: few operations, each with a stated durability, so that a crash can be simulated.

use std::io;

/// Held while a lock lasts; dropping it releases the lock.
pub trait FileLock: Send + Sync {}

/// A folder of files. Paths are relative to it, with `/`; missing folders are made when a file is appended to.
/// Nothing is durable before `sync` of the file and `sync_dir` of the folder that names it.
pub trait Files: Send + Sync {
    /// Adds bytes to the end of a file, making it (mode 0600) when it is not there.
    ///
    /// # Errors
    /// The disk's own error.
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes the file's bytes durable.
    ///
    /// # Errors
    /// The disk's own error; after one, what is durable is unknown and the process must end.
    fn sync(&self, path: &str) -> io::Result<()>;
    /// Makes the names in a folder durable, and the folder's own name, and those of all above it: a file whose folder
    /// was made for it is as lost as its folder.
    ///
    /// # Errors
    /// The disk's own error.
    fn sync_dir(&self, path: &str) -> io::Result<()>;
    /// Gives a file another name, replacing what was there.
    ///
    /// # Errors
    /// The disk's own error.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end.
    ///
    /// # Errors
    /// The disk's own error; `NotFound` when there is no such file.
    fn read_at(&self, path: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// The file's length, or nothing when it is not there.
    ///
    /// # Errors
    /// The disk's own error.
    fn length(&self, path: &str) -> io::Result<Option<u64>>;
    /// When the file was last changed, in milliseconds since 1970, where that is known.
    ///
    /// # Errors
    /// The disk's own error.
    fn modified(&self, path: &str) -> io::Result<Option<i64>>;
    /// Cuts a file to this length.
    ///
    /// # Errors
    /// The disk's own error.
    fn truncate(&self, path: &str, length: u64) -> io::Result<()>;
    /// Names directly inside a folder, sorted; folders end in `/`. Empty when there is no such folder.
    ///
    /// # Errors
    /// The disk's own error.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Removes a file; nothing when it is not there.
    ///
    /// # Errors
    /// The disk's own error.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Removes a folder that is empty; nothing when it is not there, or holds something. Where folders are only parts
    /// of names there is nothing to do.
    ///
    /// # Errors
    /// The disk's own error.
    fn remove_folder(&self, _folder: &str) -> io::Result<()> {
        Ok(())
    }
    /// Takes the lock of this name, or nothing when another holder has it. The name may be that of a file with bytes
    /// in it, which the lock keeps from nobody. Who only looks ([`Files::is_locked`]) is waited for.
    ///
    /// # Errors
    /// The disk's own error.
    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn FileLock>>>;
    /// Whether somebody holds the lock of this name. Makes nothing, and stands in nobody's way.
    ///
    /// # Errors
    /// The disk's own error.
    fn is_locked(&self, path: &str) -> io::Result<bool> {
        Ok(self.lock(path)?.is_none())
    }
}

/// The disk's own error, with what could not be done to which file: without a name nobody can mend it.
pub fn cannot(what: &str, path: impl std::fmt::Display, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what} {path}: {error}"))
}

/// A whole small file.
///
/// # Errors
/// The disk's own error; `NotFound` when there is no such file.
pub fn read_all(files: &dyn Files, path: &str) -> io::Result<Vec<u8>> {
    let length =
        files.length(path)?.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, path.to_owned()))?;
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let mut filled = 0;
    while filled < bytes.len() {
        match files.read_at(path, filled as u64, &mut bytes[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// A whole small text file.
///
/// # Errors
/// As [`read_all`]; `InvalidData` when it is not UTF-8.
pub fn read_text(files: &dyn Files, path: &str) -> io::Result<String> {
    String::from_utf8(read_all(files, path)?).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// The folder that names a file; nothing for one at the top.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Writes a whole small file so that a crash leaves the old one or the new one: `*.tmp`, sync, rename, sync the
/// folder and those that name it (spec, commit point 1).
///
/// # Errors
/// The disk's own error.
pub fn write_durably(files: &dyn Files, path: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = format!("{path}.tmp");
    files.remove(&temporary)?;
    files.append(&temporary, bytes)?;
    files.sync(&temporary)?;
    files.rename(&temporary, path)?;
    files.sync_dir(folder_of(path))
}
