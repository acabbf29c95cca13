//! Rows refused in passing go again within the same apply: a lock is nobody's fault, nor is a job that the org gave
//! up half-way. One apply ends 0 with every row loaded once.

use crate::damaging_proxy::{Front, Turn};
use crate::http::Served;
use crate::project::{Report, finished};
use crate::world::{Aim, Meddle, Project, Tap, World};
use cutover::engine::{Exit, Finished};
use cutover::local_org::Faults;
use cutover::model::Outcome;
use cutover::ports::{MemoryFiles, read_all};
use std::sync::Arc;

fn npsp() -> Arc<Project> {
    Project::example(
        "npsp",
        &["SELECT Legacy_Id__c, Name, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c"],
    )
}

fn apply(world: &World) -> Finished {
    world.apply(Aim::Nowhere).end.unwrap().unwrap()
}

/// Applies in a world with these faults; gives how many jobs more it took than without.
fn jobs_more(fault: &str) -> usize {
    let project = npsp();
    let calm = World::new(&project);
    let calm_jobs = apply(&calm).state.parts.len();
    let world = World::new(&project);
    let faults = Faults::read("faults.yaml", &format!("faults: [{fault}]")).unwrap();
    world.org.set_faults(faults);
    let finished = apply(&world);
    assert_eq!(finished.exit, Exit::Done, "{:?}", finished.state.loads);
    for load in &finished.state.loads {
        assert!(load.tally().balances(), "{load:?}");
        assert_eq!(load.tally().get(Outcome::Created), load.source, "{load:?}");
    }
    assert_eq!(world.contents(), calm.contents());
    finished.state.parts.len() - calm_jobs
}

#[test]
fn locked_rows_go_again_until_they_are_in() {
    assert!(jobs_more("{ then: lock_rows, per_mille: 300 }") >= 13, "every load of some size meets a lock");
}

#[test]
fn a_job_given_up_half_way_has_its_rest_sent_again() {
    assert!(jobs_more("{ then: fail_job, rows: 400 }") >= 1);
}

thread_local! {
    /// The disk of the world under test, for who meddles with it while an answer is on its way.
    static DISK: std::cell::RefCell<Option<MemoryFiles>> = const { std::cell::RefCell::new(None) };
}

/// While the org tells which rows failed, a byte of what was sent changes on the disk.
fn spoil(path: &str) {
    DISK.with_borrow(|disk| {
        let disk = disk.as_ref().unwrap();
        let mut bytes = read_all(disk, path).unwrap();
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        disk.put(path, &bytes);
    });
}

/// Rows go again as they were sent, or not at all.
#[test]
fn rows_that_go_again_are_held_against_their_hash() {
    let meddles: [(&str, Meddle); 2] = [
        (
            "data/1/Account-0-0.index",
            Arc::new(|_: &str, path: &str, _: &[u8], answer| {
                if path.ends_with("/failedResults") {
                    spoil("data/1/Account-0-0.index");
                }
                answer
            }),
        ),
        (
            "data/1/Account-0-0.csv",
            Arc::new(|_: &str, path: &str, _: &[u8], answer| {
                if path.ends_with("/failedResults") {
                    spoil("data/1/Account-0-0.csv");
                }
                answer
            }),
        ),
    ];
    for (file, meddle) in meddles {
        let mut world =
            world(&project("upsert", ACCOUNTS, ""), "{ then: lock_rows, per_mille: 1000, tries: 1 }");
        DISK.set(Some(world.disk.clone()));
        world.meddle = Some(meddle);
        let error = world.apply(Aim::Nowhere).end.unwrap().unwrap_err();
        assert_eq!(error.exit(), Exit::Invalid, "{error}");
        assert!(error.to_string().contains(file), "{error}");
        assert_eq!(world.told(1).parts.len(), 1, "nothing was made to go again");
    }
}

const ORG: &str = "\
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
    rules:
      - { name: no_refused, when: 'Name == \"Refused\"', message: Refused it is, field: Name }
  Contact:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
";

/// Accounts and contacts; how they are written, and their rows behind the header.
fn project(operation: &str, accounts: &str, contacts: &str) -> Arc<Project> {
    let load = |object: &str, source: &str, fields: &str| {
        format!(
            "  - {{ object: {object}, key: Legacy_Id__c, operation: {operation}, source: {source}, \
             fields: {{ Legacy_Id__c: id, {fields} }} }}\n"
        )
    };
    let manifest = format!(
        "cutover: 1\nproject: again\nenvironments: {{ local: {{ org: {{ local: org.yaml }} }} }}\nobjects:\n{}{}",
        load("Account", "accounts.csv", "Name: name"),
        load("Contact", "contacts.csv", "LastName: id, AccountId: { ref: Account, from: account }"),
    );
    let files = [
        ("cutover.yaml", manifest),
        ("org.yaml", ORG.to_owned()),
        ("accounts.csv", format!("id,name\n{accounts}")),
        ("contacts.csv", format!("id,account\n{contacts}")),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.into_bytes())).to_vec();
    Project::new(files, &["SELECT Legacy_Id__c, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c"])
}

fn world(project: &Arc<Project>, faults: &str) -> World {
    let mut world = World::new(project);
    world.tap = Tap::open();
    world.org.set_faults(Faults::read("faults.yaml", &format!("faults: [{faults}]")).unwrap());
    world
}

/// The rows of each upload, without their header.
fn uploads(world: &World) -> Vec<Vec<String>> {
    let puts = world.tap.kept().into_iter().filter(|e| e.method == "PUT");
    puts.map(|e| e.body.lines().skip(1).map(str::to_owned).collect()).collect()
}

/// So many contacts, dealt to three accounts in turn.
fn contacts(rows: u32) -> String {
    (0..rows).map(|n| format!("C{n},A{}\n", n % 3)).collect()
}

const ACCOUNTS: &str = "A0,One\nA1,Two\nA2,Three\n";

/// Smaller parts, each in the order of the parent that its rows lock.
#[test]
fn locked_rows_go_again_in_small_parts_by_parent() {
    let world = world(&project("upsert", ACCOUNTS, &contacts(9_000)), "{ then: lock_rows, per_mille: 1000 }");
    let finished = apply(&world);
    assert_eq!(finished.exit, Exit::Done);
    let again: Vec<u64> =
        finished.state.parts.values().filter(|p| p.load == 1 && p.attempt == 1).map(|p| p.rows).collect();
    assert_eq!(again.iter().sum::<u64>(), 9_000);
    assert!(again.len() >= 5 && again.iter().all(|rows| *rows <= 2_000), "{again:?}");
    for upload in uploads(&world).iter().filter(|rows| rows.len() > 3) {
        let parents: Vec<&str> =
            upload.iter().filter_map(|row| row.split(',').find(|c| c.starts_with('A'))).collect();
        let mut runs = parents.clone();
        runs.dedup();
        assert!(parents.len() == upload.len() && runs.len() <= 3, "parents come back: {runs:?}");
    }
}

/// What the job had saved when the org gave it up is in no second job.
#[test]
fn what_a_failed_job_saved_never_goes_again() {
    let world = world(&project("upsert", ACCOUNTS, &contacts(1_000)), "{ then: fail_job, rows: 400 }");
    let finished = apply(&world);
    assert_eq!(
        (finished.exit, finished.state.loads[1].outcomes[Outcome::Created as usize]),
        (Exit::Done, 1_000)
    );
    let uploads: Vec<Vec<String>> = uploads(&world).into_iter().filter(|rows| rows.len() > 3).collect();
    assert_eq!(uploads.iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 600]);
    // The org works through a job in the order of its rows.
    assert!(uploads[1].iter().all(|row| !uploads[0][..400].contains(row)));
}

/// Answers that never tell of some rows. They are asked for by key, and go again five times with growing waits; an
/// upsert does no harm by it, and in the end the records at least are known, so that their children find them.
#[test]
fn rows_that_no_file_names_are_asked_for_and_go_again_so_many_times() {
    let faults = "{ then: cut, ending: silent, path: 'jobs/ingest/*/successfulResults', from: 1 }";
    let world = world(&project("upsert", ACCOUNTS, "C0,A0\nC1,A1\nC2,A2\n"), faults);
    let life = world.apply(Aim::Nowhere);
    let finished = life.end.unwrap().unwrap();
    let (accounts, contacts) = (&finished.state.loads[0], &finished.state.loads[1]);
    assert!(accounts.tally().balances() && contacts.tally().balances());
    assert_eq!((finished.exit, accounts.outcomes[Outcome::Held as usize]), (Exit::Partial, 0));
    assert!(accounts.outcomes[Outcome::Failed as usize] > 0, "{accounts:?}");
    assert_eq!(contacts.outcomes[Outcome::Held as usize], 0, "{contacts:?}");
    assert_eq!(world.contents()[0].1.len(), 3);
    let attempts: Vec<u32> =
        finished.state.parts.values().filter(|p| p.load == 0).map(|p| p.attempt).collect();
    assert_eq!(attempts, [0, 1, 2, 3, 4, 5]);
    let waits = waits(&life.trace);
    assert!(
        waits.len() >= 5 && waits[..5].is_sorted() && waits[4] > 20 * waits[0].max(500) / 10,
        "{waits:?}"
    );
    // The next one finds them, and is told of nothing but what it sends.
    world.org.set_faults(Faults::default());
    assert_eq!(apply(&world).exit, Exit::Done);
}

/// Milliseconds slept between one upload and the next.
fn waits(trace: &[String]) -> Vec<u64> {
    let (mut waits, mut slept) = (Vec::new(), 0);
    for call in trace {
        if let Some(milliseconds) = call.strip_prefix("sleep ") {
            slept += milliseconds.parse::<u64>().unwrap();
        } else if call.contains("PUT ") {
            waits.push(std::mem::take(&mut slept));
        }
    }
    waits.into_iter().skip(1).collect()
}

/// An insert is asked for before anything goes again, and what is there is not sent a second time.
#[test]
fn an_insert_that_no_file_names_is_asked_for_and_goes_once() {
    let faults = "{ then: cut, ending: silent, path: 'jobs/ingest/*/successfulResults', from: 1 }";
    let world = world(&project("insert", ACCOUNTS, "C0,A0\nC1,A1\nC2,A2\n"), faults);
    let finished = apply(&world);
    assert_eq!(finished.exit, Exit::Done, "{:?}", finished.state.loads);
    assert!(finished.state.loads.iter().all(|load| load.outcomes[Outcome::Created as usize] == 3));
    assert_eq!(uploads(&world).len(), 2, "one job a load");
    assert_eq!(world.contents()[0].1.len(), 3);
}

/// Rows that failed in the run before go after all others, in a part of their own.
#[test]
fn rows_that_failed_before_go_last_and_alone() {
    let world = world(&project("upsert", "A0,Refused\nA1,Two\nA2,Three\n", ""), "");
    assert_eq!(apply(&world).exit, Exit::Partial);
    let before = uploads(&world).len();
    world.sources.put("accounts.csv", b"id,name\nA0,Mended\nA1,Other\nA2,Three\nA3,New\n");
    assert_eq!(apply(&world).exit, Exit::Done);
    let sent: Vec<Vec<String>> = uploads(&world).split_off(before);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].len() == 2 && sent[1].len() == 1 && sent[1][0].contains("Mended"), "{sent:?}");
}

/// The org says that what a row points to is not there, though it landed: somebody removed it meanwhile. The row waits
/// for it, and goes out when it is there again.
#[test]
fn a_row_whose_parent_was_taken_away_waits_for_it() {
    let project = crate::operations::loaded();
    crate::operations::forget(&project);
    let org = Arc::new(Served::start(&project));
    let local = "local: { org: { local: org.yaml } }";
    let manifest = project.read("cutover.yaml");
    assert!(manifest.contains(local));
    let remote = "local: { org: { url: env:TEST_URL, token: env:TEST_TOKEN }, protect: false }";
    project.write("cutover.yaml", &manifest.replace(local, remote));
    // The front lives as long as the process; the org must not.
    let taken = Arc::downgrade(&org);
    let front = Front::before(&org, move |asked, _| {
        if asked.line.ends_with("/jobs/ingest") && asked.body.contains("\"Contact\"") {
            let org = taken.upgrade().unwrap();
            let found = org.query("SELECT Id FROM Account WHERE Legacy_Id__c = 'A2'");
            if let Some(id) = found["records"][0]["Id"].as_str() {
                org.call("DELETE", &format!("sobjects/Account/{id}"), "application/json", "");
            }
        }
        Turn::Pass
    });
    let run = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        command.env("TEST_URL", &front.url).env("TEST_TOKEN", front.token());
        finished(command)
    };
    let report = Report(run(&["apply", "--yes", "--json"]).exits(68).json()).balances();
    assert_eq!(report.outcomes("Contact"), "1 held, 1 created");
    let held = project.data_file(1, "Contact.", ".held.csv");
    assert_eq!((held.len(), held[0]["_code"].as_str(), held[0]["_line"].as_str()), (1, "INVALID_FIELD", "3"));
    let told = run(&["report"]).exits(0).out;
    let line = told.lines().find(|line| line.starts_with("Contact: 1 held: INVALID_FIELD")).unwrap_or(&told);
    let says =
        line.contains("Foreign key external ID: … not found") && line.ends_with(", first at contacts.csv:3");
    assert!(says, "{line}");
    run(&["apply", "--yes"]).exits(81);
    let calm = Front::before(&org, |_, _| Turn::Pass);
    let mut command = project.command(&["apply", "--yes", "--refresh", "--json"]);
    command.env("TEST_URL", &calm.url).env("TEST_TOKEN", calm.token());
    let report = Report(finished(command).exits(0).json()).balances();
    assert_eq!(report.outcomes("Account"), "2 unchanged, 1 created");
    assert_eq!((report.count("Contact", "created"), org.count("Contact")), (1, 2));
}
