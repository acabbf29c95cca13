//! What the org's objects look like: standard ones, and what `org.yaml` adds to them.
//!
//! Owns the richer form of describe that an org needs (labels, defaults, rules). Must not know records, jobs or HTTP.

pub(crate) mod describe;
pub(crate) mod flags;
mod standard;
pub(crate) mod yaml;

use super::limit::Limits;
use super::rule::Rule;
use crate::local_org::auth::app::App;
use crate::model::{FieldType, KeyForm};
use flags::{Flag, Flags};
use std::sync::{Arc, OnceLock};

/// Minutes that a token is good for when nothing is said: Salesforce's own default.
///
/// Unconfirmed(session-end): real sessions are prolonged by use; choice: they end so long after they began.
const SESSION: u64 = 120;

/// The objects, users, queues and connected apps of an org, and what it allows.
#[derive(Debug, Clone)]
pub struct Schema {
    pub(crate) objects: Vec<Object>,
    pub(crate) users: Vec<User>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) assignment_rules: Vec<AssignmentRule>,
    /// DeveloperNames of territories; an account for which territory rules run belongs to all of them.
    pub(crate) territories: Vec<String>,
    pub(crate) apps: Vec<App>,
    pub(crate) limits: Limits,
    /// How long a token is good for.
    pub(crate) session_minutes: u64,
}

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) plural: String,
    /// Custom objects get theirs from the store, when the org opens.
    pub(crate) prefix: String,
    /// describe's flags of the object, by name.
    pub(crate) is: Vec<String>,
    pub(crate) fields: Vec<Field>,
    /// DeveloperNames.
    pub(crate) record_types: Vec<String>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) custom: bool,
    /// What describe says of the fields, which does not change once an org is open: most of a long text, put together
    /// at the first question.
    pub(crate) fields_told: Arc<OnceLock<String>>,
}

/// One field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) kind: FieldType,
    pub(crate) length: u32,
    pub(crate) precision: u32,
    pub(crate) scale: u32,
    pub(crate) digits: u32,
    pub(crate) flags: Flags,
    pub(crate) to: Vec<String>,
    pub(crate) relationship: Option<String>,
    /// What the parent calls the children that this field makes, `Contacts`.
    pub(crate) child: Option<String>,
    /// What becomes of a record when the one that this field names is deleted; the look-up is emptied where nothing
    /// is said.
    pub(crate) gone: Option<Gone>,
    /// 0 for a master-detail field.
    pub(crate) order: Option<u8>,
    pub(crate) compound: Option<String>,
    pub(crate) extra: Option<String>,
    pub(crate) controller: Option<String>,
    pub(crate) default: Option<String>,
    /// Value and label.
    pub(crate) values: Vec<(String, String)>,
    /// Pattern of an auto number, `A-{0000}`.
    pub(crate) number_format: Option<String>,
}

/// What becomes of a child when its parent is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Gone {
    /// It is deleted too.
    Cascade,
    /// It keeps the parent from being deleted.
    Restrict,
}

/// A user of `org.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) employee_number: Option<String>,
    pub(crate) federation_id: Option<String>,
    pub(crate) active: bool,
}

/// A queue of `org.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) objects: Vec<String>,
}

/// An assignment rule of `org.yaml`: it gives every record that it is run on to one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AssignmentRule {
    pub(crate) name: String,
    /// Case or Lead.
    pub(crate) object: String,
    /// DeveloperName of a queue, or a username.
    pub(crate) owner: String,
    /// Whether it is the one that runs where none is named.
    pub(crate) active: bool,
}

/// What a field's name and the folded copy of its values differ by.
pub(crate) const KEY: &str = "#key";

/// The user that always exists.
pub(crate) const ADMIN: &str = "admin@local.invalid";

impl Schema {
    /// The standard objects alone.
    pub fn standard() -> Self {
        Self {
            objects: standard::objects(),
            users: Vec::new(),
            queues: Vec::new(),
            assignment_rules: Vec::new(),
            territories: Vec::new(),
            apps: Vec::new(),
            limits: Limits::default(),
            session_minutes: SESSION,
        }
    }

    /// Position of an object, by name in any letter case.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.objects.iter().position(|o| o.name.eq_ignore_ascii_case(name))
    }

    /// An object, by name in any letter case.
    pub(crate) fn object(&self, name: &str) -> Option<&Object> {
        self.objects.iter().find(|o| o.name.eq_ignore_ascii_case(name))
    }

    /// The object whose ids begin like this one.
    pub(crate) fn by_prefix(&self, id: &str) -> Option<&Object> {
        let prefix = id.get(..3)?;
        self.objects.iter().find(|o| o.prefix == prefix)
    }

    /// Fields that point at an object: child object and field.
    pub(crate) fn children<'a>(&'a self, parent: &'a str) -> impl Iterator<Item = (&'a Object, &'a Field)> {
        self.objects.iter().flat_map(move |o| {
            o.fields.iter().filter(move |f| f.to.iter().any(|t| t == parent)).map(move |f| (o, f))
        })
    }

    /// The child object and its field that a parent calls by this name, in any letter case.
    pub(crate) fn child<'a>(&'a self, parent: &'a Object, name: &str) -> Option<(&'a Object, &'a Field)> {
        self.children(&parent.name)
            .find(|(_, field)| field.child_name().is_some_and(|n| n.eq_ignore_ascii_case(name)))
    }
}

impl Object {
    /// Position of a field, by name in any letter case.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name.eq_ignore_ascii_case(name))
    }

    /// A field, by name in any letter case.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.position(name).map(|i| &self.fields[i])
    }

    /// The field that holds this relationship's parent.
    pub(crate) fn relationship(&self, name: &str) -> Option<usize> {
        self.fields
            .iter()
            .position(|f| f.relationship.as_deref().is_some_and(|r| r.eq_ignore_ascii_case(name)))
    }

    /// Whether describe says this of the object.
    pub(crate) fn is(&self, flag: &str) -> bool {
        self.is.iter().any(|f| f == flag)
    }
}

impl Field {
    /// A field with nothing set but its name, label and type.
    pub(crate) fn plain(name: &str, label: &str, kind: FieldType) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind,
            length: 0,
            precision: 0,
            scale: 0,
            digits: 0,
            flags: Flags::default(),
            to: Vec::new(),
            relationship: None,
            child: None,
            gone: None,
            order: None,
            compound: None,
            extra: None,
            controller: None,
            default: None,
            values: Vec::new(),
            number_format: None,
        }
    }

    /// Whether describe says this of the field.
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags.has(flag)
    }

    /// Whether a new record must carry it.
    pub(crate) fn required(&self) -> bool {
        self.has(Flag::Createable)
            && !self.has(Flag::Nillable)
            && !self.has(Flag::DefaultedOnCreate)
            && self.kind != FieldType::Boolean
    }

    /// Whether records can be found by it: in upserts and relationship columns.
    pub(crate) fn is_key(&self) -> bool {
        self.kind == FieldType::Id || self.has(Flag::ExternalId) || self.has(Flag::IdLookup)
    }

    /// Whether its values are text.
    pub(crate) fn is_text(&self) -> bool {
        use FieldType::{
            Combobox, Email, EncryptedString, MultiPicklist, Phone, Picklist, String, TextArea, Url,
        };
        let plain = matches!(self.kind, String | TextArea | Phone | Url | Email | EncryptedString);
        plain || matches!(self.kind, Picklist | MultiPicklist | Combobox)
    }

    /// Whether a folded copy of its values is kept beside it, with an index.
    pub(crate) fn keyed(&self) -> bool {
        self.is_text() && (self.is_key() || self.has(Flag::Unique))
    }

    /// The name by which a parent's children are called, where they have one. A custom field's is made from its own
    /// name: `Account__c` gives `Account__r`.
    pub(crate) fn child_name(&self) -> Option<String> {
        let custom = || self.has(Flag::Custom).then(|| format!("{}__r", self.name.trim_end_matches("__c")));
        self.child.clone().or_else(custom)
    }

    /// The form in which two keys of this field are the same, whatever its type.
    pub(crate) fn same(&self, raw: &str) -> String {
        use FieldType::{Currency, Double, Id, Int, Long, Percent};
        match self.kind {
            Id => crate::local_org::text::full_id(raw.trim()).unwrap_or_else(|| raw.to_owned()),
            Double | Currency | Percent | Int | Long => KeyForm::Number.canonical(raw).into_owned(),
            _ if self.tells_case() => raw.trim().to_owned(),
            _ => self.key_of(raw),
        }
    }

    /// Whether records are told apart by the letter case of this key: of an external id that is not unique, or is unique
    /// with regard to it (SOAP guide, upsert). SOQL still finds them without regard to case.
    pub(crate) fn tells_case(&self) -> bool {
        self.has(Flag::CaseSensitive) || (self.has(Flag::ExternalId) && !self.has(Flag::Unique))
    }

    /// The form in which SOQL finds two texts of this field the same.
    pub(crate) fn key_of(&self, text: &str) -> String {
        let trimmed = text.trim();
        if self.has(Flag::CaseSensitive) { trimmed.to_owned() } else { trimmed.to_lowercase() }
    }

    /// The column to look keys up in.
    pub(crate) fn key_column(&self) -> String {
        if self.keyed() { format!("{}{KEY}", self.name) } else { self.name.clone() }
    }
}
