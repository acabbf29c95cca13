//! What became of a source row, and counts that balance by construction: a tally grows only by whole outcomes.

/// What became of one source row in one run: exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// Left out by `where`.
    Filtered = 0,
    /// Refused by us before anything was sent.
    Rejected = 1,
    /// Its key stands in another row.
    Duplicate = 2,
    /// Its parent has not landed.
    Held = 3,
    /// The org has it as it is.
    Unchanged = 4,
    /// A record was created.
    Created = 5,
    /// A record was updated.
    Updated = 6,
    /// A record was deleted.
    Deleted = 7,
    /// Refused by the org.
    Failed = 8,
    /// Not decided yet: only while a run is unfinished.
    Pending = 9,
}

impl Outcome {
    /// All outcomes, in the order in which they are shown.
    pub const ALL: [Outcome; 10] = [
        Self::Filtered,
        Self::Rejected,
        Self::Duplicate,
        Self::Held,
        Self::Unchanged,
        Self::Created,
        Self::Updated,
        Self::Deleted,
        Self::Failed,
        Self::Pending,
    ];

    /// The word shown and written to JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Filtered => "filtered",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
            Self::Held => "held",
            Self::Unchanged => "unchanged",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Failed => "failed",
            Self::Pending => "pending",
        }
    }
}

/// Rows by outcome. `source` is counted apart, by the reader of the source, so that the balance can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    source: u64,
    rows: [u64; 10],
}

impl Tally {
    /// A tally over `source` rows, none of them decided yet.
    pub fn over(source: u64) -> Self {
        Self { source, rows: [0; 10] }
    }

    /// Gives `rows` more rows this outcome.
    pub fn add(&mut self, outcome: Outcome, rows: u64) {
        self.rows[outcome as usize] += rows;
    }

    /// Rows in the source.
    pub fn source(&self) -> u64 {
        self.source
    }

    /// Rows with this outcome.
    pub fn get(&self, outcome: Outcome) -> u64 {
        self.rows[outcome as usize]
    }

    /// Whether every source row has exactly one outcome.
    pub fn balances(&self) -> bool {
        self.source == self.rows.iter().sum::<u64>()
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.source += other.source;
        for (mine, theirs) in self.rows.iter_mut().zip(other.rows) {
            *mine += theirs;
        }
    }
}
