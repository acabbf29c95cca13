//! What a load may choose among: operation, API, and what becomes of duplicates.

/// What becomes of rows with the same key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// Nothing is done until they are gone.
    #[default]
    Stop,
    /// Every copy is left out.
    Reject,
    /// The first in source order counts.
    First,
    /// The last in source order counts.
    Last,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Operation {
    /// Created or updated by key.
    #[default]
    Upsert,
    /// Created once; later changes go as updates by Id.
    Insert,
    /// Updated by Id; never created.
    Update,
    /// Moved to the recycle bin, by Id.
    Delete,
    /// Removed for good, by Id.
    HardDelete,
}

impl Operation {
    /// Whether a call with such rows may be repeated when its outcome is unknown, and whether REST collections know it
    /// at all: an insert would double its records, and collections delete into the recycle bin only.
    pub fn goes_by_calls(self) -> bool {
        matches!(self, Self::Upsert | Self::Update | Self::Delete)
    }

    /// Whether it is for records that the org has: a row without one is never created.
    pub fn needs_record(self) -> bool {
        matches!(self, Self::Update) || self.deletes()
    }

    /// Whether its records are gone afterwards.
    pub fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::HardDelete)
    }

    /// The word of the manifest, of the plan and of the job.
    pub fn word(self) -> &'static str {
        super::word_list::name_of(OPERATION, &self)
    }
}

/// By which API rows may go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ApiChoice {
    /// The Bulk API.
    #[default]
    Bulk,
    /// REST collections where a step is small and its calls may be repeated.
    Auto,
}

/// `operation`.
pub(super) const OPERATION: &[(&str, Operation)] = &[
    ("upsert", Operation::Upsert),
    ("insert", Operation::Insert),
    ("update", Operation::Update),
    ("delete", Operation::Delete),
    ("hardDelete", Operation::HardDelete),
];
