//! The rows of a step written out: chunks that hold rows to send are read again, in order, by all workers.

use super::decision::{IndexRecord, action};
use super::error::StageError;
use super::hash::{Instead, chosen, fields, links, mark};
use super::left_out::chunk_end;
use super::ordered::ordered;
use super::part::{PartWriter, StagedPart};
use super::payload::{Columns, Given};
use super::resolve::{Resolved, found_ids};
use super::source_row::SourceRow;
use super::staged_row::{Assigned, Kind, Row, be64, bits};
use super::step::StepInputs;
use super::sums::{KEPT, Once, Sums};
use crate::ledger::sort::{Sorted, SortedIter};
use crate::model::RecordId;
use crate::ports::folder_of;
use crate::source::{ChunkReader, ChunkRef, RowReader, split_position};
use crate::transform::{RowOut, RowWorker, Verdict};
use std::collections::BTreeMap;

/// The rows of a chunk that are to be sent, with the records of their parents where they are sent as Ids.
struct Task<'c> {
    chunk: &'c ChunkRef,
    rows: Vec<(Assigned, Vec<(u8, RecordId)>)>,
}

/// A row written: its part, its rank, its bytes, its index.
type Written = (u32, u32, Vec<u8>, IndexRecord);

/// Reads the chunks that hold rows to send and writes the parts.
pub(super) fn write_parts<'a>(
    step: &StepInputs<'_, 'a>,
    assigned: &Sorted<'a>,
    kinds: Vec<Kind>,
    resolved: &Resolved<'a>,
) -> Result<Vec<StagedPart>, StageError> {
    let ids = found_ids(step.io, step.shape, step.scan, step.scratch, step.landed)?;
    let mut tasks = Tasks::new(step, assigned, &ids)?;
    let mut writers: BTreeMap<u32, PartWriter> = BTreeMap::new();
    let columns: Vec<Columns> =
        kinds.iter().map(|k| Columns::of(step.shape, k.action, step.deferred)).collect();
    ordered(
        step.io.work,
        || tasks.next(),
        || Writer::new(step, &columns, resolved),
        |writer: &mut Result<Writer<'_, '_, '_>, StageError>, task| match writer {
            Ok(writer) => writer.write(&task),
            Err(error) => Err(StageError::Disk(std::io::Error::other(error.to_string()))),
        },
        |written: Vec<Written>| {
            for (part, rank, bytes, index) in written {
                let kind = &kinds[part as usize];
                let writer = writers.entry(part).or_insert_with(|| {
                    let name = format!("{}/gather-{}-{part}", step.scratch, step.shape.load);
                    PartWriter::new(name, kind.action, kind.after_previous, kinds.len())
                });
                writer.add(step.io.files, rank, &bytes, &index)?;
            }
            Ok(())
        },
    )?;
    finish_parts(step, writers, &columns)
}

fn finish_parts(
    step: &StepInputs<'_, '_>,
    writers: BTreeMap<u32, PartWriter>,
    columns: &[Columns],
) -> Result<Vec<StagedPart>, StageError> {
    let mut parts = Vec::new();
    let mut next = 0;
    for (number, writer) in writers {
        let header = columns[number as usize].header(step.shape);
        parts.extend(writer.finish(step.io.files, &header, step.limits.bytes, &mut next, step.name)?);
    }
    if let Some(part) = parts.first() {
        step.io.files.sync_dir(folder_of(&part.file.0))?;
    }
    Ok(parts)
}

/// Chunks with the rows that are wanted of them.
struct Tasks<'t> {
    chunks: std::slice::Iter<'t, ChunkRef>,
    rows: SortedIter<'t>,
    here: Option<(u64, Assigned)>,
    ids: SortedIter<'t>,
    id: Option<(u64, u8, Option<RecordId>)>,
}

impl<'t> Tasks<'t> {
    fn new(
        step: &'t StepInputs<'_, '_>,
        rows: &'t Sorted<'_>,
        ids: &'t Sorted<'_>,
    ) -> Result<Self, StageError> {
        let chunks = step.scan.chunks.iter();
        let mut tasks = Self { chunks, rows: rows.iter(), here: None, ids: ids.iter(), id: None };
        tasks.step()?;
        tasks.step_id()?;
        Ok(tasks)
    }

    fn step(&mut self) -> Result<(), StageError> {
        self.here = self.rows.next_record()?.map(|b| (be64(b), Assigned::decode(b)));
        Ok(())
    }

    fn step_id(&mut self) -> Result<(), StageError> {
        self.id = next_id(&mut self.ids)?;
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Task<'t>>, StageError> {
        for chunk in self.chunks.by_ref() {
            let end = chunk_end(chunk);
            let mut rows = Vec::new();
            while let Some((pos, row)) = self.here.filter(|(pos, _)| *pos < end) {
                rows.push((row, Vec::new()));
                let parents = rows.len() - 1;
                while let Some((at, reference, id)) = self.id.filter(|(at, ..)| *at <= pos) {
                    if let (true, Some(id)) = (at == pos, id) {
                        rows[parents].1.push((reference, id));
                    }
                    self.id = next_id(&mut self.ids)?;
                }
                self.here = self.rows.next_record()?.map(|b| (be64(b), Assigned::decode(b)));
            }
            if !rows.is_empty() {
                return Ok(Some(Task { chunk, rows }));
            }
        }
        Ok(None)
    }
}

fn next_id(ids: &mut SortedIter<'_>) -> Result<Option<(u64, u8, Option<RecordId>)>, StageError> {
    Ok(ids.next_record()?.map(|b| {
        let mut id = [0; 15];
        id.copy_from_slice(&b[9..24]);
        (be64(b), b[8], RecordId::from_bytes(id))
    }))
}

/// One worker's own things.
struct Writer<'w, 'x, 'a> {
    step: &'w StepInputs<'x, 'a>,
    columns: &'w [Columns],
    resolved: &'w Resolved<'a>,
    chunks: ChunkReader<'a>,
    rows: RowReader,
    worker: RowWorker,
    out: RowOut,
    scratch: Vec<u8>,
}

impl<'w, 'x, 'a> Writer<'w, 'x, 'a> {
    fn new(
        step: &'w StepInputs<'x, 'a>,
        columns: &'w [Columns],
        resolved: &'w Resolved<'a>,
    ) -> Result<Self, StageError> {
        let shape = step.shape;
        Ok(Self {
            step,
            columns,
            resolved,
            chunks: ChunkReader::new(step.io.sources, &shape.paths, &shape.format)?,
            rows: RowReader::new(&shape.format, shape.columns.len())?,
            worker: shape.program.worker(),
            out: RowOut::default(),
            scratch: Vec::new(),
        })
    }

    fn write(&mut self, task: &Task<'_>) -> Result<Vec<Written>, StageError> {
        let path = self.step.shape.path(task.chunk.file);
        let chunk = self.chunks.read(task.chunk).map_err(|e| StageError::read_again(path, e))?;
        let mut wanted = task.rows.iter().peekable();
        let mut written = Vec::with_capacity(task.rows.len());
        let Self { step, columns, resolved, rows, worker, out, scratch, .. } = self;
        rows.each(&chunk, &mut |pos, line, cells| {
            let Some((assigned, parents)) = wanted.next_if(|(a, _)| a.row.decision.pos == pos) else {
                return;
            };
            let Ok(cells) = cells else { return };
            if !matches!(worker.run(&SourceRow(*cells), out), Verdict::Kept) {
                return;
            }
            // What is sent must be what was decided: a file can change without a change of its size or time.
            if mark(out, scratch) != assigned.row.decision.row.mark {
                return;
            }
            let Instead { blank, fallback, passed } = assigned.row.instead;
            let parents = with_fallbacks(parents, fallback, resolved);
            let mut bytes = Vec::new();
            let given = Given {
                id: assigned.row.decision.id,
                blank,
                cleared: step.shape.clearing() & assigned.row.hashed().blank,
                fallback,
                there: assigned.row.decision.row.filled & !passed & !blank,
                parents: &parents,
            };
            columns[assigned.part as usize].row(step.shape, out, &given, &mut bytes);
            let index = index(step, &assigned.row, (pos, line), out, scratch);
            written.push((assigned.part, assigned.rank, bytes, index));
        });
        if written.len() == task.rows.len() {
            return Ok(written);
        }
        Err(StageError::Changed(path.to_owned()))
    }
}

fn with_fallbacks(parents: &[(u8, RecordId)], fallback: u64, resolved: &Resolved<'_>) -> Vec<(u8, RecordId)> {
    let ids = bits(fallback).filter_map(|i| resolved.fallbacks.get(&i).copied().flatten().map(|id| (i, id)));
    parents.iter().copied().chain(ids).collect()
}

/// What the row's outcome will mean.
fn index(
    step: &StepInputs<'_, '_>,
    row: &Row,
    (pos, line): (u64, u32),
    out: &RowOut,
    scratch: &mut Vec<u8>,
) -> IndexRecord {
    let decision = &row.decision;
    let (fill, known) = (decision.put_off.fill, decision.known);
    let second = decision.action == action::REFERENCES;
    let (payload, create) = match decision.action {
        action::DELETE => known,
        action::REFERENCES => refilled(step, row, out, scratch),
        action::CREATE => {
            let sums = sent(step, row, out, scratch);
            (sums.when_created(), sums.on_create())
        }
        _ => (sent(step, row, out, scratch).payload, known.1),
    };
    IndexRecord {
        key: decision.row.key,
        payload,
        create,
        id: decision.id,
        action: decision.action,
        pending: if second { fill & row.instead.blank != 0 } else { fill != 0 },
        file: split_position(pos).0,
        line,
        past: decision.past,
    }
}

/// What is sent of a row. References that are left for a second pass count as if it had filled them: a flag remembers
/// that it has not.
fn sent(step: &StepInputs<'_, '_>, row: &Row, out: &RowOut, scratch: &mut Vec<u8>) -> Sums {
    let (shape, hashed) = (step.shape, row.hashed());
    let sums = fields(shape, out, hashed, scratch);
    let links = links(shape, out, scratch);
    sums.plus(chosen(shape, &links, hashed, row.decision.row.filled))
}

/// What a record holds once the second pass has filled its references: another than was foreseen where a parent did not
/// land after all and its fallback stands in. Nothing is known of a record of which nothing was known before.
fn refilled(step: &StepInputs<'_, '_>, row: &Row, out: &RowOut, scratch: &mut Vec<u8>) -> (u128, u64) {
    let (put_off, known) = (row.decision.put_off, row.decision.known);
    let waits = put_off.fill & row.instead.blank;
    let mut of = |fallback| fields(step.shape, out, Instead { fallback, ..Instead::default() }, scratch);
    let foreseen = of(put_off.fallback);
    let filled = of(row.instead.fallback | put_off.fallback & waits);
    let changed = filled.minus(foreseen);
    let payload = if known.0 == 0 { 0 } else { known.0.wrapping_add(changed.payload) };
    (payload, if changed.kept == Once::default() { known.1 } else { known.1 & !KEPT })
}
