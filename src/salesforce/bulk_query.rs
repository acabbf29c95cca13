//! Many records by SOQL: a query job, polled, its pages read one after the other.

use super::ResultsError;
use super::call::Call;
use super::client::Client;
use super::csv_stream::CsvStream;
use super::error::OrgError;
use super::jobs::{JobStage, Wire};
use super::poll::next_wait;
use super::retry::Kind;
use super::soql::{columns, encode, with_archived, without_literals};
use crate::ports::{Method, Reply};
use serde_json::json;
use std::collections::BTreeSet;
use std::io;

/// How often a page is read that has fewer rows than it says.
const SHORT_PAGES: u32 = 4;

/// Records a page: a page is held in memory so that a broken one can be read again without rows told twice.
const PAGE: u32 = 50_000;

impl Client<'_> {
    /// Every row of a flat statement without grouping, as CSV records whose cells stand in the order selected; null
    /// is the empty text. Waits until the org is ready, removes the job when all is read, and gives the number of rows.
    ///
    /// # Errors
    /// The org's refusal, without the statement's literals; a broken connection; pages that are not whole. Rows
    /// handed on before an error stand.
    pub async fn bulk_query(
        &self,
        soql: &str,
        each: &mut (dyn FnMut(&csv::StringRecord) -> io::Result<()> + Send),
    ) -> Result<u64, OrgError> {
        let job = self.create_query(soql).await.map_err(|e| e.reworded(without_literals))?;
        let path = self.path(&format!("jobs/query/{}", encode(&job)));
        self.until_complete(&path).await?;
        let rows = self.read_pages(&path, &columns(soql), each).await?;
        // What is left behind costs nothing but tidiness.
        let _ = self.done(Call::delete(Kind::RemoveJob, path)).await;
        Ok(rows)
    }

    async fn create_query(&self, soql: &str) -> Result<String, OrgError> {
        let archived = with_archived(soql);
        let operation = if archived.is_some() { "queryAll" } else { "query" };
        let soql = archived.as_deref().unwrap_or(soql);
        let body = json!({ "operation": operation, "query": soql, "contentType": "CSV", "lineEnding": "LF" });
        let call = Call::json(Kind::CreateQuery, Method::Post, self.path("jobs/query"), &body);
        Ok(self.json::<Wire>(call).await?.id)
    }

    async fn until_complete(&self, path: &str) -> Result<(), OrgError> {
        let mut elapsed = 0;
        loop {
            let job = self.json::<Wire>(Call::get(path.to_owned())).await?.state();
            match job.state {
                JobStage::JobComplete => return Ok(()),
                JobStage::Failed | JobStage::Aborted => {
                    let why = job.error_message.unwrap_or_else(|| "it does not say why".to_owned());
                    return Err(OrgError::QueryFailed(without_literals(&why)));
                }
                _ => {}
            }
            let wait = next_wait(elapsed);
            self.clock.sleep(wait).await;
            elapsed += wait;
        }
    }

    /// One page. One that was cut on its way without a sign of it is asked for again, a few times.
    async fn whole_page(&self, path: &str, columns: &[String]) -> Result<(Reply, Vec<u8>), OrgError> {
        let mut attempt = 1;
        loop {
            let call = Call::get(path.to_owned()).header("accept", "text/csv");
            let (reply, bytes) = self.whole(call).await?;
            let rows = walk(&bytes, columns, &mut |_| Ok(()));
            let whole = rows.is_ok_and(|rows| promised(&reply).is_none_or(|promised| promised == rows));
            if whole || attempt == SHORT_PAGES {
                return Ok((reply, bytes));
            }
            attempt += 1;
            self.clock.sleep(next_wait(0)).await;
        }
    }

    async fn read_pages(
        &self,
        path: &str,
        columns: &[String],
        each: &mut (dyn FnMut(&csv::StringRecord) -> io::Result<()> + Send),
    ) -> Result<u64, OrgError> {
        let (mut rows, mut locator, mut seen) = (0, String::new(), BTreeSet::new());
        loop {
            let at =
                if locator.is_empty() { String::new() } else { format!("&locator={}", encode(&locator)) };
            let (reply, bytes) =
                self.whole_page(&format!("{path}/results?maxRecords={PAGE}{at}"), columns).await?;
            rows += read_page(&bytes, columns, promised(&reply), each)?;
            match reply.header("sforce-locator").map(str::trim) {
                None | Some("null" | "") => return Ok(rows),
                Some(again) if !seen.insert(again.to_owned()) => {
                    return Err(OrgError::Protocol("a query's pages go round in circles".to_owned()));
                }
                Some(next) => next.clone_into(&mut locator),
            }
        }
    }
}

/// Rows that a page says it has.
fn promised(reply: &Reply) -> Option<u64> {
    reply.header("sforce-numberofrecords").and_then(|n| n.trim().parse().ok())
}

/// Reads one page, and sees that it is whole before any row is handed on.
fn read_page(
    bytes: &[u8],
    columns: &[String],
    promised: Option<u64>,
    each: &mut dyn FnMut(&csv::StringRecord) -> io::Result<()>,
) -> Result<u64, OrgError> {
    let rows = walk(bytes, columns, &mut |_| Ok(()))?;
    if promised.is_some_and(|promised| promised != rows) {
        return Err(OrgError::Protocol(format!("a query's page has {rows} rows and promised others")));
    }
    walk(bytes, columns, each)
}

fn walk(
    bytes: &[u8],
    columns: &[String],
    each: &mut dyn FnMut(&csv::StringRecord) -> io::Result<()>,
) -> Result<u64, OrgError> {
    let (mut stream, mut header) = (CsvStream::default(), true);
    let mut take = |record: &csv::StringRecord| {
        if !header {
            return match record.len() == columns.len() {
                true => Ok(each(record)?),
                false => Err(ResultsError::Malformed(format!("a row of {} cells", record.len()))),
            };
        }
        header = false;
        match record.iter().map(str::to_lowercase).eq(columns.iter().map(|c| c.to_lowercase())) {
            true => Ok(()),
            false => Err(ResultsError::Malformed("its columns are not those asked for".to_owned())),
        }
    };
    let read = stream.push(bytes, &mut take).and_then(|()| stream.finish(&mut take));
    read.map(|records| records.saturating_sub(1)).map_err(page_fault)
}

fn page_fault(error: ResultsError) -> OrgError {
    match error {
        ResultsError::Sink(error) => OrgError::Sink(error),
        other => OrgError::Protocol(format!("a query's page: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::SHORT_PAGES;
    use crate::salesforce::OrgError;
    use crate::salesforce::testing::{Script, with};

    const CREATE: &str = "POST /services/data/v67.0/jobs/query {\"contentType\":\"CSV\",\"lineEnding\":\"LF\",\
        \"operation\":\"query\",\"query\":\"SELECT Id, Ext__c FROM Account\"}";
    const JOB: &str = "GET /services/data/v67.0/jobs/query/750ak000009AVi5AAG";
    const PAGE: &str = "GET /services/data/v67.0/jobs/query/750ak000009AVi5AAG/results?maxRecords=50000";
    const DELETE: &str = "DELETE /services/data/v67.0/jobs/query/750ak000009AVi5AAG";

    fn started() -> Script {
        let created = include_str!(
            "../../tests/fixtures/captures/amp-labs-connectors/bulk/read-launch-job-account.json"
        );
        Script::default()
            .reply(CREATE, 200, created)
            .reply(JOB, 200, "{\"id\":\"750\",\"state\":\"InProgress\"}")
            .reply(JOB, 200, "{\"id\":\"750\",\"state\":\"JobComplete\"}")
    }

    fn ask(script: Script) -> Result<(u64, Vec<String>), OrgError> {
        let mut seen = Vec::new();
        let mut keep = |row: &csv::StringRecord| {
            seen.push(row.iter().collect::<Vec<_>>().join("|"));
            Ok(())
        };
        let rows = with(script, async |c| c.bulk_query("SELECT Id, Ext__c FROM Account", &mut keep).await);
        rows.map(|rows| (rows, seen))
    }

    fn page(rows: &str) -> String {
        format!("\"Id\",\"EXT__C\"\n{rows}")
    }

    #[test]
    fn reads_all_pages_and_a_broken_one_again() {
        let more = [("sforce-locator", "MTAw"), ("sforce-numberofrecords", "2")];
        let last = [("sforce-locator", "null"), ("sforce-numberofrecords", "1")];
        let next = format!("{PAGE}&locator=MTAw");
        let script = started()
            .cut_off(PAGE, &page("\"1\",\"a\"\n"))
            .reply_with(PAGE, 200, &more, &page("\"1\",\"a\"\n"))
            .reply_with(PAGE, 200, &more, &page("\"1\",\"a\"\n\"2\",\"\"\n"))
            .reply_with(&next, 200, &last, &page("\"3\",\"c\"\n"))
            .reply(DELETE, 204, "");
        let (rows, seen) = ask(script).unwrap();
        assert_eq!((rows, seen), (3, ["1|a", "2|", "3|c"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_page_that_is_not_whole_is_no_page() {
        let promise = [("sforce-locator", "null"), ("sforce-numberofrecords", "2")];
        for body in [page("\"1\",\"a\"\n"), page("\"1\",\"a"), page("\"1\"\n\"2\"\n"), "\"Id\"\n".to_owned()]
        {
            let every = |script: Script, _| script.reply_with(PAGE, 200, &promise, &body);
            let error = ask((0..SHORT_PAGES).fold(started(), every)).unwrap_err();
            assert!(matches!(error, OrgError::Protocol(_)), "{body}: {error}");
        }
        let round = [("sforce-locator", "A")];
        let script = started().reply_with(PAGE, 200, &round, &page("")).reply_with(
            &format!("{PAGE}&locator=A"),
            200,
            &round,
            &page(""),
        );
        assert!(ask(script).unwrap_err().to_string().contains("circles"));
    }

    #[test]
    fn a_query_that_fails_says_so() {
        let script = Script::default()
            .reply(CREATE, 200, "{\"id\":\"750ak000009AVi5AAG\",\"state\":\"UploadComplete\"}")
            .reply(JOB, 200, "{\"id\":\"750\",\"state\":\"Failed\",\"errorMessage\":\"at 'secret'\"}");
        assert_eq!(ask(script).unwrap_err().to_string(), "the org gave up the query: at '…'");
    }
}
