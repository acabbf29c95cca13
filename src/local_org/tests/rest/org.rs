//! What the org tells of itself: versions, resources, who is calling, objects, counts.

use super::super::World;
use serde_json::json;

#[tokio::test]
async fn versions_are_listed_to_anybody_oldest_first() {
    let world = World::new();
    let list = world.send_as("nobody", "GET", "/services/data/", "".into()).await;
    assert_eq!(list.status, 200);
    assert!(list.headers.get("sforce-limit-info").is_none());
    let list = list.json();
    let all = list.as_array().unwrap();
    assert_eq!(all[0], json!({"label": "Spring '21", "url": "/services/data/v51.0", "version": "51.0"}));
    assert_eq!(
        all.last().unwrap(),
        &json!({"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"})
    );
    assert_eq!(all.len(), 18);
}

#[tokio::test]
async fn the_way_that_clients_go_to_who_they_are() {
    let world = World::new();
    // jsforce and SFDMU follow `identity` of a version's resources.
    let resources = world.get("/services/data/v67.0").await.json();
    let url = resources["identity"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("http://127.0.0.1:1").unwrap();
    let who = world.send_as(&world.org.access_token(), "GET", path, "".into()).await.json();
    let me =
        world.send_as(&world.org.access_token(), "GET", "/services/oauth2/userinfo", "".into()).await.json();
    assert_eq!((&who["id"], &me["sub"]), (&json!(url), &json!(url)));
    for key in ["user_id", "organization_id", "email", "active", "urls", "language"] {
        assert_eq!(who[key], me[key], "{key}");
    }
    assert_eq!((&who["username"], &who["display_name"]), (&me["preferred_username"], &me["name"]));
    assert_eq!(who["urls"]["rest"], "http://127.0.0.1:1/services/data/v{version}/");
    for wrong in [
        "/id/00D000000000001/005000000000001",
        "/id/x",
        &format!("/id/{}/005000000000001", world.org.org_id()),
    ] {
        assert_eq!(
            world.send_as(&world.org.access_token(), "GET", wrong, "".into()).await.status,
            404,
            "{wrong}"
        );
    }
    // The sf CLI reads the user with an old version, by the id that userinfo gives.
    let user = me["user_id"].as_str().unwrap();
    let record = world.get(&format!("/services/data/v51.0/sobjects/User/{user}")).await.json();
    assert_eq!(record["Username"], "admin@local.invalid");
    assert_eq!(record["attributes"]["url"], format!("/services/data/v51.0/sobjects/User/{user}"));
    assert_eq!(me["preferred_username"], record["Username"]);
    assert_eq!(me["organization_id"], world.org.org_id());
}

#[tokio::test]
async fn objects_without_records_are_not_counted() {
    let world = World::new();
    let gone = world.create("Account", json!({"Name": "A"})).await;
    world.create("Account", json!({"Name": "B"})).await;
    world.send("DELETE", &format!("sobjects/Account/{gone}"), "").await;
    let counted = world.get("limits/recordCount?sObjects=account,Contact,Foo").await.json();
    assert_eq!(counted, json!({"sObjects": [{"count": 1, "name": "Account"}]}));
    let all = world.get("limits/recordCount").await.json();
    assert!(
        all["sObjects"].as_array().unwrap().contains(&json!({"count": 1, "name": "Organization"})),
        "{all}"
    );
}

#[tokio::test]
async fn every_object_is_listed_with_the_keys_of_a_real_list() {
    let world = World::new();
    let list = world.get("sobjects").await.json();
    assert_eq!((&list["encoding"], &list["maxBatchSize"]), (&json!("UTF-8"), &json!(200)));
    let all = list["sobjects"].as_array().unwrap();
    let line = all.iter().find(|o| o["name"] == "Line__c").unwrap();
    assert_eq!(
        (&line["custom"], &line["keyPrefix"], &line["createable"]),
        (&json!(true), &json!("a00"), &json!(true))
    );
    for object in all {
        let describe =
            world.get(&format!("sobjects/{}/describe", object["name"].as_str().unwrap())).await.json();
        for key in
            ["name", "label", "labelPlural", "keyPrefix", "createable", "updateable", "deletable", "custom"]
        {
            assert_eq!(describe[key], object[key], "{}", object["name"]);
        }
    }
    let basic = world.get("sobjects/account").await.json();
    assert_eq!((&basic["objectDescribe"]["name"], &basic["recentItems"]), (&json!("Account"), &json!([])));
}

#[tokio::test]
async fn a_describe_that_the_client_has_is_not_sent_again() {
    let world = World::new();
    for (since, status) in
        [("Mon, 09 Sep 2024 16:40:00 GMT", 304), ("Mon, 09 Sep 2024 16:39:59 GMT", 200), ("x", 200)]
    {
        for path in ["sobjects", "sobjects/Account/describe"] {
            let reply = world.ask("GET", path, &[("if-modified-since", since)]).await;
            assert_eq!(reply.status, status, "{path} {since}");
            assert_eq!(reply.text.is_empty(), status == 304);
        }
    }
}
