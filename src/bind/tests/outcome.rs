//! What comes out when there is no problem, and what must be known first.

use super::*;

// ---- what is needed ----

#[test]
fn says_what_it_needs_once() {
    let queue = sets("OwnerId", Verb::Queue(expr("team")));
    let kind = sets("RecordTypeId", Verb::RecordType(expr("kind")));
    let migration = migration(vec![
        load("Task", vec![user("OwnerId", "Email"), queue]),
        load("account", vec![user("OwnerId", "email"), kind.clone()]),
        load("Account", vec![kind]),
    ]);
    assert_eq!(
        needs(&migration),
        [
            Need::Describe("account".into()),
            Need::Describe("Task".into()),
            Need::Describe("User".into()),
            Need::RecordTypes("account".into()),
            Need::Users { match_field: "Email".into() },
            Need::Queues,
        ]
    );
}

// ---- what comes out ----

#[test]
fn binds_names_rules_and_references() {
    let what = refers("WhatId", &["account", "Task"]);
    let bound =
        good(vec![tasks(vec![takes("subject"), what]), accounts(vec![refers("ParentId", &["Account"])])]);
    let objects: Vec<_> =
        bound.objects.iter().map(|o| (o.name.as_str(), o.key.as_str(), o.loads.as_slice())).collect();
    assert_eq!(objects, [("Task", "Legacy_Id__c", &[0][..]), ("Account", "Legacy_Id__c", &[1])]);
    let task = &bound.loads[0];
    let fields: Vec<_> = task.rules.iter().map(|r| r.field.as_str()).collect();
    assert_eq!(fields, ["Legacy_Id__c", "Master__c", "Subject", "WhatId"]);
    assert_eq!((task.key_rule, task.create_only.as_slice()), (0, &[1][..]));
    assert_eq!(task.columns[2], Column::Plain("Subject".into()));
    let headers = ["Account:What.Legacy_Id__c", "Task:What.Legacy_Id__c"].map(|h| Some(h.to_owned()));
    let column = Column::Reference { field: "WhatId".into(), headers: headers.to_vec(), polymorphic: true };
    assert_eq!(task.columns[3], column);
    let [master, what] = task.references.as_slice() else { panic!("{:?}", task.references) };
    assert_eq!((master.rule, master.parents.as_slice(), master.deferrable()), (1, &[1][..], false));
    assert!(master.master_detail && master.required && !master.reparentable);
    assert_eq!((what.rule, what.parents.as_slice(), what.deferrable()), (3, &[1, 0][..], true));
    assert_eq!(task.lock, Some((0, LockWhy::MasterDetail)));
    assert_eq!((bound.loads[1].object.as_str(), bound.loads[1].lock), ("Account", None));
}

#[test]
fn a_reference_without_a_relationship_has_no_header() {
    let bound = good(vec![tasks(vec![refers("Silent__c", &["Account"])]), accounts(vec![])]);
    let column = Column::Reference { field: "Silent__c".into(), headers: vec![None], polymorphic: false };
    assert!(bound.loads[0].columns.contains(&column));
}

#[test]
fn keys_are_compared_by_the_type_of_their_field() {
    for (key, form) in [
        ("Legacy_Id__c", KeyForm::FoldedText),
        ("exact__c", KeyForm::ExactText),
        ("Number__c", KeyForm::Number),
    ] {
        let bound =
            good(vec![Load { key: key.into(), ..accounts(vec![takes("Exact__c"), takes("Number__c")]) }]);
        assert_eq!((bound.loads[0].key_form, bound.objects[0].key_form), (form, form), "{key}");
    }
}

/// The org keeps two records of `Qx1` and `qX1` unless the field is unique without regard to case.
#[test]
fn keys_that_are_not_unique_are_told_apart_by_case() {
    let loose = Load { key: "Loose__c".into(), ..accounts(vec![takes("Loose__c")]) };
    assert_eq!(bound(vec![loose]).0.unwrap().loads[0].key_form, KeyForm::ExactText);
    let update =
        Load { key: "Short__c".into(), operation: Operation::Update, ..accounts(vec![takes("Short__c")]) };
    assert_eq!(bound(vec![update]).0.unwrap().loads[0].key_form, KeyForm::ExactText);
}

#[test]
fn an_assignment_rule_is_found_by_its_name() {
    let ruled = |name: &str| Load { assignment_rule: Some((name.into(), place(5))), ..accounts(vec![]) };
    assert_eq!(good(vec![ruled("partnerS")]).loads[0].assignment, Assignment::Rule("01Q2".into()));
    assert_eq!(good(vec![accounts(vec![])]).loads[0].assignment, Assignment::Off);
    let territories = Load { territory_rules: true, ..accounts(vec![]) };
    assert_eq!(good(vec![territories]).loads[0].assignment, Assignment::Territories);
    let unknown = says(vec![ruled("Partner")]);
    let words = "5 error UnknownName: the org has no assignment rule `Partner` for `Account` (did you mean `Partners`?)";
    assert_eq!(unknown, [words]);
    assert!(needs(&migration(vec![ruled("x")])).contains(&Need::AssignmentRules));
    assert!(!needs(&migration(vec![accounts(vec![])])).contains(&Need::AssignmentRules));
}

#[test]
fn names_become_tables() {
    let kind = Field {
        map: map(&[("C", "customer_account")]),
        ..sets("RecordTypeId", Verb::RecordType(expr("kind")))
    };
    let owner = Field { inactive: Inactive::Reject, ..user("OwnerId", "EMAIL") };
    let bound = good(vec![accounts(vec![kind, owner])]);
    let table = |name: &str| match &bound.loads[0].rules.iter().find(|r| r.field == name).unwrap().matcher {
        Matcher::Table { ids, .. } => (**ids).clone(),
        other => panic!("{other:?}"),
    };
    let id = |id: &str| TableEntry::Id(id.to_owned());
    assert_eq!(table("RecordTypeId"), BTreeMap::from([("customer_account".into(), id("0121"))]));
    let owners = table("OwnerId");
    assert_eq!(owners.len(), 3);
    assert_eq!(owners["ada@acme.example"], id("0051"));
    assert_eq!(
        owners["bob@acme.example"],
        TableEntry::Inactive { id: "0052".into(), policy: Inactive::Reject }
    );
    assert_eq!(owners["twin@acme.example"], TableEntry::Ambiguous);
}

#[test]
fn the_lock_parent_may_be_named() {
    let named =
        |name: &str| Load { lock_by: Some(name.into()), ..tasks(vec![refers("WhatId", &["Account"])]) };
    assert_eq!(good(vec![named("whatid"), accounts(vec![])]).loads[0].lock, Some((1, LockWhy::Named)));
    assert_eq!(
        says(vec![named("WhoId"), accounts(vec![])]),
        [
            "1 error BadReference: `lock_by` names `WhoId`, which is no `ref` of this load (did you mean `WhatId`?)"
        ]
    );
}

/// From the text of a manifest to the columns of its payload.
#[test]
fn binds_what_people_write() {
    let text = r#"cutover: 1
project: acme
environments: { local: { org: { local: org.yaml } } }
objects:
  - object: Account
    key: Legacy_Id__c
    source: accounts.csv
    fields:
      Legacy_Id__c: '"A-" ~ id'
      Name: name | squish
      Type: { from: class, map: { C: Customer, P: Prospect } }
      ParentId: { ref: Account, from: parent }
      RecordTypeId: { record_type: class, map: { C: Customer_Account }, unmapped: blank }
      OwnerId: { user: rep, match: Email, fallback: ada@acme.example, only: create }
  - object: Task
    key: Legacy_Id__c
    source: tasks.csv
    fields:
      Legacy_Id__c: id
      Master__c: { ref: Account, from: account }
      WhatId: { ref: { ACC: Account, TSK: Task }, type: kind, from: what }
"#;
    let files = crate::ports::MemoryFiles::default();
    files.put("cutover.yaml", text.as_bytes());
    files.put("org.yaml", b"{}");
    files.put("accounts.csv", b"id,name,class,parent,rep\n");
    files.put("tasks.csv", b"id,account,kind,what\n");
    let loaded = crate::manifest::load(&files, "cutover.yaml", None, &|_| None);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let migration = loaded.migration.unwrap();
    let (bound, problems) = bind(&migration, &org([account(), task()]), &facts());
    assert!(problems.is_empty(), "{problems:?}");
    let bound = bound.unwrap();
    let first = |load: usize| -> Vec<String> { bound.loads[load].columns.iter().map(first_header).collect() };
    assert_eq!(
        first(0),
        ["Legacy_Id__c", "Name", "OwnerId", "Parent.Legacy_Id__c", "RecordTypeId", "Type"].map(str::to_owned)
    );
    assert_eq!(
        first(1),
        ["Legacy_Id__c", "Master__r.Legacy_Id__c", "Account:What.Legacy_Id__c"].map(str::to_owned)
    );
}

fn first_header(column: &Column) -> String {
    match column {
        Column::Plain(field) => field.clone(),
        Column::Reference { headers, .. } => headers[0].clone().unwrap(),
    }
}
