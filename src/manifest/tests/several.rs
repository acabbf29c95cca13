//! Several problems at once, warnings, and problems that stand in other files than the manifest.

use super::{HEAD, errors, load, project, read, shown, unmark, with_field, with_load};
use crate::diagnostic::Code::*;

#[test]
fn a_fault_in_a_map_file_is_told_in_the_file_and_where_it_is_used() {
    let (text, line, column) = unmark(&with_field("Name: { from: name, map_file: «maps/twice.csv }"));
    let loaded = read(&text);
    let [one] = errors(&loaded)[..] else { panic!("{}", shown(&loaded)) };
    assert_eq!((one.code, one.labels[0].place.to_string()), (ValueMap, "maps/twice.csv:4".to_owned()));
    assert!(one.message.contains('2') || one.to_string().contains("line 2"), "both lines are named: {one}");
    assert_eq!((one.labels[1].place.line, one.labels[1].place.column), (line, column));
}

#[test]
fn an_included_file_holds_objects_only() {
    let head = HEAD.replace("project: p", "project: p\ninclude: [inc/vars.yaml]");
    let loaded = read(&head);
    let [one] = errors(&loaded)[..] else { panic!("{}", shown(&loaded)) };
    assert_eq!((one.code, one.place().unwrap().to_string().as_str()), (UnknownKey, "inc/vars.yaml:1:1"));
    assert!(one.to_string().contains("`cutover.yaml`"));
}

#[test]
fn ten_mistakes_in_one_run() {
    let loaded = read(
        "cutover: 3
project: p
vars: { a-b: x }
environments: { local: { org: { local: gone.yaml } } }
defaults: { blank: drop }
objects:
  - object: Account
    key: K__c
    source: a.csv
    where: statsu != \"X\"
    operation: delte
    fields: { K__c: id, Name: true, Type: { from: type, ref: Accont }, Ower: { user: owner, match: Mail } }
    ignored: [amount]
",
    );
    let mut codes: Vec<_> = errors(&loaded).iter().map(|d| (d.place().unwrap().line, d.code)).collect();
    codes.sort();
    let expected = [
        (1, WrongValue),
        (3, Variable),
        (4, FileMissing),
        (5, WrongValue),
        (10, UnknownColumn),
        (11, WrongValue),
        (12, WrongValue),
        (12, WrongValue),
        (12, UnknownName),
        (13, UnknownKey),
    ];
    assert_eq!(codes, expected, "{}", shown(&loaded));
}

#[test]
fn columns_that_nothing_uses_are_told_once_and_only_when_all_is_read() {
    let (text, line, column) =
        unmark(&with_load("source: «a.csv\n    ignore: [fax, owner]\n    fields: { K__c: id, Name: name }"));
    let loaded = read(&text);
    assert!(loaded.migration.is_some());
    let [absent, unused] = &loaded.diagnostics[..] else { panic!("{}", shown(&loaded)) };
    let (absent, unused) = if absent.message.contains("fax") { (absent, unused) } else { (unused, absent) };
    assert_eq!((unused.place().unwrap().line, unused.place().unwrap().column), (line, column));
    assert!(unused.message.contains("2 source columns") && unused.message.contains("`type`, `amount`"));
    assert!(!absent.is_error() && absent.message.contains("no such column"));
    let broken = read(&with_load("source: a.csv\n    fields: { K__c: id, Name: nme }"));
    assert_eq!(broken.diagnostics.len(), 1, "{}", shown(&broken));
}

#[test]
fn a_manifest_that_is_not_there_or_not_text() {
    let files = project();
    let loaded = load(&files, "cutover.yaml", None, &|_| None);
    assert_eq!(loaded.diagnostics[0].code, FileMissing);
    files.put("cutover.yaml", b"\xff\xfe");
    let loaded = load(&files, "cutover.yaml", None, &|_| None);
    assert!(loaded.diagnostics[0].message.contains("not UTF-8"));
}

#[test]
fn one_mistake_draws_no_others_after_it() {
    let load = |object: &str, more: &str| {
        format!(
            "  - {{ {object}key: K, source: other.csv, {more}fields: {{ K: id, P: {{ ref: B, from: title }} }} }}\n"
        )
    };
    for text in [
        format!("{HEAD}include: [gone.yaml]\nobjects:\n{}", load("object: A, ", "after: [B], ")),
        format!("{HEAD}objects:\n{}{}", load("object: A, ", ""), load("", "")),
        with_load(
            "source: other.csv\n    lock_by: P\n    fields: { K__c: id, P: { ref: Account, from: titel } }",
        ),
        with_load(
            "source: gone.csv\n    ignore: [x]\n    where: a == \"b\"\n    fields: { K__c: id, P: c | trim }",
        ),
    ] {
        let loaded = read(&text);
        assert_eq!(loaded.diagnostics.len(), 1, "{text}\n{}", shown(&loaded));
    }
}

#[test]
fn a_var_in_braces_without_quotes_is_explained() {
    let loaded = read(&with_field("Name: { value: ${who} }"));
    assert!(loaded.diagnostics[0].to_string().contains("quote it"), "{}", shown(&loaded));
}
