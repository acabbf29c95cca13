//! Small files of the state folder that are read whole: JSON with a version, written so that a crash leaves the old one or
//! the new one.

use crate::ports::{Files, cannot, read_all, write_durably};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io;

/// The version of each of them.
const VERSION: u64 = 1;

/// Why such a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// An error of the disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// It is not what we wrote.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// Path below the state folder.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// Written by a version that this one does not know.
    #[error("{path} has format version {found}; this cutover knows version {known}", known = VERSION)]
    Version {
        /// Path below the state folder.
        path: String,
        /// The version found.
        found: u64,
    },
}

/// What a file says; nothing where there is none.
///
/// # Errors
/// [`PaperError`].
pub(super) fn read<T: DeserializeOwned>(files: &dyn Files, path: &str) -> Result<Option<T>, PaperError> {
    let bytes = match read_all(files, path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path, error).into()),
    };
    let damaged = |what: &str| PaperError::Damaged { path: path.to_owned(), what: what.to_owned() };
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| damaged("it is no JSON"))?;
    match value.get("version").and_then(Value::as_u64) {
        Some(VERSION) => {
            serde_json::from_value(value).map(Some).map_err(|_| damaged("it does not say what it must"))
        }
        Some(found) => Err(PaperError::Version { path: path.to_owned(), found }),
        None => Err(damaged("it names no version")),
    }
}

/// Writes what a file says, durable.
///
/// # Errors
/// An error of the disk.
pub(super) fn write(files: &dyn Files, path: &str, says: &impl Serialize) -> io::Result<()> {
    let mut value = serde_json::to_value(says)?;
    value["version"] = VERSION.into();
    write_durably(files, path, format!("{value:#}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{PaperError, read, write};
    use crate::ports::{Files, MemoryFiles};
    use std::collections::BTreeMap;

    #[test]
    fn only_what_we_wrote_is_read() {
        let files = MemoryFiles::default();
        let map = || read::<BTreeMap<String, u64>>(&files, "a.json");
        assert!(map().unwrap().is_none());
        write(&files, "a.json", &BTreeMap::from([("one", 1)])).unwrap();
        assert_eq!(map().unwrap().unwrap()["one"], 1);
        files.crash();
        assert_eq!(map().unwrap().unwrap()["one"], 1, "durable");
        for (text, says) in [
            ("", "no JSON"),
            ("{}", "names no version"),
            (r#"{"version":1,"one":"x"}"#, "does not say what it must"),
            (r#"{"version":2,"one":1}"#, "format version 2"),
        ] {
            files.put("a.json", text.as_bytes());
            let refused = map().unwrap_err();
            assert!(refused.to_string().contains(says), "{text}: {refused}");
            assert!(!matches!(refused, PaperError::Disk(_)));
        }
        assert_eq!(files.list("").unwrap(), ["a.json"], "no draft is left");
    }
}
