//! `lookup` and `first_of`: records that the org has, found by their fields, and owners of different kinds.

use crate::project::Project;

const HEAD: &str = "cutover: 1\nproject: lookups\nenvironments: { local: { org: { local: org.yaml } } }\n";
const ORG: &str = "\
objects:
  Pricebook2:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Region__c: { type: string, length: 40 }
  Offer__c:
    label: Offer
    name: text
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Book__c: { type: reference, to: Pricebook2 }
users:
  - { username: ada@acme.example, email: ada@acme.example, name: Ada, active: true }
  - { username: old@acme.example, email: old@acme.example, name: Old, active: false }
queues:
  - { name: Tier_1, objects: [Offer__c] }
  - { name: Elsewhere, objects: [Case] }
";
const BOOKS: &str = "id,name,region,active\nB1,Retail,EU,true\nB2,Retail,US,true\nB3,Trade,EU,false\n";

/// Offers that give this field this value.
fn offers(field: &str) -> String {
    format!(
        "{HEAD}objects:\n  - {{ object: Offer__c, key: Legacy_Id__c, source: offers.csv, fields: {{ Legacy_Id__c: id, Name: id, {field} }} }}\n"
    )
}

/// A project in whose org somebody else has put three price books.
fn project(offers: &str) -> Project {
    let books = "objects:\n  - { object: Pricebook2, key: Legacy_Id__c, source: books.csv, fields: { Legacy_Id__c: id, Name: name, Region__c: region, IsActive: active } }\n";
    let manifest = format!("{HEAD}{books}");
    let files = [("cutover.yaml", manifest.as_str()), ("org.yaml", ORG), ("books.csv", BOOKS)];
    let project = Project::of(&files);
    project.apply(0);
    for folder in ["ledger", "runs", "state", "data"] {
        std::fs::remove_dir_all(project.path(&format!(".cutover/{folder}"))).unwrap();
    }
    project.write("offers.csv", offers);
    project
}

/// `offer → what stands in this column`.
fn told(project: &Project, column: &str) -> Vec<String> {
    let soql = format!("SELECT Legacy_Id__c, {column} FROM Offer__c ORDER BY Legacy_Id__c");
    project.query(&soql).into_iter().map(|row| format!("{} {}", row["Legacy_Id__c"], row[column])).collect()
}

#[test]
fn a_record_is_found_by_one_field_or_by_several() {
    let project = project("id,book,region\nO1,trade,EU\nO2,Retail,US\nO3,Retail,\nO4,Gone,EU\n");
    project.write(
        "cutover.yaml",
        &offers("Book__c: { lookup: Pricebook2, match: { Name: book, Region__c: region } }"),
    );
    let report = project.apply(68);
    assert_eq!(report.outcomes("Offer__c"), "1 held, 3 created");
    let left = project.data_file(1, "Offer__c.left-out", ".csv");
    assert_eq!((left[0]["_outcome"].as_str(), left[0]["_line"].as_str()), ("held", "5"));
    assert_eq!(left[0]["_message"], "Book__c: `book, region`: the org has no such record");
    assert_eq!(told(&project, "Book__r.Legacy_Id__c"), ["O1 B3", "O2 B2", "O3 "]);
    assert_eq!(project.apply(68).jobs(), [], "what was found is hashed as it was sent");

    let constant = "Book__c: { lookup: Pricebook2, match: { IsActive: '\"false\"' } }";
    project.write("cutover.yaml", &offers(constant));
    project.apply(0);
    assert_eq!(told(&project, "Book__r.Legacy_Id__c"), ["O1 B3", "O2 B3", "O3 B3", "O4 B3"]);
}

#[test]
fn a_match_of_several_records_is_an_error() {
    let project = project("id,book\nO1,Retail\nO2,Trade\n");
    project.write("cutover.yaml", &offers("Book__c: { lookup: Pricebook2, match: { Name: book } }"));
    let report = project.apply(68);
    assert_eq!(report.outcomes("Offer__c"), "1 rejected, 1 created");
    let left = project.data_file(1, "Offer__c.left-out", ".csv");
    assert_eq!(left[0]["_message"], "Book__c: `book`: more than one record matches");
    // What stands in the manifest itself is told by the plan.
    for (value, said) in [
        ("match: { IsActive: '\"true\"' }", "two records of the org match `true`"),
        ("match: { Name: book }, fallback: Nowhere", "the org has no record `Nowhere`"),
        ("match: { Nme: book }", "`Pricebook2` has no field `Nme` to match by"),
        ("match: { LastModifiedDate: book }", "is of type datetime, by which nothing is matched"),
    ] {
        project.write("cutover.yaml", &offers(&format!("Book__c: {{ lookup: Pricebook2, {value} }}")));
        let output = project.run(&["plan"]).exits(65);
        assert!(output.err.contains(said), "{said}: {}", output.err);
    }
}

#[test]
fn what_is_not_found_takes_the_fallback_or_stays_blank() {
    let project = project("id,book\nO1,Gone\nO2,Trade\nO3,\n");
    let lookup = "Book__c: { lookup: Pricebook2, match: { Legacy_Id__c: book }, default: B1, fallback: B2 }";
    project.write("cutover.yaml", &offers(lookup));
    project.set("offers.csv", "O2", "book", "b3");
    project.apply(0);
    assert_eq!(told(&project, "Book__r.Legacy_Id__c"), ["O1 B2", "O2 B3", "O3 B1"]);
    let blank =
        "Book__c: { lookup: Pricebook2, match: { Legacy_Id__c: book }, on_missing: blank, blank: clear }";
    project.write("cutover.yaml", &offers(blank));
    project.apply(0);
    assert_eq!(told(&project, "Book__r.Legacy_Id__c"), ["O1 ", "O2 B3", "O3 "]);
}

#[test]
fn an_owner_is_a_queue_or_a_user_or_the_fallback() {
    let project = project(
        "id,team,rep\nO1,Tier_1,ada@acme.example\nO2,,ADA@acme.example\nO3,Elsewhere,ada@acme.example\nO4,,old@acme.example\nO5,,\n",
    );
    let owner =
        "OwnerId: { first_of: [ { queue: team }, { user: rep, match: Email } ], fallback: ada@acme.example }";
    project.write("cutover.yaml", &offers(owner));
    project.apply(0);
    let admin = project.query("SELECT Id FROM User WHERE Username = 'admin@local.invalid'")[0]["Id"].clone();
    let ada = project.query("SELECT Id FROM User WHERE Email = 'ada@acme.example'")[0]["Id"].clone();
    let queue = project.query("SELECT Id FROM Group WHERE DeveloperName = 'Tier_1'")[0]["Id"].clone();
    let expected = [("O1", &queue), ("O2", &ada), ("O3", &ada), ("O4", &ada), ("O5", &admin)];
    assert_eq!(told(&project, "OwnerId"), expected.map(|(offer, owner)| format!("{offer} {owner}")));
    project.write(
        "cutover.yaml",
        &offers(&owner.replace(", fallback: ada@acme.example", ", on_missing: reject")),
    );
    let report = project.apply(68);
    assert_eq!(report.outcomes("Offer__c"), "1 rejected, 4 unchanged");
    project.write("cutover.yaml", &offers(&owner.replace("fallback: ada", "fallback: eve")));
    let output = project.run(&["plan"]).exits(65);
    assert!(
        output.err.contains("the org has no user `eve@acme.example`, which `fallback` names"),
        "{}",
        output.err
    );
}
