//! CURRENT: the small file that says which segments count. Replaced as a whole, so a crash leaves the old one or
//! the new one.

use super::LedgerError;
use super::segment::SegmentRef;
use crate::ports::{Files, read_all, write_durably};
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

/// What CURRENT holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Current {
    /// Version of this format.
    pub(super) version: u32,
    /// The last run of which outcomes are folded in.
    pub(super) last_run: u32,
    /// The last journal line of that run that is folded in.
    pub(super) last_seq: u64,
    /// Number of the next merged segment.
    pub(super) next_merge: u64,
    /// The segments that count, oldest first.
    pub(super) segments: Vec<SegmentRef>,
    /// Segments that the last merge replaced: their files may still be there.
    pub(super) replaced: Vec<String>,
    /// What the entries' keys are of, field and form; nothing in a ledger of before this was noted.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// Whether it is being built from what the org has, and was not there before: until that is done, nothing counts.
    #[serde(default)]
    pub(super) building: bool,
    /// blake3 of all the rest, in hexadecimal; nothing in a ledger of before there was one.
    #[serde(default)]
    pub(super) check: Option<String>,
}

/// Only the version: of another one, nothing else can be known.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Current {
    /// That of a ledger without segments.
    pub(super) fn empty() -> Self {
        Self {
            version: VERSION,
            last_run: 0,
            last_seq: 0,
            next_merge: 1,
            segments: Vec::new(),
            replaced: Vec::new(),
            key: None,
            building: false,
            check: None,
        }
    }

    /// Reads CURRENT; nothing when it has never been written.
    pub(super) fn read(files: &dyn Files, folder: &str) -> Result<Option<Self>, LedgerError> {
        let file = path(folder);
        if files.length(&file)?.is_none() {
            return Ok(None);
        }
        let bytes = read_all(files, &file)?;
        let damaged = |what: String| LedgerError::Damaged { file: file.clone(), what };
        let unread = |error: serde_json::Error| damaged(error.to_string());
        let Versioned { version: found } = serde_json::from_slice(&bytes).map_err(unread)?;
        if found != VERSION {
            return Err(LedgerError::Version { file, found, known: VERSION });
        }
        let value = serde_json::from_slice(&bytes).map_err(unread)?;
        let mut current: Self = serde_json::from_slice(&bytes).map_err(unread)?;
        match current.check.take() {
            Some(check) if check != sum(value) => Err(damaged("its bytes have changed".to_owned())),
            _ => Ok(Some(current)),
        }
    }

    /// Replaces CURRENT, durably.
    pub(super) fn write(&self, files: &dyn Files, folder: &str) -> Result<(), LedgerError> {
        let check = Some(sum(serde_json::to_value(self).map_err(std::io::Error::other)?));
        let checked = Self { check, ..self.clone() };
        let mut text = serde_json::to_vec_pretty(&checked).map_err(std::io::Error::other)?;
        text.push(b'\n');
        Ok(write_durably(files, &path(folder), &text)?)
    }

    /// The live segment of this name.
    pub(super) fn live(&self, name: &str) -> Option<&SegmentRef> {
        self.segments.iter().find(|segment| segment.name == name)
    }
}

/// Over everything that is written, whatever this version knows of it.
fn sum(mut value: serde_json::Value) -> String {
    if let Some(fields) = value.as_object_mut() {
        fields.remove("check");
    }
    blake3::hash(value.to_string().as_bytes()).to_hex().to_string()
}

pub(super) fn path(folder: &str) -> String {
    format!("{folder}/CURRENT")
}
