//! Old keys with their record Ids, over many runs: each key and each record stands once, as the newest run had it, and a
//! deleted record's line goes. What pruned runs
//! had lies in `data/crosswalk/<org id>/<Object>.csv`, older than any run. The values stay in these files.

use super::ledgers::folders;
use crate::model::KeyForm;
use crate::ports::{Files, read_all, write_durably};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// `key,id` lines by object: those of these runs into an org, and those of runs that were pruned.
///
/// # Errors
/// The disk's own.
pub fn crosswalk_lines(files: &dyn Files, org: &str, runs: &[u32]) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut newest_first = runs.to_vec();
    newest_first.sort_unstable_by_key(|run| std::cmp::Reverse(*run));
    let mut sources: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for run in newest_first {
        for object in folders(files, &format!("data/{run}/crosswalk"))? {
            let folder = format!("data/{run}/crosswalk/{object}");
            let names = files.list(&folder)?;
            let (gone, landed): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.ends_with(".gone"));
            let wanted = gone.into_iter().chain(landed.into_iter().filter(|name| name.ends_with(".csv")));
            sources.entry(object).or_default().extend(wanted.map(|name| format!("{folder}/{name}")));
        }
    }
    for name in files.list(&kept(org))? {
        if let Some(object) = name.strip_suffix(".csv") {
            sources.entry(object.to_owned()).or_default().push(format!("{}/{name}", kept(org)));
        }
    }
    sources.into_iter().map(|(object, paths)| Ok((object, lines(files, &paths)?))).collect()
}

/// Where the lines of pruned runs lie.
fn kept(org: &str) -> String {
    format!("data/crosswalk/{org}")
}

/// Puts what these runs had into the file of pruned runs, durably, before they go.
pub(super) fn keep_crosswalk(files: &dyn Files, org: &str, runs: &[u32]) -> io::Result<()> {
    for (object, lines) in crosswalk_lines(files, org, runs)? {
        write_durably(files, &format!("{}/{object}.csv", kept(org)), &lines)?;
    }
    Ok(())
}

/// What newer lines had, by hash.
#[derive(Default)]
struct Seen {
    keys: BTreeSet<u128>,
    records: BTreeSet<u128>,
}

/// The lines of these files, newest first, whose key and record none before had and whose record none before deleted.
fn lines(files: &dyn Files, paths: &[String]) -> io::Result<Vec<u8>> {
    let (mut seen, mut gone, mut out) = (Seen::default(), BTreeSet::new(), Vec::new());
    for path in paths {
        let bytes = read_all(files, path)?;
        if path.ends_with(".gone") {
            gone.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
        } else {
            out.extend(new_lines(&bytes, &mut seen, &gone)?);
        }
    }
    Ok(out)
}

/// Keys are told apart by case, because in some objects it makes two of them; a record whose key changed its case is one
/// record all the same.
fn new_lines(bytes: &[u8], seen: &mut Seen, gone: &BTreeSet<String>) -> io::Result<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let mut out = csv::Writer::from_writer(Vec::new());
    for record in reader.records() {
        let record = record?;
        let (key, id) = (record.get(0).unwrap_or_default(), record.get(1).unwrap_or_default());
        let (key, of_record) = (KeyForm::ExactText.hash(key), KeyForm::ExactText.hash(id));
        let (Some(key), Some(of_record)) = (key, of_record) else { continue };
        let known = seen.keys.contains(&key) || seen.records.contains(&of_record);
        // The key of a record that is gone stands for none: an older record of it is gone too.
        seen.keys.insert(key);
        seen.records.insert(of_record);
        if !known && !gone.contains(id) {
            out.write_record(&record)?;
        }
    }
    out.into_inner().map_err(|e| io::Error::other(e.to_string()))
}
