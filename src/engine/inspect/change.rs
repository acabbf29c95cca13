//! A change of the state folder: said first, then done. Each can be done again after being cut off.

use super::crosswalk::keep_crosswalk;
use super::ledgers::Proved;
use crate::engine::context::EngineError;
use crate::ledger::inspect::write_current;
use crate::ports::{Files, folder_of};
use std::io;

/// Something that is to be done to the state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A journal is cut behind its last whole line.
    Cut {
        /// The journal.
        path: String,
        /// Its length then.
        to: u64,
        /// Bytes that go.
        less: u64,
    },
    /// A ledger gets the CURRENT back that the journals prove.
    Current {
        /// The ledger's folder.
        folder: String,
        /// What it says.
        proved: Proved,
    },
    /// The store of the folded state is thrown away.
    Store,
    /// Keys and record Ids of these runs go into a file of their own, for `report --crosswalk`.
    Crosswalk {
        /// The org's id.
        org: String,
        /// The runs.
        runs: Vec<u32>,
    },
    /// Files are removed, in this order.
    Remove {
        /// The files.
        paths: Vec<String>,
        /// What they are.
        what: String,
    },
}

impl Change {
    /// Files to be removed.
    pub(super) fn remove(paths: impl IntoIterator<Item = String>, what: impl Into<String>) -> Self {
        Self::Remove { paths: paths.into_iter().collect(), what: what.into() }
    }

    /// The change in words.
    pub fn text(&self) -> String {
        match self {
            Self::Cut { path, to, less } => format!("cut {path} to its {to} good bytes ({less} less)"),
            Self::Current { folder, proved } => {
                format!(
                    "write {folder}/CURRENT again: {} segments, which the journals name",
                    proved.segments.len()
                )
            }
            Self::Store => "throw away state/, which the journal makes anew".to_owned(),
            Self::Crosswalk { org, runs } => {
                format!("keep the keys and record Ids of {} in data/crosswalk/{org}/", named(runs))
            }
            Self::Remove { paths, what } => match paths.as_slice() {
                [path] => format!("remove {path}: {what}"),
                _ => format!("remove {} files: {what}", paths.len()),
            },
        }
    }

    /// The files that are removed.
    pub fn removes(&self) -> &[String] {
        match self {
            Self::Remove { paths, .. } => paths,
            _ => &[],
        }
    }
}

/// `runs 1, 2 and 3`.
fn named(runs: &[u32]) -> String {
    let texts: Vec<String> = runs.iter().map(u32::to_string).collect();
    match texts.split_last() {
        Some((last, [])) => format!("run {last}"),
        Some((last, first)) => format!("runs {} and {last}", first.join(", ")),
        None => "no run".to_owned(),
    }
}

/// Carries a change out, durably.
///
/// # Errors
/// The disk's own; a ledger's, where its CURRENT is written again.
pub fn perform(files: &dyn Files, change: &Change) -> Result<(), EngineError> {
    match change {
        Change::Cut { path, to, .. } => {
            files.truncate(path, *to)?;
            files.sync(path)?;
        }
        Change::Current { folder, proved } => {
            let Proved { segments, last, key } = proved.clone();
            write_current(files, folder, segments, last, key)?;
        }
        Change::Store => clear(files, "state")?,
        Change::Crosswalk { org, runs } => keep_crosswalk(files, org, runs)?,
        Change::Remove { paths, .. } => remove(files, paths)?,
    }
    Ok(())
}

/// Removes everything below a folder, and the folder.
fn clear(files: &dyn Files, folder: &str) -> io::Result<()> {
    let mut paths = Vec::new();
    below(files, folder, &mut paths)?;
    remove(files, &paths)
}

fn below(files: &dyn Files, folder: &str, found: &mut Vec<String>) -> io::Result<()> {
    for name in files.list(folder)? {
        match name.strip_suffix('/') {
            Some(inner) => below(files, &format!("{folder}/{inner}"), found)?,
            None => found.push(format!("{folder}/{name}")),
        }
    }
    Ok(())
}

/// Removes files, and folders that are empty without them; one folder's files durably before the next one's.
fn remove(files: &dyn Files, paths: &[String]) -> io::Result<()> {
    for (index, path) in paths.iter().enumerate() {
        files.remove(path)?;
        let here = folder_of(path);
        if paths.get(index + 1).is_none_or(|next| folder_of(next) != here) {
            settle(files, here)?;
        }
    }
    Ok(())
}

/// Makes what went from a folder durable, and removes it and those above it as far as they are empty.
fn settle(files: &dyn Files, mut folder: &str) -> io::Result<()> {
    while !folder.is_empty() && files.list(folder)?.is_empty() {
        files
            .sync_dir(folder)
            .or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })?;
        files.remove_folder(folder)?;
        folder = folder_of(folder);
    }
    files.sync_dir(folder)
}
