//! Small steps by REST calls (`api: auto`): the org and the accounts are as with jobs, refused rows are named with their
//! lines, and an apply that was cut off between calls goes on.

use crate::project::{Project, Report};
use crate::world::{self, Aim, World};
use cutover::checkpoint::{Ended, RunState, journal_path, read_journal};
use cutover::engine::Finished;
use cutover::local_org::Faults;
use cutover::model::Outcome;
use cutover::plan::Api;
use std::fmt::Write;
use std::sync::Arc;

const ENVIRONMENT: &str =
    "cutover: 1\nproject: calls\nenvironments: { local: { org: { local: org.yaml } } }\n";
const ORG: &str = "\
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Number__c: { type: double, precision: 18, scale: 2 }
      Yes__c: { type: boolean }
      Since__c: { type: date }
      Partner__c: { type: reference, to: Account }
    rules:
      - { name: no_refused, when: 'Name == \"Refused\"', message: Refused it is, field: Name }
  Contact:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
  Task:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
";

/// Accounts with every kind of value, a hierarchy and a loop; contacts and tasks that point to them.
const LOAD: &str = "objects:
  - object: Account
    key: Legacy_Id__c
    source: accounts.csv
    api: API
    blank: clear
    fields:
      Legacy_Id__c: id
      Name: name
      Number__c: number
      Yes__c: { from: yes, default: \"false\" }
      Since__c: since
      ParentId: { ref: Account, from: parent }
      Partner__c: { ref: Account, from: partner }
  - object: Contact
    key: Legacy_Id__c
    source: contacts.csv
    api: API
    blank: clear
    fields: { Legacy_Id__c: id, LastName: name, AccountId: { ref: Account, from: account } }
  - object: Task
    key: Legacy_Id__c
    source: tasks.csv
    api: API
    fields: { Legacy_Id__c: id, Subject: name, WhatId: { ref: { A: Account }, type: kind, from: what } }
";

const ACCOUNTS: &str = "\
id,name,number,yes,since,parent,partner
A1,One,1.50,true,2024-01-31,,A3
A2,\"Two \"\"quoted\"\"
lines\",-12345678901234.25,false,,A1,
A3,Three,,,2024-02-29,A2,A1
A4,Refused,4,true,,,
";

/// So many contacts, the last without an account.
fn contacts(count: usize) -> String {
    let mut text = String::from("id,name,account\n");
    for n in 1..=count {
        let account = if n == count { "" } else { ["A1", "A2", "A3"][n % 3] };
        writeln!(text, "C{n},Person {n},{account}").unwrap();
    }
    text
}

fn project(api: &str) -> Project {
    let manifest = format!("{ENVIRONMENT}{LOAD}").replace("API", api);
    Project::of(&[
        ("cutover.yaml", &manifest),
        ("org.yaml", ORG),
        ("accounts.csv", ACCOUNTS),
        ("contacts.csv", &contacts(450)),
        ("tasks.csv", "id,name,kind,what\nT1,Call,A,A1\nT2,Write,,\n"),
    ])
}

const QUERIES: [&str; 3] = [
    "SELECT Legacy_Id__c, Name, Number__c, Yes__c, Since__c, Parent.Legacy_Id__c, Partner__r.Legacy_Id__c FROM Account ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, LastName, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Subject FROM Task ORDER BY Legacy_Id__c",
];

fn contents(project: &Project) -> Vec<Vec<String>> {
    let ask = |soql: &&str| project.query(soql).iter().map(|row| format!("{row:?}")).collect();
    // Ids are the org's own business.
    let mut contents: Vec<Vec<String>> = QUERIES.iter().map(ask).collect();
    contents.push(vec![project.query("SELECT Id FROM Task WHERE WhatId != null").len().to_string()]);
    contents
}

fn apis(report: &Report) -> Vec<String> {
    let jobs = report.0["jobs"].as_array().unwrap();
    let mut apis: Vec<_> = jobs.iter().map(|job| job["api"].as_str().unwrap().to_owned()).collect();
    apis.dedup();
    apis
}

#[test]
fn calls_do_what_jobs_do() {
    let (by_calls, by_jobs) = (project("auto"), project("bulk"));
    let plan = by_calls.run(&["plan"]).exits(0).out;
    assert!(plan.contains("Contact: upsert 450 rows, 3 REST calls"), "{plan}");
    let steps = by_calls.run(&["plan", "--json"]).exits(0).json()["steps"].clone();
    assert!(steps.as_array().unwrap().iter().all(|s| s["api"] == "collections"), "{steps}");
    let told = [&by_calls, &by_jobs].map(|project| {
        let report = project.apply(68);
        let outcomes = ["Account", "Contact", "Task"].map(|load| report.outcomes(load));
        let failed = project.data_file(1, "Account.", ".failed.csv");
        let failed = ["_code", "_file", "_line", "sf__Error", "Legacy_Id__c"].map(|c| failed[0][c].clone());
        (outcomes, contents(project), failed)
    });
    assert_eq!((&told[0].0, &told[0].2), (&told[1].0, &told[1].2));
    assert!(told[0].1 == told[1].1, "the orgs differ");
    let [firms, people, _] = &told[0].0;
    assert_eq!((firms.as_str(), people.as_str()), ("3 created, 1 failed", "450 created"));
    assert_eq!(told[0].2[..3], ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "accounts.csv", "6"]);

    let again = [&by_calls, &by_jobs].map(|project| project.apply(68));
    assert_eq!(
        again.each_ref().map(|report| report.jobs()),
        [vec![("Account".into(), "upsert".into(), 1)], vec![("Account".into(), "upsert".into(), 1)]]
    );
    assert_eq!([apis(&again[0]), apis(&again[1])], [["collections"], ["bulk"]]);

    // A value changes, values are cleared, a reference too; the refused row is mended.
    let changed = ACCOUNTS.replace("1.50,true,2024-01-31,,A3", ",,,,").replace("Refused", "Four");
    let told = [&by_calls, &by_jobs].map(|project| {
        project.write("accounts.csv", &changed);
        project.write("contacts.csv", &contacts(450).replace("C7,Person 7,A2", "C7,Person 7,"));
        let report = project.apply(0);
        (["Account", "Contact"].map(|load| report.outcomes(load)), contents(project))
    });
    assert!(told[0].1 == told[1].1, "the orgs differ");
    assert_eq!(told[0].0, told[1].0);
    assert_eq!(told[0].0, ["2 unchanged, 1 created, 1 updated", "449 unchanged, 1 updated"]);
    assert!(by_calls.apply(0).jobs().is_empty(), "nothing is left to send");
}

#[test]
fn updates_and_deletes_go_by_calls_and_inserts_do_not() {
    let project = project("auto");
    project.apply(68);
    let load = |text: &str| format!("{ENVIRONMENT}objects:\n  - {{ {text} }}\n");
    let update = "name: names, object: Contact, key: Legacy_Id__c, operation: update, api: auto, source: names.csv, fields: { Legacy_Id__c: id, LastName: name }";
    project.write("cutover.yaml", &load(update));
    let names: String = (1..=250).map(|n| format!("C{n},Man {n}\n")).collect();
    project.write("names.csv", &format!("id,name\n{names}"));
    let report = project.apply(0);
    assert_eq!(
        (report.outcomes("names"), apis(&report)),
        ("250 updated".into(), vec!["collections".to_owned()])
    );
    assert_eq!(project.query("SELECT Id FROM Contact WHERE LastName LIKE 'Man%'").len(), 250);
    assert!(project.apply(0).jobs().is_empty());

    let delete = "name: gone, object: Contact, key: Legacy_Id__c, operation: delete, api: auto, source: gone.csv, fields: { Legacy_Id__c: id }";
    project.write("cutover.yaml", &load(delete));
    let ids: String = (201..=450).map(|n| format!("C{n}\n")).collect();
    project.write("gone.csv", &format!("id\n{ids}"));
    let report = project.apply(0);
    assert_eq!(
        (report.outcomes("gone"), apis(&report)),
        ("250 deleted".into(), vec!["collections".to_owned()])
    );
    assert_eq!(project.count("Contact"), 200);

    for (operation, done) in [("insert", "2 created"), ("hardDelete", "2 deleted")] {
        let fields = if operation == "insert" { ", LastName: id" } else { "" };
        project.write("cutover.yaml", &load(&format!(
            "name: x, object: Contact, key: Legacy_Id__c, operation: {operation}, api: auto, source: x.csv, fields: {{ Legacy_Id__c: id{fields} }}"
        )));
        project.write("x.csv", "id\nX1\nX2\n");
        let said = project.run(&["check"]).exits(0);
        let said = format!("{}{}", said.out, said.err);
        assert!(said.contains(&format!("rows of `{operation}` always go by the Bulk API")), "{said}");
        let report = project.apply(0);
        assert_eq!((report.outcomes("x"), apis(&report)), (done.into(), vec!["bulk".to_owned()]));
    }
}

/// One world with contacts alone: so many calls that a crash can come between them.
fn many(operation: &str, rows: usize) -> Arc<world::Project> {
    let fields = if operation == "delete" { "" } else { ", LastName: name" };
    let manifest = format!(
        "{ENVIRONMENT}objects:\n  - {{ object: Contact, key: Legacy_Id__c, operation: {operation}, api: auto, source: c.csv, ignore: [account, name], fields: {{ Legacy_Id__c: id{fields} }} }}\n"
    );
    let files = [("cutover.yaml", manifest.as_str()), ("org.yaml", ORG), ("c.csv", &contacts(rows))];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    world::Project::new(files.to_vec(), &["SELECT Legacy_Id__c, LastName FROM Contact ORDER BY Legacy_Id__c"])
}

fn end(world: &World) -> Finished {
    world.apply(Aim::Nowhere).end.unwrap().unwrap()
}

/// The calls of a run, by their numbers in its trace.
fn calls(trace: &[String]) -> Vec<usize> {
    let is_call = |name: &String| name.contains("/composite/sobjects");
    trace.iter().enumerate().filter(|(_, name)| is_call(name)).map(|(number, _)| number).collect()
}

fn told(world: &World, run: u32) -> RunState {
    let path = journal_path(run);
    RunState::fold(&path, &read_journal(&world.disk, &path).unwrap().0).unwrap()
}

/// An apply stopped at each call of an upsert, and of a delete of the same rows; a world to go on with for each.
fn stopped(rows: usize) -> Vec<(&'static str, Aim, World)> {
    let mut worlds = Vec::new();
    for operation in ["upsert", "delete"] {
        let make = || {
            let world = World::new(&many("upsert", rows));
            if operation == "delete" {
                end(&world);
                world.sources.put("cutover.yaml", &many("delete", rows).files[0].1);
            }
            world
        };
        let calls = calls(&make().apply(Aim::Nowhere).trace);
        assert_eq!(calls.len(), rows.div_ceil(200));
        for call in calls {
            for aim in [Aim::Before(call), Aim::After(call), Aim::Lost(call), Aim::Cut(call)] {
                let world = make();
                let life = world.apply(aim);
                assert!(life.hit == Some(call));
                if life.end.is_none() {
                    world.lose_power();
                }
                worlds.push((operation, aim, world));
            }
        }
    }
    worlds
}

#[test]
fn an_apply_cut_off_between_calls_goes_on() {
    for (operation, aim, world) in stopped(410) {
        let run = if operation == "upsert" { 1 } else { 2 };
        if told(&world, run).ended.is_none() {
            end(&world);
        }
        let state = told(&world, run);
        assert!(matches!(state.ended, Some((Ended::Finished, 0))), "{operation} {aim:?} {:?}", state.ended);
        let tally = state.loads[0].tally();
        let landed = [Outcome::Created, Outcome::Updated, Outcome::Deleted].map(|o| tally.get(o));
        let expected = if operation == "upsert" { (410, 0, 410) } else { (0, 410, 0) };
        let found = (landed[0] + landed[1], landed[2], world.contents()[0].1.len());
        assert_eq!(found, (expected.0, expected.1, expected.2), "{operation} {aim:?}");
        assert!(end(&world).state.parts.is_empty(), "{operation} {aim:?}: nothing is left to send");
    }
}

/// The source is put back to what it was before the run that was cut off: what its calls changed is changed back.
#[test]
fn what_a_superseded_run_may_have_sent_is_decided_anew() {
    let rows = 210;
    let first = contacts(rows);
    let second = first.replace("Person", "Man");
    let make = || {
        let world = World::new(&many("upsert", rows));
        end(&world);
        world.sources.put("c.csv", format!("{second}N1,New,\n").as_bytes());
        world
    };
    let numbers = calls(&make().apply(Aim::Nowhere).trace);
    for aim in numbers.iter().flat_map(|call| [Aim::Before(*call), Aim::After(*call)]) {
        let world = make();
        world.apply(aim);
        world.lose_power();
        world.sources.put("c.csv", first.as_bytes());
        let finished = end(&world);
        assert!(finished.state.loads[0].tally().balances());
        let old = told(&world, 2);
        assert!(
            matches!(old.ended, Some((Ended::Superseded, _)))
                && old.parts.values().all(|p| p.state.is_over())
        );
        let rows = world.contents().remove(0).1;
        let named = |start: &str| rows.iter().filter(|r| r[1].as_deref().unwrap().starts_with(start)).count();
        assert_eq!(named("Man"), 0, "{aim:?}");
        assert_eq!(named("Person"), 210, "{aim:?}");
        assert!(end(&world).state.parts.is_empty());
    }
    // A delete that the source no longer asks for does not go on.
    for (operation, aim, world) in stopped(210).into_iter().filter(|(operation, ..)| *operation == "delete") {
        if told(&world, 2).ended.is_some() {
            continue;
        }
        let left = world.contents()[0].1.len();
        world.sources.put("c.csv", b"id,name,account\nC999,Nobody,\n");
        let finished = end(&world);
        assert_eq!(world.contents()[0].1.len(), left, "{operation} {aim:?}");
        assert!(finished.state.loads[0].tally().balances());
        let deleted = told(&world, 2).loads[0].tally().get(Outcome::Deleted);
        assert_eq!(deleted, 210 - left as u64, "{aim:?}");
    }
}

/// Calls that the org refuses for a while, or answers twice.
#[test]
fn calls_are_repeated_where_the_org_is_busy() {
    for fault in ["too_many_requests", "unavailable", "drop_before", "drop_after", "twice"] {
        let world = World::new(&many("upsert", 410));
        let text = format!("faults: [{{ path: /composite/sobjects, nth: 2, then: {fault} }}]");
        world.org.set_faults(Faults::read("faults.yaml", &text).unwrap());
        let finished = end(&world);
        assert!(finished.exit.code() == 0 && finished.state.loads[0].tally().balances(), "{fault}");
        assert_eq!(world.contents()[0].1.len(), 410, "{fault}");
        assert_eq!(finished.state.parts.len(), 1, "{fault}");
    }
}

/// One value that the org cannot read refuses the whole call: its rows go again by a job.
#[test]
fn a_call_refused_as_a_whole_goes_by_a_job() {
    let mut world = World::new(&many("upsert", 410));
    world.unreadable = Some("\"C205\"".into());
    let finished = end(&world);
    assert_eq!(finished.exit.code(), 0);
    assert_eq!(finished.state.loads[0].tally().get(Outcome::Created), 410);
    let parts = finished.state.parts.values();
    let parts: Vec<_> = parts.map(|p| (p.api, p.attempt, p.rows, p.failed)).collect();
    assert_eq!(parts, [(Api::Collections, 0, 410, 0), (Api::Bulk, 1, 200, 0)]);
    assert_eq!(world.contents()[0].1.len(), 410);
}
