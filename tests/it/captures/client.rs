//! Our client reads a capture: the answer comes through a scripted `Org`, and what the client's public interface makes
//! of it is held to what the index says.

use super::index::{Capture, Played};
use bytes::Bytes;
use cutover::ports::{Future, Org, Reply, Request, SeededRandom, TestClock, TransportError};
use cutover::salesforce::{
    Assign, Budget, Cell, Client, JobOperation, JobSpec, JobState, OrgError, ResultKind, RowError, Saved,
};
use serde_json::{Value, json};
use std::sync::Mutex;

/// Gives one answer, to whatever is asked first; a second request is not expected.
struct Canned(Mutex<Option<Reply>>);

impl Org for Canned {
    fn send(&self, request: Request) -> Future<'_, Result<Reply, TransportError>> {
        let reply = self.0.lock().unwrap().take();
        let reply = reply.unwrap_or_else(|| panic!("asks again: {} {}", request.method.word(), request.path));
        Box::pin(async move { Ok(reply) })
    }
}

fn canned(status: u16, text: &str) -> Canned {
    // Seven bytes at a time: nothing may depend on where a body is cut.
    let pieces: Vec<_> = text.as_bytes().chunks(7).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    let body = Box::pin(futures_util::stream::iter(pieces));
    Canned(Mutex::new(Some(Reply { status, headers: Vec::new(), body })))
}

/// Holds what our client makes of an answer to what the index says.
#[track_caller]
pub fn hold_client(file: &str, capture: &Capture, text: &str) {
    match &capture.client {
        Some(Played::Call { call, with, gives }) => {
            assert_eq!(&play(call, with, capture.status, text), gives, "{file}: what our client makes of it");
        }
        Some(Played::None { none }) => assert!(none.len() > 10, "{file}: why does our client not read it?"),
        None => {}
    }
}

/// What a call of the client gives for an answer.
pub fn play(call: &str, with: &str, status: u16, text: &str) -> Value {
    let org = canned(status, text);
    let (clock, random) = (TestClock::default(), SeededRandom::new(1));
    let client = Client::new(&org, &clock, &random, "60.0").with_budget(Budget::BRIEF);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(ask(&client, call, with))
}

async fn ask(client: &Client<'_>, call: &str, with: &str) -> Value {
    match call {
        "create_job" => client
            .create_job(&spec())
            .await
            .map_or_else(refused, |j| json!({"id": j.id, "state": format!("{:?}", j.state)})),
        "close" => client.close("750x").await.map_or_else(refused, |s| state(Some(s))),
        "job" => client.job("750x").await.map_or_else(refused, state),
        "failed" | "successful" | "unprocessed" => results(client, call).await,
        "query" => client.query(with).await.map_or_else(refused, |rows| json!(rows)),
        "insert_records" => saved(client.insert_records("Contact", &records(with), Assign::Off).await),
        "update_records" => saved(client.update_records("Contact", &records(with), Assign::Off).await),
        "upsert_records" => saved(client.upsert_records("Contact", "Id", &records(with), Assign::Off).await),
        "count" => client.count(with).await.map_or_else(refused, |n| json!(n)),
        other => panic!("the test knows no call `{other}` of the client"),
    }
}

/// So many records as the text says.
fn records(count: &str) -> Vec<Vec<(&'static str, Cell<'static>)>> {
    let count = count.parse().unwrap_or_else(|_| panic!("how many records? `{count}`"));
    vec![vec![("Id", Cell::Null), ("LastName", Cell::Text("One"))]; count]
}

fn saved(saved: Result<Vec<Saved>, OrgError>) -> Value {
    let one = |s: Saved| json!({"id": s.id.map(|id| id.to_string()), "created": s.created, "errors": s.errors.iter().map(told).collect::<Vec<_>>()});
    saved.map_or_else(refused, |all| all.into_iter().map(one).collect())
}

fn told(e: &RowError) -> Value {
    json!([e.code, e.message, e.fields])
}

fn spec() -> JobSpec {
    JobSpec {
        object: "Opportunity".into(),
        operation: JobOperation::Update,
        external_id: None,
        assignment_rule: None,
    }
}

fn refused(error: OrgError) -> Value {
    json!({"code": error.code(), "says": error.to_string()})
}

fn state(state: Option<JobState>) -> Value {
    let Some(s) = state else { return Value::Null };
    json!({"state": format!("{:?}", s.state), "processed": s.processed, "failed": s.failed, "error": s.error_message})
}

async fn results(client: &Client<'_>, file: &str) -> Value {
    let kind = match file {
        "failed" => ResultKind::Failed,
        "successful" => ResultKind::Successful,
        _ => ResultKind::Unprocessed,
    };
    let mut rows = Vec::new();
    let read = client
        .each_result("750x", kind, &mut |row| {
            let error = row.error().map(|e| told(&e));
            rows.push(json!({"id": row.id(), "created": row.created(), "error": error, "cells": row.cells().count()}));
            Ok(())
        })
        .await;
    read.map_or_else(refused, |_| json!(rows))
}
