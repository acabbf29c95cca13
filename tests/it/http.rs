//! `cutover local serve` as a child process, and a small HTTP client for what the tests do behind the product's back.
//! Shares no code with either side.

use crate::project::Project;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

/// A local org on a port; it ends with this value.
pub(crate) struct Served {
    child: Child,
    /// `http://127.0.0.1:…`
    pub(crate) url: String,
    /// What opens it.
    pub(crate) token: String,
    /// Who it is.
    pub(crate) org_id: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// Serves the project's `org.yaml`, apart from the project's own local org.
    pub(crate) fn start(project: &Project) -> Self {
        Self::serve(project, &[])
    }

    /// The same with these faults.
    pub(crate) fn with_faults(project: &Project, faults: &str) -> Self {
        project.write("faults.yaml", faults);
        Self::serve(project, &["--faults", "faults.yaml", "--admin"])
    }

    /// The same, kept in a folder of the project.
    pub(crate) fn kept(project: &Project, folder: &str) -> Self {
        Self::serve(project, &["--data", folder])
    }

    /// The same with further words.
    pub(crate) fn serve(project: &Project, further: &[&str]) -> Self {
        let mut command = project.command(&["local", "serve", "--schema", "org.yaml"]);
        command.args(further);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self { child, url: text("instance_url"), token: text("access_token"), org_id: text("org_id") }
    }

    /// One request; the body of an answer that is no error.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, kind: &str, body: &str) -> String {
        self.exchange(method, &format!("/services/data/v62.0/{path}"), kind, body)
    }

    #[track_caller]
    fn exchange(&self, method: &str, path: &str, kind: &str, body: &str) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut socket = TcpStream::connect(address).unwrap();
        let (token, length) = (&self.token, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
        );
        socket.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        assert!(!head.to_lowercase().contains("transfer-encoding"), "this client reads whole bodies: {head}");
        body.to_owned()
    }

    #[track_caller]
    fn json(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        serde_json::from_str(&self.call(method, path, "application/json", &body)).unwrap()
    }

    /// The answer to a SOQL query.
    #[track_caller]
    pub(crate) fn query(&self, soql: &str) -> Value {
        self.json("GET", &format!("query?q={}", soql.replace(' ', "+").replace('=', "%3D")), &Value::Null)
    }

    /// The records that a query finds, all pages of it, without their Ids.
    #[track_caller]
    pub(crate) fn records(&self, soql: &str) -> Vec<Value> {
        let (mut all, mut page) = (Vec::new(), self.query(soql));
        loop {
            all.append(page["records"].as_array_mut().unwrap());
            let Some(next) = page["nextRecordsUrl"].as_str() else { break };
            page = serde_json::from_str(&self.exchange("GET", next, "application/json", "")).unwrap();
        }
        all.iter_mut().for_each(strip);
        all
    }

    /// How often faults have struck; of an org that was started with some.
    #[track_caller]
    pub(crate) fn struck(&self) -> u64 {
        let told = self.exchange("GET", "/admin/faults", "application/json", "");
        let told: Value = serde_json::from_str(&told).unwrap();
        told["seen"].as_array().unwrap().iter().map(|seen| seen["hits"].as_u64().unwrap()).sum()
    }

    /// The token that a login gives.
    #[track_caller]
    pub(crate) fn log_in(&self, form: &str) -> String {
        let kind = "application/x-www-form-urlencoded";
        let told = self.exchange("POST", "/services/oauth2/token", kind, form);
        let told: Value = serde_json::from_str(&told).unwrap();
        told["access_token"].as_str().unwrap().to_owned()
    }

    /// Where the ingest jobs stand.
    #[track_caller]
    pub(crate) fn job_states(&self) -> Vec<String> {
        let list = self.json("GET", "jobs/ingest", &Value::Null);
        let jobs = list["records"].as_array().unwrap();
        jobs.iter().map(|job| job["state"].as_str().unwrap().to_owned()).collect()
    }

    /// `SELECT COUNT()`.
    #[track_caller]
    pub(crate) fn count(&self, from: &str) -> u64 {
        self.query(&format!("SELECT COUNT() FROM {from}"))["totalSize"].as_u64().unwrap()
    }

    /// How many ingest jobs there have been.
    #[track_caller]
    pub(crate) fn jobs(&self) -> usize {
        self.json("GET", "jobs/ingest", &Value::Null)["records"].as_array().unwrap().len()
    }

    /// Deletes the records that a condition finds, as a colleague would: with a bulk job.
    #[track_caller]
    pub(crate) fn delete(&self, object: &str, condition: &str) -> usize {
        let found = self.query(&format!("SELECT Id FROM {object} WHERE {condition}"));
        let ids: Vec<&str> =
            found["records"].as_array().unwrap().iter().map(|r| r["Id"].as_str().unwrap()).collect();
        let job =
            json!({ "object": object, "operation": "delete", "contentType": "CSV", "lineEnding": "LF" });
        let job = self.json("POST", "jobs/ingest", &job);
        let path = format!("jobs/ingest/{}", job["id"].as_str().unwrap());
        self.call("PUT", &format!("{path}/batches"), "text/csv", &format!("Id\n{}\n", ids.join("\n")));
        self.json("PATCH", &path, &json!({ "state": "UploadComplete" }));
        loop {
            let job = self.json("GET", &path, &Value::Null);
            match job["state"].as_str().unwrap() {
                "JobComplete" => {
                    assert_eq!(job["numberRecordsFailed"], 0, "{job}");
                    return ids.len();
                }
                "UploadComplete" | "InProgress" => std::thread::sleep(std::time::Duration::from_millis(5)),
                other => panic!("{other}: {job}"),
            }
        }
    }
}

/// Takes type and address out of a record and the records in it.
fn strip(record: &mut Value) {
    if let Some(fields) = record.as_object_mut() {
        fields.remove("attributes");
        fields.values_mut().for_each(strip);
    }
}
