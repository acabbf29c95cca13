//! What a review by fresh eyes found: rows that point to what goes, two keys of one record, what a refused delete
//! forgot, what is called absent, and consent before anything is written.

use crate::damaging_proxy::{Front, Turn};
use crate::http::Served;
use crate::operations::{forget, loaded, manifest};
use crate::project::{Output, Project, Report, finished};

/// A manifest of several loads.
fn loads(loads: &[&str]) -> String {
    manifest(&loads.join(" }\n  - { "))
}

const DROP: &str = "name: drop, object: Account, key: Legacy_Id__c, operation: delete, source: drop.csv, fields: { Legacy_Id__c: id }";

/// People of firms, the reference with this word beside it.
fn people(word: &str) -> String {
    format!(
        "name: people, object: Contact, key: Legacy_Id__c, source: people.csv, \
         fields: {{ Legacy_Id__c: id, LastName: name, AccountId: {{ ref: Account, from: account{word} }} }}"
    )
}

/// The firm of each contact.
fn firms(project: &Project) -> Vec<(String, String)> {
    let rows = project.query("SELECT Legacy_Id__c, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c");
    rows.into_iter().map(|r| (r["Legacy_Id__c"].clone(), r["Account.Legacy_Id__c"].clone())).collect()
}

const GOES: &str = "AccountId: its parent is among the records that this manifest deletes";

#[test]
fn nobody_is_given_a_parent_that_the_same_manifest_deletes() {
    for (word, exit, people_come_to) in [
        ("", 68, "2 held, 1 unchanged, 1 created"),
        (", on_missing: reject", 68, "2 rejected, 1 unchanged, 1 created"),
        (", on_missing: blank", 0, "1 unchanged, 2 created, 1 updated"),
        (", fallback: A3", 0, "1 unchanged, 2 created, 1 updated"),
    ] {
        let project = loaded();
        project.write("cutover.yaml", &loads(&[DROP, &people(word)]));
        project.write("drop.csv", "id\nA2\n");
        project.write("people.csv", "id,name,account\nC1,Ada,A1\nC2,Bob,A2\nC3,Cyd,a2\nC4,Dee,A3\n");
        let plan = project.run(&["plan"]).exits(0).out;
        assert_eq!(plan.contains(GOES), exit == 68, "{plan}");
        let report = project.apply(exit);
        assert_eq!(report.outcomes("people"), people_come_to, "{word}");
        assert_eq!(report.outcomes("drop"), "1 deleted");
        let firm = |key: &str| firms(&project).into_iter().find(|(k, _)| k == key).map(|(_, firm)| firm);
        let new = match word {
            "" | ", on_missing: reject" => None,
            ", on_missing: blank" => Some(String::new()),
            _ => Some("A3".to_owned()),
        };
        assert_eq!((firm("C3"), firm("C4")), (new, Some("A3".to_owned())), "{word}");
        if exit == 68 {
            let left = project.data_file(2, "people.left-out", ".csv");
            let told: Vec<_> = left.iter().map(|r| (r["_line"].as_str(), r["_message"].as_str())).collect();
            assert_eq!(told, [("3", GOES), ("4", GOES)], "{word}");
        }
    }
}

/// A fallback that goes too is none; in a hierarchy, what is below the row stays behind with it.
#[test]
fn a_fallback_that_goes_is_none_and_a_hierarchy_stays_behind() {
    let project = loaded();
    project.write("cutover.yaml", &loads(&[&people(", fallback: A2"), DROP]));
    project.write("drop.csv", "id\nA2\n");
    project.write("people.csv", "id,name,account\nC3,Cyd,A2\n");
    assert_eq!(project.apply(68).outcomes("people"), "1 held");

    let project = loaded();
    let tree = "name: tree, object: Account, key: Legacy_Id__c, source: tree.csv, \
                fields: { Legacy_Id__c: id, Name: id, ParentId: { ref: Account, from: parent } }";
    for order in [[tree, DROP], [DROP, tree]] {
        project.write("cutover.yaml", &loads(&order));
        project.write("drop.csv", "id\nA2\nA8\n");
        project.write("tree.csv", "id,parent\nB1,A2\nB2,B1\nB3,A1\nB4,A8\n");
        let outcomes = project.apply(68).outcomes("tree");
        assert!(outcomes.starts_with("3 held, 1 "), "{outcomes}");
        assert_eq!(project.count("Account WHERE Legacy_Id__c LIKE 'B%'"), 1);
    }
}

/// The records that we loaded, the first of which somebody has given the key B1.
fn with_another_key() -> Project {
    let project = loaded();
    let (known, kept) = (project.path(".cutover/ledger"), project.path("ledger.kept"));
    std::fs::rename(&known, &kept).unwrap();
    forget(&project);
    for (key, field, row) in [("Legacy_Id__c", "Loose__c", "A1,x"), ("Loose__c", "Legacy_Id__c", "x,B1")] {
        let load = format!(
            "name: keys, object: Account, key: {key}, operation: update, source: keys.csv, \
             fields: {{ {key}: id, {field}: other }}"
        );
        project.write("cutover.yaml", &manifest(&load));
        project.write("keys.csv", &format!("id,other\n{row}\n"));
        project.apply(0);
        forget(&project);
    }
    std::fs::rename(&kept, &known).unwrap();
    project
}

#[test]
fn rows_whose_keys_lead_to_one_record_are_told_and_none_of_them_goes() {
    for (operation, others) in [("update", "1 updated"), ("delete", "1 deleted")] {
        let project = with_another_key();
        let phone = if operation == "update" { ", Phone: phone" } else { "" };
        let load = format!(
            "name: these, object: Account, key: Legacy_Id__c, operation: {operation}, source: these.csv, \
             fields: {{ Legacy_Id__c: id{phone} }}"
        );
        project.write("cutover.yaml", &manifest(&load));
        project.write("these.csv", "id,phone\nA1,11\nA2,22\nB1,33\n");
        let output = project.run(&["apply", "-v", "--json"]).exits(68);
        let note = "these: the keys at these.csv:2 and these.csv:4 lead to one record: neither row goes";
        assert!(output.err.contains(note), "{output:?}");
        assert_eq!(Report(output.json()).balances().outcomes("these"), format!("2 rejected, {others}"));
        let left = project.data_file(2, "these.left-out", ".csv");
        let lines: Vec<_> = left.iter().map(|row| row["_line"].as_str()).collect();
        assert_eq!(lines, ["2", "4"]);
        assert_eq!(left[0]["_message"], "its key leads to the record of another row of the source");
        let phones = project.query("SELECT Legacy_Id__c, Phone FROM Account WHERE Legacy_Id__c = 'B1'");
        assert_eq!(phones[0]["Phone"], "1");
        // What we know is one record more than there is: that is told, and mended as ever.
        let expected = if operation == "update" { 68 } else { 0 };
        project.run(&["apply"]).exits(81);
        let mended = project.apply_with(&["--refresh"], expected);
        let outcomes = if operation == "update" {
            "1 rejected, 1 unchanged, 1 updated"
        } else {
            "2 unchanged, 1 deleted"
        };
        assert_eq!(mended.outcomes("these"), outcomes);
    }
}

const KEPT_ORG: &str = "\
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Primary_Contact__c: { type: reference, to: Contact }
  Contact:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
  Case:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
";

#[test]
fn a_refused_delete_forgets_nothing() {
    let load = |object: &str, source: &str, fields: &str| {
        format!(
            "name: {source}, object: {object}, key: Legacy_Id__c, source: {source}.csv, fields: {{ Legacy_Id__c: id, {fields} }}"
        )
    };
    let all = loads(&[
        &load("Account", "firms", "Name: name, Primary_Contact__c: { ref: Contact, from: contact }"),
        &load("Contact", "people", "LastName: name, AccountId: { ref: Account, from: account }"),
        &load("Case", "cases", "Subject: id, AccountId: { ref: Account, from: account }"),
    ]);
    let project = Project::of(&[
        ("cutover.yaml", all.as_str()),
        ("org.yaml", KEPT_ORG),
        ("firms.csv", "id,name,contact\nA1,One,C9\nA2,Two,\n"),
        ("people.csv", "id,account,name\nC1,A2,One\nC9,A2,\n"),
        ("cases.csv", "id,account\nV1,A1\n"),
        ("drop.csv", "id\nA1\n"),
    ]);
    // The org refuses C9, which has no name: what is to point to it waits.
    let first = project.apply(68);
    assert_eq!(first.0["loads"][0]["references"]["pending"], 1, "{first:?}");
    project.write("cutover.yaml", &manifest(DROP));
    assert_eq!(project.apply(68).outcomes("drop"), "1 failed");
    let jobs = project.run(&["report", "--json"]).exits(0).json()["jobs"].as_array().unwrap().len();
    assert_eq!(jobs, 3, "what keeps it may go after it: it is tried again, twice");
    project.write("cutover.yaml", &all);
    project.write("people.csv", "id,account,name\nC1,A2,One\nC9,A2,Nine\n");
    assert_eq!(project.apply(0).outcomes("firms"), "2 unchanged");
    let filled = "SELECT Primary_Contact__r.Legacy_Id__c FROM Account WHERE Legacy_Id__c = 'A1'";
    assert_eq!(project.query(filled)[0]["Primary_Contact__r.Legacy_Id__c"], "C9");
    // And whose row it was: its load lists it once the row is gone.
    project.write("cutover.yaml", &manifest(DROP));
    project.apply(68);
    project.write("cutover.yaml", &all);
    project.write("firms.csv", "id,name,contact\nA2,Two,\n");
    assert_eq!(project.apply(0).count("firms", "absent"), 1);
}

#[test]
fn absent_is_what_is_no_longer_in_the_source_and_nothing_else() {
    let project = loaded();
    let id = &project.query("SELECT Id FROM Account WHERE Legacy_Id__c = 'A2'")[0]["Id"].clone();
    let load = "name: Account, object: Account, key: Legacy_Id__c, source: accounts.csv, where: 'name != \"Gone\"', \
                fields: { Legacy_Id__c: '\"A\" ~ id', Name: name, NumberOfEmployees: staff, \
                OwnerId: { lookup: User, match: { Email: owner } } }";
    project.write("cutover.yaml", &manifest(load));
    // Filtered, rejected, held; A2 is not there.
    for rows in ["1,Gone,,\n3,Three,many,\n", "1,One,,nobody@acme.example\n3,Gone,,\n"] {
        project.write("accounts.csv", &format!("id,name,staff,owner\n{rows}"));
        let report = project.apply(68);
        assert_eq!(report.count("Account", "absent"), 1, "{rows}");
        let run = report.0["run"].as_u64().unwrap() as u32;
        let listed = project.data_file(run, "Account.absent", ".csv");
        assert_eq!((listed.len(), &listed[0]["record_id"]), (1, id), "{rows}");
    }
    // Whose a row is that cannot be read at all, nobody knows: that is said.
    project.write("accounts.csv", "id,name,staff,owner\n1,Gone,,\n2,Two\n3,Gone,,\n");
    let plan = project.run(&["plan"]).exits(0).out;
    assert!(plan.contains("Account: 1 rows of its source have no key that can be read"), "{plan}");
    assert_eq!(project.apply(68).count("Account", "absent"), 1);
}

/// A project whose org is reached through a front, by a token.
fn through(front: &Front, project: &Project, arguments: &[&str]) -> Output {
    let mut command = project.command(arguments);
    command.env("TEST_URL", &front.url).env("TEST_TOKEN", front.token());
    finished(command)
}

fn remote(text: &str) -> String {
    let local = "local: { org: { local: org.yaml } }";
    assert!(text.contains(local));
    text.replace(local, "local: { org: { url: env:TEST_URL, token: env:TEST_TOKEN }, protect: false }")
}

const PEOPLE: &str = "name: people, object: Contact, key: Legacy_Id__c, source: contacts.csv, fields: { Legacy_Id__c: id, LastName: name }";

#[test]
fn an_interrupted_run_writes_nothing_to_the_org_before_somebody_agrees() {
    for changed in [false, true] {
        let project = loaded();
        forget(&project);
        let org = Served::start(&project);
        let cut = Front::before(&org, |asked, _| match asked.line.starts_with("PATCH ") {
            true => Turn::Say("401 Unauthorized", "", "[]".into()),
            false => Turn::Pass,
        });
        project.write("cutover.yaml", &remote(&manifest(PEOPLE)));
        through(&cut, &project, &["apply", "--yes"]).exits(77);
        assert_eq!(org.job_states(), ["Open"]);
        if changed {
            project.append("contacts.csv", "C3,Cyd,A1\n");
        }
        let front = Front::before(&org, |_, _| Turn::Pass);
        let asked = through(&front, &project, &["apply"]).exits(64);
        let what = if changed { "abort 1 jobs" } else { "go on with 1 uploads of 2 rows" };
        assert!(asked.err.contains("Run 1 was interrupted") && asked.err.contains(what), "{}", asked.err);
        assert_eq!((org.job_states(), org.count("Contact")), (vec!["Open".to_owned()], 0));
        assert!(front.seen("PATCH ").is_empty() && front.seen("PUT ").is_empty());
        through(&front, &project, &["apply", "--yes"]).exits(0);
        assert_eq!(org.count("Contact"), if changed { 3 } else { 2 });
    }
}

/// What deletes wants the plan that was saved, and `--yes`, in the middle too.
#[test]
fn an_interrupted_delete_wants_both_consents_again() {
    let project = loaded();
    forget(&project);
    let org = Served::start(&project);
    let front = Front::before(&org, |_, _| Turn::Pass);
    project.write("cutover.yaml", &remote(&manifest(PEOPLE)));
    through(&front, &project, &["apply", "--yes"]).exits(0);
    let delete = DROP.replace("Account", "Contact");
    project.write("cutover.yaml", &remote(&manifest(&delete)));
    project.write("drop.csv", "id\nC1\n");
    through(&front, &project, &["plan", "--out", "saved.json"]).exits(0);
    let cut = Front::before(&org, |asked, _| match asked.line.starts_with("PATCH ") {
        true => Turn::Say("401 Unauthorized", "", "[]".into()),
        false => Turn::Pass,
    });
    through(&cut, &project, &["apply", "saved.json", "--yes"]).exits(77);
    for half in [&["apply", "--yes"][..], &["apply", "saved.json"]] {
        let asked = through(&front, &project, half).exits(64);
        assert!(asked.err.contains("deleting 1 records"), "{}", asked.err);
        assert_eq!(org.count("Contact"), 2);
    }
    through(&front, &project, &["apply", "saved.json", "--yes"]).exits(0);
    assert_eq!(org.count("Contact"), 1);
    let help =
        project.run(&["apply", "--help"]).exits(0).out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("it is not enough where records would be deleted"), "{help}");
}

#[test]
fn an_org_that_refuses_hard_deletes_is_told_as_that() {
    let project = loaded();
    forget(&project);
    let org = Served::start(&project);
    let calm = Front::before(&org, |_, _| Turn::Pass);
    project.write("cutover.yaml", &remote(&manifest(PEOPLE)));
    through(&calm, &project, &["apply", "--yes"]).exits(0);
    project.write("drop.csv", "id\nC1\n");
    for (operation, status, body, exit) in [
        ("hardDelete", "400 Bad Request", "FEATURENOTENABLED", 77),
        ("hardDelete", "403 Forbidden", "INSUFFICIENT_ACCESS", 77),
        ("delete", "400 Bad Request", "FEATURENOTENABLED", 1),
    ] {
        let delete = DROP.replace("Account", "Contact").replace("delete,", &format!("{operation},"));
        project.write("cutover.yaml", &remote(&manifest(&delete)));
        through(&calm, &project, &["plan", "--out", "saved.json"]).exits(0);
        let front = Front::before(&org, move |asked, _| match asked.line.ends_with("/jobs/ingest") {
            true => Turn::Say(status, "", format!(r#"[{{"errorCode":"{body}","message":"it is not on"}}]"#)),
            false => Turn::Pass,
        });
        let output = through(&front, &project, &["apply", "saved.json", "--yes"]).exits(exit);
        assert!(output.err.contains("it is not on"), "{}", output.err);
        let help = output.err.contains("needs the permission \"Bulk API Hard Delete\"");
        assert_eq!(help, operation == "hardDelete", "{}", output.err);
        assert_eq!(org.count("Contact"), 2);
    }
}

#[test]
fn fields_whose_values_are_written_in_several_ways_are_no_keys() {
    for kind in ["date", "datetime", "time", "boolean", "reference, to: Account"] {
        let org = format!("objects: {{ Account: {{ fields: {{ K__c: {{ type: {kind} }} }} }} }}\n");
        let load =
            "object: Account, key: K__c, operation: update, source: a.csv, fields: { K__c: id, Name: name }";
        let project = Project::of(&[
            ("cutover.yaml", &manifest(load)),
            ("org.yaml", &org),
            ("a.csv", "id,name\n2020-01-01,x\n"),
        ]);
        let plan = project.run(&["plan"]).exits(65);
        let why = "`Account.K__c` cannot be a key: the org writes its values in other ways than files do";
        assert!(plan.err.contains(why), "{kind}: {}", plan.err);
    }
}

#[test]
fn a_reference_is_judged_though_its_expression_is_wrong() {
    let people = |value: &str| {
        format!(
            "object: Contact, key: Legacy_Id__c, source: contacts.csv, \
             fields: {{ Legacy_Id__c: id, LastName: name, AccountId: {value} }}"
        )
    };
    for (value, errors) in [
        ("{ ref: Acount, from: acount }", 2),
        ("{ ref: Acount }", 2),
        ("{ first_of: [ { from: nme }, { ref: Acount, from: acount } ] }", 3),
        ("{ ref: Contact, from: acount }", 1),
    ] {
        let project = Project::of(&[
            ("cutover.yaml", &manifest(&people(value))),
            ("org.yaml", "{}\n"),
            ("contacts.csv", "id,name,account\nC1,Ada,A1\n"),
        ]);
        let checked = project.run(&["check"]).exits(65);
        assert_eq!(checked.err.matches("error[").count(), errors, "{value}: {}", checked.err);
        assert_eq!(checked.err.contains("no load fills `Acount`"), errors > 1, "{value}: {}", checked.err);
    }
}
