//! Scalars that hold expressions: compiled by `transform`, their problems told at the part that is meant.

use super::values::{is_stray, part, wrong};
use crate::diagnostic::Diagnostic;
use crate::transform::{Expr, ExprProblem, Role, Scope, compile};
use crate::yaml::{MapReader, Node};

/// Takes the expression under `key`.
pub(super) fn take_expression(
    reader: &mut MapReader<'_, '_>,
    key: &'static str,
    scope: &Scope,
    role: Role,
) -> Option<Expr> {
    let node = reader.take(key)?;
    expression(node, key, scope, role, reader.problems())
}

/// The expression that stands to the right of `key`.
pub(super) fn expression(
    node: &Node,
    key: &str,
    scope: &Scope,
    role: Role,
    problems: &mut Vec<Diagnostic>,
) -> Option<Expr> {
    if node.is_literal() || node.text().is_none() {
        let what = node.text().filter(|_| !node.is_nothing()).unwrap_or(node.what());
        let problem = wrong(node, format!("`{key}` must be an expression, not {}", quoted(node, what)));
        problems.push(problem.help_maybe(literal_help(node, scope, role)));
        return None;
    }
    compile_node(node, scope, role, problems)
}

fn quoted(node: &Node, what: &str) -> String {
    if node.text().is_some() && !node.is_nothing() { format!("`{what}`") } else { what.to_owned() }
}

/// What was probably meant by a number or a boolean.
fn literal_help(node: &Node, scope: &Scope, role: Role) -> Option<String> {
    let text = node.text().filter(|_| !node.is_nothing())?;
    let is_column = scope.columns.as_ref().is_some_and(|columns| columns.iter().any(|c| c == text));
    match role {
        _ if is_column => Some(format!("for the column write `row[\"{text}\"]`")),
        Role::Value => Some(format!("for a constant write `value: {text}`")),
        Role::Condition => None,
    }
}

/// Compiles a scalar. Nothing where that fails, which has been told.
pub(super) fn compile_node(
    node: &Node,
    scope: &Scope,
    role: Role,
    problems: &mut Vec<Diagnostic>,
) -> Option<Expr> {
    let text = node.text().filter(|text| !is_stray(text))?;
    match compile(text, scope, role) {
        Ok(expression) => {
            problems.extend(expression.warnings().iter().map(|warning| told(warning.clone(), node)));
            Some(expression)
        }
        Err(faults) => {
            problems.extend(faults.into_iter().map(|fault| told(fault, node)));
            None
        }
    }
}

fn told(fault: ExprProblem, node: &Node) -> Diagnostic {
    let problem = Diagnostic { severity: fault.severity, ..Diagnostic::error(fault.code, fault.message) };
    problem.at(&part(node, &fault.at)).help_maybe(fault.help)
}
