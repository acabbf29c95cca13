//! Query jobs over HTTP: their life, their pages of results, and what they refuse.

use super::{Reply, World, upsert};
use axum::body::Body;
use axum::http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

impl World {
    async fn ask_in_bulk(&self, spec: Value) -> Reply {
        self.send("POST", "jobs/query", spec.to_string()).await
    }

    /// Creates a job and runs it to its end; answers its id.
    async fn queried(&mut self, spec: Value) -> String {
        let created = self.ask_in_bulk(spec).await;
        assert_eq!(created.status, StatusCode::OK, "{}", created.text);
        self.finish();
        created.json()["id"].as_str().unwrap().to_owned()
    }

    async fn accounts_of(rows: u32) -> World {
        let mut world = World::new();
        let rows: String = (0..rows).map(|i| format!("{i:05},A{i}\n")).collect();
        let (info, _, bad) = world.run(upsert("Account"), &format!("Ext__c,Name\n{rows}")).await;
        assert!(bad.is_empty(), "{info}");
        world
    }
}

fn spec(soql: &str) -> Value {
    json!({"operation": "query", "query": soql})
}

#[track_caller]
fn refused(reply: &Reply, status: StatusCode, code: &str) {
    let errors = reply.json();
    assert_eq!((reply.status, &errors[0]["errorCode"]), (status, &json!(code)), "{}", reply.text);
}

fn header(reply: &Reply, name: &str) -> String {
    reply.headers[name].to_str().unwrap().to_owned()
}

/// As recorded of v51: create, info, and their fields.
#[tokio::test]
async fn a_jobs_life() {
    let mut world = World::accounts_of(3).await;
    let created = world.ask_in_bulk(spec("SELECT Id FROM Account")).await.json();
    let keys: std::collections::BTreeSet<&str> =
        created.as_object().unwrap().keys().map(String::as_str).collect();
    let recorded = [
        "id",
        "operation",
        "object",
        "createdById",
        "createdDate",
        "systemModstamp",
        "state",
        "concurrencyMode",
        "contentType",
        "apiVersion",
        "lineEnding",
        "columnDelimiter",
    ];
    assert_eq!(keys, recorded.into());
    assert_eq!((&created["state"], &created["object"]), (&json!("UploadComplete"), &json!("Account")));
    let id = created["id"].as_str().unwrap().to_owned();
    refused(
        &world.get(&format!("jobs/query/{id}/results")).await,
        StatusCode::BAD_REQUEST,
        "INVALIDJOBSTATE",
    );
    refused(
        &world.send("DELETE", &format!("jobs/query/{id}"), Body::empty()).await,
        StatusCode::BAD_REQUEST,
        "API_ERROR",
    );
    world.finish();
    let info = world.get(&format!("jobs/query/{}/", &id[..15])).await.json();
    assert_eq!(
        (&info["state"], &info["jobType"], &info["numberRecordsProcessed"], &info["retries"]),
        (&json!("JobComplete"), &json!("V2Query"), &json!(3), &json!(0))
    );
    assert!(info["totalProcessingTime"].is_i64() && info.get("errorMessage").is_none(), "{info}");
    let aborted = world.send("PATCH", &format!("jobs/query/{id}"), r#"{"state":"Aborted"}"#).await;
    refused(&aborted, StatusCode::BAD_REQUEST, "INVALIDJOBSTATE");
    assert_eq!(world.get("jobs/query").await.json()["records"].as_array().unwrap().len(), 1);
    assert_eq!(world.get("jobs/ingest").await.json()["records"].as_array().unwrap().len(), 1);
    let gone = world.send("DELETE", &format!("jobs/query/{id}/"), Body::empty()).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    refused(&world.get(&format!("jobs/query/{id}")).await, StatusCode::NOT_FOUND, "NOT_FOUND");
}

#[tokio::test]
async fn an_aborted_job_has_no_results() {
    let world = World::accounts_of(1).await;
    let created = world.ask_in_bulk(spec("SELECT Id FROM Account")).await.json();
    let path = format!("jobs/query/{}", created["id"].as_str().unwrap());
    let aborted = world.send("PATCH", &path, r#"{"state":"Aborted"}"#).await;
    assert_eq!((aborted.status, &aborted.json()["state"]), (StatusCode::OK, &json!("Aborted")));
    refused(&world.get(&format!("{path}/results")).await, StatusCode::BAD_REQUEST, "INVALIDJOBSTATE");
    assert_eq!(world.send("DELETE", &path, Body::empty()).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn results_in_pages() {
    let mut world = World::accounts_of(2_500).await;
    let id = world.queried(spec("SELECT Ext__c FROM Account ORDER BY Ext__c")).await;
    let mut seen = Vec::new();
    let mut counts = Vec::new();
    let mut locator = String::new();
    while locator != "null" {
        let page = world.get(&format!("jobs/query/{id}/results?maxRecords=1200&locator={locator}")).await;
        assert_eq!((page.status, header(&page, "content-type").as_str()), (StatusCode::OK, "text/csv"));
        let mut lines = page.text.lines();
        assert_eq!(lines.next(), Some("\"Ext__c\""));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        assert_eq!(header(&page, "sforce-numberofrecords"), lines.len().to_string());
        counts.push(lines.len());
        seen.extend(lines);
        locator = header(&page, "sforce-locator");
    }
    assert_eq!(counts, [1200, 1200, 100]);
    assert!(seen.is_sorted() && seen.len() == 2_500 && seen[0] == "\"00000\"");
    let whole = world.get(&format!("jobs/query/{id}/Results/")).await;
    assert_eq!((header(&whole, "sforce-locator").as_str(), whole.text.lines().count()), ("null", 2_501));
    for wrong in ["locator=x", "locator=MTAwMDA", "locator=LTE", "maxRecords=0", "maxRecords=x"] {
        let reply = world.get(&format!("jobs/query/{id}/results?{wrong}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{wrong}: {}", reply.text);
    }
    let other = world.get(&format!("/services/data/v60.0/jobs/query/{id}/results")).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    let doubled = world.get(&format!("jobs/query//{id}/results?locator=")).await;
    assert_eq!(doubled.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_can_be_read_side_by_side() {
    let mut world = World::accounts_of(2).await;
    let id = world.queried(spec("SELECT Ext__c FROM Account")).await;
    let pages = world.get(&format!("jobs/query/{id}/resultPages")).await.json();
    let urls: Vec<&str> =
        pages["resultPages"].as_array().unwrap().iter().map(|p| p["resultUrl"].as_str().unwrap()).collect();
    assert_eq!((urls.len(), &pages["done"], &pages["nextRecordsUrl"]), (1, &json!(true), &json!(null)));
    assert!(
        urls[0].starts_with(&format!("/services/data/v62.0/jobs/query/{id}/results?locator=")),
        "{pages}"
    );
    let page = world.get(urls[0]).await;
    assert_eq!((page.text.lines().count(), header(&page, "sforce-locator").as_str()), (3, "null"));
    let old = json!({"operation": "query", "query": "SELECT Id FROM Account"}).to_string();
    let old = world.send("POST", "/services/data/v57.0/jobs/query", old).await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.finish();
    let early = world.get(&format!("/services/data/v57.0/jobs/query/{old}/resultPages")).await;
    assert_eq!(early.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_form_of_lines() {
    let mut world = World::new();
    world
        .upsert(
            "Account",
            "Ext__c,Name,Score__c,Seen__c,Vip__c\nA,\"a \"\"b\"\", c\",2,2024-01-31T10:00:00Z,true\n",
        )
        .await;
    let soql = "SELECT Name, Score__c, Seen__c, Vip__c, Phone, Owner.Name FROM Account";
    let spec = json!({"operation": "query", "query": soql, "columnDelimiter": "PIPE", "lineEnding": "CRLF", "contentType": "CSV"});
    let id = world.queried(spec).await;
    let text = world.get(&format!("jobs/query/{id}/results")).await.text;
    assert_eq!(
        text,
        "\"Name\"|\"Score__c\"|\"Seen__c\"|\"Vip__c\"|\"Phone\"|\"Owner.Name\"\r\n\
         \"a \"\"b\"\", c\"|\"2.0\"|\"2024-01-31T10:00:00.000Z\"|\"true\"|\"\"|\"Local Admin\"\r\n"
    );
    let none = world.queried(json!({"operation": "query", "query": "SELECT Id, Name FROM Contact"})).await;
    let empty = world.get(&format!("jobs/query/{none}/results?maxRecords=50000")).await;
    assert_eq!(
        (empty.text.as_str(), header(&empty, "sforce-numberofrecords"), header(&empty, "sforce-locator")),
        ("\"Id\",\"Name\"\n", "0".to_owned(), "null".to_owned())
    );
}

/// simple-salesforce asks for CSV when it creates a job, and for indented JSON with every call.
#[tokio::test]
async fn a_client_that_accepts_csv_gets_its_job_as_json() {
    let world = World::new();
    let body = r#"{"operation": "query", "columnDelimiter": "COMMA", "lineEnding": "LF", "query": "SELECT Id, Name FROM Account"}"#;
    let request = axum::http::Request::builder()
        .method("POST")
        .uri("/services/data/v62.0/jobs/query")
        .header("authorization", format!("Bearer {}", world.org.access_token()))
        .header("accept", "text/csv; charset=UTF-8")
        .header("x-prettyprint", "1")
        .body(Body::from(body))
        .unwrap();
    let response = tower::ServiceExt::oneshot(world.org.router(), request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json;charset=UTF-8");
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(bytes.starts_with(b"{\n"), "{bytes:?}");
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap()["state"], "UploadComplete");
}

#[tokio::test]
async fn deleted_records_are_read_by_query_all() {
    let mut world = World::accounts_of(3).await;
    let gone =
        world.org.query("SELECT Id FROM Account WHERE Ext__c = '00001'").unwrap().rows[0][0].clone().unwrap();
    world.run(json!({"object": "Account", "operation": "delete"}), &format!("Id\n{gone}\n")).await;
    for (operation, lines) in [("query", 3), ("queryAll", 4)] {
        let id = world.queried(json!({"operation": operation, "query": "SELECT Id FROM Account"})).await;
        let info = world.get(&format!("jobs/query/{id}")).await.json();
        let text = world.get(&format!("jobs/query/{id}/results")).await.text;
        assert_eq!((&info["operation"], text.lines().count()), (&json!(operation), lines));
    }
}

#[tokio::test]
async fn refusals() {
    let world = World::new();
    let nested = "Aggregate Relationships not supported in Bulk V2 Query with CSV content type";
    for (soql, code, message) in [
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR", nested),
        ("SELECT COUNT() FROM Account", "API_ERROR", "Aggregate functions not supported in Bulk V2 Query"),
        ("SELECT COUNT(Id) FROM Account", "API_ERROR", "Aggregate functions not supported in Bulk V2 Query"),
        ("SELECT Name FROM Account GROUP BY Name", "API_ERROR", "GROUP BY not supported in Bulk V2 Query"),
        ("SELECT Id FROM Account OFFSET 1", "API_ERROR", "OFFSET not supported in Bulk V2 Query"),
        (
            "SELECT TYPEOF Who WHEN Lead THEN Id END FROM Task",
            "API_ERROR",
            "TYPEOF not supported in Bulk V2 Query",
        ),
        (
            "SELECT BillingAddress FROM Account",
            "API_ERROR",
            "Selecting compound data not supported in Bulk Query",
        ),
        (
            "SELECT Id FROM EntityDefinition",
            "INVALIDENTITY",
            "Entity 'EntityDefinition' is not supported by the Bulk API.",
        ),
        ("", "MALFORMED_QUERY", "SOQL statements cannot be empty or null"),
        ("SELECT Id FRM Account", "MALFORMED_QUERY", "unexpected token: 'FRM'"),
        ("SELECT Nope FROM Account", "INVALID_FIELD", "No such column 'Nope'"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
    ] {
        let reply = world.ask_in_bulk(spec(soql)).await;
        refused(&reply, StatusCode::BAD_REQUEST, code);
        assert!(reply.json()[0]["message"].as_str().unwrap().contains(message), "{soql}: {}", reply.text);
    }
    for body in [
        json!({"query": "SELECT Id FROM Account"}),
        json!({"operation": "insert", "query": "SELECT Id FROM Account"}),
    ] {
        refused(&world.ask_in_bulk(body).await, StatusCode::BAD_REQUEST, "API_ERROR");
    }
    assert_eq!(world.get("jobs/query").await.json()["records"], json!([]));
}

#[tokio::test]
async fn standard_fields_leave_compound_ones_out() {
    let mut world = World::accounts_of(1).await;
    let id = world.queried(spec("SELECT FIELDS(STANDARD) FROM Account")).await;
    let text = world.get(&format!("jobs/query/{id}/results")).await.text;
    assert!(
        text.contains("\"BillingCity\"") && !text.contains("\"BillingAddress\"") && !text.contains("Ext__c")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_locator_and_size_is_answered(locator in "[ -~]{0,16}", size in "[ -~]{0,12}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let reply = runtime.block_on(async {
            let mut world = World::accounts_of(3).await;
            let id = world.queried(spec("SELECT Id FROM Account")).await;
            let hex = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
            world.get(&format!("jobs/query/{id}/results?locator={}&maxRecords={}", hex(&locator), hex(&size))).await
        });
        let known = reply.status == StatusCode::OK && reply.text.starts_with("\"Id\"\n");
        prop_assert!(known || reply.status == StatusCode::BAD_REQUEST, "{}", reply.text);
    }
}
