//! Faults of rows and jobs, and what others do meanwhile: each strikes, as it says and no more.

use super::{World, faults, upsert};
use serde_json::json;

/// Rows with an account for some of them.
const CONTACTS: &str = "Ext__c,LastName,Account.Ext__c\nC1,A,A1\nC2,B,A2\nC3,C,\nC4,D,a1\n";

async fn with_accounts() -> World {
    let mut world = World::new();
    assert!(world.upsert("Account", "Ext__c,Name\nA1,One\nA2,Two\nA3,Three\n").await.is_empty());
    world
}

fn count(world: &World, soql: &str) -> String {
    world.org.query(soql).unwrap().rows[0][0].clone().unwrap()
}

#[tokio::test]
async fn rows_of_one_parent_meet_its_lock() {
    let mut world = with_accounts().await;
    for parent in ["A1", &count(&world, "SELECT Id FROM Account WHERE Ext__c = 'A1'")] {
        world.org.set_faults(faults(&format!("{{ then: lock_rows, parent: {parent}, tries: 2 }}")));
        for refused in [2, 2, 0] {
            assert_eq!(world.upsert("Contact", CONTACTS).await.len(), refused, "{parent}");
        }
        assert_eq!(world.org.struck(), 4);
    }
}

#[tokio::test]
async fn a_lock_lasts_until_its_moment() {
    let mut world = with_accounts().await;
    let until = super::super::text::stored_moment(world.now + 10_000);
    world.org.set_faults(faults(&format!("{{ then: lock_rows, per_mille: 1000, until: '{until}' }}")));
    for _ in 0..3 {
        assert_eq!(world.upsert("Contact", CONTACTS).await.len(), 4, "as often as it is tried");
    }
    world.now += 10_000;
    world.org.step(world.now);
    assert_eq!(world.upsert("Contact", CONTACTS).await.len(), 0);
}

#[tokio::test]
async fn records_of_calls_meet_locks_too() {
    let world = with_accounts().await;
    world.org.set_faults(faults(
        "{ then: lock_rows, parent: A1 }, { then: lock_rows, per_mille: 1000, times: 1 }",
    ));
    let body = json!({"records": [
        {"Ext__c": "C1", "LastName": "A", "Account": {"Ext__c": "A1"}},
        {"Ext__c": "C2", "LastName": "B", "Account": {"Ext__c": "A2"}},
    ]});
    let answered = async || {
        let path = "composite/sobjects/Contact/Ext__c";
        let answer = world.send("PATCH", path, body.to_string()).await.json();
        [0, 1].map(|at| answer[at]["errors"][0]["statusCode"].as_str().map(str::to_owned))
    };
    let locked = Some("UNABLE_TO_LOCK_ROW".to_owned());
    assert_eq!(answered().await, [locked, None]);
    assert_eq!(answered().await, [None, None]);
}

#[tokio::test]
async fn a_lock_storm_is_tried_again_and_passes_or_ends_the_job() {
    let rows = super::lifecycle::thousand();
    for (fault, state, retries, good) in [
        ("{ then: lock_storm, rows: 400, retries: 3 }", "JobComplete", 3, 1000),
        ("{ then: lock_storm, rows: 400, retries: 21 }", "Failed", 20, 400),
        ("{ then: exhaust_retries, rows: 0 }", "Failed", 20, 0),
    ] {
        let mut world = World::new();
        world.org.set_faults(faults(fault));
        let (info, landed, _) = world.run(upsert("Account"), &rows).await;
        assert_eq!((&info["state"], &info["retries"]), (&json!(state), &json!(retries)), "{fault}");
        assert_eq!(landed.len(), good, "{fault}");
        let words = info["errorMessage"].as_str().unwrap_or_default();
        let told = if fault.contains("storm") { "TooManyLockFailure" } else { "more than 20 times" };
        assert_eq!(words.contains(told), state == "Failed", "{words}");
        let path = format!("jobs/ingest/{}/unprocessedrecords", info["id"].as_str().unwrap());
        assert_eq!(
            world.get(&path).await.text.lines().count(),
            1 + if good == 1000 { 0 } else { 1000 - good }
        );
        assert_eq!(world.run(upsert("Account"), &rows).await.0["state"], "JobComplete", "one job only");
    }
}

#[tokio::test]
async fn rows_are_missing_from_all_three_files_once() {
    let mut world = World::new();
    let rows = super::lifecycle::thousand();
    let lose = "{ then: lose_results, per_mille: 100 }";
    world.org.set_faults(faults(&format!("{lose}, {{ then: fail_job, rows: 400 }}")));
    let (info, good, bad) = world.run(upsert("Account"), &rows).await;
    let path = format!("jobs/ingest/{}/unprocessedrecords", info["id"].as_str().unwrap());
    let rest = world.get(&path).await.text;
    let told = good.len() + bad.len() + rest.lines().count() - 1;
    assert_eq!((1000 - told) as u64 + 1, world.org.struck(), "the failed job is the one hit more");
    assert!((50..150).contains(&(1000 - told)) && (20..60).contains(&(400 - good.len())), "{told}");
    assert_eq!(
        (&info["numberRecordsProcessed"], count(&world, "SELECT COUNT() FROM Account").as_str()),
        (&json!(400), "400")
    );
    assert_eq!(world.get(&path).await.text, rest, "whoever asks again reads the same");
    assert_eq!(world.run(upsert("Account"), &rows).await.1.len(), 1000, "sent again, it is told of");
}

#[tokio::test]
async fn jobs_vanish_at_the_call_that_is_meant() {
    let world = World::new();
    world.org.set_faults(faults("{ then: delete_job, method: GET, nth: 2 }"));
    let id = world.submit(upsert("Account"), "Ext__c,Name\nA1,One\n").await;
    let path = format!("jobs/ingest/{id}");
    assert_eq!(world.get(&path).await.status, 200);
    world.org.step(world.now);
    world.org.step(world.now);
    for path in [path.clone(), format!("{path}/successfulResults")] {
        assert_eq!(world.get(&path).await.status, 404);
    }
    assert_eq!(count(&world, "SELECT COUNT() FROM Account"), "1", "what it did stays");
}

#[tokio::test]
async fn records_are_deleted_and_edited_before_the_call_that_is_meant() {
    let world = with_accounts().await;
    world.org.set_faults(faults(
        "{ then: delete_records, object: Account, count: 1, path: limits, nth: 1 }, \
         { then: edit_records, object: Account, count: 9, field: Site, value: Here, path: limits, nth: 2 }, \
         { then: delete_records, object: Account, record: A2, path: limits, from: 3 }",
    ));
    let there = || count(&world, "SELECT COUNT() FROM Account");
    let edited = || count(&world, "SELECT COUNT() FROM Account WHERE Site = 'Here'");
    world.get("limits").await;
    assert_eq!((there().as_str(), edited().as_str()), ("2", "0"));
    world.get("limits").await;
    assert_eq!((there().as_str(), edited().as_str()), ("2", "2"));
    world.get("limits").await;
    world.get("limits").await;
    assert_eq!(count(&world, "SELECT COUNT() FROM Account WHERE Ext__c = 'A2'"), "0");
}
