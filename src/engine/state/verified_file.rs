//! Files that the journal vouches for, read: with their length and hash, or not at all. Rows that changed on the disk
//! must not reach the org, and an index that did would give rows the fates of others.

use crate::checkpoint::NamedFile;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{EngineError, Exit, OUT_OF_A_JOURNAL};
use crate::ports::{Files, read_all};
use std::io;

/// The bytes of a file of a part, which an event names.
///
/// # Errors
/// 65 when it is not there or is not the file that was named; the disk's own.
pub(in crate::engine) fn read_named(files: &dyn Files, named: &NamedFile) -> Result<Vec<u8>, EngineError> {
    read_or(files, named, OUT_OF_A_JOURNAL)
}

/// The bytes of any file that an event names, with the way out where it is not that file.
///
/// # Errors
/// As [`read_named`].
pub(super) fn read_or(files: &dyn Files, named: &NamedFile, way_out: &str) -> Result<Vec<u8>, EngineError> {
    let damaged = |what: &str| Err(not_the_file(named, what, way_out));
    match read_all(files, &named.path) {
        Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == named.blake3 => Ok(bytes),
        Ok(bytes) if bytes.len() as u64 != named.length => {
            damaged(&format!("it has {} bytes instead of {}", bytes.len(), named.length))
        }
        Ok(_) => damaged("its bytes have changed"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => damaged("it is not there"),
        Err(error) => Err(crate::ports::cannot("read", &named.path, error).into()),
    }
}

/// What is said of a file of a part.
pub(in crate::engine) fn damaged(named: &NamedFile, what: &str) -> EngineError {
    not_the_file(named, what, OUT_OF_A_JOURNAL)
}

fn not_the_file(named: &NamedFile, what: &str, way_out: &str) -> EngineError {
    lost(format!("`{}` is not the file that the journal names: {what}", named.path), way_out)
}

/// A file of the state folder is not what it was, and this is the way out.
pub(in crate::engine) fn lost(message: String, way_out: &str) -> EngineError {
    EngineError::problem(Exit::Invalid, Diagnostic::error(Code::State, message).help(way_out))
}

#[cfg(test)]
mod tests {
    use super::read_named;
    use crate::checkpoint::NamedFile;
    use crate::engine::Exit;
    use crate::ports::MemoryFiles;

    #[test]
    fn only_the_very_file_is_read() {
        let files = MemoryFiles::default();
        let blake3 = blake3::hash(b"rows").to_hex().to_string();
        let named = NamedFile { path: "data/1/a-0-0.csv".into(), length: 4, blake3 };
        for (bytes, said) in [
            (None, "it is not there"),
            (Some(&b"row"[..]), "3 bytes instead of 4"),
            (Some(b"rowz"), "its bytes have changed"),
        ] {
            if let Some(bytes) = bytes {
                files.put(&named.path, bytes);
            }
            let error = read_named(&files, &named).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(error.exit(), Exit::Invalid);
        }
        files.put(&named.path, b"rows");
        assert_eq!(read_named(&files, &named).unwrap(), b"rows");
    }
}
