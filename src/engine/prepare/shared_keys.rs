//! Two loads of one object share its ledger: a key that stands in both would be sent twice, and the last would win
//! without a word. Such keys stop everything, with both places.

use crate::diagnostic::{Code, Diagnostic, Place};
use crate::engine::context::EngineError;
use crate::ledger::sort::Sorted;
use crate::source::split_position;
use crate::stage::{RowRecord, Scan, Shape};

/// Keys named one by one; more are counted.
const MOST_NAMED: usize = 20;

/// A problem for each key that two loads of one object share.
///
/// # Errors
/// The disk's own.
pub(super) fn overlaps(shapes: &[Shape], scans: &[Scan<'_>]) -> Result<Vec<Diagnostic>, EngineError> {
    let mut problems = Vec::new();
    for later in 0..shapes.len() {
        for earlier in (0..later).filter(|e| shapes[*e].object == shapes[later].object) {
            let mut more = 0_u64;
            shared(&scans[earlier].rows, &scans[later].rows, |first, second| {
                if problems.len() < MOST_NAMED {
                    problems.push(problem((&shapes[earlier], &first), (&shapes[later], &second)));
                } else {
                    more += 1;
                }
            })?;
            if more > 0 {
                let (first, second) = (&shapes[earlier].name, &shapes[later].name);
                problems.push(told(format!("{more} more keys stand in both {first} and {second}")));
            }
        }
    }
    Ok(problems)
}

/// Calls `f` with the first row of each side for every key that both have.
fn shared(
    left: &Sorted<'_>,
    right: &Sorted<'_>,
    mut f: impl FnMut(RowRecord, RowRecord),
) -> std::io::Result<()> {
    let (mut left, mut right) =
        (left.iter().decode(RowRecord::decode), right.iter().decode(RowRecord::decode));
    let (mut l, mut r) = (left.next().transpose()?, right.next().transpose()?);
    let mut last = None;
    while let (Some(one), Some(other)) = (l, r) {
        if one.key == other.key && last != Some(one.key) {
            last = Some(one.key);
            f(one, other);
        }
        if one.key <= other.key {
            l = left.next().transpose()?;
        } else {
            r = right.next().transpose()?;
        }
    }
    Ok(())
}

fn problem(first: (&Shape, &RowRecord), second: (&Shape, &RowRecord)) -> Diagnostic {
    let place = |(shape, row): (&Shape, &RowRecord)| {
        let (file, _) = split_position(row.pos);
        Place::new(shape.paths.get(file as usize).map_or("", String::as_str), row.line, 0, 0)
    };
    told(format!("{} and {} both have a row with this key", first.0.name, second.0.name))
        .label(&place(second), "this row")
        .label(&place(first), "has the key of this one")
}

fn told(message: String) -> Diagnostic {
    Diagnostic::error(Code::RowDuplicate, message)
        .help("loads of one object must not share keys: leave the row out of one of them with `where`")
}
