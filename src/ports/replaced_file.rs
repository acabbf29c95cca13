//! A file that takes another's place whole or not at all, readable by its owner alone. Knows no state folder: it is for files
//! that a user names.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file on its way: what stands at its path stays there until [`ReplacedFile::finish`].
#[derive(Debug)]
pub struct ReplacedFile {
    file: File,
    /// The file beside it and its own path; nothing where the path is a device or a pipe.
    place: Option<(PathBuf, PathBuf)>,
}

impl ReplacedFile {
    /// Begins a file.
    ///
    /// # Errors
    /// The disk's own.
    pub fn create(path: &Path) -> io::Result<Self> {
        if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            return Ok(Self { file: OpenOptions::new().write(true).open(path)?, place: None });
        }
        let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
        let beside = path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        Ok(Self { file: options.open(&beside)?, place: Some((beside, path.to_owned())) })
    }

    /// Puts it into its place, durable.
    ///
    /// # Errors
    /// The disk's own; then what stood there before is still there.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        if let Some((beside, path)) = &self.place {
            self.file.sync_all()?;
            std::fs::rename(beside, path)?;
            self.place = None;
        }
        Ok(())
    }
}

impl Write for ReplacedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for ReplacedFile {
    /// One that was not finished leaves nothing behind.
    fn drop(&mut self) {
        if let Some((beside, _)) = &self.place {
            let _ = std::fs::remove_file(beside);
        }
    }
}
