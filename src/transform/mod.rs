//! A row in, a record out; pure: expressions, filters, value maps, and conversion to the field's type.
//!
//! Owns the language right of the colon (specification, "A field's value" and "Expressions"). Must not know files,
//! manifests, orgs or how rows are read: a row is anything that answers [`Row::cell`].
//!
//! ```text
//! text ─token─▶ tokens ─parser─▶ syntax tree ─check+arguments─▶ Tree ─┬─ native: constant, column, filters
//!                                                                    └─ expr: minijinja, one list per row
//! FieldRule + Tree ─program─▶ RowWorker ─▶ value ─rule (default, map, match)─▶ convert ─▶ RowOut
//! ```

mod alternatives;
mod arguments;
mod cell_out;
mod check;
mod checker;
mod compile;
mod convert;
mod dates;
mod datum;
mod expr;
mod fault;
mod filters;
mod keys;
mod length;
mod map;
mod native;
mod number;
mod operators;
mod parser;
mod primary;
mod program;
mod reading;
mod reference_key;
mod rule;
mod scope;
mod settle;
mod syntax;
#[cfg(test)]
mod tests;
mod token;
mod tree;

pub use alternatives::{AND, OR};
pub use cell_out::{CellOut, Link};
pub use checker::Kind;
pub use compile::{Class, Expr, ExprProblem, Role, compile, is_time_zone, together};
pub use dates::second;
pub use filters::{FILTERS, FilterDoc};
pub use map::{MapFault, ValueMap};
pub use program::{Reject, Row, RowOut, RowProgram, RowWorker, Verdict};
pub use reference_key::reference_text;
pub use rule::{
    Blank, Conversion, FieldRule, Fold, Inactive, Matcher, OnMissing, Only, Other, RefTarget, TableEntry,
    TooLong, TooPrecise, Unmapped, Value,
};
pub use scope::Scope;
