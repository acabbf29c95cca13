//! Rows that were not loaded, in groups: how many, why, and where the first stands. Read from the run's files of
//! failed and left-out rows; the values in them stay in them.

use crate::checkpoint::RunState;
use crate::ports::{Files, read_all};
use std::collections::BTreeMap;

/// Groups shown; further ones are in the files.
const MOST: usize = 20;

/// Rows of one load that were not loaded for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureGroup {
    /// The load.
    pub load: String,
    /// `failed`, `rejected`, `duplicate` or `held`.
    pub outcome: String,
    /// The code.
    pub code: String,
    /// How many rows.
    pub rows: u64,
    /// File and line of the first.
    pub first: String,
}

impl FailureGroup {
    /// As one line.
    pub fn line(&self) -> String {
        let Self { load, outcome, code, rows, first } = self;
        format!("{load}: {rows} {outcome}: {code}, first at {first}")
    }
}

/// The groups of a run, most rows first.
///
/// # Errors
/// The disk's own.
pub fn failure_groups(files: &dyn Files, state: &RunState) -> std::io::Result<Vec<FailureGroup>> {
    let mut groups: BTreeMap<(String, String, String), (u64, String)> = BTreeMap::new();
    let folder = format!("data/{}", state.run);
    for name in files.list(&folder)? {
        let Some(load) =
            state.loads.iter().map(|l| &l.name.name).find(|l| name.starts_with(&format!("{l}.")))
        else {
            continue;
        };
        let refused = ["failed", "held"].into_iter().find(|what| name.ends_with(&format!(".{what}.csv")));
        if refused.is_some() || name.contains(".left-out") {
            read(&read_all(files, &format!("{folder}/{name}"))?, load, refused, &mut groups);
        }
    }
    let mut list: Vec<FailureGroup> = groups
        .into_iter()
        .map(|((load, outcome, code), (rows, first))| FailureGroup { load, outcome, code, rows, first })
        .collect();
    list.sort_by_key(|g| std::cmp::Reverse(g.rows));
    list.truncate(MOST);
    Ok(list)
}

fn read(
    bytes: &[u8],
    load: &str,
    refused: Option<&str>,
    groups: &mut BTreeMap<(String, String, String), (u64, String)>,
) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let Ok(header) = reader.headers().cloned() else { return };
    let column = |name: &str| header.iter().position(|h| h == name);
    let (code, message, outcome) = (column("_code"), column("_message"), column("_outcome"));
    let (file, line) = (column("_file"), column("_line"));
    for record in reader.records().flatten() {
        let get = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default().to_owned();
        let outcome = refused.map_or_else(|| get(outcome), str::to_owned);
        let code = match message {
            Some(_) => format!("{} {}", get(code), get(message)),
            None => get(code),
        };
        let place = format!("{}:{}", get(file), get(line));
        groups.entry((load.to_owned(), outcome, code)).or_insert((0, place)).0 += 1;
    }
}
