//! What an answer is like, apart from its values: names and kinds of a JSON text, quoting and columns of a CSV text,
//! and the words that a client decides by. Pure.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Fields whose values are words of the API, compared as they are.
const WORDS: [&str; 16] = [
    "errorCode",
    "statusCode",
    "message",
    "fields",
    "state",
    "operation",
    "object",
    "concurrencyMode",
    "contentType",
    "lineEnding",
    "columnDelimiter",
    "jobType",
    "apiVersion",
    "success",
    "created",
    "errorMessage",
];

/// What stands at one place of a JSON text.
#[derive(Default)]
struct At {
    kinds: BTreeSet<&'static str>,
    words: BTreeSet<String>,
}

type Shape = BTreeMap<String, At>;

/// How two JSON texts differ, `there` in the capture and `here` from our org. What the capture cannot tell, because a
/// list is empty or a value null, is no difference; nor is what an empty list of ours cannot.
pub fn json_differences(there: &Value, here: &Value) -> Vec<String> {
    let (there, here) = (shape(there), shape(here));
    let mut found = Vec::new();
    for (place, at) in &there {
        match here.get(place) {
            None if told(&here, place) => found.push(format!("{place}: only there")),
            Some(other) => at.differ(other, place, &mut found),
            None => {}
        }
    }
    for place in here.keys().filter(|place| !there.contains_key(*place) && told(&there, place)) {
        found.push(format!("{place}: only here"));
    }
    found
}

/// Whether a shape could have this place: the place around it is there and holds something.
fn told(shape: &Shape, place: &str) -> bool {
    let cut = place.rfind(['.', '[']).unwrap_or(0);
    let around = shape.get(&place[..cut]);
    match around {
        None => false,
        Some(at) if place.ends_with("[]") => {
            at.kinds.contains("list") && shape.contains_key(&format!("{}[]", &place[..cut]))
        }
        Some(at) => at.kinds.contains("object"),
    }
}

impl At {
    fn differ(&self, here: &Self, place: &str, found: &mut Vec<String>) {
        let kinds =
            |at: &Self| at.kinds.iter().copied().filter(|k| *k != "null").collect::<Vec<_>>().join(" or ");
        let (a, b) = (kinds(self), kinds(here));
        if a != b && !a.is_empty() {
            found.push(format!("{place}: {a} there, {} here", if b.is_empty() { "null" } else { &b }));
        }
        let words = |at: &Self| at.words.iter().cloned().collect::<Vec<_>>().join(" | ");
        if self.words != here.words && !self.words.is_empty() && !here.words.is_empty() {
            found.push(format!("{place}: says `{}` there, `{}` here", words(self), words(here)));
        }
    }
}

fn shape(value: &Value) -> Shape {
    let mut shape = Shape::new();
    walk(value, "$".to_owned(), "", &mut shape);
    shape
}

fn walk(value: &Value, place: String, name: &str, shape: &mut Shape) {
    let at = shape.entry(place.clone()).or_default();
    at.kinds.insert(kind(value));
    if WORDS.contains(&name) && !value.is_object() && !place.contains(".Address") {
        at.words.insert(without_ids(&value.to_string()));
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                walk(value, format!("{place}.{name}"), name, shape);
            }
        }
        Value::Array(items) => {
            for item in items {
                walk(item, format!("{place}[]"), "", shape);
            }
            // A field that only some items have is another form than one that all have.
            let names: BTreeSet<&String> =
                items.iter().filter_map(Value::as_object).flat_map(|o| o.keys()).collect();
            for name in names {
                if items.iter().filter_map(Value::as_object).any(|o| !o.contains_key(name)) {
                    shape.entry(format!("{place}[].{name}")).or_default().kinds.insert("nothing");
                }
            }
        }
        _ => {}
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "decimal",
        Value::Number(_) => "integer",
        Value::String(text) => kind_of_text(text),
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn kind_of_text(text: &str) -> &'static str {
    let pattern: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match pattern.as_str() {
        "0000-00-00T00:00:00.000+0000" => "moment",
        "0000-00-00" => "date",
        _ if is_id(text) => "id",
        _ if text.starts_with("/services/") => "address",
        _ if text.starts_with("services/") => "address without its slash",
        _ => "text",
    }
}

/// Whether a word looks like a record's id.
pub fn is_id(text: &str) -> bool {
    let alphanumeric = text.bytes().all(|b| b.is_ascii_alphanumeric());
    matches!(text.len(), 15 | 18) && alphanumeric && text.starts_with(|c: char| c.is_ascii_digit())
}

/// The text with `<id>` for every id in it.
fn without_ids(text: &str) -> String {
    let mut out = String::new();
    for piece in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        out.push_str(if is_id(word) { "<id>" } else { word });
        out.push_str(&piece[word.len()..]);
    }
    out
}

/// How two CSV texts differ: the header as it is written, how cells are quoted, how lines end, what errors say.
pub fn csv_differences(there: &str, here: &str) -> Vec<String> {
    let mut found = Vec::new();
    let header = |text: &str| text.lines().next().unwrap_or_default().trim_end().to_owned();
    let mut hold = |what: &str, a: String, b: String| {
        if a != b {
            found.push(format!("{what}: `{a}` there, `{b}` here"));
        }
    };
    hold("header", header(there), header(here));
    hold("line ends", ends(there), ends(here));
    let (a, b) = (rows(there), rows(here));
    if let (Some(a), Some(b)) = (a.first(), b.first()) {
        hold("cells", quoting(a), quoting(b));
    }
    hold("errors", errors(there), errors(here));
    found
}

fn ends(text: &str) -> String {
    if text.contains("\r\n") { "CRLF" } else { "LF" }.to_owned()
}

fn rows(text: &str) -> Vec<&str> {
    text.lines().skip(1).filter(|line| !line.is_empty()).collect()
}

fn quoting(row: &str) -> String {
    let quoted = |cell: &str| if cell.starts_with('"') { 'q' } else { 'b' };
    // Good enough for rows without commas in their cells: only the first sign of each cell is looked at.
    let mut reader = csv::ReaderBuilder::new().has_headers(false).quoting(false).from_reader(row.as_bytes());
    let record = reader.records().next().unwrap().unwrap();
    let kinds: BTreeSet<char> =
        [record.iter().next(), record.iter().next_back()].into_iter().flatten().map(quoted).collect();
    if kinds == BTreeSet::from(['q']) { "quoted" } else { "bare" }.to_owned()
}

fn errors(text: &str) -> String {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let Some(column) = reader.headers().unwrap().iter().position(|name| name == "sf__Error") else {
        return String::new();
    };
    let errors: BTreeSet<String> = reader.records().map(|row| without_ids(&row.unwrap()[column])).collect();
    errors.into_iter().collect::<Vec<_>>().join(" | ")
}

#[test]
fn differences_are_seen() {
    let there = serde_json::json!({"id": "750ak000009BWKLAA4", "apiVersion": 60.0, "done": true, "list": [{"a": 1}], "n": null});
    let mut here = there.clone();
    assert_eq!(json_differences(&there, &here), [""; 0]);
    here["apiVersion"] = 60.into();
    here["list"] = serde_json::json!([{"a": 1, "b": 2}, {"a": "x"}]);
    here["extra"] = true.into();
    here["n"] = serde_json::json!({"deep": 1});
    here.as_object_mut().unwrap().remove("done");
    assert_eq!(
        json_differences(&there, &here),
        [
            "$.apiVersion: decimal there, integer here",
            "$.apiVersion: says `60.0` there, `60` here",
            "$.done: only there",
            "$.list[].a: integer there, integer or text here",
            "$.extra: only here",
            "$.list[].b: only here",
        ]
    );
    let there = "\"sf__Id\",\"sf__Error\",Name\n\"\",\"A:b:--\",\"x\"\n";
    assert_eq!(csv_differences(there, there), [""; 0]);
    let here = "\"sf__Id\",\"sf__Error\",\"Name\"\r\n\"\",\"A:c:--\",x\r\n";
    assert_eq!(csv_differences(there, here).len(), 4);
}
