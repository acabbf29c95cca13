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

/// Offers first, then books: an order that only the look-up can put right.
fn with_books(field: &str) -> String {
    let books = "  - { object: Pricebook2, key: Legacy_Id__c, source: books.csv, fields: { Legacy_Id__c: id, Name: name, Region__c: region, IsActive: active } }\n";
    format!("{}{books}", offers(field))
}

#[test]
fn what_an_earlier_load_creates_is_looked_up_by_its_key() {
    let project = project("id,book\nO1,B4\nO2,b5\nO3,B2\nO4,B9\nO5,\n");
    project.write("books.csv", "id,name,region,active\nB4,New,EU,true\nB5,Newer,EU,true\n");
    project
        .write("cutover.yaml", &with_books("Book__c: { lookup: pricebook2, match: { legacy_id__c: book } }"));
    let planned = project.run(&["plan"]).exits(0).out;
    let at = |name: &str| planned.find(name).unwrap_or_else(|| panic!("{name}: {planned}"));
    assert!(at("Pricebook2: upsert") < at("Offer__c: upsert"), "{planned}");
    let report = project.apply(68);
    assert_eq!(report.outcomes("Pricebook2"), "2 created");
    assert_eq!(report.outcomes("Offer__c"), "1 held, 4 created", "B2 is the org's own");
    assert_eq!(told(&project, "Book__r.Legacy_Id__c"), ["O1 B4", "O2 B5", "O3 B2", "O5 "]);
    let left = project.data_file(1, "Offer__c.left-out", ".csv");
    assert_eq!((left[0]["_outcome"].as_str(), left[0]["_line"].as_str()), ("held", "5"));
    assert_eq!(project.apply(68).jobs(), [], "nothing has changed");

    project.write("books.csv", "id,name,region,active\nB4,New,EU,true\nB5,Newer,EU,true\nB9,Late,EU,true\n");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "4 unchanged, 1 created");
    assert_eq!(told(&project, "Book__r.Legacy_Id__c")[3], "O4 B9");

    // By anything else it is not known when the plan is made.
    project.write("cutover.yaml", &with_books("Book__c: { lookup: Pricebook2, match: { Name: book } }"));
    let output = project.run(&["check"]).exits(65);
    assert!(output.err.contains("by anything but its key, is not built yet"), "{}", output.err);
    assert!(output.err.contains("`match: { Legacy_Id__c: … }`"), "{}", output.err);
}

#[test]
fn the_first_of_several_texts_is_taken_and_a_constant_is_the_last_resort() {
    let project = project("id,long,short,rep\nO1,First,1st,\nO2,,2nd,\nO3,,,ada@acme.example\n");
    let name = "Name: { first_of: [ { from: long | upper }, { from: short }, { value: '${none}' } ] }";
    let owner = |last: &str| {
        format!("OwnerId: {{ first_of: [ {{ user: rep, match: Email }}, {{ value: {last} }} ] }}")
    };
    let manifest = |owner: &str| {
        let all = offers(&format!("{name}, {owner}")).replace("Name: id, ", "");
        all.replace("project: lookups\n", "project: lookups\nvars: { none: 'say \"none\"' }\n")
    };
    let ada = project.query("SELECT Id FROM User WHERE Email = 'ada@acme.example'")[0]["Id"].clone();
    let queue = project.query("SELECT Id FROM Group WHERE DeveloperName = 'Tier_1'")[0]["Id"].clone();
    project.write("cutover.yaml", &manifest(&owner(&queue)));
    project.apply(0);
    assert_eq!(told(&project, "Name"), ["O1 FIRST", "O2 2nd", "O3 say \"none\""]);
    assert_eq!(
        told(&project, "OwnerId"),
        [format!("O1 {queue}"), format!("O2 {queue}"), format!("O3 {ada}")]
    );
    assert_eq!(project.apply(0).jobs(), []);

    // A constant that the field never takes is told by the plan, a row's own text rejects the row.
    project.write("cutover.yaml", &manifest(&owner("nobody")));
    let output = project.run(&["plan"]).exits(65);
    assert!(output.err.contains("never takes `nobody`, which `value` gives"), "{}", output.err);
    let owner = "OwnerId: { first_of: [ { from: short }, { user: rep, match: Email } ] }";
    project.write("cutover.yaml", &manifest(owner));
    assert_eq!(project.apply(68).outcomes("Offer__c"), "2 rejected, 1 unchanged");
}

#[test]
fn a_reference_is_the_last_of_several() {
    let project = project("id,book_id,book\nO1,,B4\nO2,KNOWN,B4\nO3,,B9\nO4,,\n");
    let known = project.query("SELECT Id FROM Pricebook2 WHERE Legacy_Id__c = 'B1'")[0]["Id"].clone();
    project.set("offers.csv", "O2", "book_id", &known);
    project.write("books.csv", "id,name,region,active\nB4,New,EU,true\n");
    let field = "Book__c: { first_of: [ { from: book_id }, { ref: Pricebook2, from: book } ] }";
    project.write("cutover.yaml", &with_books(field));
    assert_eq!(project.apply(68).outcomes("Offer__c"), "1 held, 3 created");
    assert_eq!(told(&project, "Book__r.Legacy_Id__c"), ["O1 B4", "O2 B1", "O4 "]);
    assert_eq!(project.apply(68).jobs(), []);
    project.write("books.csv", "id,name,region,active\nB4,New,EU,true\nB9,Late,EU,true\n");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "3 unchanged, 1 created");
    // A `lookup` by the key is the same reference: nothing goes again.
    let lookup = "{ lookup: Pricebook2, match: { Legacy_Id__c: book } }";
    project.write("cutover.yaml", &with_books(&field.replace("{ ref: Pricebook2, from: book }", lookup)));
    assert_eq!(project.apply(0).jobs(), []);
    project.set("offers.csv", "O2", "book_id", "");
    assert_eq!(project.apply(0).outcomes("Offer__c"), "3 unchanged, 1 updated");
    assert_eq!(told(&project, "Book__r.Legacy_Id__c"), ["O1 B4", "O2 B4", "O3 B9", "O4 "]);
}
