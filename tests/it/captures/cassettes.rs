//! Recorded sessions: each request is sent to our org in its turn, with our ids in place of the recorded ones. What a
//! recorded answer shows and our org has not, is put into our org first; so it is in the same state by itself.

use super::client::play;
use super::differences;
use super::index::{Capture, read, set};
use super::org::{Answer, TestOrg};
use super::reads::rows;
use super::shape::{is_id, json_differences};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One request with its recorded answer.
struct Exchange {
    /// `GET /services/data/v62.0/…`
    call: String,
    body: String,
    status: u16,
    kind: Option<String>,
    answer: String,
}

/// The exchanges of a cassette. Parts that stand in other files of its project are not there, nor is the rest of what
/// a machine has cut out.
fn exchanges(text: &str) -> Vec<Exchange> {
    let tape: Value = serde_yaml::from_str(text).unwrap();
    tape["interactions"].as_array().unwrap().iter().filter_map(exchange).collect()
}

fn exchange(recorded: &Value) -> Option<Exchange> {
    let (request, response) = (recorded.get("request")?, recorded.get("response")?);
    let uri = request["uri"].as_str().unwrap();
    let path = uri.strip_prefix("https://orgname.my.salesforce.com").unwrap();
    let text = |value: &Value| value.as_str().map(one_version).unwrap_or_default();
    let headers = &response["headers"];
    let kind = headers.get("Content-Type").or_else(|| headers["Response-Headers"].get("Content-Type"));
    Some(Exchange {
        call: format!("{} {}", request["method"].as_str().unwrap(), one_version(path)),
        body: text(&request["body"]),
        status: u16::try_from(response["status"]["code"].as_u64().unwrap()).unwrap(),
        kind: kind.and_then(|k| k[0].as_str()).map(str::to_owned),
        answer: text(&response["body"]["string"]),
    })
}

/// The recordings hide their versions, or are of one that is gone: all are played in this one.
fn one_version(text: &str) -> String {
    let mut parts = text.split("/services/data/v");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let rest = part.find(['/', '"', '?']).map_or("", |end| &part[end..]);
        out.push_str("/services/data/v62.0");
        out.push_str(rest);
    }
    out
}

/// Our org in a session, and which of its ids stand for the recorded ones.
struct Session {
    org: TestOrg,
    ids: BTreeMap<String, String>,
}

impl Session {
    /// A new org, under the name that the recorded one has.
    fn of(tape: &[Exchange]) -> Self {
        let org = TestOrg::new();
        let found = org.json("GET query?q=SELECT Id FROM Organization", None).json();
        let ours = found["records"][0]["Id"].as_str().unwrap().to_owned();
        let words = tape.iter().flat_map(|e| e.call.split(['/', '?', ' ']));
        let theirs = words.filter(|word| is_id(word) && word.starts_with("00D"));
        let ids = theirs.map(|id| (id.to_owned(), ours.clone())).collect();
        Self { org, ids }
    }

    fn play(&mut self, exchange: &Exchange) -> Vec<String> {
        let there: Value = serde_json::from_str(&exchange.answer).unwrap();
        self.put_what_is_shown(&there);
        if let Ok(body) = serde_json::from_str(&exchange.body) {
            self.put_what_is_named(&body);
        }
        let answer = self.org.call(&self.ours(&exchange.call), "application/json", self.ours(&exchange.body));
        let mut found = heads(exchange, &answer);
        let here: Value = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
        found.extend(json_differences(&there, &here));
        self.learn(&there, &here);
        found
    }

    /// The text with our ids.
    fn ours(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
    }

    /// Makes the records that an answer shows.
    fn put_what_is_shown(&mut self, value: &Value) {
        if let (Some(kind), Some(url)) = (value.pointer("/attributes/type"), value.pointer("/attributes/url"))
        {
            let id = url.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            self.put(kind.as_str().unwrap(), &id, value.as_object().unwrap());
        }
        for inner in inside(value) {
            self.put_what_is_shown(inner);
        }
    }

    /// Makes the records that a request names by their ids.
    fn put_what_is_named(&mut self, value: &Value) {
        for (name, inner) in value.as_object().into_iter().flatten() {
            let id = inner.as_str().filter(|id| is_id(id) && name.ends_with("Id")).map(str::to_owned);
            let object = id.as_deref().and_then(object_of);
            if let (Some(id), Some(object)) = (id, object) {
                self.put(object, &id, &Map::new());
            }
        }
        for inner in inside(value) {
            self.put_what_is_named(inner);
        }
    }

    fn put(&mut self, object: &str, id: &str, fields: &Map<String, Value>) {
        if self.ids.contains_key(id) || !MADE.contains(&object) {
            return;
        }
        let mut fields = fields.clone();
        let settable = self.settable(object);
        fields.retain(|name, value| settable.contains(name) && !value.is_object() && !value.is_array());
        self.put_what_is_named(&Value::Object(fields.clone()));
        let fields = serde_json::from_str(&self.ours(&Value::Object(fields).to_string())).unwrap();
        let ours = self.org.insert(object, fields);
        self.ids.insert(id.to_owned(), ours);
    }

    /// Fields that a new record may have, but who owns it: users are the org's own.
    fn settable(&self, object: &str) -> BTreeSet<String> {
        let describe = self.org.json(&format!("GET sobjects/{object}/describe"), None).json();
        let fields = describe["fields"].as_array().unwrap();
        let names = fields
            .iter()
            .filter(|f| f["createable"] == true && f["name"] != "OwnerId" && f["name"] != "RecordTypeId");
        names.map(|f| f["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Which of our ids stands where a recorded one stood.
    fn learn(&mut self, there: &Value, here: &Value) {
        match (there, here) {
            (Value::String(a), Value::String(b)) if is_id(a) && is_id(b) => {
                self.ids.entry(a.clone()).or_insert_with(|| b.clone());
            }
            (Value::Object(a), Value::Object(b)) => {
                for (name, value) in a {
                    self.learn(value, b.get(name).unwrap_or(&Value::Null));
                }
            }
            (Value::Array(a), Value::Array(b)) => a.iter().zip(b).for_each(|(a, b)| self.learn(a, b)),
            _ => {}
        }
    }
}

/// Objects whose records the test makes.
const MADE: [&str; 6] = ["Account", "Contact", "Lead", "Opportunity", "Case", "Event"];

fn object_of(id: &str) -> Option<&'static str> {
    [("001", "Account"), ("003", "Contact"), ("00Q", "Lead"), ("006", "Opportunity"), ("500", "Case")]
        .into_iter()
        .find_map(|(prefix, object)| id.starts_with(prefix).then_some(object))
}

fn inside(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    }
}

fn heads(exchange: &Exchange, answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    if exchange.status != answer.status {
        found.push(format!("status: {} there, {} here", exchange.status, answer.status));
    }
    let kind = answer.headers.get("content-type");
    if exchange.kind.is_some() && exchange.kind.as_ref() != kind {
        found.push(format!("content-type: {:?} there, {kind:?} here", exchange.kind));
    }
    found
}

/// Plays what is not skipped; gives the differences, each with its call.
fn session(capture: &Capture, tape: &[Exchange]) -> Vec<String> {
    let mut session = Session::of(tape);
    let mut found = Vec::new();
    for exchange in tape {
        if !capture.skip.keys().any(|skipped| exchange.call.contains(skipped)) {
            let (method, path) = exchange.call.split_once(' ').unwrap();
            let short = path.trim_start_matches("/services/data/v62.0/");
            let short: String = short.chars().take(60).collect();
            found.extend(session.play(exchange).into_iter().map(|d| format!("{method} {short}: {d}")));
        }
    }
    found
}

/// What a `GET` of a query asks, where our client could ask it.
fn flat_query(exchange: &Exchange) -> Option<String> {
    let (_, q) = exchange.call.split_once("query/?q=").filter(|_| exchange.call.starts_with("GET "))?;
    let text =
        q.replace('+', " ").replace("%2C", ",").replace("%3D", "=").replace("%27", "'").replace("%28", "(");
    let text = text.replace("%29", ")").replace("%20", " ");
    (!text.contains('(')).then_some(text)
}

#[test]
fn our_org_answers_recorded_sessions() {
    let mut found = Vec::new();
    for capture in &set("cumulusci").captures {
        let file = format!("cumulusci/{}", capture.file);
        let tape = exchanges(&read(&file));
        for skipped in capture.skip.keys() {
            assert!(tape.iter().any(|e| e.call.contains(skipped)), "{file}: nothing to skip: {skipped}");
        }
        assert!(
            tape.iter().any(|e| !capture.skip.keys().any(|s| e.call.contains(s))),
            "{file}: nothing is played"
        );
        found.extend(session(capture, &tape).into_iter().map(|d| (file.clone(), d)));
    }
    differences::hold("cumulusci", &found);
}

#[test]
fn our_client_reads_recorded_queries() {
    let mut read_rows = 0;
    for capture in &set("cumulusci").captures {
        let file = format!("cumulusci/{}", capture.file);
        for exchange in exchanges(&read(&file)) {
            let Some(soql) = flat_query(&exchange) else { continue };
            let wanted = rows(&soql, &serde_json::from_str(&exchange.answer).unwrap());
            read_rows += wanted.as_array().unwrap().len();
            assert_eq!(play("query", &soql, exchange.status, &exchange.answer), wanted, "{file}: {soql}");
        }
    }
    assert!(read_rows > 150, "{read_rows}");
}

/// What our client should make of the answer of a collection, in the order of the records.
fn wanted(answer: &Value) -> Value {
    let error = |e: &Value| serde_json::json!([e["statusCode"], e["message"], e["fields"]]);
    let errors = |saved: &Value| saved["errors"].as_array().unwrap().iter().map(error).collect::<Value>();
    let one = |s: &Value| serde_json::json!({"id": s["id"], "created": s["created"], "errors": errors(s)});
    answer.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn our_client_reads_recorded_collections() {
    let mut read_records = 0;
    for capture in &set("cumulusci").captures {
        let file = format!("cumulusci/{}", capture.file);
        for exchange in exchanges(&read(&file)).iter().filter(|e| e.call.contains("composite/sobjects")) {
            let answer = serde_json::from_str(&exchange.answer).unwrap();
            let (wanted, count) = (wanted(&answer), answer.as_array().unwrap().len());
            read_records += count;
            let call = if exchange.call.starts_with("POST") { "insert_records" } else { "upsert_records" };
            assert_eq!(play(call, &count.to_string(), exchange.status, &exchange.answer), wanted, "{file}");
        }
    }
    assert!(read_records > 60, "{read_records}");
}
