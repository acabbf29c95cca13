//! Assignment rules: none runs unless the manifest asks for it, by calls as by jobs.

use crate::project::Project;
use crate::world::{self, Aim, Tap, World};

const ENVIRONMENT: &str =
    "cutover: 1\nproject: assigned\nenvironments: { local: { org: { local: org.yaml } } }\n";
const ORG: &str = "\
objects:
  Case:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
queues:
  - { name: Support, objects: [Case] }
  - { name: Nights, objects: [Case] }
assignment_rules:
  - { name: Standard, object: Case, owner: Support, active: true }
  - { name: After hours, object: Case, owner: Nights }
territories: [West, East]
";

fn project(object: &str, words: &str) -> Project {
    let name = if object == "Case" { "Subject" } else { "Name" };
    let load = format!(
        "objects:\n  - {{ object: {object}, key: Legacy_Id__c, source: rows.csv, {words}, fields: {{ Legacy_Id__c: id, {name}: name }} }}\n"
    );
    let manifest = format!("{ENVIRONMENT}{load}");
    Project::of(&[("cutover.yaml", &manifest), ("org.yaml", ORG), ("rows.csv", "id,name\n1,One\n2,Two\n")])
}

/// Cases of a world, and what was said of rules in the calls that made jobs or rows.
fn asked_for(load: &str) -> Vec<bool> {
    let words = "api: bulk, assignment_rule: Standard";
    let manifest = format!(
        "{ENVIRONMENT}objects:\n  - {{ object: Case, key: Legacy_Id__c, source: rows.csv, {words}, {load} fields: {{ Legacy_Id__c: id, Subject: name }} }}\n"
    );
    let files = [("cutover.yaml", &*manifest), ("org.yaml", ORG), ("rows.csv", "id,name\n1,One\n2,Two\n")];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
    let mut world = World::new(&world::Project::new(files, &[]));
    world.tap = Tap::open();
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    world.sources.put("rows.csv", b"id,name\n1,Eins\n2,Two\n3,Three\n");
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    let jobs = world
        .tap
        .kept()
        .into_iter()
        .filter(|call| call.method == "POST" && call.path.ends_with("jobs/ingest"));
    jobs.map(|call| call.body.contains("assignmentRuleId")).collect()
}

#[test]
fn a_rule_is_asked_for_records_that_are_created_alone() {
    // Both rows at first; then the new one, and the one that is there already.
    for load in ["", "operation: insert,"] {
        let mut asked = asked_for(load);
        let first = asked.remove(0);
        asked.sort();
        assert_eq!((first, asked), (true, vec![false, true]), "{load}");
    }
    let project = project("Case", "operation: update, assignment_rule: Standard");
    let refused = project.run(&["check"]).exits(65).err;
    assert!(refused.contains("an `update` creates nothing, and nothing is assigned"), "{refused}");
    let blank = self::project("Case", "assignment_rule: \"\"").run(&["check"]).exits(65).err;
    assert!(blank.contains("`assignment_rule` is blank"), "{blank}");
}

fn owners(project: &Project) -> Vec<String> {
    let rows = project.query("SELECT Owner.Name FROM Case ORDER BY Legacy_Id__c");
    rows.into_iter().map(|row| row["Owner.Name"].clone()).collect()
}

#[test]
fn no_rule_runs_that_is_not_asked_for() {
    for api in ["auto", "bulk"] {
        let cases = project("Case", &format!("api: {api}"));
        assert_eq!(cases.apply(0).outcomes("Case"), "2 created");
        assert_eq!(owners(&cases), ["Local Admin", "Local Admin"], "{api}");
        cases.set("rows.csv", "1", "name", "Other");
        assert_eq!(cases.apply(0).outcomes("Case"), "1 unchanged, 1 updated");
        assert_eq!(owners(&cases), ["Local Admin", "Local Admin"], "{api}");
        let accounts = project("Account", &format!("api: {api}"));
        accounts.apply(0);
        assert!(accounts.query("SELECT Id FROM ObjectTerritory2Association").is_empty(), "{api}");
    }
}

#[test]
fn the_rule_that_is_named_runs_by_calls_and_by_jobs() {
    for api in ["auto", "bulk"] {
        let cases = project("Case", &format!("api: {api}, assignment_rule: after Hours"));
        assert_eq!(cases.apply(0).outcomes("Case"), "2 created");
        assert_eq!(owners(&cases), ["Nights", "Nights"], "{api}");
        assert_eq!(cases.apply(0).outcomes("Case"), "2 unchanged", "{api}");
    }
}

#[test]
fn territory_rules_run_where_they_are_asked_for() {
    let accounts = project("Account", "api: auto, territory_rules: true");
    let said = accounts.run(&["check"]).exits(0);
    assert!((said.out + &said.err).contains("go by jobs"), "it says what is not known of jobs");
    accounts.apply(0);
    assert_eq!(accounts.query("SELECT Id FROM ObjectTerritory2Association").len(), 4);
}

#[test]
fn a_rule_that_the_org_does_not_have_stops_the_plan() {
    let said = project("Case", "assignment_rule: After hour").run(&["plan"]).exits(65).err;
    assert!(said.contains("no assignment rule `After hour` for `Case`"), "{said}");
    assert!(said.contains("did you mean `After hours`?"), "{said}");
}
