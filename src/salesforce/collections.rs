//! Up to 200 records in one call that answers at once (reference F4): insert, update, upsert, delete, each record for
//! itself (`allOrNone: false`).

use super::call::Call;
use super::client::Client;
use super::error::OrgError;
use super::retry::Kind;
use super::row_error::RowError;
use super::soql::encode;
use crate::model::RecordId;
use crate::ports::Method;
use serde::Deserialize;
use std::sync::atomic::AtomicBool;

/// The header that says which assignment rules run. It goes with every write, since what triggers write is meant too.
const AUTO_ASSIGN: &str = "Sforce-Auto-Assign";

/// Records that one call takes.
pub const COLLECTION_ROWS: usize = 200;

/// A record's fields by their API names, in the order in which they are written.
pub type Record<'a> = Vec<(&'a str, Cell<'a>)>;

// Unconfirmed(json-text-numbers): that an org takes text for numbers and truths in JSON; choice: it is not relied on.

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Text, dates and Ids.
    Text(&'a str),
    /// A plain decimal number, every digit kept; any other text goes as text, for the org to refuse.
    Number(&'a str),
    /// A truth.
    Bool(bool),
    /// Clears the field.
    Null,
    /// The record that a reference points to, by its key. The field is then the relationship: `Account`, `Parent__r`.
    Parent(Parent<'a>),
}

/// A record named by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent<'a> {
    /// Its object, where the reference could point to several.
    pub object: Option<&'a str>,
    /// The external-ID field.
    pub field: &'a str,
    /// The key.
    pub key: &'a str,
}

/// Which of the org's assignment rules run on records that are written. An org runs its active ones unless a call says
/// otherwise (REST guide, Assignment Rule header): owners change, and people get mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assign<'a> {
    /// None.
    #[default]
    Off,
    /// The territory rules of accounts.
    Territories,
    /// The rule with this Id, of cases or leads.
    Rule(&'a str),
}

impl<'a> Assign<'a> {
    /// The value of the header.
    fn header(self) -> &'a str {
        match self {
            Self::Off => "FALSE",
            Self::Territories => "TRUE",
            Self::Rule(id) => id,
        }
    }
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its Id, where it is known.
    pub id: Option<RecordId>,
    /// Whether an upsert created it; a call that was repeated may call a record updated that its first arrival made.
    pub created: Option<bool>,
    /// Why it was refused; empty when it was not.
    pub errors: Vec<RowError>,
    /// Whether the call went more than once, the outcome of an earlier time being unknown: what is answered may be
    /// about a record that the earlier arrival has changed.
    pub repeated: bool,
}

#[derive(Deserialize)]
struct Wire {
    id: Option<String>,
    success: bool,
    created: Option<bool>,
    #[serde(default)]
    errors: Vec<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(rename = "statusCode", alias = "errorCode")]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Vec<String>,
}

impl Client<'_> {
    /// Creates records of one object. Gives what became of each, in their order.
    ///
    /// # Errors
    /// The org's refusal of the call; more than [`COLLECTION_ROWS`] records. [`OrgError::is_unknown`] says whether
    /// records may have been created all the same: never send them again before asking for their keys.
    pub async fn insert_records(
        &self,
        object: &str,
        records: &[Record<'_>],
        assign: Assign<'_>,
    ) -> Result<Vec<Saved>, OrgError> {
        let path = self.path("composite/sobjects");
        self.save(Kind::InsertRecords, Method::Post, path, object, records, assign).await
    }

    /// Updates records of one object; each has its `Id` among its fields.
    ///
    /// # Errors
    /// The org's refusal of the call; more than [`COLLECTION_ROWS`] records.
    pub async fn update_records(
        &self,
        object: &str,
        records: &[Record<'_>],
        assign: Assign<'_>,
    ) -> Result<Vec<Saved>, OrgError> {
        let path = self.path("composite/sobjects");
        self.save(Kind::UpdateRecords, Method::Patch, path, object, records, assign).await
    }

    /// Creates or updates records of one object by an external ID, or by `Id`, which is among their fields.
    ///
    /// # Errors
    /// As [`Client::update_records`].
    pub async fn upsert_records(
        &self,
        object: &str,
        external_id: &str,
        records: &[Record<'_>],
        assign: Assign<'_>,
    ) -> Result<Vec<Saved>, OrgError> {
        let path = self.path(&format!("composite/sobjects/{}/{}", encode(object), encode(external_id)));
        self.save(Kind::UpsertRecords, Method::Patch, path, object, records, assign).await
    }

    /// Deletes records of any objects. One that was deleted before, by a first arrival of the same call too, comes
    /// back with an error of which [`RowError::is_deleted`] is true.
    ///
    /// # Errors
    /// As [`Client::update_records`].
    pub async fn delete_records(&self, ids: &[RecordId]) -> Result<Vec<Saved>, OrgError> {
        fits(ids.len())?;
        let all: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let path = self.path(&format!("composite/sobjects?ids={}&allOrNone=false", all.join(",")));
        let call = Call::delete(Kind::DeleteRecords, path).header(AUTO_ASSIGN, Assign::Off.header());
        self.answers(call, ids.len()).await
    }

    async fn save(
        &self,
        kind: Kind,
        method: Method,
        path: String,
        object: &str,
        records: &[Record<'_>],
        assign: Assign<'_>,
    ) -> Result<Vec<Saved>, OrgError> {
        fits(records.len())?;
        let body = body(object, records);
        let call = Call::text(kind, method, path, body, "application/json; charset=utf-8");
        self.answers(call.header(AUTO_ASSIGN, assign.header()), records.len()).await
    }

    async fn answers(&self, call: Call<'_>, sent: usize) -> Result<Vec<Saved>, OrgError> {
        let doubt = AtomicBool::new(false);
        let answer = self.json(call.doubted(&doubt)).await?;
        saved(answer, sent, doubt.into_inner())
    }
}

fn fits(records: usize) -> Result<(), OrgError> {
    match records {
        1..=COLLECTION_ROWS => Ok(()),
        n => Err(OrgError::Protocol(format!("one call takes 1 to {COLLECTION_ROWS} records, not {n}"))),
    }
}

/// Answers stand in the order of the records, one each.
fn saved(answer: Vec<Wire>, sent: usize, repeated: bool) -> Result<Vec<Saved>, OrgError> {
    if answer.len() != sent {
        return Err(OrgError::Protocol(format!("{} answers to {sent} records", answer.len())));
    }
    Ok(answer.into_iter().map(|wire| one(wire, repeated)).collect())
}

fn one(wire: Wire, repeated: bool) -> Saved {
    let read = |e: WireError| RowError { code: e.code, message: e.message, fields: e.fields };
    let mut errors: Vec<RowError> = wire.errors.into_iter().map(read).collect();
    if !wire.success && errors.is_empty() {
        errors.push(RowError::parse("the org does not say why"));
    }
    if wire.success {
        errors.clear();
    }
    Saved { id: wire.id.and_then(|id| RecordId::parse(&id).ok()), created: wire.created, errors, repeated }
}

/// Written by hand: numbers keep the digits that they have.
fn body(object: &str, records: &[Record<'_>]) -> String {
    let mut out = String::from("{\"allOrNone\":false,\"records\":[");
    for (n, record) in records.iter().enumerate() {
        out.push_str(if n > 0 { ",{" } else { "{" });
        attributes(&mut out, object);
        for (field, cell) in record {
            out.push(',');
            text(&mut out, field);
            out.push(':');
            value(&mut out, cell);
        }
        out.push('}');
    }
    out + "]}"
}

fn attributes(out: &mut String, object: &str) {
    out.push_str("\"attributes\":{\"type\":");
    text(out, object);
    out.push('}');
}

fn value(out: &mut String, cell: &Cell<'_>) {
    match cell {
        Cell::Number(number) if is_decimal(number) => out.push_str(number),
        Cell::Text(words) | Cell::Number(words) => text(out, words),
        Cell::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Cell::Null => out.push_str("null"),
        Cell::Parent(parent) => {
            out.push('{');
            if let Some(object) = parent.object {
                attributes(out, object);
                out.push(',');
            }
            text(out, parent.field);
            out.push(':');
            text(out, parent.key);
            out.push('}');
        }
    }
}

fn text(out: &mut String, words: &str) {
    out.push_str(&serde_json::Value::from(words).to_string());
}

/// JSON's own form of a number, without an exponent.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let bare = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = bare.split_once('.').unwrap_or((bare, "0"));
    digits(whole) && digits(fraction) && (whole.len() == 1 || !whole.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::{Assign, COLLECTION_ROWS, Cell, Parent, Record};
    use crate::model::RecordId;
    use crate::salesforce::OrgError;
    use crate::salesforce::testing::{Script, with};

    const ID: &str = "0015500001QdQWaAAN";

    fn named(name: &str) -> Record<'_> {
        vec![("Name", Cell::Text(name))]
    }

    #[test]
    fn writes_every_kind_of_value() {
        let sent = concat!(
            "PATCH /services/data/v67.0/composite/sobjects/Task/Legacy_Id__c ",
            r#"{"allOrNone":false,"records":[{"attributes":{"type":"Task"},"Legacy_Id__c":"a \"1\"","N__c":12345678901234567890.10,"#,
            r#""Odd__c":"01","B__c":true,"Description":null,"#,
            r#""What":{"attributes":{"type":"Account"},"Legacy_Id__c":"A-1"},"Owner":{"Username":"é"}}]}"#
        );
        let parent = |object, field, key| Cell::Parent(Parent { object, field, key });
        let record: Record<'_> = vec![
            ("Legacy_Id__c", Cell::Text("a \"1\"")),
            ("N__c", Cell::Number("12345678901234567890.10")),
            ("Odd__c", Cell::Number("01")),
            ("B__c", Cell::Bool(true)),
            ("Description", Cell::Null),
            ("What", parent(Some("Account"), "Legacy_Id__c", "A-1")),
            ("Owner", parent(None, "Username", "é")),
        ];
        // As recorded (reference F4).
        let answer = format!("[ {{\"id\":\"{ID}\",\"success\":true,\"errors\":[],\"created\":true}} ]");
        let script = Script::default().reply(sent, 200, &answer);
        let saved = with(script, async |c| {
            c.upsert_records("Task", "Legacy_Id__c", &[record], Assign::Off).await.unwrap()
        });
        assert_eq!(saved[0].id.map(|id| id.to_string()).as_deref(), Some(ID));
        assert!(saved[0].created == Some(true) && saved[0].errors.is_empty() && !saved[0].repeated);
    }

    #[test]
    fn a_refused_record_says_why_and_the_others_stand() {
        let answer = format!(
            "[{{\"id\":\"{ID}\",\"success\":true,\"errors\":[]}},{{\"success\":false,\"errors\":[{{\"statusCode\":\"MALFORMED_ID\",\
             \"message\":\"Contact ID: id value of incorrect type: x\",\"fields\":[\"Id\"]}}]}},{{\"success\":false}}]"
        );
        let script = Script::default().reply("POST /services/data/v67.0/composite/sobjects", 200, &answer);
        let records = [named("a"), named("b"), named("c")];
        let saved = with(script, async |c| c.insert_records("Account", &records, Assign::Off).await.unwrap());
        assert!(saved[0].errors.is_empty() && saved[0].created.is_none());
        let error = &saved[1].errors[0];
        assert_eq!((error.code.as_str(), error.fields.as_slice()), ("MALFORMED_ID", &["Id".to_owned()][..]));
        assert_eq!(saved[2].errors[0].message, "the org does not say why");
    }

    #[test]
    fn what_may_be_doubled_is_not_sent_again() {
        let path = "/services/data/v67.0/composite/sobjects";
        let answer = format!("[{{\"id\":\"{ID}\",\"success\":true,\"errors\":[]}}]");
        let script = Script::default().broken(&format!("POST {path}"));
        let error = with(script, async |c| {
            c.insert_records("Account", &[named("a")], Assign::Off).await.unwrap_err()
        });
        assert!(error.is_unknown());
        let script =
            Script::default().broken(&format!("PATCH {path}")).reply(&format!("PATCH {path}"), 200, &answer);
        with(script, async |c| {
            let record = vec![("Id", Cell::Text(ID)), ("Name", Cell::Text("a"))];
            assert!(c.update_records("Account", &[record], Assign::Off).await.unwrap()[0].errors.is_empty());
        });
        let gone = r#"[{"id":null,"success":false,"errors":[{"statusCode":"ENTITY_IS_DELETED","message":"entity is deleted","fields":[]}]}]"#;
        let delete = format!("DELETE {path}?ids={ID}&allOrNone=false");
        let script = Script::default().broken(&delete).reply(&delete, 200, gone);
        with(script, async |c| {
            let saved = c.delete_records(&[RecordId::parse(ID).unwrap()]).await.unwrap();
            assert!(saved[0].errors[0].is_deleted() && saved[0].repeated);
        });
    }

    #[test]
    fn every_write_says_which_assignment_rules_run() {
        let path = "/services/data/v67.0/composite/sobjects";
        let answer = format!("[{{\"id\":\"{ID}\",\"success\":true,\"errors\":[]}}]");
        let record = [vec![("Id", Cell::Text(ID)), ("Name", Cell::Text("a"))]];
        for (assign, told) in [
            (Assign::Off, "FALSE"),
            (Assign::Territories, "TRUE"),
            (Assign::Rule("01Q5e000000AbcdEAE"), "01Q5e000000AbcdEAE"),
        ] {
            let expect =
                |script: Script, request: &str| script.told(request, ("Sforce-Auto-Assign", told), &answer);
            let script = expect(Script::default(), &format!("POST {path}"));
            let script = expect(script, &format!("PATCH {path}"));
            let script = expect(script, &format!("PATCH {path}/Case/K__c"));
            with(script, async |c| {
                c.insert_records("Case", &record, assign).await.unwrap();
                c.update_records("Case", &record, assign).await.unwrap();
                c.upsert_records("Case", "K__c", &record, assign).await.unwrap();
            });
        }
        let delete = format!("DELETE {path}?ids={ID}&allOrNone=false");
        let script = Script::default().told(&delete, ("Sforce-Auto-Assign", "FALSE"), &answer);
        with(script, async |c| c.delete_records(&[RecordId::parse(ID).unwrap()]).await.unwrap());
    }

    #[test]
    fn an_answer_is_one_for_each_record() {
        let script = Script::default().reply("POST /services/data/v67.0/composite/sobjects", 200, "[]");
        let short = with(script, async |c| {
            c.insert_records("Account", &[named("a")], Assign::Off).await.unwrap_err()
        });
        assert!(matches!(short, OrgError::Protocol(_)) && short.is_unknown());
        let many = vec![named("a"); COLLECTION_ROWS + 1];
        for records in [&many[..], &[]] {
            let error =
                with(Script::default(), async |c| c.insert_records("Account", records, Assign::Off).await);
            assert!(error.is_err());
        }
    }
}
