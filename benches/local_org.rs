//! How fast the local org takes a big job: an upsert of six columns through `cutover local serve`, over real HTTP, and
//! how much memory the process has used by then. Prints; a machine's speed is nothing to assert.
//!
//! `cargo bench --bench local_org` takes a million rows; `cargo bench --bench local_org -- 200000` so many.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and says what it measured"
)]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SCHEMA: &str = "
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Score__c: { type: double, precision: 10, scale: 2 }
";

const HEADER: &str = "Legacy_Id__c,Name,Phone,BillingCity,Score__c,NumberOfEmployees\n";

fn main() {
    let rows = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("org.yaml");
    std::fs::write(&schema, SCHEMA).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["local", "serve", "--schema"]).arg(&schema).arg("--data").arg(folder.path().join("org"));
    let org = Org::start(command);
    println!("{rows} rows of six columns, records kept in a file");
    for pass in ["every row is new", "every row is there"] {
        println!("{pass}:");
        let all = Instant::now();
        let job = org.load(rows);
        println!(
            "  whole job      {:>8.2} s  {:>9.0} rows/s",
            all.elapsed().as_secs_f64(),
            per_second(rows, all.elapsed())
        );
        let results = Instant::now();
        let (lines, bytes) = org.download(&format!("jobs/ingest/{job}/successfulResults"));
        assert_eq!(lines as u64, rows + 1);
        println!(
            "  its results    {:>8.2} s  {:>9.1} MB",
            results.elapsed().as_secs_f64(),
            bytes as f64 / 1e6
        );
        println!("  peak memory    {:>8} MB", org.peak());
    }
}

fn per_second(rows: u64, time: Duration) -> f64 {
    rows as f64 / time.as_secs_f64()
}

/// The served org; it ends with this value.
struct Org {
    child: Child,
    address: String,
    token: String,
}

impl Drop for Org {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Org {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = ready["instance_url"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap().to_owned();
        Self { child, address, token: ready["access_token"].as_str().unwrap().to_owned() }
    }

    /// Opens a connection and sends a request's head.
    fn begin(&self, method: &str, path: &str, headers: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let (address, token) = (&self.address, &self.token);
        let head = format!(
            "{method} /services/data/v62.0/{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\n{headers}\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        let mut socket = self.begin(method, path, &headers);
        socket.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    /// Creates a job, uploads and closes it, and waits for its end; answers its id.
    fn load(&self, rows: u64) -> String {
        let spec = json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Legacy_Id__c"});
        let job = self.call("POST", "jobs/ingest", &spec)["id"].as_str().unwrap().to_owned();
        let path = format!("jobs/ingest/{job}");
        let upload = Instant::now();
        let bytes = self.upload(&format!("{path}/batches"), rows);
        println!(
            "  upload         {:>8.2} s  {:>9.1} MB",
            upload.elapsed().as_secs_f64(),
            bytes as f64 / 1e6
        );
        self.call("PATCH", &path, &json!({"state": "UploadComplete"}));
        let process = Instant::now();
        loop {
            let info = self.call("GET", &path, &Value::Null);
            match info["state"].as_str().unwrap() {
                "JobComplete" => {
                    assert_eq!(
                        (info["numberRecordsProcessed"].as_u64(), info["numberRecordsFailed"].as_u64()),
                        (Some(rows), Some(0))
                    );
                    break;
                }
                "UploadComplete" | "InProgress" => std::thread::sleep(Duration::from_millis(100)),
                other => panic!("{other}: {info}"),
            }
        }
        println!(
            "  processing     {:>8.2} s  {:>9.0} rows/s",
            process.elapsed().as_secs_f64(),
            per_second(rows, process.elapsed())
        );
        job
    }

    /// Sends the rows as they are made, without knowing how many bytes they will be.
    fn upload(&self, path: &str, rows: u64) -> usize {
        let headers = "content-type: text/csv\r\ntransfer-encoding: chunked\r\n";
        let mut socket = BufWriter::new(self.begin("PUT", path, headers));
        let (mut sent, mut block) = (0, HEADER.to_owned());
        for row in 0..rows {
            // Keys come in no order, as they do from another system.
            let key = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24;
            block.push_str(&format!(
                "K-{key:010x},Customer {row},+49 30 {row},Berlin,{}.5,{}\n",
                row % 1000,
                row % 500
            ));
            if block.len() > 60_000 || row + 1 == rows {
                write!(socket, "{:x}\r\n{block}\r\n", block.len()).unwrap();
                sent += block.len();
                block.clear();
            }
        }
        socket.write_all(b"0\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.into_inner().unwrap().read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        sent
    }

    /// Lines and bytes of an answer that comes in chunks.
    fn download(&self, path: &str) -> (usize, usize) {
        let mut socket = BufReader::new(self.begin("GET", path, ""));
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            socket.read_line(&mut line).unwrap();
        }
        let (mut lines, mut bytes) = (0, 0);
        loop {
            line.clear();
            socket.read_line(&mut line).unwrap();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
            let mut block = vec![0; size + 2];
            socket.read_exact(&mut block).unwrap();
            if size == 0 {
                return (lines, bytes);
            }
            lines += block[..size].iter().filter(|b| **b == b'\n').count();
            bytes += size;
        }
    }

    /// The most memory that the process has had so far, in megabytes; 0 where the system does not say.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
    }
}
