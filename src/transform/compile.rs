//! The door to expressions: text and scope in, a checked [`Expr`] or all its problems out.

use super::alternatives::OR;
use super::check::{is_bare, written};
use super::checker::{Checker, Kind};
use super::dates::Zone;
use super::datum::Datum;
use super::fault::Fault;
use super::native::{self, Cells};
use super::scope::Scope;
use super::token::Trouble;
use super::tree::Tree;
use super::{expr, parser};
use crate::diagnostic::{Code, Severity};
use std::ops::Range;
use std::sync::Arc;

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A field's value.
    Value,
    /// `where` or `when`.
    Condition,
}

/// How an expression is evaluated, from quick to slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The same for every row.
    Constant,
    /// A column as it is.
    Column,
    /// Filters on columns, and joins of these, in native code.
    Filters,
    /// Anything else, by minijinja.
    Expression,
}

impl Class {
    /// The word shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Column => "column",
            Self::Filters => "filters",
            Self::Expression => "expression",
        }
    }
}

/// A problem of an expression; the place counts characters of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprProblem {
    /// Its code.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// Where, in characters of the text.
    pub at: Range<usize>,
}

/// A compiled and checked expression. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Expr(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    text: String,
    columns: Vec<String>,
    tree: Tree,
    kind: Kind,
    warnings: Vec<ExprProblem>,
    /// The alternatives that it is made of, if it is.
    parts: Vec<Expr>,
}

/// Compiles an expression. Warnings alone do not stop it; they stay in [`Expr::warnings`].
pub fn compile(text: &str, scope: &Scope, role: Role) -> Result<Expr, Vec<ExprProblem>> {
    compile_parts(text, scope, role)
        .map_err(|problems| odd_column(text, scope).map_or(problems, |odd| vec![odd]))
}

fn compile_parts(text: &str, scope: &Scope, role: Role) -> Result<Expr, Vec<ExprProblem>> {
    let node = parser::parse(text).map_err(|trouble| vec![problem(Severity::Error, trouble)])?;
    let mut checker = Checker::new(scope, text);
    let (tree, kind) = checker.check(&node);
    if role == Role::Condition && kind == Kind::List {
        checker.error(Trouble::new(Code::WrongValue, node.at.clone(), "a condition is no list"));
    }
    let columns = std::mem::take(&mut checker.columns);
    let problems: Vec<ExprProblem> =
        checker.troubles.into_iter().map(|(severity, trouble)| problem(severity, trouble)).collect();
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    if !tree.is_native() && !expr::accepts(&tree) {
        return Err(vec![problem(Severity::Error, parser::too_complex(node.at))]);
    }
    let tree = settled(tree, &columns).map_err(|fault| {
        let message = format!("this can never be evaluated: {}", fault.words());
        vec![problem(Severity::Error, Trouble::new(Code::WrongValue, node.at.clone(), message))]
    })?;
    Ok(Expr(Arc::new(Inner {
        text: text.to_owned(),
        columns,
        tree,
        kind,
        warnings: problems,
        parts: Vec::new(),
    })))
}

fn problem(severity: Severity, trouble: Trouble) -> ExprProblem {
    let Trouble { code, message, help, at } = trouble;
    ExprProblem { code, severity, message, help, at }
}

/// An expression without columns is evaluated now: it is the same for every row.
fn settled(tree: Tree, columns: &[String]) -> Result<Tree, Fault> {
    if !columns.is_empty() {
        return Ok(tree);
    }
    expr::evaluate(&tree, &Named(&|_| "", columns)).map(Tree::Const)
}

/// The whole text is the name of a column that cannot stand bare.
fn odd_column(text: &str, scope: &Scope) -> Option<ExprProblem> {
    let name = text.trim();
    let columns = scope.columns.as_ref()?;
    let odd = !is_bare(name) && columns.iter().any(|column| column == name);
    odd.then(|| {
        let at = 0..text.chars().count().max(1);
        let trouble = Trouble::new(
            Code::ExpressionSyntax,
            at,
            format!("the column `{name}` cannot stand as a bare name"),
        );
        problem(Severity::Error, trouble.help(format!("write `{}`", written(name))))
    })
}

/// Several expressions as one that gives their texts with `mark` between them, blank ones as nothing. `shown` is its
/// text to people.
///
/// # Errors
/// When they are too much for one expression.
pub fn together(parts: &[&Expr], mark: char, shown: &str, scope: &Scope) -> Result<Expr, Vec<ExprProblem>> {
    if let [only] = parts {
        return Ok((*only).clone());
    }
    let all: Vec<String> = parts.iter().map(|part| format!("(({}) | default(\"\"))", part.text())).collect();
    let Expr(whole) = compile(&all.join(&format!(" ~ \"{mark}\" ~ ")), scope, Role::Value)?;
    let Inner { columns, tree, kind, .. } = &*whole;
    let (columns, tree, kind) = (columns.clone(), tree.clone(), *kind);
    // Alternatives are evaluated one by one: the fault of one is nothing to those before it.
    let parts = if mark == OR { parts.iter().map(|part| (*part).clone()).collect() } else { Vec::new() };
    Ok(Expr(Arc::new(Inner { text: shown.to_owned(), columns, tree, kind, warnings: Vec::new(), parts })))
}

/// Whether the bundled data has a time zone of this name.
pub fn is_time_zone(name: &str) -> bool {
    Zone::named(name).is_some()
}

impl Expr {
    /// As written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The alternatives that it is made of, where it stands for the first of several.
    pub(super) fn parts(&self) -> &[Expr] {
        &self.0.parts
    }

    /// The columns it reads, in order of first use.
    pub fn columns(&self) -> &[String] {
        &self.0.columns
    }

    /// How it is evaluated.
    pub fn class(&self) -> Class {
        match &self.0.tree {
            Tree::Const(_) => Class::Constant,
            Tree::Column(_) => Class::Column,
            tree if tree.is_native() => Class::Filters,
            _ => Class::Expression,
        }
    }

    /// What kind of value it gives.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether a datetime field that takes it depends on the source's time zone: its text may say no offset.
    pub fn needs_zone(&self) -> bool {
        !matches!(self.0.kind, Kind::DateTime) && self.class() != Class::Constant
    }

    /// What it gives for every row, where it reads no column; empty for a blank.
    pub fn constant(&self) -> Option<String> {
        match &self.0.tree {
            Tree::Const(datum) => Some(datum.clone().into_text().into_owned()),
            _ => None,
        }
    }

    /// What deserves a word but stops nothing.
    pub fn warnings(&self) -> &[ExprProblem] {
        &self.0.warnings
    }

    /// Evaluates it by minijinja over cells given by column name: for examples, tests and single questions. `None`
    /// is blank; the error never contains a cell.
    pub fn evaluate<'r>(&self, cell: &dyn Fn(&str) -> &'r str) -> Result<Option<String>, String> {
        let datum = self.evaluate_datum(cell).map_err(|fault| fault.words().to_owned())?;
        let text = datum.into_text();
        Ok((!text.is_empty()).then(|| text.into_owned()))
    }

    /// The same, before it becomes text.
    pub(super) fn evaluate_datum<'r>(&self, cell: &dyn Fn(&str) -> &'r str) -> Result<Datum<'static>, Fault> {
        expr::evaluate(&self.0.tree, &Named(cell, &self.0.columns))
    }

    /// What is evaluated; columns are numbered as in [`Expr::columns`].
    pub(super) fn tree(&self) -> &Tree {
        &self.0.tree
    }
}

/// Cells given by column name.
struct Named<'f, 'r>(&'f dyn Fn(&str) -> &'r str, &'f [String]);

impl Cells for Named<'_, '_> {
    fn text(&self, column: usize) -> &str {
        self.1.get(column).map_or("", |name| native::seen((self.0)(name)))
    }
}
