//! The rows of a step written out: chunks that hold rows to send are read again, in order, by all workers.

use super::error::StageError;
use super::hash::{Instead, altered};
use super::left_out::chunk_end;
use super::ordered::ordered;
use super::part::{PartWriter, StagedPart};
use super::payload::{Columns, Given};
use super::record::{IndexRecord, action};
use super::resolve::{Resolved, found_ids};
use super::source_row::SourceRow;
use super::staged_row::{Assigned, Kind, Row, be64, bits};
use super::step::StepInputs;
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
        })
    }

    fn write(&mut self, task: &Task<'_>) -> Result<Vec<Written>, StageError> {
        let path = self.step.shape.path(task.chunk.file);
        let chunk = self.chunks.read(task.chunk).map_err(|e| StageError::read_again(path, e))?;
        let mut wanted = task.rows.iter().peekable();
        let mut written = Vec::with_capacity(task.rows.len());
        let Self { step, columns, resolved, rows, worker, out, .. } = self;
        rows.each(&chunk, &mut |pos, line, cells| {
            let Some((assigned, parents)) = wanted.next_if(|(a, _)| a.row.decision.pos == pos) else {
                return;
            };
            let Ok(cells) = cells else { return };
            if !matches!(worker.run(&SourceRow(*cells), out), Verdict::Kept) {
                return;
            }
            let Instead { blank, fallback, passed } = assigned.row.instead;
            let parents = with_fallbacks(parents, fallback, resolved);
            let mut bytes = Vec::new();
            let given = Given {
                id: assigned.row.decision.id,
                blank,
                fallback,
                there: assigned.row.decision.row.filled & !passed & !blank,
                parents: &parents,
            };
            columns[assigned.part as usize].row(step.shape, out, &given, &mut bytes);
            written.push((assigned.part, assigned.rank, bytes, index(step, &assigned.row, pos, line)));
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

/// What the row's outcome will mean. References left blank by policy or pointed to their fallback go into the hash;
/// those left for a second pass do not: the flag remembers them.
fn index(step: &StepInputs<'_, '_>, row: &Row, pos: u64, line: u32) -> IndexRecord {
    let decision = &row.decision;
    let second = decision.action == action::REFERENCES;
    let later = decision.deferred | (step.deferred & decision.row.filled);
    let instead = Instead { blank: row.instead.blank & !later, ..row.instead };
    let payload = if second { decision.row.payload } else { altered(&decision.row, instead) };
    IndexRecord {
        key: decision.row.key,
        payload,
        create: decision.row.create,
        id: decision.id,
        action: decision.action,
        pending: if second {
            step.deferred & decision.row.filled & row.instead.blank != 0
        } else {
            later != 0
        },
        file: split_position(pos).0,
        line,
        past: decision.past,
    }
}
