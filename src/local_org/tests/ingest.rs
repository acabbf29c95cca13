//! What clients send to create, find and list ingest jobs: multipart bodies, paths, versions, filters, sizes.

use super::{Reply, World, upsert};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use std::io::Write;
use tower::ServiceExt;

impl World {
    /// A call with a header more.
    async fn send_with(
        &self,
        method: &str,
        path: &str,
        header: (&str, &str),
        body: impl Into<Body>,
    ) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(format!("/services/data/v62.0/{path}"))
            .header("authorization", format!("Bearer {}", self.org.access_token()))
            .header(header.0, header.1)
            .body(body.into())
            .unwrap();
        let (parts, body) = self.org.router().oneshot(request).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    /// An open job's id.
    async fn open_job(&self, spec: serde_json::Value) -> String {
        let created = self.send("POST", "jobs/ingest", spec.to_string()).await;
        created.json()["id"].as_str().unwrap_or_else(|| panic!("{}", created.text)).to_owned()
    }

    async fn multipart(&self, spec: &str, csv: &str) -> Reply {
        let body = format!(
            "--BOUNDARY\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{spec}\r\n\
             --BOUNDARY\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; name=\"content\"; \
             filename=\"content\"\r\n\r\n{csv}\r\n--BOUNDARY--\r\n"
        );
        let kind = ("content-type", "multipart/form-data; boundary=BOUNDARY");
        self.send_with("POST", "jobs/ingest/", kind, body).await
    }
}

#[track_caller]
fn refused(reply: &Reply, status: StatusCode, code: &str) {
    assert_eq!((reply.status, reply.json()[0]["errorCode"].as_str()), (status, Some(code)), "{}", reply.text);
}

#[tokio::test]
async fn a_multipart_body_creates_uploads_and_closes() {
    let mut world = World::new();
    let spec = r#"{"object":"Contact","contentType":"CSV","operation":"insert","lineEnding":"LF"}"#;
    let created = world.multipart(spec, "FirstName,LastName\nAstro,Nomical\nB,\n").await;
    let job = created.json();
    assert_eq!((created.status, &job["state"]), (StatusCode::OK, &json!("UploadComplete")));
    let keys: Vec<&String> = job.as_object().unwrap().keys().collect();
    assert!(!keys.iter().any(|k| ["contentUrl", "jobType"].contains(&k.as_str())), "{keys:?}");
    let id = job["id"].as_str().unwrap();
    let again = world.send("PUT", &format!("jobs/ingest/{id}/batches"), "x").await;
    refused(&again, StatusCode::BAD_REQUEST, "BULK_API_ERROR");
    world.finish();
    let info = world.info(id).await;
    assert_eq!((&info["numberRecordsProcessed"], &info["numberRecordsFailed"]), (&json!(2), &json!(1)));
    assert_eq!(world.query("SELECT Name FROM Contact").await["records"][0]["Name"], "Astro Nomical");
}

#[tokio::test]
async fn multipart_bodies_out_of_shape_or_too_long_are_refused() {
    let world = World::new();
    let spec = r#"{"object":"Contact","operation":"insert"}"#;
    let long = format!("LastName\n{}\n", "x".repeat(100_000));
    refused(&world.multipart(spec, &long).await, StatusCode::BAD_REQUEST, "CLIENTINPUTERROR");
    let fits = format!("LastName\n{}", "é".repeat(100_000 - 9));
    assert_eq!(world.multipart(spec, &fits).await.status, StatusCode::OK);
    refused(&world.multipart("{", "").await, StatusCode::BAD_REQUEST, "JSON_PARSER_ERROR");
    refused(
        &world.multipart(r#"{"object":"X","operation":"insert"}"#, "").await,
        StatusCode::BAD_REQUEST,
        "INVALIDJOB",
    );
    let kind = ("content-type", "multipart/form-data; boundary=B");
    let reply = world.send_with("POST", "jobs/ingest", kind, "nothing of the kind").await;
    refused(&reply, StatusCode::BAD_REQUEST, "CLIENTINPUTERROR");
    assert_eq!(world.get("jobs/ingest").await.json()["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_come_in_pages_and_take_filters() {
    let world = World::new();
    let first = world.open_job(upsert("Account")).await;
    for _ in 0..1_000 {
        world.open_job(upsert("Account")).await;
    }
    let page = world.get("jobs/ingest/").await.json();
    assert_eq!((page["done"].clone(), page["records"].as_array().unwrap().len()), (json!(false), 1_000));
    assert_eq!(
        (&page["records"][0]["id"], &page["records"][0]["jobType"]),
        (&json!(first), &json!("V2Ingest"))
    );
    let next = page["nextRecordsUrl"].as_str().unwrap();
    assert!(next.starts_with("/services/data/v62.0/jobs/ingest?queryLocator="), "{next}");
    let last = world.get(next).await.json();
    assert_eq!((last["done"].clone(), last["records"].as_array().unwrap().len()), (json!(true), 1));
    assert_eq!(last["nextRecordsUrl"], json!(null));
    for (filter, some) in [
        ("jobType=V2Ingest", true),
        ("jobType=Classic", false),
        ("jobType=BigObjectIngest", false),
        ("isPkChunkingEnabled=false&concurrencyMode=parallel", true),
        ("isPkChunkingEnabled=true", false),
        ("concurrencyMode=serial", false),
    ] {
        let found =
            world.get(&format!("jobs/ingest?{filter}")).await.json()["records"].as_array().unwrap().len();
        assert_eq!(found > 0, some, "{filter}");
    }
    refused(&world.get("jobs/ingest?jobType=Other").await, StatusCode::BAD_REQUEST, "API_ERROR");
    refused(&world.get("jobs/ingest?queryLocator=x").await, StatusCode::BAD_REQUEST, "INVALID_QUERY_LOCATOR");
}

#[tokio::test]
async fn paths_and_versions_are_read_as_salesforce_reads_them() {
    let mut world = World::new();
    let id = world.submit(upsert("Account"), "Ext__c,Name\n1,A\n").await;
    world.finish();
    for path in [
        format!("jobs/ingest/{id}/"),
        format!("jobs/ingest/{}", &id[..15]),
        format!("jobs//ingest//{id}"),
        format!("Jobs/INGEST/{id}"),
        format!("jobs/ingest/{id}/unprocessedRecords/"),
        format!("jobs/ingest/{id}/unprocessedrecords"),
        format!("jobs/ingest/{id}/SuccessfulResults"),
    ] {
        assert_eq!(world.get(&path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["jobs/ingest/750", "jobs/ingest/x/y", "jobs/query//750000000000001AAA/results?locator="] {
        refused(&world.get(path).await, StatusCode::NOT_FOUND, "NOT_FOUND");
    }
    for version in 51..=68 {
        let info = world.get(&format!("/services/data/v{version}.0/jobs/ingest/{id}")).await;
        assert_eq!((info.status, info.json()["apiVersion"].as_f64()), (StatusCode::OK, Some(62.0)));
    }
    for version in ["v50.0", "v69.0", "v62", "v62.1", "62.0", "vx"] {
        let reply = world.get(&format!("/services/data/{version}/jobs/ingest")).await;
        refused(&reply, StatusCode::NOT_FOUND, "NOT_FOUND");
    }
}

#[tokio::test]
async fn every_delimiter_and_line_end_is_taken_and_no_other_word() {
    let mut world = World::new();
    let delimiters = [
        ("COMMA", ','),
        ("TAB", '\t'),
        ("SEMICOLON", ';'),
        ("PIPE", '|'),
        ("CARET", '^'),
        ("BACKQUOTE", '`'),
    ];
    for (name, d) in delimiters {
        for (ending, end) in [("LF", "\n"), ("CRLF", "\r\n")] {
            let spec = json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Ext__c",
                "columnDelimiter": name, "lineEnding": ending});
            let csv = format!("ext__c{d}\"Name\"{end}{name}{d}\"A{d}\"\"b\"\"{end}c\"{end}");
            let id = world.submit(spec, &csv).await;
            world.finish();
            let good = world.get(&format!("jobs/ingest/{id}/successfulResults")).await.text;
            let (head, row) = good.split_once(end).unwrap();
            assert_eq!(head, format!("\"sf__Id\"{d}\"sf__Created\"{d}ext__c{d}\"Name\""));
            assert!(row.ends_with(&format!("{d}\"{name}\"{d}\"A{d}\"\"b\"\"{end}c\"{end}")), "{row:?}");
        }
    }
    for (property, value) in [("columnDelimiter", "comma"), ("lineEnding", "CR"), ("contentType", "JSON")] {
        let spec = json!({"object": "Account", "operation": "insert", property: value});
        let reply = world.send("POST", "jobs/ingest", spec.to_string()).await;
        let message = format!("Invalid value: '{value}' supplied for property: '{property}'");
        assert_eq!(reply.json(), json!([{"errorCode": "API_ERROR", "message": message}]));
    }
}

#[tokio::test]
async fn an_assignment_rule_is_kept() {
    let world = World::new();
    let rule = "01Q000000000001AAA";
    let id = world.open_job(json!({"object": "Case", "operation": "insert", "assignmentRuleId": rule})).await;
    assert_eq!(world.info(&id).await["assignmentRuleId"], rule);
}

#[tokio::test]
async fn a_too_large_upload_is_refused_and_the_job_waits_for_another() {
    let mut world = World::new();
    let id = world.open_job(upsert("Account")).await;
    let path = format!("jobs/ingest/{id}/batches");
    let piece = vec![b'x'; 1024 * 1024];
    let pieces = futures_util::stream::iter((0..101).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    let reply = world.send("PUT", &path, Body::from_stream(pieces)).await;
    refused(&reply, StatusCode::PAYLOAD_TOO_LARGE, "CLIENTINPUTERROR");
    assert!(reply.text.contains("Exceeded max size limit of 104857600"), "{}", reply.text);
    let left: i64 = world.org.db().query_row("SELECT count(*) FROM _upload", [], |r| r.get(0)).unwrap();
    assert_eq!((left, world.info(&id).await["state"].clone()), (0, json!("Open")));
    assert_eq!(world.send("PUT", &path, "Ext__c,Name\n1,A\n").await.status, StatusCode::CREATED);
    world.send("PATCH", &format!("jobs/ingest/{id}"), r#"{"state":"UploadComplete"}"#).await;
    world.finish();
    assert_eq!(world.info(&id).await["numberRecordsProcessed"], 1);
}

#[tokio::test]
async fn an_upload_may_be_compressed_with_gzip_alone() {
    let mut world = World::new();
    let rows: String = (0..20_000).map(|i| format!("{i},Name {i}\n")).collect();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(format!("Ext__c,Name\n{rows}").as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let id = world.open_job(upsert("Account")).await;
    let path = format!("jobs/ingest/{id}/batches");
    let gzip = ("content-encoding", "gzip");
    let reply = world.send_with("PUT", &path, ("content-encoding", "br"), packed.clone()).await;
    refused(&reply, StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE");
    let torn = world.send_with("PUT", &path, gzip, packed[..1_000].to_vec()).await;
    refused(&torn, StatusCode::BAD_REQUEST, "API_ERROR");
    assert_eq!(world.send_with("PUT", &path, gzip, packed).await.status, StatusCode::CREATED);
    world.send("PATCH", &format!("jobs/ingest/{id}"), r#"{"state":"UploadComplete"}"#).await;
    world.finish();
    assert_eq!(world.info(&id).await["numberRecordsProcessed"], 20_000);
}

#[tokio::test]
async fn headers_records_and_fields_have_their_greatest_length() {
    let mut world = World::new();
    let insert = json!({"object": "Account", "operation": "insert"});
    for csv in [format!("Name,{}\nA,1\n", "x".repeat(32_000)), format!("Name{}\nA\n", ",Site".repeat(5_000))]
    {
        let (info, ..) = world.run(insert.clone(), &csv).await;
        assert_eq!((&info["state"], &info["numberRecordsProcessed"]), (&json!("Failed"), &json!(0)));
        assert!(info["errorMessage"].as_str().unwrap().contains("exceeds the maximum"), "{info}");
    }
    let long = "x".repeat(140_000);
    let (_, _, bad) = world.run(insert.clone(), &format!("Name,Description\nA,{long}\n")).await;
    assert!(
        bad[0].contains("STRING_TOO_LONG:Account Description: data value too large:"),
        "{}",
        &bad[0][..99]
    );
    let (_, _, bad) =
        world.run(insert, &format!("Name,Description,Site\nA,{long},{long}{long}\nB,b,c\n")).await;
    assert_eq!(bad.len(), 1);
    assert!(
        bad[0].contains("LIMIT_EXCEEDED:Record exceeds the maximum of 400000 characters:--"),
        "{}",
        &bad[0][..99]
    );
}
