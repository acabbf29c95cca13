//! The tree of a query.

/// A dotted path of names with its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) names: Vec<String>,
    pub(super) at: usize,
}

impl Path {
    /// The path as written.
    pub(super) fn text(&self) -> String {
        self.names.join(".")
    }
}

/// What is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Field(Path),
    /// `COUNT(field) alias`.
    Count {
        path: Path,
        alias: Option<String>,
    },
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// Empty for `COUNT()`.
    pub(super) items: Vec<Item>,
    pub(super) object: Path,
    pub(super) alias: Option<String>,
    pub(super) condition: Option<Condition>,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<u64>,
    pub(super) offset: Option<u64>,
}

/// What rows must meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare { path: Path, operator: Operator, value: Literal },
    In { path: Path, not: bool, values: Vec<Literal> },
}

/// How a field is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) value: Value,
    pub(super) at: usize,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    /// The text between the quotes, escapes not yet resolved.
    Text(String),
    Number(String),
    /// A date, or a date with a time, as written.
    Moment(String),
}

/// One field of ORDER BY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) path: Path,
    pub(super) descending: bool,
    /// NULLS FIRST or LAST, when said.
    pub(super) nulls_first: Option<bool>,
}

impl Condition {
    /// The same condition with every path changed.
    pub(super) fn map_paths(&self, change: &dyn Fn(&Path) -> Path) -> Self {
        match self {
            Self::All(terms) => Self::All(terms.iter().map(|t| t.map_paths(change)).collect()),
            Self::Any(terms) => Self::Any(terms.iter().map(|t| t.map_paths(change)).collect()),
            Self::Not(inner) => Self::Not(Box::new(inner.map_paths(change))),
            Self::Compare { path, operator, value } => {
                Self::Compare { path: change(path), operator: *operator, value: value.clone() }
            }
            Self::In { path, not, values } => {
                Self::In { path: change(path), not: *not, values: values.clone() }
            }
        }
    }
}
