//! The syntax tree of an expression: Jinja's grammar, less what a manifest may not use.
//!
//! Read by `parser.rs`. Knows no columns, filters or types; those are judged in `check.rs`.

use std::ops::Range;

/// A part of an expression and where it stands, in characters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// What it is.
    pub(super) kind: NodeKind,
    /// Where it stands.
    pub(super) at: Range<usize>,
}

/// The kinds of node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NodeKind {
    /// A text between quotes.
    Text(String),
    /// A number, as written.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// `[a, b]`.
    List(Vec<Node>),
    /// A column: a bare name, or `row["Odd Name"]` (then not bare).
    Column {
        /// Its name.
        name: String,
        /// Whether it stood as a bare name.
        bare: bool,
    },
    /// `vars.name`.
    Var(String),
    /// `base | name(arguments)`.
    Filter(Box<Node>, Call),
    /// `base is name`.
    Test(Box<Node>, Call),
    /// `not a`.
    Not(Box<Node>),
    /// `-a`.
    Negative(Box<Node>),
    /// `a and b and …`.
    And(Vec<Node>),
    /// `a or b or …`.
    Or(Vec<Node>),
    /// `a ~ b ~ …`.
    Join(Vec<Node>),
    /// `a + b` and the other operators that calculate.
    Calculate(&'static str, Box<Node>, Box<Node>),
    /// `a == b` and the other operators that compare, `in` and `not in` among them.
    Compare(&'static str, Box<Node>, Box<Node>),
    /// `then if condition else otherwise`.
    If {
        /// Given where the condition holds.
        then: Box<Node>,
        /// The condition.
        condition: Box<Node>,
        /// Given where it does not; blank without it.
        otherwise: Option<Box<Node>>,
    },
}

impl Node {
    /// How tall the tree is.
    pub(super) fn depth(&self) -> usize {
        1 + self.parts().into_iter().map(Self::depth).max().unwrap_or(0)
    }

    fn parts(&self) -> Vec<&Node> {
        use NodeKind::*;
        match &self.kind {
            Text(_) | Number(_) | Bool(_) | Column { .. } | Var(_) => Vec::new(),
            List(parts) | And(parts) | Or(parts) | Join(parts) => parts.iter().collect(),
            Not(part) | Negative(part) => vec![part],
            Calculate(_, left, right) | Compare(_, left, right) => vec![left, right],
            Filter(base, call) | Test(base, call) => {
                std::iter::once(&**base).chain(call.arguments.iter().map(|(_, node)| node)).collect()
            }
            If { then, condition, otherwise } => [Some(then), Some(condition), otherwise.as_ref()]
                .into_iter()
                .flatten()
                .map(|part| &**part)
                .collect(),
        }
    }
}

/// A filter's or a test's name with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// Its name.
    pub(super) name: String,
    /// Where the name stands.
    pub(super) at: Range<usize>,
    /// Arguments in order; a named one carries its name.
    pub(super) arguments: Vec<(Option<String>, Node)>,
}

/// Words that are no column names.
pub(super) const RESERVED: &[&str] =
    &["not", "true", "false", "none", "True", "False", "None", "row", "vars"];
/// Words of the grammar: no column can be written bare by these names either.
pub(super) const GRAMMAR: &[&str] = &["and", "or", "in", "is", "if", "else"];
