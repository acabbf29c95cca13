//! Loads that change or remove what the org already has: `update`, `delete` and `hardDelete`, from the manifest to the
//! org and back, in one process and through the real binary.

use crate::http::Served;
use crate::project::{Project, finished};
use crate::world::{self, Aim, World};

const ENVIRONMENT: &str =
    "cutover: 1\nproject: operations\nenvironments: { local: { org: { local: org.yaml } } }\n";
const ORG: &str = "\
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Loose__c: { type: string, length: 40, external_id: true }
    rules:
      - { name: no_refused, when: 'Name == \"Refused\"', message: Refused it is, field: Name }
  Contact:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
";
const ACCOUNTS: &str = "id,name,phone\nA1,One,1\nA2,Two,2\nA3,Three,3\n";
const CONTACTS: &str = "id,name,account\nC1,Ada,A1\nC2,Bob,A2\n";

/// Accounts and contacts, loaded.
const LOAD: &str = "objects:
  - { object: Account, key: Legacy_Id__c, source: accounts.csv, fields: { Legacy_Id__c: id, Name: name, Phone: phone, Loose__c: { value: same } } }
  - { object: Contact, key: Legacy_Id__c, source: contacts.csv, fields: { Legacy_Id__c: id, LastName: name, AccountId: { ref: Account, from: account } } }
";

/// A manifest whose one load has this operation and these fields.
pub fn manifest(load: &str) -> String {
    format!("{ENVIRONMENT}objects:\n  - {{ {load} }}\n")
}

const UPDATE: &str = "name: phones, object: Account, key: Legacy_Id__c, operation: update, source: phones.csv, fields: { Legacy_Id__c: id, Phone: phone }";
const DELETE: &str = "name: obsolete, object: Contact, key: Legacy_Id__c, operation: delete, source: obsolete.csv, fields: { Legacy_Id__c: id }";

/// A project whose accounts and contacts are in the org.
pub fn loaded() -> Project {
    let load = format!("{ENVIRONMENT}{LOAD}");
    let files = [
        ("cutover.yaml", load.as_str()),
        ("org.yaml", ORG),
        ("accounts.csv", ACCOUNTS),
        ("contacts.csv", CONTACTS),
    ];
    let project = Project::of(&files);
    assert_eq!(project.apply(0).total("created"), 5);
    project
}

/// Forgets everything that was learnt of the org.
pub fn forget(project: &Project) {
    for folder in ["ledger", "runs", "state", "data"] {
        let path = project.path(&format!(".cutover/{folder}"));
        if path.exists() {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    // Which org the environment was is learnt too; a project without a run has nothing of that.
    let environments = project.path(".cutover/environments.json");
    if environments.exists() {
        std::fs::remove_file(environments).unwrap();
    }
}

fn phones(project: &Project) -> Vec<(String, String)> {
    let rows = project.query("SELECT Legacy_Id__c, Phone FROM Account ORDER BY Legacy_Id__c");
    rows.into_iter().map(|row| (row["Legacy_Id__c"].clone(), row["Phone"].clone())).collect()
}

#[test]
fn an_update_changes_what_is_there_and_creates_nothing() {
    for known in [true, false] {
        let project = loaded();
        if !known {
            forget(&project);
        }
        project.write("cutover.yaml", &manifest(UPDATE));
        project.write("phones.csv", "id,phone\nA1,11\nA9,99\na2,22\n");
        let plan = project.run(&["plan", "--json"]).exits(0).json();
        let load = &plan["loads"][0];
        assert_eq!(
            [&load["create"], &load["update"], &load["rejected"], &load["operation"]],
            [&0.into(), &2.into(), &1.into(), &serde_json::json!("update")]
        );
        let report = project.apply(68);
        assert_eq!(report.outcomes("phones"), "1 rejected, 2 updated");
        assert_eq!(report.jobs(), [("phones".to_owned(), "update".to_owned(), 2)]);
        let told = [("A1", "11"), ("A2", "22"), ("A3", "3")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(phones(&project), told, "the key keeps its spelling, and no other record is touched");
        let run = if known { 2 } else { 1 };
        let left = project.data_file(run, "phones.left-out", ".csv");
        assert_eq!((left.len(), left[0]["_line"].as_str(), left[0]["id"].as_str()), (1, "3", "A9"));
        let why = "the org has no record with its Legacy_Id__c, and `update` creates none";
        assert_eq!(left[0]["_message"], why);

        let again = project.apply(68);
        assert_eq!((again.outcomes("phones"), again.jobs()), ("1 rejected, 2 unchanged".into(), vec![]));
        project.set("phones.csv", "A1", "phone", "111");
        assert_eq!(project.apply(68).outcomes("phones"), "1 rejected, 1 unchanged, 1 updated");
    }
}

#[test]
fn a_refused_update_is_told_with_its_line_and_goes_again() {
    let project = loaded();
    project.write("cutover.yaml", &manifest(&UPDATE.replace("Phone: phone", "Name: name")));
    project.write("phones.csv", "id,name\nA1,Refused\nA2,Fine\n");
    let report = project.apply(68);
    assert_eq!(report.outcomes("phones"), "1 updated, 1 failed");
    let failed = project.data_file(2, "phones.", ".failed.csv");
    assert_eq!((failed[0]["_line"].as_str(), failed[0]["Name"].as_str()), ("2", "Refused"));
    assert!(failed[0]["sf__Error"].contains("Refused it is"), "{failed:?}");
    project.set("phones.csv", "A1", "name", "Mended");
    assert_eq!(project.apply(0).outcomes("phones"), "1 unchanged, 1 updated");
}

#[test]
fn a_key_that_several_records_have_is_no_record() {
    let project = loaded();
    forget(&project);
    let loose = UPDATE.replace("Legacy_Id__c", "Loose__c");
    project.write("cutover.yaml", &manifest(&loose));
    project.write("phones.csv", "id,phone\nsame,5\n");
    let report = project.apply(68);
    assert_eq!(report.outcomes("phones"), "1 rejected");
    let left = project.data_file(1, "phones.left-out", ".csv");
    assert_eq!(left[0]["_message"], "several records of the org have its Loose__c");
    assert_eq!(phones(&project)[0].1, "1");
}

/// More keys than are asked for one by one: all keys of the object are read.
#[test]
fn an_update_of_many_unknown_records() {
    let files = |load: &str, rows: String| {
        let files = [
            ("cutover.yaml".to_owned(), manifest(load).into_bytes()),
            ("org.yaml".to_owned(), ORG.into()),
            ("phones.csv".to_owned(), rows.into_bytes()),
        ];
        world::Project::new(files.to_vec(), &["SELECT COUNT() FROM Account WHERE Phone = '7'"])
    };
    let rows = |phone: &str, range: std::ops::Range<u32>| {
        range.fold("id,phone\n".to_owned(), |text, n| format!("{text}K{n},{phone}\n"))
    };
    let upsert =
        UPDATE.replace("operation: update,", "").replace("Legacy_Id__c: id,", "Legacy_Id__c: id, Name: id,");
    let first = World::new(&files(&upsert, rows("6", 0..20_500)));
    first.apply(Aim::Nowhere).end.unwrap().unwrap();
    let mut second = World::new(&files(UPDATE, rows("7", 100..20_600)));
    second.org = first.org.clone();
    let finished = second.apply(Aim::Nowhere).end.unwrap().unwrap();
    let load = &finished.state.loads[0];
    assert!(load.tally().balances());
    assert_eq!((load.outcomes[6], load.outcomes[1]), (20_400, 100), "updated and rejected");
    assert_eq!(second.contents()[0].1[0][0].as_deref(), Some("20400"));
}

/// Two deletes, the parents first in the manifest.
fn deletes(operation: &str) -> String {
    let load = |name: &str, object: &str| {
        format!(
            "  - {{ name: {name}, object: {object}, key: Legacy_Id__c, operation: {operation}, source: {name}.csv, fields: {{ Legacy_Id__c: id }} }}\n"
        )
    };
    format!("{ENVIRONMENT}objects:\n{}{}", load("firms", "Account"), load("people", "Contact"))
}

#[test]
fn a_delete_removes_children_first_and_finds_nothing_the_second_time() {
    for (operation, known) in [("delete", true), ("delete", false), ("hardDelete", true)] {
        let project = loaded();
        if !known {
            forget(&project);
        }
        project.write("cutover.yaml", &deletes(operation));
        project.write("firms.csv", "id,why\nA2,old\nA9,never there\n");
        project.write("people.csv", "id\nC2\n");
        let plan = project.run(&["plan", "--json"]).exits(0).json();
        let step = |at: usize| (plan["steps"][at]["name"].as_str(), plan["steps"][at]["operation"].as_str());
        assert_eq!([step(0), step(1)], [(Some("people"), Some(operation)), (Some("firms"), Some(operation))]);
        assert_eq!((&plan["loads"][0]["delete"], &plan["loads"][0]["update"]), (&1.into(), &0.into()));
        let text = project.run(&["plan"]).exits(0).out;
        assert!(text.contains("DELETES 1 Account records of "), "{text}");
        assert!(text.contains("firms: 1 rows have no record in the org: nothing to delete"), "{text}");

        let report = project.apply(0);
        let outcomes =
            |report: &crate::project::Report| (report.outcomes("firms"), report.outcomes("people"));
        assert_eq!(outcomes(&report), ("1 unchanged, 1 deleted".into(), "1 deleted".into()));
        assert_eq!(
            report.jobs(),
            [("firms".into(), operation.into(), 1), ("people".into(), operation.into(), 1)]
        );
        assert_eq!((project.count("Account"), project.count("Contact")), (2, 1));

        let again = project.apply(0);
        assert_eq!(outcomes(&again), ("2 unchanged".into(), "1 unchanged".into()));
        assert_eq!((again.jobs(), again.total("absent")), (vec![], 0));
    }
}

/// The ledger forgets what was deleted: the counts agree with the org's, and the same key can come back.
#[test]
fn what_was_deleted_can_be_loaded_again() {
    let project = loaded();
    let load = project.read("cutover.yaml");
    project.write("cutover.yaml", &manifest(DELETE));
    project.write("obsolete.csv", "id\nC1\n");
    assert_eq!(project.apply(0).outcomes("obsolete"), "1 deleted");
    project.run(&["report", "--crosswalk"]).exits(0);
    let keys = |project: &Project| {
        let rows = project.csv(".cutover/crosswalk/Contact.csv");
        rows.into_iter().map(|row| row["legacy_key"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&project), ["C2"], "no crosswalk to a record that is gone");
    project.write("cutover.yaml", &load);
    let back = project.apply(0);
    assert_eq!(
        (back.outcomes("Account"), back.outcomes("Contact")),
        ("3 unchanged".into(), "1 unchanged, 1 created".into())
    );
    project.run(&["report", "--crosswalk"]).exits(0);
    assert_eq!((keys(&project).len(), project.count("Contact")), (2, 2));
    project.write("cutover.yaml", &manifest(DELETE));
    assert_eq!(project.apply(0).outcomes("obsolete"), "1 deleted", "and deleted again");
    assert_eq!(project.apply(0).outcomes("obsolete"), "1 unchanged");
}

/// Somebody else was faster; the ledger did not know.
#[test]
fn a_record_that_is_gone_already_is_no_failure() {
    let files = |manifest: &str, people: &str| {
        let files = [
            ("cutover.yaml", manifest),
            ("org.yaml", ORG),
            ("accounts.csv", ACCOUNTS),
            ("contacts.csv", CONTACTS),
            ("obsolete.csv", people),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        world::Project::new(files.to_vec(), &["SELECT Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c"])
    };
    let outcomes = |world: &World| {
        let finished = world.apply(Aim::Nowhere).end.unwrap().unwrap();
        assert!(finished.state.loads.iter().all(|l| l.tally().balances()));
        (finished.exit.code(), finished.state.loads.last().unwrap().outcomes)
    };
    let load = format!("{ENVIRONMENT}{LOAD}");
    let ours = World::new(&files(&load, "id\nC1\nC2\n"));
    outcomes(&ours);
    // Another project deletes one of our records, and brings one so that the count is the same.
    let mut other = World::new(&files(&manifest(DELETE), "id\nC1\n"));
    other.org = ours.org.clone();
    assert_eq!(outcomes(&other).1[7], 1);
    let mut third = World::new(&files(
        &load
            .replace("source: contacts.csv", "source: obsolete.csv")
            .replace("LastName: name, AccountId: { ref: Account, from: account }", "LastName: id"),
        "id\nC7\n",
    ));
    third.org = ours.org.clone();
    outcomes(&third);
    ours.sources.put("cutover.yaml", manifest(DELETE).as_bytes());
    let (exit, counts) = outcomes(&ours);
    assert_eq!((exit, counts[4], counts[7], counts[8]), (0, 1, 1, 0), "unchanged, deleted, failed");
    assert_eq!(ours.contents()[0].1, [[Some("C7".to_owned())]]);
    let (_, counts) = outcomes(&ours);
    assert_eq!((counts[4], counts[7]), (2, 0));
}

#[test]
fn an_org_that_is_not_local_deletes_only_with_double_consent() {
    let project = loaded();
    // The environment is to be another org, which has nothing of what was loaded.
    forget(&project);
    let org = Served::start(&project);
    let run = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        command.env("TEST_URL", &org.url).env("TEST_TOKEN", &org.token);
        finished(command)
    };
    let remote = |text: &str| {
        text.replace(
            "local: { org: { local: org.yaml } }",
            "local: { org: { url: env:TEST_URL, token: env:TEST_TOKEN } }",
        )
    };
    project.write("cutover.yaml", &remote(&project.read("cutover.yaml")));
    run(&["apply", "--yes"]).exits(0);
    project.write("cutover.yaml", &remote(&manifest(DELETE)));
    project.write("obsolete.csv", "id\nC1\n");
    for asked in [run(&["apply", "--yes"]), run(&["apply"]), run(&["apply", "-q"])] {
        let asked = asked.exits(64);
        assert!(
            asked.err.contains("DELETES 1 Contact") && asked.err.contains("apply FILE --yes"),
            "{}",
            asked.err
        );
    }
    run(&["plan", "--out", "saved.json"]).exits(0);
    run(&["apply", "saved.json"]).exits(64);
    assert_eq!(org.count("Contact"), 2);
    run(&["apply", "saved.json", "--yes"]).exits(0);
    assert_eq!(org.count("Contact"), 1);
}

/// A project of two accounts.
fn two_accounts(rows: &str) -> Project {
    let manifest = "cutover: 1\nproject: two\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  \
        - { object: Account, key: K__c, source: a.csv, fields: { K__c: id, Name: name, NumberOfEmployees: staff } }\n";
    let org = "objects: { Account: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } } }\n";
    Project::of(&[
        ("cutover.yaml", manifest),
        ("org.yaml", org),
        ("a.csv", &format!("id,name,staff\n{rows}")),
    ])
}

#[test]
fn a_plan_that_sends_nothing_says_why() {
    let project = two_accounts("A1,One,many\nA2,Two,few\n");
    let says = |exit: i32, words: &[&str]| {
        let told = project.run(&["plan", "--detailed-exitcode"]).exits(exit).out;
        let last = told.lines().last().unwrap().to_owned();
        assert!(words.iter().all(|words| last.contains(words)), "{last}");
        assert!(!told.contains("the org has every row"), "{told}");
    };
    says(68, &["Nothing to send: 2 of 2 rows are rejected."]);
    project.write("a.csv", "id,name,staff\nA1,One,1\nA2,Two,2\n");
    project.apply(0);
    says(0, &["2 of 2 rows have not changed since they were last sent", "was not looked at"]);
    project.write("a.csv", "id,name,staff\nA1,One,1\nA3,Two,few\n");
    says(68, &["1 of 2 rows are rejected", "1 of 2 rows have not changed", "1 landed records are absent"]);
    project.write("a.csv", "id,name,staff\n");
    says(
        0,
        &[
            "Nothing to send: the sources have no rows; 2 landed records are absent from the sources, and stay.",
        ],
    );
}

#[test]
fn a_file_that_is_not_ours_is_not_overwritten() {
    let project = two_accounts("A1,One,1\n");
    project.apply(0);
    let source = project.read("a.csv");
    #[cfg(unix)]
    std::os::unix::fs::symlink(project.path("a.csv"), project.path("link.csv")).unwrap();
    let files: &[&str] =
        if cfg!(unix) { &["a.csv", "cutover.yaml", "link.csv"] } else { &["a.csv", "cutover.yaml"] };
    for file in files {
        for command in [&["plan", "--out"][..], &["rollback", "1", "--out"], &["state", "export", "--out"]] {
            let refused = project.run(&[command, &[file]].concat()).exits(64).err;
            assert!(refused.contains(file) && refused.contains("`--force`"), "{command:?} {file}: {refused}");
        }
        assert_eq!(project.read("a.csv"), source);
    }
    // One of ours is replaced, and is then for its owner alone.
    project.write("plan.json", "");
    for command in
        [&["plan", "--out"][..], &["state", "export", "--csv", "--out"], &["state", "export", "--out"]]
    {
        project.run(&[command, &["plan.json"]].concat()).exits(0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(project.path("plan.json")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    project.run(&["plan", "--out", "a.csv", "--force"]).exits(0);
    assert!(project.read("a.csv").contains("cutover.plan/"));
    assert!(project.files(".").iter().all(|file| !file.to_string_lossy().ends_with(".tmp")));
}

#[test]
fn an_expression_that_would_fill_the_memory_rejects_its_row() {
    let project = two_accounts("A1,O,1\nA2,X,2\n");
    let growing = r#" | replace("O", "OOOOOOOOOO")"#.repeat(12);
    let manifest =
        project.read("cutover.yaml").replace("Name: name", &format!("Name: 'name{growing} | truncate(80)'"));
    project.write("cutover.yaml", &manifest);
    let report = project.apply(68);
    assert_eq!(report.outcomes("Account"), "1 rejected, 1 created");
    let left = project.data_file(1, "Account.left-out", ".csv");
    assert!(left[0]["_message"].contains("the text grows beyond 16 MB"), "{left:?}");
}

/// A disk that is full behind the standard output is no success.
#[test]
#[cfg(target_os = "linux")]
fn an_output_that_cannot_be_written_is_no_success() {
    let project = two_accounts("A1,One,1\n");
    project.apply(0);
    for arguments in [
        &["report"][..],
        &["report", "--list"],
        &["status", "--json"],
        &["plan"],
        &["plan", "--json"],
        &["check", "--json"],
        &["graph"],
        &["schema"],
        &["local", "query", "SELECT Name FROM Account"],
        &["completions", "bash"],
        &["apply"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = project.command(arguments);
        let ended = command.stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("could not be written"), "{arguments:?}: {told}");
    }
}

#[test]
fn a_load_is_not_named_longer_than_files_are() {
    let project = two_accounts("A1,One,1\n");
    let named = |letters: usize| {
        let text = project.read("cutover.yaml");
        let name = format!("{{ name: {}, object: Account", "n".repeat(letters));
        project.write("cutover.yaml", &text.replacen("{ object: Account", &name, 1));
        let output = project.run(&["check"]);
        project.write("cutover.yaml", &text);
        (output.code, output.err)
    };
    assert_eq!(named(100).0, 0);
    let (code, told) = named(101);
    assert!(code == 65 && told.contains("has 101 bytes") && told.contains("at most 100"), "{told}");
}
