//! Hashes over what a row comes to: fields by name, references by their parent's key, blanks left out, so that the
//! order of fields in the manifest and a new field without values change nothing.

use super::shape::Shape;
use crate::transform::{CellOut, Only, RowOut};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The payload hash (fields sent on update) and the create hash (fields of describe's create-only kind; 0 when the
/// row has none of them).
pub(super) fn hashes(shape: &Shape, row: &RowOut, scratch: &mut Vec<u8>) -> (u128, u64) {
    scratch.clear();
    fields(shape, row, scratch, |rule| !rule.create_only && rule.only != Only::Create);
    let payload = xxh3_128(scratch);
    scratch.clear();
    fields(shape, row, scratch, |rule| rule.create_only && rule.only != Only::Create);
    let create = if scratch.is_empty() { 0 } else { xxh3_64(scratch).max(1) };
    (payload, create)
}

/// References of a row that go without their own parent, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Instead {
    /// Those left blank.
    pub blank: u64,
    /// Those that point to their fallback.
    pub fallback: u64,
}

/// The payload hash of a row some of whose references go without their own parent: it must differ from that of the
/// whole row, so that the row goes again when the parent has landed.
pub(super) fn altered(payload: u128, instead: Instead) -> u128 {
    if instead == Instead::default() {
        return payload;
    }
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&payload.to_be_bytes());
    bytes[16..24].copy_from_slice(&instead.blank.to_be_bytes());
    bytes[24..].copy_from_slice(&instead.fallback.to_be_bytes());
    xxh3_128(&bytes)
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
        }
    }
}

fn field(out: &mut Vec<u8>, name: &str, kind: u8, value: &[u8]) {
    out.extend_from_slice(&(name.len() as u32).to_be_bytes());
    out.extend_from_slice(name.as_bytes());
    out.push(kind);
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}
