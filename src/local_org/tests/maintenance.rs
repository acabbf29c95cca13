//! An org that is maintained takes no writes and says so, by faults that are switched on.

use super::{World, faults, upsert};
use serde_json::json;

const CODE: &str = "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE";

#[tokio::test]
async fn it_is_read_only_until_it_is_over() {
    let mut world = World::new();
    let job = world.submit(upsert("Account"), "Ext__c,Name\n1,A\n").await;
    world.org.set_faults(faults("{ then: read_only, until: '2024-09-10T00:00:00Z' }"));
    let told = async |world: &World| {
        world.query("SELECT IsReadOnly FROM Organization").await["records"][0]["IsReadOnly"].clone()
    };
    assert_eq!(told(&world).await, json!(true));
    for (method, path, body) in [
        ("POST", "sobjects/Account", "{\"Name\":\"A\"}"),
        ("PATCH", "composite/sobjects", "{\"records\":[]}"),
        ("POST", "jobs/ingest", "{\"object\":\"Account\",\"operation\":\"insert\"}"),
    ] {
        let reply = world.send(method, path, body).await;
        assert_eq!((reply.status.as_u16(), &reply.json()[0]["errorCode"]), (400, &json!(CODE)), "{path}");
    }
    world.finish();
    let failed = world.get(&format!("jobs/ingest/{job}/failedResults")).await.text;
    assert!(failed.contains(CODE), "{failed}");
    assert_eq!(world.query("SELECT Id FROM Account").await["totalSize"], 0, "it is asked as ever");
    world.now = 1_725_926_400_000;
    world.org.step(world.now);
    assert_eq!(told(&world).await, json!(false));
    assert_eq!(world.send("POST", "sobjects/Account", "{\"Name\":\"A\"}").await.status, 201);
}

#[tokio::test]
async fn calls_rows_and_jobs_meet_it_one_by_one() {
    let mut world = World::new();
    world.org.set_faults(faults(
        "{ then: refuse_writes, method: POST, path: 'sobjects/*', nth: 1 }, { then: refuse_rows, per_mille: 1000, times: 1 }",
    ));
    let refused = world.send("POST", "sobjects/Account", "{\"Name\":\"A\"}").await;
    assert_eq!(refused.json()[0]["errorCode"], CODE);
    let bad = world.upsert("Account", "Ext__c,Name\n1,A\n2,B\n").await;
    assert!(bad.len() == 1 && bad[0].contains(CODE), "{bad:?}");
    assert!(world.upsert("Account", "Ext__c,Name\n1,A\n2,B\n").await.is_empty());
    world.org.set_faults(faults("{ then: refuse_job, rows: 0 }"));
    let (info, _, _) = world.run(upsert("Account"), "Ext__c,Name\n3,C\n").await;
    assert_eq!(info["state"], "Failed");
    assert!(info["errorMessage"].as_str().unwrap().contains(CODE), "{info}");
}
