//! Hashes over what a row comes to: fields by name, references by their parent's key, blanks left out, so that the
//! order of fields in the manifest and a new field without values change nothing.

use super::record::RowRecord;
use super::shape::{Chain, Shape};
use crate::transform::{CellOut, Link, OnMissing, Only, RowOut};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// What a row's values hash to.
pub(super) struct Hashes {
    /// Of the fields sent on update, of each chain its first link.
    pub(super) payload: u128,
    /// Of the fields of describe's create-only kind; 0 when the row has none of them.
    pub(super) create: u64,
    /// Of the further links of its chains; 0 when there are none.
    pub(super) further: u64,
}

/// The hashes of a row.
pub(super) fn hashes(shape: &Shape, row: &RowOut, scratch: &mut Vec<u8>) -> Hashes {
    scratch.clear();
    fields(shape, row, scratch, |rule| !rule.create_only && rule.only != Only::Create);
    let payload = xxh3_128(scratch);
    scratch.clear();
    shape.chains.iter().for_each(|chain| links(shape, row, chain.rule, 1, scratch));
    let further = if scratch.is_empty() { 0 } else { xxh3_64(scratch) };
    scratch.clear();
    fields(shape, row, scratch, |rule| rule.create_only && rule.only != Only::Create);
    let create = if scratch.is_empty() { 0 } else { xxh3_64(scratch).max(1) };
    Hashes { payload, create, further }
}

/// References of a row that go without their own parent, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Instead {
    /// Those left blank.
    pub blank: u64,
    /// Those that point to their fallback.
    pub fallback: u64,
    /// Links of a chain that are passed over, because a later one is there.
    pub passed: u64,
}

impl Instead {
    /// Goes along each chain of a row to the first link that is there: those before it have been noted as passed.
    ///
    /// # Errors
    /// Where none is there and the row cannot go: what it does then, and the reference.
    pub(super) fn choose(&mut self, chains: &[Chain], filled: u64) -> Result<(), (OnMissing, u8)> {
        for chain in chains {
            let links = filled & chain.all;
            let there = links & !self.passed;
            let first = there & there.wrapping_neg();
            if first != 0 {
                // What stands behind it matters no more.
                self.passed &= !links | (first - 1);
                self.fallback |= first & chain.fallbacks;
            } else if links != 0 && chain.on_missing == OnMissing::Blank {
                self.passed &= !links;
                self.blank |= links;
            } else if links != 0 {
                return Err((chain.on_missing, links.trailing_zeros() as u8));
            }
        }
        Ok(())
    }
}

/// The payload hash of a row some of whose references go without their own parent: it must differ from that of the
/// whole row, so that the row goes again when the parent has landed. The further links of a chain count once its first
/// is passed over.
pub(super) fn altered(row: &RowRecord, instead: Instead) -> u128 {
    if instead == Instead::default() {
        return row.payload;
    }
    let mut bytes = [0; 48];
    bytes[..16].copy_from_slice(&row.payload.to_be_bytes());
    bytes[16..24].copy_from_slice(&instead.blank.to_be_bytes());
    bytes[24..32].copy_from_slice(&instead.fallback.to_be_bytes());
    bytes[32..40].copy_from_slice(&instead.passed.to_be_bytes());
    bytes[40..].copy_from_slice(&row.further.to_be_bytes());
    xxh3_128(if instead.passed == 0 { &bytes[..32] } else { &bytes })
}

fn fields(shape: &Shape, row: &RowOut, out: &mut Vec<u8>, takes: impl Fn(&super::shape::RuleShape) -> bool) {
    for (index, (rule, cell)) in shape.rules.iter().zip(&row.cells).enumerate() {
        if !takes(rule) {
            continue;
        }
        match cell {
            CellOut::Absent => {}
            CellOut::Clear => field(out, &rule.field, 1, &[]),
            CellOut::Text(range) => field(out, &rule.field, 2, row.text[range.clone()].as_bytes()),
            CellOut::Ref { target, key } => {
                let form = shape.reference_of(index).map(|r| shape.references[r].targets[*target]);
                let hash = form.and_then(|(_, form)| form.hash(&row.text[key.clone()])).unwrap_or(0);
                field(out, &rule.field, 3 + *target as u8, &hash.to_be_bytes());
            }
            CellOut::Chain(_) => links(shape, row, index, 0, out),
        }
    }
}

/// Links of a chain: its first (`from` 0), hashed as if it were all of the field, or those after it (1).
fn links(shape: &Shape, row: &RowOut, rule: usize, from: usize, out: &mut Vec<u8>) {
    let Some(cell @ CellOut::Chain(links)) = row.cells.get(rule) else { return };
    let take = |nth: &usize| (from == 0) == (*nth == 0);
    let (name, mut nth, mut before) = (&shape.rules[rule].field, 0, 3);
    for reference in shape.references.iter().filter(|r| r.rule == rule) {
        if let Some((target, key)) = reference.key_in(cell)
            && let Some(hash) = reference.targets[target].1.hash(&row.text[key.clone()])
        {
            if take(&nth) {
                field(out, name, before + target as u8, &hash.to_be_bytes());
            }
            nth += 1;
        }
        before = before.saturating_add(reference.targets.len() as u8);
    }
    if let Some(Link::Text(text)) = links.last().filter(|_| take(&nth)) {
        field(out, name, 2, row.text[text.clone()].as_bytes());
    }
}

fn field(out: &mut Vec<u8>, name: &str, kind: u8, value: &[u8]) {
    out.extend_from_slice(&(name.len() as u32).to_be_bytes());
    out.extend_from_slice(name.as_bytes());
    out.push(kind);
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}
