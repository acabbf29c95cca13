//! Where a load's rows come from: the words, the files they mean, and their header.
//!
//! Must not know what the columns are used for.

use super::file::{Shelf, join};
use super::values::{is_stray, near, take_scalar, wrong};
use super::words::{DEFAULT_SOURCE, SOURCE, refuse_unbuilt};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::source::{CsvFormat, SourceProblem, check_same_headers, expand};
use crate::transform::is_time_zone;
use crate::yaml::{MapReader, Node};

/// What is said about a source.
#[derive(Debug, Clone, Default)]
pub(super) struct SourceWords {
    dir: Option<String>,
    encoding: Option<String>,
    delimiter: Option<u8>,
    quote: Option<u8>,
    null_values: Option<Vec<String>>,
    timezone: Option<String>,
}

/// A load's source, as far as it could be opened.
pub(super) struct Opened {
    /// The files, sorted.
    pub(super) files: Vec<String>,
    /// How they are written.
    pub(super) format: CsvFormat,
    /// The zone of times without an offset.
    pub(super) timezone: Option<String>,
    /// The header's columns; nothing where it could not be read, which has been told.
    pub(super) columns: Option<Vec<String>>,
    /// Where the source is named.
    pub(super) place: Place,
}

/// Reads `source` under `defaults`.
pub(super) fn read_defaults(node: &Node, problems: &mut Vec<Diagnostic>) -> SourceWords {
    let Some(mut reader) = MapReader::new(node, "the `source` of `defaults`", problems) else {
        return SourceWords::default();
    };
    refuse_unbuilt(node, DEFAULT_SOURCE, &mut reader);
    let words = SourceWords::read(&mut reader);
    reader.finish();
    words
}

/// Takes a load's `source` and opens it.
pub(super) fn open(reader: &mut MapReader<'_, '_>, defaults: &SourceWords, shelf: &Shelf<'_>) -> Opened {
    let place = reader.place().clone();
    let Some(node) = reader.need("source") else { return Opened::nothing(defaults, place) };
    let (file, own) = match node.pairs() {
        None => (super::values::scalar(node, "`source`", reader.problems()), SourceWords::default()),
        Some(_) => read_mapping(node, reader.problems()),
    };
    let mut opened = Opened::nothing(&own.or(defaults), node.place.clone());
    let dir = own.or(defaults).dir;
    let Some(file) = file.filter(|file| file.text().is_some_and(|text| !is_stray(text))) else {
        return opened;
    };
    opened.place = file.place.clone();
    opened.find(file, dir.as_deref(), shelf, reader.problems());
    opened
}

fn read_mapping<'n>(node: &'n Node, problems: &mut Vec<Diagnostic>) -> (Option<&'n Node>, SourceWords) {
    let Some(mut reader) = MapReader::new(node, "a source", problems) else {
        return (None, SourceWords::default());
    };
    let unbuilt = node.get("sqlite").is_some();
    refuse_unbuilt(node, SOURCE, &mut reader);
    let file = take_scalar(&mut reader, "file");
    if node.get("file").is_none() && !unbuilt {
        let problem = Diagnostic::error(Code::MissingKey, "a source needs `file`").at(&node.place);
        reader.problem(problem.help("a path or a glob, relative to `dir`"));
    }
    let words = SourceWords::read(&mut reader);
    reader.finish();
    (file, words)
}

impl SourceWords {
    fn read(reader: &mut MapReader<'_, '_>) -> Self {
        let words = Self {
            dir: take_scalar(reader, "dir")
                .and_then(Node::text)
                .filter(|text| !is_stray(text))
                .map(str::to_owned),
            encoding: take_encoding(reader),
            delimiter: take_byte(reader, "delimiter"),
            quote: take_byte(reader, "quote"),
            null_values: take_nulls(reader),
            timezone: take_zone(reader),
        };
        if words.delimiter.is_some() && words.delimiter == words.quote {
            let problem = Diagnostic::error(Code::Conflict, "`delimiter` and `quote` are the same character");
            let place = reader.place().clone();
            reader.problem(problem.at(&place));
        }
        words
    }

    fn or(&self, outer: &Self) -> Self {
        Self {
            dir: self.dir.clone().or_else(|| outer.dir.clone()),
            encoding: self.encoding.clone().or_else(|| outer.encoding.clone()),
            delimiter: self.delimiter.or(outer.delimiter),
            quote: self.quote.or(outer.quote),
            null_values: self.null_values.clone().or_else(|| outer.null_values.clone()),
            timezone: self.timezone.clone().or_else(|| outer.timezone.clone()),
        }
    }

    fn format(&self) -> CsvFormat {
        let usual = CsvFormat::default();
        CsvFormat {
            delimiter: self.delimiter.unwrap_or(usual.delimiter),
            quote: self.quote.unwrap_or(usual.quote),
            encoding: self.encoding.clone().unwrap_or(usual.encoding),
            null_values: self.null_values.clone().unwrap_or(usual.null_values),
        }
    }
}

fn take_encoding(reader: &mut MapReader<'_, '_>) -> Option<String> {
    let node = take_scalar(reader, "encoding")?;
    let text = node.text().filter(|text| !is_stray(text))?;
    if CsvFormat::knows_encoding(text) {
        return Some(text.to_owned());
    }
    let usual = ["utf-8", "utf-16", "windows-1252", "iso-8859-1", "iso-8859-15", "shift_jis", "gb18030"];
    let help = near(text, usual).unwrap_or_else(|| "such as `utf-8`, `utf-16` or `windows-1252`".into());
    reader.problem(wrong(node, format!("there is no character set `{text}`")).help(help));
    None
}

fn take_byte(reader: &mut MapReader<'_, '_>, key: &'static str) -> Option<u8> {
    let node = take_scalar(reader, key)?;
    match node.text()?.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n' | 0) => return Some(*byte),
        _ => {}
    }
    let problem = wrong(node, format!("`{key}` is one ASCII character"));
    reader.problem(problem.help("for a tab write `\"\\t\"`"));
    None
}

fn take_nulls(reader: &mut MapReader<'_, '_>) -> Option<Vec<String>> {
    let node = reader.take("null_values")?;
    if node.text() == Some("") && node.is_nothing() {
        reader.problem(wrong(node, "`null_values` is a list of texts").help("such as `[\"\", \"NULL\"]`"));
        return None;
    }
    let mut values = Vec::new();
    for item in node.items().unwrap_or(std::slice::from_ref(node)) {
        match item.text() {
            Some(text) => values.push(text.to_owned()),
            None => reader.problem(wrong(item, format!("`null_values` holds text, not {}", item.what()))),
        }
    }
    Some(values)
}

fn take_zone(reader: &mut MapReader<'_, '_>) -> Option<String> {
    let node = take_scalar(reader, "timezone")?;
    let text = node.text().filter(|text| !is_stray(text))?;
    if is_time_zone(text) {
        return Some(text.to_owned());
    }
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let help = near(text, names.iter().map(String::as_str));
    let help = help.unwrap_or_else(|| "a name such as `Europe/London` or `UTC`".into());
    reader.problem(wrong(node, format!("there is no time zone `{text}`")).help(help));
    None
}

impl Opened {
    fn nothing(words: &SourceWords, place: Place) -> Self {
        let (format, timezone) = (words.format(), words.timezone.clone());
        Self { files: Vec::new(), format, timezone, columns: None, place }
    }

    /// Finds the files and reads their header.
    fn find(&mut self, file: &Node, dir: Option<&str>, shelf: &Shelf<'_>, problems: &mut Vec<Diagnostic>) {
        let pattern = file.text().unwrap_or_default();
        let dir = join(shelf.folder(), dir.unwrap_or("."));
        let dir = if dir.is_empty() { "." } else { &dir };
        let place = &file.place;
        match expand(shelf.files, dir, pattern) {
            Ok(files) if files.is_empty() => {
                let message = format!("there is no file `{}`", join(dir, pattern));
                problems.push(Diagnostic::error(Code::SourceMissing, message).at(place));
                return;
            }
            Ok(files) => self.files = files.iter().map(|path| join("", path)).collect(),
            Err(error) => {
                let message = format!("`{pattern}` cannot be read: {error}");
                problems.push(Diagnostic::error(Code::SourceMissing, message).at(place));
                return;
            }
        }
        match check_same_headers(shelf.files, &self.files, &self.format) {
            Ok(header) => self.columns = Some(header.columns),
            Err(problem) => problems.push(told(problem, place)),
        }
    }
}

/// A source's own fault, told at the place that names the source.
fn told(problem: SourceProblem, place: &Place) -> Diagnostic {
    let line = problem.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    Diagnostic::error(problem.code, format!("{}{line}", problem.message)).at(place).help_maybe(problem.help)
}
