//! A field's rule as data: its value and every policy of the specification's "A field's value".

use super::alternatives::{AND, OR};
use super::compile::Expr;
use super::map::ValueMap;
use crate::model::{FieldType, KeyForm, RecordId};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How one field of the org is filled.
#[derive(Debug, Clone)]
pub struct FieldRule {
    /// The field's API name.
    pub field: String,
    /// Where its value comes from.
    pub value: Value,
    /// Blanks the field where it does not hold.
    pub when: Option<Expr>,
    /// For blanks only.
    pub default: Option<String>,
    /// What a blank means.
    pub blank: Blank,
    /// Looked up before anything else.
    pub map: Option<ValueMap>,
    /// What becomes of a value that the map lacks, without a fallback.
    pub unmapped: Unmapped,
    /// For the unmatched only.
    pub fallback: Option<String>,
    /// What the value is looked up in.
    pub matcher: Matcher,
    /// What becomes of a value that nothing matches, without a fallback.
    pub on_missing: OnMissing,
    /// What becomes of a kind that a reference to several objects does not list.
    pub other: Other,
    /// The field's type.
    pub convert: Conversion,
    /// What becomes of a text that is too long.
    pub too_long: TooLong,
    /// What becomes of a number or a time that is finer than the field.
    pub too_precise: TooPrecise,
    /// Whether it makes the key of the load's records: it goes as it is, whatever the policies say.
    pub key: bool,
    /// When the field is sent.
    pub only: Only,
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub enum Value {
    /// The same text for every row.
    Const(String),
    /// An expression.
    Expr(Expr),
}

/// What a blank means to the org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blank {
    /// The org's value is left alone.
    #[default]
    Keep,
    /// The org's value is removed.
    Clear,
}

/// A value that the map lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unmapped {
    /// Rejects the row.
    #[default]
    Reject,
    /// Counts as blank.
    Blank,
    /// Goes on as it is.
    Pass,
}

/// A value that matches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnMissing {
    /// The row waits for its parent; for record types, users and queues it is rejected.
    #[default]
    Hold,
    /// Counts as blank.
    Blank,
    /// Rejects the row.
    Reject,
}

/// A kind that a reference to several objects does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Other {
    /// Rejects the row.
    #[default]
    Reject,
    /// Counts as blank.
    Blank,
}

/// A text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TooLong {
    /// Rejects the row.
    #[default]
    Reject,
    /// Is cut, and counted.
    Truncate,
}

/// A number with more decimals than the field keeps, or a time finer than a millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TooPrecise {
    /// Is rounded, and counted.
    #[default]
    Round,
    /// Rejects the row.
    Reject,
}

/// When a field is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Only {
    /// Always.
    #[default]
    Always,
    /// When the record is created.
    Create,
    /// When the record is updated.
    Update,
}

/// What an inactive user means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Inactive {
    /// As if there were no such user.
    #[default]
    Fallback,
    /// Rejects the row.
    Reject,
    /// Is used all the same.
    Keep,
}

/// What a value is looked up in.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Nothing.
    None,
    /// The records of an object, by key. Whether the parent is there is answered by whoever knows them.
    Ref {
        /// The objects; several when polymorphic.
        targets: Vec<RefTarget>,
        /// Picks the object by its tag, where there are several.
        type_expr: Option<Expr>,
    },
    /// A table of ids.
    Table {
        /// What its entries are: `record type`, `user`, `queue`.
        what: &'static str,
        /// By text in the form that `fold` gives.
        ids: Arc<BTreeMap<String, TableEntry>>,
        /// How texts are compared.
        fold: Fold,
    },
    /// The first of several that finds its own alternative of the value, which stand with [`OR`] between them. One
    /// that is nothing takes its alternative as it stands; whether a reference finds its own is not known here.
    FirstOf(Vec<Matcher>),
}

impl Matcher {
    /// Its tables of ids.
    pub fn tables(&self) -> Vec<(&'static str, &BTreeMap<String, TableEntry>, Fold)> {
        match self {
            Self::Table { what, ids, fold } => vec![(*what, ids.as_ref(), *fold)],
            Self::FirstOf(all) => all.iter().flat_map(Self::tables).collect(),
            Self::None | Self::Ref { .. } => Vec::new(),
        }
    }

    /// What its references point at, alone or among others, in their order: the objects, and what picks one of them.
    pub fn references(&self) -> Vec<(&[RefTarget], Option<&Expr>)> {
        match self {
            Self::Ref { targets, type_expr } => vec![(targets, type_expr.as_ref())],
            Self::FirstOf(all) => all.iter().flat_map(Self::references).collect(),
            Self::None | Self::Table { .. } => Vec::new(),
        }
    }

    /// Whether it is one of several of which one is a reference.
    pub fn chains(&self) -> bool {
        matches!(self, Self::FirstOf(all) if all.iter().any(|one| matches!(one, Self::Ref { .. })))
    }

    /// Itself, or those that are tried one after the other.
    pub fn each(&self) -> &[Matcher] {
        match self {
            Self::FirstOf(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// Whether a text asks for nothing.
    pub fn is_blank(&self, text: &str) -> bool {
        match self {
            Self::Table { .. } => text.split(AND).any(|part| part.trim().is_empty()),
            Self::FirstOf(all) => {
                let own: Vec<&str> = text.split(OR).collect();
                own.len() == all.len() && all.iter().zip(own).all(|(one, text)| one.is_blank(text))
            }
            Self::None | Self::Ref { .. } => text.trim().is_empty(),
        }
    }
}

/// An object that a reference can point to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefTarget {
    /// What the `type` expression gives for it.
    pub tag: Option<String>,
    /// The object's number, in the plan's own count.
    pub object: usize,
    /// How its keys are compared.
    pub form: KeyForm,
    /// The kind of its key field: what refers to it is written as the key is.
    pub key: Conversion,
}

/// An entry of a table of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableEntry {
    /// One record.
    Id(String),
    /// Two or more.
    Ambiguous,
    /// One, but inactive.
    Inactive {
        /// Its id.
        id: String,
        /// What that means.
        policy: Inactive,
    },
}

/// How texts are compared with a table's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// As they are, after trimming.
    Exact,
    /// Without regard to case.
    Lower,
    /// Several parts, those of these numbers (a bit each) being Ids of 15 or 18 characters; the others as they are, or
    /// without regard to case.
    Ids {
        /// The parts that are Ids.
        ids: u64,
        /// Whether case matters in the others.
        exact: bool,
    },
    /// As user names: without regard to case, and to the `.invalid` that sandboxes append.
    User,
}

impl Fold {
    /// A text in the form that is compared.
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        let text = text.trim();
        // Each part of several is compared without space around it, as one is that stands alone.
        let parts = |fold: fn(&str) -> String| {
            let parts: Vec<String> = text.split(AND).map(|part| fold(part.trim())).collect();
            Cow::Owned(parts.join(&AND.to_string()))
        };
        match self {
            Self::Exact if text.contains(AND) => parts(str::to_owned),
            Self::Lower if text.contains(AND) => parts(str::to_lowercase),
            Self::Exact => Cow::Borrowed(text),
            Self::Lower => Cow::Owned(text.to_lowercase()),
            Self::Ids { ids, exact } => {
                let other = |part: &str| if exact { part.to_owned() } else { part.to_lowercase() };
                let one = |(at, part): (usize, &str)| match ids & 1 << (at % 64) {
                    0 => other(part.trim()),
                    _ => RecordId::parse(part.trim())
                        .map_or_else(|_| part.trim().to_owned(), |id| id.to_string()),
                };
                Cow::Owned(text.split(AND).enumerate().map(one).collect::<Vec<_>>().join(&AND.to_string()))
            }
            Self::User => {
                let mut lower = text.to_lowercase();
                if let Some(plain) = lower.strip_suffix(".invalid") {
                    lower.truncate(plain.len());
                }
                Cow::Owned(lower)
            }
        }
    }
}

/// The type a value is converted to, as describe tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conversion {
    /// Type.
    pub field_type: FieldType,
    /// Longest text in UTF-16 units; 0 where it does not apply.
    pub length: u32,
    /// Digits in all; 0 where it does not apply.
    pub precision: u32,
    /// Digits after the point.
    pub scale: u32,
    /// Digits of an int; 0 where it does not apply.
    pub digits: u32,
    /// The source's time zone, for values without an offset.
    pub timezone: Option<String>,
    /// The only values taken, where the picklist is restricted.
    pub restricted: Option<Arc<BTreeSet<String>>>,
}
