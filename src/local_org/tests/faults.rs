//! Faults of calls: each kind once, how they are read, and the address that changes them; and compressed requests.

use super::{World, faults};
use crate::local_org::{Dropped, Faults};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::json;
use tower::ServiceExt;

const COUNT: &str = "SELECT COUNT() FROM Account";

/// A call as the router answers it.
async fn call(world: &World, method: &str, path: &str, body: &str) -> Response {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", world.org.access_token()))
        .body(Body::from(body.to_owned()))
        .unwrap();
    world.org.router().oneshot(request).await.unwrap()
}

/// A new job of one row, uploaded; its address.
async fn uploaded(world: &World) -> String {
    let spec = json!({"object": "Account", "operation": "insert"});
    let created = world.send("POST", "jobs/ingest", spec.to_string()).await.json();
    let job = format!("jobs/ingest/{}", created["id"].as_str().unwrap());
    assert_eq!(world.send("PUT", &format!("{job}/batches"), "Name\nA\n").await.status, 201);
    job
}

fn accounts(world: &World) -> String {
    world.org.query(COUNT).unwrap().rows[0][0].clone().unwrap()
}

fn jobs(list: &serde_json::Value) -> usize {
    list["records"].as_array().unwrap().len()
}

const POST_JOB: (&str, &str) =
    ("/services/data/v62.0/jobs/ingest", r#"{"object":"Account","operation":"insert"}"#);

#[tokio::test]
async fn refusals_come_before_the_effect_unless_asked_for() {
    let world = World::new();
    world.org.set_faults(faults(
        "{ then: too_many_requests, method: POST, nth: 1, retry_after: 3 }, \
         { then: unavailable, method: POST, nth: 2 }, \
         { then: unavailable, method: POST, nth: 3, carried_out: true, retry_after: 9 }",
    ));
    let busy = world.send("POST", "jobs/ingest", POST_JOB.1).await;
    assert_eq!(
        (busy.status, &busy.headers["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"3".parse().unwrap())
    );
    let gone = world.send("POST", "jobs/ingest", POST_JOB.1).await;
    assert_eq!((gone.status.as_u16(), gone.headers.get("retry-after")), (503, None));
    assert_eq!(gone.json()[0]["errorCode"], "SERVER_UNAVAILABLE");
    assert_eq!(jobs(&world.get("jobs/ingest").await.json()), 0);
    assert_eq!(world.send("POST", "jobs/ingest", POST_JOB.1).await.headers["retry-after"], "9");
    assert_eq!(jobs(&world.get("jobs/ingest").await.json()), 1, "the third was carried out");
}

#[tokio::test]
async fn sessions_end_for_a_call_or_for_good() {
    let world = World::new();
    world.org.set_faults(faults("{ then: unauthorized, nth: 2 }, { then: revoked, nth: 4 }"));
    let token = world.org.access_token();
    let limits = async || {
        world.send_as(&token, "GET", "/services/data/v62.0/limits", Body::empty()).await.status.as_u16()
    };
    assert_eq!([limits().await, limits().await, limits().await], [200, 401, 200]);
    assert_eq!([limits().await, limits().await], [401, 401]);
    assert_ne!(world.org.access_token(), token);
    assert_eq!(world.get("limits").await.status, 200, "the new token is good");
}

#[tokio::test]
async fn a_revoked_token_stays_so_when_the_org_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(Some(folder.path().join("org.db")));
    let token = world.org.access_token();
    world.org.set_faults(faults("{ then: revoked, nth: 1 }"));
    assert_eq!(world.get("limits").await.status, 401);
    let new = world.org.access_token();
    drop(world);
    let world = World::open(Some(folder.path().join("org.db")));
    assert_eq!(world.org.access_token(), new);
    assert_eq!(world.send_as(&token, "GET", "/services/data/v62.0/limits", Body::empty()).await.status, 401);
}

#[tokio::test]
async fn drops_come_before_or_after_the_effect() {
    let world = World::new();
    world.org.set_faults(faults(
        "{ then: drop_before, path: jobs/ingest, method: POST, nth: 1 }, \
         { then: drop_after, path: jobs/ingest, method: POST, nth: 2 }",
    ));
    for made in [0, 1] {
        let answer = call(&world, "POST", POST_JOB.0, POST_JOB.1).await;
        assert!(answer.extensions().get::<Dropped>().is_some());
        assert_eq!(jobs(&world.get("jobs/ingest").await.json()), made);
    }
    let answer = call(&world, "POST", POST_JOB.0, POST_JOB.1).await;
    assert!(answer.extensions().get::<Dropped>().is_none() && answer.status() == 200);
}

#[tokio::test]
async fn a_body_is_cut_in_three_ways() {
    let mut world = World::new();
    let job = uploaded(&world).await;
    world.send("PATCH", &job, r#"{"state":"UploadComplete"}"#).await;
    world.finish();
    let path = format!("/services/data/v62.0/{job}/successfulResults");
    let whole = world.get(&path).await.text;
    world.org.set_faults(faults(
        "{ then: cut, nth: 1 }, { then: cut, ending: open, nth: 2 }, { then: cut, ending: silent, nth: 3 }",
    ));
    for length in [Some(whole.len().to_string()), None] {
        let answer = call(&world, "GET", &path, "").await;
        let stated = answer.headers().get("content-length").map(|v| v.to_str().unwrap().to_owned());
        assert_eq!(stated, length);
        let pieces: Vec<_> = answer.into_body().into_data_stream().collect().await;
        let got: Vec<u8> = pieces.iter().flatten().flatten().copied().collect();
        assert_eq!(got, whole.as_bytes()[..whole.len() / 2]);
        assert!(pieces.last().unwrap().is_err(), "it ends in an error");
    }
    // A client that takes compressed answers gets these plain, or it would notice.
    let silent = to_bytes(call(&world, "GET", &path, "").await.into_body(), usize::MAX).await.unwrap();
    assert!(silent.ends_with(b"\n") && silent.len() < whole.len(), "{silent:?} of {whole}");
}

#[tokio::test]
async fn results_come_late_and_requests_twice() {
    let mut world = World::new();
    let job = uploaded(&world).await;
    world.org.set_faults(faults(
        "{ then: not_ready, path: jobs/ingest/*/failedResults, times: 1 }, \
         { then: twice, method: PUT, times: 1 }, { then: twice, path: sobjects/Account, times: 1 }",
    ));
    let again = world.send("PUT", &format!("{job}/batches"), "Name\nB\n").await;
    assert_eq!(again.status, 400, "the job has its upload");
    world.send("PATCH", &job, r#"{"state":"UploadComplete"}"#).await;
    world.finish();
    let results = format!("{job}/failedResults");
    let early = world.get(&results).await;
    assert_eq!((early.status.as_u16(), &early.json()[0]["errorCode"]), (400, &json!("INVALIDJOBSTATE")));
    assert_eq!(world.get(&results).await.status, 200);
    assert_eq!(accounts(&world), "1");
    let fresh = world.send("POST", "jobs/ingest", POST_JOB.1).await.json();
    world.org.set_faults(faults("{ then: twice, method: PUT }"));
    let put = world
        .send("PUT", &format!("jobs/ingest/{}/batches", fresh["id"].as_str().unwrap()), "Name\nB\n")
        .await;
    assert_eq!((put.status.as_u16(), &put.json()[0]["errorCode"]), (400, &json!("BULK_API_ERROR")));
}

#[test]
fn a_file_of_faults_says_all_that_is_wrong() {
    let told = |text: &str| -> Vec<String> {
        Faults::read("f.yaml", text).unwrap_err().iter().map(ToString::to_string).collect()
    };
    let all = told(
        "faults:\n  - { then: twise }\n  - { nth: 1 }\n  - { then: lock_rows }\n  - { then: twice, nth: 0 }\n  \
         - { then: twice, ending: open }\n  - { then: cut, ending: loud }\n  - { then: fail_job, rows: few }\nmore: 1\n",
    );
    let expected = [
        "f.yaml:2:13: error[CUT0105]: `then` is one of `too_many_requests`, `unavailable`, ",
        "f.yaml:3:5: error[CUT0106]: a fault needs `then`",
        "f.yaml:4:5: error[CUT0106]: a fault needs `per_mille`",
        "f.yaml:5:5: error[CUT0105]: `nth` counts from 1",
        "f.yaml:6:20: error[CUT0104]: `ending` is not a word of a fault (",
        "f.yaml:7:26: error[CUT0105]: `ending` is one of `short`, `open`, `silent`, not `loud`",
        "f.yaml:8:29: error[CUT0105]: `few` is not a whole number",
        "f.yaml:9:1: error[CUT0104]: `more` is not a word of a file of faults (",
    ];
    assert_eq!(all.len(), expected.len(), "{all:#?}");
    for (told, expected) in all.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
    assert_eq!(told("[]").len(), 1);
    assert!(Faults::read("f", "faults: []").is_ok());
}

#[tokio::test]
async fn faults_can_be_set_where_that_was_asked_for() {
    let world = World::new();
    let admin = async |method: &str, body: &str| {
        world.send_as("none", method, "/admin/faults", Body::from(body.to_owned())).await
    };
    let wire = r#"{"faults":[{"path":"limits","then":"unavailable","carried_out":false,"times":1}]}"#;
    assert_eq!(world.send("PUT", "/services/../admin/faults", wire).await.status, 404);
    assert_eq!(admin("PUT", wire).await.status, 404);
    world.org.allow_admin();
    assert_eq!(admin("PUT", wire).await.json()["seen"], json!([{"calls": 0, "hits": 0}]));
    assert_eq!(
        (world.get("limits").await.status.as_u16(), world.get("limits").await.status.as_u16()),
        (503, 200)
    );
    let told = admin("GET", "").await.json();
    assert_eq!(told["seen"], json!([{"calls": 2, "hits": 1}]));
    let faults: serde_json::Value = serde_json::from_str(wire).unwrap();
    assert_eq!(told["faults"], faults["faults"]);
    let again = admin("PUT", &json!({"faults": told["faults"]}).to_string()).await;
    assert_eq!(again.status, 200, "what it tells can be sent back");
    let bad = admin("PUT", r#"{"faults":[{"then":"explode"}]}"#).await;
    assert_eq!(bad.status, 400);
    assert!(bad.text.contains("`then` is one of"), "{}", bad.text);
    assert_eq!(admin("DELETE", "").await.json(), json!({"faults": [], "seen": []}));
    assert_eq!(
        (admin("POST", "").await.status.as_u16(), world.get("limits").await.status.as_u16()),
        (405, 200)
    );
}

#[tokio::test]
async fn requests_may_be_compressed() {
    use std::io::Write;
    let world = World::new();
    let send = async |coding: &str, body: Vec<u8>| {
        let request = Request::builder()
            .method("POST")
            .uri("/services/data/v62.0/sobjects/Account")
            .header("authorization", format!("Bearer {}", world.org.access_token()))
            .header("content-encoding", coding)
            .body(Body::from(body))
            .unwrap();
        world.org.router().oneshot(request).await.unwrap().status().as_u16()
    };
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(br#"{"Name":"A"}"#).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(send("gzip", packed.clone()).await, 201);
    assert_eq!(send("gzip", packed[..9].to_vec()).await, 400);
    assert_eq!(send("br", packed).await, 415);
    assert_eq!(accounts(&world), "1");
}
