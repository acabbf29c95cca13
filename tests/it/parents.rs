//! What a second pair of eyes found in the row path: each test failed once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const ORG: &str = "objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Primary_Contact__c: { type: reference, to: Contact }
  Contact:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
";

const HEAD: &str = "cutover: 1
project: review
environments: { local: { org: { local: org.yaml } } }
objects:
";

const ACCOUNTS: &str = "  - { name: accounts, object: Account, key: Legacy_Id__c, source: accounts.csv, fields: { Legacy_Id__c: id, Name: name } }\n";

/// A project in a folder of its own.
struct Project(tempfile::TempDir);

impl Project {
    fn new(objects: &str, files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write("org.yaml", ORG);
        project.write("cutover.yaml", &format!("{HEAD}{objects}"));
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cutover")).args(arguments).current_dir(self.path()).output().unwrap()
    }

    /// Applies; gives the exit code and the loads of the report.
    fn apply(&self) -> (i32, Vec<Value>) {
        let output = self.run(&["apply", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let loads = report["loads"].as_array().unwrap().clone();
        assert!(loads.iter().all(|l| l["balances"] == true), "{report}");
        (output.status.code().unwrap(), loads)
    }

    /// The lines of a query, without the header.
    fn query(&self, soql: &str) -> Vec<String> {
        let output = self.run(&["local", "query", ".", soql, "--csv"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        text.lines().skip(1).map(str::to_owned).collect()
    }
}

fn contacts(more: &str) -> String {
    format!(
        "  - {{ name: contacts, object: Contact, key: Legacy_Id__c, source: contacts.csv, fields: {{ Legacy_Id__c: id, LastName: name{more} }} }}\n"
    )
}

#[test]
fn a_row_leaves_its_fallback_when_its_own_parent_lands() {
    let contacts = contacts(", AccountId: { ref: Account, from: account, fallback: F }");
    let files =
        [("accounts.csv", "id,name\nF,Fallback\n"), ("contacts.csv", "id,name,account\nc1,Ada,late\n")];
    let project = Project::new(&format!("{ACCOUNTS}{contacts}"), &files);
    assert_eq!(project.apply().0, 0);
    let parent = "SELECT Account.Name FROM Contact";
    assert_eq!(project.query(parent), ["Fallback"]);
    assert_eq!(project.apply().1[1]["unchanged"], 1);
    project.write("accounts.csv", "id,name\nF,Fallback\nlate,Late\n");
    assert_eq!(project.apply().1[1]["updated"], 1);
    assert_eq!(project.query(parent), ["Late"]);
}

#[test]
fn a_fallback_may_be_a_record_that_only_the_org_has() {
    let contacts = contacts(", AccountId: { ref: Account, from: account, fallback: F }");
    let files = [("accounts.csv", "id,name\nF,Fallback\n"), ("contacts.csv", "id,name,account\nc0,Bo,\n")];
    let project = Project::new(&format!("{ACCOUNTS}{contacts}"), &files);
    assert_eq!(project.apply().0, 0);
    for folder in ["ledger", "runs", "state"] {
        std::fs::remove_dir_all(project.path().join(".cutover").join(folder)).unwrap();
    }
    project.write("accounts.csv", "id,name\nother,Other\n");
    project.write("contacts.csv", "id,name,account\nc1,Ada,nowhere\n");
    let (exit, loads) = project.apply();
    assert_eq!((exit, &loads[1]["created"]), (0, &Value::from(1)), "{loads:?}");
}

#[test]
fn a_deep_hierarchy_keeps_its_references_to_other_objects() {
    let contacts =
        contacts(", AccountId: { ref: Account, from: account }, ReportsToId: { ref: Contact, from: boss }");
    let mut rows = String::from("id,name,account,boss\n");
    for n in 1..=12 {
        let boss = if n > 1 { format!("c{}", n - 1) } else { String::new() };
        rows.push_str(&format!("c{n},N{n},a1,{boss}\n"));
    }
    let files = [("accounts.csv", "id,name\na1,One\n"), ("contacts.csv", rows.as_str())];
    let project = Project::new(&format!("{ACCOUNTS}{contacts}"), &files);
    assert_eq!(project.apply().0, 0);
    assert_eq!(project.query("SELECT COUNT() FROM Contact WHERE AccountId != null"), ["12"]);
    assert_eq!(project.query("SELECT COUNT() FROM Contact WHERE ReportsToId != null"), ["11"]);
}

#[test]
fn a_duplicate_that_is_left_out_holds_nobody() {
    let accounts = "  - { name: accounts, object: Account, key: Legacy_Id__c, source: accounts.csv, duplicates: last, fields: { Legacy_Id__c: id, Name: name, ParentId: { ref: Account, from: parent } } }\n";
    let files = [("accounts.csv", "id,name,parent\na1,Old,nowhere\na1,New,\n")];
    let (exit, loads) = Project::new(accounts, &files).apply();
    assert_eq!((exit, &loads[0]["created"], &loads[0]["duplicate"]), (0, &1.into(), &1.into()));
}

#[test]
fn loads_of_one_object_must_not_share_keys() {
    let more = ACCOUNTS.replace("name: accounts", "name: more").replace("accounts.csv", "more.csv");
    let files =
        [("accounts.csv", "id,name\na1,One\nA2,Two\n"), ("more.csv", "id,name\na3,Three\na2,Again\n")];
    let project = Project::new(&format!("{ACCOUNTS}{more}"), &files);
    let output = project.run(&["apply"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{text}");
    assert!(text.contains("accounts.csv:3") && text.contains("more.csv:3"), "{text}");
    project.write("more.csv", "id,name\na3,Three\n");
    assert_eq!(project.apply().0, 0);
}

const CYCLE: &str = "  - { name: accounts, object: Account, key: Legacy_Id__c, source: accounts.csv, fields: { Legacy_Id__c: id, Name: name, Primary_Contact__c: { ref: Contact, from: contact, POLICY } } }\n";

#[test]
fn a_blank_clears_a_reference_that_is_filled_in_a_second_pass() {
    let accounts = CYCLE.replace("POLICY", "blank: clear");
    let contacts = contacts(", AccountId: { ref: Account, from: account }");
    let rows = "id,name,account\nc1,Ada,a1\nc2,Bo,a1\n";
    let files = [("accounts.csv", "id,name,contact\na1,One,c1\n"), ("contacts.csv", rows)];
    let project = Project::new(&format!("{accounts}{contacts}"), &files);
    assert_eq!(project.apply().0, 0);
    let filled = "SELECT COUNT() FROM Account WHERE Primary_Contact__c != null";
    assert_eq!(project.query(filled), ["1"]);
    project.write("accounts.csv", "id,name,contact\na1,One,\n");
    assert_eq!(project.apply().1[0]["updated"], 1);
    assert_eq!(project.query(filled), ["0"]);
}

#[test]
fn a_second_pass_leaves_blank_what_the_manifest_lets_be_blank() {
    let accounts = CYCLE.replace("POLICY", "on_missing: blank");
    let contacts = contacts(", AccountId: { ref: Account, from: account }");
    let rows = "id,name,account\nc1,Ada,a1\nc2,Bo,a1\n";
    let files = [("accounts.csv", "id,name,contact\na1,One,nobody\n"), ("contacts.csv", rows)];
    let project = Project::new(&format!("{accounts}{contacts}"), &files);
    let (exit, loads) = project.apply();
    assert_eq!((exit, &loads[0]["references"]["pending"]), (0, &0.into()));
    project.write("contacts.csv", &format!("{rows}nobody,Cy,a1\n"));
    assert_eq!(project.apply().1[0]["references"]["filled"], 1);
}

#[test]
fn more_missing_parents_than_memory_holds_are_resolved_again() {
    let contacts = contacts(", AccountId: { ref: Account, from: account }");
    let files = [("accounts.csv", "id,name\na1,One\n"), ("contacts.csv", "id,name,account\nc0,Bo,a1\n")];
    let project = Project::new(&format!("{ACCOUNTS}{contacts}"), &files);
    assert_eq!(project.apply().0, 0);
    for folder in ["ledger", "runs", "state"] {
        std::fs::remove_dir_all(project.path().join(".cutover").join(folder)).unwrap();
    }
    project.write("accounts.csv", "id,name\nother,Other\n");
    let rows: String = (0..75_000).map(|n| format!("k{n},N,nowhere\n")).collect();
    project.write("contacts.csv", &format!("id,name,account\nc1,Ada,a1\n{rows}"));
    let (exit, loads) = project.apply();
    assert_eq!((exit, &loads[1]["created"], &loads[1]["held"]), (68, &1.into(), &75_000.into()));
}

#[test]
fn a_hierarchy_may_be_spread_over_two_loads() {
    let of = |name: &str| {
        format!(
            "  - {{ name: {name}, object: Account, key: Legacy_Id__c, source: {name}.csv, fields: {{ Legacy_Id__c: id, Name: name, ParentId: {{ ref: Account, from: parent }} }} }}\n"
        )
    };
    // s1 points to a row of the load after it, which points to one of the first: the loop is opened, too.
    let files =
        [("sites.csv", "id,name,parent\ns1,S1,g1\ns2,S2,s1\n"), ("groups.csv", "id,name,parent\ng1,G1,s1\n")];
    let project = Project::new(&format!("{}{}", of("sites"), of("groups")), &files);
    let (exit, loads) = project.apply();
    assert_eq!(exit, 0, "{loads:?}");
    assert_eq!(
        project.query("SELECT Name, Parent.Name FROM Account WHERE ParentId != null ORDER BY Name"),
        ["G1,S1", "S1,G1", "S2,S1"]
    );
}

#[test]
fn absent_rows_stay_with_their_load_when_the_manifest_grows() {
    let rows = "id,name\na1,One\na2,Two\n";
    let project = Project::new(ACCOUNTS, &[("accounts.csv", rows), ("contacts.csv", "id,name\nc1,Ada\n")]);
    assert_eq!(project.apply().0, 0);
    project.write("cutover.yaml", &format!("{HEAD}{}{ACCOUNTS}", contacts("")));
    project.write("accounts.csv", "id,name\na1,One\n");
    assert_eq!(project.apply().1[1]["absent"], 1);
}
