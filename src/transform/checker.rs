//! What checking an expression keeps at hand, and what it makes of each part.

use super::scope::Scope;
use super::token::Trouble;
use super::tree::Tree;
use crate::diagnostic::Severity;

/// Walks one expression.
pub(super) struct Checker<'a> {
    /// What it may name.
    pub(super) scope: &'a Scope,
    /// Columns used, in order of first use.
    pub(super) columns: Vec<String>,
    /// What is wrong.
    pub(super) troubles: Vec<(Severity, Trouble)>,
    pub(super) chars: Vec<char>,
}

/// A checked part: what to evaluate and what it will give.
pub(super) type Checked = (Tree, Kind);

/// What kind of value an expression gives, as far as it shows before any row is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A date as ISO text.
    Date,
    /// A date and time as ISO text, in UTC.
    DateTime,
    /// A number.
    Number,
    /// A boolean.
    Bool,
    /// A list.
    List,
    /// It depends on the row.
    Any,
}

impl Kind {
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Date | Self::DateTime)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Text | Self::Date | Self::DateTime => "text",
            Self::Number => "a number",
            Self::Bool => "a boolean",
            Self::List => "a list",
            Self::Any => "a value",
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Any }
    }
}
