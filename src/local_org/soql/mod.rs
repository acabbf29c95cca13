//! SOQL: text to a tree, the tree to SQL, pages of rows out.
//!
//! What of SOQL is understood stands in `docs/soql.md`. Must not know HTTP.

mod bulk;
pub(crate) mod compile;
mod dates;
pub(crate) mod error;
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

use error::SoqlError;

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

/// Characters of a line shown before the place of an error, and behind it.
const BEFORE: usize = 35;
const BEHIND: usize = 40;
