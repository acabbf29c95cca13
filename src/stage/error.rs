//! What can go wrong between a source and a part, and the ports that the row path uses.

use crate::diagnostic::Diagnostic;
use crate::ports::{Files, Work, cannot};
use std::io;

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
    Disk(#[from] io::Error),
    /// A source is no longer the one that was read before: shorter, other rows, or gone.
    #[error("{0} changed while it was being read")]
    Changed(String),
    /// Faults that the user has to mend before anything is sent.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Diagnostic>),
}

impl StageError {
    /// Why rows of a source could not be read a second time. What ends too soon, is gone, or begins with another mark was
    /// whole when it was read first, and has changed. Anything else is an error of the disk.
    pub(super) fn read_again(path: &str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound | io::ErrorKind::InvalidData => {
                Self::Changed(path.to_owned())
            }
            _ => Self::Disk(cannot("read", path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StageError;
    use std::io::{Error, ErrorKind};

    #[test]
    fn a_source_that_ends_too_soon_has_changed_and_a_disk_that_fails_has_not() {
        let told = |kind: ErrorKind| StageError::read_again("a.csv", Error::from(kind)).to_string();
        for kind in [ErrorKind::UnexpectedEof, ErrorKind::NotFound, ErrorKind::InvalidData] {
            assert_eq!(told(kind), "a.csv changed while it was being read");
        }
        assert!(told(ErrorKind::PermissionDenied).starts_with("cannot read a.csv: "));
    }
}
