//! The survey's reading: every source row once through the row path, with nothing kept but hashes and places.

use super::error::{StageError, StageIo};
use super::hash::{Instead, fields, links, mark};
use super::left_out::{LeftOutFile, LeftOutRow, Lines, Reasons};
use super::ordered::ordered;
use super::record::{LinkRecord, RefRecord, RefusedRecord, RowRecord};
use super::shape::Shape;
use super::source_row::SourceRow;
use crate::diagnostic::Code;
use crate::ledger::sort::{Sorted, Sorter};
use crate::model::{KeyHash, LeniencyCounts, Outcome};
use crate::source::{Cells, Chunk, ChunkRef, Chunks, LineEnds, RowPos, RowReader, Unread};
use crate::transform::{CellOut, RowOut, RowWorker, Verdict};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Bytes that one sorter may hold in memory.
pub(super) const SORT_BUDGET: usize = 4 << 20;

/// What one load's source holds.
pub struct Scan<'a> {
    /// Rows in the source.
    pub source: u64,
    /// Rows left out by `where`.
    pub filtered: u64,
    /// Rows refused by us.
    pub rejected: u64,
    /// Rows that wait for a record which they look up.
    pub held: u64,
    /// What happened to values of rows that take part because the manifest allows it.
    pub lenient: LeniencyCounts,
    /// Rows that take part with a quote inside an unquoted cell, taken as text.
    pub quotes: u64,
    /// What the reviewer should know of the files.
    pub notes: Vec<String>,
    /// Rows that take part, by key ([`RowRecord`]).
    pub rows: Sorted<'a>,
    /// Keys of rows that are filtered, rejected or held here, as far as they can be read: they are in the source.
    pub left: Sorted<'a>,
    /// Those of them that are rejected or held, with their places, by key (a refused record each).
    pub(super) refused: Sorted<'a>,
    /// Links of chains that have a value, by the row's key (a link record each).
    pub(super) links: Sorted<'a>,
    /// Rows without a key that can be read: nobody knows whose they are.
    pub keyless: u64,
    /// References with a value, by the parent's object, by the parent's key (a reference record each).
    pub references: BTreeMap<usize, Sorted<'a>>,
    /// Rows with a value, by reference.
    pub filled: Vec<u64>,
    /// Where the chunks lie.
    pub chunks: Vec<ChunkRef>,
    /// Why rows were refused.
    pub reasons: Reasons,
}

/// Reads a load's source. Refused rows go to `left_out`, where there is one.
///
/// # Errors
/// The disk's own, and faults of a source's header.
pub fn scan<'a>(
    io: StageIo<'a>,
    shape: &Shape,
    scratch: &str,
    left_out: Option<&mut LeftOutFile<'_>>,
) -> Result<Scan<'a>, StageError> {
    let mut gather = Gather::new(io, shape, scratch, left_out)?;
    let chunks = Mutex::new(Vec::new());
    let mut cutter = Chunks::new(io.sources, &shape.paths, &shape.format)?;
    let keep_cells = gather.left_out.is_some();
    ordered(
        io.work,
        || {
            let chunk = cutter.next()?;
            if let (Some(chunk), Ok(mut refs)) = (&chunk, chunks.lock()) {
                refs.push(chunk.reference());
            }
            Ok::<_, StageError>(chunk)
        },
        || Reader::new(shape, keep_cells),
        |reader, chunk| {
            reader.as_mut().map_err(|e| StageError::Disk(std::io::Error::other(e.to_string())))?.read(&chunk)
        },
        |found| gather.take(found),
    )?;
    gather.finish(chunks.into_inner().unwrap_or_default())
}

/// One worker's own things.
struct Reader<'s> {
    shape: &'s Shape,
    rows: RowReader,
    worker: RowWorker,
    out: RowOut,
    scratch: Vec<u8>,
    keep_cells: bool,
}

/// What one chunk holds.
#[derive(Default)]
struct Found {
    source: u64,
    filtered: u64,
    lenient: LeniencyCounts,
    quotes: u64,
    /// Rows with a cell of which a line looks like a row of its own, and the line of the first.
    like_rows: Option<(u64, u32)>,
    /// Malformed records of several lines, and their lines.
    spans: (u64, u64),
    file: u16,
    line_ends: LineEnds,
    rows: Vec<RowRecord>,
    left: Vec<KeyHash>,
    keys: Vec<RefusedRecord>,
    links: Vec<LinkRecord>,
    keyless: u64,
    references: Vec<(usize, RefRecord)>,
    refused: Vec<LeftOutRow>,
}

impl<'s> Reader<'s> {
    fn new(shape: &'s Shape, keep_cells: bool) -> std::io::Result<Self> {
        Ok(Self {
            shape,
            rows: RowReader::new(&shape.format, shape.columns.len())?,
            worker: shape.program.worker(),
            out: RowOut::default(),
            scratch: Vec::new(),
            keep_cells,
        })
    }

    fn read(&mut self, chunk: &Chunk) -> Result<Found, StageError> {
        let mut found = Found { file: chunk.file, ..Found::default() };
        let Self { shape, rows, worker, out, scratch, keep_cells } = self;
        let line_ends = rows.each(chunk, &mut |pos, line, cells| {
            found.source += 1;
            if cells.as_ref().is_ok_and(|cells| holds_a_line_like_a_row(cells, shape.format.delimiter)) {
                let (rows, first) = found.like_rows.unwrap_or((0, line));
                found.like_rows = Some((rows + 1, first));
            }
            let mut one = One { shape, worker, out, scratch, found: &mut found };
            let came = one.row(pos, line, &cells);
            if !matches!(came, Ok(true)) {
                let key = one.left(&cells);
                let key = key.filter(|_| came.is_err());
                one.found.keys.extend(key.map(|key| RefusedRecord { key, pos, line }));
            }
            if let Err((outcome, code, message)) = came {
                let lines = Lines(line, cells.err().map_or(line, |unread| unread.last_line));
                if lines.1 > lines.0 {
                    found.spans = (found.spans.0 + 1, found.spans.1 + u64::from(lines.1 - lines.0 + 1));
                }
                let (cells, raw) = if *keep_cells { kept(&cells) } else { Default::default() };
                let file = chunk.file;
                found.refused.push(LeftOutRow { outcome, code, message, file, lines, cells, raw });
            }
        });
        Ok(Found { line_ends, ..found })
    }
}

/// What the file of rows left out holds of a row: its cells, or its text.
fn kept(cells: &Result<&Cells<'_>, &Unread<'_>>) -> (Vec<String>, String) {
    match cells {
        Ok(cells) => ((0..cells.len()).map(|c| cells.raw(c).to_owned()).collect(), String::new()),
        Err(unread) => (Vec::new(), unread.text().into_owned()),
    }
}

/// Whether a cell holds a line break, and behind it a line of as many cells as the row itself: then a quote that is never
/// closed may have taken rows along.
fn holds_a_line_like_a_row(cells: &Cells<'_>, delimiter: u8) -> bool {
    let like_a_row = |line: &str| line.bytes().filter(|byte| *byte == delimiter).count() + 1 == cells.len();
    cells.len() > 1 && (0..cells.len()).any(|at| cells.raw(at).split('\n').skip(1).any(like_a_row))
}

/// One row on its way.
struct One<'x> {
    shape: &'x Shape,
    worker: &'x mut RowWorker,
    out: &'x mut RowOut,
    scratch: &'x mut Vec<u8>,
    found: &'x mut Found,
}

impl One<'_> {
    /// Whether the row takes part.
    fn row(
        &mut self,
        pos: RowPos,
        line: u32,
        cells: &Result<&Cells<'_>, &Unread<'_>>,
    ) -> Result<bool, (Outcome, Code, String)> {
        let refused = |code, message| (Outcome::Rejected, code, message);
        let cells = cells.as_ref().map_err(|u| refused(u.fault.code(), u.fault.to_string()))?;
        match self.worker.run(&SourceRow(**cells), self.out) {
            Verdict::Filtered => {
                self.found.filtered += 1;
                return Ok(false);
            }
            // The message names the field already.
            Verdict::Rejected(reject) => {
                let outcome = if reject.held { Outcome::Held } else { Outcome::Rejected };
                return Err((outcome, reject.code, reject.message));
            }
            Verdict::Kept => {}
        }
        let key =
            self.key().map_err(|why| refused(Code::RowKey, format!("{}: {why}", self.shape.key_field)))?;
        self.out.lenient.iter().for_each(|(rule, all)| self.found.lenient.note_all(*rule, *all));
        self.found.quotes += u64::from(cells.has_stray_quotes());
        let filled = self.references(pos, line, key);
        let sums = fields(self.shape, self.out, Instead::default(), self.scratch);
        if !self.shape.chains.is_empty() {
            let links = links(self.shape, self.out, self.scratch).into_iter();
            let link = |(reference, part)| LinkRecord { key, pos, reference, part };
            self.found.links.extend(links.map(link));
        }
        let mark = mark(self.out, self.scratch);
        self.found.rows.push(RowRecord { key, pos, sums, mark, line, filled });
        Ok(true)
    }

    /// Notes whose row it is that does not take part; gives its key, if it can be read.
    fn left(&mut self, cells: &Result<&Cells<'_>, &Unread<'_>>) -> Option<KeyHash> {
        let Self { shape, worker, out, found, .. } = self;
        let text = cells.as_ref().ok().and_then(|c| worker.text_of(&SourceRow(**c), shape.key_rule, out));
        let key = text.and_then(|text| shape.key_form.hash(text));
        match key {
            Some(key) => found.left.push(key),
            None => found.keyless += 1,
        }
        key
    }

    /// The row's key, or why it has none that its record can be known by.
    fn key(&self) -> Result<KeyHash, &'static str> {
        const BLANK: &str = "the key is blank";
        let Some(CellOut::Text(range)) = self.out.cells.get(self.shape.key_rule) else { return Err(BLANK) };
        let text = &self.out.text[range.clone()];
        if !self.shape.key_form.comes_back(text) {
            return Err(
                "the key has more digits than an org's answers give back: its record would not be known again",
            );
        }
        self.shape.key_form.hash(text).ok_or(BLANK)
    }

    /// Notes the row's references; gives those that have a value, a bit each.
    fn references(&mut self, pos: RowPos, line: u32, child: KeyHash) -> u64 {
        let mut filled = 0;
        for (index, reference) in self.shape.references.iter().enumerate() {
            let Some(cell) = self.out.cells.get(reference.rule) else { continue };
            filled |= u64::from(reference.ends(cell)) << index;
            let Some((target, key)) = reference.key_in(cell) else { continue };
            let Some((object, form)) = reference.targets.get(target) else { continue };
            if let Some(parent) = form.hash(&self.out.text[key.clone()]) {
                filled |= 1 << index;
                let record = RefRecord { parent, pos, reference: index as u8, child, line };
                self.found.references.push((*object, record));
            }
        }
        filled
    }
}

/// Everything gathered, chunk by chunk, in order.
struct Gather<'a, 'x, 'f> {
    io: StageIo<'a>,
    scratch: &'x str,
    shape: &'x Shape,
    left_out: Option<&'x mut LeftOutFile<'f>>,
    rows: Sorter<'a>,
    left: Sorter<'a>,
    keys: Sorter<'a>,
    links: Sorter<'a>,
    references: BTreeMap<usize, Sorter<'a>>,
    total: Found,
    rejected: u64,
    held: u64,
    filled: Vec<u64>,
    reasons: Reasons,
    line_ends: BTreeMap<u16, LineEnds>,
    like_rows: BTreeMap<u16, (u64, u32)>,
    spans: BTreeMap<u16, (u64, u64)>,
}

impl<'a, 'x, 'f> Gather<'a, 'x, 'f> {
    fn new(
        io: StageIo<'a>,
        shape: &'x Shape,
        scratch: &'x str,
        left_out: Option<&'x mut LeftOutFile<'f>>,
    ) -> Result<Self, StageError> {
        let sorter = |what: &str, width| {
            Sorter::new(io.files, &format!("{scratch}/{what}-{}", shape.load), width, SORT_BUDGET)
        };
        let (rows, left) = (sorter("rows", RowRecord::WIDTH), sorter("left-keys", 16));
        let keys = sorter("refused", RefusedRecord::WIDTH);
        let links = sorter("links", LinkRecord::WIDTH);
        let filled = vec![0; shape.references.len()];
        let references = BTreeMap::new();
        let mut gather = Self {
            io,
            scratch,
            shape,
            left_out,
            rows,
            left,
            keys,
            links,
            references,
            total: Found::default(),
            rejected: 0,
            held: 0,
            filled,
            reasons: Reasons::default(),
            line_ends: BTreeMap::new(),
            like_rows: BTreeMap::new(),
            spans: BTreeMap::new(),
        };
        gather.ask_for_fallbacks()?;
        Ok(gather)
    }

    /// A fallback's key is looked up like a row's parent, under a place that no row has.
    fn ask_for_fallbacks(&mut self) -> Result<(), StageError> {
        for (index, reference) in self.shape.references.iter().enumerate() {
            if let Some((object, parent)) = reference.fallback_hash() {
                let record =
                    RefRecord { parent, pos: RowPos::MAX, reference: index as u8, child: 0, line: 0 };
                self.reference(object, &record)?;
            }
        }
        Ok(())
    }

    fn reference(&mut self, object: usize, record: &RefRecord) -> Result<(), StageError> {
        let (files, scratch, load) = (self.io.files, self.scratch, self.shape.load);
        let sorter = self.references.entry(object).or_insert_with(|| {
            Sorter::new(files, &format!("{scratch}/refs-{load}-{object}"), RefRecord::WIDTH, SORT_BUDGET)
        });
        Ok(sorter.push(&record.encode())?)
    }

    fn take(&mut self, found: Found) -> Result<(), StageError> {
        self.total.source += found.source;
        self.total.filtered += found.filtered;
        self.total.keyless += found.keyless;
        self.total.lenient.merge(&found.lenient);
        self.total.quotes += found.quotes;
        *self.line_ends.entry(found.file).or_default() += found.line_ends;
        if let Some((rows, first)) = found.like_rows {
            self.like_rows.entry(found.file).or_insert((0, first)).0 += rows;
        }
        if found.spans.0 > 0 {
            let (records, lines) = self.spans.entry(found.file).or_default();
            (*records, *lines) = (*records + found.spans.0, *lines + found.spans.1);
        }
        let held = found.refused.iter().filter(|r| r.outcome == Outcome::Held).count() as u64;
        self.held += held;
        self.rejected += found.refused.len() as u64 - held;
        for row in &found.rows {
            self.rows.push(&row.encode())?;
        }
        for key in &found.left {
            self.left.push(&key.to_be_bytes())?;
        }
        for refused in &found.keys {
            self.keys.push(&refused.encode())?;
        }
        for link in &found.links {
            self.links.push(&link.encode())?;
        }
        for (object, record) in &found.references {
            self.filled[record.reference as usize] += 1;
            self.reference(*object, record)?;
        }
        for row in &found.refused {
            self.reasons.note(row, &self.shape.paths);
            if let Some(file) = &mut self.left_out {
                file.write(row, &self.shape.paths)?;
            }
        }
        Ok(())
    }

    /// Files that are written in two ways, most often because they were put together from several, and rows that may have
    /// taken others along.
    fn notes(&self) -> Vec<String> {
        let path = |file: &u16| self.shape.path(*file);
        let mixed = self.line_ends.iter().filter(|(_, ends)| ends.are_mixed());
        let mixed = mixed.map(|(file, LineEnds { lf, crlf })| {
            let path = path(file);
            format!(
                "{path}: {lf} rows end in LF and {crlf} in CRLF: see that no part of it is missing or foreign"
            )
        });
        let like_rows = self.like_rows.iter().map(|(file, (rows, first))| {
            let path = path(file);
            format!("{path}: {rows} rows have a cell with a line that looks like a row of its own, the first at {path}:{first}: see that no quote before it is left open")
        });
        let spans = self.spans.iter().map(|(file, (records, lines))| {
            let path = path(file);
            format!("{path}: {records} malformed records take up {lines} lines and count as one row each: rows may stand among them")
        });
        mixed.chain(like_rows).chain(spans).collect()
    }

    fn finish(self, chunks: Vec<ChunkRef>) -> Result<Scan<'a>, StageError> {
        let notes = self.notes();
        let mut references = BTreeMap::new();
        for (object, sorter) in self.references {
            references.insert(object, sorter.finish()?);
        }
        Ok(Scan {
            source: self.total.source,
            filtered: self.total.filtered,
            rejected: self.rejected,
            held: self.held,
            lenient: self.total.lenient,
            quotes: self.total.quotes,
            notes,
            rows: self.rows.finish()?,
            left: self.left.finish()?,
            refused: self.keys.finish()?,
            links: self.links.finish()?,
            keyless: self.total.keyless,
            references,
            filled: self.filled,
            chunks,
            reasons: self.reasons,
        })
    }
}
