//! Rows that were not loaded, in groups: how many, why, and where the first stands. Read from the run's files of failed and
//! left-out rows, a record at a time; the values in them stay in them.

use super::digits::number;
use super::words::without_values;
use crate::checkpoint::{LoadState, RunState};
use crate::ports::{FileReader, Files};
use crate::salesforce::RowError;
use csv::StringRecord;
use std::collections::BTreeMap;

/// Groups shown; further ones are counted.
const MOST_SHOWN: usize = 20;

/// Reasons told apart; what else there is goes by its code alone.
const MOST_REASONS: usize = 1_000;

/// Rows of one load that were not loaded for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureGroup {
    /// The load.
    pub load: String,
    /// `failed`, `rejected`, `duplicate` or `held`.
    pub outcome: String,
    /// Why: the code, the fields, and the words of cutover or the org, without values.
    pub reason: String,
    /// How many rows.
    pub rows: u64,
    /// File and line of the first.
    pub first: String,
}

/// The groups of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FailureGroups {
    /// Those with the most rows, most first.
    pub shown: Vec<FailureGroup>,
    /// How many others there are.
    pub others: u64,
    /// The rows of those.
    pub rows_of_others: u64,
}

impl FailureGroup {
    /// As one line.
    fn line(&self) -> String {
        let Self { load, outcome, reason, rows, first } = self;
        format!("{load}: {} {outcome}: {reason}, first at {first}\n", number(*rows))
    }
}

impl FailureGroups {
    /// A line for each, and one for those that are not shown.
    pub fn lines(&self) -> String {
        let mut lines: String = self.shown.iter().map(FailureGroup::line).collect();
        if self.others > 0 {
            let (others, rows) = (number(self.others), number(self.rows_of_others));
            lines.push_str(&format!(
                "… and {others} more reasons, of {rows} rows: see the files of the run\n"
            ));
        }
        lines
    }
}

/// The groups of a run, most rows first.
///
/// # Errors
/// An I/O error.
pub fn failure_groups(files: &dyn Files, state: &RunState) -> std::io::Result<FailureGroups> {
    let mut found = Found::default();
    let folder = format!("data/{}", state.run);
    for name in files.list(&folder)? {
        let of_load = |load: &&LoadState| name.starts_with(&format!("{}.", load.name.name));
        let Some(load) = state.loads.iter().find(of_load) else { continue };
        let refused = ["failed", "held"].into_iter().find(|what| name.ends_with(&format!(".{what}.csv")));
        if refused.is_some() || name.contains(".left-out") {
            found.read(FileReader::new(files, &format!("{folder}/{name}")), load, refused)?;
        }
    }
    Ok(found.groups())
}

/// A row's place, so that the first can be found: the file's place among the load's, then the line.
type Place = (usize, u64, String);

/// Load, outcome and reason.
type Key = (String, String, String);

/// Reasons with their rows and the first place, by load, outcome and reason.
#[derive(Default)]
struct Found(BTreeMap<Key, (u64, Place)>);

/// The columns that a file of rows has beside the rows' own.
struct Columns {
    outcome: Option<usize>,
    code: Option<usize>,
    message: Option<usize>,
    error: Option<usize>,
    file: Option<usize>,
    line: Option<usize>,
    /// The first column of the row itself.
    own: usize,
}

impl Columns {
    fn of(header: &StringRecord) -> Self {
        let column = |name: &str| header.iter().position(|h| h == name);
        let ours = ["_outcome", "_code", "_message", "_file", "_line", "_raw", "sf__Id", "sf__Error"];
        Self {
            outcome: column("_outcome"),
            code: column("_code"),
            message: column("_message"),
            error: column("sf__Error"),
            file: column("_file"),
            line: column("_line"),
            own: header.iter().take_while(|name| ours.contains(name)).count(),
        }
    }
}

impl Found {
    fn read(&mut self, file: FileReader<'_>, load: &LoadState, refused: Option<&str>) -> std::io::Result<()> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let columns = Columns::of(reader.headers()?);
        let mut record = StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => self.note(&record, &columns, load, refused),
                Ok(false) => return Ok(()),
                Err(error) if error.is_io_error() => return Err(error.into()),
                // Somebody edited the file: its other rows count.
                Err(_) => {}
            }
        }
    }

    fn note(&mut self, record: &StringRecord, columns: &Columns, load: &LoadState, refused: Option<&str>) {
        let get = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        let outcome = refused.unwrap_or_else(|| get(columns.outcome));
        let code = get(columns.code);
        let reason = match (columns.message, columns.error) {
            (Some(message), _) => format!("{code} {}", get(Some(message))),
            (None, Some(error)) => in_words(code, get(Some(error)), record.iter().skip(columns.own)),
            (None, None) => code.to_owned(),
        };
        let mut key = (load.name.name.clone(), outcome.to_owned(), reason);
        if self.0.len() >= MOST_REASONS && !self.0.contains_key(&key) {
            key.2 = format!("{code} (other words)");
        }
        let (file, line) = (get(columns.file), get(columns.line));
        let nth = load.name.files.iter().position(|path| path == file).unwrap_or(usize::MAX);
        let digits: String =
            line.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        let place = (nth, digits.parse().unwrap_or(u64::MAX), format!("{file}:{line}"));
        let (rows, first) = self.0.entry(key).or_insert_with(|| (0, place.clone()));
        *rows += 1;
        if place < *first {
            *first = place;
        }
    }

    fn groups(self) -> FailureGroups {
        let group = |(key, (rows, (_, _, first))): (Key, (u64, Place))| {
            let (load, outcome, reason) = key;
            FailureGroup { load, outcome, reason, rows, first }
        };
        let mut shown: Vec<FailureGroup> = self.0.into_iter().map(group).collect();
        shown.sort_by_key(|group| std::cmp::Reverse(group.rows));
        let others = shown.split_off(shown.len().min(MOST_SHOWN));
        let rows_of_others = others.iter().map(|group| group.rows).sum();
        FailureGroups { shown, others: others.len() as u64, rows_of_others }
    }
}

/// What the org said of a row: its code, its fields, and its words without the row's values.
fn in_words<'c>(code: &str, text: &str, cells: impl Iterator<Item = &'c str>) -> String {
    let error = RowError::parse(text);
    let words = without_values(&error.message, cells);
    let fields =
        if error.fields.is_empty() { String::new() } else { format!(" {}", error.fields.join(", ")) };
    match words.is_empty() {
        true => format!("{code}{fields}"),
        false => format!("{code}{fields}: {words}"),
    }
}
