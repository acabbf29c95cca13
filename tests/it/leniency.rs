//! What the manifest lets pass is counted, by load and field, and what is no longer there is listed: nothing lenient is
//! silent.

use crate::held::good;
use crate::project::Project;
use serde_json::Value;
use std::collections::BTreeSet;

const ORG: &str = "\
objects:
  Account:
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
  Part__c:
    name: text
    record_types: [Big]
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
      Text__c: { type: string, length: 5 }
      Number__c: { type: double, precision: 10, scale: 1 }
      Many__c: { type: multipicklist, values: [a, b] }
      Firm__c: { type: reference, to: Account }
      Any__c: { type: reference, to: [Account, User] }
users:
  - { username: ada@acme.example, email: ada@acme.example, name: Ada, active: true }
  - { username: old@acme.example, email: old@acme.example, name: Old, active: false }
queues:
  - { name: Till, objects: [Part__c] }
";

/// Words of a field with their choice, a field that says them, and what is counted of its two values.
type Case = (&'static [&'static str], &'static str, &'static [(&'static str, u64)]);

const CASES: &[Case] = &[
    (&["default"], "Text__c: { from: blank, default: D }", &[("default", 2)]),
    (&["fallback"], "Text__c: { from: no, map: { a: b }, fallback: c }", &[("fallback", 2)]),
    (&["fallback"], "Many__c: { from: no ~ ';' ~ no, map: { a: b }, fallback: a }", &[("fallback", 2)]),
    (&["fallback"], "OwnerId: { user: no, match: Email, fallback: ada@acme.example }", &[("fallback", 2)]),
    (&["fallback"], "OwnerId: { queue: no, fallback: Till }", &[("fallback", 2)]),
    (&["fallback"], "RecordTypeId: { record_type: no, fallback: Big }", &[("fallback", 2)]),
    (&["fallback"], "Firm__c: { lookup: Account, match: { K__c: no }, fallback: P1 }", &[("fallback", 2)]),
    (&["fallback"], "Firm__c: { ref: Account, from: no, fallback: P1 }", &[("fallback", 2)]),
    (
        &["fallback"],
        "OwnerId: { first_of: [ { queue: no }, { user: no, match: Email } ], fallback: Till }",
        &[("fallback", 2)],
    ),
    (
        &["fallback"],
        "Firm__c: { first_of: [ { ref: Account, from: no } ], fallback: P1 }",
        &[("fallback", 2)],
    ),
    (
        &["fallback"],
        "Any__c: { first_of: [ { ref: Account, from: no }, { user: no, match: Email } ], fallback: ada@acme.example }",
        &[("fallback", 2)],
    ),
    (
        &["fallback"],
        "Any__c: { first_of: [ { ref: Account, from: no }, { user: ada, match: Email } ], fallback: P1 }",
        &[],
    ),
    (&["unmapped: blank"], "Text__c: { from: no, map: { a: b }, unmapped: blank }", &[("unmapped_blank", 2)]),
    (&["unmapped: pass"], "Text__c: { from: no, map: { a: b }, unmapped: pass }", &[("unmapped_pass", 2)]),
    (
        &["on_missing: blank"],
        "Firm__c: { ref: Account, from: no, on_missing: blank }",
        &[("on_missing_blank", 2)],
    ),
    (
        &["on_missing: blank", "blank: clear"],
        "Firm__c: { ref: Account, from: no, on_missing: blank, blank: clear }",
        &[("on_missing_blank", 2), ("cleared", 2)],
    ),
    (
        &["on_missing: blank"],
        "Firm__c: { lookup: Account, match: { K__c: no }, on_missing: blank }",
        &[("on_missing_blank", 2)],
    ),
    (
        &["on_missing: blank"],
        "OwnerId: { user: no, match: Email, on_missing: blank }",
        &[("on_missing_blank", 2)],
    ),
    (&["on_missing: blank"], "OwnerId: { queue: no, on_missing: blank }", &[("on_missing_blank", 2)]),
    (
        &["on_missing: blank"],
        "RecordTypeId: { record_type: no, on_missing: blank }",
        &[("on_missing_blank", 2)],
    ),
    (
        &["on_missing: blank"],
        "Firm__c: { first_of: [ { ref: Account, from: no } ], fallback: P9, on_missing: blank }",
        &[("on_missing_blank", 2)],
    ),
    (
        &["other: blank"],
        "Any__c: { ref: { A: Account }, type: no, from: parent, other: blank }",
        &[("other_blank", 2)],
    ),
    (&["inactive: keep"], "Any__c: { user: gone, match: Email, inactive: keep }", &[("inactive", 2)]),
    (
        &["inactive: fallback"],
        "OwnerId: { user: gone, match: Email, inactive: fallback, fallback: ada@acme.example }",
        &[("fallback", 2), ("inactive", 2)],
    ),
    (&["when"], "Text__c: { from: no, when: blank }", &[("when", 2)]),
    (&["when", "default"], "Text__c: { from: no, when: blank, default: D }", &[("default", 2), ("when", 2)]),
    (&["blank: clear"], "Text__c: { from: blank, blank: clear }", &[("cleared", 2)]),
    (&["too_long: truncate"], "Text__c: { from: long, too_long: truncate }", &[("truncated", 2)]),
    (&["too_precise: round"], "Number__c: { from: fine, too_precise: round }", &[("rounded", 2)]),
    (&["from", "blank: keep"], "Text__c: { from: blank, blank: keep }", &[]),
    (&["value"], "Text__c: { value: x }", &[]),
    (&["ref", "type"], "Any__c: { ref: { A: Account }, type: kind, from: parent }", &[]),
    (&["user", "match"], "OwnerId: { user: ada, match: Email, inactive: reject }", &[]),
    (&["lookup"], "Firm__c: { lookup: Account, match: { K__c: parent } }", &[]),
    (&["queue"], "OwnerId: { queue: till }", &[]),
    (&["record_type"], "RecordTypeId: { record_type: big }", &[]),
    (&["first_of"], "OwnerId: { first_of: [ { queue: till }, { user: ada, match: Email } ] }", &[]),
    (&["map"], "Text__c: { from: kind, map: { A: b } }", &[]),
    (&["map_file"], "Text__c: { from: kind, map_file: map.csv }", &[]),
    (&["only: create"], "Text__c: { from: kind, only: create }", &[]),
    (&["only: update"], "Text__c: { from: kind, only: update }", &[]),
];

/// Choices by which a row is rejected or held, and counted as that.
const COUNTED_AS_ROWS: &[&str] = &[
    "unmapped: reject",
    "on_missing: hold",
    "on_missing: reject",
    "other: reject",
    "inactive: reject",
    "too_long: reject",
    "too_precise: reject",
];

/// Words of loads and defaults with choices that are none of a field's: they decide over rows, or how rows go.
const OF_LOADS: &[&str] = &["duplicates", "operation", "api"];

fn manifest(field: &str) -> String {
    format!(
        "cutover: 1\nproject: lenient\nenvironments: {{ local: {{ org: {{ local: org.yaml }} }} }}\nobjects:\n  \
         - {{ object: Account, key: K__c, source: a.csv, fields: {{ K__c: id, Name: id }} }}\n  \
         - {{ object: Part__c, key: K__c, source: p.csv, fields: {{ K__c: id, Name: id, {field} }} }}\n"
    )
}

const PARTS: &str = "id,blank,no,parent,gone,long,fine,kind,ada,old,till,big\n\
    O1,,nope,P1,old@acme.example,longer than five,1.26,A,ada@acme.example,Old,Till,Big\n\
    O2,,nope,P1,old@acme.example,longer than five,1.26,A,ada@acme.example,Old,Till,Big\n";

/// What is counted of the parts.
fn counted(loads: &Value) -> Vec<(String, String, u64)> {
    let parts = loads["loads"].as_array().unwrap().iter().find(|load| load["name"] == "Part__c").unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = parts["lenient"].as_array().unwrap().iter();
    all.map(|one| (text(&one["field"]), text(&one["what"]), one["values"].as_u64().unwrap())).collect()
}

/// One of the cases, through plan, apply and report, as JSON and as text.
fn holds((_, field, expected): &Case) {
    let project = Project::of(&[
        ("cutover.yaml", &manifest("Text__c: id")),
        ("org.yaml", ORG),
        ("map.csv", "from,to\nA,b\n"),
        ("a.csv", "id\nP1\nOld\n"),
        ("p.csv", "id\n"),
    ]);
    // So that its parents are there to be looked up.
    project.apply(0);
    project.write("cutover.yaml", &manifest(field));
    project.write("p.csv", PARTS);
    let name = field.split(':').next().unwrap();
    let expected: Vec<_> =
        expected.iter().map(|(what, n)| (name.to_owned(), (*what).to_owned(), *n)).collect();
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(counted(&plan), expected, "plan: {field}");
    let screen = project.run(&["plan"]).exits(0).out;
    let applied = project.run(&["apply", "--yes", "--json"]).exits(0).json();
    assert_eq!(counted(&applied), expected, "apply: {field}");
    let report = project.run(&["report"]).exits(0).out;
    let again = project.run(&["report", "--json"]).exits(0).json();
    assert_eq!(counted(&again), expected, "report: {field}");
    for told in [screen, report] {
        let lines = told.lines().filter(|line| line.starts_with("Part__c.")).count();
        assert_eq!(lines, expected.len(), "{field}:\n{told}");
        assert!(
            expected.is_empty() || told.contains(&format!("Part__c.{name}: 2 values ")),
            "{field}:\n{told}"
        );
    }
}

#[test]
fn every_leniency_is_counted_by_load_and_field() {
    CASES.iter().for_each(holds);
}

/// A word of the language that makes a value pass has a case above; so has each of its choices.
#[test]
fn every_word_of_a_field_is_known_here() {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/manifest.schema.json")).unwrap();
    let mut known: BTreeSet<&str> = CASES.iter().flat_map(|(words, ..)| words.iter().copied()).collect();
    known.extend(COUNTED_AS_ROWS);
    let field = &schema["$defs"]["field"]["anyOf"][1]["properties"];
    let unknown: Vec<String> =
        words(field).into_iter().filter(|word| !known.contains(word.as_str())).collect();
    assert_eq!(unknown, Vec::<String>::new(), "words of a field without a case");
    let load = &schema["properties"]["objects"]["items"]["properties"];
    for of in [load, &schema["properties"]["defaults"]["properties"]] {
        let of_fields: BTreeSet<String> = words(field).into_iter().collect();
        let other = |word: &String| {
            let chooses = word.split_once(": ").map(|(name, _)| name);
            chooses.is_some_and(|name| !OF_LOADS.contains(&name)) && !of_fields.contains(word)
        };
        let unknown: Vec<String> = words(of).into_iter().filter(other).collect();
        assert_eq!(unknown, Vec::<String>::new(), "choices of loads without a case");
    }
}

/// The words of a mapping; those with choices once for each.
fn words(properties: &Value) -> Vec<String> {
    let all = properties.as_object().expect("a mapping of words").iter();
    all.flat_map(|(word, says)| match says["enum"].as_array() {
        Some(choices) => choices.iter().map(|c| format!("{word}: {}", c.as_str().unwrap())).collect(),
        None => vec![word.clone()],
    })
    .collect()
}

/// One value is no values.
#[test]
fn references_blanked_by_policy_are_counted() {
    let project = good();
    project.replace("cutover.yaml", "from: company }", "from: company, on_missing: blank }");
    project.remove_line("companies.csv", "B,");
    let output = project.run(&["apply"]).exits(0);
    let line = "people.AccountId: 1 value that nothing matched, left blank by `on_missing: blank`";
    assert!(output.out.contains(line), "no count of the blanked reference:\n{}", output.out);
}

/// A row no longer in its source is counted, listed by its record, and left alone.
#[test]
fn absent_rows_are_listed() {
    let project = Project::example("quickstart");
    project.apply(0);
    project.remove_line("data/companies.csv", "1003,");
    project.apply(0);
    let id = &project.query("SELECT Id FROM Account WHERE Legacy_Id__c = '1003'")[0]["Id"];
    let listed = std::fs::read_to_string(project.path(".cutover/data/2/Account.absent.csv")).unwrap();
    assert_eq!(listed, format!("record_id\n{id}\n"));
}
