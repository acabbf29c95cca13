//! What landed: sorted segment files of fixed-width entries per object, external sorting, and merges of sorted
//! streams.
//!
//! [`Ledger`] knows which segments count and makes them durable; [`sort`] brings any number of records into order
//! within bounded memory; [`merge`] walks two sorted streams side by side. Must not know rows, plans, the journal
//! or sled: whoever writes a segment names it in the journal.

mod cursor;
mod current;
mod entry;
pub mod inspect;
mod kway;
mod merged;
pub mod merge;
mod segment;
pub mod sort;
mod store;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;

pub use entry::{BadEntry, Entry, Flags, HASH_RULE, State, load_tag};
pub use merged::Merged;
pub use segment::SegmentRef;
pub use store::{Ledger, Published};

use std::io;

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The disk's own error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file of a version that this program does not know.
    #[error("`{file}` has format version {found}, this program knows {known}")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A file that is missing, cut short or changed.
    #[error("`{file}` is damaged: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// Entries that do not come in ascending order of their keys, each key once.
    #[error("the entries of `{segment}` are not in order")]
    Unsorted {
        /// The segment that was being written.
        segment: String,
    },
    /// A segment of this name counts already and holds something else.
    #[error("there is another segment `{0}`")]
    NameTaken(String),
}
