//! Rows with one key: which of them counts is judged among all rows after `where`, those that are rejected included.

use crate::project::Project;

const MANIFEST: &str = r#"
cutover: 1
project: copies
environments: { local: { org: { local: org.yaml } } }
objects:
  - object: Account
    key: K__c
    source: a.csv
    where: gone != "x"
    duplicates: POLICY
    fields: { K__c: id, Name: name, AnnualRevenue: amount }
"#;
const ORG: &str = "objects: { Account: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } } }\n";

fn project(policy: &str, rows: &str) -> Project {
    let (manifest, rows) = (MANIFEST.replace("POLICY", policy), format!("id,name,amount,gone\n{rows}"));
    Project::of(&[("cutover.yaml", &*manifest), ("org.yaml", ORG), ("a.csv", &*rows)])
}

fn names(project: &Project) -> Vec<String> {
    let rows = project.query("SELECT K__c, Name FROM Account ORDER BY K__c");
    rows.into_iter().map(|row| format!("{} {}", row["K__c"], row["Name"])).collect()
}

#[test]
fn a_copy_that_is_rejected_stops_as_well() {
    let project = project("stop", "1,Old,5,\n1,New,1 000,\n");
    for command in ["plan", "apply"] {
        let output = project.run(&[command]).exits(65);
        for text in ["CUT0308", "a.csv:2", "a.csv:3"] {
            assert!(output.err.contains(text), "{text} in {}", output.err);
        }
    }
    assert_eq!(project.count("Account"), 0);
    // Two copies, both rejected, are two copies.
    project.write("a.csv", "id,name,amount,gone\n1,Old,5 0,\n1,New,1 000,\n");
    project.run(&["plan"]).exits(65);
    // What `where` leaves out is none.
    project.write("a.csv", "id,name,amount,gone\n1,Old,5,\n1,New,1 000,x\n");
    assert_eq!(project.apply(0).outcomes("Account"), "1 filtered, 1 created");
}

#[test]
fn nothing_goes_of_a_key_whose_winner_is_rejected() {
    let last = project("last", "1,Old,5,\n1,New,1 000,\n2,Two,2,\n");
    assert_eq!(last.apply(68).outcomes("Account"), "1 rejected, 1 duplicate, 1 created");
    assert_eq!(names(&last), ["2 Two"]);
    let left = last.data_file(1, "Account.left-out", ".csv");
    let told: Vec<[&str; 2]> = left.iter().map(|r| [&*r["_outcome"], &*r["_line"]]).collect();
    assert_eq!(told, [["rejected", "3"], ["duplicate", "2"]]);

    let first = project("first", "1,Old,5 0,\n1,New,1000,\n2,Two,2,\n2,Again,2 0,\n");
    assert_eq!(first.apply(68).outcomes("Account"), "2 rejected, 1 duplicate, 1 created");
    assert_eq!(names(&first), ["2 Two"]);

    let reject = project("reject", "1,Old,5,\n1,New,1 000,\n2,Two,2,\n");
    assert_eq!(reject.apply(68).outcomes("Account"), "1 rejected, 1 duplicate, 1 created");
    assert_eq!(names(&reject), ["2 Two"]);
}

#[test]
fn a_record_that_landed_stays_as_it_is_while_its_newest_row_is_rejected() {
    let project = project("last", "1,Old,5,\n");
    project.apply(0);
    project.append("a.csv", "1,Newer,6,\n1,Newest,7 0,\n");
    assert_eq!(project.apply(68).outcomes("Account"), "1 rejected, 2 duplicate");
    assert_eq!(names(&project), ["1 Old"]);
    project.set_line("a.csv", "1,Newest,7 0,", "1,Newest,70,");
    assert_eq!(project.apply(0).outcomes("Account"), "2 duplicate, 1 updated");
    assert_eq!(names(&project), ["1 Newest"]);
}
