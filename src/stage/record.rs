//! Fixed-width records of the survey: hashes, places and decisions, big endian so that byte order is their order.
//! Never a value of the customer.

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

/// Writes numbers one after the other.
struct Put<const N: usize>([u8; N], usize);

impl<const N: usize> Put<N> {
    fn new() -> Self {
        Self([0; N], 0)
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0[self.1..self.1 + bytes.len()].copy_from_slice(bytes);
        self.1 += bytes.len();
        self
    }

    fn done(self) -> [u8; N] {
        debug_assert_eq!(self.1, N);
        self.0
    }
}

/// Reads them back. Records come from our own sorter and have their full width.
struct Take<'a>(&'a [u8]);

impl Take<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        let mut bytes = [0; N];
        bytes[..head.len()].copy_from_slice(head);
        bytes
    }

    fn u8(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.bytes())
    }

    fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.bytes())
    }

    fn u128(&mut self) -> u128 {
        u128::from_be_bytes(self.bytes())
    }

    fn id(&mut self) -> Option<RecordId> {
        RecordId::from_bytes(self.bytes())
    }
}

fn id_bytes(id: Option<RecordId>) -> [u8; 15] {
    id.map_or([0; 15], |id| *id.bytes())
}

/// A row that takes part, by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRecord {
    /// Its key.
    pub key: KeyHash,
    /// Where it stands.
    pub pos: RowPos,
    /// Hash of what is sent on update.
    pub payload: u128,
    /// Hash of what is sent on create alone; 0 when there is nothing.
    pub create: u64,
    /// Its line.
    pub line: u32,
    /// References that have a value, a bit each.
    pub filled: u64,
    /// Hash of what its chains come to where their first link is not there; 0 when there is nothing.
    pub further: u64,
}

impl RowRecord {
    /// Bytes.
    pub const WIDTH: usize = 68;

    /// To bytes, the key first.
    pub fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.key.to_be_bytes())
            .bytes(&self.pos.to_be_bytes())
            .bytes(&self.payload.to_be_bytes())
            .bytes(&self.create.to_be_bytes())
            .bytes(&self.line.to_be_bytes())
            .bytes(&self.filled.to_be_bytes())
            .bytes(&self.further.to_be_bytes())
            .done()
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        let (key, pos, payload, create) = (t.u128(), t.u64(), t.u128(), t.u64());
        Self { key, pos, payload, create, line: t.u32(), filled: t.u64(), further: t.u64() }
    }
}

/// A reference that has a value, by the parent's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RefRecord {
    /// The parent's key.
    pub parent: KeyHash,
    /// The row; `u64::MAX` when it is the fallback of the reference itself.
    pub pos: RowPos,
    /// The reference.
    pub reference: u8,
    /// The row's own key.
    pub child: KeyHash,
    /// The row's line.
    pub line: u32,
}

impl RefRecord {
    /// Bytes.
    pub(super) const WIDTH: usize = 45;

    /// To bytes, the parent first.
    pub(super) fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.parent.to_be_bytes())
            .bytes(&self.pos.to_be_bytes())
            .bytes(&[self.reference])
            .bytes(&self.child.to_be_bytes())
            .bytes(&self.line.to_be_bytes())
            .done()
    }

    /// From bytes.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        Self { parent: t.u128(), pos: t.u64(), reference: t.u8(), child: t.u128(), line: t.u32() }
    }
}

/// A reference whose parent is not there, by the row's key and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingRecord {
    /// The row's key.
    pub child: KeyHash,
    /// The row.
    pub pos: RowPos,
    /// The reference.
    pub reference: u8,
    /// Whether the parent would be of the row's own object.
    pub own: bool,
    /// Whether the parent stands in a load of the same object that goes after this one.
    pub later: bool,
    /// Whether the same manifest deletes the parent.
    pub going: bool,
    /// The parent's key.
    pub parent: KeyHash,
    /// The row's line.
    pub line: u32,
}

impl MissingRecord {
    /// Bytes.
    pub const WIDTH: usize = 46;

    /// To bytes, the row's key first.
    pub fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.child.to_be_bytes())
            .bytes(&self.pos.to_be_bytes())
            .bytes(&[self.reference, self.bits()])
            .bytes(&self.parent.to_be_bytes())
            .bytes(&self.line.to_be_bytes())
            .done()
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        let (child, pos, reference, bits) = (t.u128(), t.u64(), t.u8(), t.u8());
        Self {
            child,
            pos,
            reference,
            own: bits & 1 != 0,
            later: bits & 2 != 0,
            going: bits & 4 != 0,
            parent: t.u128(),
            line: t.u32(),
        }
    }

    fn bits(&self) -> u8 {
        u8::from(self.own) | u8::from(self.later) << 1 | u8::from(self.going) << 2
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
    pub level: u8,
    /// See [`action`].
    pub action: u8,
    /// Whether it failed when it was last sent.
    pub retry: bool,
    /// References left for the second pass, a bit each.
    pub deferred: u64,
    /// Its record, where the org has it.
    pub id: Option<RecordId>,
    /// What the ledger knows of its last sending.
    pub past: Past,
    /// The row.
    pub row: RowRecord,
}

impl Decision {
    /// Bytes.
    pub const WIDTH: usize = 8 + 3 + 8 + 15 + Past::WIDTH + RowRecord::WIDTH;

    /// To bytes, the place first.
    pub fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.pos.to_be_bytes())
            .bytes(&[self.level, self.action, u8::from(self.retry)])
            .bytes(&self.deferred.to_be_bytes())
            .bytes(&id_bytes(self.id))
            .bytes(&self.past.encode())
            .bytes(&self.row.encode())
            .done()
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        let (pos, level, action, retry) = (t.u64(), t.u8(), t.u8(), t.u8() == 1);
        let (deferred, id, past) = (t.u64(), t.id(), Past::decode(&mut t));
        Self { pos, level, action, retry, deferred, id, past, row: RowRecord::decode(t.0) }
    }
}

/// A row of a part, by key: what its outcome will mean to the ledger and to the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexRecord {
    /// Its key.
    pub key: KeyHash,
    /// Hash of what was sent.
    pub payload: u128,
    /// Hash of what was sent on create alone.
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

    #[test]
    fn records_come_back_as_they_were() {
        let row = RowRecord { key: 1 << 100, pos: 7, payload: 9, create: 3, line: 12, filled: 5, further: 8 };
        assert_eq!(RowRecord::decode(&row.encode()), row);
        let id = RecordId::parse("0018c00002DJIpJ").ok();
        let past = Past { ours: true, run: 9, outcome: 5 };
        let decision = Decision { pos: 7, level: 2, action: 1, retry: true, deferred: 8, id, past, row };
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
        let missing = MissingRecord {
            child: 1,
            pos: 2,
            reference: 3,
            own: true,
            later: true,
            going: true,
            parent: 4,
            line: 5,
        };
        assert_eq!(MissingRecord::decode(&missing.encode()), missing);
        let reference = RefRecord { parent: 1, pos: u64::MAX, reference: 3, child: 4, line: 5 };
        assert_eq!(RefRecord::decode(&reference.encode()), reference);
    }
}
