//! Fixed-width records of the survey: hashes and places, big endian so that byte order is their order. Never a value of
//! the customer.

use super::sums::{Once, Sums};
use crate::model::{KeyHash, RecordId};
use crate::source::RowPos;

/// Writes numbers one after the other.
pub(super) struct Put<const N: usize>([u8; N], usize);

impl<const N: usize> Put<N> {
    pub(super) fn new() -> Self {
        Self([0; N], 0)
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0[self.1..self.1 + bytes.len()].copy_from_slice(bytes);
        self.1 += bytes.len();
        self
    }

    pub(super) fn done(self) -> [u8; N] {
        debug_assert_eq!(self.1, N);
        self.0
    }
}

/// Reads them back. Records come from our own sorter and have their full width.
pub(super) struct Take<'a>(pub(super) &'a [u8]);

impl Take<'_> {
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        let mut bytes = [0; N];
        bytes[..head.len()].copy_from_slice(head);
        bytes
    }

    pub(super) fn u8(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.bytes())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.bytes())
    }

    pub(super) fn u128(&mut self) -> u128 {
        u128::from_be_bytes(self.bytes())
    }

    pub(super) fn id(&mut self) -> Option<RecordId> {
        RecordId::from_bytes(self.bytes())
    }
}

pub(super) fn id_bytes(id: Option<RecordId>) -> [u8; 15] {
    id.map_or([0; 15], |id| *id.bytes())
}

/// A row that takes part, by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowRecord {
    /// Its key.
    pub key: KeyHash,
    /// Where it stands.
    pub pos: RowPos,
    /// Hashes of what is sent of it, each reference pointing to its own parent, and without its chains.
    pub sums: Sums,
    /// By which it is known when it is read again.
    pub mark: u64,
    /// Its line.
    pub line: u32,
    /// References that have a value, a bit each.
    pub filled: u64,
}

impl RowRecord {
    /// Bytes.
    pub const WIDTH: usize = 44 + SUMS;

    /// To bytes, the key first, then the place.
    pub fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.key.to_be_bytes())
            .bytes(&self.pos.to_be_bytes())
            .bytes(&self.sums.encode())
            .bytes(&self.mark.to_be_bytes())
            .bytes(&self.line.to_be_bytes())
            .bytes(&self.filled.to_be_bytes())
            .done()
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        let (key, pos, sums) = (t.u128(), t.u64(), Sums::decode(&mut t));
        Self { key, pos, sums, mark: t.u64(), line: t.u32(), filled: t.u64() }
    }
}

/// Bytes of a row's hashes.
const SUMS: usize = 51;

impl Sums {
    fn encode(self) -> [u8; SUMS] {
        Put::new()
            .bytes(&self.payload.to_be_bytes())
            .bytes(&self.late.to_be_bytes())
            .bytes(&self.create.value.to_be_bytes())
            .bytes(&self.kept.value.to_be_bytes())
            .bytes(&[self.create.names, self.kept.names, self.clears])
            .done()
    }

    fn decode(t: &mut Take<'_>) -> Self {
        let (payload, late, create, kept) = (t.u128(), t.u128(), t.u64(), t.u64());
        let once = |value, names| Once { value, names };
        Self { payload, late, create: once(create, t.u8()), kept: once(kept, t.u8()), clears: t.u8() }
    }
}

/// A row with a key that does not take part, by key: it is rejected, or waits for a record that it looks up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RefusedRecord {
    /// Its key.
    pub key: KeyHash,
    /// Where it stands.
    pub pos: RowPos,
    /// Its line.
    pub line: u32,
}

impl RefusedRecord {
    /// Bytes.
    pub(super) const WIDTH: usize = 28;

    /// To bytes, the key first, then the place.
    pub(super) fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.key.to_be_bytes())
            .bytes(&self.pos.to_be_bytes())
            .bytes(&self.line.to_be_bytes())
            .done()
    }

    /// From bytes.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        Self { key: t.u128(), pos: t.u64(), line: t.u32() }
    }
}

/// A link of a row's chain, by the row's key and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LinkRecord {
    /// The row's key.
    pub key: KeyHash,
    /// The row.
    pub pos: RowPos,
    /// The reference.
    pub reference: u8,
    /// What it adds to the row's hash if it counts.
    pub part: u128,
}

impl LinkRecord {
    /// Bytes.
    pub(super) const WIDTH: usize = 41;

    /// To bytes, the key first, then the place.
    pub(super) fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.key.to_be_bytes())
            .bytes(&self.pos.to_be_bytes())
            .bytes(&[self.reference])
            .bytes(&self.part.to_be_bytes())
            .done()
    }

    /// From bytes.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let mut t = Take(bytes);
        Self { key: t.u128(), pos: t.u64(), reference: t.u8(), part: t.u128() }
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
    /// The parent's object.
    pub object: u16,
    /// The parent's key.
    pub parent: KeyHash,
    /// The row's line.
    pub line: u32,
}

impl MissingRecord {
    /// Bytes.
    pub const WIDTH: usize = 48;

    /// To bytes, the row's key first.
    pub fn encode(&self) -> [u8; Self::WIDTH] {
        Put::new()
            .bytes(&self.child.to_be_bytes())
            .bytes(&self.pos.to_be_bytes())
            .bytes(&[self.reference, self.bits()])
            .bytes(&self.object.to_be_bytes())
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
            object: t.u16(),
            parent: t.u128(),
            line: t.u32(),
        }
    }

    fn bits(&self) -> u8 {
        u8::from(self.own) | u8::from(self.later) << 1 | u8::from(self.going) << 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were() {
        let once = |value, names| Once { value, names };
        let sums = Sums { payload: 9, late: 2, create: once(3, 8), kept: once(4, 9), clears: 1 };
        let row = RowRecord { key: 1 << 100, pos: 7, sums, mark: 6, line: 12, filled: 5 };
        assert_eq!(RowRecord::decode(&row.encode()), row);
        let refused = RefusedRecord { key: 1 << 90, pos: 7, line: 12 };
        assert_eq!(RefusedRecord::decode(&refused.encode()), refused);
        let link = LinkRecord { key: 1 << 90, pos: 7, reference: 3, part: 1 << 80 };
        assert_eq!(LinkRecord::decode(&link.encode()), link);
        let missing = MissingRecord {
            child: 1,
            pos: 2,
            reference: 3,
            own: true,
            later: true,
            going: true,
            object: 7,
            parent: 4,
            line: 5,
        };
        assert_eq!(MissingRecord::decode(&missing.encode()), missing);
        let reference = RefRecord { parent: 1, pos: u64::MAX, reference: 3, child: 4, line: 5 };
        assert_eq!(RefRecord::decode(&reference.encode()), reference);
    }
}
