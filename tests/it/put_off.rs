//! References that a second pass fills: what is known of their parents counts, whichever side of a cycle is put off.

use crate::project::Project;

const MANIFEST: &str = r#"
cutover: 1
project: put_off
environments: { local: { org: { local: org.yaml } } }
objects:
  - { object: Account, key: K__c, source: a.csv, fields: { K__c: id, Name: name, Phone: phone, Main__c: { ref: Contact, from: main } } }
  - { object: Contact, key: K__c, source: c.csv, fields: { K__c: id, LastName: id, AccountId: { ref: Account, from: acc } } }
"#;
const ORG: &str = r#"
objects:
  Account:
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
      Main__c: { type: reference, to: Contact }
      Founded__c: { type: date }
    rules:
      - { name: no_refused, when: 'Phone == "none"', message: Refused it is, field: Phone }
  Contact:
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
"#;
/// More accounts have a contact than the other way round: contacts go first, without their account.
const A: &str = "id,name,phone,main\nA1,One,1,C1\nA2,Two,2,C1\nA3,Three,3,C1\n";
const C: &str = "id,acc\nC1,A1\nC2,A9\n";

fn project(policy: &str, accounts: &str, contacts: &str) -> Project {
    let manifest = MANIFEST.replace("from: acc }", &format!("from: acc, on_missing: {policy} }}"));
    Project::of(&[("cutover.yaml", &*manifest), ("org.yaml", ORG), ("a.csv", accounts), ("c.csv", contacts)])
}

/// `contact → its account`.
fn contacts(project: &Project) -> Vec<String> {
    let rows = project.query("SELECT K__c, Account.K__c FROM Contact ORDER BY K__c");
    rows.into_iter().map(|row| format!("{} {}", row["K__c"], row["Account.K__c"])).collect()
}

fn both(project: &Project, exit: i32) -> [String; 2] {
    let report = project.apply(exit);
    ["Account", "Contact"].map(|load| report.outcomes(load))
}

#[test]
fn a_parent_that_is_nowhere_holds_or_rejects_whichever_side_is_put_off() {
    for (policy, word) in [("hold", "held"), ("reject", "rejected")] {
        let project = project(policy, A, C);
        let plan = project.run(&["plan", "--json"]).exits(0).json();
        assert_eq!([&plan["loads"][1]["deferred"], &plan["loads"][1][word]], [1, 1], "{plan}");
        assert_eq!(both(&project, 68), ["3 created".to_owned(), format!("1 {word}, 1 created")]);
        assert_eq!(contacts(&project), ["C1 A1"]);
        let left = project.data_file(1, "Contact.left-out", ".csv");
        assert_eq!([&left[0]["_outcome"], &left[0]["_line"], &left[0]["id"]], [word, "3", "C2"]);
        // It comes with its parent.
        project.append("a.csv", "A9,Nine,9,\n");
        assert_eq!(both(&project, 0), ["3 unchanged, 1 created", "1 unchanged, 1 created"]);
        assert_eq!(contacts(&project), ["C1 A1", "C2 A9"]);
        assert_eq!(project.apply(0).jobs(), []);
    }
}

#[test]
fn a_blank_for_a_parent_that_is_nowhere_is_counted_and_filled_when_it_comes() {
    let project = project("blank", A, C);
    let report = project.apply(0);
    assert_eq!((report.outcomes("Contact"), report.count("Contact", "blanked")), ("2 created".into(), 1));
    assert_eq!(report.jobs().iter().filter(|job| job.1 == "update").map(|job| job.2).sum::<u64>(), 1);
    assert_eq!(contacts(&project), ["C1 A1", "C2 "]);
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!((&plan["changes"], &plan["steps"]), (&false.into(), &serde_json::json!([])), "{plan}");
    project.append("a.csv", "A9,Nine,9,\n");
    assert_eq!(both(&project, 0), ["3 unchanged, 1 created", "1 unchanged, 1 updated"]);
    assert_eq!(contacts(&project), ["C1 A1", "C2 A9"]);
    assert_eq!(project.apply(0).jobs(), []);
}

#[test]
fn a_parent_that_the_plan_knows_to_be_rejected_or_held_is_nowhere() {
    // A2 is rejected. A3 is held for a contact that is nowhere; then so are C3, A4 that names it, and C4.
    let manifest = MANIFEST.replace("Name: name,", "Name: name, Founded__c: founded,");
    let accounts = "id,name,phone,main,founded\nA1,One,1,C1,\nA2,Two,2,C1,never\nA3,Three,3,C9,\nA4,Four,4,C3,\nA5,Five,5,C1,\n";
    let contacts_csv = "id,acc\nC1,A1\nC2,A2\nC3,A3\nC4,A4\n";
    let project = Project::of(&[
        ("cutover.yaml", &*manifest),
        ("org.yaml", ORG),
        ("a.csv", accounts),
        ("c.csv", contacts_csv),
    ]);
    assert_eq!(both(&project, 68), ["1 rejected, 2 held, 2 created", "3 held, 1 created"]);
    assert_eq!(contacts(&project), ["C1 A1"]);
    assert_eq!(project.apply(68).jobs(), []);
    project.set("a.csv", "A2", "founded", "1990-01-01");
    project.set("a.csv", "A3", "main", "");
    assert_eq!(both(&project, 0), ["2 unchanged, 3 created", "1 unchanged, 3 created"]);
    assert_eq!(contacts(&project), ["C1 A1", "C2 A2", "C3 A3", "C4 A4"]);
    assert_eq!(project.apply(0).jobs(), []);
}

#[test]
fn a_link_that_waits_for_a_refused_parent_has_its_line_in_a_file() {
    let project = project("hold", A, "id,acc\nC1,A1\nC2,A2\n");
    project.set("a.csv", "A2", "phone", "none");
    assert_eq!(both(&project, 68), ["2 created, 1 failed", "2 created"]);
    assert_eq!(contacts(&project), ["C1 A1", "C2 "]);
    let left = project.data_file(1, "Contact.left-out", ".csv");
    assert_eq!(left.len(), 1);
    assert_eq!([&left[0]["_outcome"], &left[0]["_line"], &left[0]["id"]], ["pending", "3", "C2"]);
    assert!(left[0]["_message"].contains("AccountId"), "{left:?}");
    // Its parent is gone from the source: no plan counts on it.
    let line = project.read("a.csv").lines().find(|line| line.starts_with("A2")).unwrap().to_owned();
    project.remove_line("a.csv", "A2");
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!((&plan["loads"][1]["deferred"], &plan["loads"][1]["held"]), (&0.into(), &1.into()), "{plan}");
    project.append("a.csv", &line.replace("none", "2"));
    assert_eq!(both(&project, 0), ["2 unchanged, 1 created", "2 unchanged"]);
    assert_eq!(contacts(&project), ["C1 A1", "C2 A2"]);
    assert_eq!(project.apply(0).jobs(), []);
}

#[test]
fn a_fallback_that_the_second_pass_gave_yields_to_the_parent_that_comes() {
    let manifest = MANIFEST.replace("from: acc }", "from: acc, fallback: A3 }");
    let project = Project::of(&[("cutover.yaml", &*manifest), ("org.yaml", ORG), ("a.csv", A), ("c.csv", C)]);
    assert_eq!(both(&project, 0), ["3 created", "2 created"]);
    assert_eq!(contacts(&project), ["C1 A1", "C2 A3"]);
    assert_eq!(project.apply(0).jobs(), []);
    project.append("a.csv", "A9,Nine,9,\n");
    assert_eq!(both(&project, 0), ["3 unchanged, 1 created", "1 unchanged, 1 updated"]);
    assert_eq!(contacts(&project), ["C1 A1", "C2 A9"]);
    assert_eq!(project.apply(0).jobs(), []);
}

#[test]
fn between_two_loads_of_one_object_too() {
    let load = |name: &str, more: &str| {
        format!(
            "  - {{ name: {name}, object: Account, key: K__c, source: {name}.csv, fields: {{ K__c: id, Name: id, Founded__c: founded, ParentId: {{ ref: Account, from: parent{more} }} }} }}\n"
        )
    };
    let head = "cutover: 1\nproject: two\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n";
    let one = "id,founded,parent\nA1,,B1\nA2,,B2\nA3,,B3\nA4,,X9\n";
    let two = "id,founded,parent\nB1,,\nB2,never,\nB3,,X9\n";
    for (policy, outcomes) in [
        ("hold", ["3 held, 1 created", "1 rejected, 1 held, 1 created"]),
        ("blank", ["4 created", "1 rejected, 2 created"]),
    ] {
        let manifest = format!(
            "{head}{}{}",
            load("one", &format!(", on_missing: {policy}")),
            load("two", &format!(", on_missing: {policy}"))
        );
        let project = Project::of(&[
            ("cutover.yaml", &*manifest),
            ("org.yaml", ORG),
            ("one.csv", one),
            ("two.csv", two),
        ]);
        let report = project.apply(68);
        assert_eq!(["one", "two"].map(|load| report.outcomes(load)), outcomes, "{policy}");
        assert_eq!(report.count("one", "blanked"), if policy == "blank" { 2 } else { 0 });
        let parents = project.query("SELECT K__c, Parent.K__c FROM Account WHERE K__c = 'A1'");
        assert_eq!(parents[0]["Parent.K__c"], "B1");
        let again = project.apply(68);
        assert_eq!(again.jobs(), [], "{policy}: {}", again.0);
    }
}
