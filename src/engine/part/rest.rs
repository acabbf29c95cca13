//! One part's way through the org by REST calls of up to 200 records that answer at once. The intent is in the journal
//! before the first call, the outcomes are when the part settles. In between nothing is known of the part, and all its
//! calls may go again: only what may be repeated goes this way.
//!
//! Answers carry no key: they stand in the order of the records. A row is known by what was put into its call.

use super::bulk::TERRITORIES;
use super::desk::{Desk, interrupted};
use super::fate::Fate;
use super::fates::{Collected, is_doubtful};
use super::json_record::{Column, columns, record};
use super::payload::cell_of;
use crate::checkpoint::{Event, Part, PartKey};
use crate::engine::context::EngineError;
use crate::engine::state::read_named;
use crate::model::RecordId;
use crate::ports::Files;
use crate::salesforce::{Assign, COLLECTION_ROWS, OrgError, Record, RowError, Saved};

/// Bytes of a payload that go in one call.
// Unconfirmed(call-bytes): how large a call may be; choice: well below the 50 MB that are told of REST bodies.
const CALL_BYTES: usize = 4 << 20;

impl Desk<'_, '_> {
    /// Takes a staged part to the org and back.
    pub(in crate::engine) async fn send_calls(&self, key: PartKey) -> Result<Collected, EngineError> {
        self.note(Event::CallsIntent { part: key })?;
        self.calls(key, false).await
    }

    /// Makes all calls of a part. `again`: some may have been made before.
    pub(in crate::engine) async fn calls(&self, key: PartKey, again: bool) -> Result<Collected, EngineError> {
        let part = self.part(key)?;
        let payload = Payload::read(self.ports.files, &part)?;
        let columns = columns(self.schema.object(&part.object), &payload.header);
        let mut collected = Collected::new(self.index(&part)?, "Answered", None)?;
        for rows in payload.calls() {
            if self.stopping() {
                return Err(interrupted());
            }
            let answers = match self.call(&part, &columns, rows).await {
                Err(error) if error.is_maintenance() => return Err(error.into()),
                Err(OrgError::Api { status: 400, code, message }) => refused(rows.len(), &code, &message),
                answers => answers?,
            };
            for (row, saved) in rows.iter().zip(answers) {
                let saved = Saved { repeated: saved.repeated || again, ..saved };
                take(&mut collected, &part, &cell_of(&payload.header, row), saved)?;
            }
        }
        collected.was_over(self.client.time_there());
        self.doubt_ids(&part, &mut collected).await?;
        if part.deletes() {
            self.ask_deleted(&part, &mut collected).await?;
        }
        Ok(collected)
    }

    /// A part whose calls may have been made and must not be made again. What the org can tell is asked for: deleted
    /// records, and those that have the key of a new row. The values of its rows are not known any more.
    pub(in crate::engine) async fn give_up_calls(&self, key: PartKey) -> Result<Collected, EngineError> {
        let part = self.part(key)?;
        let mut collected = Collected::new(self.index(&part)?, "Unknown", None)?;
        match part.operation.as_str() {
            "upsert" => {
                for (key, id) in self.unknown_by_key(&part, &collected).await? {
                    collected.adopt(key, id);
                }
            }
            _ if part.deletes() => self.ask_deleted(&part, &mut collected).await?,
            _ => {}
        }
        collected.fail_unknown();
        Ok(collected)
    }

    async fn call(
        &self,
        part: &Part,
        columns: &[Column<'_>],
        rows: &[csv::StringRecord],
    ) -> Result<Vec<Saved>, OrgError> {
        let records = || rows.iter().map(|row| record(columns, row)).collect::<Vec<Record<'_>>>();
        let assign = match part.assign.as_deref() {
            None => Assign::Off,
            Some(TERRITORIES) => Assign::Territories,
            Some(rule) => Assign::Rule(rule),
        };
        match part.operation.as_str() {
            "upsert" => self.client.upsert_records(&part.object, &part.key, &records(), assign).await,
            "update" => self.client.update_records(&part.object, &records(), assign).await,
            "delete" => {
                let ids = rows.iter().map(|row| row.get(0).and_then(|id| RecordId::parse(id).ok()));
                let ids: Option<Vec<RecordId>> = ids.collect();
                let ids = ids.ok_or_else(|| OrgError::Protocol("a record to delete has no Id".into()))?;
                self.client.delete_records(&ids).await
            }
            // An insert that goes twice makes two records.
            other => Err(OrgError::Protocol(format!("`{other}` does not go by REST calls"))),
        }
    }
}

/// The rows of a part.
struct Payload {
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
}

impl Payload {
    fn read(files: &dyn Files, part: &Part) -> Result<Self, EngineError> {
        let bytes = read_named(files, &part.file)?;
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let header = reader.headers().map_err(std::io::Error::other)?.clone();
        let rows = reader.records().collect::<Result<_, _>>().map_err(std::io::Error::other)?;
        Ok(Self { header, rows })
    }

    /// The rows of each call.
    fn calls(&self) -> Vec<&[csv::StringRecord]> {
        let (mut calls, mut from, mut bytes) = (Vec::new(), 0, 0);
        for (at, row) in self.rows.iter().enumerate() {
            let size = row.as_slice().len();
            if at > from && (at - from == COLLECTION_ROWS || bytes + size > CALL_BYTES) {
                calls.push(&self.rows[from..at]);
                (from, bytes) = (at, 0);
            }
            bytes += size;
        }
        calls.extend((from < self.rows.len()).then(|| &self.rows[from..]));
        calls
    }
}

/// A call that the org refused as a whole, most likely because of one value that it cannot read: nothing was done. Its
/// rows go again by a job, which answers for each of them.
fn refused(rows: usize, code: &str, message: &str) -> Vec<Saved> {
    let error =
        RowError { code: CALL_REFUSED.into(), message: format!("{code}: {message}"), fields: Vec::new() };
    let one = Saved { id: None, created: None, errors: vec![error], repeated: false };
    vec![one; rows]
}

/// Our own code for the rows of such a call; it is in no report, because these rows go again.
const CALL_REFUSED: &str = "CALL_REFUSED";

/// Gives a row the fate that the answer in its place tells.
fn take(
    collected: &mut Collected,
    part: &Part,
    get: &impl Fn(&str) -> Option<String>,
    saved: Saved,
) -> Result<(), EngineError> {
    let (at, sent) = collected
        .place_of(get)
        .ok_or_else(|| EngineError::Unexpected("a row of a part is not in its index".into()))?;
    let repeated = saved.repeated;
    let Some(fate) = fate(collected, at, saved, sent) else { return Ok(()) };
    // What an earlier arrival of the call deleted is told from what was gone before by nobody but us: it is asked for.
    let unknown = part.deletes() && repeated && is_doubtful(Some(&fate));
    let passes = matches!(fate, Fate::Landed { created: false, .. } | Fate::Failed { passing: true, .. });
    if repeated && passes {
        collected.doubt(at);
    }
    collected.set(at, (!unknown).then_some(fate));
    Ok(())
}

/// What an answer makes of a row; `None` when it cannot be true.
fn fate(collected: &mut Collected, at: usize, saved: Saved, sent: Option<RecordId>) -> Option<Fate> {
    // An answer that names another record than the one sent is not this row's, whatever it says.
    if sent.is_some_and(|sent| saved.id.is_some_and(|told| told != sent)) {
        collected.set_one_aside(None);
        return None;
    }
    let Some(first) = saved.errors.first() else {
        return collected.landed(at, None, saved.id.or(sent), saved.created.unwrap_or(false));
    };
    let (code, text) = (first.code.clone(), saved.errors.iter().map(RowError::to_string).collect::<Vec<_>>());
    let text = text.join(" ");
    if saved.errors.iter().all(|e| collected.waits(e)) {
        return Some(Fate::Held { code, text });
    }
    let again = |e: &RowError| collected.passes(e) || e.code == CALL_REFUSED;
    let passing = saved.errors.iter().all(again);
    let id = saved.id.or(sent).map(|id| id.to_string()).unwrap_or_default();
    Some(Fate::Failed { id, code, text, passing })
}

#[cfg(test)]
mod tests {
    use super::{COLLECTION_ROWS, Payload};

    #[test]
    fn a_call_holds_so_many_rows_and_bytes() {
        let row = |size: usize| csv::StringRecord::from(vec!["x".repeat(size)]);
        let of = |rows: Vec<csv::StringRecord>| {
            let payload = Payload { header: row(1), rows };
            payload.calls().iter().map(|c| c.len()).collect::<Vec<_>>()
        };
        assert_eq!(of(vec![row(9); 2 * COLLECTION_ROWS + 1]), [COLLECTION_ROWS, COLLECTION_ROWS, 1]);
        assert_eq!(of(vec![row(9); COLLECTION_ROWS]), [COLLECTION_ROWS]);
        assert_eq!(of(vec![row(3 << 20), row(1 << 20), row(1), row(9 << 20), row(1)]), [2, 1, 1, 1]);
        assert!(of(vec![]).is_empty());
    }
}
