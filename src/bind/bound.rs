//! What binding comes to. Types, and the list of objects that references point at.

use crate::diagnostic::Place;
use crate::manifest::{Load, Migration, Operation};
use crate::model::{KeyForm, OrgSchema};
use crate::transform::{FieldRule, OnMissing, Other};

/// A migration bound to an org.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The objects that are loaded, each once, in the order of their first load. References point into this list.
    pub objects: Vec<BoundObject>,
    /// The loads, one for each of the migration's, in its order.
    pub loads: Vec<BoundLoad>,
}

/// An object that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundObject {
    /// API name in the org's letter case.
    pub name: String,
    /// Its key field in the org's letter case.
    pub key: String,
    /// How its keys are compared.
    pub key_form: KeyForm,
    /// The loads that fill it, as indices into the migration's loads.
    pub loads: Vec<usize>,
}

/// A load bound to its object.
#[derive(Debug, Clone)]
pub struct BoundLoad {
    /// Index into the migration's loads.
    pub load: usize,
    /// Index into [`Bound::objects`].
    pub object_index: usize,
    /// API name in the org's letter case.
    pub object: String,
    /// The key field in the org's letter case.
    pub key: String,
    /// How keys are compared.
    pub key_form: KeyForm,
    /// The rule of the key field, as an index into `rules`.
    pub key_rule: usize,
    /// What is sent, by field name in the org's letter case.
    pub rules: Vec<FieldRule>,
    /// The payload's column of each rule.
    pub columns: Vec<Column>,
    /// The rules that point at records loaded here, by rule.
    pub references: Vec<Reference>,
    /// Rules on fields that can be set on create only and do not say `only: create`: left out for rows whose record
    /// is there.
    pub create_only: Vec<usize>,
    /// The reference whose parent is locked, as an index into `references`, and why. Nothing: the plan decides by
    /// counting.
    pub lock: Option<(usize, LockWhy)>,
    /// How rows are written.
    pub operation: Operation,
    /// The assignment rules that run on its rows.
    pub assignment: Assignment,
    /// Objects loaded here that records of this one may point to, mapped by this load or not, as indices into
    /// [`Bound::objects`], and how much they belong to them.
    pub points_to: Vec<(usize, Belongs)>,
}

/// Which assignment rules of the org run on what a load sends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Assignment {
    /// None.
    #[default]
    Off,
    /// The territory rules of accounts.
    Territories,
    /// The rule with this Id.
    Rule(String),
}

/// How much records belong to those that they point to, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Belongs {
    /// No record is without one: master-detail, or a reference that may not be empty.
    Wholly,
    /// By a field that the object always has.
    Usually,
    /// By a field that somebody added.
    Perhaps,
}

/// Why a reference is the one whose parent is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockWhy {
    /// `lock_by` says so.
    Named,
    /// It is master-detail.
    MasterDetail,
    /// Every record has one.
    Required,
}

/// A column of the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// The field itself.
    Plain(String),
    /// A reference: by Id under the field's own name, or by the parent's key under a header for each target.
    Reference {
        /// The field.
        field: String,
        /// For each target of the rule, the header that names the parent's key; nothing where the field has no
        /// relationship name, so that only Ids can be sent.
        headers: Vec<Option<String>>,
        /// The headers name the parent's object: one job for each target.
        polymorphic: bool,
    },
}

/// A field that points at records loaded here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Index into the load's rules.
    pub rule: usize,
    /// The field in the org's letter case.
    pub field: String,
    /// The objects of its targets, in the rule's order, as indices into [`Bound::objects`].
    pub parents: Vec<usize>,
    /// May be empty.
    pub nillable: bool,
    /// Can be set on create.
    pub createable: bool,
    /// Can be set on update.
    pub updateable: bool,
    /// The record belongs to its parent.
    pub master_detail: bool,
    /// No record can be created without it.
    pub required: bool,
    /// In a `first_of`, which of its references it is: then the field's column holds other things as well.
    pub seat: Option<usize>,
    /// A master-detail whose parent may change.
    pub reparentable: bool,
    /// What becomes of a row whose parent is nowhere.
    pub on_missing: OnMissing,
    /// What becomes of a row whose kind of parent is not listed.
    pub other: Other,
    /// Where it is written.
    pub place: Place,
}

impl Reference {
    /// Whether it may be left out at first and filled by a second pass, which sends no other values of the field.
    pub fn deferrable(&self) -> bool {
        self.nillable && self.updateable && !self.required && self.seat.is_none()
    }
}

/// The objects of the loads. Names that the org does not know stay as they are written: somebody else says so.
pub(super) fn objects(migration: &Migration, schema: &OrgSchema) -> Vec<BoundObject> {
    let mut objects: Vec<BoundObject> = Vec::new();
    for (index, load) in migration.loads.iter().enumerate() {
        match objects.iter_mut().find(|o| o.name.eq_ignore_ascii_case(&load.object)) {
            Some(object) => object.loads.push(index),
            None => objects.push(object(load, index, schema)),
        }
    }
    objects
}

fn object(load: &Load, index: usize, schema: &OrgSchema) -> BoundObject {
    let object = schema.object(&load.object);
    let key = object.and_then(|o| o.field(&load.key));
    BoundObject {
        name: object.map_or_else(|| load.object.clone(), |o| o.name.clone()),
        key: key.map_or_else(|| load.key.clone(), |k| k.name.clone()),
        key_form: key.map_or(KeyForm::FoldedText, super::field_kind::form),
        loads: vec![index],
    }
}
