//! A local org in process, called over its routes, and brought into a state by steps of the index.

use super::index::{Step, read};
use axum::body::Body;
use cutover::local_org::{LocalOrg, Options};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tower::ServiceExt;

/// 2024-09-09, when most of the captures were made.
const NOW: i64 = 1_725_900_000_000;

/// An org with the schema of the captures.
pub struct TestOrg {
    org: LocalOrg,
    now: i64,
    runtime: tokio::runtime::Runtime,
    /// What steps kept, by name.
    pub kept: BTreeMap<String, String>,
}

/// What a call answered.
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text))
    }
}

impl TestOrg {
    pub fn new() -> Self {
        let schema = LocalOrg::schema_from_yaml("org.yaml", &read("org.yaml")).unwrap();
        let options = Options { seed: 7, base_url: "http://local".into(), now: NOW, ..Options::default() };
        let org = LocalOrg::open(schema, options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let kept = BTreeMap::from([("token".to_owned(), org.access_token())]);
        Self { org, now: NOW, runtime, kept }
    }

    /// One call; `what` is `METHOD /path`.
    pub fn call(&self, what: &str, kind: &str, body: impl Into<Body>) -> Answer {
        let (method, path) = what.split_once(' ').unwrap();
        let path = if path.starts_with('/') { path.into() } else { format!("/services/data/v60.0/{path}") };
        let request = axum::http::Request::builder()
            .method(method)
            .uri(path.replace(' ', "+").replace('\'', "%27"))
            .header("authorization", format!("Bearer {}", self.org.access_token()))
            .header("content-type", kind)
            .body(body.into())
            .unwrap();
        self.runtime.block_on(async {
            let (parts, body) = self.org.router().oneshot(request).await.unwrap().into_parts();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let header = |(n, v): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
                (n.as_str().to_owned(), v.to_str().unwrap().to_owned())
            };
            Answer {
                status: parts.status.as_u16(),
                headers: parts.headers.iter().map(header).collect(),
                text: String::from_utf8(bytes.to_vec()).unwrap(),
            }
        })
    }

    /// A call with a JSON body, or with none.
    pub fn json(&self, what: &str, body: Option<&Value>) -> Answer {
        self.call(what, "application/json", body.map(Value::to_string).unwrap_or_default())
    }

    /// Slices of work at the jobs; 0 for all there is.
    pub fn work(&mut self, slices: u32) {
        for _ in 0..(if slices == 0 { 100_000 } else { slices }) {
            self.now += 10;
            if !self.org.step(self.now) {
                return;
            }
        }
        assert!(slices > 0, "the jobs never end");
    }

    /// Does a step, and gives what was answered to its call.
    #[track_caller]
    pub fn step(&mut self, step: &Step) -> Option<Answer> {
        if let Some(slices) = step.work {
            self.work(slices);
        }
        if let Some(object) = &step.insert {
            let fields = self.filled(&Value::Object(step.fields.clone()).to_string());
            let id = self.insert(object, serde_json::from_str(&fields).unwrap());
            self.keep(step, id);
        }
        let call = self.filled(step.call.as_ref()?);
        let answer = match (&step.json, &step.csv) {
            (_, Some(csv)) => self.call(&call, "text/csv", self.filled(&csv.text())),
            (json, None) => {
                let text = json.as_ref().map(|j| self.filled(&j.to_string())).unwrap_or_default();
                self.call(&call, "application/json", text)
            }
        };
        if step.keep.is_some() {
            let id =
                answer.json()["id"].as_str().unwrap_or_else(|| panic!("{call}: {}", answer.text)).to_owned();
            self.keep(step, id);
        }
        Some(answer)
    }

    fn keep(&mut self, step: &Step, id: String) {
        if let Some(name) = &step.keep {
            self.kept.insert(name.clone(), id);
        }
    }

    /// The text with what was kept in place of `{name}`.
    pub fn filled(&self, text: &str) -> String {
        self.kept.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
    }

    /// Makes a job, uploads and closes it, works it off, and gives its id.
    #[track_caller]
    pub fn job(&mut self, spec: &Value, csv: Vec<u8>) -> String {
        let made = self.json("POST jobs/ingest", Some(spec));
        assert_eq!(made.status, 200, "{spec}: {}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(self.call(&format!("PUT jobs/ingest/{id}/batches"), "text/csv", csv).status, 201);
        let close = json!({"state": "UploadComplete"});
        assert_eq!(self.json(&format!("PATCH jobs/ingest/{id}"), Some(&close)).status, 200);
        self.work(0);
        id
    }

    /// One of the three result files of a job.
    pub fn results(&self, job: &str, file: &str) -> String {
        self.call(&format!("GET jobs/ingest/{job}/{file}"), "", "").text
    }

    /// A record of an object, with what it needs beside these fields; its id.
    #[track_caller]
    pub fn insert(&mut self, object: &str, mut fields: Map<String, Value>) -> String {
        for (name, value) in needed(object) {
            let given = fields.get(*name).is_some_and(|v| !v.is_null());
            if !given {
                fields.insert((*name).to_owned(), json!(value));
            }
        }
        fields.retain(|_, value| !value.is_null());
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(fields.keys()).unwrap();
        csv.write_record(fields.values().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
            .unwrap();
        // Line breaks inside values are those of the job.
        let spec = json!({"object": object, "operation": "insert"});
        let job = self.job(&spec, csv.into_inner().unwrap());
        let saved = self.results(&job, "successfulResults");
        let mut rows = csv::Reader::from_reader(saved.as_bytes());
        let Some(row) = rows.records().next() else {
            panic!(
                "{object} {fields:?}: {} {}",
                self.results(&job, "failedResults"),
                self.json(&format!("GET jobs/ingest/{job}"), None).text
            )
        };
        row.unwrap()[0].to_owned()
    }
}

/// What a record cannot be without.
fn needed(object: &str) -> &'static [(&'static str, &'static str)] {
    match object {
        "Account" => &[("Name", "One")],
        "Contact" => &[("LastName", "One")],
        "Lead" => &[("LastName", "One"), ("Company", "One")],
        "Opportunity" => &[("Name", "One"), ("StageName", "Open"), ("CloseDate", "2024-01-01")],
        _ => &[],
    }
}
