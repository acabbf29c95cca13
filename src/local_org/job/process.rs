//! What a step does to an ingest job: first its structure, then 200 rows at a time, each slice one transaction with
//! its results.

use super::context::Context;
use super::header::{self, Column};
use super::info::{Job, State};
use super::results::{self, Outcome};
use super::row::{Operation, Refused, Rows};
use super::scan::Scan;
use super::{limits, upload};
use crate::local_org::fault::Held;
use crate::local_org::limit::Daily;
use crate::local_org::record::assign::Assign;
use crate::local_org::record::error::RowError;
use crate::local_org::record::remove::Removal;
use crate::local_org::record::write::{Refusal, Writer};
use crate::local_org::schema::Object;
use csv::ByteRecord;
use rusqlite::{Connection, Error, Result};
use std::collections::HashMap;

/// Rows of a chunk: what Salesforce hands to one transaction.
pub(crate) const CHUNK: usize = 200;

/// Rows of an internal batch: what counts as one of a day's batches.
const BATCH: u64 = 10_000;

/// Moves a job on by so many slices at most.
pub(super) fn advance(conn: &Connection, context: &Context<'_>, job: &mut Job, slices: usize) -> Result<()> {
    let Some(object) = context.schema.object(&job.object) else {
        fail(job, format!("InvalidJob : Unable to find object: {}", job.object));
        return Ok(());
    };
    match job.state {
        State::UploadComplete => begin(conn, context, object, job),
        _ => work(conn, context, object, job, slices),
    }
}

fn fail(job: &mut Job, message: String) {
    job.state = State::Failed;
    job.error = Some(message);
}

/// Looks at the structure of the whole upload; a job that fails here has processed nothing.
fn begin(conn: &Connection, context: &Context<'_>, object: &Object, job: &mut Job) -> Result<()> {
    job.started = Some(context.now);
    job.state = State::InProgress;
    let mut scan = Scan::new(job.delimiter_byte(), job.line_ending == "CRLF");
    let mut number = 0;
    while let Some(part) = upload::part(conn, job.seq, number)? {
        scan.feed(&part);
        number += 1;
    }
    let (names, end) = read_header(conn, job)?;
    let raw = results::keep_header(conn, job, end)?;
    if let Some(fault) = scan.finish().or_else(|| limits::header(&raw, names.len())) {
        fail(job, fault);
        return Ok(());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if !names.is_empty()
        && let Err(message) = header::columns(context.schema, object, job, &names)
    {
        fail(job, message);
        return Ok(());
    }
    if job.operation.to_lowercase().ends_with("delete") {
        crate::local_org::record::remove::prepare(conn, context.schema, object)?;
    }
    job.position = end;
    Ok(())
}

/// The names of the header row, and the byte behind it.
pub(super) fn read_header(conn: &Connection, job: &Job) -> Result<(Vec<String>, i64)> {
    let mut records = upload::Records::new(conn, job, 0)?;
    let mut record = ByteRecord::new();
    let found = records.next(&mut record).unwrap_or(false);
    let names = record.iter().map(|n| String::from_utf8_lossy(n).into_owned());
    Ok((if found { names.collect() } else { Vec::new() }, records.end()))
}

fn operation(object: &Object, job: &Job) -> Operation {
    match (job.operation.as_str(), job.key.as_deref().and_then(|k| object.position(k))) {
        ("insert", _) => Operation::Insert,
        ("update", _) => Operation::Update,
        ("upsert", Some(key)) => Operation::Upsert(key),
        ("hardDelete", _) => Operation::Delete(Removal::Erase),
        _ => Operation::Delete(Removal::Mark),
    }
}

/// Takes the next chunks of rows; without any left, the job is complete.
fn work(conn: &Connection, context: &Context<'_>, object: &Object, job: &mut Job, most: usize) -> Result<()> {
    let (names, _) = read_header(conn, job)?;
    if names.is_empty() {
        return complete(conn, job);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let columns = match header::columns(context.schema, object, job, &names) {
        Ok(columns) => columns,
        // The schema has changed since the job began.
        Err(message) => {
            fail(job, message);
            return Ok(());
        }
    };
    let mapped: Vec<usize> = columns.iter().filter_map(Column::field).collect();
    let facts = context.facts.acting(job.user.as_deref().unwrap_or(&context.facts.admin_id));
    let writer = Writer::new(conn, context.schema, &facts, object, Some(job.seq), &mapped, context.now);
    let writer = writer.assigning(job.assignment_rule.clone().map_or(Assign::Off, Assign::Rule));
    let rows = Rows::new(&writer, &columns, operation(object, job));
    let mut chunks = Chunks::new(conn, job)?;
    for _ in 0..most {
        let chunk = chunks.next()?;
        if chunk.is_empty() {
            return complete(conn, job);
        }
        if !goes_on(conn, context, job, chunk.len() as u64)? {
            return Ok(());
        }
        take(context, &rows, job, chunk)?;
        job.position = chunks.upload.end();
    }
    Ok(())
}

/// Whether a job takes its next rows; where it does not, it says why.
fn goes_on(conn: &Connection, context: &Context<'_>, job: &mut Job, rows: u64) -> Result<bool> {
    match stops(conn, context, job, rows)? {
        None => return Ok(true),
        Some(Held::Retry) => job.retries += 1,
        Some(Held::GivenUp(words)) => fail(job, words.into()),
    }
    Ok(false)
}

/// Why a job goes no further than here: a fault, or a day's limit. Counts its next rows, and a batch where one begins.
///
/// Unconfirmed(limit-in-a-job): what becomes of a job that meets a limit (reference K6, K9); choice: it fails, the rest
/// stays unprocessed.
fn stops(conn: &Connection, context: &Context<'_>, job: &Job, rows: u64) -> Result<Option<Held>> {
    if let Some(held) = context.held(job) {
        return Ok(Some(held));
    }
    let limits = &context.schema.limits;
    let batch = u64::from(job.rows.unsigned_abs().is_multiple_of(BATCH));
    for (daily, amount) in [(Daily::BulkBatches, batch), (Daily::BulkRecords, rows)] {
        if amount > 0 && daily.spend(conn, limits, amount, context.now)?.is_none() {
            return Ok(Some(Held::GivenUp("ExceededQuota : ApiBatchItems Limit exceeded.")));
        }
    }
    Ok(None)
}

fn complete(conn: &Connection, job: &mut Job) -> Result<()> {
    job.state = State::JobComplete;
    upload::discard(conn, job.seq)
}

/// Does what the rows of a chunk ask for, and keeps their results.
fn take(context: &Context<'_>, rows: &Rows<'_>, job: &mut Job, records: &[ByteRecord]) -> Result<()> {
    let outcomes = chunk(context, rows, records)?;
    rows.end_chunk()?;
    job.failed += outcomes.iter().filter(|o| matches!(o, Outcome::Failed { .. })).count() as i64;
    let lost = |record: &ByteRecord| context.loses(job, record);
    let written = results::Rows { records, outcomes: &outcomes, doubles: &rows.doubles() };
    results::write(rows.writer.conn, context.facts, job, &written, &lost)?;
    job.rows += records.len() as i64;
    Ok(())
}

/// The rows of an upload, a chunk at a time; what holds them is used again.
struct Chunks<'c> {
    upload: upload::Records<'c>,
    records: Vec<ByteRecord>,
}

impl<'c> Chunks<'c> {
    fn new(conn: &'c Connection, job: &Job) -> Result<Self> {
        let upload = upload::Records::new(conn, job, job.position)?;
        Ok(Self { upload, records: vec![ByteRecord::new(); CHUNK] })
    }

    fn next(&mut self) -> Result<&[ByteRecord]> {
        let mut count = 0;
        while count < CHUNK && self.upload.next(&mut self.records[count]).map_err(not_read)? {
            count += 1;
        }
        Ok(&self.records[..count])
    }
}

fn not_read(error: csv::Error) -> Error {
    Error::ToSqlConversionFailure(Box::new(error))
}

fn chunk(context: &Context<'_>, rows: &Rows<'_>, records: &[ByteRecord]) -> Result<Vec<Outcome>> {
    let cells: Vec<Option<Vec<&str>>> = records.iter().map(cells).collect();
    let identities: Vec<Option<String>> =
        cells.iter().map(|c| c.as_ref().and_then(|c| rows.identity(c))).collect();
    let mut counts: HashMap<&str, u32> = HashMap::with_capacity(CHUNK);
    for identity in identities.iter().flatten() {
        *counts.entry(identity).or_default() += 1;
    }
    let mut outcomes = Vec::with_capacity(records.len());
    for (cells, identity) in cells.iter().zip(&identities) {
        let twice = identity.as_ref().is_some_and(|i| counts.get(i.as_str()).is_some_and(|n| *n > 1));
        outcomes.push(one(context, rows, cells.as_deref(), twice)?);
    }
    Ok(outcomes)
}

/// The cells of a row as text; nothing when its bytes are not UTF-8.
fn cells(record: &ByteRecord) -> Option<Vec<&str>> {
    record.iter().map(|cell| std::str::from_utf8(cell).ok()).collect()
}

fn one(context: &Context<'_>, rows: &Rows<'_>, cells: Option<&[&str]>, twice: bool) -> Result<Outcome> {
    let refused = match cells {
        None => Some(RowError::plain("INVALID_FIELD", "the row is not UTF-8")),
        Some(cells) if cells.len() != rows.columns.len() => Some(ragged(cells.len(), rows.columns.len())),
        Some(cells) if twice => Some(rows.twice(cells)),
        Some(cells) => limits::row(cells).or_else(|| context.met(rows, cells)),
    };
    if let Some(error) = refused {
        return Ok(Outcome::Failed { id: String::new(), error: error.to_string() });
    }
    match rows.run(cells.unwrap_or_default()) {
        Ok(landed) => Ok(Outcome::Landed(landed)),
        Err(Refused { id, why: Refusal::Row(error) }) => Ok(Outcome::Failed { id, error: error.to_string() }),
        Err(Refused { why: Refusal::Store(error), .. }) => Err(error),
    }
}

/// Unconfirmed(ragged-rows): what rows with more or fewer cells than the header, and rows that are not UTF-8, answer;
/// choice: a refusal of the row.
fn ragged(cells: usize, columns: usize) -> RowError {
    RowError::plain("INVALID_FIELD", format!("the row has {cells} cells, the header {columns}"))
}
