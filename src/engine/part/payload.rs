//! The rows of a part as they were sent, read again from its file. Must not know what became of them.

use super::desk::Desk;
use crate::checkpoint::Part;
use crate::engine::context::EngineError;
use crate::engine::state::read_named;
use crate::model::{KeyForm, KeyHash, RecordId};
use crate::ports::Files;
use crate::stage::IndexRecord;
use std::collections::{BTreeMap, BTreeSet};

/// The header line of a part's payload, and those of its rows whose key is wanted.
pub(super) fn payload_rows(
    desk: &Desk<'_, '_>,
    part: &Part,
    wanted: &BTreeSet<KeyHash>,
) -> Result<(Vec<u8>, Vec<SentRow>), EngineError> {
    let bytes = read_named(desk.ports.files, &part.file)?;
    let index = read_named(desk.ports.files, &part.index)?;
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

/// A row of a payload as it was sent, with its index record.
type SentRow = (Vec<u8>, IndexRecord);

/// A record as a line of CSV with LF.
fn line(record: &csv::ByteRecord) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory has no way to fail.
    let _ = writer.write_byte_record(record);
    writer.into_inner().unwrap_or_default()
}

/// Calls `f` with the header and each row of a part's payload.
pub(super) fn each_payload_row(
    files: &dyn Files,
    part: &Part,
    mut f: impl FnMut(&csv::StringRecord, &csv::StringRecord) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let bytes = read_named(files, &part.file)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(std::io::Error::other)?.clone();
    for record in reader.records() {
        f(&header, &record.map_err(std::io::Error::other)?)?;
    }
    Ok(())
}

/// Bytes in which a header is looked for: one that is longer is read with all rows.
const HEADER: usize = 64 << 10;

/// Whether the payload of a part has a column.
///
/// # Errors
/// The disk's own.
pub(super) fn has_column(files: &dyn Files, part: &Part, column: &str) -> Result<bool, EngineError> {
    let mut bytes = vec![0; HEADER];
    let read = files.read_at(&part.file.path, 0, &mut bytes)?;
    let header = bytes[..read].split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(header.split(|byte| *byte == b',').any(|name| name.eq_ignore_ascii_case(column.as_bytes())))
}

pub(super) fn cell_of<'r>(
    header: &'r csv::StringRecord,
    record: &'r csv::StringRecord,
) -> impl Fn(&str) -> Option<String> + 'r {
    move |column| {
        let at = header.iter().position(|h| h.eq_ignore_ascii_case(column))?;
        record.get(at).map(str::to_owned)
    }
}
