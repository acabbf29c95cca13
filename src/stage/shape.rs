//! What the row path needs to know of a load: how its rows become records, and what each field is to hashes,
//! references and headers.

use super::record::action;
use crate::manifest::Operation;
use crate::model::{KeyForm, KeyHash};
use crate::source::CsvFormat;
use crate::transform::{OnMissing, Only, RowProgram};

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
    /// The rules that are references, by field name.
    pub references: Vec<ReferenceShape>,
    /// What rows with the same key come to.
    pub duplicates: crate::manifest::Duplicates,
    /// How rows are written.
    pub operation: Operation,
}

impl Shape {
    /// Whether rows that the org has already go by the record's Id, not by key.
    pub fn by_id(&self) -> bool {
        self.operation != Operation::Upsert
    }

    /// Whether rows that the org has already go in jobs of their own, because their columns or operation differ.
    pub fn splits(&self) -> bool {
        self.by_id() || self.rules.iter().any(|r| r.create_only || r.only != Only::Always)
    }

    /// Whether rows that do this name their record by its Id.
    pub fn sends_id(&self, what: u8) -> bool {
        match what {
            action::REFERENCES | action::DELETE => true,
            action::UPDATE => self.by_id(),
            _ => false,
        }
    }

    /// The reference that a rule is, if it is one.
    pub fn reference_of(&self, rule: usize) -> Option<usize> {
        self.references.iter().position(|r| r.rule == rule)
    }
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
}

impl ReferenceShape {
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
