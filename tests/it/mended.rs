//! What a review by fresh eyes found: rows that point to what goes, two keys of one record, what a refused delete
//! forgot, what is called absent, and consent before anything is written.

use crate::operations::{loaded, manifest};
use crate::project::Project;

/// A manifest of several loads.
fn loads(loads: &[&str]) -> String {
    manifest(&loads.join(" }\n  - { "))
}

const DROP: &str = "name: drop, object: Account, key: Legacy_Id__c, operation: delete, source: drop.csv, fields: { Legacy_Id__c: id }";

/// People of firms, the reference with this word beside it.
fn people(word: &str) -> String {
    format!(
        "name: people, object: Contact, key: Legacy_Id__c, source: people.csv, \
         fields: {{ Legacy_Id__c: id, LastName: name, AccountId: {{ ref: Account, from: account{word} }} }}"
    )
}

/// The firm of each contact.
fn firms(project: &Project) -> Vec<(String, String)> {
    let rows = project.query("SELECT Legacy_Id__c, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c");
    rows.into_iter().map(|r| (r["Legacy_Id__c"].clone(), r["Account.Legacy_Id__c"].clone())).collect()
}

const GOES: &str = "AccountId: its parent is among the records that this manifest deletes";

#[test]
fn nobody_is_given_a_parent_that_the_same_manifest_deletes() {
    for (word, exit, people_come_to) in [
        ("", 68, "2 held, 1 unchanged, 1 created"),
        (", on_missing: reject", 68, "2 rejected, 1 unchanged, 1 created"),
        (", on_missing: blank", 0, "1 unchanged, 2 created, 1 updated"),
        (", fallback: A3", 0, "1 unchanged, 2 created, 1 updated"),
    ] {
        let project = loaded();
        project.write("cutover.yaml", &loads(&[DROP, &people(word)]));
        project.write("drop.csv", "id\nA2\n");
        project.write("people.csv", "id,name,account\nC1,Ada,A1\nC2,Bob,A2\nC3,Cyd,a2\nC4,Dee,A3\n");
        let plan = project.run(&["plan"]).exits(0).out;
        assert_eq!(plan.contains(GOES), exit == 68, "{plan}");
        let report = project.apply(exit);
        assert_eq!(report.outcomes("people"), people_come_to, "{word}");
        assert_eq!(report.outcomes("drop"), "1 deleted");
        let firm = |key: &str| firms(&project).into_iter().find(|(k, _)| k == key).map(|(_, firm)| firm);
        let new = match word {
            "" | ", on_missing: reject" => None,
            ", on_missing: blank" => Some(String::new()),
            _ => Some("A3".to_owned()),
        };
        assert_eq!((firm("C3"), firm("C4")), (new, Some("A3".to_owned())), "{word}");
        if exit == 68 {
            let left = project.data_file(2, "people.left-out", ".csv");
            let told: Vec<_> = left.iter().map(|r| (r["_line"].as_str(), r["_message"].as_str())).collect();
            assert_eq!(told, [("3", GOES), ("4", GOES)], "{word}");
        }
    }
}

/// A fallback that goes too is none; in a hierarchy, what is below the row stays behind with it.
#[test]
fn a_fallback_that_goes_is_none_and_a_hierarchy_stays_behind() {
    let project = loaded();
    project.write("cutover.yaml", &loads(&[&people(", fallback: A2"), DROP]));
    project.write("drop.csv", "id\nA2\n");
    project.write("people.csv", "id,name,account\nC3,Cyd,A2\n");
    assert_eq!(project.apply(68).outcomes("people"), "1 held");

    let project = loaded();
    let tree = "name: tree, object: Account, key: Legacy_Id__c, source: tree.csv, \
                fields: { Legacy_Id__c: id, Name: id, ParentId: { ref: Account, from: parent } }";
    for order in [[tree, DROP], [DROP, tree]] {
        project.write("cutover.yaml", &loads(&order));
        project.write("drop.csv", "id\nA2\nA8\n");
        project.write("tree.csv", "id,parent\nB1,A2\nB2,B1\nB3,A1\nB4,A8\n");
        let outcomes = project.apply(68).outcomes("tree");
        assert!(outcomes.starts_with("3 held, 1 "), "{outcomes}");
        assert_eq!(project.count("Account WHERE Legacy_Id__c LIKE 'B%'"), 1);
    }
}
