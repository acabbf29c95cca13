//! Staging: the rows of a step, resolved against what has landed by now, divided into parts and written out.

use super::decide::{Decided, Entries, past_of};
use super::error::{StageError, StageIo};
use super::hash::{Instead, altered};
use super::left_out::chunk_end;
use super::ordered::ordered;
use super::part::{PartLimits, PartWriter, StagedPart};
use super::payload::{Columns, Given};
use super::record::{Decision, IndexRecord, LeftRecord, MissingRecord, RowRecord, action, reason};
use super::resolve::{Parents, Resolved, found_ids, resolve};
use super::scan::{SORT_BUDGET, Scan, SourceRow};
use super::shape::Shape;
use crate::ledger::State;
use crate::ledger::sort::{Sorted, SortedIter, Sorter};
use crate::manifest::Duplicates;
use crate::model::RecordId;
use crate::source::{ChunkReader, ChunkRef, RowReader, split_position};
use crate::transform::{OnMissing, RowOut, RowWorker, Verdict};
use std::collections::BTreeMap;

/// The rows of a step, staged.
pub struct StepRows<'a> {
    /// The parts, in the order in which they go.
    pub parts: Vec<StagedPart>,
    /// Rows that turned out held or rejected only now, by place ([`LeftRecord`]).
    pub left: Sorted<'a>,
    /// How many of them are held.
    pub held: u64,
    /// How many of them are rejected.
    pub rejected: u64,
    /// Rows of a second pass whose parent has not landed.
    pub waiting: u64,
}

/// What both kinds of step have in common.
pub struct StepInputs<'x, 'a> {
    /// The ports.
    pub io: StageIo<'a>,
    /// The load.
    pub shape: &'x Shape,
    /// Its survey.
    pub scan: &'x Scan<'a>,
    /// References of the load that are filled in a second pass, a bit each.
    pub deferred: u64,
    /// What has landed, by object.
    pub landed: &'x dyn Parents,
    /// Part sizes.
    pub limits: PartLimits,
    /// The reference whose parents are locked.
    pub lock: Option<usize>,
    /// Where temporary files go.
    pub scratch: &'x str,
    /// Names a part's files, without ending.
    pub name: &'x (dyn Fn(u32) -> String + Sync),
}

/// Stages the rows of one level of a load.
///
/// # Errors
/// The disk's own.
pub fn stage_rows<'a>(
    step: &StepInputs<'_, 'a>,
    decided: &Decided<'a>,
    level: u8,
) -> Result<StepRows<'a>, StageError> {
    let resolved = resolve(step.io, step.shape, step.scan, step.scratch, step.deferred, step.landed)?;
    let missing = by_place(step, &resolved)?;
    let mut sorting = Sorting::new(step)?;
    let mut missing = MissingByPlace::new(&missing)?;
    let mut decisions = decided.decisions.iter();
    while let Some(bytes) = decisions.next_record()? {
        let decision = Decision::decode(bytes);
        let gone = missing.of(decision.pos)? & !decision.deferred;
        if decision.level == level {
            sorting.row(decision, gone, &resolved)?;
        }
    }
    sorting.write(&resolved)
}

/// Stages the second pass of a load: rows whose record still lacks references.
///
/// # Errors
/// The disk's own.
pub fn stage_references<'a>(
    step: &StepInputs<'_, 'a>,
    entries: Entries<'_>,
) -> Result<StepRows<'a>, StageError> {
    let resolved = resolve(step.io, step.shape, step.scan, step.scratch, !step.deferred, step.landed)?;
    let missing = by_place(step, &resolved)?;
    let candidates = pending(step, entries)?;
    let mut sorting = Sorting::new(step)?;
    let mut missing = MissingByPlace::new(&missing)?;
    let mut rows = candidates.iter();
    while let Some(bytes) = rows.next_record()? {
        let decision = Decision::decode(bytes);
        let gone = missing.of(decision.pos)?;
        sorting.reference_row(decision, gone, &resolved)?;
    }
    sorting.write(&resolved)
}

/// Records that still lack references, by the place of their row.
fn pending<'a>(step: &StepInputs<'_, 'a>, mut entries: Entries<'_>) -> Result<Sorted<'a>, StageError> {
    let name = format!("{}/pending-{}", step.scratch, step.shape.load);
    let mut found = Sorter::new(step.io.files, &name, Decision::WIDTH, SORT_BUDGET);
    let mut rows = step.scan.rows.iter();
    let mut entry = entries.next().transpose()?;
    let mut last: Option<Decision> = None;
    while let Some(bytes) = rows.next_record()? {
        let row = RowRecord::decode(bytes);
        while entry.as_ref().is_some_and(|e| e.key < row.key) {
            entry = entries.next().transpose()?;
        }
        let Some(entry) = entry.as_ref().filter(|e| e.key == row.key && e.state == State::Landed) else {
            continue;
        };
        if !entry.flags.reference_pending || row.filled & step.deferred == 0 {
            continue;
        }
        let row = RowRecord { payload: entry.payload, create: entry.create, ..row };
        let (pos, action) = (row.pos, action::REFERENCES);
        let this = Decision {
            pos,
            level: 0,
            action,
            retry: false,
            deferred: 0,
            id: entry.id,
            past: past_of(entry),
            row,
        };
        let last_wins = step.shape.duplicates == Duplicates::Last;
        last = match last.filter(|l| l.row.key == row.key) {
            Some(first) if !last_wins => Some(first),
            Some(_) => Some(this),
            None => {
                push(&mut found, last)?;
                Some(this)
            }
        };
    }
    push(&mut found, last)?;
    Ok(found.finish()?)
}

fn push(found: &mut Sorter<'_>, decision: Option<Decision>) -> Result<(), StageError> {
    match decision {
        Some(decision) => Ok(found.push(&decision.encode())?),
        None => Ok(()),
    }
}

/// Missing references by the place of their row: `pos, reference`.
fn by_place<'a>(step: &StepInputs<'_, 'a>, resolved: &Resolved<'a>) -> Result<Sorted<'a>, StageError> {
    let name = format!("{}/gone-{}", step.scratch, step.shape.load);
    let mut sorter = Sorter::new(step.io.files, &name, 9, SORT_BUDGET);
    let mut missing = resolved.missing.iter();
    while let Some(bytes) = missing.next_record()? {
        let record = MissingRecord::decode(bytes);
        let mut key = [0; 9];
        key[..8].copy_from_slice(&record.pos.to_be_bytes());
        key[8] = record.reference;
        sorter.push(&key)?;
    }
    Ok(sorter.finish()?)
}

/// Reads missing references along with rows by place.
struct MissingByPlace<'m> {
    iter: SortedIter<'m>,
    here: Option<(u64, u8)>,
}

impl<'m> MissingByPlace<'m> {
    fn new(sorted: &'m Sorted<'_>) -> Result<Self, StageError> {
        let mut cursor = Self { iter: sorted.iter(), here: None };
        cursor.step()?;
        Ok(cursor)
    }

    fn step(&mut self) -> Result<(), StageError> {
        self.here = self.iter.next_record()?.map(|b| (be64(b), b[8]));
        Ok(())
    }

    /// The references of a row that are missing, a bit each.
    fn of(&mut self, pos: u64) -> Result<u64, StageError> {
        let mut bits = 0;
        while let Some((at, reference)) = self.here.filter(|(at, _)| *at <= pos) {
            if at == pos {
                bits |= 1 << reference;
            }
            self.step()?;
        }
        Ok(bits)
    }
}

fn be64(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[..8]);
    u64::from_be_bytes(number)
}

/// A row with its part: what the sorter by lane and the sorter by place hold behind their keys.
#[derive(Clone, Copy)]
struct Row {
    decision: Decision,
    blank: u64,
    fallback: u64,
}

const ROW: usize = Decision::WIDTH + 16;

impl Row {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.decision.encode());
        out.extend_from_slice(&self.blank.to_be_bytes());
        out.extend_from_slice(&self.fallback.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Self {
        let (decision, rest) = bytes.split_at(Decision::WIDTH);
        Self { decision: Decision::decode(decision), blank: be64(rest), fallback: be64(&rest[8..]) }
    }
}

/// Rows on their way into lanes: new, known, failed before; within a lane by locked parent, then by place.
struct Sorting<'s, 'x, 'a> {
    step: &'s StepInputs<'x, 'a>,
    lanes: Sorter<'a>,
    left: Sorter<'a>,
    held: u64,
    rejected: u64,
    waiting: u64,
    locks: Option<Sorted<'a>>,
    scratch: Vec<u8>,
    rows: u64,
}

const LANE: usize = 1 + 16 + 8;

impl<'s, 'x, 'a> Sorting<'s, 'x, 'a> {
    fn new(step: &'s StepInputs<'x, 'a>) -> Result<Self, StageError> {
        let sorter = |what: &str, width| {
            Sorter::new(
                step.io.files,
                &format!("{}/{what}-{}", step.scratch, step.shape.load),
                width,
                SORT_BUDGET,
            )
        };
        Ok(Self {
            lanes: sorter("lanes", LANE + ROW),
            left: sorter("late", LeftRecord::WIDTH),
            held: 0,
            rejected: 0,
            waiting: 0,
            locks: step.lock.map(|lock| locked_parents(step, lock)).transpose()?,
            scratch: Vec::new(),
            rows: 0,
            step,
        })
    }

    /// A row of a load; `gone`: references whose parent is not there.
    fn row(&mut self, decision: Decision, gone: u64, resolved: &Resolved<'_>) -> Result<(), StageError> {
        let (mut blank, mut fallback) = (decision.deferred, 0);
        for index in bits(gone) {
            let bit = 1 << index;
            if resolved.fallbacks.contains_key(&index) {
                fallback |= bit;
                continue;
            }
            let reference = &self.step.shape.references[index as usize];
            match reference.on_missing {
                OnMissing::Blank => blank |= bit,
                OnMissing::Hold => return self.leave(&decision, reason::HELD, index),
                OnMissing::Reject => return self.leave(&decision, reason::NO_PARENT, index),
            }
        }
        self.push(Row { decision, blank, fallback })
    }

    /// A row of a second pass: what is there goes, what is not waits.
    fn reference_row(
        &mut self,
        decision: Decision,
        gone: u64,
        resolved: &Resolved<'_>,
    ) -> Result<(), StageError> {
        let fallback = bits(gone).filter(|i| resolved.fallbacks.contains_key(i)).map(|i| 1 << i).sum::<u64>();
        let blank = gone & !fallback;
        if decision.row.filled & self.step.deferred & !blank == 0 {
            self.waiting += 1;
            return Ok(());
        }
        self.push(Row { decision, blank, fallback })
    }

    fn leave(&mut self, decision: &Decision, why: u8, reference: u8) -> Result<(), StageError> {
        if why == reason::HELD {
            self.held += 1;
        } else {
            self.rejected += 1;
        }
        let (pos, line) = (decision.pos, decision.row.line);
        Ok(self.left.push(&LeftRecord { pos, reason: why, reference, line }.encode())?)
    }

    fn push(&mut self, row: Row) -> Result<(), StageError> {
        self.scratch.clear();
        self.scratch.push(lane(self.step.shape, &row.decision));
        self.scratch.extend_from_slice(&[0; 16]);
        self.scratch.extend_from_slice(&row.decision.pos.to_be_bytes());
        row.encode(&mut self.scratch);
        self.rows += 1;
        Ok(self.lanes.push(&self.scratch)?)
    }

    fn write(self, resolved: &Resolved<'a>) -> Result<StepRows<'a>, StageError> {
        let step = self.step;
        let lanes = self.lanes.finish()?;
        let lanes = match &self.locks {
            Some(locks) => with_locks(step, &lanes, locks)?,
            None => lanes,
        };
        let (assigned, kinds) = assign(step, &lanes)?;
        drop(lanes);
        let parts = write_parts(step, &assigned, kinds, resolved)?;
        Ok(StepRows {
            parts,
            left: self.left.finish()?,
            held: self.held,
            rejected: self.rejected,
            waiting: self.waiting,
        })
    }
}

/// Rows that do different things go in different jobs; rows that failed before go last, on their own.
fn lane(shape: &Shape, decision: &Decision) -> u8 {
    let known = shape.splits() && decision.action == action::UPDATE;
    u8::from(decision.retry) << 1 | u8::from(known)
}

fn bits(set: u64) -> impl Iterator<Item = u8> {
    (0..64_u8).filter(move |i| set & (1 << i) != 0)
}

/// The locked parent of each row, by place: `pos, parent`.
fn locked_parents<'a>(step: &StepInputs<'_, 'a>, lock: usize) -> Result<Sorted<'a>, StageError> {
    let name = format!("{}/locks-{}", step.scratch, step.shape.load);
    let mut sorter = Sorter::new(step.io.files, &name, 24, SORT_BUDGET);
    for references in step.scan.references.values() {
        let mut iter = references.iter();
        while let Some(bytes) = iter.next_record()? {
            let record = super::record::RefRecord::decode(bytes);
            if record.reference as usize == lock && record.pos != u64::MAX {
                let mut key = [0; 24];
                key[..8].copy_from_slice(&record.pos.to_be_bytes());
                key[8..].copy_from_slice(&record.parent.to_be_bytes());
                sorter.push(&key)?;
            }
        }
    }
    Ok(sorter.finish()?)
}

/// The lanes again, each row with its locked parent in its key.
fn with_locks<'a>(
    step: &StepInputs<'_, 'a>,
    lanes: &Sorted<'a>,
    locks: &Sorted<'a>,
) -> Result<Sorted<'a>, StageError> {
    let name = |what: &str| format!("{}/{what}-{}", step.scratch, step.shape.load);
    let mut places = Sorter::new(step.io.files, &name("places"), 8 + LANE + ROW, SORT_BUDGET);
    let mut iter = lanes.iter();
    while let Some(bytes) = iter.next_record()? {
        places.push(&[&bytes[17..25], bytes].concat())?;
    }
    let places = places.finish()?;
    let mut sorted = Sorter::new(step.io.files, &name("parents"), LANE + ROW, SORT_BUDGET);
    let (mut rows, mut locks) = (places.iter(), locks.iter());
    let mut lock = locks.next_record()?.map(<[u8]>::to_vec);
    while let Some(bytes) = rows.next_record()? {
        while lock.as_deref().is_some_and(|l| l[..8] < bytes[..8]) {
            lock = locks.next_record()?.map(<[u8]>::to_vec);
        }
        let mut row = bytes[8..].to_vec();
        if let Some(lock) = lock.as_deref().filter(|l| l[..8] == bytes[..8]) {
            row[1..17].copy_from_slice(&lock[8..]);
        }
        sorted.push(&row)?;
    }
    Ok(sorted.finish()?)
}

/// What a part is, before its rows are written.
struct Kind {
    action: u8,
    after_previous: bool,
}

const ASSIGNED: usize = 8 + 4 + 4 + ROW;

/// Divides the rows into parts: children of one parent stay together, a parent with more children than a part
/// holds has its parts one after the other. Gives the rows by place: `pos, part, rank, row`.
fn assign<'a>(step: &StepInputs<'_, 'a>, lanes: &Sorted<'a>) -> Result<(Sorted<'a>, Vec<Kind>), StageError> {
    let name = format!("{}/assigned-{}", step.scratch, step.shape.load);
    let sorter = Sorter::new(step.io.files, &name, ASSIGNED, SORT_BUDGET);
    let mut dealer = Dealer { sorter, limits: step.limits, kinds: Vec::new(), rows: 0, lane: None };
    let mut group: Vec<Vec<u8>> = Vec::new();
    let mut continues = false;
    let mut iter = lanes.iter();
    while let Some(bytes) = iter.next_record()? {
        let alone = bytes[1..17].iter().all(|b| *b == 0);
        let same = group.last().is_some_and(|g| !alone && g[..17] == bytes[..17]);
        if !same || group.len() >= dealer.limit() as usize {
            dealer.deal(&group, continues)?;
            continues = same;
            group.clear();
        }
        group.push(bytes.to_vec());
    }
    dealer.deal(&group, continues)?;
    Ok((dealer.sorter.finish()?, dealer.kinds))
}

/// Deals groups of rows into parts.
struct Dealer<'a> {
    sorter: Sorter<'a>,
    limits: PartLimits,
    kinds: Vec<Kind>,
    rows: u32,
    lane: Option<u8>,
}

impl Dealer<'_> {
    /// Rows that the part being filled may hold.
    fn limit(&self) -> u32 {
        if self.kinds.len() <= 1 { self.limits.first_rows } else { self.limits.rows }
    }

    /// Deals children of one parent, or one row without a parent. `continues`: the group before held children of
    /// the same parent.
    fn deal(&mut self, group: &[Vec<u8>], continues: bool) -> Result<(), StageError> {
        let Some(first) = group.first() else { return Ok(()) };
        let full = self.rows > 0 && self.rows as usize + group.len() > self.limit() as usize;
        if self.lane != Some(first[0]) || full {
            self.lane = Some(first[0]);
            self.rows = 0;
            let action = Row::decode(&first[LANE..]).decision.action;
            self.kinds.push(Kind { action, after_previous: continues });
        }
        for row in group {
            let mut record = row[17..25].to_vec();
            record.extend_from_slice(&(self.kinds.len() as u32 - 1).to_be_bytes());
            record.extend_from_slice(&self.rows.to_be_bytes());
            record.extend_from_slice(&row[LANE..]);
            self.sorter.push(&record)?;
            self.rows += 1;
        }
        Ok(())
    }
}

/// A row with its part and its rank there.
#[derive(Clone, Copy)]
struct Assigned {
    part: u32,
    rank: u32,
    row: Row,
}

impl Assigned {
    fn decode(bytes: &[u8]) -> Self {
        let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self { part: number(8), rank: number(12), row: Row::decode(&bytes[16..]) }
    }
}

/// The rows of a chunk that are to be sent, with the records of their parents where they are sent as Ids.
struct Task<'c> {
    chunk: &'c ChunkRef,
    rows: Vec<(Assigned, Vec<(u8, RecordId)>)>,
}

/// A row written: its part, its rank, its bytes, its index.
type Written = (u32, u32, Vec<u8>, IndexRecord);

/// Reads the chunks that hold rows to send and writes the parts.
fn write_parts<'a>(
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
                    PartWriter::new(name, kind.action, kind.after_previous)
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
        let folder = part.file.0.rsplit_once('/').map_or("", |(folder, _)| folder);
        step.io.files.sync_dir(folder)?;
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
        let chunk = self.chunks.read(task.chunk)?;
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
            let parents = with_fallbacks(parents, assigned.row.fallback, resolved);
            let mut bytes = Vec::new();
            let given = Given {
                id: assigned.row.decision.id,
                blank: assigned.row.blank,
                fallback: assigned.row.fallback,
                parents: &parents,
            };
            columns[assigned.part as usize].row(step.shape, out, &given, &mut bytes);
            written.push((assigned.part, assigned.rank, bytes, index(step, &assigned.row, pos, line)));
        });
        if written.len() == task.rows.len() {
            return Ok(written);
        }
        let (file, _) = split_position(task.rows[0].0.row.decision.pos);
        let path = step.shape.paths.get(file as usize).map_or("", String::as_str);
        Err(StageError::Disk(std::io::Error::other(format!("{path} changed while it was being read"))))
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
    let instead = Instead { blank: row.blank & !later, fallback: row.fallback };
    let payload = if second { decision.row.payload } else { altered(decision.row.payload, instead) };
    IndexRecord {
        key: decision.row.key,
        payload,
        create: decision.row.create,
        id: decision.id,
        action: decision.action,
        pending: if second { step.deferred & decision.row.filled & row.blank != 0 } else { later != 0 },
        file: split_position(pos).0,
        line,
        past: decision.past,
    }
}
