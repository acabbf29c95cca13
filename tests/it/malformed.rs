//! Malformed quotes and line ends: no row stands unseen inside another, and what cannot be read is one rejected row with
//! its lines and its raw text.

use crate::project::{Project, Report, Row};
use std::fmt::Write;

const ORG: &str = "\
objects:
  Account:
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
      U__c: { type: string, length: 255 }
";

const MANIFEST: &str = "\
cutover: 1
project: x
environments: { local: { org: { local: org.yaml } } }
objects:
  - { object: Account, key: K__c, source: rows.csv, fields: { K__c: id, Name: t, U__c: u } }
";

/// A project whose source is this file.
fn project(rows: &str) -> Project {
    Project::of(&[("cutover.yaml", MANIFEST), ("org.yaml", ORG), ("rows.csv", rows)])
}

/// Loads it; some row is rejected.
fn loaded(rows: &str) -> (Project, Report) {
    let project = project(rows);
    let report = project.apply(68);
    (project, report)
}

fn accounts(project: &Project) -> Vec<(String, String, String)> {
    let rows = project.query("SELECT K__c, Name, U__c FROM Account ORDER BY K__c");
    rows.into_iter().map(|r| (r["K__c"].clone(), r["Name"].clone(), r["U__c"].clone())).collect()
}

fn account(key: &str, name: &str, u: &str) -> (String, String, String) {
    (key.to_owned(), name.to_owned(), u.to_owned())
}

/// Lines, code and raw text of each row left out.
fn left(project: &Project) -> Vec<(String, String, String)> {
    let rows: Vec<Row> = project.data_file(1, "Account.left-out", ".csv");
    rows.into_iter().map(|r| (r["_line"].clone(), r["_code"].clone(), r["_raw"].clone())).collect()
}

fn gone(lines: &str, raw: &str) -> (String, String, String) {
    (lines.to_owned(), "CUT0311".to_owned(), raw.to_owned())
}

#[test]
fn a_quote_that_is_never_closed_takes_no_row_along_unseen() {
    let (project, report) = loaded("id,t,u\n1,\"plain\",a\n2,\"never closed,b\n3,\"next\",c\n4,\"last\",d\n");
    assert_eq!(accounts(&project), [account("1", "plain", "a"), account("4", "last", "d")]);
    assert_eq!(
        (report.count("Account", "source"), report.outcomes("Account")),
        (3, "1 rejected, 2 created".into())
    );
    assert_eq!(left(&project), [gone("3–4", "2,\"never closed,b\n3,\"next\",c")]);
    let plan = project.run(&["plan"]).exits(0).out;
    assert!(plan.contains("rows.csv: lines 3–4"), "{plan}");
}

#[test]
fn twenty_stray_quotes_reject_what_they_spoil_and_nothing_else() {
    let mut text = String::from("id,t,u\n");
    for n in 1..=10_000 {
        let open = if n % 500 == 250 { "\"" } else { "" };
        let name = if n % 7 == 0 { format!("\"name, {n}\"") } else { format!("{open}name {n}") };
        writeln!(text, "{n},{name},u").unwrap();
    }
    let (project, report) = loaded(&text);
    let rejected: u64 = left(&project)
        .iter()
        .map(|(lines, _, raw)| {
            let (first, last) = lines.split_once('–').unwrap();
            let lines = last.parse::<u64>().unwrap() - first.parse::<u64>().unwrap() + 1;
            assert_eq!(lines, raw.lines().count() as u64);
            lines
        })
        .sum();
    assert!(rejected < 200, "{rejected}");
    assert_eq!(report.count("Account", "created") + rejected, 10_000, "every line is in a count");
}

#[test]
fn what_stands_behind_a_closing_quote_is_not_joined_to_the_cell() {
    let (project, _) =
        loaded("id,t,u\n1,\"ACME\" Ltd,a\n2,\"say \"\"hi\"\"\",b\n3,\"x\" ,\"two\nlines\"\n4,d,d\n");
    assert_eq!(accounts(&project), [account("2", "say \"hi\"", "b"), account("4", "d", "d")]);
    assert_eq!(left(&project), [gone("2", "1,\"ACME\" Ltd,a"), gone("4–5", "3,\"x\" ,\"two\nlines\"")]);
}

#[test]
fn quotes_that_should_be_doubled_reject_their_own_row() {
    let text = "id,t,u\n1,\"say \"hi\" now\",a\n2,\"12\" pipe\nsecond line, too\",b\n3,c,c\n";
    let (project, _) = loaded(text);
    assert_eq!(accounts(&project), [account("3", "c", "c")]);
    let raw = "2,\"12\" pipe\nsecond line, too\",b";
    assert_eq!(left(&project), [gone("2", "1,\"say \"hi\" now\",a"), gone("3–4", raw)]);
}

#[test]
fn a_bare_carriage_return_rejects_its_row() {
    let (project, _) = loaded("id,t,u\r\n1,half\ra value,a\r\n2,\"whole\ra value\",b\r\n3,c,c\r\n");
    assert_eq!(accounts(&project), [account("2", "whole\na value", "b"), account("3", "c", "c")]);
    assert_eq!(left(&project), [gone("2", "1,half\ra value,a")]);
}

#[test]
fn a_quote_open_at_the_end_of_a_file_names_its_lines() {
    let (project, _) = loaded("id,t,u\n1,a,a\n2,\"open,b\n3,c,c\n");
    assert_eq!(accounts(&project), [account("1", "a", "a")]);
    let told = left(&project);
    assert_eq!((told[0].0.as_str(), told[0].2.as_str()), ("3–4", "2,\"open,b\n3,c,c"));
}

/// Rows with other faults are told by their lines and their text as well.
#[test]
fn ragged_rows_keep_their_text() {
    let (project, _) = loaded("id,t,u\n1,\"two\nlines\"\n2,b,b\n");
    let told = left(&project);
    assert_eq!(
        (told[0].0.as_str(), told[0].1.as_str(), told[0].2.as_str()),
        ("2–3", "CUT0304", "1,\"two\nlines\"")
    );
}

#[test]
fn quotes_inside_unquoted_cells_are_text_and_are_counted() {
    let project = project("id,t,u\n1,5\" pipe,a\n2,b,b\n3,a \"b\" c,d\"\n");
    let report = project.apply(0);
    let rows = [account("1", "5\" pipe", "a"), account("2", "b", "b"), account("3", "a \"b\" c", "d\"")];
    assert_eq!(accounts(&project), rows);
    assert_eq!(report.count("Account", "quotes"), 2);
    let line = "Account: 2 rows with a quote inside an unquoted cell: taken as text";
    let report = project.run(&["report"]).exits(0).out;
    assert!(report.contains(line), "{report}");
}

#[test]
fn lines_that_end_in_two_ways_are_told() {
    let told = "rows.csv: 2 rows end in LF and 1 in CRLF";
    let mixed = project("id,t,u\n1,a,a\n2,b,b\r\n3,c,c\n");
    let plan = mixed.run(&["plan"]).exits(0).out;
    assert!(plan.contains(told), "{plan}");
    let plan = project("id,t,u\r\n1,\"a\nb\",a\r\n2,b,b\r\n").run(&["plan"]).exits(0).out;
    assert!(!plan.contains("LF"), "{plan}");
}

/// A map file is CSV too.
#[test]
fn a_malformed_map_file_is_refused() {
    let map = "from,to\nC,\"Cust\" omer\nP,\"Prospect\nQ,\"Query\"\n";
    let manifest = MANIFEST.replace("U__c: u", "U__c: { from: u, map_file: map.csv, unmapped: pass }");
    let files = [
        ("cutover.yaml", manifest.as_str()),
        ("org.yaml", ORG),
        ("rows.csv", "id,t,u\n1,a,C\n"),
        ("map.csv", map),
    ];
    let check = Project::of(&files).run(&["check"]).exits(65);
    let said = check.out + &check.err;
    assert!(said.contains("map.csv:2") && said.contains("map.csv:3"), "{said}");
}

#[test]
fn lines_inside_a_cell_with_stray_quotes_are_no_rows() {
    // Quotes in a note of several lines that nobody doubled: `7,gone` looks like a row, and is part of the note.
    for (note, lines) in [
        ("1,\"He said \"hi\", ok\n7,gone,\nDear Bob, thanks\",a\n", "2–4"),
        ("1,\"a \"b\"\n7,c\",a\n", "2–3"),
        ("1,\"a \"b\" c\n7,d \"e\" f,\n8,g\",a\n", "2–4"),
    ] {
        let (project, report) = loaded(&format!("id,t,u\n{note}2,x,b\n"));
        assert_eq!(report.outcomes("Account"), "1 rejected, 1 created", "{note}");
        assert_eq!(accounts(&project), [account("2", "x", "b")], "{note}");
        assert_eq!(left(&project), [gone(lines, note.trim_end())], "{note}");
    }
}

#[test]
fn a_cell_that_may_have_taken_rows_along_is_told() {
    // Legal CSV, so that it loads; but a quote that was never meant to open a cell would read like that.
    let project = project("id,t,u\n1,\"never closed,b\n2,x,y\n3,screen 12\",z\n4,d,d\n5,\"two\nlines\",e\n");
    let plan = project.run(&["plan"]).exits(0);
    let said =
        "rows.csv: 1 rows have a cell with a line that looks like a row of its own, the first at rows.csv:2";
    assert!(plan.out.contains(said), "{}", plan.out);
    assert_eq!(project.apply(0).outcomes("Account"), "3 created");
}
