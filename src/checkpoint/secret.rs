//! `secret.json`: what the hashes that leave the state folder are keyed with. Without it, what a hash is of cannot be found
//! by hashing guesses. It is drawn once and never leaves the folder; where it is lost, plans that were saved are stale.

use super::paper::{self, PaperError};
use crate::ports::Files;
use serde::{Deserialize, Serialize};
use std::{fmt, io};

/// Where it lies below the state folder.
pub const SECRET: &str = "secret.json";

/// Bytes that only this project has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 32]);

#[derive(Serialize, Deserialize)]
struct Written {
    secret: String,
}

impl Secret {
    /// Of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the secret of a state folder; nothing where there is none yet.
    ///
    /// # Errors
    /// [`PaperError`].
    pub fn read(files: &dyn Files) -> Result<Option<Self>, PaperError> {
        let Some(Written { secret }) = paper::read(files, SECRET)? else { return Ok(None) };
        match blake3::Hash::from_hex(&secret) {
            Ok(bytes) => Ok(Some(Self(*bytes.as_bytes()))),
            Err(_) => Err(PaperError::Damaged { path: SECRET.into(), what: "it holds no 32 bytes".into() }),
        }
    }

    /// Keeps it in a state folder, durable.
    ///
    /// # Errors
    /// An error of the disk.
    pub fn keep(&self, files: &dyn Files) -> io::Result<()> {
        let secret = blake3::Hash::from_bytes(self.0).to_hex().to_string();
        paper::write(files, SECRET, &Written { secret })
    }

    /// The keyed hash of these bytes, hexadecimal: of a plain hash, for what may leave the folder.
    pub fn seal(&self, bytes: &[u8]) -> String {
        blake3::keyed_hash(&self.0, bytes).to_hex().to_string()
    }
}

/// Never told, by accident either.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{SECRET, Secret};
    use crate::ports::MemoryFiles;

    #[test]
    fn a_secret_comes_back_and_is_not_told() {
        let files = MemoryFiles::default();
        assert_eq!(Secret::read(&files).unwrap(), None);
        let secret = Secret::new([7; 32]);
        secret.keep(&files).unwrap();
        files.crash();
        assert_eq!(Secret::read(&files).unwrap(), Some(secret));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        files.put(SECRET, br#"{"version":1,"secret":"0707"}"#);
        assert!(Secret::read(&files).unwrap_err().to_string().contains("no 32 bytes"));
    }

    #[test]
    fn a_hash_is_of_the_secret_too() {
        let (one, other) = (Secret::new([7; 32]), Secret::new([8; 32]));
        assert_ne!(one.seal(b"x"), blake3::hash(b"x").to_hex().to_string());
        assert_ne!(one.seal(b"x"), other.seal(b"x"));
        assert_eq!(one.seal(b"x"), one.seal(b"x"));
    }
}
