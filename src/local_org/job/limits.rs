//! How long headers, records and fields of an upload may be (reference A9 and B), and what a longer one answers.
//!
//! Unconfirmed(length-texts): all texts of this file; choice: what is of the whole upload fails the job, what is of a
//! row its row.

use crate::local_org::record::error::RowError;

/// Characters of a header row.
const HEADER: usize = 32_000;

/// Fields of a record.
const FIELDS: usize = 5_000;

/// Characters of a record, all its fields together.
const RECORD: usize = 400_000;

/// Why a header makes the whole job fail, if it does.
pub(super) fn header(raw: &str, columns: usize) -> Option<String> {
    if longer(raw.len(), HEADER, || raw.chars().count()) {
        return Some(format!("InvalidBatch : Header row exceeds the maximum of {HEADER} characters"));
    }
    (columns > FIELDS).then(|| format!("InvalidBatch : Record exceeds the maximum of {FIELDS} fields"))
}

/// Why a row is refused, if it is.
pub(super) fn row(cells: &[&str]) -> Option<RowError> {
    let bytes = cells.iter().map(|c| c.len()).sum();
    let long = longer(bytes, RECORD, || cells.iter().map(|c| c.chars().count()).sum());
    long.then(|| {
        let message = format!("Record exceeds the maximum of {RECORD} characters");
        RowError::plain("LIMIT_EXCEEDED", message)
    })
}

/// Characters are counted only where the bytes leave it open.
fn longer(bytes: usize, limit: usize, characters: impl FnOnce() -> usize) -> bool {
    bytes > limit && characters() > limit
}

#[cfg(test)]
mod tests {
    use super::{header, row};

    #[test]
    fn characters_count_and_not_bytes() {
        assert!(header(&"é".repeat(32_000), 1).is_none());
        assert!(header(&"e".repeat(32_001), 1).unwrap().contains("32000"));
        assert!(header("a", 5_000).is_none() && header("a", 5_001).is_some());
        let field = "é".repeat(100_000);
        assert!(row(&[field.as_str(); 4]).is_none());
        assert!(row(&[field.as_str(), &field, &field, &field, "x"]).is_some());
    }
}
