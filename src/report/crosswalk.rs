//! Legacy key to record Id, per object: what satellite systems need to follow a record. The newest run's Id counts.

use crate::model::KeyForm;
use crate::ports::{Files, read_all};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Writes `crosswalk/<Object>.csv` for every object that any run landed, and gives their paths.
///
/// # Errors
/// The disk's own.
pub fn crosswalk(files: &dyn Files) -> io::Result<Vec<String>> {
    let mut folders: BTreeMap<String, Vec<(u32, String)>> = BTreeMap::new();
    for run in files.list("data")?.iter().filter_map(|n| n.trim_end_matches('/').parse::<u32>().ok()) {
        for object in files.list(&format!("data/{run}/crosswalk"))? {
            let object = object.trim_end_matches('/').to_owned();
            let folder = format!("data/{run}/crosswalk/{object}");
            folders.entry(object).or_default().push((run, folder));
        }
    }
    folders.into_iter().map(|(object, folders)| write(files, &object, folders)).collect()
}

fn write(files: &dyn Files, object: &str, mut folders: Vec<(u32, String)>) -> io::Result<String> {
    let path = format!("crosswalk/{object}.csv");
    let temporary = format!("{path}.tmp");
    files.remove(&temporary)?;
    files.append(&temporary, b"legacy_key,record_id\n")?;
    folders.sort_by_key(|(run, _)| std::cmp::Reverse(*run));
    let mut seen = BTreeSet::new();
    for (_, folder) in folders {
        for name in files.list(&folder)?.iter().filter(|n| n.ends_with(".csv")) {
            let bytes = read_all(files, &format!("{folder}/{name}"))?;
            files.append(&temporary, &new_lines(&bytes, &mut seen)?)?;
        }
    }
    files.sync(&temporary)?;
    files.rename(&temporary, &path)?;
    files.sync_dir("crosswalk")?;
    Ok(path)
}

/// The lines whose key no newer run had.
fn new_lines(bytes: &[u8], seen: &mut BTreeSet<u128>) -> io::Result<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let mut out = csv::Writer::from_writer(Vec::new());
    for record in reader.records() {
        let record = record?;
        let key = KeyForm::FoldedText.hash(record.get(0).unwrap_or_default());
        if key.is_some_and(|k| seen.insert(k)) {
            out.write_record(&record)?;
        }
    }
    out.into_inner().map_err(|e| io::Error::other(e.to_string()))
}
