//! No record is taken for another: what is known of records by one key says nothing of another key, what was only found
//! is looked for again, and a key that two records have is no record, however it was found.

use crate::operations::{forget, loaded, manifest};
use crate::project::Project;

fn by(key: &str, operation: &str) -> String {
    let phone = if operation == "update" { ", Phone: phone" } else { "" };
    manifest(&format!(
        "name: these, object: Account, key: {key}, operation: {operation}, source: these.csv, \
         duplicates: first, fields: {{ {key}: id{phone} }}"
    ))
}

/// Gives records their `Loose__c`, and forgets all that was learnt by it.
fn name(project: &Project, rows: &str) {
    forget(project);
    let load = "name: names, object: Account, key: Legacy_Id__c, operation: update, source: names.csv, \
                fields: { Legacy_Id__c: id, Loose__c: loose }";
    project.write("cutover.yaml", &manifest(load));
    project.write("names.csv", rows);
    project.apply(0);
    forget(project);
}

fn left(project: &Project) -> Vec<String> {
    let rows = project.query("SELECT Legacy_Id__c FROM Account ORDER BY Legacy_Id__c");
    rows.into_iter().map(|row| row["Legacy_Id__c"].clone()).collect()
}

#[test]
fn the_same_text_in_another_key_field_is_another_record() {
    let project = loaded();
    name(&project, "id,loose\nA1,A2\nA2,A1\nA3,x\n");
    project.write("cutover.yaml", &by("Legacy_Id__c", "update"));
    project.write("these.csv", "id,phone\nA1,11\n");
    project.apply(0);
    project.write("cutover.yaml", &by("Loose__c", "delete"));
    project.write("these.csv", "id\nA1\n");
    for command in ["plan", "apply"] {
        let stopped = project.run(&[command]).exits(81);
        assert!(stopped.err.contains("was found by another key"), "{}", stopped.err);
        assert!(stopped.err.contains("apply --refresh"), "{}", stopped.err);
    }
    assert_eq!(left(&project), ["A1", "A2", "A3"]);
    project.run(&["apply", "--refresh"]).exits(0);
    assert_eq!(left(&project), ["A1", "A3"]);
}

#[test]
fn a_record_that_was_only_found_is_looked_for_again() {
    let project = loaded();
    name(&project, "id,loose\nA1,x\nA2,y\nA3,z\n");
    project.write("cutover.yaml", &by("Loose__c", "delete"));
    project.write("these.csv", "id\nx\nz\n");
    project.run(&["plan"]).exits(0);
    let (known, kept) = (project.path(".cutover/ledger"), project.path("ledger.kept"));
    std::fs::rename(&known, &kept).unwrap();
    // Somebody gives `x` to another record, and `z` to none.
    name(&project, "id,loose\nA1,y\nA2,x\nA3,w\n");
    let _ = std::fs::remove_dir_all(&known);
    std::fs::rename(&kept, &known).unwrap();
    project.write("cutover.yaml", &by("Loose__c", "delete"));
    let report = project.apply(0);
    assert_eq!(report.outcomes("these"), "1 unchanged, 1 deleted");
    assert_eq!(left(&project), ["A1", "A3"]);
}

#[test]
fn a_key_that_two_records_have_is_none_after_a_refresh_either() {
    let project = loaded();
    forget(&project);
    project.write("cutover.yaml", &by("Loose__c", "delete"));
    project.write("these.csv", "id\nsame\n");
    let report = project.run(&["apply", "--refresh"]).exits(68);
    assert!(report.out.contains("1 rejected") || report.err.contains("1 rejected"), "{report:?}");
    assert_eq!(left(&project), ["A1", "A2", "A3"]);
}

/// `A1` and `a1` go in two lists of keys, and each finds the record.
#[test]
fn one_record_that_is_found_twice_is_one() {
    let project = loaded();
    forget(&project);
    let many: String = (0..900).map(|n| format!("Nobody has this key {n},0\n")).collect();
    project.write("cutover.yaml", &by("Legacy_Id__c", "update"));
    project.write("these.csv", &format!("id,phone\nA1,11\n{many}a1,12\n"));
    assert_eq!(project.apply(68).outcomes("these"), "900 rejected, 1 duplicate, 1 updated");
}
