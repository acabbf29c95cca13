//! The org over time: reopening, growing schemas, the same seed.

use super::faults;
use super::{World, upsert};
use crate::local_org::{LocalOrg, Options};
use serde_json::json;

pub(super) fn thousand() -> String {
    let rows: String = (0..1000).map(|i| format!("{i},A{i}\n")).collect();
    format!("Ext__c,Name\n{rows}")
}

#[tokio::test]
async fn a_killed_org_goes_on_with_its_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("org.sqlite");
    let first = World::open(Some(file.clone()));
    let id = first.submit(upsert("Account"), &thousand()).await;
    for _ in 0..3 {
        first.org.step(first.now);
    }
    assert_eq!(first.info(&id).await["numberRecordsProcessed"], 400);
    let token = first.org.access_token();
    drop(first);
    let mut second = World::open(Some(file));
    assert_eq!(second.org.access_token(), token);
    second.finish();
    let info = second.info(&id).await;
    assert_eq!((&info["state"], &info["numberRecordsProcessed"]), (&json!("JobComplete"), &json!(1000)));
    assert_eq!(second.query("SELECT COUNT() FROM Account").await["totalSize"], 1000);
    let good = second.get(&format!("jobs/ingest/{id}/successfulResults")).await.text;
    assert_eq!(good.lines().count(), 1001);
}

#[tokio::test]
async fn a_byte_order_mark_in_a_rows_first_cell_is_the_rows_own() {
    let rows: String = (0..450).map(|i| format!("\u{feff}A{i},{i}\n")).collect();
    let mut world = World::new();
    let id = world.submit(upsert("Account"), &format!("\u{feff}Name,Ext__c\n{rows}")).await;
    world.org.step(world.now);
    world.org.step(world.now);
    world.send("PATCH", &format!("jobs/ingest/{id}"), r#"{"state":"Aborted"}"#).await;
    let rest = world.get(&format!("jobs/ingest/{id}/unprocessedrecords")).await.text;
    let (left, marks) = (rest.lines().skip(1).count(), rest.matches('\u{feff}').count());
    assert_eq!((left, marks), (250, 250));
    let (info, good, bad) = world.run(upsert("Account"), &format!("\u{feff}Name,Ext__c\n{rows}")).await;
    assert_eq!((&info["numberRecordsProcessed"], bad.len()), (&json!(450), 0), "{bad:?}");
    assert_eq!(good.iter().filter(|line| line.contains('\u{feff}')).count(), 450);
    let found = world.query("SELECT COUNT() FROM Account WHERE Name LIKE 'A%'").await;
    assert_eq!(found["totalSize"], 0, "every name keeps its mark, also the first one of a transaction");
}

#[tokio::test]
async fn a_schema_may_grow_between_two_openings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("org.sqlite");
    let open = |yaml: &str| {
        let schema = LocalOrg::schema_from_yaml("org.yaml", yaml).unwrap();
        let options = Options { data: Some(file.clone()), ..Options::default() };
        World { org: LocalOrg::open(schema, options).unwrap(), now: 1 }
    };
    let mut world = open("objects: { A__c: {}, Account: { fields: { Old__c: { type: string } } } }");
    let spec = json!({"object": "Account", "operation": "insert"});
    world.run(spec, "Name,Old__c\nN,Ünï\n").await;
    let before = world.get("sobjects/A__c/describe").await.json()["keyPrefix"].clone();
    drop(world);
    let world = open(
        "objects: { Z__c: {}, A__c: {}, Account: { fields: { Old__c: { type: string, external_id: true, unique: true }, New__c: { type: boolean } } } }",
    );
    assert_eq!(world.get("sobjects/A__c/describe").await.json()["keyPrefix"], before);
    let found = world.query("SELECT New__c FROM Account WHERE Old__c = 'ünÏ'").await;
    assert_eq!(found["records"][0]["New__c"], json!(false), "{found}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids_and_order() {
    let mut texts = Vec::new();
    for _ in 0..2 {
        let mut world = World::new();
        let id = world.submit(upsert("Account"), &thousand()).await;
        world.finish();
        texts.push(world.get(&format!("jobs/ingest/{id}/successfulResults")).await.text);
    }
    assert_eq!(texts[0], texts[1]);
    let keys: Vec<&str> = texts[0].lines().skip(1).take(5).filter_map(|l| l.split(',').nth(2)).collect();
    assert_ne!(keys, ["\"0\"", "\"1\"", "\"2\"", "\"3\"", "\"4\""]);
}

#[tokio::test]
async fn people_follow_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("org.sqlite");
    let first = World::open(Some(file.clone()));
    let users = first.query("SELECT Username, IsActive, EmployeeNumber FROM User ORDER BY Username").await;
    let names: Vec<_> = users["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| (u["Username"].clone(), u["IsActive"].clone()))
        .collect();
    assert_eq!(
        names,
        [
            (json!("ada@acme.example"), json!(true)),
            (json!("admin@local.invalid"), json!(true)),
            (json!("old@acme.example"), json!(false)),
            (json!("sand@acme.example.invalid"), json!(true))
        ]
    );
    let queue =
        first.query("SELECT Queue.DeveloperName, SobjectType FROM QueueSobject").await["records"][0].clone();
    assert_eq!(
        (&queue["Queue"]["DeveloperName"], &queue["SobjectType"]),
        (&json!("Support"), &json!("Case"))
    );
    drop(first);
    let options = Options { data: Some(file), ..Options::default() };
    let org = LocalOrg::open(LocalOrg::schema_from_yaml("o", "{}").unwrap(), options).unwrap();
    let active = org.query("SELECT Username FROM User WHERE IsActive = true").unwrap();
    assert_eq!(active.rows, [[Some("admin@local.invalid".to_owned())]]);
    assert_eq!(org.query("SELECT COUNT() FROM Group").unwrap().rows, [[Some("0".to_owned())]]);
}

#[tokio::test]
async fn faults_can_be_switched_on() {
    let mut world = World::new();
    world.org.set_faults(faults("{ then: lock_rows, per_mille: 100 }"));
    let bad = world.upsert("Account", &thousand()).await;
    assert!((50..200).contains(&bad.len()), "{}", bad.len());
    assert!(bad[0].contains("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--"));
    assert!(world.upsert("Account", &thousand()).await.is_empty(), "a lock is met once");
    world.org.set_faults(faults("{ then: fail_job, rows: 400 }"));
    let (info, good, _) = world.run(upsert("Account"), &thousand()).await;
    assert_eq!((&info["state"], good.len()), (&json!("Failed"), 400));
    let id = info["id"].as_str().unwrap().to_owned();
    let rest = world.get(&format!("jobs/ingest/{id}/unprocessedrecords")).await.text;
    assert_eq!(rest.lines().count(), 601);
    let (info, ..) = world.run(upsert("Account"), &thousand()).await;
    assert_eq!(info["state"], "JobComplete", "only one job fails");
}

#[tokio::test]
async fn an_upload_that_breaks_off_never_was() {
    let world = World::new();
    let created = world.send("POST", "jobs/ingest", upsert("Account").to_string()).await.json();
    let path = format!("jobs/ingest/{}/batches", created["id"].as_str().unwrap());
    let frames = [Ok("Ext__c,Name\n".to_owned()), Err(std::io::Error::other("gone"))];
    let body = axum::body::Body::from_stream(futures_util::stream::iter(frames));
    assert_eq!(world.send("PUT", &path, body).await.status, 400);
    assert_eq!(world.send("PUT", &path, "Ext__c,Name\n1,A\n").await.status, 201);
}

#[tokio::test]
async fn one_process_works_and_others_may_look() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("org.sqlite");
    let mut world = World::open(Some(file.clone()));
    world.upsert("Account", "Ext__c,Name\n1,A\n").await;
    let options = |read_only| Options { data: Some(file.clone()), read_only, ..Options::default() };
    let refused = LocalOrg::open(super::schema(), options(false)).err().unwrap();
    assert!(refused.to_string().contains("open in another process"), "{refused}");
    let looking = LocalOrg::open(super::schema(), options(true)).unwrap();
    assert_eq!(looking.query("SELECT Name FROM Account").unwrap().rows, [[Some("A".to_owned())]]);
    assert!(looking.org_id() == world.org.org_id());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_failing_database_is_told() {
    let mut world = World::new();
    let id = world.submit(upsert("Account"), &thousand()).await;
    world.org.step(world.now);
    world.org.db().execute_batch("ALTER TABLE \"_result\" RENAME TO away").unwrap();
    assert!(!world.org.step(world.now));
    assert_eq!(world.get(&format!("jobs/ingest/{id}")).await.status, 500);
    world.org.db().execute_batch("ALTER TABLE away RENAME TO \"_result\"").unwrap();
    world.finish();
    assert_eq!(world.info(&id).await["numberRecordsProcessed"], 1000);
}
