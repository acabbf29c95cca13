//! A change of the state folder: said first, then done. Each can be done again after being cut off.

use super::crosswalk::keep_crosswalk;
use super::kinds::{Change, Proved};
use crate::engine::context::EngineError;
use crate::ledger::inspect::write_current;
use crate::ports::{Files, folder_of};
use std::io;

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
