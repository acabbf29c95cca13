//! busbar-sf-bulk against the local org: what it sends is its own affair, what it gets back is held here.

use busbar_sf_bulk::{BulkApiClient, BulkOperation, CreateIngestJobRequest, JobState, QueryBuilder};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

type Done = Result<(), Box<dyn Error>>;

/// A line of a result file by its columns.
type Row = BTreeMap<String, String>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    let (url, token) = (std::env::var("ORG_URL")?, std::env::var("ORG_TOKEN")?);
    let org = BulkApiClient::new(&url, token)?.with_poll_interval(Duration::from_millis(50));
    refused(&url).await?;
    insert(&org).await?;
    upsert(&org).await?;
    update_and_delete(&org).await?;
    failing_rows(&org).await?;
    failed_job(&org).await?;
    job_by_hand(&org).await?;
    query_in_pages(&org).await?;
    println!("8 steps held");
    Ok(())
}

/// The lines of a result file in the order of a column: the org gives them in any.
fn rows(text: &str, order: &str) -> Result<Vec<Row>, csv::Error> {
    let mut rows: Vec<Row> = csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>()?;
    rows.sort_by_key(|row| row[order].clone());
    Ok(rows)
}

/// What a query job finds, as texts.
async fn query(org: &BulkApiClient, condition: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    let fields = ["Id", "Legacy_Id__c", "Name", "Phone"];
    let builder = QueryBuilder::<()>::new("Account")?.select(&fields).where_raw(condition);
    let answer = org.execute_query(builder).await?;
    assert_eq!(answer.job.state, JobState::JobComplete);
    let found = rows(&answer.results.unwrap_or_default(), "Legacy_Id__c")?;
    assert_eq!(usize::try_from(answer.job.number_records_processed)?, found.len());
    Ok(found)
}

/// Values of a row.
fn cells<'r, const N: usize>(row: &'r Row, columns: [&str; N]) -> [&'r str; N] {
    columns.map(|column| row[column].as_str())
}

/// A job to its end: how many it took and refused, and the two result files.
async fn load(
    org: &BulkApiClient,
    operation: BulkOperation,
    csv: &str,
    order: &str,
) -> Result<([i64; 2], Vec<Row>, Vec<Row>), Box<dyn Error>> {
    let key = matches!(operation, BulkOperation::Upsert).then_some("Legacy_Id__c");
    let done = org.execute_ingest("Account", operation, csv, key).await?;
    assert_eq!(done.job.state, JobState::JobComplete, "{:?}", done.job.error_message);
    assert_eq!(done.job.api_version.as_deref(), Some("62.0"));
    let good = rows(&done.successful_results.ok_or("no successful results")?, order)?;
    let bad = rows(&done.failed_results.ok_or("no failed results")?, order)?;
    Ok(([done.job.number_records_processed, done.job.number_records_failed], good, bad))
}

async fn refused(url: &str) -> Done {
    let stranger = BulkApiClient::new(url, "00Dxx!nobody")?;
    let error = stranger.get_all_ingest_jobs().await.err().ok_or("a wrong token opened the org")?;
    assert!(error.to_string().contains("INVALID_SESSION_ID"), "{error}");
    Ok(())
}

async fn insert(org: &BulkApiClient) -> Done {
    let csv = "Legacy_Id__c,Name\nr1,\"Müller, \"\"Söhne\"\"\"\nr2,Plain\n";
    let (counts, good, bad) = load(org, BulkOperation::Insert, csv, "Legacy_Id__c").await?;
    assert_eq!((counts, bad.len()), ([2, 0], 0));
    assert_eq!(cells(&good[0], ["sf__Created", "Name"]), ["true", "Müller, \"Söhne\""]);
    let found = query(org, "Name != null").await?;
    assert_eq!(found[0]["Id"], good[0]["sf__Id"]);
    assert_eq!(cells(&found[0], ["Legacy_Id__c", "Name", "Phone"]), ["r1", "Müller, \"Söhne\"", ""]);
    Ok(())
}

async fn upsert(org: &BulkApiClient) -> Done {
    let csv = "Legacy_Id__c,Name\nr2,Renamed\nr3,New\n";
    let (_, good, _) = load(org, BulkOperation::Upsert, csv, "Legacy_Id__c").await?;
    assert_eq!(cells(&good[0], ["Legacy_Id__c", "sf__Created"]), ["r2", "false"]);
    assert_eq!(cells(&good[1], ["Legacy_Id__c", "sf__Created"]), ["r3", "true"]);
    Ok(())
}

async fn update_and_delete(org: &BulkApiClient) -> Done {
    let before = query(org, "Legacy_Id__c LIKE 'r%'").await?;
    let [first, second, third] = [0, 1, 2].map(|at| before[at]["Id"].as_str());
    let csv = format!("Id,Phone\n{first},+49 1\n{second},+49 2\n");
    let (counts, good, _) = load(org, BulkOperation::Update, &csv, "Phone").await?;
    assert_eq!((counts, good[0]["sf__Created"].as_str()), ([2, 0], "false"));
    let (_, good, _) = load(org, BulkOperation::Delete, &format!("Id\n{third}\n"), "sf__Id").await?;
    assert_eq!(good[0]["sf__Id"], third);
    let after = query(org, "Legacy_Id__c LIKE 'r%'").await?;
    let after: Vec<_> = after.iter().map(|row| cells(row, ["Name", "Phone"])).collect();
    assert_eq!(after, [["Müller, \"Söhne\"", "+49 1"], ["Renamed", "+49 2"]]);
    Ok(())
}

async fn failing_rows(org: &BulkApiClient) -> Done {
    let csv = "Legacy_Id__c,Name\nf1,Good\nf2,\nf3,Wrong\nf3,Twice\n";
    let (counts, good, bad) = load(org, BulkOperation::Upsert, csv, "Name").await?;
    assert_eq!((counts, cells(&good[0], ["Legacy_Id__c"])), ([4, 3], ["f1"]));
    let missing = "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --";
    let twice = "DUPLICATE_VALUE:Duplicate external id specified: f3:Legacy_Id__c --";
    let errors: Vec<_> = bad.iter().map(|row| cells(row, ["Name", "sf__Id", "sf__Error"])).collect();
    assert_eq!(errors, [["", "", missing], ["Twice", "", twice], ["Wrong", "", twice]]);
    Ok(())
}

async fn failed_job(org: &BulkApiClient) -> Done {
    let done = org.execute_ingest("Account", BulkOperation::Insert, "Nonsense__c\nA\n", None).await?;
    assert_eq!(done.job.state, JobState::Failed);
    let why = done.job.error_message.unwrap_or_default();
    assert_eq!(why, "InvalidBatch : Field name not found : Nonsense__c");
    Ok(())
}

/// What `execute_ingest` does, one call after another; then a job that comes to nothing.
async fn job_by_hand(org: &BulkApiClient) -> Done {
    let request = || CreateIngestJobRequest::new("Account", BulkOperation::Insert);
    let job = org.create_ingest_job(request()).await?;
    assert_eq!((job.state, job.object.as_str()), (JobState::Open, "Account"));
    assert_eq!(org.abort_ingest_job(&job.id).await?.state, JobState::Aborted);
    let listed = org.get_all_ingest_jobs().await?;
    assert!(listed.done && listed.records.iter().any(|each| each.id == job.id && each.state == JobState::Aborted));
    org.delete_ingest_job(&job.id).await?;
    assert!(org.get_ingest_job(&job.id).await.is_err(), "a deleted job is there");
    Ok(())
}

/// Pages are as long as the client asks.
async fn query_in_pages(org: &BulkApiClient) -> Done {
    let builder = QueryBuilder::<()>::new("Account")?.select(&["Legacy_Id__c"]);
    let job = org.execute_query(builder).await?.job.id;
    let first = org.get_query_results(&job, None, Some(2)).await?;
    let second = org.get_query_results(&job, first.locator.as_deref(), Some(2)).await?;
    assert!(first.locator.is_some() && second.locator.is_none(), "{:?}", second.locator);
    let mut found = [rows(&first.csv_data, "Legacy_Id__c")?, rows(&second.csv_data, "Legacy_Id__c")?].concat();
    found.sort();
    let found: Vec<_> = found.iter().map(|row| cells(row, ["Legacy_Id__c"])).collect();
    assert_eq!(found, [["f1"], ["r1"], ["r2"]]);
    org.delete_query_job(&job).await?;
    Ok(())
}
