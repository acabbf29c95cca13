//! The header of a source: the names of its columns, and whether several files have the same ones.

use super::cutter::{Cut, Cutter};
use super::format::{Coding, CsvFormat};
use super::problem::SourceProblem;
use super::records::{Records, cells};
use super::splitter::Flaw;
use super::{Broken, CHUNK};
use crate::diagnostic::Code;
use crate::ports::Files;

/// The columns of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Names, trimmed, each once, none empty.
    pub columns: Vec<String>,
}

/// Reads a file's header: its first line that is not blank.
///
/// # Errors
/// When there is no such file, it cannot be read, is empty, or a name is missing or stands twice.
pub fn read_header(files: &dyn Files, path: &str, format: &CsvFormat) -> Result<Header, SourceProblem> {
    let unreadable = |error| SourceProblem::unreadable(path, &error);
    let coding = format.coding().map_err(unreadable)?;
    let mut cutter = Cutter::open(files, path, format, coding).map_err(unreadable)?;
    let Some(cut) = cutter.first(CHUNK).map_err(unreadable)? else {
        return Err(SourceProblem::new(Code::SourceMissing, format!("`{path}` is empty"))
            .help("the first line must name the columns"));
    };
    let columns = columns(&cut, format, coding, path)?;
    check_names(&columns, path)?;
    Ok(Header { columns })
}

/// Reads the header of each file of a source and sees that all have the same columns in the same order.
///
/// # Errors
/// As [`read_header`] for any of them, or when a later one differs from the first.
pub fn check_same_headers(
    files: &dyn Files,
    paths: &[String],
    format: &CsvFormat,
) -> Result<Header, SourceProblem> {
    let [first, later @ ..] = paths else {
        return Err(SourceProblem::new(Code::SourceMissing, "the source has no file"));
    };
    let header = read_header(files, first, format)?;
    for path in later {
        let other = read_header(files, path, format)?;
        if other != header {
            let words = difference(&header.columns, &other.columns);
            return Err(SourceProblem::header(format!("`{path}` has other columns than `{first}`: {words}"))
                .help("all files of one source need the same columns in the same order"));
        }
    }
    Ok(header)
}

fn difference(first: &[String], later: &[String]) -> String {
    if let Some(name) = later.iter().find(|name| !first.contains(name)) {
        return format!("`{name}` is only in the later one");
    }
    match first.iter().find(|name| !later.contains(name)) {
        Some(name) => format!("`{name}` is only in the first"),
        None => "their order differs".to_owned(),
    }
}

fn columns(cut: &Cut, format: &CsvFormat, coding: Coding, path: &str) -> Result<Vec<String>, SourceProblem> {
    let (delimiter, quote) = (format.delimiter, format.quote);
    let record = Records::new(&cut.bytes, cut.line, delimiter, quote).next();
    let flaw = record.and_then(|record| record.seen.flaw);
    if let Some((words, help)) = fault(cut.broken, flaw) {
        return Err(SourceProblem::header(format!("the header of `{path}` {words}")).help_maybe(help));
    }
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    cells(record.map_or(&[][..], |record| record.bytes), delimiter, quote, &mut bytes, &mut ends);
    let mut start = 0;
    let each = ends.iter().enumerate();
    each.map(|(column, end)| {
        let cell = &bytes[std::mem::replace(&mut start, *end)..*end];
        name(column, cell, coding, path)
    })
    .collect()
}

/// What makes a header unreadable, and the way out.
fn fault(broken: Option<Broken>, flaw: Option<Flaw>) -> Option<(&'static str, Option<&'static str>)> {
    match (broken, flaw) {
        (Some(Broken::TooLong { .. }), _) => Some(("is too long", None)),
        (Some(Broken::Unclosed { .. }), _) | (_, Some(Flaw::Unclosed)) => {
            Some(("opens a quote that is never closed", None))
        }
        (_, Some(Flaw::Quotes)) => {
            let help = "inside quotes a quote is written twice";
            Some(("goes on behind a closing quote", Some(help)))
        }
        (_, Some(Flaw::CarriageReturn)) => {
            let help = "lines end in LF or CRLF: rewrite the line ends of the file";
            Some(("has a carriage return without a line feed behind it", Some(help)))
        }
        (None, None) => None,
    }
}

fn name(column: usize, cell: &[u8], coding: Coding, path: &str) -> Result<String, SourceProblem> {
    let text = match coding {
        Coding::SingleByte(encoding) => encoding.decode_without_bom_handling_and_without_replacement(cell),
        _ => std::str::from_utf8(cell).ok().map(Into::into),
    };
    text.map(|t| t.trim().to_owned()).ok_or_else(|| {
        SourceProblem::header(format!(
            "the name of column {} of `{path}` holds bytes that are not in the stated encoding",
            column + 1
        ))
        .help("write the file's encoding into the source, for example `encoding: windows-1252`")
    })
}

fn check_names(columns: &[String], path: &str) -> Result<(), SourceProblem> {
    for (column, name) in columns.iter().enumerate() {
        if name.is_empty() {
            let words = format!("column {} of `{path}` has no name", column + 1);
            return Err(SourceProblem::header(words).help("give every column of the header a name"));
        }
        if let Some(before) = columns[..column].iter().position(|other| other == name) {
            let words =
                format!("columns {} and {} of `{path}` are both named `{name}`", before + 1, column + 1);
            return Err(SourceProblem::header(words).help("names must differ after trimming"));
        }
    }
    Ok(())
}
