//! Legacy key to record Id, per object: what satellite systems need to follow a record. Runs into another org say
//! nothing of this one.

use crate::checkpoint::{Event, journal_path, read_journal};
use crate::engine::inspect::crosswalk_lines;
use crate::ports::Files;
use std::io;

/// Writes `crosswalk/<Object>.csv` for every object that any run landed in this org, and gives their paths.
///
/// # Errors
/// The disk's own; a journal that cannot be read.
pub fn crosswalk(files: &dyn Files, org_id: &str) -> io::Result<Vec<String>> {
    let mut runs = Vec::new();
    for run in files.list("data")?.iter().filter_map(|n| n.trim_end_matches('/').parse::<u32>().ok()) {
        if went_to(files, run, org_id)? {
            runs.push(run);
        }
    }
    let objects = crosswalk_lines(files, org_id, &runs)?;
    objects.into_iter().map(|(object, lines)| write(files, &object, &lines)).collect()
}

/// Whether a run went to this org.
fn went_to(files: &dyn Files, run: u32, org_id: &str) -> io::Result<bool> {
    let (lines, _) = read_journal(files, &journal_path(run)).map_err(io::Error::other)?;
    let started = lines.into_iter().next().map(|line| line.event);
    Ok(matches!(started, Some(Event::RunStarted { org_id: its, .. }) if its == org_id))
}

fn write(files: &dyn Files, object: &str, lines: &[u8]) -> io::Result<String> {
    let path = format!("crosswalk/{object}.csv");
    let temporary = format!("{path}.tmp");
    files.remove(&temporary)?;
    files.append(&temporary, b"legacy_key,record_id\n")?;
    files.append(&temporary, lines)?;
    files.sync(&temporary)?;
    files.rename(&temporary, &path)?;
    files.sync_dir("crosswalk")?;
    Ok(path)
}
