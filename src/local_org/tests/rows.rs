//! What becomes of rows: keys, parents, duplicates, refusals.

use super::{World, upsert};
use serde_json::json;

#[tokio::test]
async fn an_upsert_creates_then_updates_and_blanks_change_nothing() {
    let mut world = World::new();
    let (_, good, bad) = world.run(upsert("Account"), "Ext__c,Name,Phone\nA-1,One,1\nA-2,Two,2\n").await;
    assert!(bad.is_empty() && good.iter().all(|l| l.contains("\"true\"")), "{good:?} {bad:?}");
    let (_, good, _) = world.run(upsert("Account"), "Ext__c,Name,Phone\na-1,,#N/A\nA-2,Zwei,\n").await;
    assert!(good.len() == 2 && good.iter().all(|l| l.contains("\"false\"")), "{good:?}");
    let records = world.query("SELECT Name, Phone FROM Account ORDER BY Name").await["records"].clone();
    assert_eq!((&records[0]["Name"], &records[0]["Phone"]), (&json!("One"), &json!(null)));
    assert_eq!((&records[1]["Name"], &records[1]["Phone"]), (&json!("Zwei"), &json!("2")));
}

#[tokio::test]
async fn keys_fold_unless_the_field_is_case_sensitive() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Case__c,Name\nÉcole,k,A\n").await;
    assert!(world.upsert("Account", "Ext__c,Name\nÉCOLE,B\n").await.is_empty());
    assert_eq!(world.query("SELECT COUNT() FROM Account").await["totalSize"], 1);
    let spec = json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Case__c"});
    world.run(spec, "Case__c,Name\nK,C\n").await;
    assert_eq!(world.query("SELECT COUNT() FROM Account").await["totalSize"], 2);
}

#[tokio::test]
async fn number_keys_are_numbers() {
    let mut world = World::new();
    let spec = json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Number__c"});
    world.run(spec.clone(), "Number__c,Name\n007,A\n").await;
    let (_, good, _) = world.run(spec, "Number__c,Name\n7.0,B\n").await;
    assert!(good[0].contains("\"false\""), "{good:?}");
}

#[tokio::test]
async fn the_same_key_in_a_chunk_fails_every_row_and_across_chunks_updates() {
    let mut world = World::new();
    let bad = world.upsert("Account", "Ext__c,Name\nX,A\nY,B\nx,C\n").await;
    assert_eq!(bad.len(), 2);
    assert!(bad[0].contains("DUPLICATE_VALUE:Duplicate external id specified: X:Ext__c --"), "{bad:?}");
    let rows: String = (0..200).map(|i| format!("{i},N{i}\n")).collect();
    let (info, good, bad) = world.run(upsert("Account"), &format!("Ext__c,Name\n{rows}0,Again\n")).await;
    assert!(bad.is_empty());
    assert_eq!((good.len(), &info["numberRecordsProcessed"]), (201, &json!(201)));
    let found = world.query("SELECT Name FROM Account WHERE Ext__c = '0'").await;
    assert_eq!((&found["totalSize"], &found["records"][0]["Name"]), (&json!(1), &json!("Again")));
}

#[tokio::test]
async fn parents_are_found_by_key_but_never_in_their_own_job() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name\nP,Parent\n").await;
    let csv = "Ext__c,LastName,Account.Ext__c,ReportsTo.Ext__c\n1,Boss,p,\n2,Man,P,1\n3,Orphan,Q,\n";
    let bad = world.upsert("Contact", csv).await;
    assert_eq!(bad.len(), 2, "{bad:?}");
    let text = bad.join("\n");
    assert!(text.contains(
        "INVALID_FIELD:Foreign key external ID: q not found for field Ext__c in entity Account:--"
    ));
    assert!(text.contains("Foreign key external ID: 1 not found for field Ext__c in entity Contact:--"));
    assert!(world.upsert("Contact", "Ext__c,LastName,ReportsTo.Ext__c\n2,Man,1\n").await.is_empty());
    let man = world.query("SELECT Account.Name, ReportsTo.Name FROM Contact WHERE Ext__c = '2'").await;
    assert_eq!(man["records"][0]["ReportsTo"]["Name"], "Boss");
    assert_eq!(man["records"][0]["Account"], json!(null), "the failed row left nothing");
}

#[tokio::test]
async fn polymorphic_parents_name_their_type() {
    let mut world = World::new();
    world.upsert("Contact", "Ext__c,LastName\n1,Boss\n").await;
    let spec = json!({"object": "Task", "operation": "insert"});
    let csv = "Subject,Contact:Who.Ext__c,Owner.Username\nCall,1,ADA@acme.example\n";
    let (info, good, bad) = world.run(spec, csv).await;
    assert_eq!((good.len(), bad.len()), (1, 0), "{info} {bad:?}");
    let task = world.query("SELECT Who.Name, Owner.Username FROM Task").await["records"][0].clone();
    assert_eq!(
        (&task["Who"]["Name"], &task["Owner"]["Username"]),
        (&json!("Boss"), &json!("ada@acme.example"))
    );
    // Real answers call a parent that can be of several objects a Name; the address tells what it is.
    let who = &task["Who"]["attributes"];
    assert_eq!(who["type"], "Name");
    assert!(who["url"].as_str().unwrap().contains("/sobjects/Contact/003"), "{who}");
}

#[tokio::test]
async fn rows_are_refused_in_salesforces_words() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name,Fixed__c\nhere,Here,f\n").await;
    let here = world.query("SELECT Id FROM Account").await["records"][0]["Id"].as_str().unwrap().to_owned();
    let long = "x".repeat(256);
    for (csv, error) in [
        ("Ext__c,Name\n,A\n".to_owned(), "MISSING_ARGUMENT:Ext__c not specified:--".to_owned()),
        ("Name\nA\n".into(), "MISSING_ARGUMENT:Ext__c not specified:--".into()),
        (
            format!("Ext__c,Name\n1,{long}\n"),
            format!("STRING_TOO_LONG:Account Name: data value too large: {long} (max length=255):Name --"),
        ),
        (
            "Ext__c,Name,Score__c\n1,A,x\n".into(),
            "INVALID_FIELD:Failed to deserialize field at col 2. Due to, 'x' is not a valid value for the type xsd:double:Score__c --".into(),
        ),
        (
            "Ext__c,Name,NumberOfEmployees\n1,A,250.0\n".into(),
            "INVALID_TYPE_ON_FIELD_IN_RECORD:Employees: value not of required type: 250.0:NumberOfEmployees --".into(),
        ),
        (
            "Ext__c,Name,Type\n1,A,Partner\n".into(),
            "FIELD_CUSTOM_VALIDATION_EXCEPTION:Partners need a phone:Phone --".into(),
        ),
        (
            "Ext__c,Name,Case__c\n1,A,z\n2,B,z\n".into(),
            String::new(),
        ),
        (
            "Ext__c,Name,ParentId\n1,A,zzz\n".into(),
            "MALFORMED_ID:Parent Account ID: id value of incorrect type: zzz:ParentId --".into(),
        ),
        (
            "Ext__c,Name,Primary_Contact__c\n1,A,HERE\n".replace("HERE", &here),
            format!("MALFORMED_ID:Primary Contact: id value of incorrect type: {here}:Primary_Contact__c --"),
        ),
        (
            "Ext__c,Name,ParentId\n1,A,001zz0000000999\n".into(),
            "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--".into(),
        ),
        (
            "Ext__c,Name,IsDeleted\n1,A,true\n".into(),
            "INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: IsDeleted. Please check the security settings of this field and verify that it is read/write for your profile or permission set.:IsDeleted --".into(),
        ),
        (
            "Ext__c,Fixed__c\nhere,g\n".into(),
            "INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: Fixed__c. Please check the security settings of this field and verify that it is read/write for your profile or permission set.:Fixed__c --".into(),
        ),
        (
            "Ext__c,Name\nhere,#N/A\n".into(),
            "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --".into(),
        ),
    ] {
        let refusal = world.refusal("Account", &csv).await;
        if !error.is_empty() {
            assert_eq!(refusal, error, "{csv}");
        }
    }
}

#[tokio::test]
async fn unique_values_and_inactive_owners_are_refused() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name,Case__c\n1,A,k\n").await;
    let first =
        world.query("SELECT Id FROM Account").await["records"][0]["Id"].as_str().unwrap()[..15].to_owned();
    let refusal = world.refusal("Account", "Ext__c,Name,Case__c\n2,B,k\n").await;
    let text = format!(
        "DUPLICATE_VALUE:duplicate value found: Case__c duplicates value on record with id: {first}:--"
    );
    assert_eq!(refusal, text);
    let refusal = world.refusal("Account", "Ext__c,Name,Owner.Username\n3,C,old@acme.example\n").await;
    assert!(
        refusal.starts_with("INACTIVE_OWNER_OR_USER:operation performed with inactive user [005"),
        "{refusal}"
    );
}

#[tokio::test]
async fn masters_are_required_and_kept() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name\nA,A\nB,B\n").await;
    let refusal = world.refusal("Line__c", "Ext__c,Count__c\n1,1\n").await;
    assert_eq!(refusal, "REQUIRED_FIELD_MISSING:Required fields are missing: [Account__c]:Account__c --");
    assert!(world.upsert("Line__c", "Ext__c,Account__r.Ext__c\n1,A\n").await.is_empty());
    assert!(world.upsert("Line__c", "Ext__c,Account__r.Ext__c,Count__c\n1,a,5\n").await.is_empty());
    let refusal = world.refusal("Line__c", "Ext__c,Account__r.Ext__c\n1,B\n").await;
    assert!(refusal.starts_with("INVALID_FIELD_FOR_INSERT_UPDATE:Attempting to update (as part of an upsert) parent field Account__c with new value 001"), "{refusal}");
    let line = world.query("SELECT Name, Count__c, Account__r.Name FROM Line__c").await["records"][0].clone();
    assert_eq!(
        (&line["Name"], &line["Count__c"], &line["Account__r"]["Name"]),
        (&json!("L-0001"), &json!(5), &json!("A"))
    );
}

#[tokio::test]
async fn insert_update_and_delete_by_id() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name\nA,A\n").await;
    world.upsert("Line__c", "Ext__c,Account__r.Ext__c\n1,A\n").await;
    world.upsert("Contact", "Ext__c,LastName,Account.Ext__c\n1,L,A\n").await;
    let id = world.query("SELECT Id FROM Account").await["records"][0]["Id"].as_str().unwrap().to_owned();
    let spec = |operation: &str| json!({"object": "Account", "operation": operation});
    let (_, good, bad) = world.run(spec("update"), &format!("id,Name\n{id},New\n,None\n")).await;
    assert_eq!(good, [format!("\"{id}\",\"false\",\"{id}\",\"New\"")]);
    assert!(bad[0].contains("MISSING_ARGUMENT:Id not specified in an update call:--"));
    let (_, good, _) = world.run(spec("delete"), &format!("Id\n{id}\n")).await;
    assert_eq!(good, [format!("\"{id}\",\"false\",\"{id}\"")]);
    let (_, _, bad) = world.run(spec("delete"), &format!("Id\n{id}\n001zz0000000999\n")).await;
    let text = bad.join("\n");
    assert!(text.contains("ENTITY_IS_DELETED:entity is deleted:--"), "{text}");
    assert!(text.contains("INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--"), "{text}");
    assert_eq!(
        world.query("SELECT COUNT() FROM Line__c").await["totalSize"],
        0,
        "details go with their master"
    );
    let contact = world.query("SELECT AccountId FROM Contact").await["records"][0].clone();
    assert_eq!(contact["AccountId"], json!(null));
}

#[tokio::test]
async fn defaults_owners_and_record_types() {
    let mut world = World::new();
    let types =
        world.query("SELECT Id, DeveloperName FROM RecordType ORDER BY DeveloperName").await["records"]
            .clone();
    let customer = types[0]["Id"].as_str().unwrap();
    let csv = format!("Ext__c,Name,RecordTypeId,Vip__c,Score__c\n1,A,{customer},TRUE,1.005\n");
    assert!(world.upsert("Account", &csv).await.is_empty());
    let account =
        world.query("SELECT Owner.Username, RecordType.DeveloperName, Vip__c, Score__c FROM Account").await;
    let account = &account["records"][0];
    assert_eq!(account["Owner"]["Username"], "admin@local.invalid");
    assert_eq!(account["RecordType"]["DeveloperName"], "Customer");
    assert_eq!((&account["Vip__c"], &account["Score__c"]), (&json!(true), &json!(1.01)));
    let bad = world.upsert("Account", "Ext__c,Name,RecordType.DeveloperName\n2,B,partner\n3,C,Nope\n").await;
    assert!(
        bad.len() == 1 && bad[0].contains("not found for field DeveloperName in entity RecordType"),
        "{bad:?}"
    );
    let spec = json!({"object": "Case", "operation": "insert"});
    world.run(spec, "Subject\nHelp\n").await;
    let case =
        world.query("SELECT CaseNumber, Status, Priority, IsClosed FROM Case").await["records"][0].clone();
    assert_eq!(
        (&case["CaseNumber"], &case["Status"], &case["Priority"]),
        (&json!("00000001"), &json!("New"), &json!("Medium"))
    );
    assert_eq!(case["IsClosed"], json!(false));
}

#[tokio::test]
async fn ragged_rows_and_wrong_bytes_are_the_rows_fault() {
    let mut world = World::new();
    let bad = world.upsert("Account", "Ext__c,Name\n1\n2,B,C\n3,D\n").await;
    assert_eq!(bad.len(), 2, "{bad:?}");
    assert_eq!(world.query("SELECT COUNT() FROM Account").await["totalSize"], 1);
}

#[tokio::test]
async fn deleted_records_are_in_the_recycle_bin_and_hard_deleted_ones_are_gone() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name\nA,A\nB,B\n").await;
    world.upsert("Line__c", "Ext__c,Account__r.Ext__c\n1,A\n2,B\n").await;
    let ids = world.query("SELECT Id FROM Account ORDER BY Name").await;
    let id = |n: usize| ids["records"][n]["Id"].as_str().unwrap().to_owned();
    let spec = |operation: &str| json!({"object": "Account", "operation": operation});
    let count =
        |world: &World, sql: &str| -> i64 { world.org.db().query_row(sql, [], |r| r.get(0)).unwrap() };
    world.run(spec("delete"), &format!("Id\n{}\n", id(0))).await;
    let marked = "SELECT count(*) FROM \"Account\" WHERE \"IsDeleted\"";
    assert_eq!(
        (count(&world, marked), world.query("SELECT COUNT() FROM Account").await["totalSize"].clone()),
        (1, json!(1))
    );
    assert_eq!(count(&world, "SELECT count(*) FROM \"Line__c\" WHERE \"IsDeleted\""), 1, "details go along");
    assert_eq!(world.get(&format!("sobjects/Account/{}", id(0))).await.status, 404);
    // Keys in the recycle bin are free: an upsert creates, a unique field takes the value, a parent is not found.
    let (_, good, _) = world.run(upsert("Account"), "Ext__c,Name\nA,Again\n").await;
    assert!(good[0].contains("\"true\""), "{good:?}");
    world.run(spec("delete"), &format!("Id\n{}\n", id(1))).await;
    let bad = world.upsert("Contact", "Ext__c,LastName,Account.Ext__c\n1,L,B\n").await;
    assert!(bad[0].contains("Foreign key external ID: b not found"), "{bad:?}");
    let bad = world.upsert("Contact", &format!("Ext__c,LastName,AccountId\n1,L,{}\n", id(1))).await;
    assert!(bad[0].contains("INVALID_CROSS_REFERENCE_KEY"), "{bad:?}");
    for operation in ["update", "delete", "hardDelete"] {
        let (_, _, bad) = world.run(spec(operation), &format!("Id\n{}\n", id(1))).await;
        assert!(bad[0].contains("ENTITY_IS_DELETED:entity is deleted:--"), "{operation} {bad:?}");
    }
    let again = world.query("SELECT Id FROM Account").await["records"][0]["Id"].as_str().unwrap().to_owned();
    let (_, good, _) = world.run(spec("hardDelete"), &format!("Id\n{again}\n")).await;
    assert_eq!(good, [format!("\"{again}\",\"false\",\"{again}\"")]);
    assert_eq!(
        count(&world, "SELECT count(*) FROM \"Account\""),
        2,
        "only the two in the recycle bin are left"
    );
}

#[tokio::test]
async fn an_account_takes_its_contacts_and_opportunities_along_and_its_cases_keep_it() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name\nA,Acme\nB,Bell\n").await;
    world.upsert("Contact", "Ext__c,LastName,Account.Ext__c\n1,One,A\n2,Two,B\n").await;
    let insert = |object: &str| json!({"object": object, "operation": "insert"});
    let deals = "Name,StageName,CloseDate,Account.Ext__c\nDeal,Prospecting,2030-01-01,A\n";
    world.run(insert("Opportunity"), deals).await;
    world.run(insert("Task"), "Subject,Contact:Who.Ext__c\nCall,1\n").await;
    // A case of the contact alone keeps the account too: the contact could not stay without it.
    world.run(insert("Case"), "Subject,Contact.Ext__c\nHelp,1\n").await;
    let ids = world.query("SELECT Id FROM Account ORDER BY Name").await;
    let rows = format!("Id\n{}\n", ids["records"][0]["Id"].as_str().unwrap());
    for operation in ["delete", "hardDelete"] {
        let (_, _, bad) = world.run(json!({"object": "Account", "operation": operation}), &rows).await;
        let words = "DELETE_FAILED:Your attempt to delete One could not be completed because it is associated with \
                     the following cases.: 00000001:--";
        assert!(bad.len() == 1 && bad[0].contains(words), "{bad:?}");
    }
    let counts = async |world: &World, all: [&str; 5]| {
        let mut counts = Vec::new();
        for object in all {
            counts.push(world.query(&format!("SELECT COUNT() FROM {object}")).await["totalSize"].as_i64());
        }
        counts.into_iter().flatten().collect::<Vec<_>>()
    };
    let objects = ["Account", "Contact", "Opportunity", "Task", "Case"];
    assert_eq!(counts(&world, objects).await, [2, 2, 1, 1, 1], "nothing is gone");
    let case = world.query("SELECT Id FROM Case").await["records"][0]["Id"].as_str().unwrap().to_owned();
    world.run(json!({"object": "Case", "operation": "delete"}), &format!("Id\n{case}\n")).await;
    let (_, _, bad) = world.run(json!({"object": "Account", "operation": "delete"}), &rows).await;
    assert!(bad.is_empty(), "a case in the recycle bin keeps nothing: {bad:?}");
    assert_eq!(counts(&world, objects).await, [1, 1, 0, 0, 0]);
    let all = world.get("queryAll?q=SELECT+COUNT()+FROM+Opportunity+WHERE+IsDeleted=true").await.json();
    assert_eq!(all["totalSize"], 1, "they are in the recycle bin with it");
}

#[tokio::test]
async fn an_upsert_takes_id_and_lookup_fields_as_keys() {
    let mut world = World::new();
    let by = |key: &str| json!({"object": "Contact", "operation": "upsert", "externalIdFieldName": key});
    let (_, good, _) = world.run(by("Id"), "LastName\nNew\n").await;
    assert!(good[0].contains("\"true\""), "without the column every row is new: {good:?}");
    let id = good[0][1..19].to_owned();
    let (_, good, bad) =
        world.run(by("id"), &format!("Id,LastName,Email\n{},Old,a@b.example\n,Other,\n", &id[..15])).await;
    assert_eq!((good.len(), bad.len()), (2, 0), "{bad:?}");
    assert_eq!(world.query("SELECT COUNT() FROM Contact").await["totalSize"], 2);
    let (_, good, bad) =
        world.run(by("Email"), "Email,LastName\nA@B.example,Renamed\nc@d.example,Third\n").await;
    assert_eq!((good.len(), bad.len()), (2, 0), "{bad:?}");
    let found = world.query(&format!("SELECT LastName FROM Contact WHERE Id = '{id}'")).await;
    assert_eq!(found["records"][0]["LastName"], "Renamed");
    let (_, _, bad) = world.run(by("Id"), &format!("Id,LastName\n{id},A\n{id},B\n")).await;
    assert!(bad.len() == 2 && bad[0].contains("DUPLICATE_VALUE:Duplicate id specified"), "{bad:?}");
}

#[tokio::test]
async fn a_key_that_several_records_have_is_ambiguous() {
    let mut world = World::new();
    let insert = |object: &str| json!({"object": object, "operation": "insert"});
    world.run(insert("Contact"), "LastName,Email\nA,x@y.example\nB,x@y.example\n").await;
    let by = json!({"object": "Contact", "operation": "upsert", "externalIdFieldName": "Email"});
    let (_, _, bad) = world.run(by, "Email,LastName\nx@y.example,C\n").await;
    assert!(
        bad[0]
            .contains("DUPLICATE_EXTERNAL_ID:Email: more than one record found for external id field: [003"),
        "{bad:?}"
    );
    let (_, _, bad) = world.run(insert("Contact"), "LastName,ReportsTo.Email\nD,X@y.example\n").await;
    assert!(bad[0].contains("DUPLICATE_EXTERNAL_ID:Email: more than one record found"), "{bad:?}");
    assert!(bad[0].contains(":Email --"), "{bad:?}");
}

#[tokio::test]
async fn users_are_found_by_the_addresses_they_have() {
    let mut world = World::new();
    let refusal = world.refusal("Account", "Ext__c,Name,Owner.Username\n1,A,sand@acme.example\n").await;
    assert_eq!(
        refusal,
        "INVALID_FIELD:Foreign key external ID: sand@acme.example not found for field Username in entity User:--"
    );
    let bad = world.upsert("Account", "Ext__c,Name,Owner.Username\n1,A,Sand@acme.example.invalid\n").await;
    assert!(bad.is_empty(), "{bad:?}");
    let owner = world.query("SELECT Owner.Email FROM Account").await["records"][0]["Owner"]["Email"].clone();
    assert_eq!(owner, "sand@acme.example.invalid");
}

#[tokio::test]
async fn cells_blank_null_marked_broken_and_rounded() {
    let mut world = World::new();
    let csv =
        "\u{feff}Ext__c,Name,Description,Score__c,Vip__c\n1,\"Line one\nLine \"\"two\"\"\",d,12.345,true\n";
    let (info, good, bad) = world.run(upsert("Account"), csv).await;
    assert!(bad.is_empty() && info["numberRecordsProcessed"] == 1, "{info} {bad:?} {good:?}");
    let row = |world: &World| {
        let soql = "SELECT Name, Description, Score__c, Vip__c FROM Account WHERE Ext__c = '1'";
        world.org.query(soql).unwrap().rows[0]
            .iter()
            .map(|c| c.clone().unwrap_or("null".into()))
            .collect::<Vec<_>>()
    };
    assert_eq!(row(&world), ["Line one\nLine \"two\"", "d", "12.35", "true"]);
    world.upsert("Account", "Ext__c,Name,Description,Score__c,Vip__c\n1,,\"\",,\n").await;
    assert_eq!(row(&world), ["Line one\nLine \"two\"", "d", "12.35", "true"], "blanks change nothing");
    world.upsert("Account", "Ext__c,Description,Score__c,Vip__c\n1,#N/A,#N/A,#N/A\n").await;
    assert_eq!(row(&world)[1..], ["null", "null", "false"]);
}

#[tokio::test]
async fn failed_rows_name_their_record_since_version_53() {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name\n1,A\n").await;
    let id = world.query("SELECT Id FROM Account").await["records"][0]["Id"].as_str().unwrap().to_owned();
    let csv = format!("Id,Score__c\n{id},x\n001zz0000000999,1\n");
    let (_, _, bad) = world.run(json!({"object": "Account", "operation": "update"}), &csv).await;
    assert!(bad[0].starts_with("\"\",\"INVALID_CROSS_REFERENCE_KEY"), "{bad:?}");
    assert!(bad[1].starts_with(&format!("\"{id}\",\"INVALID_FIELD:")), "{bad:?}");
}
