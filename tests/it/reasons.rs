//! Why rows were not loaded, as the report says it: by reason, with the first of the rows, and without their values.

use crate::project::Project;
use std::fmt::Write;

const MANIFEST: &str = "\
cutover: 1
project: reasons
environments: { local: { org: { local: org.yaml } } }
objects:
  - { object: Account, key: K__c, source: '*.csv', part_rows: 1, fields: { K__c: id, Name: name, Phone: phone, Site: site } }
";

/// An org that refuses names for as many reasons.
fn org(reasons: usize) -> String {
    let mut org = String::from(
        "objects:\n  Account:\n    fields:\n      \
         K__c: { type: string, length: 20, external_id: true, unique: true }\n    rules:\n",
    );
    for n in 0..reasons {
        let rule = format!(
            "name: r{n}, when: 'Name == \"Bad{n}\"', message: Mend reason {n:03} of it, field: Phone"
        );
        writeln!(org, "      - {{ {rule} }}").unwrap();
    }
    org
}

fn project(org: &str, files: &[(&str, &str)]) -> Project {
    let project = Project::of(&[("cutover.yaml", MANIFEST), ("org.yaml", org)]);
    files.iter().for_each(|(name, rows)| project.write(name, &format!("id,name,phone,site\n{rows}")));
    project
}

#[test]
fn the_orgs_words_stand_with_their_field_and_first_line() {
    let files =
        [("a.csv", "A1,Good,1,x\nA2,Bad0,2,x\nA3,Bad0,3,x\n"), ("b.csv", "B1,Bad0,4,x\nB2,Bad1,5,x\n")];
    let project = project(&org(2), &files);
    project.apply(68);
    for command in ["report", "status"] {
        let told = project.run(&[command]).exits(0).out;
        let first = "Account: 3 failed: FIELD_CUSTOM_VALIDATION_EXCEPTION Phone: Mend reason 000 of it, first at a.csv:3";
        let second = "Account: 1 failed: FIELD_CUSTOM_VALIDATION_EXCEPTION Phone: Mend reason 001 of it, first at b.csv:3";
        assert!(told.contains(first) && told.contains(second), "{told}");
    }
}

#[test]
fn reasons_beyond_the_shown_are_counted() {
    let rows: String = (0..25).map(|n| format!("A{n},Bad{n},1,x\n")).collect();
    let project = project(&org(25), &[("a.csv", &rows)]);
    project.apply(68);
    let told = project.run(&["report"]).exits(0).out;
    assert_eq!(told.lines().filter(|line| line.contains(" failed: ")).count(), 20, "{told}");
    assert!(told.contains("… and 5 more reasons, of 5 rows: see the files of the run"), "{told}");
}

/// What the org says of a row may repeat its values.
#[test]
fn the_orgs_words_are_told_without_the_rows_values() {
    let rule = "      - { name: r, when: 'Phone == \"+49 171 5550123\"', message: 'No PHONE +49 171 5550123 for Secretsmith of hidden place', field: Phone }\n";
    let project = project(&(org(0) + rule), &[("a.csv", "A1,Secretsmith,+49 171 5550123,Hidden Place\n")]);
    project.apply(68);
    let told = project.run(&["report"]).exits(0).out;
    assert!(
        told.contains("FIELD_CUSTOM_VALIDATION_EXCEPTION Phone: No PHONE … for … of …, first at a.csv:2"),
        "{told}"
    );
}
