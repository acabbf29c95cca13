//! `first_of` with references anywhere in it: each is passed over while its parent is nowhere, and counts once it lands.

use crate::project::{Project, Row};

const HEAD: &str =
    "cutover: 1\nproject: first\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n";
const ORG: &str = "\
objects:
  Pricebook2:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
    rules:
      - { name: no_refused, when: 'Name == \"Refused\"', message: Refused it is, field: Name }
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
  Offer__c:
    name: text
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Book__c: { type: reference, to: Pricebook2 }
      Any__c: { type: reference, to: [Pricebook2, Account] }
";
const BOOKS: &str = "  - { object: Pricebook2, key: Legacy_Id__c, source: books.csv, fields: { Legacy_Id__c: id, Name: name } }\n";

/// Offers and, behind them in the manifest, books; beside them the org has the book KNOWN.
fn project(field: &str, offers: &str, books: &str) -> Project {
    let known = format!("{HEAD}{BOOKS}");
    let files = [("cutover.yaml", &*known), ("org.yaml", ORG), ("books.csv", "id,name\nKNOWN,Known\n")];
    let project = Project::of(&files);
    project.apply(0);
    for folder in ["ledger", "runs", "state", "data"] {
        std::fs::remove_dir_all(project.path(&format!(".cutover/{folder}"))).unwrap();
    }
    project.write("offers.csv", offers);
    project.write("books.csv", books);
    write(&project, field);
    project
}

fn write(project: &Project, field: &str) {
    let offers = format!(
        "  - {{ object: Offer__c, key: Legacy_Id__c, source: offers.csv, fields: {{ Legacy_Id__c: id, Name: id, {field} }} }}\n"
    );
    project.write("cutover.yaml", &format!("{HEAD}{offers}{BOOKS}"));
}

/// `offer → the key of the record in this column`.
fn told(project: &Project, column: &str) -> Vec<String> {
    let soql = format!("SELECT Legacy_Id__c, {column} FROM Offer__c ORDER BY Legacy_Id__c");
    let line = |row: Row| format!("{} {}", row["Legacy_Id__c"], row[column]);
    project.query(&soql).into_iter().map(line).collect()
}

const BOOK: &str = "Book__r.Legacy_Id__c";

#[test]
fn a_parent_that_is_nowhere_is_passed_over_until_it_lands() {
    let field = "Book__c: { first_of: [ { ref: Pricebook2, from: book }, { from: book_id } ] }";
    let project =
        project(field, "id,book,book_id\nO1,B4,\nO2,B9,ID\nO3,B9,\nO4,,\nO5,b4,ID\n", "id,name\nB4,New\n");
    let known = project.query("SELECT Id FROM Pricebook2 WHERE Name = 'Known'")[0]["Id"].clone();
    for offer in ["O2", "O5"] {
        project.set("offers.csv", offer, "book_id", &known);
    }
    let report = project.apply(68);
    assert_eq!(report.outcomes("Offer__c"), "1 held, 4 created");
    assert_eq!(told(&project, BOOK), ["O1 B4", "O2 KNOWN", "O4 ", "O5 B4"]);
    let left = project.data_file(1, "Offer__c.left-out", ".csv");
    assert_eq!(
        (left[0]["_line"].as_str(), left[0]["_message"].as_str()),
        ("4", "Book__c: its parent has not landed")
    );
    assert_eq!(project.apply(68).jobs(), [], "nothing has changed");

    project.write("books.csv", "id,name\nB4,New\nB9,Late\n");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "3 unchanged, 1 created, 1 updated");
    assert_eq!(told(&project, BOOK), ["O1 B4", "O2 B9", "O3 B9", "O4 ", "O5 B4"]);
    assert_eq!(project.apply(0).jobs(), []);
}

#[test]
fn of_two_parents_the_first_that_is_there_counts_and_a_refused_one_is_not() {
    let field = "Book__c: { first_of: [ { ref: Pricebook2, from: new }, { ref: Pricebook2, from: old } ] }";
    let offers = "id,new,old\nO1,B1,B2\nO2,B9,B2\nO3,BAD,B2\nO4,BAD,B9\nO5,,KNOWN\nO6,KNOWN,B1\n";
    let project = project(field, offers, "id,name\nB1,One\nB2,Two\nBAD,Refused\n");
    let plan = project.run(&["plan"]).exits(0).out;
    let at = |name: &str| plan.find(name).unwrap_or_else(|| panic!("{name}: {plan}"));
    assert!(at("Pricebook2: upsert") < at("Offer__c: upsert"), "{plan}");
    let report = project.apply(68);
    assert_eq!(
        (report.count("Pricebook2", "failed"), report.outcomes("Offer__c")),
        (1, "1 held, 5 created".into())
    );
    assert_eq!(told(&project, BOOK), ["O1 B1", "O2 B2", "O3 B2", "O5 KNOWN", "O6 KNOWN"]);
    // The refused one goes again, and what would point to it.
    assert_eq!(project.apply(68).outcomes("Offer__c"), "1 held, 4 unchanged, 1 updated");

    project.set("books.csv", "BAD", "name", "Good");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "4 unchanged, 1 created, 1 updated");
    assert_eq!(told(&project, BOOK)[2..4], ["O3 BAD", "O4 BAD"]);
    assert_eq!(project.apply(0).jobs(), []);
    // What stands behind the one that is taken changes nothing, until it is taken itself.
    project.set("offers.csv", "O6", "old", "B2");
    assert_eq!(project.apply(0).jobs(), []);
    project.set("offers.csv", "O6", "new", "");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "5 unchanged, 1 updated");
    assert_eq!(told(&project, BOOK)[5], "O6 B2");
}

#[test]
fn the_fallback_is_looked_for_when_none_of_them_is_there() {
    let list = "first_of: [ { ref: Pricebook2, from: new }, { lookup: Account, match: { Name: firm } } ]";
    let field = format!("Any__c: {{ {list}, fallback: KNOWN }}");
    let offers = "id,new,firm\nO1,B1,Nobody\nO2,B9,Nobody\nO3,B9,\nO4,,Nobody\nO5,,\n";
    let project = project(&field, offers, "id,name\nB1,One\n");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "5 created");
    assert_eq!(told(&project, "Any__r.Name"), ["O1 One", "O2 Known", "O3 Known", "O4 Known", "O5 "]);
    assert_eq!(project.apply(0).jobs(), []);
    project.write("books.csv", "id,name\nB1,One\nB9,Late\n");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "3 unchanged, 2 updated");
    assert_eq!(told(&project, "Any__r.Name")[1..3], ["O2 Late", "O3 Late"]);
    assert_eq!(project.apply(0).jobs(), []);

    // A fallback that is nowhere either.
    write(&project, &field.replace("KNOWN", "NOBODY"));
    assert_eq!(project.apply(68).outcomes("Offer__c"), "1 held, 4 unchanged");
    for (policy, outcomes) in [("reject", "2 rejected, 3 unchanged"), ("blank", "4 unchanged, 1 updated")] {
        project.set("offers.csv", "O3", "new", if policy == "reject" { "GONE" } else { "B9" });
        write(&project, &format!("Any__c: {{ {list}, on_missing: {policy} }}"));
        let exit = if policy == "reject" { 68 } else { 0 };
        assert_eq!(project.apply(exit).outcomes("Offer__c"), outcomes, "{policy}");
    }
}

/// Accounts below other accounts, each by the first of two.
const TREE: &str = "  - { object: Account, key: Legacy_Id__c, source: firms.csv, fields: { Legacy_Id__c: id, Name: id, ParentId: { first_of: [ { ref: Account, from: a }, { ref: Account, from: b } ] } } }\n";

#[test]
fn levels_follow_the_parent_that_counts() {
    let manifest = format!("{HEAD}{TREE}");
    let firms = "id,a,b\nF5,F4,F1\nF4,F9,F3\nF3,,F2\nF2,F1,\nF1,,\nF6,F9,F8\n";
    let project = Project::of(&[("cutover.yaml", &*manifest), ("org.yaml", ORG), ("firms.csv", firms)]);
    let parents = |project: &Project| -> Vec<String> {
        let rows =
            project.query("SELECT Legacy_Id__c, Parent.Legacy_Id__c FROM Account ORDER BY Legacy_Id__c");
        rows.into_iter().map(|r| format!("{} {}", r["Legacy_Id__c"], r["Parent.Legacy_Id__c"])).collect()
    };
    assert_eq!(project.apply(68).outcomes("Account"), "1 held, 5 created");
    assert_eq!(parents(&project), ["F1 ", "F2 F1", "F3 F2", "F4 F3", "F5 F4"]);
    assert_eq!(project.apply(68).jobs(), []);
    // F7 and F8 name each other, but F7 has a parent that is there: no loop.
    project.append("firms.csv", "F7,F1,F8\nF8,F7,\n");
    assert_eq!(project.apply(0).outcomes("Account"), "5 unchanged, 3 created");
    assert_eq!(parents(&project)[5..], ["F6 F8", "F7 F1", "F8 F7"]);
    assert_eq!(project.apply(0).jobs(), []);
    // The same where that parent is as new as they are.
    project.append("firms.csv", "G1,,\nG2,G1,G3\nG3,G2,\n");
    assert_eq!(project.apply(0).outcomes("Account"), "8 unchanged, 3 created");
    assert_eq!(parents(&project)[8..], ["G1 ", "G2 G1", "G3 G2"]);
    project.append("firms.csv", "F9,,F1\n");
    assert_eq!(project.apply(0).outcomes("Account"), "9 unchanged, 1 created, 2 updated");
    assert_eq!(parents(&project)[3], "F4 F9");
}
