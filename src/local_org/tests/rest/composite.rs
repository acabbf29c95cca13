//! Calls inside calls: composite with references, trees, batches.

use super::super::World;
use serde_json::{Value, json};

fn request(id: &str, method: &str, path: &str, body: Value) -> Value {
    json!({"referenceId": id, "method": method, "url": format!("/services/data/v62.0/{path}"), "body": body})
}

fn composite(all_or_none: bool, requests: &[Value]) -> Value {
    json!({"allOrNone": all_or_none, "compositeRequest": requests})
}

#[tokio::test]
async fn later_calls_name_earlier_ones() {
    let world = World::new();
    let body = composite(
        false,
        &[
            request("a", "POST", "sobjects/Account", json!({"Name": "A"})),
            request("c", "POST", "sobjects/Contact", json!({"LastName": "C", "AccountId": "@{a.id}"})),
            request(
                "q",
                "GET",
                "query/?q=SELECT Id, Account.Name FROM Contact WHERE AccountId = '@{a.id}'",
                json!(null),
            ),
            request(
                "u",
                "PATCH",
                "sobjects/Contact/@{q.records[0].Id}",
                json!({"FirstName": "@{q.records[0].Account.Name}"}),
            ),
        ],
    );
    let reply = world.call("POST", "composite", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let answers = reply.json()["compositeResponse"].clone();
    let account = answers[0]["body"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        answers[0],
        json!({
            "body": {"id": account, "success": true, "errors": []}, "httpStatusCode": 201, "referenceId": "a",
            "httpHeaders": {"Location": format!("/services/data/v62.0/sobjects/Account/{account}")},
        })
    );
    assert_eq!(answers[2]["body"]["records"][0]["Account"]["Name"], "A");
    assert_eq!(
        answers[3],
        json!({"body": null, "httpHeaders": {}, "httpStatusCode": 204, "referenceId": "u"})
    );
    assert_eq!(world.count("Contact WHERE FirstName = 'A'").await, 1);
}

#[tokio::test]
async fn errors_inside_answer_as_recorded() {
    let world = World::new();
    // CumulusCI TestCompositeParallelSalesforce.test_errors
    let body = composite(
        false,
        &[
            request("x", "GET", "sobjects/Foo", json!(null)),
            request("y", "POST", "sobjects/Contact", json!({"LastName": "@{x.id}"})),
            request("z", "POST", "sobjects/Account", json!({"Name": "kept"})),
        ],
    );
    let answers = world.call("POST", "composite", body).await.json()["compositeResponse"].clone();
    assert_eq!(
        answers[0],
        json!({
            "body": [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
            "httpHeaders": {}, "httpStatusCode": 404, "referenceId": "x",
        })
    );
    let message = "Invalid reference specified. No value for x.id found in x";
    assert_eq!(
        answers[1],
        json!({
            "body": [{"errorCode": "PROCESSING_HALTED", "message": message}],
            "httpHeaders": {}, "httpStatusCode": 400, "referenceId": "y",
        })
    );
    assert_eq!(answers[2]["httpStatusCode"], 201);
    assert_eq!(world.count("Account WHERE Name = 'kept'").await, 1);
}

#[tokio::test]
async fn all_or_none_undoes_what_came_before() {
    let mut world = World::new();
    let undone = json!([{
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }]);
    let body = composite(
        true,
        &[
            request("a", "POST", "sobjects/Account", json!({"Name": "A"})),
            request("b", "POST", "sobjects/Account", json!({})),
            request("c", "POST", "sobjects/Account", json!({"Name": "C"})),
        ],
    );
    let answers = world.call("POST", "composite", body).await.json()["compositeResponse"].clone();
    assert_eq!((&answers[0]["body"], &answers[0]["httpStatusCode"]), (&undone, &json!(400)));
    assert_eq!(answers[1]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(answers[2]["body"], undone);
    assert_eq!(world.count("Account").await, 0);
    // The whole's word goes over that of a collection inside.
    let rows = json!({"allOrNone": false, "records": [{"attributes": {"type": "Account"}, "Name": "D"}, {"attributes": {"type": "Account"}}]});
    let body = composite(
        true,
        &[
            request("rows", "POST", "composite/sobjects", rows),
            request("e", "POST", "sobjects/Account", json!({"Name": "E"})),
        ],
    );
    let answers = world.call("POST", "composite", body).await.json()["compositeResponse"].clone();
    assert_eq!(answers[0]["body"][0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!((&answers[0]["httpStatusCode"], &answers[1]["body"]), (&json!(200), &undone));
    assert_eq!(world.count("Account").await, 0);
    // The database is given back: jobs and calls go on.
    assert!(world.upsert("Account", "Ext__c,Name\n1,A\n").await.is_empty());
    let body = composite(true, &[request("a", "POST", "sobjects/Account", json!({"Name": "F"}))]);
    world.call("POST", "composite", body).await;
    assert_eq!(world.count("Account").await, 2);
}

#[tokio::test]
async fn calls_that_are_refused_whole() {
    let world = World::new();
    let one = |id: &str| request(id, "GET", "limits", json!(null));
    let many: Vec<Value> = (0..26).map(|i| one(&format!("r{i}"))).collect();
    let refused = world.call("POST", "composite", composite(false, &many)).await;
    assert_eq!(refused.status, 200);
    assert_eq!(
        refused.json(),
        json!({"compositeResponse": [{
            "body": [{"errorCode": "LIMIT_EXCEEDED", "message": "The request can’t contain more than 25 operations."}],
            "httpHeaders": {}, "httpStatusCode": 400, "referenceId": null,
        }]})
    );
    for wrong in [vec![one("a"), one("a")], vec![one("a-b")], vec![json!({"method": "GET", "url": "x"})]] {
        let refused = world.call("POST", "composite", composite(false, &wrong)).await.json();
        assert_eq!(refused["compositeResponse"][0]["body"][0]["errorCode"], "INVALID_INPUT", "{refused}");
    }
    let inside = composite(
        false,
        &[
            request("j", "POST", "jobs/ingest", json!({})),
            request("c", "POST", "composite", json!({})),
            json!({"referenceId": "v", "method": "GET", "url": "/services/data/v1.0/limits"}),
        ],
    );
    let answers = world.call("POST", "composite", inside).await.json()["compositeResponse"].clone();
    assert!(answers.as_array().unwrap().iter().all(|a| a["httpStatusCode"] == 404), "{answers}");
    assert_eq!(world.get("composite").await.json()["tree"], "/services/data/v62.0/composite/tree");
    assert_eq!(world.get("composite/graph").await.status, 404);
}

/// As the sf CLI sends it, with a second tree.
fn tree() -> Value {
    json!({"records": [
        {"attributes": {"type": "Account", "referenceId": "A1"}, "Name": "A", "Contacts": {"records": [
            {"attributes": {"type": "Contact", "referenceId": "C1"}, "LastName": "L"},
            {"attributes": {"type": "Contact", "referenceId": "C2"}, "LastName": "M"},
        ]}},
        {"attributes": {"type": "Account", "referenceId": "A2"}, "Name": "B"},
    ]})
}

#[tokio::test]
async fn a_tree_grows_level_by_level() {
    let world = World::new();
    let grown = world.call("POST", "composite/tree/Account", tree()).await;
    assert_eq!(grown.status, 201, "{}", grown.text);
    let grown = grown.json();
    assert_eq!(grown["hasErrors"], false);
    let order: Vec<&str> =
        grown["results"].as_array().unwrap().iter().map(|r| r["referenceId"].as_str().unwrap()).collect();
    assert_eq!(order, ["A1", "A2", "C1", "C2"]);
    let account = grown["results"][0]["id"].as_str().unwrap();
    assert_eq!(world.count(&format!("Contact WHERE AccountId = '{account}'")).await, 2);
}

#[tokio::test]
async fn a_tree_with_an_error_leaves_nothing() {
    let world = World::new();
    let mut wrong = tree();
    wrong["records"][0]["Contacts"]["records"][1]["Email"] = json!("123");
    let reply = world.call("POST", "composite/tree/Account", wrong).await;
    let error = json!({
        "statusCode": "INVALID_EMAIL_ADDRESS", "message": "Email: invalid email address: 123", "fields": ["Email"],
    });
    let expected = json!({"hasErrors": true, "results": [{"referenceId": "C2", "errors": [error]}]});
    assert_eq!((reply.status.as_u16(), reply.json()), (400, expected));
    assert_eq!((world.count("Account").await, world.count("Contact").await), (0, 0));
    let mut twice = tree();
    twice["records"][1]["attributes"]["referenceId"] = json!("C1");
    let mut strange = tree();
    strange["records"][1]["attributes"]["type"] = json!("Contact");
    for refused in [twice, strange] {
        let reply = world.call("POST", "composite/tree/Account", refused).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["results"][0]["errors"][0]["statusCode"], "INVALID_INPUT");
    }
    assert_eq!(world.count("Account").await, 0);
}

#[tokio::test]
async fn a_batch_goes_on_unless_it_is_told_to_halt() {
    let world = World::new();
    let requests = json!([
        {"method": "POST", "url": "v62.0/sobjects/Account", "richInput": {"Name": "A"}},
        {"method": "GET", "url": "v62.0/sobjects/Foo"},
        {"method": "POST", "url": "v62.0/sobjects/Account", "richInput": {"Name": "B"}},
    ]);
    let all = world.call("POST", "composite/batch", json!({"batchRequests": requests})).await.json();
    assert_eq!(all["hasErrors"], true);
    let statuses: Vec<u64> =
        all["results"].as_array().unwrap().iter().map(|r| r["statusCode"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 404, 201]);
    assert_eq!(all["results"][1]["result"][0]["errorCode"], "NOT_FOUND");
    let halted = world
        .call("POST", "composite/batch", json!({"haltOnError": true, "batchRequests": requests}))
        .await
        .json();
    assert_eq!(halted["results"][2]["statusCode"], 412);
    assert_eq!(world.count("Account").await, 3);
}
