//! What can go wrong between a source and a part, and the ports that the row path uses.

use crate::diagnostic::Diagnostic;
use crate::ports::{Files, Work};

/// The ports of the row path.
#[derive(Clone, Copy)]
pub struct StageIo<'a> {
    /// The state folder.
    pub files: &'a dyn Files,
    /// The project's folder.
    pub sources: &'a dyn Files,
    /// Threads.
    pub work: &'a dyn Work,
}

/// Why a pass over the rows could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The disk's own error.
    #[error("{0}")]
    Disk(#[from] std::io::Error),
    /// Faults that the user has to mend before anything is sent.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Diagnostic>),
}
