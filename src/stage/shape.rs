//! What the row path needs to know of a load: how its rows become records, and what each field is to hashes,
//! references and headers.

use super::decision::action;
use crate::manifest::Operation;
use crate::model::{KeyForm, KeyHash};
use crate::source::CsvFormat;
use crate::transform::{CellOut, Link, OnMissing, Only, RowProgram};
use std::ops::Range;

/// A load, ready for its rows.
pub struct Shape {
    /// Its place in the manifest.
    pub load: u16,
    /// Its name.
    pub name: String,
    /// The object, as an index into the list of objects that are loaded.
    pub object: usize,
    /// The key field.
    pub key_field: String,
    /// The rule that makes the key.
    pub key_rule: usize,
    /// How keys are compared.
    pub key_form: KeyForm,
    /// The source files, in order.
    pub paths: Vec<String>,
    /// How they are written.
    pub format: CsvFormat,
    /// The header's columns.
    pub columns: Vec<String>,
    /// Turns a row into cells, one for each rule.
    pub program: RowProgram,
    /// The rules, by field name.
    pub rules: Vec<RuleShape>,
    /// The rules that are references, by field name; then what else a chain may come to.
    pub references: Vec<ReferenceShape>,
    /// The fields that hold the first of several things of which one is a reference.
    pub chains: Vec<Chain>,
    /// What rows with the same key come to.
    pub duplicates: crate::manifest::Duplicates,
    /// How rows are written.
    pub operation: Operation,
    /// The names of the objects that are loaded.
    pub objects: Vec<String>,
    /// Whether an assignment rule runs on the records that it creates, and on no others.
    pub assigns: bool,
    /// Levels of its hierarchy that are loaded one after the other, where deeper rows can be filled later.
    pub levels: u32,
}

impl Shape {
    /// The path of a file of its source.
    pub(super) fn path(&self, file: u16) -> &str {
        self.paths.get(usize::from(file)).map_or("", String::as_str)
    }

    /// The name of an object, by its number.
    pub fn object_name(&self, object: usize) -> &str {
        self.objects.get(object).map_or("", String::as_str)
    }

    /// The references that a record which is there already gets, or one that is created, a bit each.
    pub fn sent(&self, creates: bool) -> u64 {
        let sent = |r: &ReferenceShape| match self.rules[r.rule].only {
            Only::Always => true,
            Only::Create => creates,
            Only::Update => !creates,
        };
        bits(self.references.iter().map(sent))
    }

    /// The references that a second pass can fill, a bit each.
    pub fn deferrable(&self) -> u64 {
        bits(self.references.iter().map(|r| r.deferrable))
    }

    /// Whether rows that the org has already go by the record's Id, not by key.
    pub fn by_id(&self) -> bool {
        self.operation != Operation::Upsert
    }

    /// Whether rows that the org has already go in jobs of their own, because their columns or operation differ.
    pub fn splits(&self) -> bool {
        self.by_id() || self.assigns || self.rules.iter().any(|r| r.create_only || r.only != Only::Always)
    }

    /// Whether rows that do this name their record by its Id.
    pub fn sends_id(&self, what: u8) -> bool {
        match what {
            action::REFERENCES | action::DELETE => true,
            action::UPDATE => self.by_id(),
            _ => false,
        }
    }

    /// The references that stand in chains, a bit each.
    pub fn chained(&self) -> u64 {
        self.chains.iter().fold(0, |all, chain| all | chain.all)
    }

    /// References that a blank empties, a bit each.
    pub(super) fn clearing(&self) -> u64 {
        bits(self.references.iter().map(|r| r.clears))
    }

    /// References of a rule, a bit each: several where it is a chain.
    pub(super) fn references_of(&self, rule: usize) -> u64 {
        bits(self.references.iter().map(|r| r.rule == rule))
    }

    /// The reference that a rule is, if it is one.
    pub fn reference_of(&self, rule: usize) -> Option<usize> {
        self.references.iter().position(|r| r.rule == rule)
    }
}

/// A bit for each that holds.
fn bits(all: impl Iterator<Item = bool>) -> u64 {
    all.enumerate().filter(|(_, holds)| *holds).fold(0, |bits, (at, _)| bits | 1 << at)
}

/// A rule as hashes and payloads see it.
pub struct RuleShape {
    /// The field.
    pub field: String,
    /// When it is sent.
    pub only: Only,
    /// Whether the org takes it on create alone (describe: createable, not updateable).
    pub create_only: bool,
    /// Its column.
    pub header: Header,
}

/// The column of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// The field itself, holding a value or an Id.
    Field(String),
    /// A relationship column, holding the parent's key: `Account.Legacy_Id__c`.
    Relationship(String),
}

impl Header {
    /// The text of the header cell.
    pub fn text(&self) -> &str {
        match self {
            Self::Field(text) | Self::Relationship(text) => text,
        }
    }
}

/// A rule that is a reference.
#[derive(Debug, Clone)]
pub struct ReferenceShape {
    /// The rule.
    pub rule: usize,
    /// The field.
    pub field: String,
    /// The objects it can point to and how their keys are compared, in the order of the rule's targets.
    pub targets: Vec<(usize, KeyForm)>,
    /// What a row does whose parent is nowhere.
    pub on_missing: OnMissing,
    /// The parent's key to use where nothing matched.
    pub fallback: Option<String>,
    /// Whether the cell holds the parent's Id, not its key: more than one target.
    pub by_id: bool,
    /// Whether it can be filled in a second pass.
    pub deferrable: bool,
    /// Whether a blank removes what the org has: never left for a second pass, which only fills.
    pub clears: bool,
    /// What it is of its field.
    pub seat: Seat,
}

/// What a reference is of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// All of it.
    Alone,
    /// A link of a chain: a [`Link::Ref`] with this seat.
    Link(usize),
    /// No reference at all, but what ends a chain and is always there: a [`Link::Last`], by the fallback or not.
    Last {
        /// Whether the fallback came to it.
        fallback: bool,
    },
}

/// A field that holds the first of several things of which one is a reference. The lower bit comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The field's rule.
    pub rule: usize,
    /// Its links among the load's references, a bit each.
    pub all: u64,
    /// Those of them that look for the fallback.
    pub fallbacks: u64,
    /// Those of them that stand for the fallback: they look for it, or are what it came to.
    pub instead: u64,
    /// What a row does for which none of them is there.
    pub on_missing: OnMissing,
}

impl ReferenceShape {
    /// The parent's target and key in a row's cell.
    pub fn key_in<'c>(&self, cell: &'c CellOut) -> Option<(usize, &'c Range<usize>)> {
        let link = |links: &'c [Link], wanted: usize| {
            links.iter().find_map(|link| match link {
                Link::Ref { seat, target, key } if *seat == wanted => Some((*target, key)),
                _ => None,
            })
        };
        match (cell, self.seat) {
            (CellOut::Ref { target, key }, Seat::Alone) => Some((*target, key)),
            (CellOut::Chain(links), Seat::Link(seat)) => link(links, seat),
            _ => None,
        }
    }

    /// Whether it is the end of a chain, and the row's chain has one.
    pub fn ends(&self, cell: &CellOut) -> bool {
        let CellOut::Chain(links) = cell else { return false };
        match (self.seat, links.last()) {
            (Seat::Last { fallback }, Some(Link::Last { fallback: found, .. })) => fallback == *found,
            _ => false,
        }
    }

    /// Whether it points to records of this object.
    pub fn points_to(&self, object: usize) -> bool {
        self.targets.iter().any(|(o, _)| *o == object)
    }

    /// The hash of the fallback's key, in its first target.
    pub fn fallback_hash(&self) -> Option<(usize, KeyHash)> {
        let (object, form) = self.targets.first()?;
        Some((*object, form.hash(self.fallback.as_deref()?)?))
    }
}
