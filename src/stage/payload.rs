//! A row's payload: CSV with LF, embedded line breaks rewritten to LF, blank cells for "leave alone", `#N/A` for
//! "make it null" (reference B).

use super::decision::action;
use super::shape::{ReferenceShape, RuleShape, Seat, Shape};
use crate::manifest::Operation;
use crate::model::RecordId;
use crate::transform::{CellOut, Link, Only, RowOut};

/// "Make it null".
const NULL: &[u8] = b"#N/A";

/// The columns of a part.
pub(super) struct Columns {
    /// Whether the record's Id goes first.
    pub(super) by_id: bool,
    /// The rules, by field name.
    pub(super) rules: Vec<usize>,
    /// Whether references are filled and nothing else: what is to be emptied went before.
    fills: bool,
}

impl Columns {
    /// The columns of rows that will do this. `deferred`: references of the load left for the second pass.
    pub(super) fn of(shape: &Shape, what: u8, deferred: u64) -> Self {
        let takes = |index: &usize| {
            let reference = shape.reference_of(*index).filter(|r| deferred & (1 << r) != 0);
            match what {
                action::REFERENCES => reference.is_some(),
                action::DELETE => false,
                // Its values are left for the second pass, which knows nothing of blanks: those go now.
                _ if reference.is_some_and(|r| !shape.references[r].clears) => false,
                // The key has found the record: it is no change.
                action::UPDATE if shape.operation == Operation::Update && *index == shape.key_rule => false,
                action::UPDATE if shape.splits() => sent_on_update(&shape.rules[*index]),
                _ => shape.rules[*index].only != Only::Update,
            }
        };
        let by_id = shape.sends_id(what);
        let fills = what == action::REFERENCES;
        Self { by_id, fills, rules: (0..shape.rules.len()).filter(takes).collect() }
    }

    /// The header line.
    pub(super) fn header(&self, shape: &Shape) -> Vec<u8> {
        let mut line = Vec::new();
        if self.by_id {
            line.extend_from_slice(b"Id");
        }
        for rule in &self.rules {
            separate(&mut line);
            cell(&mut line, shape.rules[*rule].header.text());
        }
        line.push(b'\n');
        line
    }

    /// One row.
    pub(super) fn row(&self, shape: &Shape, row: &RowOut, given: &Given<'_>, line: &mut Vec<u8>) {
        let start = line.len();
        if self.by_id {
            cell(line, &given.id.map(|id| id.to_string()).unwrap_or_default());
        }
        for (at, rule) in self.rules.iter().enumerate() {
            if at > 0 || self.by_id {
                line.push(b',');
            }
            match &row.cells[*rule] {
                CellOut::Absent => {}
                CellOut::Clear if self.fills => {}
                CellOut::Clear => line.extend_from_slice(NULL),
                CellOut::Text(range) => cell(line, &row.text[range.clone()]),
                _ if !self.fills && given.clears(shape, *rule) => line.extend_from_slice(NULL),
                CellOut::Ref { key, .. } => reference(shape, *rule, &row.text[key.clone()], given, line),
                CellOut::Chain(links) => chain(shape, *rule, links, row, given, line),
            }
        }
        if line.len() == start {
            // A line with nothing on it is no record to a CSV reader.
            line.extend_from_slice(b"\"\"");
        }
        line.push(b'\n');
    }
}

/// What is known of a row beside its cells.
pub(super) struct Given<'g> {
    /// Its record.
    pub(super) id: Option<RecordId>,
    /// References to leave blank, a bit each.
    pub(super) blank: u64,
    /// Those of them that are to be emptied, a bit each.
    pub(super) cleared: u64,
    /// References to give their fallback, a bit each.
    pub(super) fallback: u64,
    /// Links of chains that count, if they come first, a bit each.
    pub(super) there: u64,
    /// Records of parents, for references that are sent as Ids.
    pub(super) parents: &'g [(u8, RecordId)],
}

impl Given<'_> {
    /// Whether a field of references is to be emptied: none of them is there.
    fn clears(&self, shape: &Shape, rule: usize) -> bool {
        let of = |set: u64| shape.references_of(rule) & set != 0;
        of(self.cleared) && !of(self.there)
    }
}

fn sent_on_update(rule: &RuleShape) -> bool {
    !rule.create_only && rule.only != Only::Create
}

fn reference(shape: &Shape, rule: usize, key: &str, given: &Given<'_>, line: &mut Vec<u8>) {
    let Some(index) = shape.reference_of(rule) else { return };
    let bit = 1 << index;
    if given.blank & bit != 0 {
        return;
    }
    let reference = &shape.references[index];
    if reference.by_id {
        if let Some((_, id)) = given.parents.iter().find(|(r, _)| *r as usize == index) {
            cell(line, &id.to_string());
        }
        return;
    }
    let key = if given.fallback & bit != 0 { reference.fallback.as_deref().unwrap_or(key) } else { key };
    cell(line, key.trim());
}

/// The first link that is there: a parent's Id, or what the chain ends with.
fn chain(shape: &Shape, rule: usize, links: &[Link], row: &RowOut, given: &Given<'_>, line: &mut Vec<u8>) {
    let here = |(index, r): &(usize, &ReferenceShape)| r.rule == rule && given.there & (1 << index) != 0;
    let Some((index, first)) = shape.references.iter().enumerate().find(here) else { return };
    match (first.seat, links.last()) {
        (Seat::Last { .. }, Some(Link::Last { text, .. })) => cell(line, &row.text[text.clone()]),
        _ => {
            let parent = given.parents.iter().find(|(r, _)| *r as usize == index);
            cell(line, &parent.map(|(_, id)| id.to_string()).unwrap_or_default());
        }
    }
}

fn separate(line: &mut Vec<u8>) {
    if !line.is_empty() {
        line.push(b',');
    }
}

/// A cell, quoted where it must be; `\r\n` and `\r` become `\n` (reference B: breaks other than the job's own may
/// fail the whole job).
fn cell(line: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let plain = |b: &u8| !matches!(b, b',' | b'"' | b'\n' | b'\r');
    if bytes.iter().all(plain) && !text.starts_with(' ') && !text.ends_with(' ') {
        return line.extend_from_slice(bytes);
    }
    line.push(b'"');
    let mut previous = 0;
    for byte in bytes {
        match byte {
            b'"' => line.extend_from_slice(b"\"\""),
            b'\r' => line.push(b'\n'),
            b'\n' if previous == b'\r' => {}
            _ => line.push(*byte),
        }
        previous = *byte;
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        for (text, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("one\r\ntwo\rthree\nfour", "\"one\ntwo\nthree\nfour\""),
            (" edge", "\" edge\""),
        ] {
            let mut line = Vec::new();
            cell(&mut line, text);
            assert_eq!(String::from_utf8(line).unwrap(), written);
        }
    }
}
