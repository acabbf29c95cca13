//! What is wrong with a query, in Salesforce's words, with the place.

use super::{BEFORE, BEHIND};

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
        let column = before[line_start..].chars().count();
        let line: Vec<char> = query[line_start..].lines().next().unwrap_or_default().chars().collect();
        let (shown, caret) = excerpt(&line, column);
        let caret = format!("{}^", " ".repeat(caret));
        let message = format!("\n{shown}\n{caret}\nERROR at Row:{row}:Column:{}\n{message}", column + 1);
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

/// The words of a line around a place, and where the place is in them.
///
/// Unconfirmed(soql-error-words): how much Salesforce shows; choice: as in reported errors, from the word some 35 characters
/// before the place to the one some 40 behind it.
fn excerpt(line: &[char], at: usize) -> (String, usize) {
    let at = at.min(line.len());
    let from = at.saturating_sub(BEFORE);
    let skip = if from == 0 { 0 } else { line[from - 1..at].iter().position(|c| *c == ' ').unwrap_or(0) };
    let to = (at + BEHIND).min(line.len());
    let cut =
        if to == line.len() { 0 } else { line[at..to].iter().rev().position(|c| *c == ' ').unwrap_or(0) };
    (line[from + skip..to - cut].iter().collect(), at - from - skip)
}
