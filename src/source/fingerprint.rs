//! What a file holds, in 40 bytes: to see that it has changed.

use crate::ports::Files;
use std::io;

/// Length and hash of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Length in bytes.
    pub length: u64,
    /// blake3 of the bytes.
    pub hash: [u8; 32],
}

/// Reads a whole file and takes its fingerprint.
///
/// # Errors
/// The disk's own error; `NotFound` when there is no such file.
pub fn fingerprint(files: &dyn Files, path: &str) -> io::Result<Fingerprint> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    let mut length = 0;
    loop {
        let count = files.read_at(path, length, &mut buffer)?;
        if count == 0 {
            return Ok(Fingerprint { length, hash: *hasher.finalize().as_bytes() });
        }
        hasher.update(&buffer[..count]);
        length += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, fingerprint};
    use crate::ports::MemoryFiles;

    #[test]
    fn of_the_whole_file() {
        let files = MemoryFiles::default();
        let bytes: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
        files.put("a.csv", &bytes);
        let hash = *blake3::hash(&bytes).as_bytes();
        assert_eq!(fingerprint(&files, "a.csv").unwrap(), Fingerprint { length: 700_000, hash });
        assert!(fingerprint(&files, "b.csv").is_err());
    }
}
