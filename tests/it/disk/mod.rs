//! Disks that are full, closed, damaged or from another time: the real binary refuses with a message and a documented
//! exit, or builds anew; it never guesses. What a damage would cost if it did guess: records that are there twice,
//! because the unfinished run that all these worlds begin with is in the middle of an insert.

mod closed;
mod damage;
mod full;
mod table;

use crate::process::{Contents, Running, Site};
use cutover::checkpoint::Event;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

const MANIFEST: &str = "\
cutover: 1
project: disk
environments:
  remote: { org: { url: env:CUTOVER_TEST_URL, token: env:CUTOVER_TEST_TOKEN } }
objects:
  - object: Account
    key: Legacy_Id__c
    source: accounts.csv
    fields: { Legacy_Id__c: id, Name: name }
  - object: Contact
    key: Legacy_Id__c
    source: contacts.csv
    fields: { Legacy_Id__c: id, LastName: name, AccountId: { ref: Account, from: account } }
  - object: Item__c
    key: Legacy_Id__c
    operation: insert
    source: items.csv
    fields: { Legacy_Id__c: id, Name: name, Contact__c: { ref: Contact, from: contact } }
";

/// The inserted object's key is not unique: the org takes it twice.
const ORG: &str = "\
objects:
  Account: { fields: { Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true } } }
  Contact: { fields: { Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true } } }
  Item__c:
    label: Item
    name: text
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true }
      Contact__c: { type: reference, to: Contact }
";

const QUERIES: [&str; 3] = [
    "SELECT Legacy_Id__c, Name FROM Account ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, LastName, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name, Contact__r.Legacy_Id__c FROM Item__c ORDER BY Legacy_Id__c",
];

/// From the third job's results on, the org is not to be had.
const MUTE: &str =
    "faults: [{ then: unavailable, method: GET, path: \"jobs/ingest/*/successfulResults\", from: 3 }]\n";

/// A small project: three objects of `rows` rows, the last of them inserted.
fn site(rows: usize) -> Site {
    let site = Site::empty(&QUERIES);
    site.write("cutover.yaml", MANIFEST);
    site.write("org.yaml", ORG);
    site.write("faults.yaml", MUTE);
    let lines = |row: fn(usize) -> String| (0..rows).map(row).collect::<String>();
    site.write("accounts.csv", &format!("id,name\n{}", lines(|n| format!("A{n:05},Account {n}\n"))));
    site.write(
        "contacts.csv",
        &format!("id,name,account\n{}", lines(|n| format!("C{n:05},Contact {n},A{n:05}\n"))),
    );
    site.write(
        "items.csv",
        &format!("id,name,contact\n{}", lines(|n| format!("I{n:05},Item {n},C{n:05}\n"))),
    );
    site
}

/// What the org holds after a run that nothing disturbs.
fn undisturbed(site: &Site) -> Contents {
    let world = site.world("undisturbed");
    let done = world.apply();
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    world.contents()
}

/// A world whose run was killed when two parts had settled and the third, the insert, was with the org. Nobody serves
/// its org.
fn unfinished(site: &Site) -> Running<'_> {
    let faults = site.root().join("faults.yaml");
    let mut world = site.world_with("unfinished", &["--faults", faults.to_str().unwrap()]);
    let process = world.begin();
    world.until(1, 3, |event| matches!(event, Event::Closed { .. }));
    assert_eq!(process.kill().signal(), Some(9));
    let state = world.told(1);
    assert!(state.ended.is_none() && state.parts.values().filter(|p| !p.state.is_over()).count() == 1);
    world.kill_org();
    world.finish_jobs();
    world
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
