//! Legacy key to record Id, per object: what satellite systems need to follow a record. The newest run's Id counts;
//! runs into another org say nothing of this one.

use crate::checkpoint::{Event, journal_path, read_journal};
use crate::model::KeyForm;
use crate::ports::{Files, read_all};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Writes `crosswalk/<Object>.csv` for every object that any run landed in this org, and gives their paths.
///
/// # Errors
/// The disk's own; a journal that cannot be read.
pub fn crosswalk(files: &dyn Files, org_id: &str) -> io::Result<Vec<String>> {
    let mut folders: BTreeMap<String, Vec<(u32, String)>> = BTreeMap::new();
    for run in files.list("data")?.iter().filter_map(|n| n.trim_end_matches('/').parse::<u32>().ok()) {
        if !went_to(files, run, org_id)? {
            continue;
        }
        for object in files.list(&format!("data/{run}/crosswalk"))? {
            let object = object.trim_end_matches('/').to_owned();
            let folder = format!("data/{run}/crosswalk/{object}");
            folders.entry(object).or_default().push((run, folder));
        }
    }
    folders.into_iter().map(|(object, folders)| write(files, &object, folders)).collect()
}

/// Whether a run went to this org.
fn went_to(files: &dyn Files, run: u32, org_id: &str) -> io::Result<bool> {
    let (lines, _) = read_journal(files, &journal_path(run)).map_err(io::Error::other)?;
    let started = lines.into_iter().next().map(|line| line.event);
    Ok(matches!(started, Some(Event::RunStarted { org_id: its, .. }) if its == org_id))
}

fn write(files: &dyn Files, object: &str, mut folders: Vec<(u32, String)>) -> io::Result<String> {
    let path = format!("crosswalk/{object}.csv");
    let temporary = format!("{path}.tmp");
    files.remove(&temporary)?;
    files.append(&temporary, b"legacy_key,record_id\n")?;
    folders.sort_by_key(|(run, _)| std::cmp::Reverse(*run));
    let (mut seen, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for (_, folder) in folders {
        let names = files.list(&folder)?;
        for name in names.iter().filter(|n| n.ends_with(".gone")) {
            let bytes = read_all(files, &format!("{folder}/{name}"))?;
            gone.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
        }
        for name in names.iter().filter(|n| n.ends_with(".csv")) {
            let bytes = read_all(files, &format!("{folder}/{name}"))?;
            files.append(&temporary, &new_lines(&bytes, &mut seen, &gone)?)?;
        }
    }
    files.sync(&temporary)?;
    files.rename(&temporary, &path)?;
    files.sync_dir("crosswalk")?;
    Ok(path)
}

/// The lines whose key no newer run had and whose record no newer run deleted. Keys are told apart by case: in some objects it makes two of them.
fn new_lines(bytes: &[u8], seen: &mut BTreeSet<u128>, gone: &BTreeSet<String>) -> io::Result<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let mut out = csv::Writer::from_writer(Vec::new());
    for record in reader.records() {
        let record = record?;
        let key = KeyForm::ExactText.hash(record.get(0).unwrap_or_default());
        let deleted = gone.contains(record.get(1).unwrap_or_default());
        if !deleted && key.is_some_and(|k| seen.insert(k)) {
            out.write_record(&record)?;
        }
    }
    out.into_inner().map_err(|e| io::Error::other(e.to_string()))
}
