//! Records: what a cell means for a field, which records are refused and why, and how they are written.
//!
//! Must not know HTTP, jobs or CSV.

pub(crate) mod assign;
pub(crate) mod check;
pub(crate) mod convert;
pub(crate) mod error;
mod fill;
pub(crate) mod find;
pub(crate) mod json;
pub(crate) mod remove;
pub(crate) mod save;
pub(crate) mod write;

use rusqlite::types::Value;

/// New values of a record by field position; `None` leaves a field as it is.
pub(crate) type Values = Vec<Option<Value>>;

/// What a cell asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// Blank: no change.
    Keep,
    /// `#N/A`: null.
    Null,
    /// A value.
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// What the raw text of a cell asks for.
    pub(crate) fn of(text: &'a str) -> Self {
        match text {
            "#N/A" => Self::Null,
            text if text.trim().is_empty() => Self::Keep,
            text => Self::Text(text),
        }
    }
}
