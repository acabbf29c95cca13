//! Rows that the survey leaves out, and records whose rows are gone: in words and in files, without a value of the
//! customer but in the files.

use crate::diagnostic::Code;
use crate::engine::context::{EngineError, Ports};
use crate::ledger::sort::Sorted;
use crate::model::Outcome;
use crate::stage::{
    Decided, LeftOutFile, LeftRecord, Reasons, RowPlace, Scan, Shape, reason, write_left_out,
};

/// Lists the records whose rows are no longer in the source: by Id, the key is nowhere any more.
pub(super) fn write_absent(
    ports: &Ports<'_>,
    folder: Option<&str>,
    shape: &Shape,
    decided: &Decided<'_>,
) -> Result<(), EngineError> {
    let Some(path) = folder.filter(|_| decided.absent > 0).map(|f| format!("{f}/{}.absent.csv", shape.name))
    else {
        return Ok(());
    };
    ports.files.remove(&path)?;
    ports.files.append(&path, b"record_id\n")?;
    let mut ids = decided.absent_ids.iter();
    while let Some(bytes) = ids.next_record()? {
        let id = <[u8; 15]>::try_from(bytes).ok().and_then(crate::model::RecordId::from_bytes);
        ports
            .files
            .append(&path, format!("{}\n", id.map(|i| i.to_string()).unwrap_or_default()).as_bytes())?;
    }
    Ok(())
}

/// Counts and writes the rows that a decision left out.
pub(in crate::engine) fn leave_out(
    ports: &Ports<'_>,
    shape: &Shape,
    scan: &Scan<'_>,
    left: &Sorted<'_>,
    file: Option<&mut LeftOutFile<'_>>,
    reasons: &mut Reasons,
) -> Result<(), EngineError> {
    let mut iter = left.iter();
    let next = || Ok(iter.next_record()?.map(|bytes| in_words(shape, &LeftRecord::decode(bytes))));
    Ok(write_left_out(ports.stage(), shape, &scan.chunks, next, file, reasons)?)
}

/// Why a row is left out, without a value of the customer.
fn in_words(shape: &Shape, left: &LeftRecord) -> RowPlace {
    let (outcome, code, message) = of_a_reference(shape, left).unwrap_or_else(|| of_the_row(shape, left));
    RowPlace { pos: left.pos, line: left.line, outcome, code, message }
}

/// Where a reference is the reason.
fn of_a_reference(shape: &Shape, left: &LeftRecord) -> Option<(Outcome, Code, String)> {
    let field = shape.references.get(left.reference as usize).map_or("", |r| r.field.as_str());
    let (outcome, message) = match left.reason {
        reason::HELD => (Outcome::Held, format!("{field}: its parent has not landed")),
        reason::HELD_GOING => (Outcome::Held, going(field)),
        reason::GOING => (Outcome::Rejected, going(field)),
        reason::NO_PARENT => (Outcome::Rejected, format!("{field}: its parent is nowhere")),
        reason::PENDING => {
            let words = "its parent has not landed; the record is there without it";
            (Outcome::Pending, format!("{field}: {words}"))
        }
        reason::LOOP => {
            let words = "rows point at each other, and the field cannot be filled later";
            return Some((Outcome::Rejected, Code::RowLoop, format!("{field}: {words}")));
        }
        _ => return None,
    };
    Some((outcome, Code::RowParent, message))
}

/// Where the row itself is, or its record.
fn of_the_row(shape: &Shape, left: &LeftRecord) -> (Outcome, Code, String) {
    let (word, key) = (shape.operation.word(), &shape.key_field);
    let rejected = |code, message: String| (Outcome::Rejected, code, message);
    match left.reason {
        reason::DUPLICATE => {
            (Outcome::Duplicate, Code::RowDuplicate, "its key stands in another row".to_owned())
        }
        reason::CREATE_ONLY => {
            rejected(Code::NotWriteable, "a field changed that the org takes on create alone".into())
        }
        reason::STAYS => {
            let words =
                "a field that is sent on create alone has another value than its record was created with";
            (Outcome::Unchanged, Code::NotWriteable, words.to_owned())
        }
        reason::NO_RECORD => rejected(
            Code::RowUnmatched,
            format!("the org has no record with its {key}, and `{word}` creates none"),
        ),
        reason::TWICE => {
            rejected(Code::RowDuplicate, "its key leads to the record of another row of the source".into())
        }
        _ => rejected(Code::RowUnmatched, format!("several records of the org have its {key}")),
    }
}

fn going(field: &str) -> String {
    format!("{field}: its parent is among the records that this manifest deletes")
}
