//! SOQL: text to a tree, the tree to SQL, pages of rows out.
//!
//! What of SOQL is understood stands in `docs/soql.md`. Must not know HTTP.

mod bulk;
pub(crate) mod compile;
mod dates;
mod filter;
mod group;
mod joins;
mod lexer;
mod literal;
mod parser;
pub(crate) mod read;
mod select;
mod semi;
mod tree;

pub(crate) use compile::{Compiled, Scope};

/// Reads a query and resolves its names.
///
/// # Errors
/// MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD, or a value of the wrong type; API_ERROR for what bulk queries refuse.
pub(crate) fn prepare(scope: &Scope<'_>, text: &str) -> Result<Compiled, SoqlError> {
    let query = parser::parse(text)?;
    if scope.bulk {
        bulk::check(&query)?;
    }
    compile::compile(scope, text, &query)
}

/// Why a query is refused, as the API says it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct SoqlError {
    /// MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE, …
    pub code: &'static str,
    /// The message, with the place in the query where it has one.
    pub message: String,
}

/// Characters of a line shown before the place of an error, and behind it.
const BEFORE: usize = 35;
const BEHIND: usize = 40;

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
/// Unconfirmed(soql-excerpt): how much Salesforce shows. Reported errors begin with the word some 35 characters before the place and
/// end with the one some 40 behind it.
fn excerpt(line: &[char], at: usize) -> (String, usize) {
    let at = at.min(line.len());
    let from = at.saturating_sub(BEFORE);
    let skip = if from == 0 { 0 } else { line[from - 1..at].iter().position(|c| *c == ' ').unwrap_or(0) };
    let to = (at + BEHIND).min(line.len());
    let cut =
        if to == line.len() { 0 } else { line[at..to].iter().rev().position(|c| *c == ' ').unwrap_or(0) };
    (line[from + skip..to - cut].iter().collect(), at - from - skip)
}
