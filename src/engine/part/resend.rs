//! Rows refused in passing (a lock, a job that ended half-way) go again: in parts of their own, smaller, one after
//! the other, with growing waits, a bounded number of times (spec, Rows).

use super::desk::Desk;
use super::payload::payload_rows;
use crate::checkpoint::{Event, NamedFile, Part, PartKey};
use crate::engine::context::EngineError;
use crate::model::KeyHash;
use crate::plan::Api;
use crate::stage::IndexRecord;
use std::collections::BTreeSet;

/// How often the rows of a part go again before they count as failed.
pub(super) const MOST_ATTEMPTS: u32 = 5;
/// Rows of a part that goes again: fewer than in the first attempt, so that locks meet more rarely.
const ROWS: usize = 2_000;

/// Writes the rows with these keys of a part to parts of their own, durable, in the part's order (sorted by the
/// parent that they lock), as this attempt. Gives the parts with the events that announce them.
///
/// # Errors
/// The disk's own.
pub(super) fn parts_again(
    desk: &Desk<'_, '_>,
    key: PartKey,
    part: &Part,
    again: &[KeyHash],
    attempt: u32,
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
        events.push((new, event(&Part { attempt, ..part.clone() }, new, rows.len(), file, index)));
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
        assign: part.assign.clone(),
        attempt: part.attempt,
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
