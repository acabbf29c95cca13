//! `check` says everything that is wrong at once, with places, to people and to machines, and asks no org for it.

use crate::project::Project;
use insta::assert_snapshot;

/// Ten mistakes of ten kinds; each line that has one says so.
const MANIFEST: &str = r#"cutover: 1
project: mistakes
environments: { local: { org: { local: org.yaml } } }
objcts: []
objects:
  - name: accounts
    object: Account
    key: Legacy_Id__c
    source: accounts.csv
    duplicates: ignore
    where: stats == "open"
    fields:
      Legacy_Id__c: id
      Description: name | squsih
      AnnualRevenue: amount * 2
      NumberOfEmployees: 5
      ParentId: { ref: Acount, from: parent }
      Industry: { from: name, fallback: Other }
      Site: name |
  - name: people
    object: Contact
    key: Legacy_Id__c
    source: gone.csv
    fields: { Legacy_Id__c: id }
"#;

/// Code, line and column of each, in the order of the file.
const EXPECTED: [(&str, u64, u64); 10] = [
    ("CUT0104", 4, 1),
    ("CUT0105", 10, 17),
    ("CUT0202", 11, 12),
    ("CUT0203", 14, 27),
    ("CUT0206", 15, 22),
    ("CUT0105", 16, 26),
    ("CUT0113", 17, 24),
    ("CUT0109", 18, 31),
    ("CUT0201", 19, 19),
    ("CUT0301", 23, 13),
];

fn mistakes() -> Project {
    Project::of(&[
        ("cutover.yaml", MANIFEST),
        ("org.yaml", "{}\n"),
        ("accounts.csv", "id,name,amount,parent\n1,Ada,5,\n"),
    ])
}

#[test]
fn ten_mistakes_are_told_in_one_run() {
    let project = mistakes();
    let output = project.run(&["check"]).exits(65);
    assert_eq!(output.out, "", "talk goes to stderr");
    for (code, line, column) in EXPECTED {
        let place = format!("[cutover.yaml:{line}:{column}]");
        assert!(output.err.contains(code) && output.err.contains(&place), "{code} {place} in {}", output.err);
    }
    assert_eq!(output.err.matches("error[").count(), 10, "{}", output.err);
    assert!(output.err.ends_with("10 errors, 0 warnings\n"), "{}", output.err);
    assert_snapshot!("check_errors", output.err);
}

#[test]
fn the_same_ten_as_json() {
    let project = mistakes();
    let output = project.run(&["check", "--json"]).exits(65);
    assert_eq!(output.err, "");
    let json = output.json();
    assert_eq!((&json["schema"], &json["exit"]), (&"cutover.check/1".into(), &65.into()));
    let list = json["diagnostics"].as_array().unwrap();
    let found: Vec<_> = list
        .iter()
        .map(|d| {
            let number = |name: &str| d[name].as_u64().unwrap();
            (d["code"].as_str().unwrap(), number("line"), number("column"))
        })
        .collect();
    assert_eq!(found, EXPECTED);
    for one in list {
        assert_eq!((&one["file"], &one["severity"]), (&"cutover.yaml".into(), &"error".into()));
        assert!(!one["message"].as_str().unwrap().is_empty());
    }
}

#[test]
fn plan_and_apply_tell_the_same_and_make_no_state() {
    let project = mistakes();
    let checked = project.run(&["check"]).exits(65).err;
    for command in ["plan", "apply"] {
        let said = project.run(&[command]).exits(65).err;
        assert_eq!(Some(said.trim()), checked.trim().strip_suffix("\n10 errors, 0 warnings").map(str::trim));
    }
    assert!(!project.path(".cutover").exists());
}

#[test]
fn files_are_named_as_the_user_would_type_them() {
    let project = mistakes();
    std::fs::create_dir(project.path("elsewhere")).unwrap();
    let mut command = project.command(&["check", "..", "--json"]);
    command.current_dir(project.path("elsewhere"));
    let json = crate::project::finished(command).exits(65).json();
    assert_eq!(json["diagnostics"][0]["file"], "../cutover.yaml");
}

#[test]
fn a_column_that_nobody_maps_is_a_warning_and_no_error() {
    let project = Project::example("quickstart");
    project.replace("cutover.yaml", "Phone: phone, ", "");
    let output = project.run(&["check", "--json"]).exits(0);
    let json = output.json();
    assert_eq!(json["diagnostics"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(
        (&json["diagnostics"][0]["code"], &json["diagnostics"][0]["severity"]),
        (&"CUT0303".into(), &"warning".into())
    );
    assert!(project.run(&["check"]).exits(0).err.ends_with("2 loads, no errors, 1 warning\n"));
    project.apply(0);
}
