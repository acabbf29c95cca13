//! Every diagnostic, with its place and its way out.

use super::*;

// ---- objects and fields ----

#[test]
fn objects_that_are_not_there_or_not_ours() {
    let unknown = says(vec![load("Acount", vec![])]);
    assert_eq!(unknown, ["1 error UnknownObject: the org has no object `Acount` (did you mean `Account`?)"]);
    let read_only = ObjectSchema { createable: false, updateable: false, ..task() };
    let migration = migration(vec![tasks(vec![]), accounts(vec![])]);
    let problems = told(bind(&migration, &org([account(), read_only]), &facts()).1);
    assert!(
        problems[0].contains("NotWriteable: this user may not create or update records of `Task`"),
        "{problems:?}"
    );
}

#[test]
fn fields_that_are_not_there() {
    refused(takes("Actve__c"), 10, Code::UnknownField, "did you mean `Active__c`?");
    refused(takes("Legacy Id"), 10, Code::UnknownField, "did you mean `Legacy_Id__c`?");
    refused(takes("Zebra.Legacy_Number"), 10, Code::UnknownField, "is written `AccountId: { ref:");
    refused(takes("Zzz"), 10, Code::UnknownField, "may not see looks like one that is not there");
}

#[test]
fn fields_that_cannot_be_written() {
    let only = |name: &str, only| Field { only, ..takes(name) };
    refused(takes("BillingAddress"), 10, Code::FieldType, "is of type address");
    refused(takes("Score__c"), 10, Code::NotWriteable, "a formula or roll-up");
    refused(takes("Later__c"), 10, Code::NotWriteable, "write `only: update`");
    refused(only("Later__c", Only::Create), 10, Code::NotWriteable, "on update only");
    refused(only("Once__c", Only::Update), 10, Code::NotWriteable, "on create only");
    refused(takes("Id"), 10, Code::NotWriteable, "read-only for this user");
    // Left out for records that are there: by what the manifest says, or else by us.
    for (fine, ours) in
        [(only("Later__c", Only::Update), 0), (only("Once__c", Only::Create), 0), (takes("Once__c"), 1)]
    {
        assert_eq!(good(vec![accounts(vec![fine])]).loads[0].create_only.len(), ours);
    }
}

#[test]
fn an_update_and_a_delete_need_other_rights_than_an_upsert() {
    let does = |operation, fields| Load { operation, ..load("Account", fields) };
    // Nothing is created: no required field, and one that takes updates alone is welcome.
    assert!(says(vec![does(Operation::Update, vec![takes("Later__c")])]).is_empty());
    let once = says(vec![does(Operation::Update, vec![takes("Once__c")])]);
    assert!(once[0].starts_with("10 error NotWriteable") && once[0].contains("creates nothing"), "{once:?}");
    // The key finds records and is not sent: that it can be filtered by is enough.
    let loose = Load {
        key: "Short__c".into(),
        fields: vec![takes("Short__c"), takes("Type")],
        ..does(Operation::Update, vec![])
    };
    let warned = says(vec![loose]);
    assert!(warned.len() == 1 && warned[0].starts_with("2 warning BadKey"), "{warned:?}");
    let frozen = ObjectSchema { createable: false, updateable: false, deletable: true, ..account() };
    for (operation, right) in
        [(Operation::Update, Some("update")), (Operation::Delete, None), (Operation::HardDelete, None)]
    {
        let one = migration(vec![does(operation, vec![])]);
        let problems = told(bind(&one, &org([frozen.clone(), task()]), &facts()).1);
        let expected: Vec<String> = right.iter().map(|r| format!("this user may not {r} records")).collect();
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        assert!(problems.iter().zip(&expected).all(|(said, wanted)| said.contains(wanted)), "{problems:?}");
    }
    let kept = says(vec![does(Operation::Delete, vec![])]);
    assert!(kept[0].contains("this user may not delete records of `Account`"), "{kept:?}");
}

#[test]
fn audit_fields_need_a_right_and_only_create() {
    let created = |only| Field { only, ..sets("CreatedDate", Verb::Expr(expr("col | datetime"))) };
    refused(created(Only::Create), 10, Code::NotWriteable, "Set Audit Fields upon Record Creation");
    let by = |only| Field { only, ..takes("CreatedById") };
    refused(by(Only::Create), 10, Code::PlanNote, "Set Audit Fields upon Record Creation");
    refused(by(Only::Always), 10, Code::NotWriteable, "write `only: create`");
}

#[test]
fn one_field_in_two_spellings() {
    refused(takes("NAME"), 10, Code::Conflict, "`Name` stands here twice");
}

#[test]
fn required_fields() {
    let says_of = |loads| says(loads);
    let nameless = || load("Account", vec![]);
    assert_eq!(
        says_of(vec![nameless()]),
        ["1 error RequiredField: no `Account` can be created without `Name` (map `Name`)"]
    );
    let late = Field { only: Only::Update, ..takes("Name") };
    assert!(says_of(vec![load("Account", vec![late])])[0].contains("error RequiredField"));
    let (bound, problems) = bound(vec![accounts(vec![]), nameless()]);
    assert!(bound.is_some());
    assert!(told(problems)[0].starts_with("1 warning RequiredField"));
}

#[test]
fn a_time_from_a_bare_column_needs_a_zone() {
    refused(takes("Since__c"), 11, Code::PlanNote, "say `timezone` in the source");
    good(vec![Load { timezone: Some("Europe/London".into()), ..accounts(vec![takes("Since__c")]) }]);
    good(vec![accounts(vec![sets(
        "Since__c",
        Verb::Expr(expr("col | datetime(\"%d/%m/%Y %H:%M\", zone=\"UTC\")")),
    )])]);
}

// ---- keys ----

#[test]
fn keys_that_cannot_be_keys() {
    let keyed = |key: &str| Load { key: key.into(), ..accounts(vec![takes("Loose__c"), takes("Short__c")]) };
    let one = |load| {
        let all = says(vec![load]);
        assert_eq!(all.len(), 1, "{all:?}");
        all.concat()
    };
    assert!(
        one(keyed("Short__c")).starts_with("2 error BadKey: `Account.Short__c` is neither an external ID")
    );
    assert!(one(keyed("Short__c")).contains("or use `Id` or `Legacy_Id__c`"));
    assert!(one(keyed("Loose__c")).starts_with("2 warning BadKey: `Account.Loose__c` is not unique"));
    assert!(one(keyed("Legacy_Idd__c")).starts_with("2 error UnknownField"));
    assert!(one(keyed("Exact__c")).contains("the key `Exact__c` is not among the fields"));
    let insert = Load { operation: Operation::Insert, ..keyed("Short__c") };
    assert!(one(insert).starts_with("2 warning BadKey"));
    let by_id = says(vec![Load { key: "Id".into(), ..accounts(vec![]) }]);
    assert!(by_id[0].contains("`Account.Id` cannot be a key: the org makes it"), "{by_id:?}");
}

#[test]
fn a_key_is_sent_for_every_row() {
    let with_key = |key: Field| {
        let mut load = accounts(vec![]);
        load.fields.retain(|f| f.name != "legacy_id__C");
        load.fields.push(key);
        says(vec![load]).concat()
    };
    assert!(
        with_key(constant("Legacy_Id__c", "1"))
            .contains("11 error BadKey: the key is the same for every row")
    );
    let fixed = sets("Legacy_Id__c", Verb::Expr(expr("\"1\"")));
    assert!(with_key(fixed).contains("the key is the same for every row"));
    let once = Field { only: Only::Create, ..takes("Legacy_Id__c") };
    assert!(with_key(once).contains("10 error BadKey: the key is always sent"));
}

// ---- references ----

#[test]
fn references_that_cannot_point_there() {
    refused(refers("Name", &["Account"]), 11, Code::BadReference, "is no reference but of type string");
    refused(refers("Parent", &["Account"]), 10, Code::UnknownField, "did you mean `ParentId`?");
    refused(refers("ParentId", &["Lead"]), 12, Code::BadReference, "no load fills `Lead`");
    refused(refers("OwnerId", &["Account"]), 12, Code::BadReference, "it can point to `Group`, `User`");
}

#[test]
fn a_fallback_that_no_record_can_have() {
    let other = |key: &str| Field { fallback: Some(key.into()), ..refers("ParentId", &["Account"]) };
    let why = "`a\tb`, which `fallback` gives, can be no key: a key holds no tabs";
    refused(other("a\tb"), 11, Code::NeverAccepted, why);
    good(vec![accounts(vec![other("A-1")])]);
}

#[test]
fn a_parent_must_be_found_by_its_key() {
    let parent =
        Load { key: "Short__c".into(), operation: Operation::Insert, ..accounts(vec![takes("Short__c")]) };
    let all = says(vec![parent, tasks(vec![])]);
    assert!(
        all[0].starts_with("12 error BadReference: records of `Account` cannot be referred to by `Short__c`"),
        "{all:?}"
    );
}

#[test]
fn a_master_cannot_be_left_blank() {
    let mut load = tasks(vec![]);
    load.fields[0].on_missing = OnMissing::Blank;
    let all = says(vec![load, accounts(vec![])]);
    assert!(all[0].contains("NeverAccepted: `Task.Master__c` must not be empty"), "{all:?}");
    good(vec![accounts(vec![Field { on_missing: OnMissing::Blank, ..refers("ParentId", &["Account"]) }])]);
}

// ---- names and values in the manifest ----

#[test]
fn names_that_the_org_does_not_have() {
    let kind = || sets("RecordTypeId", Verb::RecordType(expr("kind")));
    let mapped = Field { map: map(&[("C", "Custmer_Account")]), ..kind() };
    refused(
        mapped,
        11,
        Code::NotInOrg,
        "no record type `Custmer_Account`, which `map` names (did you mean `customer_account`?)",
    );
    let team = Field { fallback: Some("Support".into()), ..sets("OwnerId", Verb::Queue(expr("team"))) };
    refused(team, 11, Code::NotInOrg, "which may not own records of `Account`");
    let owner = |fallback: &str| Field { fallback: Some(fallback.into()), ..user("OwnerId", "Email") };
    refused(owner("twin@acme.example"), 11, Code::NotInOrg, "two users of the org match");
    refused(owner("bob@acme.example"), 11, Code::NotInOrg, "is not active");
    refused(owner("eve@elsewhere.example"), 11, Code::NotInOrg, "which `fallback` names");
    good(vec![accounts(vec![owner(" ADA@acme.example")])]);
    good(vec![accounts(vec![Field { inactive: Inactive::Keep, ..owner("bob@acme.example") }])]);
}

#[test]
fn names_where_no_such_record_can_stand() {
    refused(user("ParentId", "Email"), 11, Code::BadReference, "cannot hold a user");
    refused(user("Name", "Email"), 11, Code::BadReference, "is no reference");
    refused(user("OwnerId", "Emial"), 11, Code::UnknownField, "did you mean `Email`?");
}

#[test]
fn values_that_are_never_accepted() {
    let mapped = Field { map: map(&[("C", "Customer"), ("P", "Prospct")]), ..takes("Type") };
    refused(
        mapped,
        11,
        Code::NeverAccepted,
        "`Type` never takes `Prospct`, which `map` gives: it is restricted to its active values (did you mean `Prospect`?)",
    );
    refused(constant("Type", "Zebra"), 11, Code::NeverAccepted, "it takes `Customer`, `Prospect`");
    refused(
        Field { default: Some("Zebra".into()), ..takes("Type") },
        11,
        Code::NeverAccepted,
        "which `default` gives",
    );
    refused(
        Field { fallback: Some("Zebra".into()), ..takes("Type") },
        11,
        Code::NeverAccepted,
        "which `fallback` gives",
    );
    refused(
        constant("Short__c", "longer than that"),
        11,
        Code::NeverAccepted,
        "the text has 16 characters, and the field takes 5",
    );
    refused(constant("Active__c", "maybe"), 11, Code::NeverAccepted, "Active__c` never takes `maybe`");
    refused(
        constant("Since__c", "01/02/2020"),
        11,
        Code::NeverAccepted,
        "`Since__c` never takes `01/02/2020`",
    );
    refused(constant("Short__c", "#N/A"), 11, Code::NeverAccepted, "which would remove the org's value");
    refused(sets("Type", Verb::Expr(expr("\"Zebra\""))), 11, Code::NeverAccepted, "which `from` gives");
    refused(constant("ParentId", "CUST-1"), 11, Code::NeverAccepted, "use `ref`");
    let cut = Field { too_long: TooLong::Truncate, ..constant("Short__c", "longer than that") };
    let through_map =
        Field { map: map(&[("Zebra", "Customer")]), default: Some("Zebra".into()), ..takes("Type") };
    good(vec![accounts(vec![
        cut,
        through_map,
        constant("Active__c", "Yes"),
        constant("ParentId", "0018c00002DJIpJAAX"),
    ])]);
}

#[test]
fn everything_is_told_at_once_and_in_order() {
    let all =
        says(vec![load("Account", vec![takes("Nme"), constant("Type", "Zebra")]), load("Zebra", vec![])]);
    let codes: Vec<_> = all.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        codes,
        ["1 error UnknownObject", "1 error RequiredField", "10 error UnknownField", "11 error NeverAccepted"]
    );
}
