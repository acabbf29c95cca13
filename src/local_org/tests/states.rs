//! Every move between a job's states, lawful or not, and uploads of all kinds: nothing panics, every row is accounted
//! for, and the answers are those of a small model.

use super::{Reply, World, upsert};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use std::cell::RefCell;

#[derive(Debug, Clone, Copy)]
enum Move {
    Put,
    Close,
    Abort,
    Delete,
    Step,
    Results,
    Nonsense,
}

/// What the model knows of a job.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Aborted,
    Gone,
}

#[derive(Debug)]
struct Model {
    state: State,
    uploaded: bool,
    rows: u32,
}

impl Model {
    /// The status and the error code that a move must answer; the model moves along.
    fn expect(&mut self, step: Move) -> (u16, &'static str) {
        use State::{Aborted, Gone, InProgress, JobComplete, Open, UploadComplete};
        let done = matches!(self.state, JobComplete | Aborted);
        match (step, self.state) {
            (Move::Step, _) => {
                self.step();
                (200, "")
            }
            // The value is looked at before the job.
            (Move::Nonsense, _) => (400, "API_ERROR"),
            (_, Gone) => (404, "NOT_FOUND"),
            (Move::Put, _) if self.uploaded => (400, "BULK_API_ERROR"),
            (Move::Put, Open) => {
                self.uploaded = true;
                self.rows = 1;
                (201, "")
            }
            (Move::Put, _) | (Move::Close, UploadComplete | InProgress | JobComplete | Aborted) => {
                (400, "INVALIDJOBSTATE")
            }
            (Move::Close, Open) => {
                self.state = UploadComplete;
                (200, "")
            }
            (Move::Abort, _) if done => (400, "INVALIDJOBSTATE"),
            (Move::Abort, _) => {
                self.state = Aborted;
                (200, "")
            }
            (Move::Delete, Open | InProgress) => (400, "API_ERROR"),
            (Move::Delete, _) => {
                self.state = Gone;
                (204, "")
            }
            (Move::Results, _) if done => (200, ""),
            (Move::Results, _) => (400, "INVALIDJOBSTATE"),
        }
    }

    fn step(&mut self) {
        match self.state {
            State::UploadComplete => self.state = State::InProgress,
            State::InProgress if self.rows > 0 => self.rows -= 1,
            State::InProgress => self.state = State::JobComplete,
            _ => {}
        }
    }
}

async fn act(world: &World, id: &str, step: Move) -> Option<Reply> {
    let job = format!("jobs/ingest/{id}");
    let patch = |state: &str| format!("{{\"state\":\"{state}\"}}");
    Some(match step {
        Move::Put => world.send("PUT", &format!("{job}/batches"), "Ext__c,Name\n1,A\n").await,
        Move::Close => world.send("PATCH", &job, patch("UploadComplete")).await,
        Move::Abort => world.send("PATCH", &job, patch("Aborted")).await,
        Move::Nonsense => world.send("PATCH", &job, patch("InProgress")).await,
        Move::Delete => world.send("DELETE", &job, "").await,
        Move::Results => world.get(&format!("{job}/unprocessedrecords")).await,
        Move::Step => {
            world.org.step(world.now);
            return None;
        }
    })
}

async fn play(world: &World, moves: &[Move]) -> Result<(), TestCaseError> {
    let created = world.send("POST", "jobs/ingest", upsert("Account").to_string()).await.json();
    let id = created["id"].as_str().unwrap();
    let mut model = Model { state: State::Open, uploaded: false, rows: 0 };
    for step in moves {
        let (status, code) = model.expect(*step);
        if let Some(reply) = act(world, id, *step).await {
            prop_assert_eq!(reply.status.as_u16(), status, "{:?} {:?}: {}", step, model, reply.text);
            if !code.is_empty() {
                prop_assert_eq!(&reply.json()[0]["errorCode"], code, "{:?} {:?}", step, model);
            }
        }
        if model.state != State::Gone {
            let info = world.info(id).await;
            prop_assert_eq!(&info["state"], &format!("{:?}", model.state), "{:?}", step);
        }
    }
    // Nothing is left running for the next case.
    world.send("PATCH", &format!("jobs/ingest/{id}"), r#"{"state":"Aborted"}"#).await;
    Ok(())
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

#[test]
fn every_move_is_answered_as_the_model_says() {
    use Move::{Abort, Close, Delete, Nonsense, Put, Results, Step};
    let moves = prop::sample::select(vec![
        Put, Put, Close, Close, Abort, Delete, Step, Step, Step, Results, Nonsense,
    ]);
    let (world, runtime) = (World::new(), runtime());
    let played =
        runner(200).run(&prop::collection::vec(moves, 1..14), |moves| runtime.block_on(play(&world, &moves)));
    played.unwrap();
}

/// Pieces of which uploads are made: good ones and bad ones.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"Ext__c",
        b"Name",
        b"Id",
        b"Score__c",
        b"Since__c",
        b"Account.Ext__c",
        b"Parent.Ext__c",
        b"A:B.C",
        b".",
        b":",
        b",",
        b",",
        b";",
        b"\t",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"\"",
        b"\"\"",
        b"\xff",
        b"\xef\xbb\xbf",
        b"#N/A",
        b"1",
        b"x",
        b" ",
        b"2020-02-30",
        b"1e5",
        b"-0",
        b"001zz0000000999",
        "\u{1F600}".as_bytes(),
        b"\0",
        b"'",
        b"1e999999999",
    ];
    prop::collection::vec(prop::sample::select(words), 0..40).prop_map(|words| words.concat())
}

fn rows(text: &[u8], delimiter: u8) -> usize {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).has_headers(false).from_reader(text);
    reader.byte_records().map(Result::unwrap).count().saturating_sub(1)
}

async fn upload(world: &mut World, spec: &serde_json::Value, bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let delimiter = if spec["columnDelimiter"] == "TAB" { b'\t' } else { b',' };
    let created = world.send("POST", "jobs/ingest", spec.to_string()).await.json();
    let id = created["id"].as_str().unwrap();
    let path = format!("jobs/ingest/{id}");
    world.send("PUT", &format!("{path}/batches"), bytes).await;
    world.send("PATCH", &path, r#"{"state":"UploadComplete"}"#).await;
    world.finish();
    let info = world.info(id).await;
    let count = |name: &str| info[name].as_u64().unwrap() as usize;
    let (processed, failed) = (count("numberRecordsProcessed"), count("numberRecordsFailed"));
    let mut found = Vec::new();
    for file in ["successfulResults", "failedResults", "unprocessedrecords"] {
        found.push(rows(world.get(&format!("{path}/{file}")).await.text.as_bytes(), delimiter));
    }
    match info["state"].as_str().unwrap() {
        "JobComplete" => prop_assert_eq!(found, [processed - failed, failed, 0], "{}", info),
        "Failed" => {
            prop_assert_eq!((processed, failed, found[0], found[1]), (0, 0, 0, 0), "{}", info);
            prop_assert!(info["errorMessage"].as_str().unwrap().contains(" : "), "{}", info);
        }
        other => prop_assert!(false, "{}", other),
    }
    Ok(())
}

#[test]
fn any_upload_ends_with_every_row_accounted_for() {
    let specs = prop::sample::select(vec![
        json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Ext__c"}),
        json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Id", "lineEnding": "CRLF"}),
        json!({"object": "Contact", "operation": "insert", "columnDelimiter": "TAB"}),
        json!({"object": "Account", "operation": "update"}),
        json!({"object": "Account", "operation": "hardDelete"}),
    ]);
    // Half of the uploads begin with a good header, so that their rows are looked at too.
    let header =
        prop::sample::select(vec!["", "Ext__c,Name,Score__c\n", "Id,Name\n", "Ext__c,Name\r\n", "Id\n"]);
    let (world, runtime) = (RefCell::new(World::new()), runtime());
    let strategy = (specs, header, pieces());
    let played = runner(300).run(&strategy, |(spec, header, rest)| {
        let bytes = [header.as_bytes(), &rest].concat();
        runtime.block_on(upload(&mut world.borrow_mut(), &spec, bytes))
    });
    played.unwrap();
}
