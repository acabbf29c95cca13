//! How fast the local org takes a big job: an upsert of six columns through `cutover local serve`, over real HTTP, the
//! records kept in a file; once with rows that are all new, once with the same rows and one field changed. And how much
//! memory the process has used by then, beside a tenth of the rows.
//!
//! Prints; a machine's speed is nothing to assert. What can be compared between machines is the ratio to SQLite alone:
//! the same rows through one prepared statement into one table with one unique index, in the same run. The org does
//! more for a row: it reads CSV, checks fields, rules and keys, gives ids, keeps results, and commits every few thousand.
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
use std::path::Path;
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

/// What the two jobs find.
const PASSES: [&str; 2] = ["every row is new", "every row is there, one field changed"];

fn main() {
    let rows = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    println!("rows {rows}, of six columns");
    let plain = plain(folder.path(), rows);
    let org = Org::start(folder.path(), "org");
    for (pass, plain) in plain.into_iter().enumerate() {
        println!("{}:", PASSES[pass]);
        say("SQLite alone", rows, plain);
        let job = org.measure(rows, pass);
        println!("  {:<14} {:>8.1} times SQLite alone", "ratio", job.as_secs_f64() / plain.as_secs_f64());
    }
    let small = Org::start(folder.path(), "small");
    (0..PASSES.len()).for_each(|pass| drop(small.load(rows / 10, pass)));
    println!("peak memory {} MB; with a tenth of the rows {} MB", org.peak(), small.peak());
}

fn say(what: &str, rows: u64, time: Duration) {
    let seconds = time.as_secs_f64();
    println!("  {what:<14} {seconds:>8.2} s  {:>9.0} rows/s", rows as f64 / seconds);
}

/// The cells of a row. Keys come in no order, as they do from another system.
fn cells(row: u64, pass: usize) -> (String, String, String, &'static str, f64, u64) {
    let key = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24;
    let city = if pass == 0 { "Berlin" } else { "Hamburg" };
    let (name, phone) = (format!("Customer {row}"), format!("+49 30 {row}"));
    (format!("K-{key:010x}"), name, phone, city, (row % 1000) as f64 + 0.5, row % 500)
}

/// What SQLite alone takes for each pass, with the settings that the org has.
fn plain(folder: &Path, rows: u64) -> Vec<Duration> {
    let mut conn = rusqlite::Connection::open(folder.join("plain")).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.pragma_update(None, "synchronous", "OFF").unwrap();
    conn.pragma_update(None, "cache_size", -32_000).unwrap();
    conn.execute_batch("CREATE TABLE t (k TEXT UNIQUE, n TEXT, p TEXT, c TEXT, s REAL, e INTEGER)").unwrap();
    let pass = |pass| {
        let begun = Instant::now();
        let tx = conn.transaction().unwrap();
        let sql = "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (k) DO UPDATE SET n = excluded.n, \
                   p = excluded.p, c = excluded.c, s = excluded.s, e = excluded.e";
        let mut statement = tx.prepare(sql).unwrap();
        for row in 0..rows {
            let (key, name, phone, city, score, staff) = cells(row, pass);
            statement.execute(rusqlite::params![key, name, phone, city, score, staff as i64]).unwrap();
        }
        drop(statement);
        tx.commit().unwrap();
        begun.elapsed()
    };
    (0..PASSES.len()).map(pass).collect()
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
    /// Serves an org kept in a file of this name.
    fn start(folder: &Path, name: &str) -> Self {
        let schema = folder.join("org.yaml");
        std::fs::write(&schema, SCHEMA).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["local", "serve", "--schema"]).arg(&schema).arg("--data").arg(folder.join(name));
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

    /// Runs a job and reads its results, and says what each took; answers what the job did.
    fn measure(&self, rows: u64, pass: usize) -> Duration {
        let (job, [upload, processing]) = self.load(rows, pass);
        let reading = Instant::now();
        let (lines, bytes) = self.download(&format!("jobs/ingest/{job}/successfulResults"));
        assert_eq!(lines as u64, rows + 1);
        say("upload", rows, upload);
        say("processing", rows, processing);
        say("whole job", rows, upload + processing);
        say(&format!("results, {} MB", bytes / 1_000_000), rows, reading.elapsed());
        upload + processing
    }

    /// Creates a job, uploads and closes it, and waits for its end; answers its id, and what upload and processing took.
    fn load(&self, rows: u64, pass: usize) -> (String, [Duration; 2]) {
        let spec = json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Legacy_Id__c"});
        let job = self.call("POST", "jobs/ingest", &spec)["id"].as_str().unwrap().to_owned();
        let path = format!("jobs/ingest/{job}");
        let begun = Instant::now();
        self.upload(&format!("{path}/batches"), rows, pass);
        let upload = begun.elapsed();
        self.call("PATCH", &path, &json!({"state": "UploadComplete"}));
        self.wait(&path, rows);
        (job, [upload, begun.elapsed() - upload])
    }

    /// Waits until a job is complete, with every row taken.
    fn wait(&self, path: &str, rows: u64) {
        loop {
            let info = self.call("GET", path, &Value::Null);
            let count = |name: &str| info[name].as_u64();
            match info["state"].as_str().unwrap() {
                "JobComplete" => {
                    let counts = (count("numberRecordsProcessed"), count("numberRecordsFailed"));
                    assert_eq!(counts, (Some(rows), Some(0)));
                    return;
                }
                "UploadComplete" | "InProgress" => std::thread::sleep(Duration::from_millis(100)),
                other => panic!("{other}: {info}"),
            }
        }
    }

    /// Sends the rows as they are made, without knowing how many bytes they will be.
    fn upload(&self, path: &str, rows: u64, pass: usize) {
        let headers = "content-type: text/csv\r\ntransfer-encoding: chunked\r\n";
        let mut socket = BufWriter::new(self.begin("PUT", path, headers));
        let mut block = HEADER.to_owned();
        for row in 0..rows {
            let (key, name, phone, city, score, staff) = cells(row, pass);
            block.push_str(&format!("{key},{name},{phone},{city},{score},{staff}\n"));
            if block.len() > 60_000 || row + 1 == rows {
                write!(socket, "{:x}\r\n{block}\r\n", block.len()).unwrap();
                block.clear();
            }
        }
        socket.write_all(b"0\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.into_inner().unwrap().read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
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
