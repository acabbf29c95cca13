//! Tests of the room as a whole: every rule of the specification's "Expressions" and "A field's value".

mod expressions;
mod fields;
mod problems;
mod properties;
mod types;

use super::{Expr, ExprProblem, Role, Scope, compile};

/// The source all table tests read.
const COLUMNS: &[&str] = &[
    "customer_id",
    "name",
    "first",
    "middle",
    "last",
    "status",
    "amount",
    "other",
    "blank",
    "zero",
    "flag",
    "created",
    "email",
    "notes",
    "Odd Name",
    "not",
    "in",
    "1st",
];

fn scope() -> Scope {
    Scope {
        columns: Some(COLUMNS.iter().map(|c| (*c).to_owned()).collect()),
        vars: [
            ("default_owner", "ada@acme.example"),
            ("cutoff", "2020-01-01"),
            ("fmt", "%d/%m/%Y"),
            ("empty", ""),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into(),
        timezone: None,
    }
}

fn try_compile(text: &str) -> Result<Expr, Vec<ExprProblem>> {
    compile(text, &scope(), Role::Value)
}

/// What an expression gives over cells written `column=text`.
fn evaluate(text: &str, cells: &[(&str, &str)]) -> Result<Option<String>, String> {
    let expr = try_compile(text).map_err(|problems| format!("does not compile: {problems:?}"))?;
    expr.evaluate(&|column| cells.iter().find(|(name, _)| *name == column).map_or("", |(_, text)| *text))
}
