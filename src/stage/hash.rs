//! Hashes over what is sent of a row, and over nothing else. Each field adds a part of its own to a sum: its name and its
//! value, and of a reference the object and the key of the record that it points to. So neither the order of fields nor a
//! field without a value changes anything, and what a reference comes to in the end is put in the place of what it was
//! at first without reading the row again.
//!
//! The rule has a number ([`crate::ledger::HASH_RULE`]): whoever changes it here gives it another, and keeps the old one
//! for the entries that were written by it.

use super::record::MissingRecord;
use super::shape::{Chain, RuleShape, Shape};
use super::sums::{Part, Sums};
use crate::manifest::Operation;
use crate::model::KeyHash;
use crate::transform::{CellOut, Link, OnMissing, RowOut};
use std::borrow::Cow;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

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

    /// The link of a chain that counts, if one does.
    pub(super) fn counts(&self, chain: &Chain, filled: u64) -> Option<u8> {
        let there = filled & chain.all & !self.passed & !self.blank;
        (there != 0).then(|| there.trailing_zeros() as u8)
    }
}

/// What the fields of a row come to that are no chains.
pub(super) fn fields(shape: &Shape, row: &RowOut, instead: Instead, scratch: &mut Vec<u8>) -> Sums {
    let mut sums = Sums::default();
    for (index, (rule, cell)) in shape.rules.iter().zip(&row.cells).enumerate() {
        // An update finds its record by the key, and does not send it.
        if index == shape.key_rule && shape.operation == Operation::Update {
            continue;
        }
        let part = match cell {
            CellOut::Absent | CellOut::Chain(_) => None,
            CellOut::Clear => Some(cleared(scratch, &rule.field)),
            CellOut::Text(range) => Some(Part::Value(text(scratch, &rule.field, &row.text[range.clone()]))),
            CellOut::Ref { target, key } => {
                pointer(shape, index, *target, &row.text[key.clone()], instead, scratch)
            }
        };
        part.into_iter().for_each(|part| add(&mut sums, rule, part));
    }
    sums
}

fn add(sums: &mut Sums, rule: &RuleShape, part: Part) {
    // Never 0: a field with a value must be told from one without.
    let name = xxh3_64(rule.field.as_bytes()) as u8 | 1;
    sums.add(rule.only, rule.create_only, name, part);
}

/// What a reference adds that stands alone.
fn pointer(
    shape: &Shape,
    rule: usize,
    target: usize,
    key: &str,
    instead: Instead,
    scratch: &mut Vec<u8>,
) -> Option<Part> {
    let index = shape.reference_of(rule)?;
    let (reference, bit) = (&shape.references[index], 1 << index);
    if instead.blank & bit != 0 {
        return reference.clears.then(|| cleared(scratch, &reference.field));
    }
    let (object, parent) = match instead.fallback & bit != 0 {
        true => reference.fallback_hash()?,
        false => {
            let (object, form) = reference.targets.get(target)?;
            (*object, form.hash(key)?)
        }
    };
    Some(Part::Value(points(scratch, &reference.field, shape.object_name(object), parent)))
}

/// A link of a chain that has a value: the reference, and what it adds if it counts.
pub(super) type LinkPart = (u8, u128);

/// The links of a row's chains.
pub(super) fn links(shape: &Shape, row: &RowOut, scratch: &mut Vec<u8>) -> Vec<LinkPart> {
    let mut found = Vec::new();
    for (index, reference) in shape.references.iter().enumerate() {
        let Some(cell @ CellOut::Chain(links)) = row.cells.get(reference.rule) else { continue };
        if let Some((target, key)) = reference.key_in(cell) {
            let target = reference.targets.get(target);
            let parent =
                target.and_then(|(object, form)| Some((*object, form.hash(&row.text[key.clone()])?)));
            found.extend(parent.map(|(object, parent)| {
                (index as u8, points(scratch, &reference.field, shape.object_name(object), parent))
            }));
        } else if let Some(Link::Last { text: range, .. }) = links.last().filter(|_| reference.ends(cell)) {
            found.push((index as u8, text(scratch, &reference.field, &row.text[range.clone()])));
        }
    }
    found
}

/// What the links add that count.
pub(super) fn chosen(shape: &Shape, links: &[LinkPart], instead: Instead, filled: u64) -> Sums {
    let mut sums = Sums::default();
    for chain in &shape.chains {
        let counts = instead.counts(chain, filled);
        let rule = &shape.rules[chain.rule];
        for (_, part) in links.iter().filter(|(index, _)| Some(*index) == counts) {
            add(&mut sums, rule, Part::Value(*part));
        }
        let blank = instead.blank & filled & chain.all;
        if counts.is_none() && blank != 0 {
            sums = sums.plus(cleared_part(shape, blank.trailing_zeros() as u8));
        }
    }
    sums
}

/// What a reference adds that is left blank: something only where a blank empties the field.
pub(super) fn cleared_part(shape: &Shape, reference: u8) -> Sums {
    let mut sums = Sums::default();
    if let Some(reference) = shape.references.get(reference as usize).filter(|r| r.clears) {
        add(&mut sums, &shape.rules[reference.rule], cleared(&mut Vec::new(), &reference.field));
    }
    sums
}

/// What a reference adds when it points to this record.
pub(super) fn pointing(shape: &Shape, reference: u8, object: usize, parent: KeyHash) -> Sums {
    let mut sums = Sums::default();
    if let Some(reference) = shape.references.get(reference as usize) {
        let part = points(&mut Vec::new(), &reference.field, shape.object_name(object), parent);
        add(&mut sums, &shape.rules[reference.rule], Part::Value(part));
    }
    sums
}

/// What a reference adds whose parent is not there.
pub(super) fn own_part(shape: &Shape, missing: &MissingRecord) -> Sums {
    pointing(shape, missing.reference, missing.object as usize, missing.parent)
}

/// What a reference adds that points to its fallback.
pub(super) fn fallback_part(shape: &Shape, reference: u8) -> Sums {
    let fallback = shape.references.get(reference as usize).and_then(|r| r.fallback_hash());
    fallback.map_or_else(Sums::default, |(object, parent)| pointing(shape, reference, object, parent))
}

/// A number by which a row is known again when it is read once more.
pub(super) fn mark(row: &RowOut, scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    let mut put = |kind: u8, from: usize, to: usize| {
        scratch.push(kind);
        scratch.extend_from_slice(&(from as u32).to_be_bytes());
        scratch.extend_from_slice(&(to as u32).to_be_bytes());
    };
    for cell in &row.cells {
        match cell {
            CellOut::Absent => put(0, 0, 0),
            CellOut::Clear => put(1, 0, 0),
            CellOut::Text(range) => put(2, range.start, range.end),
            CellOut::Ref { target, key } => put(3 + *target as u8, key.start, key.end),
            CellOut::Chain(links) => links.iter().for_each(|link| match link {
                Link::Ref { seat, target, key } => put((16 * *seat + *target) as u8, key.start, key.end),
                Link::Last { text: range, .. } => put(255, range.start, range.end),
            }),
        }
    }
    scratch.extend_from_slice(row.text.as_bytes());
    xxh3_64(scratch)
}

/// A text as it is sent: line ends are written as LF.
fn text(scratch: &mut Vec<u8>, field: &str, text: &str) -> u128 {
    let text = match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    };
    part(scratch, field, 2, text.as_bytes())
}

/// What a field adds that is to be emptied.
fn cleared(scratch: &mut Vec<u8>, field: &str) -> Part {
    Part::Clear(part(scratch, field, 1, &[]))
}

fn points(scratch: &mut Vec<u8>, field: &str, object: &str, parent: KeyHash) -> u128 {
    let mut value = [0; 16 + 80];
    let name = &object.as_bytes()[..object.len().min(80)];
    value[..16].copy_from_slice(&parent.to_be_bytes());
    value[16..16 + name.len()].copy_from_slice(name);
    part(scratch, field, 3, &value[..16 + name.len()])
}

fn part(scratch: &mut Vec<u8>, field: &str, kind: u8, value: &[u8]) -> u128 {
    scratch.clear();
    scratch.extend_from_slice(&(field.len() as u32).to_be_bytes());
    scratch.extend_from_slice(field.as_bytes());
    scratch.push(kind);
    scratch.extend_from_slice(value);
    xxh3_128(scratch)
}
