//! What is wrong with a source as a whole. Faults of single rows are `rows::RowFault`.

use crate::diagnostic::Code;
use std::io;

/// A fault of a source: with it, no row can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceProblem {
    /// The stable code.
    pub code: Code,
    /// What is wrong, with the file's name.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// Line in the source file, where there is one.
    pub line: Option<u32>,
}

impl SourceProblem {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, line: None }
    }

    pub(super) fn header(message: impl Into<String>) -> Self {
        Self { line: Some(1), ..Self::new(Code::SourceHeader, message) }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn help_maybe(mut self, help: Option<&str>) -> Self {
        self.help = help.map(str::to_owned).or(self.help);
        self
    }

    /// The words for a file that could not be read.
    pub(super) fn unreadable(path: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::new(Code::SourceMissing, format!("there is no file `{path}`")),
            io::ErrorKind::InvalidData => Self::new(Code::SourceHeader, format!("`{path}`: {error}")),
            io::ErrorKind::InvalidInput => Self::new(Code::WrongValue, error.to_string()),
            _ => Self::new(Code::SourceMissing, format!("`{path}` cannot be read: {error}")),
        }
    }
}
