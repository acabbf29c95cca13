//! The org driven over its routes, with handwritten HTTP.

mod assign;
mod audit;
mod cases;
mod faults;
mod ingest;
mod jobs;
mod lifecycle;
mod limits;
mod login;
mod maintenance;
mod numbers;
mod others;
mod queries;
mod query_calls;
mod query_jobs;
mod rest;
mod rows;
mod soql;
mod soql_kinds;
mod states;

use super::{Faults, LocalOrg, Options, Schema};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;
use tower::ServiceExt;

const ORG: &str = r#"
objects:
  Account:
    fields:
      Ext__c: { type: string, length: 40, external_id: true, unique: true }
      Case__c: { type: string, length: 40, external_id: true, unique: true, case_sensitive: true }
      Number__c: { type: double, precision: 10, scale: 0, external_id: true }
      Score__c: { type: double, precision: 6, scale: 2 }
      Tier__c: { type: picklist, values: [Big, Small], restricted: true }
      Since__c: { type: date }
      Seen__c: { type: datetime }
      Vip__c: { type: boolean }
      Tags__c: { type: multipicklist, values: [Red, Green, Blue] }
      Fixed__c: { type: string, updateable: false }
      Primary_Contact__c: { type: reference, to: Contact }
    record_types: [Customer, Partner]
    rules:
      - { name: partner_needs_phone, when: 'Type == "Partner" and not Phone', message: Partners need a phone, field: Phone }
  Contact:
    fields:
      Ext__c: { type: string, length: 40, external_id: true, unique: true }
  Line__c:
    name: { auto_number: "L-{0000}" }
    fields:
      Ext__c: { type: string, external_id: true, unique: true }
      Account__c: { type: reference, to: Account, master_detail: true }
      Count__c: { type: int }
users:
  - { username: ada@acme.example, name: Ada Admin, employee_number: "1" }
  - { username: old@acme.example, name: Old Owner, active: false }
  - { username: sand@acme.example.invalid, name: Sandy Sandbox }
queues: [{ name: Support, objects: [Case] }]
"#;

/// An org with a clock, called over HTTP.
struct World {
    org: LocalOrg,
    now: i64,
}

/// What a call answered.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
}

/// Faults from their words, `{ then: … }, …`.
fn faults(list: &str) -> Faults {
    Faults::read("faults.yaml", &format!("faults: [{list}]")).unwrap()
}

fn schema() -> Schema {
    LocalOrg::schema_from_yaml("org.yaml", ORG).unwrap()
}

impl World {
    fn new() -> Self {
        Self::open(None)
    }

    fn open(data: Option<PathBuf>) -> Self {
        Self::with(schema(), data)
    }

    fn with(schema: Schema, data: Option<PathBuf>) -> Self {
        let now = 1_725_900_000_000;
        let base_url = "http://127.0.0.1:1".into();
        let options = Options { data, seed: 7, base_url, now, read_only: false };
        Self { org: LocalOrg::open(schema, options).unwrap(), now }
    }

    async fn send(&self, method: &str, path: &str, body: impl Into<Body>) -> Reply {
        let token = self.org.access_token();
        let path =
            if path.starts_with("/services") { path.into() } else { format!("/services/data/v62.0/{path}") };
        self.send_as(&token, method, &path, body.into()).await
    }

    async fn send_as(&self, token: &str, method: &str, path: &str, body: Body) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .body(body)
            .unwrap();
        let response = self.org.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, Body::empty()).await
    }

    async fn query(&self, soql: &str) -> Value {
        let soql = soql.replace('%', "%25").replace(' ', "+").replace('#', "%23").replace('\\', "%5C");
        let soql: String =
            soql.chars().map(|c| if c.is_ascii() { c.to_string() } else { percent(c) }).collect();
        self.get(&format!("query?q={soql}")).await.json()
    }

    /// Creates, uploads and closes a job; answers its id.
    async fn submit(&self, spec: Value, csv: &str) -> String {
        let created = self.send("POST", "jobs/ingest", spec.to_string()).await;
        assert_eq!(created.status, StatusCode::OK, "{}", created.text);
        let id = created.json()["id"].as_str().unwrap().to_owned();
        let put = self.send("PUT", &format!("jobs/ingest/{id}/batches"), csv.to_owned()).await;
        assert_eq!((put.status, put.text.as_str()), (StatusCode::CREATED, ""));
        let closed = self.send("PATCH", &format!("jobs/ingest/{id}"), r#"{"state":"UploadComplete"}"#).await;
        assert_eq!(closed.json()["state"], "UploadComplete");
        id
    }

    fn finish(&mut self) {
        for _ in 0..100_000 {
            self.now += 10;
            if !self.org.step(self.now) {
                return;
            }
        }
        panic!("the jobs never end");
    }

    async fn info(&self, id: &str) -> Value {
        self.get(&format!("jobs/ingest/{id}")).await.json()
    }

    /// Runs a job to its end and answers its info, its successes and its failures, line by line, sorted.
    async fn run(&mut self, spec: Value, csv: &str) -> (Value, Vec<String>, Vec<String>) {
        let id = self.submit(spec, csv).await;
        self.finish();
        let lines = |text: String| {
            let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let good = self.get(&format!("jobs/ingest/{id}/successfulResults")).await.text;
        let bad = self.get(&format!("jobs/ingest/{id}/failedResults/")).await.text;
        (self.info(&id).await, lines(good), lines(bad))
    }

    /// Upserts by `Ext__c`; answers what failed.
    async fn upsert(&mut self, object: &str, csv: &str) -> Vec<String> {
        let (info, _, bad) = self.run(upsert(object), csv).await;
        assert_eq!(info["state"], "JobComplete", "{info}");
        bad
    }

    /// The error of the one row of an upsert of accounts.
    async fn refusal(&mut self, object: &str, csv: &str) -> String {
        let bad = self.upsert(object, csv).await;
        assert_eq!(bad.len(), 1, "{bad:?}");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bad[0].as_bytes());
        reader.records().next().unwrap().unwrap()[1].to_owned()
    }
}

fn upsert(object: &str) -> Value {
    json!({"object": object, "operation": "upsert", "externalIdFieldName": "Ext__c"})
}

fn percent(c: char) -> String {
    c.to_string().bytes().map(|b| format!("%{b:02X}")).collect()
}
