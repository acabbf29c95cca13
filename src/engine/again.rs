//! Rows refused in passing (a lock, a job that ended half-way) go again: in parts of their own, smaller, one after
//! the other, with growing waits, a bounded number of times (spec, Rows).

use super::desk::Desk;
use crate::checkpoint::{Event, NamedFile, Part, PartKey};
use crate::engine::context::EngineError;
use crate::model::{KeyForm, KeyHash, RecordId};
use crate::plan::Api;
use crate::ports::read_all;
use crate::stage::IndexRecord;
use std::collections::{BTreeMap, BTreeSet};

/// How often the rows of a part go again before they count as failed.
pub(super) const MOST_ATTEMPTS: u32 = 5;
/// Rows of a part that goes again: fewer than in the first attempt, so that locks meet more rarely.
const ROWS: usize = 2_000;

/// Writes the rows with these keys of a part to parts of their own, durable, in the part's order (sorted by the
/// parent that they lock). Gives the parts with the events that announce them.
///
/// # Errors
/// The disk's own.
pub(super) fn parts_again(
    desk: &Desk<'_, '_>,
    key: PartKey,
    part: &Part,
    again: &[KeyHash],
) -> Result<Vec<(PartKey, Event)>, EngineError> {
    let wanted: BTreeSet<KeyHash> = again.iter().copied().collect();
    let (header, rows) = payload_rows(desk, part, &wanted)?;
    let first = desk.state.borrow().parts.keys().filter(|k| k.step == key.step).map(|k| k.number + 1).max();
    let mut events = Vec::new();
    for (at, rows) in rows.chunks(ROWS).enumerate() {
        let new = PartKey { step: key.step, number: first.unwrap_or(0) + at as u32 };
        let base = format!("data/{}/again-{new}", desk.state.borrow().run);
        let payload: Vec<u8> =
            std::iter::once(&header).chain(rows.iter().map(|r| &r.0)).flatten().copied().collect();
        let mut records: Vec<[u8; IndexRecord::WIDTH]> = rows.iter().map(|r| r.1.encode()).collect();
        records.sort_unstable();
        let file = named(desk, format!("{base}.csv"), &payload)?;
        let index = named(desk, format!("{base}.index"), &records.concat())?;
        events.push((new, event(part, new, rows.len(), file, index)));
    }
    Ok(events)
}

fn event(part: &Part, key: PartKey, rows: usize, file: NamedFile, index: NamedFile) -> Event {
    Event::PartStaged {
        part: key,
        load: part.load,
        kind: part.kind,
        operation: part.operation.clone(),
        object: part.object.clone(),
        key: part.key.clone(),
        form: part.form.clone(),
        // A job answers for each row whatever a call as a whole was refused for, and locks meet more rarely in it.
        api: Api::Bulk,
        attempt: part.attempt + 1,
        rows: rows as u64,
        file,
        index,
    }
}

fn named(desk: &Desk<'_, '_>, path: String, bytes: &[u8]) -> Result<NamedFile, EngineError> {
    crate::ports::write_durably(desk.ports.files, &path, bytes)?;
    let blake3 = blake3::hash(bytes).to_hex().to_string();
    Ok(NamedFile { path, length: bytes.len() as u64, blake3 })
}

/// A row of a payload as it was sent, with its index record.
type SentRow = (Vec<u8>, IndexRecord);

/// The header line of a part's payload, and those of its rows whose key is wanted.
fn payload_rows(
    desk: &Desk<'_, '_>,
    part: &Part,
    wanted: &BTreeSet<KeyHash>,
) -> Result<(Vec<u8>, Vec<SentRow>), EngineError> {
    let bytes = read_all(desk.ports.files, &part.file.path)?;
    let index = read_all(desk.ports.files, &part.index.path)?;
    let records: Vec<IndexRecord> = index.chunks_exact(IndexRecord::WIDTH).map(IndexRecord::decode).collect();
    let form = KeyForm::parse(&part.form).unwrap_or(KeyForm::FoldedText);
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.byte_headers().map_err(std::io::Error::other)?.clone();
    let column = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name.as_bytes()));
    let (key, id) = (column(&part.key), column("Id").filter(|_| part.by_id()));
    let by_id: BTreeMap<RecordId, &IndexRecord> = records.iter().filter_map(|r| Some((r.id?, r))).collect();
    let mut rows = Vec::new();
    for record in reader.byte_records() {
        let record = record.map_err(std::io::Error::other)?;
        let cell =
            |at: Option<usize>| at.and_then(|at| record.get(at)).and_then(|c| std::str::from_utf8(c).ok());
        let found = match cell(id).and_then(|c| RecordId::parse(c).ok()) {
            Some(id) => by_id.get(&id).copied(),
            None => cell(key).and_then(|k| form.hash(k)).and_then(|k| {
                records.binary_search_by_key(&k, |r| r.key).ok().and_then(|at| records.get(at))
            }),
        };
        rows.extend(found.filter(|r| wanted.contains(&r.key)).map(|r| (line(&record), *r)));
    }
    Ok((line(&header), rows))
}

/// A record as a line of CSV with LF.
fn line(record: &csv::ByteRecord) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory has no way to fail.
    let _ = writer.write_byte_record(record);
    writer.into_inner().unwrap_or_default()
}
