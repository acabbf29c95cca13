//! An older copy of the state folder, put back: what was loaded since is in the org, and the ledger knows nothing of it.

use crate::project::Project;
use std::path::Path;

const MANIFEST: &str = "\
cutover: 1
project: x
environments: { local: { org: { local: org.yaml } } }
objects:
  - object: Visit__c
    key: K__c
    operation: insert
    source: visits.csv
    fields: { K__c: id, Name: name }
";
const ORG: &str = "\
objects:
  Visit__c:
    label: Visit
    fields:
      K__c: { type: string, length: 20, external_id: true }
";

/// Copies the state folder, but not the org that lies in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "local" => {}
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}

/// Removes all of the state folder but the org.
fn clear(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "local" => {}
            true => std::fs::remove_dir_all(entry.path()).unwrap(),
            false => std::fs::remove_file(entry.path()).unwrap(),
        }
    }
}

#[test]
fn an_older_copy_of_the_state_doubles_no_insert() {
    let files = [("cutover.yaml", MANIFEST), ("org.yaml", ORG), ("visits.csv", "id,name\nV1,One\nV2,Two\n")];
    let project = Project::of(&files);
    project.apply(0);
    let (state, kept) = (project.path(".cutover"), project.path("kept"));
    copy(&state, &kept);
    project.append("visits.csv", "V3,Three\nV4,Four\n");
    assert_eq!(project.apply(0).total("created"), 2);
    assert_eq!(project.count("Visit__c"), 4);
    clear(&state);
    copy(&kept, &state);
    let stopped = project.run(&["apply"]).exits(81);
    let said = stopped.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("2 of the rows to be inserted") && said.contains("older copy"), "{said}");
    assert_eq!(project.count("Visit__c"), 4, "nothing was doubled");
    project.apply_with(&["--refresh"], 0);
    assert_eq!(project.count("Visit__c"), 4);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
}
