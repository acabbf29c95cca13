//! What real clients send, replayed against the local org in process, in the order in which they sent it: each request
//! must be answered with the class of status that the client went on with. Ids are put in the places of the recorded
//! ones; where an org of ours differs on purpose stands in `DIFFERENT`, with the reason.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use cutover::local_org::{LocalOrg, Options};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use tower::ServiceExt;

/// Where the clock stands: 2026-11-01.
const NOW: i64 = 1_793_491_200_000;

const SCHEMA: &str = "objects: { Account: { fields: { Ext_Id__c: { type: string, length: 40, external_id: true, unique: true } } } }";

/// Record and user that the recordings name.
const RECORD: &str = "001000000000001AAA";
const USER: &str = "005000000000001AAA";

/// A request, recorded.
#[derive(Deserialize)]
struct Recorded {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
    status: u16,
    /// The id of the job that it made.
    made: Option<String>,
}

/// Requests that our org answers otherwise than the stand-in: part of the path, the class of our answer, and why.
const DIFFERENT: [(&str, u16, &str); 5] = [
    ("/unprocessedRecords", 2, "the stand-in did not know the path; an org does, in any letter case"),
    ("/sobjects/Account/Ext_Id__c/E1", 2, "the stand-in had no upsert of one record"),
    (
        "FROM%20ScratchOrgInfo",
        4,
        "an object of dev hubs only: INVALID_TYPE, which the CLI takes for `no dev hub`",
    ),
    ("/services/async/", 4, "Bulk API 1 is not built"),
    ("/services/Soap/", 4, "SOAP is not built"),
];

/// One session against an org of its own.
struct Session {
    org: LocalOrg,
    /// Recorded ids and locators, and what stands for them here.
    ours: BTreeMap<String, String>,
    /// What the last page of a query job told: where the next begins.
    locator: String,
}

impl Session {
    async fn new() -> Self {
        let schema = LocalOrg::schema_from_yaml("org.yaml", SCHEMA).unwrap();
        let base_url = "http://local".to_owned();
        let org = LocalOrg::open(schema, Options { base_url, now: NOW, ..Options::default() }).unwrap();
        let mut session = Self { org, ours: BTreeMap::new(), locator: String::new() };
        session.ours.insert("TOKEN".into(), session.org.access_token().to_owned());
        let user = session.org.query("SELECT Id FROM User LIMIT 1").unwrap().rows[0][0].clone().unwrap();
        session.ours.insert(USER.into(), user);
        let made = session.made_record().await;
        session.ours.insert(RECORD.into(), made);
        session
    }

    async fn made_record(&mut self) -> String {
        let (path, body) = ("/services/data/v62.0/sobjects/Account".into(), r#"{"Name":"There"}"#.into());
        let headers = BTreeMap::from([("authorization".into(), "Bearer TOKEN".into())]);
        let (status, answer) = self
            .send(&Recorded { method: "POST".into(), path, headers, body, status: 201, made: None })
            .await;
        assert_eq!(status, 201, "{answer}");
        id(&answer)
    }

    /// A text with ours in the places of the recorded ids.
    fn ours(&self, text: &str) -> String {
        self.ours.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
    }

    async fn send(&mut self, recorded: &Recorded) -> (u16, String) {
        let path = self.ours(&recorded.path);
        let mut request = Request::builder().method(recorded.method.as_str()).uri(path);
        for (name, value) in &recorded.headers {
            request = request.header(name, self.ours(value));
        }
        let request = request.body(Body::from(self.ours(&recorded.body))).unwrap();
        let answer = self.org.router().oneshot(request).await.unwrap();
        // The clients waited between their questions.
        while self.org.step(NOW) {}
        let status = answer.status().as_u16();
        if let Some(locator) = answer.headers().get("sforce-locator") {
            self.locator = locator.to_str().unwrap().to_owned();
        }
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// Replays one request; what is wrong with the answer.
    async fn replay(&mut self, recorded: &Recorded) -> Option<String> {
        // The stand-in gave every answer to a query in two pages, our org in one.
        if recorded.path.contains("?locator=") || recorded.path.contains("&locator=") {
            return (self.locator != "null").then(|| format!("a page more: {}", self.locator));
        }
        let (status, answer) = self.send(recorded).await;
        if let Some(made) = &recorded.made {
            self.ours.insert(made.clone(), id(&answer));
        }
        let different = DIFFERENT.iter().find(|(part, ..)| recorded.path.contains(part));
        let class = different.map_or(recorded.status / 100, |(_, class, _)| *class);
        let Recorded { method, path, .. } = recorded;
        (status / 100 != class).then(|| format!("{method} {path}: {status} {answer}"))
    }
}

/// The `id` of an answer.
fn id(answer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Replays a file of recordings, and tells every request that was not answered as it should be.
async fn replay(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/client-requests").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut session = Session::new().await;
    let mut wrong = Vec::new();
    for line in text.lines() {
        wrong.extend(session.replay(&serde_json::from_str(line).unwrap()).await);
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_org_answers_what_jsforce_sends() {
    for name in ["jsforce-1.jsonl", "jsforce-2.jsonl", "jsforce-3.jsonl"] {
        replay(name).await;
    }
}

#[tokio::test]
async fn the_org_answers_what_simple_salesforce_sends() {
    replay("simple-salesforce.jsonl").await;
}

#[tokio::test]
async fn the_org_answers_what_the_sf_cli_sends() {
    for name in ["sf-1.jsonl", "sf-2.jsonl"] {
        replay(name).await;
    }
}
