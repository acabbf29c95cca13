//! What is decided of a row, and what its outcome will mean: records of fixed width, big endian. Never a value of the
//! customer.

use super::record::{Put, RowRecord, Take, id_bytes};
use crate::model::{KeyHash, RecordId};
use crate::source::RowPos;

/// What a row to send will do; the numbers are stored.
pub mod action {
    /// Create a record.
    pub const CREATE: u8 = 1;
    /// Update a record that the org has.
    pub const UPDATE: u8 = 2;
    /// Fill deferred references of a record.
    pub const REFERENCES: u8 = 3;
    /// Delete a record.
    pub const DELETE: u8 = 4;
}

/// Why a row is left out by a decision; the numbers are stored.
pub mod reason {
    /// Its key stands in another row.
    pub const DUPLICATE: u8 = 1;
    /// Its parent is nowhere, and the reference says to hold it.
    pub const HELD: u8 = 2;
    /// Its parent is nowhere, and the reference says to reject it.
    pub const NO_PARENT: u8 = 3;
    /// A field changed that the org takes on create alone.
    pub const CREATE_ONLY: u8 = 4;
    /// Rows point at each other by a reference that cannot be filled later.
    pub const LOOP: u8 = 5;
    /// The org has no record of its key, and the load creates none.
    pub const NO_RECORD: u8 = 6;
    /// Several records of the org have its key.
    pub const AMBIGUOUS: u8 = 7;
    /// Its parent is deleted by the same manifest, and the reference says to hold it.
    pub const HELD_GOING: u8 = 8;
    /// Its parent is deleted by the same manifest, and the reference says to reject it.
    pub const GOING: u8 = 9;

    /// Its key leads to the record of another row's key.
    pub const TWICE: u8 = 10;
    /// It has landed, and a reference of it still waits for its parent.
    pub const PENDING: u8 = 11;
    /// It goes, or is there; a value of it that is sent on create alone is another than its record was created with.
    pub const STAYS: u8 = 12;

    /// The reason of a row held or rejected for its parent, which is nowhere or about to go.
    pub(in crate::stage) fn without_parent(says: crate::transform::OnMissing, going: bool) -> u8 {
        match (says, going) {
            (crate::transform::OnMissing::Reject, true) => GOING,
            (crate::transform::OnMissing::Reject, false) => NO_PARENT,
            (_, true) => HELD_GOING,
            (_, false) => HELD,
        }
    }
}

/// A row that a decision leaves out, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftRecord {
    /// Where it stands.
    pub pos: RowPos,
    /// See [`reason`].
    pub reason: u8,
    /// The reference, where one is the reason.
    pub reference: u8,
    /// Its line.
    pub line: u32,
}

impl LeftRecord {
    /// Bytes.
    pub const WIDTH: usize = 14;

    /// To bytes, the place first.
    pub fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.pos.to_be_bytes())
            .bytes(&[self.reason, self.reference])
            .bytes(&self.line.to_be_bytes())
            .done()
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        Self { pos: t.u64(), reason: t.u8(), reference: t.u8(), line: t.u32() }
    }
}

/// What the ledger knows of a row's last sending, carried along so that its next entry can keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Past {
    /// Whether we created the record.
    pub ours: bool,
    /// The run.
    pub run: u32,
    /// The outcome's number; 255 for none.
    pub outcome: u8,
}

impl Past {
    const WIDTH: usize = 6;

    fn encode(self) -> [u8; Self::WIDTH] {
        Put::new().bytes(&[u8::from(self.ours)]).bytes(&self.run.to_be_bytes()).bytes(&[self.outcome]).done()
    }

    fn decode(t: &mut Take<'_>) -> Self {
        Self { ours: t.u8() == 1, run: t.u32(), outcome: t.u8() }
    }
}

/// A row to send, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Where it stands.
    pub pos: RowPos,
    /// Level of its hierarchy.
    pub level: u16,
    /// See [`action`].
    pub action: u8,
    /// Whether it failed when it was last sent.
    pub retry: bool,
    /// References left for the second pass, and what is known of them.
    pub put_off: PutOff,
    /// Its record, where the org has it.
    pub id: Option<RecordId>,
    /// What the ledger knows of its last sending.
    pub past: Past,
    /// What the ledger knows its record to hold, as hashes: what is sent to records that are there, and on create.
    pub known: (u128, u64),
    /// The row.
    pub row: RowRecord,
}

/// References of a row that its first sending leaves out, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PutOff {
    /// To be filled by the second pass.
    pub fill: u64,
    /// Those of them that will point to their fallback, as far as is known.
    pub fallback: u64,
    /// Not to be filled: their parent is nowhere, and they stay blank.
    pub blank: u64,
}

impl Decision {
    /// Bytes.
    pub const WIDTH: usize = 8 + 4 + 24 + 15 + Past::WIDTH + 24 + RowRecord::WIDTH;

    /// What is to be done with a row, as far as the row alone tells.
    pub fn of(row: RowRecord) -> Self {
        Self {
            pos: row.pos,
            level: 0,
            action: 0,
            retry: false,
            put_off: PutOff::default(),
            id: None,
            past: Past::default(),
            known: (0, 0),
            row,
        }
    }

    /// To bytes, the place first.
    pub fn encode(&self) -> [u8; Self::WIDTH] {
        let PutOff { fill, fallback, blank } = self.put_off;
        Put::new()
            .bytes(&self.pos.to_be_bytes())
            .bytes(&self.level.to_be_bytes())
            .bytes(&[self.action, u8::from(self.retry)])
            .bytes(&fill.to_be_bytes())
            .bytes(&fallback.to_be_bytes())
            .bytes(&blank.to_be_bytes())
            .bytes(&id_bytes(self.id))
            .bytes(&self.past.encode())
            .bytes(&self.known.0.to_be_bytes())
            .bytes(&self.known.1.to_be_bytes())
            .bytes(&self.row.encode())
            .done()
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        let (pos, level, action, retry) = (t.u64(), t.u16(), t.u8(), t.u8() == 1);
        let put_off = PutOff { fill: t.u64(), fallback: t.u64(), blank: t.u64() };
        let (id, past) = (t.id(), Past::decode(&mut t));
        let known = (t.u128(), t.u64());
        Self { pos, level, action, retry, put_off, id, past, known, row: RowRecord::decode(t.0) }
    }
}

/// A row of a part, by key: what its outcome will mean to the ledger and to the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexRecord {
    /// Its key.
    pub key: KeyHash,
    /// Hash of what was sent.
    pub payload: u128,
    /// Hash of what was sent on create alone ([`crate::stage::Sums::on_create`]).
    pub create: u64,
    /// Its record, where the org had it.
    pub id: Option<RecordId>,
    /// See [`action`].
    pub action: u8,
    /// Whether references are left for the second pass.
    pub pending: bool,
    /// The source file.
    pub file: u16,
    /// The line.
    pub line: u32,
    /// What the ledger knew of its last sending.
    pub past: Past,
}

impl IndexRecord {
    /// Bytes.
    pub const WIDTH: usize = 63 + Past::WIDTH;

    /// To bytes, the key first.
    pub fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.key.to_be_bytes())
            .bytes(&self.payload.to_be_bytes())
            .bytes(&self.create.to_be_bytes())
            .bytes(&id_bytes(self.id))
            .bytes(&[self.action, u8::from(self.pending)])
            .bytes(&self.file.to_be_bytes())
            .bytes(&self.line.to_be_bytes())
            .bytes(&self.past.encode())
            .done()
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        let (key, payload, create, id) = (t.u128(), t.u128(), t.u64(), t.id());
        let (action, pending) = (t.u8(), t.u8() == 1);
        let (file, line) = (u16::from_be_bytes(t.bytes()), t.u32());
        Self { key, payload, create, id, action, pending, file, line, past: Past::decode(&mut t) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Sums;

    #[test]
    fn records_come_back_as_they_were() {
        let sums = Sums { payload: 9, late: 2, clears: 3, ..Sums::default() };
        let row = RowRecord { key: 1 << 100, pos: 7, sums, mark: 6, line: 12, filled: 5 };
        let id = RecordId::parse("0018c00002DJIpJ").ok();
        let past = Past { ours: true, run: 9, outcome: 5 };
        let put_off = PutOff { fill: 8, fallback: 4, blank: 2 };
        let (level, action, retry, known) = (300, 1, true, (11, 12));
        let decision = Decision { level, action, retry, put_off, id, past, known, ..Decision::of(row) };
        assert_eq!(Decision::decode(&decision.encode()), decision);
        let index = IndexRecord {
            key: 5,
            payload: 6,
            create: 7,
            id,
            action: 2,
            pending: true,
            file: 3,
            line: 99,
            past,
        };
        assert_eq!(IndexRecord::decode(&index.encode()), index);
        assert_eq!(IndexRecord::decode(&IndexRecord { id: None, ..index }.encode()).id, None);
    }
}
