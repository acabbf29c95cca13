//! The index of the captures: what each file is, what was asked, and how an org comes into the state in which it was
//! asked. Reads it, and holds it to the folder. Knows neither side.

use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where the captures are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures")
}

/// The text of a file below the captures' folder.
#[track_caller]
pub fn read(file: &str) -> String {
    let bytes = bytes(file);
    String::from_utf8(bytes).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The bytes of a file below the captures' folder.
#[track_caller]
pub fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// `index.yaml` of a set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Where the set comes from.
    #[allow(dead_code, reason = "for people")]
    from: String,
    /// Its licence.
    #[allow(dead_code, reason = "for people")]
    licence: String,
    /// What stands beside the captures and is none.
    #[serde(default)]
    beside: BTreeSet<String>,
    /// The captures that are used.
    pub captures: Vec<Capture>,
    /// The captures that are not here, each with its reason.
    #[serde(default)]
    left_out: BTreeMap<String, String>,
}

/// One capture.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Its file, from the set's folder.
    pub file: String,
    /// What is done with the org first.
    #[serde(default)]
    pub before: Vec<Step>,
    /// What was asked; the file is the answer.
    pub call: Option<Step>,
    /// The status of the answer: of our org, and of the answer that our client gets.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers that the answer must have.
    #[serde(default)]
    pub headers: Vec<String>,
    /// The file is what is sent.
    pub sends: Option<Sends>,
    /// What our client makes of it: which call, and what it gives; or why there is none.
    pub client: Option<Played>,
    /// How our source reader takes a CSV file.
    pub source: Option<Value>,
    /// How our org takes a CSV file.
    pub upload: Option<Upload>,
    /// Calls of a session that are not played, each with its reason.
    #[serde(default)]
    pub skip: BTreeMap<String, String>,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

fn ok() -> u16 {
    200
}

/// One thing done with an org.
#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// `POST /services/data/v60.0/jobs/ingest`; `{name}` is what a step before kept.
    pub call: Option<String>,
    /// A JSON body.
    pub json: Option<Value>,
    /// A CSV body.
    pub csv: Option<Csv>,
    /// Slices of work at the org's jobs; 0 for all.
    pub work: Option<u32>,
    /// A record of this object, with these `fields`.
    pub insert: Option<String>,
    pub fields: serde_json::Map<String, Value>,
    /// The name under which the id is kept.
    pub keep: Option<String>,
}

/// CSV as it is, or so many rows of one form.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub enum Csv {
    Text(String),
    Rows { head: String, row: String, rows: u32 },
}

impl Csv {
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Rows { head, row, rows } => {
                let lines = (0..*rows).map(|n| row.replace("{n}", &n.to_string()) + "\n");
                format!("{head}\n{}", lines.collect::<String>())
            }
        }
    }
}

/// What our client makes of an answer.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub enum Played {
    Call {
        call: String,
        #[serde(default)]
        with: String,
        gives: Value,
    },
    None {
        none: String,
    },
}

/// A file that is the body of a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sends {
    /// `POST composite/sobjects`.
    pub call: String,
    /// Texts of the body in whose place others stand.
    #[serde(default)]
    pub replace: BTreeMap<String, String>,
    /// The capture that the answer is like.
    pub like: Option<String>,
    /// Fields that the answer has, with their values.
    pub gives: Option<Value>,
}

/// What an upload of a CSV file comes to.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// What the job is made with, beside `object: Account` and `operation: insert`.
    #[serde(default = "nothing")]
    pub job: Value,
    /// The header in place of the file's own, as its program maps columns to fields.
    pub header: Option<String>,
    /// The file of the set whose upload goes first.
    pub after: Option<String>,
    /// The fields of the job's info that are compared.
    pub gives: Value,
    /// Error codes of refused rows.
    #[serde(default)]
    pub errors: BTreeSet<String>,
    /// Why it is so, where that is not plain.
    #[serde(default)]
    #[allow(dead_code, reason = "for people")]
    why: String,
}

/// The sets.
pub const SETS: &[&str] = &[
    "amp-labs-connectors",
    "observed",
    "cumulusci",
    "jsforce",
    "fidelic-conformance",
    "dataloader-csv",
    "sf-cli-plugin-data",
];

/// The index of a set.
#[track_caller]
pub fn set(name: &str) -> Set {
    let file = format!("{name}/index.yaml");
    serde_yaml::from_str(&read(&file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn files_below(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type().unwrap().is_dir() {
            true => files_below(&entry.path(), &format!("{name}/"), found),
            false => _ = found.insert(name),
        }
    }
}

#[test]
fn the_index_and_the_folder_agree() {
    for name in SETS {
        let set = set(name);
        let mut there = BTreeSet::new();
        files_below(&folder().join(name), "", &mut there);
        let mut named: BTreeSet<String> = set.captures.iter().map(|c| c.file.clone()).collect();
        assert_eq!(named.len(), set.captures.len(), "{name}: a file is named twice");
        named.extend(set.beside.iter().cloned());
        named.insert("index.yaml".into());
        assert_eq!(there, named, "{name}: what is there, and what index.yaml names");
        assert!(there.contains("LICENSE") || there.contains("README.md"), "{name}: no licence");
        for (file, reason) in &set.left_out {
            assert!(!there.contains(file) && reason.len() > 20, "{name}: {file} is left out: {reason}");
        }
        for capture in &set.captures {
            let sides = [
                &capture.client.is_some(),
                &capture.source.is_some(),
                &capture.call.is_some(),
                &capture.upload.is_some(),
                &capture.sends.is_some(),
            ];
            assert!(
                sides.contains(&&true) || capture.file.ends_with(".yaml"),
                "{name}: {} is played by nobody",
                capture.file
            );
        }
    }
    let mut sets: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap()).collect();
    sets.retain(|e| e.file_type().unwrap().is_dir());
    assert_eq!(sets.len(), SETS.len(), "every set is in SETS");
}
