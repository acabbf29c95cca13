//! Records by SOQL over REST, page by page: flat columns in, texts out.

use super::call::Call;
use super::client::Client;
use super::error::OrgError;
use super::soql;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;

/// One row: the selected columns in their order; nothing where the field is null.
pub type Row = Vec<Option<String>>;

/// Takes one row; an error stops the reading.
pub type RowSink<'a> = dyn FnMut(Row) -> io::Result<()> + Send + 'a;

/// Longest address that an org takes (reference F1), with some room for the host.
const LONGEST_PATH: usize = 16_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    total_size: u64,
    done: bool,
    next_records_url: Option<String>,
    #[serde(default)]
    records: Vec<Value>,
}

impl Client<'_> {
    /// Every row of a flat statement: no subqueries, no aliases.
    ///
    /// # Errors
    /// The org's refusal, without the statement's literals; a broken connection; a reply that is no query result.
    pub async fn query(&self, soql: &str) -> Result<Vec<Row>, OrgError> {
        let mut rows = Vec::new();
        self.query_each(soql, &mut |row| {
            rows.push(row);
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// As [`Client::query`], handing on each page's rows before the next page is asked for.
    ///
    /// # Errors
    /// As [`Client::query`]; rows handed on before an error stand.
    pub async fn query_each(&self, soql: &str, each: &mut RowSink<'_>) -> Result<(), OrgError> {
        let columns = soql::columns(soql);
        let mut page = self.page(self.query_path(soql)?).await?;
        let (mut rows, mut seen) = (0, BTreeSet::new());
        loop {
            rows += page.records.len() as u64;
            for record in &page.records {
                each(columns.iter().map(|column| cell(record, column)).collect())?;
            }
            match page.next_records_url.take() {
                None if page.done && rows != page.total_size => {
                    return Err(OrgError::Protocol(format!(
                        "a query's pages have {rows} records, and it says {}",
                        page.total_size
                    )));
                }
                None if page.done => return Ok(()),
                Some(next) if !seen.insert(next.clone()) => {
                    return Err(OrgError::Protocol("a query's pages go round in circles".to_owned()));
                }
                Some(next) if !page.done && next.starts_with('/') => page = self.page(next).await?,
                _ => {
                    return Err(OrgError::Protocol(
                        "a query's page does not say where it goes on".to_owned(),
                    ));
                }
            }
        }
    }

    /// What `SELECT COUNT() FROM …` counts.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn count(&self, soql: &str) -> Result<u64, OrgError> {
        Ok(self.page(self.query_path(soql)?).await?.total_size)
    }

    async fn page(&self, path: String) -> Result<Page, OrgError> {
        self.json(Call::get(path)).await.map_err(|e| e.reworded(soql::without_literals))
    }

    fn query_path(&self, statement: &str) -> Result<String, OrgError> {
        let path = match soql::with_archived(statement) {
            Some(statement) => format!("queryAll?q={}", soql::encode(&statement)),
            None => format!("query?q={}", soql::encode(statement)),
        };
        let path = self.path(&path);
        if path.len() > LONGEST_PATH {
            return Err(OrgError::Protocol(format!(
                "a query of {} characters is too long to send",
                path.len()
            )));
        }
        Ok(path)
    }
}

/// The text of a column, found through parent records in any letter case.
fn cell(record: &Value, column: &str) -> Option<String> {
    let found = column.split('.').try_fold(record, |at, name| {
        at.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })?;
    match found {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(plain(number)),
    }
}

/// A number without an exponent, for those who take it for a text. Keys are compared by their value.
fn plain(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => value.to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::salesforce::OrgError;
    use crate::salesforce::testing::{Script, with};

    const ASK: &str = "GET /services/data/v67.0/query?q=SELECT%20Id%20FROM%20Account";

    #[test]
    fn follows_pages_to_the_end() {
        let page = |id, rest| {
            format!("{{\"totalSize\":3,{rest},\"records\":[{{\"attributes\":{{}},\"Id\":\"{id}\"}}]}}")
        };
        let next = |n| format!("\"done\":false,\"nextRecordsUrl\":\"/services/data/v67.0/query/01g-{n}\"");
        let script = Script::default()
            .reply(ASK, 200, &page("1", next(1).as_str()))
            .reply("GET /services/data/v67.0/query/01g-1", 200, &page("2", &next(2)))
            .cut_off("GET /services/data/v67.0/query/01g-2", "{\"totalSize\":3,")
            .reply("GET /services/data/v67.0/query/01g-2", 200, &page("3", "\"done\":true"));
        let rows = with(script, async |c| c.query("SELECT Id FROM Account").await.unwrap());
        assert_eq!(rows.concat().into_iter().flatten().collect::<Vec<_>>(), ["1", "2", "3"]);
    }

    #[test]
    fn a_page_without_a_way_on_is_no_end() {
        for body in [
            "{\"totalSize\":2,\"done\":false,\"records\":[]}",
            "{\"totalSize\":2,\"done\":false,\"nextRecordsUrl\":\"https://elsewhere/\",\"records\":[]}",
            "{\"totalSize\":2,\"done\":true,\"nextRecordsUrl\":\"/x\",\"records\":[]}",
        ] {
            let script = Script::default().reply(ASK, 200, body);
            let error = with(script, async |c| c.query("SELECT Id FROM Account").await.unwrap_err());
            assert!(matches!(error, OrgError::Protocol(_)), "{body}");
        }
    }

    #[test]
    fn reads_a_recorded_answer() {
        let text = include_str!(
            "../../tests/fixtures/captures/amp-labs-connectors/read-opportunity-with-account.json"
        );
        let soql = "SELECT id, AccountId, Amount, Name.Nothing FROM Opportunity";
        let script = Script::default().reply(
            "GET /services/data/v67.0/query?q=SELECT%20id%2C%20AccountId%2C%20Amount%2C%20Name.Nothing%20FROM%20Opportunity",
            200,
            text,
        );
        let rows = with(script, async |c| c.query(soql).await.unwrap());
        let cells = |n: usize| rows[n].iter().map(Option::as_deref).collect::<Vec<_>>();
        assert_eq!(cells(0), [Some("006ak00000OQ4RxAAL"), Some("001ak00000OKNPHAA5"), Some("50000"), None]);
        assert_eq!(cells(1), [Some("006ak00000OQ4RyAAL"), None, Some("30000"), None]);
    }

    #[test]
    fn parents_numbers_and_truth() {
        let body = r#"{"totalSize":1,"done":true,"records":[{"attributes":{},"RecordType":{"attributes":{},"DeveloperName":"A_B"},"Owner":null,"N":1.25E17,"B":false,"I":12}]}"#;
        let script = Script::default().reply(
            "GET /services/data/v67.0/query?q=SELECT%20RecordType.DeveloperName%2C%20Owner.Name%2C%20N%2C%20B%2C%20I%20FROM%20X",
            200,
            body,
        );
        let soql = "SELECT RecordType.DeveloperName, Owner.Name, N, B, I FROM X";
        let rows = with(script, async |c| c.query(soql).await.unwrap());
        let cells: Vec<_> = rows[0].iter().map(Option::as_deref).collect();
        assert_eq!(cells, [Some("A_B"), None, Some("125000000000000000"), Some("false"), Some("12")]);
    }

    #[test]
    fn counts_and_refuses_what_is_too_long() {
        let script = Script::default().reply(
            "GET /services/data/v67.0/query?q=SELECT%20COUNT%28%29%20FROM%20Account",
            200,
            "{\"totalSize\":91,\"done\":true,\"records\":[]}",
        );
        assert_eq!(with(script, async |c| c.count("SELECT COUNT() FROM Account").await.unwrap()), 91);
        let long = format!("SELECT Id FROM A WHERE X = '{}'", "x".repeat(17_000));
        assert!(with(Script::default(), async |c| c.query(&long).await).is_err());
    }

    #[test]
    fn a_refusal_does_not_repeat_our_keys() {
        let body = r#"[{"message":"\nWHERE E__c = 'secret'\n ^\nERROR","errorCode":"MALFORMED_QUERY"}]"#;
        let script = Script::default().reply(ASK, 400, body);
        let error = with(script, async |c| c.query("SELECT Id FROM Account").await.unwrap_err());
        assert_eq!(error.code(), Some("MALFORMED_QUERY"));
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
