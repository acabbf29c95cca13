//! Binding against schemas written by hand. Here: an org, a manifest, and what binding says of them.

mod outcome;
mod problems;

use super::{Assignment, Bound, Column, LockWhy, Need, OrgFacts, QueueFact, RuleFact, UserFact, bind, needs};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::manifest::{
    ApiChoice, Duplicates, Environment, Field, Load, Migration, Operation, OrgLogin, RefTo, Verb,
};
use crate::model::{FieldSchema, FieldType, KeyForm, ObjectSchema, OrgSchema, RecordType};
use crate::source::CsvFormat;
use crate::transform::{
    Blank, Expr, Inactive, Matcher, OnMissing, Only, Role, Scope, TableEntry, TooLong, TooPrecise, Unmapped,
    ValueMap, compile,
};
use std::collections::BTreeMap;
use std::sync::Arc;

// ---- an org ----

fn field(name: &str, field_type: FieldType) -> FieldSchema {
    FieldSchema {
        name: name.to_owned(),
        label: name.trim_end_matches("__c").replace('_', " "),
        field_type,
        nillable: true,
        createable: true,
        updateable: true,
        ..FieldSchema::default()
    }
}

fn key(name: &str) -> FieldSchema {
    FieldSchema {
        external_id: true,
        id_lookup: true,
        unique: true,
        length: 40,
        ..field(name, FieldType::String)
    }
}

fn points(name: &str, to: &[&str]) -> FieldSchema {
    FieldSchema {
        reference_to: to.iter().map(|o| (*o).to_owned()).collect(),
        relationship_name: Some(name.trim_end_matches("Id").replace("__c", "__r")),
        ..field(name, FieldType::Reference)
    }
}

fn picks(name: &str, values: &[&str]) -> FieldSchema {
    FieldSchema {
        restricted_picklist: true,
        picklist_values: values.iter().map(|v| (*v).to_owned()).collect(),
        ..field(name, FieldType::Picklist)
    }
}

fn object(name: &str, fields: Vec<FieldSchema>) -> ObjectSchema {
    ObjectSchema {
        name: name.to_owned(),
        createable: true,
        updateable: true,
        fields,
        ..ObjectSchema::default()
    }
}

fn account() -> ObjectSchema {
    object(
        "Account",
        vec![
            FieldSchema { field_type: FieldType::Id, createable: false, updateable: false, ..key("Id") },
            key("Legacy_Id__c"),
            FieldSchema { nillable: false, ..field("Name", FieldType::String) },
            FieldSchema { unique: false, ..key("Loose__c") },
            FieldSchema { case_sensitive: true, ..key("Exact__c") },
            FieldSchema { field_type: FieldType::Double, ..key("Number__c") },
            FieldSchema { length: 5, ..field("Short__c", FieldType::String) },
            picks("Type", &["Customer", "Prospect"]),
            field("BillingAddress", FieldType::Address),
            FieldSchema {
                createable: false,
                updateable: false,
                calculated: true,
                ..field("Score__c", FieldType::Double)
            },
            FieldSchema { updateable: false, ..field("Once__c", FieldType::String) },
            FieldSchema { createable: false, ..field("Later__c", FieldType::String) },
            FieldSchema { createable: false, updateable: false, ..field("CreatedDate", FieldType::DateTime) },
            FieldSchema { updateable: false, ..field("CreatedById", FieldType::Reference) },
            field("Since__c", FieldType::DateTime),
            field("Active__c", FieldType::Boolean),
            points("ParentId", &["Account"]),
            points("OwnerId", &["Group", "User"]),
            points("RecordTypeId", &["RecordType"]),
        ],
    )
}

fn task() -> ObjectSchema {
    let master = FieldSchema {
        nillable: false,
        updateable: false,
        relationship_order: Some(0),
        ..points("Master__c", &["Account"])
    };
    let silent = FieldSchema { relationship_name: None, ..points("Silent__c", &["Account"]) };
    object(
        "Task",
        vec![
            key("Legacy_Id__c"),
            field("Subject", FieldType::String),
            points("WhatId", &["Account", "Task"]),
            master,
            silent,
        ],
    )
}

fn org(objects: [ObjectSchema; 2]) -> OrgSchema {
    let mut schema = OrgSchema::default();
    objects.into_iter().for_each(|o| schema.insert(o));
    schema
        .insert(object("User", vec![field("Username", FieldType::String), field("Email", FieldType::Email)]));
    schema
}

fn facts() -> OrgFacts {
    let record_type =
        |name: &str, id: &str| RecordType { developer_name: name.into(), id: id.into(), active: true };
    let user = |value: &str, id: &str, active| UserFact { value: value.into(), id: id.into(), active };
    let queue = |name: &str, object: &str| QueueFact {
        developer_name: name.into(),
        id: "00G1".into(),
        objects: vec![object.into()],
    };
    let rule = |name: &str, object: &str, id: &str| RuleFact {
        name: name.into(),
        id: id.into(),
        object: object.into(),
    };
    OrgFacts {
        record_types: BTreeMap::from([("account".into(), vec![record_type("Customer_Account", "0121")])]),
        users: BTreeMap::from([(
            "email".into(),
            vec![
                user("Ada@acme.example.invalid", "0051", true),
                user("bob@acme.example", "0052", false),
                user("twin@acme.example", "0053", true),
                user("TWIN@acme.example", "0054", true),
                user("", "0055", true),
            ],
        )]),
        queues: vec![queue("Sales", "Account"), queue("Support", "Case")],
        assignment_rules: vec![rule("Partners", "Task", "01Q1"), rule("Partners", "Account", "01Q2")],
        records: BTreeMap::new(),
    }
}

// ---- a manifest ----

fn expr(text: &str) -> Expr {
    compile(text, &Scope::default(), Role::Value).unwrap()
}

fn place(line: u32) -> Place {
    Place::new("cutover.yaml", line, 3, 4)
}

/// A field on line 10 of the manifest, its value at line 11.
fn sets(name: &str, verb: Verb) -> Field {
    Field {
        name: name.into(),
        place: place(10),
        value_place: place(11),
        verb,
        when: None,
        default: None,
        fallback: None,
        map: None,
        blank: Blank::default(),
        unmapped: Unmapped::default(),
        on_missing: OnMissing::default(),
        other: crate::transform::Other::default(),
        too_long: TooLong::default(),
        too_precise: TooPrecise::default(),
        only: Only::default(),
        inactive: Inactive::default(),
    }
}

fn takes(name: &str) -> Field {
    sets(name, Verb::Expr(expr("col")))
}

fn constant(name: &str, text: &str) -> Field {
    sets(name, Verb::Const(text.into()))
}

fn refers(name: &str, to: &[&str]) -> Field {
    let tag = |o: &str| (to.len() > 1).then(|| o.to_uppercase());
    let targets = to.iter().map(|o| RefTo { tag: tag(o), object: (*o).into(), place: place(12) }).collect();
    let type_expr = (to.len() > 1).then(|| expr("kind"));
    sets(name, Verb::Ref { targets, type_expr, from: expr("parent") })
}

fn user(name: &str, match_field: &str) -> Field {
    sets(name, Verb::User { from: expr("rep"), match_field: match_field.into() })
}

fn map(pairs: &[(&str, &str)]) -> Option<ValueMap> {
    Some(ValueMap::from_pairs(pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))).unwrap())
}

/// A load whose key stands on line 2 and which begins on line 1.
fn load(object: &str, fields: Vec<Field>) -> Load {
    Load {
        name: object.to_lowercase(),
        object: object.into(),
        key: "Legacy_Id__c".into(),
        key_place: place(2),
        place: place(1),
        files: vec!["data.csv".into()],
        source_place: place(3),
        format: CsvFormat::default(),
        timezone: None,
        columns: ["col", "kind", "parent", "rep"].map(str::to_owned).to_vec(),
        condition: None,
        duplicates: Duplicates::default(),
        max_failed: None,
        operation: Operation::default(),
        api: ApiChoice::default(),
        assignment_rule: None,
        territory_rules: false,
        after: Vec::new(),
        lock_by: None,
        part_rows: None,
        levels: None,
        overlap: false,
        pause_after: false,
        fields: fields.into_iter().chain([takes("legacy_id__C")]).collect(),
        ignore: Vec::new(),
        vars: Arc::default(),
    }
}

/// An Account load with everything required, and these fields.
fn accounts(fields: Vec<Field>) -> Load {
    load("account", fields.into_iter().chain([takes("Name")]).collect())
}

/// A Task load with everything required, and these fields.
fn tasks(fields: Vec<Field>) -> Load {
    load("Task", fields.into_iter().chain([refers("Master__c", &["Account"])]).collect())
}

fn migration(loads: Vec<Load>) -> Migration {
    Migration {
        project: "test".into(),
        environment: Environment {
            name: "local".into(),
            org: OrgLogin::Local { schema: "org.yaml".into() },
            org_id: None,
            parallel_jobs: 1,
            part_rows: None,
            protect: None,
        },
        loads,
        vars: Arc::default(),
        files: Vec::new(),
    }
}

fn bound(loads: Vec<Load>) -> (Option<Bound>, Vec<Diagnostic>) {
    bind(&migration(loads), &org([account(), task()]), &facts())
}

/// The result of what has no problem at all.
fn good(loads: Vec<Load>) -> Bound {
    let (bound, problems) = bound(loads);
    assert!(problems.is_empty(), "{problems:?}");
    bound.unwrap()
}

/// What binding says, one line each: line, severity, code and message, help.
fn says(loads: Vec<Load>) -> Vec<String> {
    told(bound(loads).1)
}

fn told(problems: Vec<Diagnostic>) -> Vec<String> {
    let line = |d: &Diagnostic| {
        let help = d.help.as_ref().map_or(String::new(), |h| format!(" ({h})"));
        format!("{} {} {:?}: {}{help}", d.place().map_or(0, |p| p.line), d.severity.word(), d.code, d.message)
    };
    problems.iter().map(line).collect()
}

/// Sees that one field on Account is answered by one problem that holds these words.
fn refused(field: Field, line: u32, code: Code, words: &str) {
    let (bound, problems) = bound(vec![accounts(vec![field])]);
    let seen: Vec<_> = problems.iter().map(|d| (d.place().map(|p| p.line), d.code)).collect();
    assert_eq!(seen, [(Some(line), code)], "{problems:?}");
    let text = told(problems.clone()).concat();
    assert!(text.contains(words), "`{words}` is not in: {text}");
    assert_eq!(bound.is_none(), problems[0].is_error());
}
