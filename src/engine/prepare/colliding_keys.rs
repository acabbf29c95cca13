//! Two keys of a source that lead to one record: somebody gave a record that we knew by one key another one, and rows
//! of both are there. None of them is meant for certain, and an answer by Id would not say which row it is about.

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{EngineError, Exit, Ports};
use crate::engine::state::Ledgers;
use crate::ledger::State;
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::model::KeyHash;
use crate::source::split_position;
use crate::stage::{RowRecord, Scan, Shape};
use std::collections::BTreeSet;

/// Bytes that the sorter may hold.
const SORT_BUDGET: usize = 4 << 20;
/// A record's Id, a row's place, its line, its key: bytes.
const WIDTH: usize = 15 + 8 + 4 + 16;
/// Such keys, at most: beyond this it is no accident.
const MOST: usize = 100_000;
/// Pairs of rows named in the plan; more are counted.
const MOST_NAMED: usize = 10;

/// What was found.
#[derive(Default)]
pub(super) struct Twice {
    /// The keys.
    pub(super) keys: BTreeSet<KeyHash>,
    /// What the plan says of them.
    pub(super) notes: Vec<String>,
}

/// A row with the record that its key leads to.
#[derive(Clone, Copy)]
struct Led {
    id: [u8; 15],
    pos: u64,
    line: u32,
    key: KeyHash,
}

/// Looks for rows of a load whose keys lead to one record, as far as the ledger knows.
///
/// # Errors
/// The disk's own; 65 when so many do that the key is none.
pub(super) fn twice(
    ports: &Ports<'_>,
    object: &str,
    shape: &Shape,
    scan: &Scan<'_>,
    ledgers: &Ledgers<'_>,
) -> Result<Twice, EngineError> {
    if !shape.by_id() {
        return Ok(Twice::default());
    }
    let led = led(ports, object, scan, ledgers)?;
    let (mut found, mut pairs, mut last) = (Twice::default(), 0, None::<Led>);
    let mut rows = led.iter();
    while let Some(bytes) = rows.next_record()? {
        let this = decode(bytes);
        if let Some(before) = last.replace(this).filter(|before| before.id == this.id) {
            pairs += 1;
            found.keys.extend([before.key, this.key]);
            if pairs <= MOST_NAMED {
                found.notes.push(named(shape, &before, &this));
            }
        }
        if found.keys.len() > MOST {
            let message = format!("{}: many keys lead to the record of another row", shape.name);
            let problem = Diagnostic::error(Code::BadKey, message);
            return Err(EngineError::problem(Exit::Invalid, problem.help("see whose records they are")));
        }
    }
    if pairs > MOST_NAMED {
        found.notes.push(format!("{}: {} more pairs of such rows", shape.name, pairs - MOST_NAMED));
    }
    Ok(found)
}

fn named(shape: &Shape, one: &Led, other: &Led) -> String {
    let place = |row: &Led| {
        let (file, _) = split_position(row.pos);
        format!("{}:{}", shape.paths.get(file as usize).map_or("", String::as_str), row.line)
    };
    format!(
        "{}: the keys at {} and {} lead to one record: neither row goes",
        shape.name,
        place(one),
        place(other)
    )
}

/// The rows whose key has a record, by record, then by place; of several with one key the first.
fn led<'a>(
    ports: &Ports<'a>,
    object: &str,
    scan: &Scan<'_>,
    ledgers: &Ledgers<'_>,
) -> Result<Sorted<'a>, EngineError> {
    let mut led = Sorter::new(ports.files, "data/scratch/led", WIDTH, SORT_BUDGET);
    let rows = scan.rows.iter().decode(RowRecord::decode);
    let entries = ledgers.entries(object).filter(|e| e.as_ref().map_or(true, |e| e.state == State::Landed));
    let mut last = None;
    for next in join(rows, entries, |row| row.key, |entry| entry.key) {
        let Joined::Both(row, entry) = next? else { continue };
        if let Some(id) = entry.id
            && last.replace(row.key) != Some(row.key)
        {
            let (pos, line) = (row.pos.to_be_bytes(), row.line.to_be_bytes());
            led.push(&[&id.bytes()[..], &pos, &line, &row.key.to_be_bytes()].concat())?;
        }
    }
    Ok(led.finish()?)
}

fn decode(bytes: &[u8]) -> Led {
    Led {
        id: std::array::from_fn(|i| bytes[i]),
        pos: u64::from_be_bytes(std::array::from_fn(|i| bytes[15 + i])),
        line: u32::from_be_bytes(std::array::from_fn(|i| bytes[23 + i])),
        key: KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[27 + i])),
    }
}
