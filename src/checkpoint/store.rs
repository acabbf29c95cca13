//! The store on a disk: sled, named only here. Disposable: when it will not open, it is moved aside and built again
//! from the journal, because sled 0.34 can refuse to open after a crash (its issues 1533 and 1527).

use crate::ports::{Store, StoreError};
use std::path::Path;

/// Bytes of cache: the folded state is small.
const CACHE: u64 = 16 * 1024 * 1024;

/// sled in a folder.
pub struct SledStore(sled::Db);

impl SledStore {
    /// Opens the store; one that refuses is moved aside (to `<folder>.damaged`) and begun anew. Gives why it refused,
    /// where it did.
    ///
    /// # Errors
    /// When even a new one cannot be made: the disk is full, read-only, or held by another process.
    pub fn open(folder: &Path) -> Result<(Self, Option<StoreError>), StoreError> {
        let refused = match Self::try_open(folder) {
            Ok(store) => return Ok((store, None)),
            Err(refused) => refused,
        };
        let aside = folder.with_extension("damaged");
        if remove(&aside).and_then(|()| std::fs::rename(folder, &aside)).is_err() {
            return Err(refused);
        }
        Self::try_open(folder).map(|store| (store, Some(refused)))
    }

    /// Copies a store to a folder that is not there yet, to be looked into: to open one may change it.
    ///
    /// # Errors
    /// The disk's own, of either folder; `AlreadyExists` where something stands there.
    pub fn copy(folder: &Path, copy: &Path) -> std::io::Result<()> {
        copy_folder(folder, copy)
    }

    /// Looks into such a copy. Gives the run whose state it holds, and that state's last event.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn look(copy: &Path) -> Result<Option<(u32, u64)>, StoreError> {
        super::folded::holds(&Self::try_open(copy)?)
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
    std::fs::create_dir(to)?;
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

/// Removes what an earlier damage left aside: a folder, or a file that stood in its place.
fn remove(path: &Path) -> std::io::Result<()> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
