//! Keys that are numbers: an org writes its doubles as Java does, and a record is known by its key all the same, by every
//! way on which a key comes back.

use crate::others::exit;
use crate::world::{Aim, Life, Project, World};
use cutover::model::Outcome;
use std::fmt::Write;
use std::sync::Arc;

const HEAD: &str =
    "cutover: 1\nproject: numbers\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n";
const ORG: &str = "\
objects:
  Account:
    fields:
      Old__c: { type: double, precision: 18, scale: 0, external_id: true, unique: true }
  Contact:
    fields:
      Old__c: { type: double, precision: 18, scale: 3, external_id: true, unique: true }
";
const ACCOUNTS: &str = "  - { object: Account, key: Old__c, source: accounts.csv, OPERATION, fields: { Old__c: id, Name: name } }\n";
const CONTACTS: &str = "  - { object: Contact, key: Old__c, source: contacts.csv, fields: { Old__c: id, LastName: name, AccountId: { ref: Account, from: account } } }\n";
const ROWS: u64 = 400;

/// The keys of the report that showed it, and short ones among them.
fn key(n: u64) -> u64 {
    if n.is_multiple_of(10) { n + 1 } else { 16_147_805_824_397 + n }
}

fn accounts(name: &str) -> String {
    let mut text = String::from("id,name\n");
    (0..ROWS).for_each(|n| writeln!(text, "{},{name} {n}", key(n)).unwrap());
    text
}

fn manifest(operation: &str) -> String {
    format!("{HEAD}{}", ACCOUNTS.replace("OPERATION", operation))
}

fn project() -> Arc<Project> {
    let mut contacts = String::from("id,name,account\n");
    (0..ROWS).for_each(|n| writeln!(contacts, "{}.125,P {n},{}", 100_000_000 + n, key(n)).unwrap());
    let files = [
        ("cutover.yaml", manifest("operation: upsert") + CONTACTS),
        ("org.yaml", ORG.to_owned()),
        ("accounts.csv", accounts("One")),
        ("contacts.csv", contacts),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.into_bytes())).to_vec();
    Project::new(files, &["SELECT Old__c, LastName, Account.Old__c FROM Contact ORDER BY Old__c"])
}

/// How many rows of the first load had this outcome.
fn count(life: Life, outcome: Outcome) -> u64 {
    life.end.unwrap().unwrap().state.loads[0].tally().get(outcome)
}

fn loaded() -> World {
    let world = World::new(&project());
    assert_eq!(exit(world.apply(Aim::Nowhere)), 0);
    world
}

#[test]
fn an_upsert_lands_and_goes_on() {
    let world = World::new(&project());
    let first = world.apply(Aim::Nowhere).end.unwrap().unwrap();
    assert_eq!((first.exit.code(), first.state.loads[1].tally().get(Outcome::Created)), (0, ROWS));
    let parents =
        world.org.query("SELECT COUNT() FROM Contact WHERE Account.Old__c = 16147805824398").unwrap();
    assert_eq!(parents.rows[0][0].as_deref(), Some("1"));
    assert_eq!(count(world.apply(Aim::Nowhere), Outcome::Unchanged), ROWS);
    world.sources.put("accounts.csv", accounts("Two").as_bytes());
    assert_eq!(count(world.apply(Aim::Nowhere), Outcome::Updated), ROWS);
}

#[test]
fn what_the_org_has_is_found_again_by_its_key() {
    for (operation, outcome) in
        [("operation: update", Outcome::Updated), ("operation: delete", Outcome::Deleted)]
    {
        let mut world = loaded();
        world.forget_all();
        let text = match operation {
            "operation: delete" => manifest(operation).replace(", Name: name", ""),
            _ => manifest(operation),
        };
        world.sources.put("cutover.yaml", text.as_bytes());
        world.sources.put("accounts.csv", accounts("Two").as_bytes());
        assert_eq!(count(world.apply(Aim::Nowhere), outcome), ROWS, "{operation}");
    }
}

#[test]
fn an_insert_is_not_made_twice() {
    let mut world = loaded();
    world.forget_all();
    world.sources.put("cutover.yaml", manifest("operation: insert").as_bytes());
    assert_eq!(exit(world.apply(Aim::Nowhere)), 81);
    assert_eq!(exit(world.apply_refreshed(Aim::Nowhere)), 0);
    let all = world.org.query("SELECT COUNT() FROM Account").unwrap();
    assert_eq!(all.rows[0][0].as_deref(), Some("400"));
}

#[test]
fn a_refresh_and_parents_that_are_asked_for_know_them() {
    let mut world = loaded();
    assert_eq!(count(world.apply_refreshed(Aim::Nowhere), Outcome::Unchanged), ROWS);
    world.forget_all();
    let only_contacts = manifest("operation: upsert") + CONTACTS;
    world.sources.put("cutover.yaml", only_contacts.as_bytes());
    world.sources.put("accounts.csv", b"id,name\n1,One\n");
    let finished = world.apply(Aim::Nowhere).end.unwrap().unwrap();
    assert_eq!((finished.exit.code(), finished.state.loads[1].tally().get(Outcome::Updated)), (0, ROWS));
}

/// By jobs whose results are lost, rows are asked for by key.
#[test]
fn rows_of_lost_results_are_found_by_their_key() {
    let project = project().with("cutover.yaml", &manifest("operation: insert"));
    let world = World::new(&project);
    let faults = "faults: [{ then: lose_results, per_mille: 500 }]";
    world.org.set_faults(cutover::local_org::Faults::read("faults.yaml", faults).unwrap());
    assert_eq!(count(world.apply(Aim::Nowhere), Outcome::Created), ROWS);
    let all = world.org.query("SELECT COUNT() FROM Account").unwrap();
    assert_eq!(all.rows[0][0].as_deref(), Some("400"));
}

#[test]
fn a_key_with_more_digits_than_come_back_is_rejected() {
    let project = project().with("cutover.yaml", &manifest("operation: upsert"));
    let project = project
        .with("accounts.csv", "id,name\n123456789012345678,A\n123456789012345679,B\n1234567890123456,C\n");
    let world = World::new(&project);
    let finished = world.apply(Aim::Nowhere).end.unwrap().unwrap();
    let tally = finished.state.loads[0].tally();
    assert_eq!(
        (finished.exit.code(), tally.get(Outcome::Rejected), tally.get(Outcome::Created), tally.balances()),
        (68, 2, 1, true)
    );
    assert_eq!(exit(world.apply(Aim::Nowhere)), 68, "and the next apply goes on");
}
