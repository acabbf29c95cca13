//! What the manifest lets pass is counted, and what is no longer there is listed: nothing lenient is silent.

use crate::held::good;
use crate::project::Project;

/// A policy of the manifest, counted in the report.
#[test]
fn references_blanked_by_policy_are_counted() {
    let project = good();
    project.replace("cutover.yaml", "from: company }", "from: company, on_missing: blank }");
    project.remove_line("companies.csv", "B,");
    let output = project.run(&["apply"]).exits(0);
    let line = "people: 1 rows with a reference left blank: its parent is nowhere";
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
