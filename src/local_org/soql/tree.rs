//! The tree of a query, as written: nothing is resolved here.

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
    /// A field, with the alias that only grouped queries may give it.
    Field { path: Path, alias: Option<String> },
    /// `toLabel(field)`.
    Label { path: Path, alias: Option<String> },
    /// `COUNT(field) alias` and its like.
    Call { call: Call, alias: Option<String> },
    /// `FIELDS(ALL)`.
    Fields { group: Group, at: usize },
    /// `(SELECT … FROM Contacts)`.
    Children(Box<Query>),
    /// `TYPEOF What WHEN Account THEN Phone ELSE Name END`.
    TypeOf { path: Path, cases: Vec<(Path, Vec<Path>)>, otherwise: Vec<Path> },
}

/// A function over many rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) path: Path,
    pub(super) at: usize,
}

/// The functions over many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

impl Function {
    /// The function of this name.
    pub(super) fn parse(word: &str) -> Option<Self> {
        const ALL: [Function; 6] = [
            Function::Count,
            Function::CountDistinct,
            Function::Sum,
            Function::Avg,
            Function::Min,
            Function::Max,
        ];
        ALL.into_iter().find(|f| f.word().eq_ignore_ascii_case(word))
    }

    /// Its name in SOQL.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::CountDistinct => "COUNT_DISTINCT",
            Self::Sum => "SUM",
            Self::Avg => "AVG",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }
}

/// What `FIELDS()` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    All,
    Standard,
    Custom,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// Empty for `COUNT()`.
    pub(super) items: Vec<Item>,
    pub(super) object: Path,
    pub(super) alias: Option<String>,
    pub(super) condition: Option<Condition>,
    pub(super) group: Vec<Path>,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<u64>,
    pub(super) offset: Option<u64>,
    /// Where `ALL ROWS` stands.
    pub(super) all_rows: Option<usize>,
}

/// What rows must meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        path: Path,
        operator: Operator,
        value: Literal,
    },
    In {
        path: Path,
        not: bool,
        values: Vec<Literal>,
    },
    /// INCLUDES, or EXCLUDES.
    Includes {
        path: Path,
        not: bool,
        values: Vec<Literal>,
    },
    /// `IN (SELECT …)`.
    Inside {
        path: Path,
        not: bool,
        query: Box<Query>,
    },
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
    /// `TODAY`, `LAST_N_DAYS:7`.
    Relative {
        word: String,
        count: Option<i32>,
    },
}

/// One part of ORDER BY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) by: By,
    pub(super) descending: bool,
    /// NULLS FIRST or LAST, when said.
    pub(super) nulls_first: Option<bool>,
}

/// What rows are put in order by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum By {
    Field(Path),
    Call(Call),
}
