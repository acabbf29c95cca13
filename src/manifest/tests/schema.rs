//! The schema, the tables of words and the readers say the same.

use super::{HEAD, errors, read, shown};
use crate::manifest::json_schema;
use crate::manifest::words::{self, Shape, Word};
use serde_json::Value;
use std::collections::BTreeSet;

/// Where each mapping of the language stands: its table, the schema's pointer to it, and a manifest in which a word
/// that nobody knows can be put in its place.
fn mappings() -> Vec<(&'static [Word], &'static str, String)> {
    let load = "object: A, key: K, source: other.csv, fields: { K: id }";
    let objects = format!("objects: [{{ {load} }}]\n");
    let env = |inner: &str| format!("cutover: 1\nproject: p\nenvironments: {{ local: {inner} }}\n{objects}");
    let source = "/properties/objects/items/properties/source/anyOf/1";
    vec![
        (words::TOP, "", format!("{HEAD}{objects}zzqq: 1\n")),
        (
            words::ENVIRONMENT,
            "/properties/environments/additionalProperties",
            env("{ zzqq: 1, org: { local: org.yaml } }"),
        ),
        (
            words::ORG,
            "/properties/environments/additionalProperties/properties/org",
            env("{ org: { zzqq: 1 } }"),
        ),
        (
            words::LIMITS,
            "/properties/environments/additionalProperties/properties/limits",
            env("{ org: { local: org.yaml }, limits: { zzqq: 1 } }"),
        ),
        (words::DEFAULTS, "/properties/defaults", format!("{HEAD}defaults: {{ zzqq: 1 }}\n{objects}")),
        (
            words::DEFAULT_SOURCE,
            "/properties/defaults/properties/source",
            format!("{HEAD}defaults: {{ source: {{ zzqq: 1 }} }}\n{objects}"),
        ),
        (words::LOAD, "/properties/objects/items", format!("{HEAD}objects: [{{ zzqq: 1, {load} }}]\n")),
        (
            words::SOURCE,
            source,
            format!(
                "{HEAD}objects: [{{ {} }}]\n",
                load.replace("source: other.csv", "source: { zzqq: 1, file: other.csv }")
            ),
        ),
        (
            words::FIELD,
            "/$defs/field/anyOf/1",
            format!("{HEAD}objects: [{{ {} }}]\n", load.replace("K: id", "K: { from: id, zzqq: 1 }")),
        ),
        (
            words::ALTERNATIVE,
            "/$defs/field/anyOf/1/properties/first_of/items",
            format!(
                "{HEAD}objects: [{{ {} }}]\n",
                load.replace("K: id", "K: { first_of: [{ queue: id, zzqq: 1 }] }")
            ),
        ),
    ]
}

fn built(table: &[Word]) -> BTreeSet<String> {
    let built = table.iter().filter(|word| !matches!(word.shape, Shape::Unbuilt(_)));
    built.map(|word| word.name.to_owned()).collect()
}

/// The words that a reader says it takes, when it meets one that it does not know.
fn taken(manifest: &str) -> BTreeSet<String> {
    let loaded = read(manifest);
    let unknown = loaded
        .diagnostics
        .iter()
        .find(|d| d.message.contains("zzqq"))
        .unwrap_or_else(|| panic!("{}", shown(&loaded)));
    let help = unknown.help.as_deref().unwrap_or_default();
    let list = help.split_once(" takes ").unwrap_or_else(|| panic!("{help}")).1;
    list.split(", ").map(|word| word.trim_matches('`').to_owned()).collect()
}

#[test]
fn readers_tables_and_schema_know_the_same_words() {
    let schema = json_schema();
    for (table, pointer, manifest) in mappings() {
        let Some(Value::Object(properties)) = schema.pointer(&format!("{pointer}/properties")) else {
            panic!("{pointer}")
        };
        assert_eq!(schema.pointer(&format!("{pointer}/additionalProperties")), Some(&Value::Bool(false)));
        let shown: BTreeSet<String> = properties.keys().cloned().collect();
        assert_eq!(shown, built(table), "{pointer}");
        assert_eq!(taken(&manifest), built(table), "{pointer}");
    }
}

#[test]
fn every_word_that_is_not_built_yet_is_refused_as_such() {
    for (table, pointer, manifest) in mappings() {
        for word in table.iter().filter(|word| matches!(word.shape, Shape::Unbuilt(_))) {
            let loaded = read(&manifest.replace("zzqq", word.name));
            let refused =
                errors(&loaded).into_iter().any(|d| d.message == format!("`{}` is not built yet", word.name));
            assert!(refused, "{pointer}: {}\n{}", word.name, shown(&loaded));
        }
    }
}

fn accepted(text: &str) -> bool {
    let value: Value = serde_yaml::from_str(text).unwrap();
    jsonschema::draft202012::new(&json_schema()).unwrap().is_valid(&value)
}

#[test]
fn the_schema_judges_as_the_reader_does() {
    assert!(accepted(super::good::ACME));
    assert!(accepted(super::good::ACTIVITIES), "an included file");
    let load = |field: &str| {
        format!("objects: [{{ object: A, key: K, source: a.csv, fields: {{ K: {field} }} }}]\n")
    };
    for field in [
        "id",
        "{ from: id }",
        "{ value: 5 }",
        "{ ref: A, from: id }",
        "{ ref: { X: A }, type: id, from: id }",
        "{ lookup: A, match: { B: id, C: id } }",
        "{ first_of: [{ queue: id }, { user: id, match: Email }], inactive: keep }",
        "{ first_of: [{ from: id }, { value: 5 }] }",
        "{ first_of: [{ user: id }, { ref: { X: A }, type: id, from: id }] }",
    ] {
        assert!(accepted(&load(field)), "{field}");
    }
    for field in [
        "true",
        "5",
        "null",
        "[id]",
        "{}",
        "{ from: id, value: x }",
        "{ ref: A }",
        "{ from: id, blank: wipe }",
        "{ lookup: A }",
    ] {
        assert!(!accepted(&load(field)), "{field}");
    }
    assert!(!accepted("vars: { a: b }\nobjects: []\n"), "an included file holds objects only");
    assert!(!accepted("cutover: 1\nproject: p\nobjects: []\n"), "a manifest has environments");
    assert!(!accepted("cutover: 2\nproject: p\nenvironments: { a: { org: { local: x } } }\nobjects: []\n"));
}

#[test]
fn the_committed_schema_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/manifest.schema.json");
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(committed, json_schema(), "write it anew: cutover schema > schemas/manifest.schema.json");
}
