//! The store on a disk: sled, named only here. Disposable: when it will not open, it is moved aside and built again
//! from the journal, because sled 0.34 can refuse to open after a crash (its issues 1533 and 1527).

use crate::ports::{Store, StoreError};
use std::path::Path;

/// Bytes of cache: the folded state is small.
const CACHE: u64 = 16 * 1024 * 1024;

/// sled in a folder.
pub struct SledStore(sled::Db);

impl SledStore {
    /// Opens the store; one that refuses is moved aside (to `<folder>.damaged`) and begun anew.
    ///
    /// # Errors
    /// When even a new one cannot be made: the disk is full, read-only, or held by another process.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::try_open(folder).or_else(|first| {
            let aside = folder.with_extension("damaged");
            let moved = std::fs::remove_dir_all(&aside)
                .or_else(ignore_absent)
                .and_then(|()| std::fs::rename(folder, &aside));
            moved.map_err(|_| first)?;
            Self::try_open(folder)
        })
    }

    /// Looks into a store in a copy of it made at `copy`: to open one may change it. Gives the run whose state it holds,
    /// and that state's last event.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn look(folder: &Path, copy: &Path) -> Result<Option<(u32, u64)>, StoreError> {
        let unreadable = |error: std::io::Error| StoreError(error.to_string());
        copy_folder(folder, copy).map_err(unreadable)?;
        let Some(bytes) = Self::try_open(copy)?.get("run")? else { return Ok(None) };
        let state: Result<super::RunState, _> = serde_json::from_slice(&bytes);
        state.map(|state| Some((state.run, state.seq))).map_err(|error| StoreError(error.to_string()))
    }

    fn try_open(folder: &Path) -> Result<Self, StoreError> {
        let config = sled::Config::new().path(folder).cache_capacity(CACHE).flush_every_ms(None);
        let store = config.open().map(Self).map_err(failed)?;
        // Nothing of a customer is in it, and the folder above is private: a mode that cannot be set is no fault.
        let _ = private(folder);
        Ok(store)
    }
}

impl Store for SledStore {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key).map(|value| value.map(|v| v.to_vec())).map_err(failed)
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.insert(key, value).map(|_| ()).map_err(failed)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.0.clear().map_err(failed)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.0.flush().map(|_| ()).map_err(failed)
    }
}

/// sled makes its files for all to read; what lies in our folder is for its owner alone.
#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let folder = path.is_dir();
    std::fs::set_permissions(path, PermissionsExt::from_mode(if folder { 0o700 } else { 0o600 }))?;
    if folder {
        for entry in std::fs::read_dir(path)? {
            private(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn failed(error: sled::Error) -> StoreError {
    StoreError(error.to_string())
}

fn ignore_absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
