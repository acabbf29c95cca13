//! The life of ingest jobs: answers field by field, structural failures, results.

use super::{World, upsert};
use axum::http::StatusCode;
use serde_json::json;

fn keys(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            '"' if depth == 1 => {
                let rest = &text[at + 1..];
                if let Some(end) = rest.find('"')
                    && rest[end + 1..].starts_with(':')
                {
                    keys.push(rest[..end].to_owned());
                }
            }
            _ => {}
        }
    }
    keys
}

const CREATE: &str = "id operation object createdById createdDate systemModstamp state externalIdFieldName \
                      concurrencyMode contentType apiVersion";

#[tokio::test]
async fn answers_have_the_fields_of_the_captures_in_their_order() {
    let mut world = World::new();
    let spec = json!({"object": "account", "operation": "upsert", "externalIdFieldName": "ext__C"});
    let created = world.send("POST", "jobs/ingest//", spec.to_string()).await;
    let open = format!("{CREATE} contentUrl lineEnding columnDelimiter");
    assert_eq!(keys(&created.text).join(" "), open);
    let job = created.json();
    let id = job["id"].as_str().unwrap();
    assert_eq!(
        (&job["object"], &job["externalIdFieldName"], &job["state"]),
        (&json!("Account"), &json!("Ext__c"), &json!("Open"))
    );
    assert!(id.starts_with("750") && id.len() == 18 && created.text.contains("\"apiVersion\":62.0"));
    assert_eq!(job["contentUrl"], format!("services/data/v62.0/jobs/ingest/{id}/batches"));
    assert_eq!(job["createdDate"], "2024-09-09T16:40:00.000+0000");
    let tail = "retries totalProcessingTime apiActiveProcessingTime apexProcessingTime";
    let before = world.get(&format!("JOBS/Ingest/{}/", &id[..15])).await.text;
    assert_eq!(
        keys(&before).join(" "),
        format!("{CREATE} jobType contentUrl lineEnding columnDelimiter {tail}")
    );
    world.send("PUT", &format!("jobs/ingest/{id}/batches/"), "Ext__c,Name\n1,A\n").await;
    let again = world.send("PUT", &format!("jobs/ingest/{id}/batches"), "Ext__c,Name\n1,A\n").await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert_eq!(again.json()[0]["errorCode"], "BULK_API_ERROR");
    assert!(again.text.contains(&format!("Found multipe contents for job: <{}>", &id[..15])));
    let counts = format!("numberRecordsProcessed numberRecordsFailed {tail}");
    let after = world.get(&format!("jobs/ingest/{id}")).await.text;
    assert_eq!(
        keys(&after).join(" "),
        format!("{CREATE} jobType contentUrl lineEnding columnDelimiter {counts}")
    );
    let closed = world.send("PATCH", &format!("jobs/ingest/{id}"), r#"{"state":"UploadComplete"}"#).await;
    assert_eq!(keys(&closed.text).join(" "), CREATE);
    assert!(world.org.step(world.now));
    assert_eq!(world.info(id).await["state"], "InProgress");
    world.finish();
    let done = world.get(&format!("jobs/ingest/{id}")).await.text;
    assert_eq!(keys(&done).join(" "), format!("{CREATE} jobType lineEnding columnDelimiter {counts}"));
    assert!(done.contains("\"state\":\"JobComplete\"") && done.contains("\"numberRecordsProcessed\":1,"));
}

#[tokio::test]
async fn a_job_that_cannot_be_is_refused_at_once() {
    let world = World::new();
    for (spec, code, message) in [
        (
            json!({"object": "Nope", "operation": "insert"}),
            "INVALIDJOB",
            "InvalidJob : Unable to find object: Nope",
        ),
        (
            json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Phone"}),
            "INVALIDJOB",
            "InvalidJob : Field name provided, Phone does not match an External ID for Account",
        ),
        (
            json!({"object": "Account", "operation": "Insert"}),
            "API_ERROR",
            "Invalid value: 'Insert' supplied for property: 'operation'",
        ),
        (
            json!({"object": "Account", "operation": "insert", "contentType": "XML"}),
            "API_ERROR",
            "Invalid value: 'XML' supplied for property: 'contentType'",
        ),
        (
            json!({"object": "User", "operation": "insert"}),
            "INVALIDENTITY",
            "Entity 'User' is not supported by the Bulk API.",
        ),
    ] {
        let reply = world.send("POST", "jobs/ingest", spec.to_string()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(reply.json(), json!([{"errorCode": code, "message": message}]));
    }
    let gone = world.get("jobs/ingest/750000000000001AAA").await;
    assert_eq!(
        (gone.status, gone.json()[0]["errorCode"].clone()),
        (StatusCode::NOT_FOUND, json!("NOT_FOUND"))
    );
}

#[tokio::test]
async fn structural_faults_fail_the_job_and_leave_nothing() {
    let mut world = World::new();
    for (spec, csv, message) in [
        (upsert("Account"), "Ext__c,Nmae,Foo\n1,A,b\n", "InvalidBatch : Field name not found : Nmae"),
        (
            upsert("Contact"),
            "Ext__c,Parent.Ext__c\n1,A\n",
            "InvalidBatch : Unable to find relationship: Parent",
        ),
        (
            upsert("Contact"),
            "Ext__c,LastName,Account:Account.Ext__c\n1,A,b\n",
            "InvalidBatch : type is not needed for non polymorphic foreign key references: Account",
        ),
        (
            upsert("Contact"),
            "Ext__c,Account:Ext__c\n1,A\n",
            "InvalidBatch : Field name not found : Account:Ext__c",
        ),
        (
            upsert("Contact"),
            "Ext__c,Account.Phone\n1,A\n",
            "InvalidBatch : Field name not found : Account.Phone",
        ),
        (
            json!({"object": "Task", "operation": "insert"}),
            "Who.Ext__c\n1\n",
            "InvalidBatch : type is needed for polymorphic foreign key references: Who",
        ),
        (
            upsert("Account"),
            "Ext__c,Name\r\n1,A\r\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        (
            upsert("Account"),
            "\u{feff}\"Ext__c\",\"Name\"\n1,A\n",
            "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote",
        ),
        (upsert("Account"), "Ext__c;Name\n1;A\n", "InvalidBatch : Field name not found : Ext__c;Name"),
        (
            upsert("Contact"),
            "Ext__c,Account:Parent.Ext__c\n1,A\n",
            "InvalidBatch : Unable to find relationship: Parent",
        ),
        (
            json!({"object": "Account", "operation": "hardDelete"}),
            "Id,Name\n1,A\n",
            "InvalidBatch : The 'delete' batch must contain only ids",
        ),
        (
            json!({"object": "Account", "operation": "delete"}),
            "Id,Name\n1,A\n",
            "InvalidBatch : The 'delete' batch must contain only ids",
        ),
    ] {
        let (info, good, bad) = world.run(spec, csv).await;
        assert_eq!((&info["state"], &info["errorMessage"]), (&json!("Failed"), &json!(message)), "{csv:?}");
        assert_eq!((&info["numberRecordsProcessed"], &info["numberRecordsFailed"]), (&json!(0), &json!(0)));
        assert!(good.is_empty() && bad.is_empty());
        assert_eq!((&info["totalProcessingTime"], &info["apiActiveProcessingTime"]), (&json!(0), &json!(0)));
    }
    assert_eq!(world.query("SELECT COUNT() FROM Account").await["totalSize"], 0);
}

#[tokio::test]
async fn results_echo_the_header_and_quote_the_cells() {
    let mut world = World::new();
    let csv = "ext__c,\"Name\",Tier__c\n1,\"A \"\"x\"\"\nb\",Big\n2,B,Huge\n3,,Small\n";
    let id = world.submit(upsert("Account"), csv).await;
    assert_eq!(world.get(&format!("jobs/ingest/{id}/failedResults")).await.status, StatusCode::BAD_REQUEST);
    world.finish();
    let good = world.get(&format!("jobs/ingest/{id}/successfulResults/")).await;
    assert_eq!(good.headers["content-type"], "text/csv");
    let record = world.query("SELECT Id FROM Account").await["records"][0]["Id"].as_str().unwrap().to_owned();
    let head = "\"sf__Id\",\"sf__Created\",ext__c,\"Name\",Tier__c\n";
    assert_eq!(good.text, format!("{head}\"{record}\",\"true\",\"1\",\"A \"\"x\"\"\nb\",\"Big\"\n"));
    let bad = world.get(&format!("jobs/ingest/{id}/failedResults/")).await.text;
    let pick = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:Tier: bad value for restricted picklist field: Huge:Tier__c --";
    assert!(bad.starts_with("\"sf__Id\",\"sf__Error\",ext__c,\"Name\",Tier__c\n"));
    assert!(bad.contains(&format!("\"\",\"{pick}\",\"2\",\"B\",\"Huge\"\n")), "{bad}");
    let missing = "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --";
    assert!(bad.contains(&format!("\"\",\"{missing}\",\"3\",\"\",\"Small\"\n")), "{bad}");
    let rest = world.get(&format!("jobs/ingest/{id}/unprocessedRecords")).await.text;
    assert_eq!(rest, "ext__c,\"Name\",Tier__c\n");
}

#[tokio::test]
async fn delimiters_and_line_ends_are_the_jobs() {
    let mut world = World::new();
    for (name, delimiter) in
        [("PIPE", '|'), ("TAB", '\t'), ("CARET", '^'), ("BACKQUOTE", '`'), ("SEMICOLON", ';')]
    {
        let spec = json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Ext__c",
            "columnDelimiter": name, "lineEnding": "CRLF"});
        let csv = format!("Ext__c{delimiter}Name\r\n{name}{delimiter}A, b\r\n");
        let id = world.submit(spec, &csv).await;
        world.finish();
        let good = world.get(&format!("jobs/ingest/{id}/successfulResults")).await.text;
        let (head, row) = good.split_once("\r\n").unwrap();
        assert_eq!(head, format!("\"sf__Id\"{delimiter}\"sf__Created\"{delimiter}Ext__c{delimiter}Name"));
        assert!(row.ends_with(&format!("{delimiter}\"{name}\"{delimiter}\"A, b\"\r\n")), "{row:?}");
    }
}

#[tokio::test]
async fn an_empty_upload_is_complete_with_empty_results() {
    let mut world = World::new();
    let (info, good, bad) = world.run(json!({"object": "Account", "operation": "insert"}), "").await;
    assert_eq!((&info["state"], &info["numberRecordsProcessed"]), (&json!("JobComplete"), &json!(0)));
    assert!(good.is_empty() && bad.is_empty());
}

#[tokio::test]
async fn abort_keeps_what_landed_and_lists_the_rest() {
    let world = World::new();
    let rows: String = (0..500).map(|i| format!("{i},A{i}\n")).collect();
    let id = world.submit(upsert("Account"), &format!("Ext__c,Name\n{rows}")).await;
    world.org.step(world.now);
    world.org.step(world.now);
    let refused = world.send("DELETE", &format!("jobs/ingest/{id}"), "").await;
    assert_eq!(refused.json()[0]["errorCode"], "API_ERROR");
    let aborted = world.send("PATCH", &format!("jobs/ingest/{id}"), r#"{"state":"Aborted"}"#).await;
    assert_eq!(aborted.json()["state"], "Aborted");
    assert!(!world.org.step(world.now));
    let count = |text: String| text.lines().count() - 1;
    let good = world.get(&format!("jobs/ingest/{id}/successfulResults")).await.text;
    let rest = world.get(&format!("jobs/ingest/{id}/unprocessedrecords")).await.text;
    assert_eq!((count(good), count(rest.clone())), (200, 300));
    assert!(rest.starts_with("Ext__c,Name\n\"200\",\"A200\"\n"));
    let again = world.send("PATCH", &format!("jobs/ingest/{id}"), r#"{"state":"Aborted"}"#).await;
    assert_eq!(again.json()[0]["errorCode"], "INVALIDJOBSTATE");
    assert_eq!(world.send("DELETE", &format!("jobs/ingest/{id}/"), "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&format!("jobs/ingest/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn jobs_are_listed() {
    let mut world = World::new();
    world.run(upsert("Account"), "Ext__c,Name\n1,A\n").await;
    let list = world.get("jobs/ingest").await.json();
    assert_eq!((&list["done"], &list["records"][0]["jobType"]), (&json!(true), &json!("V2Ingest")));
}
