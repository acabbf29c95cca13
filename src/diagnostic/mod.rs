//! How we speak about problems: what is wrong, where, and what to do next; many at once.
//!
//! Owns [`Diagnostic`], [`Place`], the stable [`Code`]s and the rendering. Must not know manifests, rows, orgs,
//! files or the terminal: whoever renders hands in the source text.

mod code;
mod near;
mod render;

pub use code::Code;
pub use near::near_name;
pub use render::{SourceText, render, to_json};

use std::sync::Arc;

/// A place in a text file. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path as the user would type it, relative to where the project lies.
    pub file: Arc<str>,
    /// Line, from 1; 0 when the place is the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 when the place is the whole line or file.
    pub column: u32,
    /// Length in characters on that line; at least 1 when a column is given.
    pub length: u32,
}

impl Place {
    /// A place on one line.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32, length: u32) -> Self {
        Self { file: file.into(), line, column, length }
    }

    /// A whole file.
    pub fn file(file: impl Into<Arc<str>>) -> Self {
        Self::new(file, 0, 0, 0)
    }

    /// The same place moved right by `offset` characters, `length` characters long: a part of a scalar.
    pub fn part(&self, offset: u32, length: u32) -> Self {
        Self { column: self.column + offset, length: length.max(1), ..self.clone() }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.line, self.column) {
            (0, _) => write!(f, "{}", self.file),
            (line, 0) => write!(f, "{}:{line}", self.file),
            (line, column) => write!(f, "{}:{line}:{column}", self.file),
        }
    }
}

/// How bad it is. Errors stop; warnings are told and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Stops the command.
    Error,
    /// Told, counted, and left to the user.
    Warning,
}

impl Severity {
    /// The word shown and written to JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A further place that belongs to a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What stands there; may be empty for the main place.
    pub text: String,
}

/// One problem. Messages are lower-case fragments without a full stop; literals stand in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, documented in [`Code`].
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Places, the main one first; empty when there is no place.
    pub labels: Vec<Label>,
    /// What to do next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None }
    }

    /// A warning without a place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a place without words; the first one added is the main place.
    pub fn at(self, place: &Place) -> Self {
        self.label(place, "")
    }

    /// Adds a place with words.
    pub fn label(mut self, place: &Place, text: impl Into<String>) -> Self {
        self.labels.push(Label { place: place.clone(), text: text.into() });
        self
    }

    /// Says what to do next.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do next, if there is something to say.
    pub fn help_maybe(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// The main place.
    pub fn place(&self) -> Option<&Place> {
        self.labels.first().map(|l| &l.place)
    }

    /// Whether this one stops the command.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(place) = self.place() {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}[{}]: {}", self.severity.word(), self.code, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Whether any of them is an error.
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}

/// Errors first by file, line and column, then warnings likewise: the order in which they are shown.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        (a.severity, a.place(), a.code, &a.message).cmp(&(b.severity, b.place(), b.code, &b.message))
    });
}
