//! What stands in for what is not there: fallbacks of a load's own rows, alternatives, users of a map, kinds that are not
//! listed; and hierarchies that are deeper than their levels.

use crate::project::Project;

const HEAD: &str =
    "cutover: 1\nproject: stand_ins\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n";
const ORG: &str = "\
objects:
  Account:
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
      Number__c: { type: double, precision: 10 }
  Pricebook2:
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
  Part__c:
    name: text
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
      Any__c: { type: reference, to: [Account, Pricebook2] }
users:
  - { username: ada@acme.example, email: ada@acme.example, name: Ada, active: true }
  - { username: old@acme.example, email: old@acme.example, name: Old, active: false }
";

fn account(fields: &str) -> String {
    format!(
        "{HEAD}  - {{ object: Account, key: K__c, source: a.csv, fields: {{ K__c: id, Name: id, {fields} }} }}\n"
    )
}

/// Accounts, and parts with this field.
fn parts(field: &str) -> String {
    let accounts = "  - { object: Account, key: K__c, source: p.csv, fields: { K__c: id, Name: id } }\n";
    format!(
        "{HEAD}{accounts}  - {{ object: Part__c, key: K__c, source: a.csv, fields: {{ K__c: id, Name: id, {field} }} }}\n"
    )
}

fn project(fields: &str, rows: &str) -> Project {
    Project::of(&[("cutover.yaml", &*account(fields)), ("org.yaml", ORG), ("a.csv", rows)])
}

/// `account → what stands in this column`.
fn told(project: &Project, column: &str) -> Vec<String> {
    let soql = format!("SELECT K__c, {column} FROM Account ORDER BY K__c");
    project.query(&soql).into_iter().map(|row| format!("{} {}", row["K__c"], row[column])).collect()
}

#[test]
fn a_fallback_in_the_loads_own_rows_is_there_in_the_same_run() {
    let project =
        project("ParentId: { ref: Account, from: p, fallback: ROOT }", "id,p\nA1,X1\nA2,A1\nA3,X2\nROOT,\n");
    assert_eq!(project.apply(0).outcomes("Account"), "4 created");
    assert_eq!(told(&project, "Parent.K__c"), ["A1 ROOT", "A2 A1", "A3 ROOT", "ROOT "]);
    assert_eq!(project.apply(0).jobs(), []);
    project.append("a.csv", "X1,\n");
    assert_eq!(project.apply(0).outcomes("Account"), "3 unchanged, 1 created, 1 updated");
    assert_eq!(told(&project, "Parent.K__c")[0], "A1 X1");
}

#[test]
fn no_record_stands_in_for_its_own_parent() {
    let project = project("ParentId: { ref: Account, from: p, fallback: ROOT }", "id,p\nA1,X1\nROOT,X9\n");
    assert_eq!(project.apply(68).outcomes("Account"), "2 held");
    project.write("a.csv", "id,p\nA1,X1\nROOT,\n");
    assert_eq!(project.apply(0).outcomes("Account"), "2 created");
    project.write("a.csv", "id,p\nA1,X1\nROOT,X9\n");
    assert_eq!(project.apply(68).outcomes("Account"), "1 held, 1 unchanged");
}

#[test]
fn an_alternative_that_fails_is_nothing_to_those_before_it() {
    let field = "Number__c: { first_of: [ { from: a }, { from: 'b | number' } ] }";
    let project = project(field, "id,a,b\nA1,1,x y\nA2,,2\nA3,,x y\n");
    assert_eq!(project.apply(68).outcomes("Account"), "1 rejected, 2 created");
    assert_eq!(told(&project, "Number__c"), ["A1 1.0", "A2 2.0"]);
    let left = project.data_file(1, "Account.left-out", ".csv");
    assert_eq!((left[0]["_code"].as_str(), left[0]["_line"].as_str()), ("CUT0306", "4"));
    assert!(!left[0]["_message"].contains("x y"), "{left:?}");
}

#[test]
fn an_alternative_that_fails_behind_a_reference_is_passed_over() {
    // Two price books of one name: whoever looks for it finds no one record.
    let books = format!(
        "{HEAD}  - {{ object: Pricebook2, key: K__c, source: b.csv, fields: {{ K__c: id, Name: '\"Twin\"' }} }}\n"
    );
    let files = [("cutover.yaml", &*books), ("org.yaml", ORG), ("b.csv", "id\nB1\nB2\n")];
    let project = Project::of(&files);
    project.apply(0);
    let list = "{ first_of: [ { ref: Account, from: p }, { lookup: Pricebook2, match: { Name: n } } ] }";
    project.write("cutover.yaml", &parts(&format!("Any__c: {list}")));
    project.write("p.csv", "id\nP1\n");
    project.write("a.csv", "id,p,n\nO1,P1,Twin\nO2,P9,Twin\nO3,,Twin\n");
    assert_eq!(project.apply(68).outcomes("Part__c"), "1 rejected, 1 held, 1 created");
    let rows = project.query("SELECT K__c, Any__r.Name FROM Part__c");
    assert_eq!((rows[0]["K__c"].as_str(), rows[0]["Any__r.Name"].as_str()), ("O1", "P1"));

    // What stands behind it is looked for all the same, and so is the fallback.
    let behind = list.replace(" ] }", ", { ref: Account, from: q } ], on_missing: reject }");
    project.write("cutover.yaml", &parts(&format!("Any__c: {behind}")));
    project.write("p.csv", "id\nP1\nP2\n");
    project.write("a.csv", "id,p,n,q\nO2,P9,Twin,P2\n");
    assert_eq!(project.apply(0).outcomes("Part__c"), "1 created");
    project.write("cutover.yaml", &parts(&format!("Any__c: {}", list.replace(" ] }", " ], fallback: P1 }"))));
    assert_eq!(project.apply(0).outcomes("Part__c"), "1 updated");
    let rows = project.query("SELECT Any__r.Name FROM Part__c WHERE K__c = 'O2'");
    assert_eq!(rows[0]["Any__r.Name"], "P1");
}

#[test]
fn a_default_beside_a_list_is_a_key_of_the_first_object() {
    let list =
        "first_of: [ { ref: { A: Account, B: Pricebook2 }, type: t, from: p }, { ref: Account, from: q } ]";
    let project = Project::of(&[
        ("cutover.yaml", &*parts(&format!("Any__c: {{ {list}, default: P1 }}"))),
        ("org.yaml", ORG),
        ("p.csv", "id\nP1\n"),
        ("a.csv", "id,t,p,q\nO1,,,\nO2,B,,\n"),
    ]);
    let books = "  - { object: Pricebook2, key: K__c, source: b.csv, fields: { K__c: id, Name: id } }\n";
    project.write("cutover.yaml", &(project.read("cutover.yaml") + books));
    project.write("b.csv", "id\nB1\n");
    assert_eq!(project.apply(0).outcomes("Part__c"), "2 created");
    let rows = project.query("SELECT Any__r.Name FROM Part__c");
    assert!(rows.iter().all(|row| row["Any__r.Name"] == "P1"), "{rows:?}");
}

#[test]
fn a_user_of_a_map_who_is_not_there_takes_the_fallback() {
    let field = "OwnerId: { user: rep, match: Email, map_file: reps.csv, fallback: ada@acme.example, inactive: fallback }";
    let project = project(field, "id,rep\nA1,1\nA2,2\nA3,3\n");
    project.write("reps.csv", "from,to\n1,ada@acme.example\n2,old@acme.example\n3,gone@acme.example\n");
    let plan = project.run(&["plan"]).exits(0);
    assert!(plan.err.contains("old@acme.example` and 1 more"), "{}", plan.err);
    assert_eq!(project.apply(0).outcomes("Account"), "3 created");
    assert_eq!(
        told(&project, "Owner.Email"),
        ["A1 ada@acme.example", "A2 ada@acme.example", "A3 ada@acme.example"]
    );
    // Without one it stays a mistake of the map.
    project.write(
        "cutover.yaml",
        &account(&field.replace("fallback: ada@acme.example, inactive: fallback", "inactive: reject")),
    );
    project.run(&["plan"]).exits(65);
}

#[test]
fn a_kind_that_is_not_listed_is_blank_where_the_manifest_says_so() {
    let field = |more: &str| format!("Any__c: {{ ref: {{ A: Account }}, type: kind, from: p{more} }}");
    let project = Project::of(&[
        ("cutover.yaml", &*parts(&field(", on_missing: blank"))),
        ("org.yaml", ORG),
        ("p.csv", "id\nP1\n"),
        ("a.csv", "id,kind,p\nO1,A,P1\nO2,L,P1\nO3,,P1\n"),
    ]);
    assert_eq!(project.apply(68).outcomes("Part__c"), "2 rejected, 1 created");
    project.write("cutover.yaml", &parts(&field(", other: blank")));
    assert_eq!(project.apply(0).outcomes("Part__c"), "1 unchanged, 2 created");
    let rows = project.query("SELECT K__c, Any__r.Name FROM Part__c ORDER BY K__c");
    assert_eq!(rows.iter().map(|r| r["Any__r.Name"].as_str()).collect::<Vec<_>>(), ["P1", "", ""]);
}

#[test]
fn a_record_is_looked_up_by_its_id_of_15_or_18_characters() {
    let offers = "  - { object: Part__c, key: K__c, source: o.csv, fields: { K__c: id, Name: id, Any__c: { lookup: Pricebook2, match: { Id: book } } } }\n";
    let books = format!(
        "{HEAD}  - {{ object: Pricebook2, key: K__c, source: b.csv, fields: {{ K__c: id, Name: id }} }}\n"
    );
    let project = Project::of(&[("cutover.yaml", &*books), ("org.yaml", ORG), ("b.csv", "id\nB1\n")]);
    project.apply(0);
    let id = project.query("SELECT Id FROM Pricebook2 WHERE K__c = 'B1'")[0]["Id"].clone();
    project.write("o.csv", &format!("id,book\nO1,{id}\nO2,{}\nO3,{}\n", &id[..15], "01s00000000ZZZZ"));
    project.write("cutover.yaml", &format!("{HEAD}{offers}"));
    assert_eq!(project.apply(68).outcomes("Part__c"), "1 held, 2 created");
    let rows = project.query("SELECT Any__r.Name FROM Part__c ORDER BY K__c");
    assert_eq!(rows.iter().map(|r| r["Any__r.Name"].as_str()).collect::<Vec<_>>(), ["B1", "B1"]);
}

#[test]
fn a_load_under_another_name_still_misses_its_rows() {
    let project = project("Site: s", "id,s\nA1,\nA2,\n");
    project.apply(0);
    let text = project.read("cutover.yaml").replace("object: Account,", "name: firms, object: Account,");
    project.write("cutover.yaml", &text);
    assert_eq!(project.apply(0).count("firms", "absent"), 0);
    project.remove_line("a.csv", "A2");
    assert_eq!(project.apply(0).count("firms", "absent"), 1);
    assert_eq!(project.data_file(3, "firms.absent", ".csv").len(), 1);
}

/// A hierarchy of so many rows, each below the one before.
fn chain(rows: u32) -> String {
    (1..=rows)
        .map(|n| format!("A{n:03},{}\n", if n == 1 { String::new() } else { format!("A{:03}", n - 1) }))
        .collect()
}

#[test]
fn a_hierarchy_goes_by_levels_and_what_is_deeper_by_the_second_pass() {
    let rows = format!("id,p\n{}", chain(60));
    let project = project("ParentId: { ref: Account, from: p }", &rows);
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan["loads"][0]["deferred"], 10);
    let note = "Account: its hierarchy is deeper than 50 levels; 10 rows below them get their parents in a second pass";
    assert!(plan["notes"].as_array().unwrap().iter().any(|n| n == note), "{plan}");
    assert_eq!(project.apply(0).outcomes("Account"), "60 created");
    assert_eq!(project.count("Account WHERE ParentId = null"), 1);
    assert_eq!(project.apply(0).jobs(), []);
}

#[test]
fn a_load_says_how_many_levels_and_a_required_parent_has_as_many_as_there_are() {
    let rows = format!("id,p\n{}", chain(12));
    let levels = |text: &str| text.replace("source: a.csv,", "source: a.csv, levels: 3,");
    let project = project("ParentId: { ref: Account, from: p }", &rows);
    project.write("cutover.yaml", &levels(&project.read("cutover.yaml")));
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(
        (plan["loads"][0]["deferred"].as_u64(), plan["steps"].as_array().unwrap().len()),
        (Some(9), 4)
    );
    assert_eq!(project.apply(0).outcomes("Account"), "12 created");
    assert_eq!(project.count("Account WHERE ParentId = null"), 1);
}
