//! `cutover local serve` as a process: faults from a file and from the admin address, connections that really close,
//! and a login that outlives the process. Plain sockets: what a client's library would make of it does not matter here.

use crate::project::Project;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

const ORG: &str = "users: [{ username: ada@acme.example }]\nconnected_apps:\n  \
    - { name: L, client_id: l, client_secret: s, certificate: keys/app.pem, run_as: ada@acme.example }\n";
const FAULTS: &str = "faults: [{ then: drop_after, method: POST, path: jobs/ingest, times: 1 }]\n";

struct Served {
    child: Child,
    address: String,
    token: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    fn start(project: &Project, further: &[&str]) -> Self {
        let arguments = [&["local", "serve", "--schema", "org.yaml", "--data", "data"], further].concat();
        let mut child = project.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let address = text("instance_url").strip_prefix("http://").unwrap().to_owned();
        Self { child, address, token: text("access_token") }
    }

    /// Status and body; nothing when the connection closes without an answer.
    fn call(&self, token: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned()))
    }

    fn data(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        self.call(&self.token, method, &format!("/services/data/v62.0/{path}"), body)
    }
}

fn project() -> Project {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys");
    let certificate = std::fs::read_to_string(keys.join("test-certificate.pem")).unwrap();
    Project::of(&[("org.yaml", ORG), ("faults.yaml", FAULTS), ("keys/app.pem", &certificate)])
}

#[test]
fn faults_of_a_file_and_of_the_admin_address_befall_calls() {
    let project = project();
    let org = Served::start(&project, &["--faults", "faults.yaml", "--admin"]);
    let job = r#"{"object":"Account","operation":"insert"}"#;
    assert_eq!(org.data("POST", "jobs/ingest", job), None, "done, and not answered");
    let (_, list) = org.data("GET", "jobs/ingest", "").unwrap();
    assert_eq!(list.matches("V2Ingest").count(), 1, "{list}");
    let faults = json!({"faults": [{"then": "unauthorized", "nth": 1}]}).to_string();
    assert_eq!(org.call("", "PUT", "/admin/faults", &faults).unwrap().0, 200);
    assert_eq!(org.data("GET", "limits", "").unwrap().0, 401);
    assert_eq!(org.data("GET", "limits", "").unwrap().0, 200);
    drop(org);
    let org = Served::start(&project, &[]);
    assert_eq!(org.call("", "PUT", "/admin/faults", &faults).unwrap().0, 404, "off unless asked for");
}

#[test]
fn a_login_outlives_the_process() {
    let project = project();
    let org = Served::start(&project, &[]);
    let form = "grant_type=client_credentials&client_id=l&client_secret=s";
    let (status, body) = org.call("", "POST", "/services/oauth2/token", form).unwrap();
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["instance_url"], format!("http://{}", org.address));
    let token = body["access_token"].as_str().unwrap();
    drop(org);
    let org = Served::start(&project, &[]);
    let (status, who) = org.call(token, "GET", "/services/oauth2/userinfo", "").unwrap();
    assert_eq!(status, 200, "{who}");
    assert!(who.contains("\"preferred_username\":\"ada@acme.example\""), "{who}");
}

#[test]
fn a_file_of_faults_that_is_wrong_is_told_with_its_place() {
    let project = project();
    project.write("faults.yaml", "faults:\n  - { then: twise }\n");
    let done = project.command(&["local", "serve", "--faults", "faults.yaml"]).output().unwrap();
    assert_eq!(done.status.code(), Some(65));
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(told.contains("faults.yaml:2:") && told.contains("did you mean `twice`?"), "{told}");
}
