//! What is to become of a record that the run created.

/// What is to become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordFate {
    /// It is deleted.
    Goes,
    /// It is not there any more.
    Gone,
    /// It stays: somebody edited it.
    Edited,
    /// It stays: whether the run created it is not known.
    Doubtful,
    /// It stays: another record that stays would go with it, or keeps it.
    Parent,
    /// It stays: this login may not delete it.
    Fixed,
    /// It stays: it was to stay when the rollback began, and nobody has approved anything else since.
    Unlisted,
    /// The rollback had its turn with it before it was interrupted, and it is gone.
    Done,
    /// The rollback had its turn with it, and the org refused to delete it: it is there, and counted as failed.
    Refused,
}

impl RecordFate {
    /// Whether the record is there afterwards.
    pub(super) fn stays(self) -> bool {
        !matches!(self, Self::Goes | Self::Gone | Self::Done)
    }
}
