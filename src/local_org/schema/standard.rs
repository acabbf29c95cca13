//! The standard objects, from the files in `standard/`; each says where it comes from.

use super::flags::{Flag, Flags};
use super::{Field, Gone, Object};
use crate::model::FieldType;
use serde::Deserialize;
use std::sync::Arc;

/// The files, real describes first.
const FILES: &[&str] = &[
    include_str!("../standard/Account.json"),
    include_str!("../standard/Contact.json"),
    include_str!("../standard/Lead.json"),
    include_str!("../standard/Opportunity.json"),
    include_str!("../standard/OpportunityContactRole.json"),
    include_str!("../standard/Case.json"),
    include_str!("../standard/Event.json"),
    include_str!("../standard/Task.json"),
    include_str!("../standard/Attachment.json"),
    include_str!("../standard/User.json"),
    include_str!("../standard/Organization.json"),
    include_str!("../standard/RecordType.json"),
    include_str!("../standard/Group.json"),
    include_str!("../standard/QueueSobject.json"),
    include_str!("../standard/AssignmentRule.json"),
    include_str!("../standard/Territory2.json"),
    include_str!("../standard/ObjectTerritory2Association.json"),
    include_str!("../standard/Campaign.json"),
    include_str!("../standard/CampaignMember.json"),
    include_str!("../standard/Product2.json"),
    include_str!("../standard/Pricebook2.json"),
    include_str!("../standard/PricebookEntry.json"),
    include_str!("../standard/EntityDefinition.json"),
];

/// Fields that the org fills by itself, and lets be set on create by whom it gave the permission "Set Audit Fields upon
/// Record Creation".
const AUDIT: &[&str] = &["CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"];

#[derive(Deserialize)]
struct ObjectFile {
    name: String,
    label: String,
    plural: String,
    prefix: String,
    is: String,
    fields: Vec<FieldFile>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct FieldFile {
    name: String,
    label: String,
    r#type: String,
    length: u32,
    precision: u32,
    scale: u32,
    digits: u32,
    is: String,
    to: Vec<String>,
    relationship: Option<String>,
    child: Option<String>,
    gone: Option<Gone>,
    compound: Option<String>,
    extra: Option<String>,
    controller: Option<String>,
    default: Option<String>,
    values: Vec<PickValue>,
}

/// A picklist value: its text, with its label where that differs.
#[derive(Deserialize)]
#[serde(untagged)]
enum PickValue {
    Same(String),
    Labelled(String, String),
}

/// All standard objects. A file that cannot be read is left out; a test keeps that from happening.
pub(super) fn objects() -> Vec<Object> {
    FILES.iter().filter_map(|text| serde_json::from_str(text).ok()).map(object).collect()
}

/// Makes the audit fields of objects settable on create.
pub(super) fn open_audit_fields(objects: &mut [Object]) {
    for object in objects.iter_mut().filter(|o| o.is("createable")) {
        for field in object.fields.iter_mut().filter(|f| AUDIT.contains(&f.name.as_str())) {
            field.flags.set(Flag::Createable, true);
        }
    }
}

fn object(file: ObjectFile) -> Object {
    Object {
        name: file.name,
        label: file.label,
        plural: file.plural,
        prefix: file.prefix,
        is: file.is.split_whitespace().map(str::to_owned).collect(),
        fields: file.fields.into_iter().map(field).collect(),
        record_types: Vec::new(),
        rules: Vec::new(),
        custom: false,
        fields_told: Arc::default(),
    }
}

fn field(file: FieldFile) -> Field {
    let kind = FieldType::parse(&file.r#type).unwrap_or_default();
    Field {
        length: if matches!(kind, FieldType::Id | FieldType::Reference) { 18 } else { file.length },
        precision: file.precision,
        scale: file.scale,
        digits: file.digits,
        flags: Flags::parse(&file.is),
        to: file.to,
        relationship: file.relationship,
        child: file.child,
        gone: file.gone,
        compound: file.compound,
        extra: file.extra,
        controller: file.controller,
        default: file.default,
        values: file.values.into_iter().map(pick).collect(),
        ..Field::plain(&file.name, &file.label, kind)
    }
}

fn pick(value: PickValue) -> (String, String) {
    match value {
        PickValue::Same(value) => (value.clone(), value),
        PickValue::Labelled(value, label) => (value, label),
    }
}

#[cfg(test)]
mod tests {
    use super::{FILES, objects};

    #[test]
    fn parents_call_their_children_as_real_describes_have_it() {
        let schema = crate::local_org::schema::Schema::standard();
        for (parent, name, child, field) in [
            ("Account", "Contacts", "Contact", "AccountId"),
            ("Account", "childaccounts", "Account", "ParentId"),
            ("Account", "Tasks", "Task", "WhatId"),
            ("Contact", "Opportunities", "Opportunity", "ContactId"),
            ("Opportunity", "OpportunityContactRoles", "OpportunityContactRole", "OpportunityId"),
        ] {
            let found = schema.child(schema.object(parent).unwrap(), name).unwrap();
            assert_eq!((found.0.name.as_str(), found.1.name.as_str()), (child, field), "{parent}.{name}");
        }
        assert!(schema.child(schema.object("User").unwrap(), "Accounts").is_none());
    }

    #[test]
    fn every_file_is_read_and_requires_what_the_real_describes_do() {
        let objects = objects();
        assert_eq!(objects.len(), FILES.len());
        let required = |name: &str| {
            let object = objects.iter().find(|o| o.name == name).unwrap();
            object.fields.iter().filter(|f| f.required()).map(|f| f.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(required("Account"), ["Name"]);
        assert_eq!(required("Contact"), ["LastName"]);
        assert_eq!(required("Lead"), ["LastName", "Company"]);
        assert_eq!(required("Opportunity"), ["Name", "StageName", "CloseDate"]);
        assert_eq!(required("OpportunityContactRole"), ["OpportunityId", "ContactId"]);
        assert_eq!(required("Case"), Vec::<&str>::new());
        assert_eq!(required("CampaignMember"), ["CampaignId"]);
    }
}
