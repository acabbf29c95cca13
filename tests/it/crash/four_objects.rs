//! A world of four objects with a bit of everything, and what must come of it, written down by hand.
//!
//! Accounts are a hierarchy of three levels and, with the contacts, a cycle; one is in the org already, one is refused,
//! and its child is held; so are the contact of the refused account, that contact's visit, and that visit's item. Visits
//! are inserted by a key that the org would take twice. An item is refused as well.

use crate::world::Project;
use cutover::model::Outcome;
use std::sync::Arc;

/// What a run over a project must come to.
pub struct Expected {
    /// The rows of each query: cells with bars between them.
    pub contents: &'static [&'static [&'static str]],
    /// Rows of each load by outcome.
    pub outcomes: &'static [&'static [(Outcome, u64)]],
    /// References that a second pass filled, of each load.
    pub filled: &'static [u64],
    /// Keys that the org refused, and keys that were not sent.
    pub refused: (&'static [&'static str], &'static [&'static str]),
    /// The exit code.
    pub exit: u8,
}

/// The world.
pub fn four() -> Arc<Project> {
    let files = [
        ("cutover.yaml", MANIFEST),
        ("org.yaml", ORG),
        ("accounts.csv", ACCOUNTS),
        ("contacts.csv", CONTACTS),
        ("visits.csv", VISITS),
        ("items.csv", ITEMS),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
    let queries = [
        "SELECT Legacy_Id__c, Name, Parent.Legacy_Id__c, Primary_Contact__r.Legacy_Id__c FROM Account ORDER BY Legacy_Id__c",
        "SELECT Legacy_Id__c, LastName, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c",
        "SELECT Legacy_Id__c, Subject__c, Contact__r.Legacy_Id__c FROM Visit__c ORDER BY Legacy_Id__c",
        "SELECT Legacy_Id__c, Name, Visit__r.Legacy_Id__c FROM Item__c ORDER BY Legacy_Id__c",
    ];
    Project::new(files, &queries).seeded("composite/sobjects/Account/Legacy_Id__c", SEED)
}

/// What must come of it.
pub const FOUR: Expected = Expected {
    contents: &[
        &["A1|One||C1", "A2|Two|A1|", "A3|Three|A2|", "A6|Six||"],
        &["C1|Ada|A1", "C3|Cyd|A6"],
        &["V1|first|C1", "V3|third|C3"],
        &["I1|pen|V1"],
    ],
    outcomes: &[
        &[(Outcome::Held, 1), (Outcome::Created, 3), (Outcome::Updated, 1), (Outcome::Failed, 1)],
        &[(Outcome::Held, 1), (Outcome::Created, 2)],
        &[(Outcome::Held, 1), (Outcome::Created, 2)],
        &[(Outcome::Held, 1), (Outcome::Created, 1), (Outcome::Failed, 1)],
    ],
    filled: &[1, 0, 0, 0],
    refused: (&["A4", "I3"], &["A5", "C2", "I2", "V2"]),
    exit: 68,
};

const MANIFEST: &str = "\
cutover: 1
project: four
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
    fields: { Legacy_Id__c: id, LastName: name, AccountId: { ref: Account, from: account } }
  - name: visits
    object: Visit__c
    key: Legacy_Id__c
    operation: insert
    source: visits.csv
    fields: { Legacy_Id__c: id, Subject__c: subject, Contact__c: { ref: Contact, from: contact } }
  - name: items
    object: Item__c
    key: Legacy_Id__c
    source: items.csv
    fields: { Legacy_Id__c: id, Name: name, Visit__c: { ref: Visit__c, from: visit } }
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
  Item__c:
    label: Item
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Visit__c: { type: reference, to: Visit__c }
    rules:
      - { name: no_refused, when: 'Name == \"Refused\"', message: Refused it is, field: Name }
";

const SEED: &str =
    r#"{"allOrNone":false,"records":[{"attributes":{"type":"Account"},"Legacy_Id__c":"A1","Name":"Old"}]}"#;

const ACCOUNTS: &str = "\
id,name,parent,contact
A1,One,,C1
A2,Two,A1,
A3,Three,A2,
A4,Refused,,
A5,Five,A4,
A6,Six,,
";

const CONTACTS: &str = "\
id,name,account
C1,Ada,A1
C2,Bob,A4
C3,Cyd,A6
";

const VISITS: &str = "\
id,subject,contact
V1,first,C1
V2,second,C2
V3,third,C3
";

const ITEMS: &str = "\
id,name,visit
I1,pen,V1
I2,cup,V2
I3,Refused,V3
";
