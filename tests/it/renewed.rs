//! Records made anew: what a rollback, a delete or somebody else has removed and an upsert makes again has another Id, and
//! every row that points to it goes again though it is the same, in the same run where that can be.

use crate::world::{Aim, Life, Project, World};
use cutover::engine::{Finished, RollbackOptions};
use cutover::local_org::Faults;
use cutover::model::Outcome;
use std::sync::Arc;

/// C3 is the contact of V2, and of A5 by a reference that a second pass fills.
const ACCOUNTS: &str = "id,name,parent,contact\nA1,One,,C1\nA2,Two,A1,\nA5,Five,,C3\n";
const CONTACTS: &str = "id,name,account\nC1,Ada,A1\nC2,Bob,A2\nC3,Cyd,A5\n";
const VISITS: &str = "id,subject,contact\nV1,first,C1\nV2,second,C3\nV3,third,C2\n";
/// The same before anybody has heard of C3.
const ACCOUNTS_BEFORE: &str = "id,name,parent,contact\nA1,One,,C1\nA2,Two,A1,\nA5,Five,,\n";
const CONTACTS_BEFORE: &str = "id,name,account\nC1,Ada,A1\nC2,Bob,A2\n";
const VISITS_BEFORE: &str = "id,subject,contact\nV1,first,C1\nV2,second,\nV3,third,C2\n";

/// Rows that the org takes, all of them.
fn tiny() -> Arc<Project> {
    let tiny = Project::tiny().with("accounts.csv", ACCOUNTS);
    tiny.with("contacts.csv", CONTACTS).with("visits.csv", VISITS)
}

fn manifest(project: &Project) -> String {
    let (_, bytes) = project.files.iter().find(|(path, _)| path == "cutover.yaml").unwrap();
    String::from_utf8(bytes.clone()).unwrap()
}

fn put(world: &World, files: [(&str, &str); 3]) {
    files.iter().for_each(|(path, text)| world.sources.put(path, text.as_bytes()));
}

fn done(life: Life) -> Finished {
    life.end.unwrap().unwrap_or_else(|error| panic!("{error}"))
}

fn exit(world: &World) -> u8 {
    done(world.apply(Aim::Nowhere)).exit.code()
}

fn loaded(project: &Arc<Project>) -> World {
    let world = World::new(project);
    assert_eq!(exit(&world), 0);
    world
}

/// One run over the rows before anybody has heard of C3, and a second that makes C3 and points V2 and A5 to it.
fn with_a_second_run() -> World {
    let world = World::new(&tiny());
    let before =
        [("accounts.csv", ACCOUNTS_BEFORE), ("contacts.csv", CONTACTS_BEFORE), ("visits.csv", VISITS_BEFORE)];
    put(&world, before);
    assert_eq!(exit(&world), 0);
    put(&world, [("accounts.csv", ACCOUNTS), ("contacts.csv", CONTACTS), ("visits.csv", VISITS)]);
    assert_eq!(exit(&world), 0);
    world
}

/// Rows that a run sent.
fn sent(finished: &Finished) -> u64 {
    let sent = [Outcome::Created, Outcome::Updated, Outcome::Deleted];
    finished.state.loads.iter().map(|load| sent.iter().map(|o| load.outcomes[*o as usize]).sum::<u64>()).sum()
}

/// Somebody removes a record that has this key.
fn remove(world: &World, object: &str, key: &str) {
    let soql = format!("SELECT Id FROM {object} WHERE Legacy_Id__c = '{key}'");
    let id = world.org.query(&soql).unwrap().rows[0][0].clone().unwrap();
    world.others_call("DELETE", &format!("sobjects/{object}/{id}"), "");
}

/// Somebody makes a record with this key.
fn make(world: &World, object: &str, key: &str) {
    let name = if object == "Contact" { "LastName" } else { "Name" };
    let record = format!("{{\"{name}\":\"Theirs\",\"Legacy_Id__c\":\"{key}\"}}");
    let made = world.others_call("POST", &format!("sobjects/{object}"), &record);
    assert_eq!(made["success"], true, "{made}");
}

/// The contact of each visit and of each account.
fn links(world: &World) -> Vec<(String, String)> {
    let visits = "SELECT Legacy_Id__c, Contact__r.Legacy_Id__c FROM Visit__c ORDER BY Legacy_Id__c";
    let accounts = "SELECT Legacy_Id__c, Primary_Contact__r.Legacy_Id__c FROM Account ORDER BY Legacy_Id__c";
    let rows = |soql: &str| world.org.query(soql).unwrap().rows;
    let rows = rows(visits).into_iter().chain(rows(accounts));
    rows.map(|row| (row[0].clone().unwrap(), row[1].clone().unwrap_or_default())).collect()
}

/// Everything points to C3 again, and the next apply has nothing to do.
fn is_mended(world: &World, before: &[(String, String)], what: &str) {
    assert_eq!(links(world), before, "{what}");
    let next = done(world.apply(Aim::Nowhere));
    assert_eq!((next.exit.code(), sent(&next)), (0, 0), "{what}: nothing is left to do");
}

/// A run that made C3 and pointed V2 and A5 to it; then C3 is gone, and the run is rolled back.
#[test]
fn what_a_rollback_finds_gone_is_made_again_with_what_referred_to_it() {
    let world = with_a_second_run();
    let linked = links(&world);
    remove(&world, "Contact", "C3");
    let options = RollbackOptions { run: 2, ..RollbackOptions::default() };
    let back = world.rollback(Aim::Nowhere, &options).end.unwrap().unwrap();
    assert_eq!(back.plan.rolls_back.unwrap().loads[1].gone, 1);
    let next = done(world.apply(Aim::Nowhere));
    assert_eq!((next.exit.code(), sent(&next)), (0, 3), "C3, V2 and A5");
    is_mended(&world, &linked, "gone before the rollback");
}

/// The field by which V2 points to C3 cannot be looked at by who rolls back: the ledger knows it all the same.
#[test]
fn what_a_rollback_deletes_is_made_again_with_what_referred_to_it() {
    let world = with_a_second_run();
    let linked = links(&world);
    // Another project over the same state, that knows contacts alone, rolls back: it does not ask for visits.
    let all = manifest(&tiny());
    let only = "cutover: 1\nproject: tiny\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  - { object: Contact, key: Legacy_Id__c, source: contacts.csv, fields: { Legacy_Id__c: id, LastName: name } }\n";
    world.sources.put("cutover.yaml", only.as_bytes());
    let options = RollbackOptions { run: 2, ..RollbackOptions::default() };
    let back = world.rollback(Aim::Nowhere, &options).end.unwrap().unwrap();
    assert_eq!((back.exit.code(), back.plan.rolls_back.unwrap().loads[1].delete), (0, 1));
    world.sources.put("cutover.yaml", all.as_bytes());
    let next = done(world.apply(Aim::Nowhere));
    assert_eq!((next.exit.code(), sent(&next)), (0, 3), "C3, V2 and A5");
    is_mended(&world, &linked, "deleted by the rollback");
}

const DELETE: &str = "cutover: 1\nproject: tiny\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  - { name: drop, object: Contact, key: Legacy_Id__c, operation: delete, source: drop.csv, fields: { Legacy_Id__c: id } }\n";

/// Deleted by us, or by somebody else while our delete is under way.
#[test]
fn what_a_delete_removed_is_made_again_with_what_referred_to_it() {
    for theirs in [false, true] {
        let project = tiny();
        let world = loaded(&project);
        let linked = links(&world);
        world.sources.put("cutover.yaml", DELETE.as_bytes());
        world.sources.put("drop.csv", b"id\nC3\n");
        if theirs {
            let rule = "{ then: delete_records, object: Contact, record: C3, method: POST, path: jobs/ingest, nth: 1 }";
            world.org.set_faults(Faults::read("faults.yaml", &format!("faults: [{rule}]")).unwrap());
        }
        let gone = done(world.apply(Aim::Nowhere));
        assert_eq!((gone.exit.code(), sent(&gone)), (0, u64::from(!theirs)));
        world.org.set_faults(Faults::default());
        world.sources.put("cutover.yaml", manifest(&project).as_bytes());
        let next = done(world.apply(Aim::Nowhere));
        assert_eq!((next.exit.code(), sent(&next)), (0, 3), "C3, V2 and A5");
        is_mended(&world, &linked, "deleted");
    }
}

/// C3 is gone, another record keeps the count, and its row is another now: the upsert makes it anew.
fn goes_unnoticed(world: &World) {
    remove(world, "Contact", "C3");
    make(world, "Contact", "X3");
    world.sources.put("contacts.csv", CONTACTS.replace("Cyd", "Cydney").as_bytes());
}

#[test]
fn what_an_upsert_makes_anew_is_pointed_to_in_the_same_run() {
    let world = loaded(&tiny());
    let linked = links(&world);
    goes_unnoticed(&world);
    assert_ne!(links(&world), linked);
    let run = done(world.apply(Aim::Nowhere));
    assert_eq!((run.exit.code(), sent(&run)), (0, 3), "C3, V2 in a later load, A5 in an earlier one");
    assert!(run.state.loads.iter().all(|load| load.tally().balances()));
    is_mended(&world, &linked, "made anew");
}

/// Of the loads that refer to it none is selected: they cannot go, and the run does not say that all is well.
#[test]
fn what_is_not_selected_is_left_to_the_next() {
    let mut world = loaded(&tiny());
    let linked = links(&world);
    goes_unnoticed(&world);
    world.only = Some(1);
    let life = world.apply(Aim::Nowhere);
    assert!(life.notes.join("\n").contains("not all loads are selected"), "{:?}", life.notes);
    let run = done(life);
    assert_eq!((run.exit.code(), sent(&run), run.state.renewed), (68, 1, 1));
    world.only = None;
    let next = done(world.apply(Aim::Nowhere));
    assert_eq!((next.exit.code(), sent(&next)), (0, 2), "V2 and A5");
    is_mended(&world, &linked, "left over by `--select`");
}

/// Nobody agrees to a second round: the run says what is left and does not end with 0; the next one sends it.
#[test]
fn what_is_not_pointed_to_in_the_same_run_is_told_and_left_to_the_next() {
    let mut world = loaded(&tiny());
    let linked = links(&world);
    goes_unnoticed(&world);
    world.once = true;
    let life = world.apply(Aim::Nowhere);
    let notes = life.notes.join("\n");
    assert!(
        notes.contains("1 records were gone from the org") && notes.contains("next `cutover apply`"),
        "{notes}"
    );
    let run = done(life);
    assert_eq!((run.exit.code(), sent(&run), run.state.renewed), (68, 1, 1));
    assert_ne!(links(&world), linked);
    world.once = false;
    let next = done(world.apply(Aim::Nowhere));
    assert_eq!((next.exit.code(), sent(&next)), (0, 2), "V2 and A5");
    is_mended(&world, &linked, "the run after");
}

/// Firms one below the other: A2 is made anew in the round that points it to A1, so that A3 is left to the next run.
#[test]
fn what_is_made_anew_in_the_second_round_is_told_and_left_to_the_next_run() {
    let firms = "cutover: 1\nproject: tiny\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  - { name: firms, object: Account, key: Legacy_Id__c, source: accounts.csv, fields: { Legacy_Id__c: id, Name: name, ParentId: { ref: Account, from: parent } } }\n";
    let rows = "id,name,parent\nA1,One,\nA2,Two,A1\nA3,Three,A2\n";
    let project = tiny().with("cutover.yaml", firms).with("accounts.csv", rows);
    let world = loaded(&project);
    let parents = || {
        world.org.query("SELECT Legacy_Id__c, Parent.Legacy_Id__c FROM Account WHERE Legacy_Id__c LIKE 'A%' ORDER BY Legacy_Id__c").unwrap().rows
    };
    let before = parents();
    remove(&world, "Account", "A1");
    make(&world, "Account", "X1");
    make(&world, "Account", "X2");
    world.sources.put("accounts.csv", rows.replace("One", "First").as_bytes());
    let rule =
        "{ then: delete_records, object: Account, record: A2, method: POST, path: jobs/ingest, nth: 2 }";
    world.org.set_faults(Faults::read("faults.yaml", &format!("faults: [{rule}]")).unwrap());
    let life = world.apply(Aim::Nowhere);
    let notes = life.notes.join("\n");
    assert!(notes.contains("1 records were gone from the org"), "{notes}");
    let run = done(life);
    let told =
        cutover::report::report_text(&run.state, &cutover::report::FailureGroups::default(), ".cutover");
    assert!(told.contains("1 records were gone from the org and were made anew: what refers"), "{told}");
    assert_eq!((run.exit.code(), sent(&run), run.state.renewed), (68, 2, 1));
    let next = done(world.apply(Aim::Nowhere));
    assert_eq!((next.exit.code(), sent(&next)), (0, 1), "A3");
    assert_eq!(parents(), before);
    assert_eq!(sent(&done(world.apply(Aim::Nowhere))), 0);
}

/// Ended at any call of a run of two rounds and gone on with: the same, and nothing twice.
#[test]
fn a_run_of_two_rounds_goes_on_wherever_it_is_ended() {
    let project = tiny();
    let calm = loaded(&project);
    let linked = links(&calm);
    goes_unnoticed(&calm);
    let trace = calm.apply(Aim::Nowhere).trace;
    let first = trace.iter().position(|name| name.starts_with("org POST") && name.contains("jobs/ingest"));
    for number in (first.unwrap()..trace.len()).step_by(5) {
        let world = loaded(&project);
        goes_unnoticed(&world);
        let life = world.apply(if number % 2 == 0 { Aim::Before(number) } else { Aim::After(number) });
        assert!(life.end.is_none() && life.hit == Some(number));
        if number % 3 == 0 {
            world.lose_power();
        }
        assert_eq!(exit(&world), 0, "{number} {}", trace[number]);
        is_mended(&world, &linked, &format!("ended at {number} {}", trace[number]));
    }
}

/// The source is another when the second round reads it: the run stops there, and the next apply makes a new plan.
#[test]
fn a_source_that_changes_between_the_rounds_stops_the_run() {
    let world = loaded(&tiny());
    let linked = links(&world);
    goes_unnoticed(&world);
    let changed = VISITS.replace("first", "1st");
    let sources = world.sources.clone();
    let life = world.apply_watched(&move |note| {
        if note.contains("were made anew") {
            sources.put("visits.csv", changed.as_bytes());
        }
    });
    assert_eq!(life.end.unwrap().unwrap_err().exit().code(), 81);
    assert!(world.told(2).unfinished() && world.told(2).paused == Some(81));
    assert_eq!(exit(&world), 0);
    is_mended(&world, &linked, "a source that changes");
    let first = world.org.query("SELECT Subject__c FROM Visit__c WHERE Legacy_Id__c = 'V1'").unwrap();
    assert_eq!(first.rows[0][0].as_deref(), Some("1st"));
}

/// The org tells an update, and the record is another.
#[test]
fn any_new_id_counts_however_the_org_told_it() {
    let world = loaded(&tiny());
    let linked = links(&world);
    remove(&world, "Contact", "C3");
    make(&world, "Contact", "C3");
    world.sources.put("contacts.csv", CONTACTS.replace("Cyd", "Cydney").as_bytes());
    let run = done(world.apply(Aim::Nowhere));
    assert_eq!(run.state.loads[1].outcomes[Outcome::Created as usize], 0, "told as an update");
    assert_eq!(run.exit.code(), 0);
    is_mended(&world, &linked, "made again by somebody else");
}

/// V3 and A2 name contacts that are nowhere: C3 stands in for them, for A2 in a second pass.
#[test]
fn what_stands_on_a_fallback_goes_again_when_the_fallback_is_new() {
    let project = tiny();
    let manifest = manifest(&project).replace("from: contact }", "from: contact, fallback: C3 }");
    assert_eq!(manifest.matches("fallback: C3").count(), 2);
    let project = project
        .with("cutover.yaml", &manifest)
        .with("visits.csv", &VISITS.replace("third,C2", "third,C9"))
        .with("accounts.csv", &ACCOUNTS.replace("Two,A1,", "Two,A1,C8"));
    let world = loaded(&project);
    let linked = links(&world);
    let stands = |key: &str| linked.contains(&(key.to_owned(), "C3".to_owned()));
    assert!(stands("V3") && stands("A2") && stands("V2") && stands("A5"), "{linked:?}");
    goes_unnoticed(&world);
    let run = done(world.apply(Aim::Nowhere));
    assert_eq!((run.exit.code(), sent(&run)), (0, 5), "C3, V2, V3, A2 and A5");
    is_mended(&world, &linked, "the fallback");
}

/// The ledger cannot be told of a part: it must not hear of the next one either, or it would skip the first for ever.
#[test]
fn after_a_part_that_could_not_be_settled_none_is() {
    let only = "cutover: 1\nproject: tiny\nenvironments: { local: { org: { local: org.yaml }, limits: { parallel_jobs: 3, part_rows: 2 } } }\nobjects:\n  - { name: visits, object: Visit__c, key: Legacy_Id__c, operation: insert, source: visits.csv, fields: { Legacy_Id__c: id, Subject__c: subject } }\n";
    let rows: String = (1..=8).map(|n| format!("V{n},a,\n")).collect();
    let project =
        Project::tiny().with("cutover.yaml", only).with("visits.csv", &format!("id,subject,contact\n{rows}"));
    let count = |world: &World| world.org.query("SELECT COUNT() FROM Visit__c").unwrap().rows[0][0].clone();
    let (mut reached, mut refused) = (0, 0);
    for nth in 1..12 {
        let world = World::new(&project);
        let life = world.apply(Aim::RefusedNth("rename ledger/", nth));
        refused += usize::from(life.hit.is_some());
        let Err(error) = life.end.unwrap() else { continue };
        assert_eq!(error.exit().code(), 1, "{error}");
        let settled = world.told(1).parts.values().filter(|p| p.segment.is_some()).count();
        reached = reached.max(settled);
        assert_eq!(exit(&world), 0, "{nth}");
        assert_eq!(count(&world).as_deref(), Some("8"), "rename {nth} of a ledger was refused");
    }
    assert!(refused > 4 && reached > 1, "{refused} {reached}");
}
