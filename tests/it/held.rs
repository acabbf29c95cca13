//! Rows that cannot go: rejected by us, refused by the org, held for a parent, standing twice, too many. Each is
//! accounted for, named with its place, and goes by itself once it can.

use crate::project::{Project, Report, Row};

const MANIFEST: &str = r#"
cutover: 1
project: held
environments: { local: { org: { local: org.yaml } } }
objects:
  - name: companies
    object: Account
    key: Legacy_Id__c
    source: companies.csv
    fields: { Legacy_Id__c: id, Name: name, Phone: phone, Founded__c: founded }
  - name: people
    object: Contact
    key: Legacy_Id__c
    source: people.csv
    fields: { Legacy_Id__c: id, LastName: name, AccountId: { ref: Account, from: company } }
  - name: cases
    object: Case
    key: Legacy_Id__c
    source: cases.csv
    fields: { Legacy_Id__c: id, Subject: subject, ContactId: { ref: Contact, from: person } }
"#;

const ORG: &str = r#"
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Founded__c: { type: date }
    rules:
      - { name: phone_known, when: 'Phone == "none"', message: Find out the phone, field: Phone }
  Contact:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
  Case:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
"#;

/// Three companies, a person each, a case for each person; all of it good.
pub(crate) fn good() -> Project {
    Project::of(&[
        ("cutover.yaml", MANIFEST),
        ("org.yaml", ORG),
        (
            "companies.csv",
            "id,name,phone,founded\nA,Ashgrove,1,1990-01-01\nB,Bramble,2,1991-02-02\nC,Cobalt,3,\n",
        ),
        ("people.csv", "id,name,company\np1,Abara,A\np2,Bianchi,B\np3,Castro,C\n"),
        ("cases.csv", "id,subject,person\nk1,one,p1\nk2,two,p2\nk3,three,p3\n"),
    ])
}

fn loads(report: &Report) -> [String; 3] {
    ["companies", "people", "cases"].map(|load| report.outcomes(load))
}

fn job(load: &str, rows: u64) -> (String, String, u64) {
    (load.to_owned(), "upsert".to_owned(), rows)
}

/// Code, file and line of a row that was not loaded.
#[track_caller]
fn named(row: &Row, code: &str, file: &str, line: &str) {
    assert_eq!([&row["_code"], &row["_file"], &row["_line"]], [code, file, line], "{row:?}");
}

/// With B broken: its person and their case are held, and everything else lands.
#[track_caller]
fn children_are_held(project: &Project, outcome: &str) {
    let report = project.apply(68);
    let two = "1 held, 2 created".to_owned();
    assert_eq!(loads(&report), [outcome.to_string(), two.clone(), two]);
    assert_eq!([project.count("Account"), project.count("Contact"), project.count("Case")], [2, 2, 2]);
    let person = project.data_file(1, "people.left-out", ".csv");
    let case = project.data_file(1, "cases.left-out", ".csv");
    assert_eq!((person.len(), case.len()), (1, 1));
    named(&person[0], "CUT0310", "people.csv", "3");
    named(&case[0], "CUT0310", "cases.csv", "3");
    assert_eq!((person[0]["_outcome"].as_str(), person[0]["id"].as_str()), ("held", "p2"));
    assert!(person[0]["_message"].contains("AccountId"), "{person:?}");
}

/// After B is mended: B, its person and their case go, and nothing else.
#[track_caller]
fn they_follow(project: &Project) {
    let report = project.apply(0);
    assert_eq!(loads(&report), ["2 unchanged, 1 created"; 3]);
    assert_eq!(report.jobs(), [job("cases", 1), job("companies", 1), job("people", 1)]);
    let chain = project.query("SELECT Contact.Legacy_Id__c FROM Case WHERE Legacy_Id__c = 'k2'");
    assert_eq!(chain[0]["Contact.Legacy_Id__c"], "p2");
    let chain = project.query("SELECT Account.Name FROM Contact WHERE Legacy_Id__c = 'p2'");
    assert_eq!(chain[0]["Account.Name"], "Bramble");
    assert_eq!(project.apply(0).jobs(), []);
}

#[test]
fn a_rejected_parent_holds_its_children_and_theirs() {
    let project = good();
    project.set("companies.csv", "B", "founded", "02/02/1991");
    children_are_held(&project, "1 rejected, 2 created");
    let rejected = project.data_file(1, "companies.left-out", ".csv");
    assert_eq!((rejected.len(), rejected[0]["_outcome"].as_str()), (1, "rejected"));
    named(&rejected[0], "CUT0306", "companies.csv", "3");
    assert_eq!((rejected[0]["id"].as_str(), rejected[0]["founded"].as_str()), ("B", "02/02/1991"));
    let message = &rejected[0]["_message"];
    assert!(message.starts_with("Founded__c: `founded`: ") && !message.contains("1991"), "{message}");
    project.set("companies.csv", "B", "founded", "1991-02-02");
    they_follow(&project);
}

#[test]
fn a_failed_parent_holds_its_children_and_theirs() {
    // The org requires a name; that our row has none only the org can say, for it may have a default.
    let project = good();
    project.set("companies.csv", "B", "name", "");
    children_are_held(&project, "2 created, 1 failed");
    let failed = project.data_file(1, "companies.", ".failed.csv");
    assert_eq!(failed.len(), 1);
    named(&failed[0], "REQUIRED_FIELD_MISSING", "companies.csv", "3");
    assert_eq!((failed[0]["Legacy_Id__c"].as_str(), failed[0]["Phone"].as_str()), ("B", "2"));
    assert!(failed[0]["sf__Error"].contains("[Name]"), "{failed:?}");
    project.set("companies.csv", "B", "name", "Bramble");
    they_follow(&project);
}

#[test]
fn a_parent_that_is_nowhere_holds_until_it_comes() {
    let project = good();
    let row = project.read("companies.csv");
    project.remove_line("companies.csv", "B,");
    let report = project.apply(68);
    assert_eq!(loads(&report), ["2 created", "1 held, 2 created", "1 held, 2 created"]);
    // Without the parent nothing moves, and the exit code goes on saying so.
    let again = project.apply(68);
    assert_eq!(again.jobs(), []);
    assert_eq!(loads(&again), ["2 unchanged", "1 held, 2 unchanged", "1 held, 2 unchanged"]);
    project.write("companies.csv", &row);
    they_follow(&project);
}

#[test]
fn a_rule_of_the_org_fails_rows_and_only_they_go_again() {
    let project = good();
    project.set("companies.csv", "A", "phone", "none");
    project.set("companies.csv", "C", "phone", "none");
    let report = project.apply(68);
    assert_eq!(loads(&report), ["1 created, 2 failed", "2 held, 1 created", "2 held, 1 created"]);
    let mut failed = project.data_file(1, "companies.", ".failed.csv");
    failed.sort_by_key(|row| row["_line"].clone());
    assert_eq!(failed.len(), 2);
    named(&failed[0], "FIELD_CUSTOM_VALIDATION_EXCEPTION", "companies.csv", "2");
    named(&failed[1], "FIELD_CUSTOM_VALIDATION_EXCEPTION", "companies.csv", "4");
    assert!(failed[0]["sf__Error"].contains("Find out the phone"), "{failed:?}");
    // Both are tried again, one of them is mended.
    project.set("companies.csv", "A", "phone", "1");
    let report = project.apply(68);
    assert_eq!(
        loads(&report),
        [
            "1 unchanged, 1 created, 1 failed",
            "1 held, 1 unchanged, 1 created",
            "1 held, 1 unchanged, 1 created",
        ]
    );
    assert_eq!(report.jobs(), [job("cases", 1), job("companies", 2), job("people", 1)]);
    project.set("companies.csv", "C", "phone", "3");
    let report = project.apply(0);
    assert_eq!(loads(&report), ["2 unchanged, 1 created"; 3]);
    assert_eq!(report.jobs(), [job("cases", 1), job("companies", 1), job("people", 1)]);
}

#[test]
fn a_parent_whose_update_failed_is_still_a_parent() {
    let project = good();
    project.apply(0);
    project.set("companies.csv", "B", "phone", "none");
    project.append("people.csv", "p4,Dahl,B\n");
    let report = project.apply(68);
    assert_eq!(loads(&report), ["2 unchanged, 1 failed", "3 unchanged, 1 created", "3 unchanged"]);
    assert_eq!(project.count("Account WHERE Legacy_Id__c = 'B' AND Phone = '2'"), 1);
    // The refused update goes again, though nothing changed since: what failed is never taken for done.
    assert_eq!(project.apply(68).jobs(), [job("companies", 1)]);
    project.set("companies.csv", "B", "phone", "22");
    assert_eq!(loads(&project.apply(0)), ["2 unchanged, 1 updated", "4 unchanged", "3 unchanged"]);
}

#[test]
fn on_missing_blank_lands_without_the_parent_and_links_when_it_comes() {
    let project = good();
    project.replace("cutover.yaml", "from: company }", "from: company, on_missing: blank }");
    let row = project.read("companies.csv");
    project.remove_line("companies.csv", "B,");
    let report = project.apply(0);
    assert_eq!(loads(&report), ["2 created", "3 created", "3 created"]);
    assert_eq!(project.query("SELECT AccountId FROM Contact WHERE Legacy_Id__c = 'p2'")[0]["AccountId"], "");
    assert_eq!(project.apply(0).jobs(), []);
    project.write("companies.csv", &row);
    let report = project.apply(0);
    assert_eq!(loads(&report), ["2 unchanged, 1 created", "2 unchanged, 1 updated", "3 unchanged"]);
    assert_eq!(project.count("Contact WHERE Legacy_Id__c = 'p2' AND Account.Name = 'Bramble'"), 1);
}

#[test]
fn on_missing_reject_rejects() {
    let project = good();
    project.replace("cutover.yaml", "from: company }", "from: company, on_missing: reject }");
    let row = project.read("companies.csv");
    project.remove_line("companies.csv", "B,");
    let report = project.apply(68);
    assert_eq!(loads(&report), ["2 created", "1 rejected, 2 created", "1 held, 2 created"]);
    let rejected = project.data_file(1, "people.left-out", ".csv");
    named(&rejected[0], "CUT0310", "people.csv", "3");
    assert_eq!(rejected[0]["_outcome"], "rejected");
    project.write("companies.csv", &row);
    they_follow(&project);
}

fn with_duplicates(policy: &str) -> Project {
    let project = good();
    project.append("companies.csv", "b ,Bramble Again,22,\n");
    let line = format!("source: companies.csv\n    duplicates: {policy}\n");
    project.replace("cutover.yaml", "source: companies.csv\n", &line);
    project
}

#[test]
fn duplicates_stop_with_both_places() {
    let project = with_duplicates("stop");
    for command in ["plan", "apply"] {
        let output = project.run(&[command]).exits(65);
        assert!(output.err.contains("CUT0308"), "{}", output.err);
        for place in ["companies.csv:3", "companies.csv:5"] {
            assert!(output.err.contains(place), "{place} in {}", output.err);
        }
        assert!(!output.err.contains("Bramble"), "a row is named, not shown: {}", output.err);
    }
    assert_eq!(project.count("Account"), 0, "nothing was sent");
    project.remove_line("companies.csv", "b ,");
    project.apply(0);
}

#[test]
fn duplicates_first_and_last_keep_one() {
    for (policy, name, line) in [("first", "Bramble", "5"), ("last", "Bramble Again", "3")] {
        let project = with_duplicates(policy);
        let report = project.apply(0);
        assert_eq!(loads(&report), ["1 duplicate, 3 created", "3 created", "3 created"], "{policy}");
        let kept = project.query("SELECT Name FROM Account WHERE Phone LIKE '2%'");
        assert_eq!((kept.len(), kept[0]["Name"].as_str()), (1, name), "{policy}");
        let left = project.data_file(1, "companies.left-out", ".csv");
        assert_eq!(left.len(), 1);
        named(&left[0], "CUT0308", "companies.csv", line);
        assert_eq!(loads(&project.apply(0)), ["1 duplicate, 3 unchanged", "3 unchanged", "3 unchanged"]);
    }
}

#[test]
fn duplicates_reject_keeps_none() {
    let project = with_duplicates("reject");
    let report = project.apply(68);
    assert_eq!(loads(&report), ["2 duplicate, 2 created", "1 held, 2 created", "1 held, 2 created"]);
    assert_eq!(project.count("Account WHERE Legacy_Id__c = 'B'"), 0);
    assert_eq!(project.data_file(1, "companies.left-out", ".csv").len(), 2);
}

/// A project of one load whose rows all fail in the org.
fn hopeless(rows: usize, budget: &str) -> Project {
    let project = good();
    let lines: String = (0..rows).map(|i| format!("H{i},Hopeless {i},none,\n")).collect();
    project.write("companies.csv", &format!("id,name,phone,founded\n{lines}"));
    let line = format!("source: companies.csv\n    max_failed: {budget}\n");
    project.replace("cutover.yaml", "source: companies.csv\n", &line);
    project
}

#[test]
fn a_spent_budget_stops_after_the_first_part() {
    let project = hopeless(2_500, "10%");
    let report = project.apply(84);
    assert_eq!(report.outcomes("companies"), "2000 failed, 500 pending");
    assert_eq!(report.jobs(), [job("companies", 2_000)]);
    // Within the budget the same rows are merely failures.
    project.replace("cutover.yaml", "max_failed: 10%", "max_failed: 100%");
    let report = project.apply(68);
    assert_eq!(report.outcomes("companies"), "2500 failed");
}

#[test]
fn a_budget_never_trips_on_a_handful() {
    assert_eq!(hopeless(19, "0").apply(68).outcomes("companies"), "19 failed");
    assert_eq!(hopeless(20, "0").apply(84).outcomes("companies"), "20 failed");
    assert_eq!(hopeless(20, "20").apply(68).outcomes("companies"), "20 failed");
    assert_eq!(hopeless(21, "20").apply(84).outcomes("companies"), "21 failed");
}

#[test]
fn rejected_rows_count_towards_the_budget_and_nothing_is_sent_then() {
    let project = hopeless(30, "10");
    let text = project.read("companies.csv").replace(",none,", ",1,never");
    project.write("companies.csv", &(text + "Z,Zest,1,\n"));
    let report = project.apply(84);
    assert_eq!(report.outcomes("companies"), "30 rejected, 1 pending");
    assert_eq!(report.jobs(), []);
}
