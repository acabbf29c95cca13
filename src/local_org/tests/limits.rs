//! What a day allows: counted, told, and refused past its limit.

use super::World;
use crate::local_org::{LocalOrg, Options};
use serde_json::{Value, json};
use std::path::PathBuf;

const NOW: i64 = 1_725_900_000_000;
const DAY: i64 = 24 * 3_600_000;

fn world(limits: &str, data: Option<PathBuf>) -> World {
    let schema = LocalOrg::schema_from_yaml("org.yaml", &format!("limits: {{ {limits} }}")).unwrap();
    let options = Options { data, seed: 7, now: NOW, ..Options::default() };
    World { org: LocalOrg::open(schema, options).unwrap(), now: NOW }
}

fn insert() -> Value {
    json!({"object": "Account", "operation": "insert"})
}

fn names(count: usize) -> String {
    (0..count).fold("Name\n".into(), |csv, n| format!("{csv}A{n}\n"))
}

#[tokio::test]
async fn calls_are_counted_and_refused_and_free_the_next_day() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("org.db");
    let world = world("daily_api_requests: 3", Some(file.clone()));
    assert_eq!(world.send("GET", "/services/data", "").await.headers.get("sforce-limit-info"), None);
    assert_eq!(world.send_as("none", "GET", "/services/data/v62.0", "".into()).await.status, 401);
    for used in 1..=3 {
        // An error is a call, too.
        let reply = world.get(if used == 2 { "nothing" } else { "limits" }).await;
        assert_eq!(reply.headers["sforce-limit-info"], format!("api-usage={used}/3"));
    }
    let refused = async |world: &World| {
        let reply = world.get("limits").await;
        let expected =
            json!([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]);
        assert_eq!((reply.status.as_u16(), reply.json()), (403, expected));
    };
    refused(&world).await;
    assert_eq!(world.send("GET", "/services/oauth2/userinfo", "").await.status, 200, "no call of the API");
    drop(world);
    let world = self::world("daily_api_requests: 3", Some(file));
    refused(&world).await;
    world.org.step(NOW + DAY);
    let reply = world.get("limits").await;
    assert_eq!(reply.json()["DailyApiRequests"], json!({"Max": 3, "Remaining": 2}));
}

#[tokio::test]
async fn rows_past_a_days_records_stay_unprocessed() {
    let mut world = world("daily_bulk_records: 500", None);
    let (info, good, _) = world.run(insert(), &names(1_000)).await;
    assert_eq!((&info["state"], good.len()), (&json!("Failed"), 400));
    assert_eq!(info["errorMessage"], "ExceededQuota : ApiBatchItems Limit exceeded.");
    let rest = world.get(&format!("jobs/ingest/{}/unprocessedrecords", info["id"].as_str().unwrap())).await;
    assert_eq!(rest.text.lines().count(), 601);
    let (info, ..) = world.run(insert(), &names(100)).await;
    assert_eq!(info["state"], "JobComplete", "what is left may be used");
    let full = world.send("POST", "jobs/ingest", insert().to_string()).await;
    assert_eq!((full.status.as_u16(), &full.json()[0]["errorCode"]), (400, &json!("EXCEEDEDQUOTA")));
}

#[tokio::test]
async fn batches_of_all_jobs_are_counted() {
    let mut world = world("daily_bulk_batches: 2", None);
    let waiting = world.submit(insert(), &names(1)).await;
    for remaining in [1, 0] {
        if remaining == 0 {
            world.run(insert(), &names(201)).await;
        } else {
            world.finish();
        }
        let limits = world.get("limits").await.json();
        assert_eq!(limits["DailyBulkApiBatches"], json!({"Max": 2, "Remaining": remaining}));
    }
    assert_eq!(world.info(&waiting).await["state"], "JobComplete");
    assert_eq!(world.send("POST", "jobs/ingest", insert().to_string()).await.status, 400);
    world.now += DAY;
    world.org.step(world.now);
    let (info, ..) = world.run(insert(), &names(1)).await;
    assert_eq!(info["state"], "JobComplete");
}

#[tokio::test]
async fn query_jobs_are_counted() {
    let world = world("daily_query_jobs: 1", None);
    let spec = json!({"operation": "query", "query": "SELECT Id FROM Account"}).to_string();
    let bad = json!({"operation": "query", "query": "SELECT"}).to_string();
    assert_eq!(world.send("POST", "jobs/query", bad).await.status, 400, "what is refused is not counted");
    assert_eq!(world.send("POST", "jobs/query", spec.clone()).await.status, 200);
    let refused = world.send("POST", "jobs/query", spec).await;
    let message = "Max bulk v2 query jobs (1) per 24 hrs has been reached";
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json(), json!([{"errorCode": "LIMIT_EXCEEDED", "message": message}]));
    let limits = world.get("limits").await.json();
    assert_eq!(limits["DailyBulkV2QueryJobs"], json!({"Max": 1, "Remaining": 0}));
    assert!(limits["DailyBulkV2QueryFileStorageMB"]["Max"].as_u64().is_some());
}
