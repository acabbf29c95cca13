//! What an org's describe tells about its objects and fields, reduced to what planning and loading need.
//!
//! Facts: Salesforce's sObject Describe resource (reference F2). No wire format here.

use std::collections::BTreeMap;

/// The objects of an org that were described, by API name in lower case: names are compared without case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrgSchema {
    objects: BTreeMap<String, ObjectSchema>,
}

impl OrgSchema {
    /// Adds or replaces an object.
    pub fn insert(&mut self, object: ObjectSchema) {
        self.objects.insert(object.name.to_lowercase(), object);
    }

    /// The object of this name, in any letter case.
    pub fn object(&self, name: &str) -> Option<&ObjectSchema> {
        self.objects.get(&name.to_lowercase())
    }

    /// All objects, by name.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectSchema> {
        self.objects.values()
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectSchema {
    /// API name, in its own letter case.
    pub name: String,
    /// Label.
    pub label: String,
    /// The first three characters of its record ids, where it has records of its own.
    pub key_prefix: Option<String>,
    /// Records can be created.
    pub createable: bool,
    /// Records can be updated.
    pub updateable: bool,
    /// Records can be deleted.
    pub deletable: bool,
    /// Records can be queried.
    pub queryable: bool,
    /// Fields in describe's order.
    pub fields: Vec<FieldSchema>,
    /// Record types, the master one left out.
    pub record_types: Vec<RecordType>,
    /// Fields of other objects, and of its own, that point to its records.
    pub children: Vec<ChildField>,
}

/// A field that points to an object's records, and what becomes of a record that has one in it when that is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChildField {
    /// The object that has the field.
    pub object: String,
    /// The field.
    pub field: String,
    /// What becomes of its record.
    pub fate: ChildFate,
}

/// What becomes of a record when the one that it points to is deleted (reference F2, childRelationships).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChildFate {
    /// It is deleted too: `cascadeDelete`.
    Goes,
    /// It keeps the other from being deleted: `restrictedDelete`.
    Keeps,
    /// Its field is emptied.
    LosesIt,
}

impl ObjectSchema {
    /// The field of this name, in any letter case.
    pub fn field(&self, name: &str) -> Option<&FieldSchema> {
        self.fields.iter().find(|f| f.name.eq_ignore_ascii_case(name))
    }
}

/// A record type of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordType {
    /// DeveloperName.
    pub developer_name: String,
    /// 18 characters.
    pub id: String,
    /// Whether it is active.
    pub active: bool,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSchema {
    /// API name, in its own letter case.
    pub name: String,
    /// Label.
    pub label: String,
    /// Type.
    pub field_type: FieldType,
    /// Longest text in UTF-16 units; 0 where it does not apply.
    pub length: u32,
    /// Digits in all, for double, currency and percent.
    pub precision: u32,
    /// Digits after the point, for double, currency and percent.
    pub scale: u32,
    /// Digits in all, for int.
    pub digits: u32,
    /// May be null.
    pub nillable: bool,
    /// Can be set on create.
    pub createable: bool,
    /// Can be set on update.
    pub updateable: bool,
    /// The org fills it on create where it is not sent.
    pub defaulted_on_create: bool,
    /// Custom field.
    pub custom: bool,
    /// External ID.
    pub external_id: bool,
    /// Unique.
    pub unique: bool,
    /// Usable in upsert and relationship columns.
    pub id_lookup: bool,
    /// Unique with regard to case.
    pub case_sensitive: bool,
    /// Objects it can point to; more than one makes it polymorphic on the wire (reference 0.9).
    pub reference_to: Vec<String>,
    /// Name of the relationship; without it there is no relationship column for the field.
    pub relationship_name: Option<String>,
    /// 0 or 1 for master-detail fields, nothing for look-ups (reference F2, from memory there).
    pub relationship_order: Option<u8>,
    /// Only the listed values are taken.
    pub restricted_picklist: bool,
    /// Active picklist values.
    pub picklist_values: Vec<String>,
    /// Formula or roll-up.
    pub calculated: bool,
    /// Numbered by the org.
    pub auto_number: bool,
}

impl FieldSchema {
    /// Whether a new record must carry it: createable, not nillable, not defaulted, and no boolean (reference F2).
    pub fn required_on_create(&self) -> bool {
        self.createable
            && !self.nillable
            && !self.defaulted_on_create
            && self.field_type != FieldType::Boolean
    }

    /// Whether it points to more than one object: then its relationship column needs the type (reference B).
    pub fn polymorphic(&self) -> bool {
        self.reference_to.len() > 1
    }

    /// Whether its record belongs to the parent's (master-detail).
    pub fn master_detail(&self) -> bool {
        self.relationship_order.is_some()
    }
}

/// describe's field types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[allow(missing_docs, reason = "the names are Salesforce's own")]
pub enum FieldType {
    #[default]
    String,
    TextArea,
    Picklist,
    MultiPicklist,
    Combobox,
    Phone,
    Url,
    Email,
    EncryptedString,
    Boolean,
    Int,
    Long,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Time,
    Id,
    Reference,
    Base64,
    Address,
    Location,
    ComplexValue,
    AnyType,
}

impl FieldType {
    const NAMES: &[(&str, FieldType)] = &[
        ("string", Self::String),
        ("textarea", Self::TextArea),
        ("picklist", Self::Picklist),
        ("multipicklist", Self::MultiPicklist),
        ("combobox", Self::Combobox),
        ("phone", Self::Phone),
        ("url", Self::Url),
        ("email", Self::Email),
        ("encryptedstring", Self::EncryptedString),
        ("boolean", Self::Boolean),
        ("int", Self::Int),
        ("long", Self::Long),
        ("double", Self::Double),
        ("currency", Self::Currency),
        ("percent", Self::Percent),
        ("date", Self::Date),
        ("datetime", Self::DateTime),
        ("time", Self::Time),
        ("id", Self::Id),
        ("reference", Self::Reference),
        ("base64", Self::Base64),
        ("address", Self::Address),
        ("location", Self::Location),
        ("complexvalue", Self::ComplexValue),
        ("anyType", Self::AnyType),
    ];

    /// describe's name for it.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, t)| *t == self).map_or("string", |(n, _)| n)
    }

    /// From describe's name, in any letter case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, t)| *t)
    }

    /// Every name describe can give.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(n, _)| *n)
    }
}
