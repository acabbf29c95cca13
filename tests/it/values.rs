//! Values change only where the manifest says so: numbers, blanks, lengths and decimals, by jobs and by calls alike.

use crate::project::{Project, Row};

const ORG: &str = "\
objects:
  Account:
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
      N__c: { type: double, precision: 18, scale: 2 }
      I__c: { type: int }
      T__c: { type: string, length: 10 }
      D__c: { type: date }
      M__c: { type: datetime }
      B__c: { type: boolean }
      P__c: { type: picklist, length: 40 }
";

/// A project that fills one field from the column `v`, with these words on the load.
fn project(field: &str, load: &str, values: &[&str]) -> Project {
    let manifest = format!(
        "cutover: 1\nproject: x\nenvironments: {{ local: {{ org: {{ local: org.yaml }} }} }}\nobjects:\n  \
         - {{ object: Account, key: K__c, source: rows.csv, {load}fields: {{ K__c: id, Name: id, {field} }} }}\n"
    );
    let project = Project::of(&[("cutover.yaml", &manifest), ("org.yaml", ORG)]);
    source(&project, values);
    project
}

fn source(project: &Project, values: &[&str]) {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["id", "v"]).unwrap();
    for (at, value) in values.iter().enumerate() {
        csv.write_record([&at.to_string(), *value]).unwrap();
    }
    project.write("rows.csv", &String::from_utf8(csv.into_inner().unwrap()).unwrap());
}

/// What the org has in a field, by row; `!` where it has no record.
fn values(project: &Project, field: &str, rows: usize) -> Vec<String> {
    let found: Vec<Row> = project.query(&format!("SELECT K__c, {field} FROM Account"));
    let one = |at: usize| found.iter().find(|r| r["K__c"] == at.to_string()).map(|r| r[field].clone());
    (0..rows).map(|at| one(at).unwrap_or_else(|| "!".into())).collect()
}

/// What becomes of values in a field.
fn comes_to(field: &str, expression: &str, pairs: &[(&str, &str)]) {
    let given: Vec<&str> = pairs.iter().map(|(given, _)| *given).collect();
    let project = project(&format!("{field}: '{expression}'"), "", &given);
    let code = if pairs.iter().any(|(_, there)| *there == "!") { 68 } else { 0 };
    project.apply(code);
    let there = values(&project, field, given.len());
    let expected: Vec<&str> = pairs.iter().map(|(_, there)| *there).collect();
    let same = |(a, b): (&String, &&str)| a == b || number(a).is_some_and(|a| Some(a) == number(b));
    assert!(
        there.iter().zip(&expected).all(same),
        "{given:?} by `{expression}`: {there:?}, not {expected:?}"
    );
}

/// Orgs write numbers in several ways.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[test]
fn thousands_marks_stand_only_where_groups_allow_it() {
    comes_to(
        "N__c",
        "v | number(thousands=\",\")",
        &[
            ("1,12", "!"),
            ("3975,35", "!"),
            ("1,2,3", "!"),
            ("1,234", "1234"),
            ("12,34,567", "1234567"),
            ("1,234,567.5", "1234567.5"),
            ("1234567", "1234567"),
            (",234", "!"),
            ("1,,234", "!"),
            ("1,234,", "!"),
            ("1.234,567", "!"),
            ("1234,567", "!"),
            ("-1,234", "-1234"),
        ],
    );
    comes_to(
        "N__c",
        "v | number(thousands=\".\", decimal=\",\")",
        &[("39.75", "!"), ("1.234,5", "1234.5"), ("3975,35", "3975.35"), ("1,234.567", "!")],
    );
}

#[test]
fn exponents_and_currency_signs_are_read() {
    comes_to(
        "N__c",
        "v",
        &[("8.0E7", "80000000"), ("1.5e-1", "0.15"), ("9.12260031E+8", "912260031"), ("E7", "!")],
    );
    comes_to("I__c", "v", &[("8.0E3", "8000"), ("1.5E0", "!"), (" 7 ", "7"), ("\u{a0}7", "7")]);
    comes_to("N__c", "v | number", &[("8.0E7", "80000000"), (" 5 ", "5"), ("\u{a0}6\t", "6")]);
    comes_to(
        "N__c",
        "v | number(thousands=\".\", decimal=\",\", currency=\"€\")",
        &[
            ("€1.234,50", "1234.5"),
            ("1.234,50 €", "1234.5"),
            ("-€5", "-5"),
            ("€ -5", "-5"),
            ("5", "5"),
            ("€5€", "!"),
            ("$5", "!"),
        ],
    );
}

#[test]
fn space_at_both_ends_of_what_is_no_text_does_not_count() {
    comes_to("D__c", "v", &[(" 2024-01-31 ", "2024-01-31"), ("2024-01-31\u{a0}", "2024-01-31")]);
    comes_to("D__c", "v | date(\"%d/%m/%Y\")", &[(" 31/01/2024 ", "2024-01-31")]);
    comes_to("B__c", "v", &[(" yes ", "true"), ("no\u{3000}", "false")]);
    comes_to("B__c", "v | bool", &[(" yes ", "true")]);
    let time = "2024-01-31T10:00:00.000Z";
    comes_to("M__c", "v", &[(" 2024-01-31T10:00:00Z ", time)]);
    comes_to("M__c", "v | datetime(zone=\"UTC\")", &[(" 2024-01-31T10:00:00 ", time)]);
    comes_to("T__c", "v", &[(" text ", " text ")]);
}

const BLANKS: [&str; 6] = ["   ", "\t", "\u{a0}", "\u{3000} ", "\n", " x "];

#[test]
fn white_space_alone_is_blank_by_jobs_and_by_calls() {
    for api in ["bulk", "auto"] {
        let clear = project("T__c: { from: v, blank: clear }", &format!("api: {api}, "), &["old"; 6]);
        clear.apply(0);
        source(&clear, &BLANKS);
        clear.apply(0);
        assert_eq!(values(&clear, "T__c", 6), ["", "", "", "", "", " x "], "{api}");
        let keep = project("T__c: v", &format!("api: {api}, "), &["old"; 6]);
        keep.apply(0);
        source(&keep, &BLANKS);
        keep.apply(0);
        assert_eq!(values(&keep, "T__c", 6), ["old", "old", "old", "old", "old", " x "], "{api}");
        let instead = project("T__c: { from: v, default: none }", &format!("api: {api}, "), &BLANKS);
        instead.apply(0);
        assert_eq!(values(&instead, "T__c", 6), ["none", "none", "none", "none", "none", " x "], "{api}");
    }
    comes_to("T__c", "v | default(\"none\")", &[("  ", "none"), ("\u{a0}", "none")]);
    comes_to("T__c", "\"some\" if v else \"none\"", &[("  ", "none"), ("x", "some")]);
    comes_to("T__c", "\"none\" if v is blank else \"some\"", &[("  ", "none"), ("x", "some")]);
    comes_to("T__c", "v ~ \" \" ~ v", &[("  ", ""), ("x", "x x")]);
}

#[test]
fn a_line_break_is_one_character_as_it_is_sent() {
    let cut = project(
        "T__c: { from: v, too_long: truncate }",
        "",
        &["12345\r\n7890", "12345\r\n78901", "1\r2\r\n\n4"],
    );
    let report = cut.apply(0);
    assert_eq!(values(&cut, "T__c", 3), ["12345\n7890", "12345\n7890", "1\n2\n\n4"]);
    assert_eq!(report.count("Account", "truncated"), 1);
    comes_to("T__c", "v", &[("12345\r\n7890", "12345\n7890"), ("12345\r\n78901", "!")]);
}

#[test]
fn truncate_counts_as_the_field_does() {
    comes_to(
        "T__c",
        "v | truncate(10)",
        &[
            ("12345678901", "1234567890"),
            (
                "\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}",
                "\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}",
            ),
            ("123456789\u{1f600}", "123456789"),
            ("12345\r\n78901", "12345\n7890"),
        ],
    );
}

#[test]
fn a_year_that_the_org_does_not_take_is_told_as_that() {
    let project = project(
        "M__c: v",
        "",
        &["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "1066-10-14T09:00:00Z"],
    );
    project.apply(68);
    for row in project.data_file(1, "Account.left-out", ".csv") {
        assert_eq!(row["_message"], "M__c: `v`: the year is not between 1700 and 4000", "{}", row["v"]);
    }
}

#[test]
fn the_length_of_a_picklist_is_not_that_of_its_values() {
    let long = "Aerospace, defence and the making of parts for both (62 signs)";
    assert_eq!(long.len(), 62);
    let project = project("P__c: { from: v, too_long: truncate }", "", &[long]);
    let report = project.apply(0);
    assert_eq!(
        (values(&project, "P__c", 1), report.count("Account", "truncated")),
        (vec![long.to_owned()], 0)
    );
}

#[test]
fn amounts_too_fine_for_the_field_are_rounded_or_rejected_as_the_manifest_says() {
    let given = ["1.005", "2.50", "3.1000"];
    let rounds = project("N__c: { from: v, too_precise: round }", "too_precise: reject, ", &given);
    assert_eq!(rounds.apply(0).count("Account", "rounded"), 1);
    let there: Vec<_> = values(&rounds, "N__c", 3).iter().map(|value| number(value)).collect();
    assert_eq!(there, [Some(1.01), Some(2.5), Some(3.1)]);
    let rejects = project("N__c: v", "too_precise: reject, ", &given);
    assert_eq!(rejects.apply(68).outcomes("Account"), "1 rejected, 2 created");
    let left = rejects.data_file(1, "Account.left-out", ".csv");
    let told =
        "N__c: `v`: the number has more than 2 digits behind the point; `too_precise: round` would round it";
    assert_eq!(left[0]["_message"], told);
}
