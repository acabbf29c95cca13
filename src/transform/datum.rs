//! What an expression works with while one row is read: text, number, boolean, list, or *missing*.
//!
//! Blank is the empty text or missing. Knows no minijinja: that is a different dress for the same five things.

use super::number::Number;
use std::borrow::Cow;

/// One value. Text borrows from the row where it can.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum<'a> {
    /// SQL's NULL: what a calculation gives where it had nothing to work on.
    Missing,
    /// Text, perhaps empty.
    Text(Cow<'a, str>),
    /// A number.
    Number(Number),
    /// A boolean.
    Bool(bool),
    /// Several values: only for a multipicklist, or to the right of `in`.
    List(Vec<Datum<'a>>),
}

impl<'a> Datum<'a> {
    /// Text from a row.
    pub(super) fn borrowed(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Whether it is the empty text, missing, or a list of nothing else.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Missing => true,
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.iter().all(Self::is_empty),
            Self::Number(_) | Self::Bool(_) => false,
        }
    }

    /// Whether it is text of nothing but white space, missing, or a list of nothing else.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::List(items) => items.iter().all(Self::is_blank),
            other => other.is_empty(),
        }
    }

    /// Whether a condition holds: text unless it is blank (`"0"` and `"false"` hold), numbers unless zero.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Bool(yes) => *yes,
            Self::Number(number) => !number.is_zero(),
            other => !other.is_blank(),
        }
    }

    /// The text an org receives; empty for a blank. A list is joined with `;`, its blank items left out.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Missing => Cow::Borrowed(""),
            Self::Text(text) => text,
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::List(items) => {
                let filled = items.into_iter().filter(|item| !item.is_blank());
                Cow::Owned(filled.map(Self::into_text).collect::<Vec<_>>().join(";"))
            }
        }
    }

    /// The same value, borrowing from nothing.
    pub(super) fn into_owned(self) -> Datum<'static> {
        match self {
            Self::Missing => Datum::Missing,
            Self::Text(text) => Datum::Text(Cow::Owned(text.into_owned())),
            Self::Number(number) => Datum::Number(number),
            Self::Bool(yes) => Datum::Bool(yes),
            Self::List(items) => Datum::List(items.into_iter().map(Self::into_owned).collect()),
        }
    }
}
