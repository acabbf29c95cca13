//! A source that changes under a run: told as that, with 81, after the jobs that are open have settled; the next apply makes
//! a new plan. It is no fault of the disk.

use crate::world::{Aim, Project, World};
use cutover::engine::Exit;
use cutover::ports::Files;
use std::fmt::Write;
use std::sync::Arc;

const MANIFEST: &str = "cutover: 1
project: changing
environments: { local: { org: { local: org.yaml } } }
defaults: { duplicates: first }
objects:
  - { object: Account, key: K__c, source: accounts.csv, fields: { K__c: k, Name: name } }
  - { object: Lead, key: K__c, source: leads.csv, fields: { K__c: k, LastName: name, Company: name } }
  - object: Contact
    key: K__c
    source: contacts.csv
    fields: { K__c: k, LastName: name, AccountId: { ref: Account, from: a } }
";
const ORG: &str = "objects:
  Account: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } }
  Lead: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } }
  Contact: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } }
";
const QUERIES: [&str; 3] = [
    "SELECT K__c, Name FROM Account ORDER BY K__c",
    "SELECT K__c FROM Lead ORDER BY K__c",
    "SELECT K__c, Account.K__c FROM Contact ORDER BY K__c",
];

const CONTACTS: &str = "k,name,a\nC1,One,A1\nC2,Two,A1\nC3,Three,A1\n";

/// While the contacts are staged, the leads are with the org: they are many, and need no account.
fn project() -> Arc<Project> {
    let mut leads = "k,name\n".to_owned();
    (0..1_500).for_each(|n| writeln!(leads, "L{n:04},Lead").unwrap());
    let files = [
        ("cutover.yaml", MANIFEST),
        ("org.yaml", ORG),
        ("accounts.csv", "k,name\nA1,One\nA1,Again\n"),
        ("leads.csv", &leads),
        ("contacts.csv", CONTACTS),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
    Project::new(files, &QUERIES)
}

type Change = fn(&World);

const CHANGES: [(&str, Change); 4] = [
    ("shorter", |world| world.sources.truncate("contacts.csv", 25).unwrap()),
    ("gone", |world| world.sources.remove("contacts.csv").unwrap()),
    ("empty", |world| world.sources.put("contacts.csv", b"")),
    ("other rows", |world| {
        world.sources.put("contacts.csv", CONTACTS.replace("Two", "A longer one").as_bytes())
    }),
];

#[test]
fn what_is_open_settles_before_a_changed_source_stops_the_run() {
    for (name, change) in CHANGES {
        let world = World::new(&project());
        let life = world.apply_watched(&|told| {
            if told == "staging Contact" {
                change(&world);
            }
        });
        let error = life.end.unwrap().unwrap_err();
        assert_eq!(error.exit(), Exit::Stale, "{name}: {error}");
        assert!(error.to_string().contains("contacts.csv changed while"), "{name}: {error}");
        let state = world.told(1);
        assert!(
            state.parts.len() == 2 && state.parts.values().all(|p| p.state.is_over()),
            "{name}: {:?}",
            state.parts
        );
        assert_eq!((state.paused, state.loads[1].outcomes[5]), (Some(81), 1_500), "{name}");
        world.sources.put("contacts.csv", CONTACTS.as_bytes());
        let again = world.apply(Aim::Nowhere).end.unwrap().unwrap();
        assert_eq!((again.exit, world.jobs().len()), (Exit::Done, 3), "{name}");
        let rows = world.contents().remove(2).1.into_iter();
        let contacts: Vec<_> =
            rows.map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(contacts, ["C1 A1", "C2 A1", "C3 A1"], "{name}");
    }
}

/// Rows that are left out are read a second time, for their cells.
#[test]
fn what_changes_while_the_plan_is_made_is_told_as_that() {
    let changes: [(&str, Change); 3] = [
        ("shorter", |world| world.sources.truncate("accounts.csv", 16).unwrap()),
        ("gone", |world| world.sources.remove("accounts.csv").unwrap()),
        ("one line", |world| world.sources.put("accounts.csv", b"k,name\nA1,One and nothing el\n")),
    ];
    for (name, change) in changes {
        let world = World::new(&project());
        let life = world.apply_watched(&|told| {
            if told == "reading Contact" {
                change(&world);
            }
        });
        let error = life.end.unwrap().unwrap_err();
        assert_eq!(error.exit(), Exit::Stale, "{name}: {error}");
        assert!(error.to_string().contains("accounts.csv changed while"), "{name}: {error}");
        assert!(world.jobs().is_empty(), "{name}");
    }
}
