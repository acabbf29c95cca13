//! SOQL: text to a tree, the tree to SQL, pages of rows out.
//!
//! A subset: fields with relationship paths, COUNT, WHERE, ORDER BY, LIMIT, OFFSET. Must not know HTTP.

pub(crate) mod compile;
mod filter;
mod joins;
mod lexer;
mod parser;
pub(crate) mod read;
mod tree;

pub(crate) use compile::{Compiled, compile};
pub(crate) use parser::parse;

/// Why a query is refused, as the API says it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct SoqlError {
    /// MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE, …
    pub code: &'static str,
    /// The message, with the place in the query where it has one.
    pub message: String,
}

impl SoqlError {
    /// A refusal without a place.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A refusal that points at a byte of the query.
    pub(crate) fn at(code: &'static str, query: &str, at: usize, message: &str) -> Self {
        let before = query.get(..at).unwrap_or(query);
        let row = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before[line_start..].chars().count() + 1;
        let line = query[line_start..].lines().next().unwrap_or_default();
        let caret = format!("{}^", " ".repeat(column - 1));
        let message = format!("\n{line}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}");
        Self { code, message }
    }

    /// A word that cannot stand where it stands.
    pub(crate) fn unexpected(query: &str, at: usize, token: &str) -> Self {
        let message = if token.is_empty() {
            "unexpected token: '<EOF>'".into()
        } else {
            format!("unexpected token: '{token}'")
        };
        Self::at("MALFORMED_QUERY", query, at, &message)
    }
}

#[cfg(test)]
mod tests;
