//! Single records: `sobjects/X`, `sobjects/X/ID`, `sobjects/X/KEY/VALUE`.

use super::super::World;
use super::errors;
use serde_json::json;

const GONE: &str = "The requested resource does not exist";

#[tokio::test]
async fn a_record_lives_and_dies_by_its_id() {
    let world = World::new();
    // As simple-salesforce sends it, with a slash at the end.
    let made = world.call("POST", "sobjects/Account/", json!({"Name": "Ada", "Phone": "1"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.json(), json!({"id": id, "success": true, "errors": []}));
    assert_eq!(made.headers["location"], format!("/services/data/v62.0/sobjects/Account/{id}"));
    let path = format!("sobjects/Account/{id}");
    let changed = world.call("PATCH", &path, json!({"Name": "Bea", "Phone": null})).await;
    assert_eq!((changed.status.as_u16(), changed.text.as_str()), (204, ""));
    let read = world.get(&format!("{path}?fields=Name,Phone")).await.json();
    assert_eq!((&read["Name"], &read["Phone"]), (&json!("Bea"), &json!(null)));
    assert_eq!(read["attributes"]["url"], format!("/services/data/v62.0/{path}"));
    assert_eq!(world.get(&path).await.json()["Id"], id.as_str());
    let deleted = world.send("DELETE", &path, "").await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    assert_eq!(world.get(&path).await.status, 404);
    assert_eq!(world.count("Account").await, 0);
}

#[tokio::test]
async fn a_deleted_record_answers_as_captured() {
    let world = World::new();
    let path = format!("sobjects/Account/{}", world.create("Account", json!({"Name": "A"})).await);
    world.send("DELETE", &path, "").await;
    for (method, body) in [("DELETE", ""), ("PATCH", "{\"Name\":\"B\"}")] {
        let again = world.send(method, &path, body).await;
        // amp-labs crm/delete/not-found.json
        assert_eq!(again.status, 404);
        assert_eq!(again.json(), errors("ENTITY_IS_DELETED", "entity is deleted", json!([])));
    }
}

#[tokio::test]
async fn ids_that_no_record_has() {
    let world = World::new();
    // fidelic-conformance errors-005, checked there on a real org: 15 characters, well formed.
    let ghost = world.call("PATCH", "sobjects/Account/001000000000001", json!({"Name": "Ghost"})).await;
    assert_eq!(
        (ghost.status.as_u16(), &ghost.json()[0]["errorCode"]),
        (404, &json!("INVALID_CROSS_REFERENCE_KEY"))
    );
    let missing = world.get("sobjects/Account/001000000000001").await;
    assert_eq!((missing.status.as_u16(), &missing.json()[0]["message"]), (404, &json!(GONE)));
    let word = world.call("PATCH", "sobjects/Account/-1", json!({"Name": "x"})).await;
    let message = "Provided external ID field does not exist or is not accessible: -1";
    assert_eq!(word.json(), json!([{"errorCode": "NOT_FOUND", "message": message}]));
    assert_eq!(word.status, 404);
    let strange = world.send("DELETE", "sobjects/Account/003000000000001", "").await;
    let message = "Account ID: id value of incorrect type: 003000000000001";
    assert_eq!(
        (strange.status.as_u16(), strange.json()),
        (400, errors("MALFORMED_ID", message, json!(["Id"])))
    );
    for path in ["sobjects/Foo", "sobjects/Foo/describe", "sobjects/Account/001000000000001/a/b"] {
        let none = world.get(path).await;
        assert_eq!(none.status, 404, "{path}");
        assert_eq!(none.json(), json!([{"errorCode": "NOT_FOUND", "message": GONE}]), "{path}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body() {
    let world = World::new();
    let id = world.create("Account", json!({"Name": "A"})).await;
    let own = format!("sobjects/Account/{id}");
    let refused = [
        ("POST", "sobjects/Account", "{}", "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]"),
        (
            "POST",
            "sobjects/Account",
            r#"{"Name":"x","NotAField__c":1}"#,
            "INVALID_FIELD",
            "No such column 'NotAField__c' on sobject of type Account",
        ),
        (
            "POST",
            "sobjects/Account",
            r#"{"Id":"001000000000001","Name":"x"}"#,
            "INVALID_FIELD",
            "The Id field should not be specified in the sobject data.",
        ),
        (
            "PATCH",
            &own,
            r#"{"id":"001000000000001","Name":"x"}"#,
            "INVALID_FIELD",
            "The Id field should not be specified in the sobject data.",
        ),
        (
            "POST",
            "sobjects/Account",
            "",
            "JSON_PARSER_ERROR",
            "The HTTP entity body is required, but this request has no entity body.",
        ),
        (
            "PATCH",
            &own,
            r#"{"Type":"Partner"}"#,
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "Partners need a phone",
        ),
        // amp-labs invalid-field-upsert.json
        (
            "PATCH",
            &own,
            r#"{"MasterRecordId":null}"#,
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: MasterRecordId. Please check the security settings of this field and \
             verify that it is read/write for your profile or permission set.",
        ),
    ];
    for (method, path, body, code, message) in refused {
        let reply = world.send(method, path, body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        let error = &reply.json()[0];
        assert_eq!((&error["errorCode"], &error["message"]), (&json!(code), &json!(message)), "{body}");
    }
    assert_eq!(world.call("POST", "sobjects/Account", json!({})).await.json()[0]["fields"], json!(["Name"]));
    assert_eq!(
        world.send("POST", "sobjects/Account", "{\"Name\":").await.json()[0]["errorCode"],
        "JSON_PARSER_ERROR"
    );
    assert_eq!(world.send("PUT", &own, "{}").await.status, 405);
    assert_eq!(world.count("Account").await, 1);
}

#[tokio::test]
async fn a_key_in_the_path_creates_updates_reads_and_deletes() {
    let world = World::new();
    let path = "sobjects/Account/Ext__c/E%2F1";
    let made = world.call("PATCH", path, json!({"Name": "x"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].clone();
    assert_eq!(made.json(), json!({"id": id, "success": true, "errors": [], "created": true}));
    let changed = world.call("PATCH", &path.replace("E%2F1", "e%2f1"), json!({"Name": "y"})).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json(), json!({"id": id, "success": true, "errors": [], "created": false}));
    let read = world.get(path).await.json();
    assert_eq!((&read["Name"], &read["Ext__c"], &read["Id"]), (&json!("y"), &json!("E/1"), &id));
    let twice = world.call("PATCH", path, json!({"ext__c": "E/1", "Name": "z"})).await;
    assert_eq!(twice.json()[0]["message"], "The Ext__c field should not be specified in the sobject data.");
    let post = world.call("POST", &format!("{path}?_HttpMethod=PATCH"), json!({"Name": "z"})).await;
    assert_eq!((post.status.as_u16(), &post.json()["created"]), (200, &json!(false)));
    assert_eq!(world.send("DELETE", path, "").await.status, 204);
    assert_eq!(world.get(path).await.status, 404);
    let none = world.call("PATCH", "sobjects/Account/Phone/1", json!({"Name": "x"})).await;
    let message = "Provided external ID field does not exist or is not accessible: Phone";
    assert_eq!((none.status.as_u16(), &none.json()[0]["message"]), (404, &json!(message)));
}

#[tokio::test]
async fn several_records_with_one_key_are_listed_and_left_alone() {
    let world = World::new();
    let mut urls = Vec::new();
    for name in ["a", "b"] {
        let id = world.create("Account", json!({"Name": name, "Number__c": 7})).await;
        urls.push(format!("/services/data/v62.0/sobjects/Account/{id}"));
    }
    for (method, body) in [("PATCH", "{\"Name\":\"c\"}"), ("GET", ""), ("DELETE", "")] {
        let several = world.send(method, "sobjects/Account/Number__c/7", body).await;
        assert_eq!((several.status.as_u16(), several.json()), (300, json!(urls)), "{method}");
    }
    assert_eq!(world.count("Account WHERE Name = 'c'").await, 0);
    assert_eq!(world.count("Account").await, 2);
}

#[tokio::test]
async fn id_in_the_place_of_a_key() {
    let world = World::new();
    let made = world.call("POST", "sobjects/Account/Id", json!({"Name": "x"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let changed = world.call("PATCH", &format!("sobjects/Account/Id/{id}"), json!({"Name": "y"})).await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    assert_eq!(world.get(&format!("sobjects/Account/{}", &id[..15])).await.json()["Name"], "y");
}

#[tokio::test]
async fn fields_that_are_asked_for() {
    let world = World::new();
    let id = world.create("Account", json!({"Name": "A"})).await;
    let one = world.get(&format!("sobjects/Account/{id}?fields=Name,Owner.Username")).await.json();
    assert_eq!(one["Owner"]["Username"], "admin@local.invalid");
    assert!(one.get("Phone").is_none());
    let wrong = world.get(&format!("sobjects/Account/{id}?fields=Name,foo")).await;
    let message = "No such column 'foo' on sobject of type Account";
    assert_eq!((wrong.status.as_u16(), &wrong.json()[0]["message"]), (400, &json!(message)));
}
