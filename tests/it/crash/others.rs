//! What must come of the worlds of updates, deletes and REST calls, written down by hand.

use super::four_objects::Expected;
use cutover::model::Outcome;

/// Of [`crate::world::Project::tidy`].
pub const TIDY: Expected = Expected {
    contents: &[&["A1|First", "A2|Two", "A4|Fourth"], &[]],
    outcomes: &[
        &[(Outcome::Deleted, 1)],
        &[(Outcome::Updated, 2), (Outcome::Failed, 1), (Outcome::Rejected, 1)],
        &[(Outcome::Deleted, 3), (Outcome::Unchanged, 1)],
    ],
    filled: &[0, 0, 0],
    // Rows of an update are sent, and so told, by Id: this is the record of A2.
    refused: (&["001cC0000000002QAA"], &["A9"]),
    exit: 68,
};

/// Of [`crate::world::Project::tidy_by_calls`].
pub const TIDY_BY_CALLS: Expected = Expected {
    contents: &[&["A1|First", "A2|Two", "A4|Fourth", "B1|New", "B3|Third"], &[]],
    outcomes: &[
        &[(Outcome::Deleted, 1)],
        &[(Outcome::Updated, 2), (Outcome::Failed, 1), (Outcome::Rejected, 1)],
        &[(Outcome::Deleted, 3), (Outcome::Unchanged, 1)],
        &[(Outcome::Created, 2), (Outcome::Failed, 1)],
    ],
    filled: &[0, 0, 0, 0],
    refused: (&["001cC0000000002QAA", "B2"], &["A9"]),
    exit: 68,
};
