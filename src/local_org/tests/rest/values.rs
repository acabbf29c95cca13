//! What JSON values mean for fields, and parents named by their external id.

use super::super::World;
use serde_json::{Value, json};

#[tokio::test]
async fn values_keep_their_types() {
    let world = World::new();
    let record = json!({
        "attributes": {"type": "Account"}, "name": "A", "Score__c": 1.255, "Number__c": "12", "Vip__c": true,
        "Since__c": "2020-02-29", "Seen__c": "2020-01-01T14:00:00.000+0200", "NumberOfEmployees": 5, "Phone": "",
    });
    let id = world.create("Account", record).await;
    let read = world.get(&format!("sobjects/Account/{id}")).await.json();
    let expected = [
        ("Name", json!("A")),
        ("Score__c", json!(1.26)),
        ("Number__c", json!(12.0)),
        ("Vip__c", json!(true)),
        ("Since__c", json!("2020-02-29")),
        ("Seen__c", json!("2020-01-01T12:00:00.000+0000")),
        ("NumberOfEmployees", json!(5)),
        ("Phone", Value::Null),
        ("IsDeleted", json!(false)),
    ];
    for (name, value) in expected {
        assert_eq!(read[name], value, "{name}");
    }
}

#[tokio::test]
async fn values_of_a_wrong_type_are_refused_in_the_parsers_words() {
    let world = World::new();
    let refused = [
        ("Score__c", json!("N01"), "double from VALUE_STRING value N01"),
        ("Name", json!(5), "string from VALUE_NUMBER_INT value 5"),
        ("Vip__c", json!("maybe"), "boolean from VALUE_STRING value maybe"),
        ("Vip__c", json!(2.5), "boolean from VALUE_NUMBER_FLOAT value 2.5"),
        ("Since__c", json!("29.02.2020"), "date from VALUE_STRING value 29.02.2020"),
        ("Seen__c", json!("2017-10-17 00:00:00"), "datetime from VALUE_STRING value 2017-10-17 00:00:00"),
        ("Phone", json!({"a": 1}), "string from START_OBJECT value {"),
        ("Phone", json!([1]), "string from START_ARRAY value ["),
    ];
    for (name, value, what) in refused {
        let reply = world.call("POST", "sobjects/Account", json!({"Name": "A", name: value})).await;
        let message =
            format!("Cannot deserialize instance of {what} or request may be missing a required field");
        assert_eq!(reply.status, 400, "{what}");
        assert_eq!(reply.json(), json!([{"errorCode": "JSON_PARSER_ERROR", "message": message}]), "{what}");
    }
}

#[tokio::test]
async fn values_that_a_field_refuses_are_refused_as_in_bulk() {
    let world = World::new();
    let refused = [
        (json!({"Name": "x".repeat(256)}), "STRING_TOO_LONG", "Name"),
        (json!({"Tier__c": "Mid"}), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Tier__c"),
        (json!({"NumberOfEmployees": 1.5}), "INVALID_TYPE_ON_FIELD_IN_RECORD", "NumberOfEmployees"),
        (json!({"Score__c": 123456}), "NUMBER_OUTSIDE_VALID_RANGE", "Score__c"),
        (json!({"OwnerId": "nonsense"}), "MALFORMED_ID", "OwnerId"),
    ];
    for (extra, code, field) in refused {
        let mut record = json!({"Name": "A"});
        for (name, value) in extra.as_object().unwrap() {
            record[name] = value.clone();
        }
        let error = world.call("POST", "sobjects/Account", record).await.json()[0].clone();
        assert_eq!((&error["errorCode"], &error["fields"]), (&json!(code), &json!([field])), "{error}");
    }
    let taken = json!({"Name": "A", "Ext__c": "E"});
    let id = world.create("Account", taken.clone()).await;
    let error = world.call("POST", "sobjects/Account", taken).await.json()[0].clone();
    let message = format!("duplicate value found: Ext__c duplicates value on record with id: {}", &id[..15]);
    assert_eq!((&error["errorCode"], &error["message"]), (&json!("DUPLICATE_VALUE"), &json!(message)));
}

#[tokio::test]
async fn parents_by_external_id() {
    let world = World::new();
    let account = world.create("Account", json!({"Name": "P", "Ext__c": "P1"})).await;
    let contact = json!({"LastName": "L", "Ext__c": "C1", "Account": {"Ext__c": "p1"}});
    let contact = world.create("Contact", contact).await;
    let read = world.get(&format!("sobjects/Contact/{contact}?fields=AccountId")).await.json();
    assert_eq!(read["AccountId"], account.as_str());
    let who = json!({"Subject": "Call", "Who": {"attributes": {"type": "Contact"}, "Ext__c": "C1"}});
    let task = world.create("Task", who).await;
    assert_eq!(world.get(&format!("sobjects/Task/{task}")).await.json()["WhoId"], contact.as_str());
    let emptied = world.call("PATCH", &format!("sobjects/Contact/{contact}"), json!({"Account": null})).await;
    assert_eq!(emptied.status, 204, "{}", emptied.text);
    assert_eq!(world.get(&format!("sobjects/Contact/{contact}")).await.json()["AccountId"], Value::Null);
}

#[tokio::test]
async fn parents_that_cannot_be_found() {
    let world = World::new();
    for name in ["a", "b"] {
        world.create("Account", json!({"Name": name, "Number__c": 7})).await;
    }
    let refused = [
        (
            "Contact",
            json!({"Account": {"Ext__c": "NONE"}}),
            "INVALID_FIELD",
            "Foreign key external ID: none not found for field Ext__c in entity Account",
        ),
        (
            "Contact",
            json!({"Account": {"Number__c": 7}}),
            "DUPLICATE_EXTERNAL_ID",
            "Number: more than one record found for external id field: [",
        ),
        (
            "Contact",
            json!({"Accont": {"Ext__c": "1"}}),
            "INVALID_FIELD",
            "No such column 'Accont' on sobject of type Contact",
        ),
        (
            "Contact",
            json!({"Account": {"Phone": "1"}}),
            "INVALID_FIELD",
            "The Phone field is not an external id or indexed field in entity Account",
        ),
        (
            "Task",
            json!({"Who": {"Ext__c": "C1"}}),
            "INVALID_FIELD",
            "type is needed for polymorphic foreign key references: Who",
        ),
        (
            "Contact",
            json!({"AccountId": "001000000000001"}),
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
        ),
    ];
    for (object, mut record, code, message) in refused {
        if object == "Contact" {
            record["LastName"] = json!("L");
        }
        let reply = world.call("POST", &format!("sobjects/{object}"), record.clone()).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        let error = &reply.json()[0];
        assert_eq!(error["errorCode"], code, "{record}");
        assert!(error["message"].as_str().unwrap().starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn compound_addresses_are_read_and_never_written() {
    let world = World::new();
    let id =
        world.create("Account", json!({"Name": "A", "BillingCity": "Rome", "BillingCountry": "Italy"})).await;
    let read = world.get(&format!("sobjects/Account/{id}")).await.json();
    assert_eq!(
        (&read["BillingAddress"]["city"], &read["BillingAddress"]["street"]),
        (&json!("Rome"), &Value::Null)
    );
    let address = json!({"BillingAddress": {"city": "Paris"}});
    let refused = world.call("PATCH", &format!("sobjects/Account/{id}"), address).await;
    assert_eq!(refused.json()[0]["fields"], json!(["BillingAddress"]));
}
