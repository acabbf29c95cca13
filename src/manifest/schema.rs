//! The JSON Schema of a manifest, for editors: built from the tables of words, so that it holds what is read.

use super::words::{FIELD, INCLUDED, Shape, TOP, Word};
use serde_json::{Map, Value, json};

/// JSON Schema (draft 2020-12) of `cutover.yaml` and of the files that it includes.
pub fn json_schema() -> Value {
    let included: Vec<&str> = INCLUDED.iter().map(|word| word.name).collect();
    let mut schema = words(TOP);
    merge(
        &mut schema,
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "cutover manifest, format version 1",
            "description": "A cutover.yaml, or a file that it includes (`objects` only).",
            "if": { "required": ["cutover"] },
            "then": {
                "required": ["project", "environments"],
                "anyOf": [{ "required": ["objects"] }, { "required": ["include"] }],
            },
            "else": { "required": ["objects"], "propertyNames": { "enum": included } },
            "$defs": { "text": text(), "expression": expression(), "field": field() },
        }),
    );
    schema
}

/// A closed mapping of these words; those that are not built yet are not shown.
fn words(words: &[Word]) -> Value {
    let built = words.iter().filter(|word| !matches!(word.shape, Shape::Unbuilt(_)));
    let properties: Map<String, Value> = built.map(|word| (word.name.to_owned(), property(word))).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let required = required(words);
    if !required.is_empty() {
        merge(&mut schema, json!({ "required": required }));
    }
    schema
}

/// What must be there, where that is not a question of other words.
fn required(words: &[Word]) -> Vec<&'static str> {
    let has = |name: &str| words.iter().any(|word| word.name == name);
    if has("object") {
        vec!["object", "key", "source", "fields"]
    } else if has("file") {
        vec!["file"]
    } else if has("org") {
        vec!["org"]
    } else if has("key_file") {
        vec!["login", "username", "client_id", "key_file"]
    } else if has("client_secret") {
        let secret = if has("refresh_token") { "refresh_token" } else { "client_secret" };
        vec!["login", "client_id", secret]
    } else {
        Vec::new()
    }
}

fn property(word: &Word) -> Value {
    let mut schema = json!({ "description": word.about });
    merge(&mut schema, shape(&word.shape));
    schema
}

fn shape(of: &Shape) -> Value {
    match of {
        Shape::Version => json!({ "const": 1 }),
        Shape::Text => json!({ "$ref": "#/$defs/text" }),
        Shape::Name => json!({ "type": ["string", "number"] }),
        Shape::Expression => json!({ "$ref": "#/$defs/expression" }),
        Shape::Texts => {
            let one = json!({ "type": ["string", "number", "boolean", "null"] });
            json!({ "anyOf": [{ "$ref": "#/$defs/text" }, { "type": "array", "items": one }] })
        }
        Shape::Count => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::OneOf(names) => json!({ "enum": names() }),
        Shape::Budget => budget(),
        Shape::TextMap => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/text" } }),
        Shape::Named(inner) => map_of(words(inner)),
        Shape::Words(inner) => words(inner),
        Shape::TextOr(inner) => json!({ "anyOf": [{ "type": "string" }, words(inner)] }),
        Shape::ListOf(inner) => json!({ "type": "array", "items": words(inner) }),
        Shape::Fields => map_of(json!({ "$ref": "#/$defs/field" })),
        Shape::Reference => json!({ "anyOf": [{ "type": "string" }, map_of(json!({ "type": "string" }))] }),
        Shape::Unbuilt(_) => json!(false),
    }
}

fn map_of(value: Value) -> Value {
    json!({ "type": "object", "minProperties": 1, "additionalProperties": value })
}

/// Raw text: what YAML would call a number or a boolean is taken as it is written.
fn text() -> Value {
    json!({ "description": "Text, taken as it is written.", "type": ["string", "number", "boolean"] })
}

fn expression() -> Value {
    json!({ "description": "An expression over the row, such as `company_name | squish`.", "type": "string" })
}

fn budget() -> Value {
    json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^[0-9]+$|^[0-9.]+ ?%$" }] })
}

/// A field's value: an expression, or a mapping with exactly one verb.
fn field() -> Value {
    let mut mapping = words(FIELD);
    let verbs = ["from", "value", "ref", "record_type", "user", "queue"];
    let plain = json!({ "required": ["from"], "not": { "required": ["ref"] } });
    let others = verbs.iter().filter(|verb| **verb != "from").map(|verb| json!({ "required": [verb] }));
    let one: Vec<Value> = others.chain([plain]).collect();
    let beside = json!({ "ref": ["from"], "type": ["ref"], "match": ["user"], "inactive": ["user"] });
    merge(&mut mapping, json!({ "oneOf": one, "dependentRequired": beside }));
    json!({ "anyOf": [{ "$ref": "#/$defs/expression" }, mapping] })
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
