//! `query` and `queryAll` over HTTP: pages, locators, columns, compression.

use super::{Reply, World, upsert};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::Read;
use tower::ServiceExt;

impl World {
    /// A GET with headers more; the body as it came.
    async fn fetch(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, axum::http::HeaderMap, Vec<u8>) {
        let token = format!("Bearer {}", self.org.access_token());
        let path =
            if path.starts_with("/services") { path.into() } else { format!("/services/data/v62.0/{path}") };
        let mut request = Request::builder().uri(path).header("authorization", token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, body) =
            self.org.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, bytes.to_vec())
    }

    async fn many(rows: u32) -> World {
        let mut world = World::new();
        let rows: String = (0..rows).map(|i| format!("{i},A{i}\n")).collect();
        let (info, _, bad) = world.run(upsert("Account"), &format!("Ext__c,Name\n{rows}")).await;
        assert!(bad.is_empty(), "{info}");
        world
    }
}

fn refused(reply: &Reply, code: &str, message: &str) {
    let errors = reply.json();
    assert_eq!(
        (reply.status, &errors[0]["errorCode"], &errors[0]["message"]),
        (StatusCode::BAD_REQUEST, &json!(code), &json!(message))
    );
}

fn names(page: &Value) -> Vec<String> {
    page["records"].as_array().unwrap().iter().map(|r| r["Name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn batch_sizes_locators_and_their_errors() {
    let world = World::many(450).await;
    for (asked, expected) in [
        ("batchSize=250", 250),
        ("batchSize=1", 200),
        ("a=b, BATCHSIZE = 300", 300),
        ("batchSize=9999", 450),
        ("x", 450),
    ] {
        let (_, _, page) =
            world.fetch("query/?q=SELECT+Name+FROM+Account", &[("Sforce-Query-Options", asked)]).await;
        let page: Value = serde_json::from_slice(&page).unwrap();
        assert_eq!((names(&page).len(), &page["totalSize"]), (expected, &json!(450)), "{asked}");
        assert_eq!(
            (&page["done"], page["nextRecordsUrl"].is_string()),
            (&json!(expected == 450), expected < 450)
        );
    }
    let sized = &[("Sforce-Query-Options", "batchSize=200")];
    let (_, _, first) = world.fetch("query?q=SELECT+Name+FROM+Account", sized).await;
    let first: Value = serde_json::from_slice(&first).unwrap();
    let next = first["nextRecordsUrl"].as_str().unwrap();
    let (base, locator) = next.rsplit_once('/').unwrap();
    let (id, read) = locator.split_once('-').unwrap();
    assert_eq!((base, id.len(), &id[..3], read), ("/services/data/v62.0/query", 18, "01g", "200"));
    let (_, _, second) = world.fetch(next, sized).await;
    let second: Value = serde_json::from_slice(&second).unwrap();
    // The same again, and from a place that no answer named.
    let (_, _, again) = world.fetch(&format!("{next}/"), sized).await;
    assert_eq!(serde_json::from_slice::<Value>(&again).unwrap(), second);
    let middle = world.get(&format!("queryAll/{id}-300")).await.json();
    assert_eq!(names(&middle)[..100], names(&second)[100..]);
    assert_eq!(
        (names(&middle).len(), &middle["done"], &middle["totalSize"]),
        (150, &json!(true), &json!(450))
    );
    for wrong in
        [format!("{id}-450"), format!("{id}-"), format!("{id}--1"), id.to_owned(), "01gXX-200".into()]
    {
        refused(
            &world.get(&format!("query/{wrong}")).await,
            "INVALID_QUERY_LOCATOR",
            "invalid query locator",
        );
    }
}

#[tokio::test]
async fn a_query_must_be_there() {
    let world = World::new();
    refused(&world.get("query").await, "MALFORMED_QUERY", "A query string has to be specified");
    refused(&world.get("queryAll/?q=+").await, "MALFORMED_QUERY", "SOQL statements cannot be empty or null");
    assert_eq!(world.send("POST", "query", Body::empty()).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn columns_are_told_to_the_cli() {
    let world = World::new();
    let soql =
        "SELECT+Id,Name,Vip__c,Score__c,Owner.Name,Owner.Id,(SELECT+LastName+FROM+Contacts)+FROM+Account";
    let answer = world.get(&format!("query?q={soql}&columns=true")).await.json();
    assert_eq!(
        (&answer["entityName"], &answer["keyPrefix"], &answer["idSelected"], &answer["groupBy"]),
        (&json!("Account"), &json!("001"), &json!(true), &json!(false))
    );
    let columns = answer["columnMetadata"].as_array().unwrap();
    let named: Vec<&str> = columns.iter().map(|c| c["columnName"].as_str().unwrap()).collect();
    assert_eq!(named, ["Id", "Name", "Vip__c", "Score__c", "Owner", "Contacts"]);
    // The keys of the answer that the CLI was recorded with.
    let keys: Vec<&String> = columns[0].as_object().unwrap().keys().collect();
    let recorded = [
        "aggregate",
        "apexType",
        "booleanType",
        "columnName",
        "custom",
        "displayName",
        "foreignKeyName",
        "insertable",
        "joinColumns",
        "numberType",
        "textType",
        "updatable",
    ];
    assert_eq!(keys.iter().map(|k| k.as_str()).collect::<std::collections::BTreeSet<_>>(), recorded.into());
    assert_eq!(
        (&columns[2]["booleanType"], &columns[3]["numberType"], &columns[3]["custom"]),
        (&json!(true), &json!(true), &json!(true))
    );
    let joined = |i: usize| columns[i]["joinColumns"].as_array().unwrap().len();
    assert_eq!(
        (joined(4), joined(5), &columns[4]["aggregate"], &columns[5]["aggregate"]),
        (2, 1, &json!(false), &json!(true))
    );
    let counted = world.get("query?q=SELECT+COUNT(Id)+FROM+Account&columns=true").await.json();
    let column = &counted["columnMetadata"][0];
    assert_eq!(
        (&column["columnName"], &column["displayName"], &column["aggregate"]),
        (&json!("expr0"), &json!("COUNT(Id)"), &json!(true))
    );
    assert_eq!(
        world.get("query?q=SELECT+COUNT()+FROM+Account&columns=true").await.json()["columnMetadata"],
        json!([])
    );
}

#[tokio::test]
async fn children_beyond_a_page_have_a_locator() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name\nA,A\n").await;
    let rows: String = (0..2_100).map(|i| format!("{i},L{i:04},A\n")).collect();
    assert!(world.upsert("Contact", &format!("Ext__c,LastName,Account.Ext__c\n{rows}")).await.is_empty());
    let found = world.query("SELECT (SELECT Name FROM Contacts ORDER BY Name) FROM Account").await;
    let children = &found["records"][0]["Contacts"];
    assert_eq!(
        (&children["totalSize"], &children["done"], names(children).len()),
        (&json!(2_100), &json!(false), 2_000)
    );
    let rest = world.get(children["nextRecordsUrl"].as_str().unwrap()).await.json();
    assert_eq!((names(&rest).len(), names(&rest)[0].as_str(), &rest["done"]), (100, "L2000", &json!(true)));
}

#[tokio::test]
async fn groups_beyond_a_page_are_refused() {
    let world = World::many(2_001).await;
    let message =
        "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch";
    let all = world.get("query?q=SELECT+Name+FROM+Account+GROUP+BY+Name").await;
    refused(&all, "EXCEEDED_ID_LIMIT", message);
    let some = world
        .get("query?q=SELECT+Name+FROM+Account+GROUP+BY+Name+ORDER+BY+Name+DESC+LIMIT+2000")
        .await
        .json();
    assert_eq!((&some["totalSize"], names(&some)[0].as_str()), (&json!(2_000), "A999"));
}

#[tokio::test]
async fn answers_are_compressed_when_that_is_asked_for() {
    let world = World::many(300).await;
    let path = "query?q=SELECT+Name+FROM+Account";
    let (_, _, plain) = world.fetch(path, &[]).await;
    for (asked, gzip) in [
        ("gzip", true),
        ("gzip, deflate", true),
        ("br, GZIP;q=0.5", true),
        ("deflate", false),
        ("gzip;q=0", false),
    ] {
        let (status, headers, body) = world.fetch(path, &[("Accept-Encoding", asked)]).await;
        assert_eq!((status, headers.get("content-encoding").is_some()), (StatusCode::OK, gzip), "{asked}");
        if gzip {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut text).unwrap();
            assert!(text == plain && body.len() * 3 < plain.len(), "{asked}");
        }
    }
    let (status, headers, _) = world.fetch("query", &[("Accept-Encoding", "gzip")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(headers["content-encoding"], "gzip");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is asked, the answer is records or a refusal with a code; what follows a locator too.
    #[test]
    fn any_query_and_any_locator_is_answered(soql in ".{0,60}", locator in "[0-9a-zA-Z=+-]{1,24}") {
        let world = World::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let soql: String = soql.bytes().map(|b| format!("%{b:02X}")).collect();
        for path in [format!("query?q={soql}"), format!("query/{locator}"), format!("queryAll/01g{locator}-200")] {
            let reply = runtime.block_on(world.get(&path));
            let answer = reply.json();
            prop_assert!(answer["records"].is_array() || answer[0]["errorCode"].is_string(), "{path}: {answer}");
            prop_assert!(reply.status == StatusCode::OK || reply.status == StatusCode::BAD_REQUEST, "{path}");
        }
    }
}
