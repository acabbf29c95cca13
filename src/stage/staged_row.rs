//! A row on its way into a part: what sorters hold of it, fixed width, behind the keys that they sort by.

use super::decision::{Decision, PutOff};
use super::hash::Instead;

/// A row with its part: what the sorter by lane and the sorter by place hold behind their keys.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) decision: Decision,
    pub(super) instead: Instead,
}

pub(super) const ROW: usize = Decision::WIDTH + 24;

impl Row {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.decision.encode());
        let Instead { blank, fallback, passed } = self.instead;
        [blank, fallback, passed].iter().for_each(|set| out.extend_from_slice(&set.to_be_bytes()));
    }

    /// Its references as its hash counts them: those that are filled later as they will be.
    pub(super) fn hashed(&self) -> Instead {
        let PutOff { fill, fallback, .. } = self.decision.put_off;
        let Instead { blank, fallback: stands_in, passed } = self.instead;
        Instead { blank: blank & !fill, fallback: stands_in | fallback, passed }
    }

    pub(super) fn decode(bytes: &[u8]) -> Self {
        let (decision, rest) = bytes.split_at(Decision::WIDTH);
        let instead = Instead { blank: be64(rest), fallback: be64(&rest[8..]), passed: be64(&rest[16..]) };
        Self { decision: Decision::decode(decision), instead }
    }
}

/// What a part is, before its rows are written.
pub(super) struct Kind {
    pub(super) action: u8,
    pub(super) after_previous: bool,
}

/// Bytes of a lane's key: lane, locked parent, place.
pub(super) const LANE: usize = 1 + 16 + 8;

/// Bytes of an assigned row: place, part, rank, row.
pub(super) const ASSIGNED: usize = 8 + 4 + 4 + ROW;

/// A row with its part and its rank there.
#[derive(Clone, Copy)]
pub(super) struct Assigned {
    pub(super) part: u32,
    pub(super) rank: u32,
    pub(super) row: Row,
}

impl Assigned {
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self { part: number(8), rank: number(12), row: Row::decode(&bytes[16..]) }
    }
}

pub(super) fn be64(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[..8]);
    u64::from_be_bytes(number)
}

pub(super) fn bits(set: u64) -> impl Iterator<Item = u8> {
    (0..64_u8).filter(move |i| set & (1 << i) != 0)
}
