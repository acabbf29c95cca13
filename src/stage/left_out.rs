//! Rows that are not sent: their reasons in counts, and their own cells in a file that can be mended and read again.

use super::error::{StageError, StageIo};
use super::shape::Shape;
use super::source_row::SourceRow;
use crate::diagnostic::Code;
use crate::model::Outcome;
use crate::ports::Files;
use crate::source::{ChunkReader, ChunkRef, RowPos, RowReader, split_position};
use crate::transform::{CellOut, RowOut, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kinds of reasons kept apart; beyond this many they are counted as one.
const MOST_REASONS: usize = 200;

/// One row that is not sent.
pub(super) struct LeftOutRow {
    pub(super) outcome: Outcome,
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) file: u16,
    pub(super) lines: Lines,
    /// The source's cells; empty when they are not wanted or could not be read.
    pub(super) cells: Vec<String>,
    /// What stands in the file, where no cells could be read.
    pub(super) raw: String,
}

/// The lines on which a row stands: its first alone, where its cells could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lines(pub(super) u32, pub(super) u32);

impl Lines {
    /// `2`, or `2–3`.
    fn shown(self) -> String {
        let Self(first, last) = self;
        if first == last { first.to_string() } else { format!("{first}–{last}") }
    }

    /// `file:2`, or `file: lines 2–3`.
    fn of(self, path: &str) -> String {
        let lines = self.shown();
        if self.0 == self.1 { format!("{path}:{lines}") } else { format!("{path}: lines {lines}") }
    }
}

/// Rows left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// `rejected`, `duplicate` or `held`.
    pub outcome: String,
    /// Stable code.
    pub code: String,
    /// Why.
    pub message: String,
    /// How many rows.
    pub rows: u64,
    /// File and line of the first.
    pub first: String,
}

/// Where a row stands that is left out, and why.
#[derive(Debug, Clone)]
pub struct RowPlace {
    /// Where.
    pub pos: RowPos,
    /// Its line.
    pub line: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// The stable code.
    pub code: Code,
    /// Why, without a value of the customer.
    pub message: String,
}

/// Why rows are left out: how many for each reason, and where the first stands.
#[derive(Debug, Clone, Default)]
pub struct Reasons(BTreeMap<(Outcome, Code, String), (u64, String)>);

impl Reasons {
    pub(super) fn note(&mut self, row: &LeftOutRow, paths: &[String]) {
        self.add(row.outcome, row.code, &row.message, &row.lines.of(path_of(paths, row.file)));
    }

    /// Counts one row.
    pub fn add(&mut self, outcome: Outcome, code: Code, message: &str, place: &str) {
        let full = self.0.len() >= MOST_REASONS;
        let key = (outcome, code, message.to_owned());
        let key =
            if full && !self.0.contains_key(&key) { (outcome, code, "further reasons".into()) } else { key };
        self.0.entry(key).or_insert_with(|| (0, place.to_owned())).0 += 1;
    }

    /// Most rows first.
    pub fn list(&self) -> Vec<LeftOut> {
        let mut list: Vec<LeftOut> = self
            .0
            .iter()
            .map(|((outcome, code, message), (rows, first))| LeftOut {
                outcome: outcome.word().into(),
                code: code.to_string(),
                message: message.clone(),
                rows: *rows,
                first: first.clone(),
            })
            .collect();
        list.sort_by_key(|r| std::cmp::Reverse(r.rows));
        list
    }
}

fn path_of(paths: &[String], file: u16) -> &str {
    paths.get(file as usize).map_or("", String::as_str)
}

/// A CSV of rows that were not sent: `_outcome,_code,_message,_file,_line,_raw` and the source's own columns. Where no
/// cells could be read, `_raw` holds the lines as they stand in the file.
pub struct LeftOutFile<'a> {
    files: &'a dyn Files,
    path: String,
    columns: Vec<String>,
    begun: bool,
}

impl<'a> LeftOutFile<'a> {
    /// A file that is made when its first row is written.
    pub fn new(files: &'a dyn Files, path: String, columns: &[String]) -> Self {
        Self { files, path, columns: columns.to_vec(), begun: false }
    }

    pub(super) fn write(&mut self, row: &LeftOutRow, paths: &[String]) -> Result<(), StageError> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        if !self.begun {
            self.begun = true;
            self.files.remove(&self.path)?;
            let ours = ["_outcome", "_code", "_message", "_file", "_line", "_raw"];
            csv.write_record(ours.into_iter().chain(self.columns.iter().map(String::as_str)))
                .map_err(std::io::Error::other)?;
        }
        let (code, lines) = (row.code.to_string(), row.lines.shown());
        let ours =
            [row.outcome.word(), &code, &row.message, path_of(paths, row.file), &lines, row.raw.as_str()];
        let blank = std::iter::repeat_n("", self.columns.len().saturating_sub(row.cells.len()));
        let cells = row.cells.iter().take(self.columns.len()).map(String::as_str).chain(blank);
        csv.write_record(ours.into_iter().chain(cells)).map_err(std::io::Error::other)?;
        let bytes = csv.into_inner().map_err(|e| std::io::Error::other(e.to_string()))?;
        Ok(self.files.append(&self.path, &bytes)?)
    }
}

/// Writes the rows at these places (sorted) to a file, reading their cells again, and counts their reasons.
///
/// # Errors
/// The disk's own.
pub fn write_left_out(
    io: StageIo<'_>,
    shape: &Shape,
    chunks: &[ChunkRef],
    mut places: impl FnMut() -> std::io::Result<Option<RowPlace>>,
    file: Option<&mut LeftOutFile<'_>>,
    reasons: &mut Reasons,
) -> Result<(), StageError> {
    let mut note = |at: &RowPlace| {
        let (number, _) = split_position(at.pos);
        let place = Lines(at.line, at.line).of(path_of(&shape.paths, number));
        reasons.add(at.outcome, at.code, &at.message, &place);
    };
    let Some(file) = file else {
        while let Some(at) = places()? {
            note(&at);
        }
        return Ok(());
    };
    each_row_at(
        io,
        shape,
        chunks,
        places,
        |p| p.pos,
        |at, row| {
            note(&at);
            let (number, _) = split_position(at.pos);
            let cells = (0..row.0.len()).map(|c| row.0.raw(c).to_owned()).collect();
            let RowPlace { outcome, code, message, line, .. } = at;
            let (lines, raw) = (Lines(line, line), String::new());
            file.write(&LeftOutRow { outcome, code, message, file: number, lines, cells, raw }, &shape.paths)
        },
    )
}

/// The parents' keys as text, for references that are to be asked of the org: rows and references sorted by row.
///
/// # Errors
/// The disk's own.
pub fn key_texts(
    io: StageIo<'_>,
    shape: &Shape,
    chunks: &[ChunkRef],
    wanted: impl FnMut() -> std::io::Result<Option<(RowPos, u8)>>,
    mut take: impl FnMut(usize, &str),
) -> Result<(), StageError> {
    let mut worker = shape.program.worker();
    let mut out = RowOut::default();
    each_row_at(
        io,
        shape,
        chunks,
        wanted,
        |w| w.0,
        |(_, reference), row| {
            if matches!(worker.run(&row, &mut out), Verdict::Kept)
                && let Some(shape) = shape.references.get(reference as usize)
                && let Some((target, key)) = out.cells.get(shape.rule).and_then(|cell| shape.key_in(cell))
                && let Some((object, _)) = shape.targets.get(target)
            {
                take(*object, &out.text[key.clone()]);
            }
            Ok(())
        },
    )
}

/// The rows' own keys as text, for rows whose record is to be asked of the org, sorted by row.
///
/// # Errors
/// The disk's own.
pub fn own_keys(
    io: StageIo<'_>,
    shape: &Shape,
    chunks: &[ChunkRef],
    wanted: impl FnMut() -> std::io::Result<Option<RowPos>>,
    mut take: impl FnMut(&str),
) -> Result<(), StageError> {
    let mut worker = shape.program.worker();
    let mut out = RowOut::default();
    each_row_at(
        io,
        shape,
        chunks,
        wanted,
        |pos| *pos,
        |_, row| {
            if matches!(worker.run(&row, &mut out), Verdict::Kept)
                && let Some(CellOut::Text(key)) = out.cells.get(shape.key_rule)
            {
                take(&out.text[key.clone()]);
            }
            Ok(())
        },
    )
}

/// Reads again the rows at sorted places, chunk by chunk, skipping chunks that hold none. Every row must be where it was.
fn each_row_at<T>(
    io: StageIo<'_>,
    shape: &Shape,
    chunks: &[ChunkRef],
    mut places: impl FnMut() -> std::io::Result<Option<T>>,
    pos: impl Fn(&T) -> RowPos,
    mut f: impl FnMut(T, SourceRow<'_>) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let mut reader = ChunkReader::new(io.sources, &shape.paths, &shape.format)?;
    let mut rows = RowReader::new(&shape.format, shape.columns.len())?;
    let mut next = places()?;
    for chunk in chunks {
        let end = chunk_end(chunk);
        if next.as_ref().is_none_or(|p| pos(p) >= end) {
            continue;
        }
        let path = shape.path(chunk.file);
        let read = reader.read(chunk).map_err(|e| StageError::read_again(path, e))?;
        let mut result = Ok(());
        rows.each(&read, &mut |at, _, cells| {
            while result.is_ok()
                && let Some(place) = next.take_if(|p| pos(p) == at)
            {
                result = advance(&mut next, &mut places).and_then(|()| match &cells {
                    Ok(cells) => f(place, SourceRow(**cells)),
                    Err(_) => Err(StageError::Changed(path.to_owned())),
                });
            }
        });
        result?;
        if next.as_ref().is_some_and(|p| pos(p) < end) {
            return Err(StageError::Changed(path.to_owned()));
        }
    }
    Ok(())
}

fn advance<T>(
    next: &mut Option<T>,
    places: &mut impl FnMut() -> std::io::Result<Option<T>>,
) -> Result<(), StageError> {
    *next = places()?;
    Ok(())
}

/// The first place after a chunk.
pub(super) fn chunk_end(chunk: &ChunkRef) -> RowPos {
    (u64::from(chunk.file) << 48) | (chunk.offset + chunk.length)
}
