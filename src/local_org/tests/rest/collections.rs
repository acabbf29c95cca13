//! `composite/sobjects`: many records in one call.

use super::super::World;
use serde_json::{Value, json};

/// Records of one object with their type named.
fn records(object: &str, records: &[Value]) -> Value {
    let typed = records.iter().map(|record| {
        let mut record = record.clone();
        record["attributes"] = json!({"type": object});
        record
    });
    json!({"allOrNone": false, "records": typed.collect::<Vec<_>>()})
}

#[tokio::test]
async fn many_are_created_in_order() {
    let world = World::new();
    let body = records("Account", &[json!({"Name": "x"}), json!({}), json!({"Name": "y"})]);
    let made = world.call("POST", "composite/sobjects", body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = made.json();
    let id = |i: usize| made[i]["id"].as_str().unwrap();
    assert_eq!(made[0], json!({"id": id(0), "success": true, "errors": []}));
    let missing = json!({
        "statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Name]", "fields": ["Name"],
    });
    assert_eq!(made[1], json!({"success": false, "errors": [missing]}));
    assert!(id(0) < id(2));
    assert_eq!(world.count("Account").await, 2);
}

#[tokio::test]
async fn all_or_none_undoes_everything_as_captured() {
    let world = World::new();
    let mut body = records("Contact", &[json!({"FirstName": "A"}), json!({"LastName": "B"})]);
    body["allOrNone"] = json!(true);
    // amp-labs batch/create/contacts/partial-but-allOrNone.json
    let expected = json!([
        {"success": false, "errors": [{
            "statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [LastName]",
            "fields": ["LastName"],
        }]},
        {"success": false, "errors": [{
            "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
            "fields": [],
        }]},
    ]);
    let reply = world.call("POST", "composite/sobjects", body).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, expected));
    assert_eq!(world.count("Contact").await, 0);
}

#[tokio::test]
async fn updates_by_id() {
    let world = World::new();
    let one = world.create("Contact", json!({"LastName": "A"})).await;
    let two = world.create("Contact", json!({"LastName": "B"})).await;
    let rows = [
        json!({"id": one, "LastName": "C"}),
        json!({"LastName": "D"}),
        json!({"Id": two, "unknownField_LastName": "E"}),
        json!({"Id": "003000000000001", "LastName": "F"}),
        json!({"Id": "x", "LastName": "F"}),
    ];
    let reply = world.call("PATCH", "composite/sobjects", records("Contact", &rows)).await.json();
    assert_eq!(reply[0], json!({"id": one, "success": true, "errors": []}));
    let error =
        |i: usize| (reply[i]["errors"][0]["statusCode"].clone(), reply[i]["errors"][0]["message"].clone());
    // amp-labs batch/update/contacts
    assert_eq!(error(1), (json!("MISSING_ARGUMENT"), json!("Id not specified in an update call")));
    let message = "No such column 'unknownField_LastName' on sobject of type Contact";
    assert_eq!(error(2), (json!("INVALID_FIELD"), json!(message)));
    assert_eq!(error(3).0, "INVALID_CROSS_REFERENCE_KEY");
    assert_eq!(error(4), (json!("MALFORMED_ID"), json!("Contact ID: id value of incorrect type: x")));
    assert_eq!(world.count("Contact WHERE LastName = 'C'").await, 1);
    let same = [json!({"Id": one, "LastName": "G"}), json!({"Id": &one[..15], "LastName": "H"})];
    let reply = world.call("PATCH", "composite/sobjects", records("Contact", &same)).await.json();
    assert!(
        reply.as_array().unwrap().iter().all(|r| r["errors"][0]["statusCode"] == "DUPLICATE_VALUE"),
        "{reply}"
    );
}

#[tokio::test]
async fn upserts_by_key_tell_what_they_created() {
    let world = World::new();
    let rows = [json!({"Ext__c": "E1", "Name": "x"}), json!({"Ext__c": "E2", "Name": "y"})];
    let made =
        world.call("PATCH", "composite/sobjects/Account/Ext__c", records("Account", &rows)).await.json();
    assert!(made.as_array().unwrap().iter().all(|r| r["created"] == true && r["success"] == true), "{made}");
    let rows =
        [json!({"Ext__c": "e1", "Name": "z"}), json!({"Ext__c": null, "Name": "n"}), json!({"Ext__c": "E3"})];
    let again =
        world.call("PATCH", "composite/sobjects/Account/Ext__c", records("Account", &rows)).await.json();
    assert_eq!(again[0], json!({"id": made[0]["id"], "success": true, "errors": [], "created": false}));
    assert_eq!(again[1]["errors"][0]["message"], "Ext__c not specified");
    assert_eq!(again[2]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    // CumulusCI upserts by Id with null ids, and by Contact.Email, which is a look-up field but no external id.
    let by_id =
        [json!({"Id": null, "Name": "i", "AccountNumber": "420"}), json!({"Id": made[1]["id"], "Name": "j"})];
    let by_id = world.call("PATCH", "composite/sobjects/Account/Id", records("Account", &by_id)).await.json();
    assert_eq!((&by_id[0]["created"], &by_id[1]["created"]), (&json!(true), &json!(false)));
    let people =
        [json!({"Email": "a@x.example", "LastName": "A"}), json!({"Email": "b@x.example", "LastName": "B"})];
    let people = records("Contact", &people);
    for created in [true, false] {
        let reply = world.call("PATCH", "composite/sobjects/Contact/Email", people.clone()).await.json();
        assert!(reply.as_array().unwrap().iter().all(|r| r["created"] == created), "{reply}");
    }
}

#[tokio::test]
async fn a_key_that_stands_twice_fails_both() {
    let world = World::new();
    let rows = [
        json!({"Ext__c": "X", "Name": "a"}),
        json!({"Ext__c": "Y", "Name": "b"}),
        json!({"Ext__c": "x", "Name": "c"}),
    ];
    let reply =
        world.call("PATCH", "composite/sobjects/Account/Ext__c", records("Account", &rows)).await.json();
    for (row, sent) in [(0, "X"), (2, "x")] {
        let message = format!("Duplicate external id specified: {sent}");
        let error = json!({"statusCode": "DUPLICATE_VALUE", "message": message, "fields": ["Ext__c"]});
        assert_eq!(reply[row], json!({"success": false, "errors": [error]}));
    }
    assert_eq!(reply[1]["created"], true);
    assert_eq!(world.count("Account").await, 1);
}

#[tokio::test]
async fn deletes_and_reads_by_ids() {
    let world = World::new();
    let (one, two) = (
        world.create("Account", json!({"Name": "A"})).await,
        world.create("Account", json!({"Name": "B"})).await,
    );
    let person = world.create("Contact", json!({"LastName": "C"})).await;
    let path = format!("composite/sobjects/Account?ids={one},001000000000001,{two}&fields=Id,Name");
    let read = world.get(&path).await.json();
    assert_eq!((&read[0]["Name"], &read[1], &read[2]["Id"]), (&json!("A"), &Value::Null, &json!(two)));
    let body = json!({"ids": [two], "fields": ["Name"]});
    assert_eq!(world.call("POST", "composite/sobjects/Account", body).await.json()[0]["Name"], "B");
    let path = format!("composite/sobjects?ids={one},001000000000001,zzz&allOrNone=true");
    let kept = world.send("DELETE", &path, "").await.json();
    let code = |i: usize| kept[i]["errors"][0]["statusCode"].as_str().unwrap().to_owned();
    assert_eq!(code(0), "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!((code(1).as_str(), code(2).as_str()), ("INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"));
    assert_eq!(world.count("Account").await, 2);
    let gone = world.send("DELETE", &format!("composite/sobjects?ids={one},{person}"), "").await.json();
    assert_eq!(
        gone,
        json!([
            {"id": one, "success": true, "errors": []}, {"id": person, "success": true, "errors": []},
        ])
    );
    assert_eq!((world.count("Account").await, world.count("Contact").await), (1, 0));
    let again = world.send("DELETE", &format!("composite/sobjects?ids={one}"), "").await.json();
    assert_eq!(again[0]["errors"][0]["statusCode"], "ENTITY_IS_DELETED");
}

#[tokio::test]
async fn objects_may_be_mixed_a_little() {
    let world = World::new();
    let account = json!({"attributes": {"type": "Account"}, "Name": "A"});
    let contact = json!({"attributes": {"type": "Contact"}, "LastName": "C"});
    let mixed = |n: usize| {
        let pairs: Vec<Value> = (0..n).flat_map(|_| [account.clone(), contact.clone()]).collect();
        json!({"records": pairs})
    };
    let made = world.call("POST", "composite/sobjects", mixed(5)).await;
    assert_eq!(made.json().as_array().unwrap().len(), 10);
    let refused = world.call("POST", "composite/sobjects", mixed(6)).await;
    assert!(refused.status == 400 && refused.text.contains("more than 10 chunks"), "{}", refused.text);
    let strange = json!({"records": [{"attributes": {"type": "Foo"}, "Name": "A"}, {"Name": "B"}, account]});
    let reply = world.call("POST", "composite/sobjects", strange).await.json();
    assert_eq!(reply[0]["errors"][0]["message"], "sObject type 'Foo' is not supported.");
    assert_eq!((&reply[1]["success"], &reply[2]["success"]), (&json!(false), &json!(true)));
    assert_eq!((world.count("Account").await, world.count("Contact").await), (6, 5));
}

#[tokio::test]
async fn no_record_and_too_many() {
    let world = World::new();
    // amp-labs batch/create/contacts/err-bad-request.json
    let none = world.call("POST", "composite/sobjects", json!({"records": []})).await;
    let expected =
        json!([{"message": "At least 1 record is required", "errorCode": "REQUIRED_FIELD_MISSING"}]);
    assert_eq!((none.status.as_u16(), none.json()), (400, expected));
    let rows =
        |n: usize| records("Account", &(0..n).map(|i| json!({"Name": format!("N{i}")})).collect::<Vec<_>>());
    let many = world.call("POST", "composite/sobjects", rows(201)).await;
    let message = "record limit reached. cannot submit more than 200 records into this call";
    assert_eq!(
        (many.status.as_u16(), many.json()),
        (400, json!([{"message": message, "errorCode": "EXCEEDED_ID_LIMIT"}]))
    );
    assert_eq!(world.count("Account").await, 0);
    assert_eq!(world.call("POST", "composite/sobjects", rows(200)).await.status, 200);
    assert_eq!(world.count("Account").await, 200);
}
