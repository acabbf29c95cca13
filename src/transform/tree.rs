//! An expression after all checks: names resolved, filters with their arguments read. What is evaluated.
//!
//! Two readers: `native.rs` evaluates the simple ones, `expr.rs` writes any of them as a minijinja expression.

use super::dates::{Pattern, Zone};
use super::datum::Datum;
use super::reading::Marks;

/// A checked expression.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// A value that is the same for every row.
    Const(Datum<'static>),
    /// A column, by its number: in the expression's own list, or in the source once bound.
    Column(usize),
    /// A filter of ours.
    Apply(Box<Tree>, Filter),
    /// `is blank`.
    Blank(Box<Tree>),
    /// `not`.
    Not(Box<Tree>),
    /// `-`.
    Negative(Box<Tree>),
    /// `and`.
    And(Vec<Tree>),
    /// `or`.
    Or(Vec<Tree>),
    /// `~`.
    Join(Vec<Tree>),
    /// Any other operator between two.
    Two(Operator, Box<Tree>, Box<Tree>),
    /// `then if condition else otherwise`, in this order.
    If(Box<[Tree; 3]>),
    /// `[…]`.
    List(Vec<Tree>),
}

/// An operator between two values, all of which are missing where one of the two is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are their meaning")]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

impl Operator {
    /// As written in a manifest, and the name it has inside minijinja.
    pub(super) const NAMES: &[(&str, &str, Operator)] = &[
        ("+", "_add", Self::Add),
        ("-", "_subtract", Self::Subtract),
        ("*", "_multiply", Self::Multiply),
        ("/", "_divide", Self::Divide),
        ("//", "_floor_divide", Self::FloorDivide),
        ("%", "_remainder", Self::Remainder),
        ("**", "_power", Self::Power),
        ("==", "_equal", Self::Equal),
        ("!=", "_unequal", Self::Unequal),
        ("<", "_less", Self::Less),
        ("<=", "_less_or_equal", Self::LessOrEqual),
        (">", "_greater", Self::Greater),
        (">=", "_greater_or_equal", Self::GreaterOrEqual),
        ("in", "_in", Self::In),
        ("not in", "_not_in", Self::NotIn),
    ];

    /// From its mark.
    pub(super) fn parse(mark: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(m, _, _)| *m == mark).map(|(_, _, operator)| *operator)
    }

    /// Its name inside minijinja.
    pub(super) fn inner_name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, _, o)| *o == self).map_or("", |(_, name, _)| name)
    }
}

/// A filter with its arguments.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    /// `trim`
    Trim,
    /// `squish`
    Squish,
    /// `lower`
    Lower,
    /// `upper`
    Upper,
    /// `title`
    Title,
    /// `digits`
    Digits,
    /// `default(value)`
    Default(Box<Tree>),
    /// `replace(old, new)`
    Replace(Box<[Tree; 2]>),
    /// `truncate(n)`
    Truncate(usize),
    /// `number(thousands, decimal, currency)`
    Number(Marks),
    /// `date(format)`
    Date(Option<Pattern>),
    /// `datetime(format, zone)`
    DateTime(Option<Pattern>, Option<Zone>),
    /// `bool`
    Bool,
}

impl Tree {
    /// The same tree with other column numbers.
    pub(super) fn with_columns(&self, number: &dyn Fn(usize) -> usize) -> Tree {
        let again = |tree: &Tree| tree.with_columns(number);
        let boxed = |tree: &Tree| Box::new(again(tree));
        let all = |trees: &[Tree]| trees.iter().map(again).collect::<Vec<_>>();
        match self {
            Self::Const(datum) => Self::Const(datum.clone()),
            Self::Column(column) => Self::Column(number(*column)),
            Self::Apply(base, Filter::Default(other)) => {
                Self::Apply(boxed(base), Filter::Default(boxed(other)))
            }
            Self::Apply(base, Filter::Replace(texts)) => {
                Self::Apply(boxed(base), Filter::Replace(Box::new([again(&texts[0]), again(&texts[1])])))
            }
            Self::Apply(base, filter) => Self::Apply(boxed(base), filter.clone()),
            Self::Blank(tree) => Self::Blank(boxed(tree)),
            Self::Not(tree) => Self::Not(boxed(tree)),
            Self::Negative(tree) => Self::Negative(boxed(tree)),
            Self::And(trees) => Self::And(all(trees)),
            Self::Or(trees) => Self::Or(all(trees)),
            Self::Join(trees) => Self::Join(all(trees)),
            Self::List(trees) => Self::List(all(trees)),
            Self::Two(operator, left, right) => Self::Two(*operator, boxed(left), boxed(right)),
            Self::If(parts) => Self::If(Box::new([again(&parts[0]), again(&parts[1]), again(&parts[2])])),
        }
    }

    /// Whether native code can evaluate it: constants, columns, filters on these, and joins of all that.
    pub(super) fn is_native(&self) -> bool {
        match self {
            Self::Const(_) | Self::Column(_) => true,
            Self::Join(parts) => parts.iter().all(Self::is_native),
            Self::Apply(base, filter) => {
                base.is_native()
                    && match filter {
                        Filter::Default(other) => other.is_native(),
                        Filter::Replace(texts) => texts.iter().all(Self::is_native),
                        _ => true,
                    }
            }
            _ => false,
        }
    }
}
