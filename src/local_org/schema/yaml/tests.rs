use crate::diagnostic::{Code, Diagnostic};
use crate::local_org::schema::Schema;
use crate::local_org::schema::flags::Flag;

/// Reads an `org.yaml` beside which there is one file, no certificate.
fn read(file: &str, text: &str) -> Result<Schema, Vec<Diagnostic>> {
    let files = |path: &str| match path {
        "note.txt" => Ok(b"a note".to_vec()),
        _ => Err(std::io::Error::other("no such file")),
    };
    super::read(file, text, &files)
}

const DESIGN: &str = r#"
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
      Primary_Contact__c: { type: reference, to: Contact }
      Tier__c: { type: picklist, values: [Enterprise, Mid, Small], restricted: true }
    record_types: [Customer_Account, Partner_Account]
    rules:
      - { name: partner_needs_phone, when: 'Type == "Partner" and not Phone', message: Partners need a phone, field: Phone }
  Order_Line__c:
    label: Order Line
    name: { auto_number: "OL-{000000}" }
    fields:
      Order__c: { type: reference, to: Opportunity, master_detail: true }
      Quantity__c: { type: double, precision: 18, scale: 2, required: true }
users:
  - { username: ada@acme.example, email: ada@acme.example, name: Ada Admin, employee_number: "1", active: true }
queues: [{ name: Support_Tier_1, objects: [Case] }]
"#;

#[test]
fn the_example_of_the_design_is_read() {
    let schema = read("org.yaml", DESIGN).unwrap();
    let account = schema.object("account").unwrap();
    let key = account.field("legacy_id__c").unwrap();
    assert!(key.has(Flag::ExternalId) && key.has(Flag::Unique) && key.has(Flag::IdLookup) && key.keyed());
    assert_eq!(
        account.field("Primary_Contact__c").unwrap().relationship.as_deref(),
        Some("Primary_Contact__r")
    );
    assert!(account.field("RecordTypeId").is_some());
    assert_eq!(account.rules[0].names, ["Phone", "Type"]);
    let line = schema.object("Order_Line__c").unwrap();
    assert!(line.field("OwnerId").is_none(), "a detail has no owner of its own");
    assert!(line.field("Order__c").unwrap().required() && line.field("Quantity__c").unwrap().required());
    assert_eq!(line.field("Name").unwrap().number_format.as_deref(), Some("OL-{000000}"));
    assert_eq!((schema.users.len(), schema.queues[0].objects[0].as_str()), (1, "Case"));
}

#[test]
fn an_empty_mapping_is_the_standard_org() {
    assert_eq!(read("org.yaml", "{}").unwrap().objects.len(), 23);
}

#[test]
fn all_problems_come_at_once_with_places() {
    let text = "objects:\n  Acount: {}\n  Account:\n    fields:\n      Foo: { type: string }\n      A__c: { type: strng }\n      B__c: { type: reference, to: Kontact }\n      C__c: { type: boolean, external_id: true }\n    rules: [{ name: r, when: 'Fone', message: m }]\nuser: []\n";
    let problems = read("org.yaml", text).unwrap_err();
    let codes: Vec<_> = problems.iter().map(|p| (p.code, p.place().map_or(0, |p| p.line))).collect();
    use Code::{UnknownField, UnknownKey, UnknownObject, WrongValue};
    assert_eq!(
        codes,
        [
            (UnknownObject, 2),
            (WrongValue, 5),
            (WrongValue, 6),
            (UnknownObject, 7),
            (WrongValue, 8),
            (UnknownField, 9),
            (UnknownKey, 10)
        ]
    );
}

#[test]
fn apps_and_limits_say_what_is_wrong() {
    let text = "users: [{ username: ada@acme.example }]\nconnected_apps:\n  - { name: A, client_id: a, certificate: gone.pem }\n  \
        - { name: B, client_id: a, certificate: note.txt }\n  - { name: C, client_id: c, run_as: eda@acme.example }\n  \
        - { name: D, client_id: d, refresh_token: r }\n  - { client_secret: s }\nlimits: { daily: 1, daily_query_jobs: few }\n\
        session_minutes: long\n";
    let problems = read("org.yaml", text).unwrap_err();
    let told: Vec<_> = problems.iter().map(|p| (p.code, p.place().map_or(0, |p| p.line))).collect();
    use Code::{Conflict, FileMissing, MissingKey, UnknownKey, UnknownName, WrongValue};
    let expected = [
        (FileMissing, 3),
        (WrongValue, 4),
        (Conflict, 4),
        (UnknownName, 5),
        (WrongValue, 6),
        (MissingKey, 7),
        (MissingKey, 7),
        (WrongValue, 8),
        (UnknownKey, 8),
        (WrongValue, 9),
    ];
    assert_eq!(told, expected, "{problems:#?}");
}
