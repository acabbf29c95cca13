//! What can be wrong with a value. Must not know how it is worded for a person.

use std::borrow::Cow;

/// Why a row cannot be used. Never contains the customer's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(Cow<'static, str>);

impl Fault {
    /// A fault in these words.
    pub(super) fn new(words: impl Into<Cow<'static, str>>) -> Self {
        Self(words.into())
    }

    /// The words.
    pub(super) fn words(&self) -> &str {
        &self.0
    }
}
