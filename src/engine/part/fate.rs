//! What became of a row of a part, and what else is known of it. Must not know how that was found out.

use crate::model::RecordId;

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Fate {
    /// The org did what was asked: the record is there, or is deleted.
    Landed {
        /// Its record.
        id: RecordId,
        /// Whether the record is new.
        created: bool,
    },
    /// It was to be deleted and is not there any more: somebody else did it.
    Gone,
    /// The org refused it because what it points to is not there (reference C2, class D): it waits for that.
    Held {
        /// The code.
        code: String,
        /// The org's words.
        text: String,
    },
    /// The org refused it.
    Failed {
        /// The record, where the org named it.
        id: String,
        /// The code.
        code: String,
        /// The org's words.
        text: String,
        /// Whether the same row may well go in when it is sent again: a lock, a job that ended before its turn.
        passing: bool,
    },
}

/// What is known of a row beside its fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Hint {
    /// Its record was found by asking for the key: it may have been there before.
    Found,
    /// An earlier sending, whose answer nobody has, may have created its record.
    Doubtful,
}
