//! Projects that worlds load: examples from the disk, and a tiny one with a bit of everything.

use cutover::local_org::{LocalOrg, Schema};
use std::path::Path;
use std::sync::Arc;

/// A project's files, its org's schema, and the queries that show what the org holds.
pub struct Project {
    pub files: Vec<(String, Vec<u8>)>,
    pub schema: Schema,
    pub queries: Vec<String>,
    /// What somebody else loaded into the org before: another manifest over the same files.
    pub before: Option<Arc<Project>>,
    /// Records that the org has before anything is loaded: a path below the version, and the JSON that is sent to it.
    pub seed: Option<(&'static str, &'static str)>,
}

impl Project {
    /// A project from its files; `org.yaml` is among them.
    pub fn new(files: Vec<(String, Vec<u8>)>, queries: &[&str]) -> Arc<Self> {
        let org = files.iter().find(|(path, _)| path == "org.yaml").unwrap();
        let schema = LocalOrg::schema_from_yaml("org.yaml", std::str::from_utf8(&org.1).unwrap()).unwrap();
        let queries = queries.iter().map(|q| (*q).to_owned()).collect();
        Arc::new(Self { files, schema, queries, before: None, seed: None })
    }

    /// The same over an org that has records already.
    pub fn seeded(&self, path: &'static str, json: &'static str) -> Arc<Self> {
        let (files, schema, queries) = (self.files.clone(), self.schema.clone(), self.queries.clone());
        Arc::new(Self { files, schema, queries, before: self.before.clone(), seed: Some((path, json)) })
    }

    /// One of `examples/`.
    pub fn example(name: &str, queries: &[&str]) -> Arc<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        let mut files = Vec::new();
        read_folder(&root, &root, &mut files);
        Self::new(files, queries)
    }

    /// The smallest example.
    pub fn quickstart() -> Arc<Self> {
        let queries = [
            "SELECT Id, Legacy_Id__c, Name, Phone, BillingCity, CreatedDate FROM Account ORDER BY Legacy_Id__c",
            "SELECT Id, Legacy_Id__c, Name, Email, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c",
        ];
        Self::example("quickstart", &queries)
    }

    /// Twelve tables of a small company, all that is loaded of them, references by key.
    pub fn northwind() -> Arc<Self> {
        Self::example("northwind", &NORTHWIND)
    }

    /// A hierarchy of three levels, a cycle between two objects, a row that the org refuses with a child, a
    /// grandchild and a contact that are held, parts of several rows, and an `insert` whose key the org lets
    /// stand twice.
    pub fn tiny() -> Arc<Self> {
        let files = [
            ("cutover.yaml", MANIFEST),
            ("org.yaml", ORG),
            ("accounts.csv", ACCOUNTS),
            ("contacts.csv", CONTACTS),
            ("visits.csv", VISITS),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
        let queries = [
            "SELECT Legacy_Id__c, Name, Parent.Legacy_Id__c, Primary_Contact__r.Legacy_Id__c FROM Account ORDER BY Legacy_Id__c",
            "SELECT Legacy_Id__c, LastName, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c",
            "SELECT Legacy_Id__c, Subject__c, Contact__r.Legacy_Id__c FROM Visit__c ORDER BY Legacy_Id__c",
        ];
        Self::new(files, &queries)
    }

    /// Updates and deletes of what somebody else has loaded: a row that the org refuses, one without a record, one
    /// that is gone already.
    pub fn tidy() -> Arc<Self> {
        let files = [
            ("cutover.yaml", TIDY),
            ("org.yaml", ORG),
            ("accounts.csv", "id,name\nA1,One\nA2,Two\nA3,Three\nA4,Four\n"),
            ("contacts.csv", "id,name,account\nC1,Ada,A1\nC2,Bob,A2\nC3,Cyd,A3\nC4,Dee,A1\n"),
            ("names.csv", "id,name\nA1,First\nA2,Refused\nA4,Fourth\nA9,Nobody\n"),
            ("people.csv", "id\nC1\nC2\nC4\nC9\n"),
            ("firms.csv", "id\nA3\n"),
        ];
        let files: Vec<_> = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
        let queries = [
            "SELECT Legacy_Id__c, Name FROM Account ORDER BY Legacy_Id__c",
            "SELECT Legacy_Id__c, LastName, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c",
        ];
        let project = Self::new(files, &queries);
        let before = project.with("cutover.yaml", TIDY_BEFORE);
        let (files, schema, queries) =
            (project.files.clone(), project.schema.clone(), project.queries.clone());
        Arc::new(Self { files, schema, queries, before: Some(before), seed: None })
    }

    /// The same by REST calls, with rows that are new or changed by key among them.
    pub fn tidy_by_calls() -> Arc<Self> {
        let manifest =
            TIDY.replace("hardDelete", "delete").replace("    source:", "    api: auto\n    source:");
        let project = Self::tidy().with("cutover.yaml", &(manifest + FRESH));
        project.with("fresh.csv", "id,name,parent\nB1,New,A1\nB2,Refused,\nB3,Third,B1\n")
    }

    /// A project with one more load of its own text in place of a file.
    pub fn with(&self, path: &str, text: &str) -> Arc<Self> {
        let mut files = self.files.clone();
        files.retain(|(p, _)| p != path);
        files.push((path.to_owned(), text.as_bytes().to_vec()));
        let (schema, queries, before) = (self.schema.clone(), self.queries.clone(), self.before.clone());
        Arc::new(Self { files, schema, queries, before, seed: self.seed })
    }
}

fn read_folder(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && path.file_name().is_some_and(|n| n != ".cutover") {
            read_folder(root, &path, files);
        } else if path.is_file() {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
}

/// Every field of every object that `examples/northwind` fills.
pub const NORTHWIND: [&str; 11] = [
    "SELECT Legacy_Id__c, RecordType.DeveloperName, Name, BillingStreet, BillingCity, BillingState, BillingPostalCode, BillingCountry, Phone, Fax, Legacy_Homepage__c FROM Account ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Account.Legacy_Id__c, ReportsTo.Legacy_Id__c, Salutation, FirstName, LastName, Title, Phone, Birthdate, Hire_Date__c, MailingStreet, MailingCity, MailingState, MailingPostalCode, MailingCountry, HomePhone, Extension__c, Description FROM Contact ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name, Description__c FROM Category__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name, IsActive, Category__r.Legacy_Id__c, Supplier__r.Legacy_Id__c, Quantity_Per_Unit__c, List_Price__c, Units_In_Stock__c, Units_On_Order__c, Reorder_Level__c FROM Product2 ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name, Phone__c FROM Shipper__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name, Account.Legacy_Id__c, Owner.Username, StageName, CloseDate, Required_Date__c, Shipped_Date__c, Shipper__r.Legacy_Id__c, Freight__c, Ship_To_Name__c, Ship_To_Street__c, Ship_To_City__c, Ship_To_State__c, Ship_To_Postal_Code__c, Ship_To_Country__c FROM Opportunity ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Order__r.Legacy_Id__c, Product__r.Legacy_Id__c, Unit_Price__c, Quantity__c, Discount__c FROM Order_Line__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name FROM Region__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name, Region__r.Legacy_Id__c FROM Territory__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Employee__r.Legacy_Id__c, Territory__r.Legacy_Id__c FROM Employee_Territory__c ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Name, Abbreviation__c, Part_Of_Country__c FROM US_State__c ORDER BY Legacy_Id__c",
];

const MANIFEST: &str = "\
cutover: 1
project: tiny
environments:
  local: { org: { local: org.yaml }, limits: { parallel_jobs: 2, part_rows: 2 } }
objects:
  - name: accounts
    object: Account
    key: Legacy_Id__c
    source: accounts.csv
    fields:
      Legacy_Id__c: id
      Name: name
      ParentId: { ref: Account, from: parent }
      Primary_Contact__c: { ref: Contact, from: contact }
  - name: contacts
    object: Contact
    key: Legacy_Id__c
    source: contacts.csv
    fields:
      Legacy_Id__c: id
      LastName: name
      AccountId: { ref: Account, from: account }
  - name: visits
    object: Visit__c
    key: Legacy_Id__c
    operation: insert
    source: visits.csv
    fields:
      Legacy_Id__c: id
      Subject__c: subject
      Contact__c: { ref: Contact, from: contact }
";

const TIDY_BEFORE: &str = "\
cutover: 1
project: before
environments: { local: { org: { local: org.yaml } } }
objects:
  - object: Account
    key: Legacy_Id__c
    source: accounts.csv
    fields: { Legacy_Id__c: id, Name: name }
  - object: Contact
    key: Legacy_Id__c
    source: contacts.csv
    fields: { Legacy_Id__c: id, LastName: name, AccountId: { ref: Account, from: account } }
";

const TIDY: &str = "\
cutover: 1
project: tidy
environments:
  local: { org: { local: org.yaml }, limits: { parallel_jobs: 2 } }
objects:
  - name: firms
    object: Account
    key: Legacy_Id__c
    operation: delete
    source: firms.csv
    fields: { Legacy_Id__c: id }
  - name: names
    object: Account
    key: Legacy_Id__c
    operation: update
    source: names.csv
    fields: { Legacy_Id__c: id, Name: name }
  - name: people
    object: Contact
    key: Legacy_Id__c
    operation: hardDelete
    source: people.csv
    fields: { Legacy_Id__c: id }
";

const FRESH: &str = "  - name: fresh
    object: Account
    key: Legacy_Id__c
    source: fresh.csv
    api: auto
    fields: { Legacy_Id__c: id, Site: name, Name: name, ParentId: { ref: Account, from: parent } }
";

const ORG: &str = "\
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Primary_Contact__c: { type: reference, to: Contact }
    rules:
      - { name: no_refused, when: 'Name == \"Refused\"', message: Refused it is, field: Name }
  Contact:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
  Visit__c:
    label: Visit
    name: { auto_number: \"V-{0000}\" }
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true }
      Subject__c: { type: string, length: 80 }
      Contact__c: { type: reference, to: Contact }
";

const ACCOUNTS: &str = "\
id,name,parent,contact
A1,One,,C1
A2,Two,A1,
A3,Three,A2,
A4,Refused,,
A5,Five,,C3
A6,Six,A4,
";

const CONTACTS: &str = "\
id,name,account
C1,Ada,A1
C2,Bob,A4
C3,Cyd,A5
";

const VISITS: &str = "\
id,subject,contact
V1,first,C1
V2,second,C3
V3,third,C2
V4,fourth,C1
";
