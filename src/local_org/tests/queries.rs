//! Queries, describes and the rest of what is read.

use super::{World, upsert};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::json;

async fn people() -> World {
    let mut world = World::new();
    world.upsert("Account", "Ext__c,Name,Score__c,Since__c,Seen__c,Vip__c,Phone\nA,Alpha,1.5,2020-01-31,2020-01-31T10:00:00Z,true,\nB,beta,2,2021-01-31,,false,1_1\nC,Gämma,,,,,2%2\n").await;
    world
        .upsert(
            "Contact",
            "Ext__c,LastName,FirstName,Account.Ext__c\n1,O'Neil,Ann,A\n2,Bee,,B\n3,Free,Dan,\n",
        )
        .await;
    world
}

async fn names(world: &World, condition: &str) -> String {
    let found = world.query(&format!("SELECT Ext__c FROM Account WHERE {condition}")).await;
    let Some(records) = found["records"].as_array() else { panic!("{condition}: {found}") };
    records.iter().map(|r| r["Ext__c"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn conditions() {
    let world = people().await;
    for (condition, expected) in [
        ("Name = 'ALPHA'", "A"),
        ("Name = 'gÄmma'", "C"),
        ("Name != 'alpha'", "BC"),
        ("Ext__c IN ('a', 'c')", "AC"),
        ("Ext__c NOT IN ('a')", "BC"),
        ("Score__c != 2", "AC"),
        ("Score__c > 1.5", "B"),
        ("NOT Score__c > 1.5", "AC"),
        ("Score__c = null", "C"),
        ("Score__c != null AND Vip__c = TRUE", "A"),
        ("(Score__c = 2 OR Score__c = 1.5) AND Name LIKE 'b%'", "B"),
        ("Name LIKE '_l%'", "A"),
        ("Name LIKE '%ÄM%'", "C"),
        ("Phone LIKE '%\\_%'", "B"),
        ("Phone LIKE '2\\%2'", "C"),
        ("Since__c >= 2020-02-01", "B"),
        ("Seen__c = 2020-01-31T11:00:00.000%2B01:00", "A"),
        ("Owner.Username = 'admin@local.invalid' AND Name < 'b'", "A"),
        ("Phone = ''", "A"),
    ] {
        let condition = condition.replace("%2B", "\u{0}");
        let world_query = condition.replace('\u{0}', "+");
        let found = world.org.query(&format!("SELECT Ext__c FROM Account WHERE {world_query}"));
        let found: String = found
            .unwrap_or_else(|e| panic!("{condition}: {e}"))
            .rows
            .iter()
            .map(|r| r[0].clone().unwrap())
            .collect();
        assert_eq!(found, expected, "{condition}");
    }
    assert_eq!(names(&world, "Name = 'gÄmma'").await, "C");
}

#[tokio::test]
async fn paths_order_limit_and_offset() {
    let world = people().await;
    let found = world.query("SELECT c.Name, Account.Name, Account.Owner.Username FROM Contact c WHERE c.Account.Name != null ORDER BY Account.Name DESC LIMIT 1").await;
    assert_eq!(found["records"][0]["Account"]["Owner"]["Username"], "admin@local.invalid");
    assert_eq!(found["records"][0]["Name"], "Bee");
    let quoted = world.query("SELECT Name FROM Contact WHERE LastName = 'O\\'Neil'").await;
    assert_eq!(quoted["records"][0]["Name"], "Ann O'Neil");
    let nulls = world
        .org
        .query("SELECT Ext__c FROM Contact ORDER BY Account.Name NULLS LAST, Ext__c LIMIT 2 OFFSET 1")
        .unwrap();
    assert_eq!(nulls.rows, [[Some("2".to_owned())], [Some("3".to_owned())]]);
    let count = world.query("SELECT COUNT(Id) n FROM Contact WHERE AccountId != null").await;
    assert_eq!(count["records"][0]["n"], 2);
    let table = world.org.query("SELECT COUNT() FROM Contact").unwrap();
    assert_eq!((table.columns, table.rows), (vec!["count".to_owned()], vec![vec![Some("3".to_owned())]]));
}

#[tokio::test]
async fn a_long_chain_of_terms_is_answered() {
    let world = people().await;
    let terms: Vec<String> = (0..3000).map(|i| format!("Ext__c = 'x{i}'")).collect();
    let soql = format!("SELECT COUNT() FROM Account WHERE Ext__c = 'a' OR {}", terms.join(" OR "));
    assert_eq!(world.org.query(&soql).unwrap().rows, [[Some("1".to_owned())]]);
}

#[tokio::test]
async fn pages_of_two_thousand() {
    let mut world = World::new();
    let rows: String = (0..4500).map(|i| format!("{i},A{i}\n")).collect();
    world.run(upsert("Account"), &format!("Ext__c,Name\n{rows}")).await;
    for soql in ["SELECT Ext__c FROM Account", "SELECT Ext__c FROM Account ORDER BY Name"] {
        let mut page = world.query(soql).await;
        let mut seen = std::collections::BTreeSet::new();
        let mut sizes = Vec::new();
        loop {
            assert_eq!(page["totalSize"], 4500);
            let records = page["records"].as_array().unwrap();
            sizes.push(records.len());
            seen.extend(records.iter().map(|r| r["Ext__c"].as_str().unwrap().to_owned()));
            let Some(next) = page["nextRecordsUrl"].as_str() else { break };
            page = world.get(next).await.json();
        }
        assert_eq!((sizes, seen.len(), &page["done"]), (vec![2000, 2000, 500], 4500, &json!(true)));
    }
}

#[tokio::test]
async fn wrong_queries_are_told_where() {
    let world = people().await;
    for (soql, code, text) in [
        ("SELECT Id FORM Account", "MALFORMED_QUERY", "ERROR at Row:1:Column:11\nunexpected token: 'FORM'"),
        ("SELECT Id FROM XYZZY", "INVALID_TYPE", "Column:16\nsObject type 'XYZZY' is not supported."),
        ("SELECT Foo FROM Account", "INVALID_FIELD", "No such column 'Foo' on entity 'Account'."),
        (
            "SELECT Foo.Id FROM Account",
            "INVALID_FIELD",
            "Didn't understand relationship 'Foo' in field path.",
        ),
        ("SELECT Id FROM Account WHERE Name = 1", "INVALID_FIELD", "should be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE Name = 'a", "MALFORMED_QUERY", "Row:1"),
        (
            "SELECT Id FROM Account WHERE Id = 'a' AND Id = 'b' OR Id = 'c'",
            "MALFORMED_QUERY",
            "unexpected token: 'OR'",
        ),
        ("SELECT Id, id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
    ] {
        let answer = world.query(soql).await;
        assert_eq!(answer[0]["errorCode"], code, "{soql}: {answer}");
        assert!(answer[0]["message"].as_str().unwrap().contains(text), "{soql}: {answer}");
    }
}

#[tokio::test]
async fn the_token_is_asked_for() {
    let world = World::new();
    let denied = world.send_as("00D!wrong", "GET", "/services/data/v62.0/limits", Body::empty()).await;
    assert_eq!(denied.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        denied.json(),
        json!([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
    );
    let open = world.send_as("", "GET", "/services/data/", Body::empty()).await;
    let versions = open.json();
    assert_eq!((&versions[0]["version"], &versions[17]["version"]), (&json!("51.0"), &json!("68.0")));
    assert_eq!((&versions[0]["label"], &versions[16]["label"]), (&json!("Spring '21"), &json!("Summer '26")));
    let base = world.get("/services/data/v51.0").await;
    assert!(base.headers["sforce-limit-info"].to_str().unwrap().starts_with("api-usage="));
    let identity = base.json()["identity"].as_str().unwrap().to_owned();
    assert_eq!(
        identity,
        format!("http://127.0.0.1:1/id/{}/{}", world.org.org_id(), world.org.0.facts.admin_id)
    );
    let info = world.get("/services/oauth2/userinfo").await.json();
    assert_eq!(info["preferred_username"], "admin@local.invalid");
    assert_eq!(world.get("/services/data/v1.0/limits").await.status, StatusCode::NOT_FOUND);
    let user = info["user_id"].as_str().unwrap();
    assert_eq!(
        world.get(&format!("/services/data/v51.0/sobjects/User/{user}")).await.json()["Username"],
        "admin@local.invalid"
    );
}

#[tokio::test]
async fn describes() {
    let world = World::new();
    let account = world.get("sobjects/account/DESCRIBE/").await.json();
    let field = |name: &str| {
        account["fields"].as_array().unwrap().iter().find(|f| f["name"] == name).unwrap().clone()
    };
    let key = field("Ext__c");
    for flag in ["externalId", "unique", "idLookup", "createable", "updateable", "nillable", "custom"] {
        assert_eq!(key[flag], json!(true), "{flag}");
    }
    assert_eq!((&key["caseSensitive"], &field("Case__c")["caseSensitive"]), (&json!(false), &json!(true)));
    assert_eq!(field("Fixed__c")["updateable"], json!(false));
    let types: Vec<_> =
        account["recordTypeInfos"].as_array().unwrap().iter().map(|t| t["developerName"].clone()).collect();
    assert_eq!(types, ["Customer", "Partner", "Master"]);
    let line = world.get("sobjects/Line__c/describe").await.json();
    let master =
        line["fields"].as_array().unwrap().iter().find(|f| f["name"] == "Account__c").unwrap().clone();
    assert_eq!(
        (&master["relationshipOrder"], &master["updateable"], &master["nillable"]),
        (&json!(0), &json!(false), &json!(false))
    );
    assert_eq!(
        (&master["relationshipName"], &master["referenceTo"]),
        (&json!("Account__r"), &json!(["Account"]))
    );
    assert_eq!(line["keyPrefix"], "a00");
    let gone = world.get("sobjects/NotARealObject__c/describe").await;
    assert_eq!((gone.status, &gone.json()[0]["errorCode"]), (StatusCode::NOT_FOUND, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn query_jobs_answer_in_pages_with_locators() {
    let mut world = people().await;
    let spec = json!({"operation": "query", "query": "SELECT Id, Ext__c, Account.Name FROM Contact"});
    let job = world.send("POST", "jobs/query", spec.to_string()).await.json();
    assert_eq!(
        (&job["state"], &job["operation"], &job["object"]),
        (&json!("UploadComplete"), &json!("query"), &json!("Contact"))
    );
    world.finish();
    let id = job["id"].as_str().unwrap();
    let info = world.get(&format!("jobs/query/{id}")).await.json();
    assert_eq!(
        (&info["state"], &info["jobType"], &info["numberRecordsProcessed"]),
        (&json!("JobComplete"), &json!("V2Query"), &json!(3))
    );
    let first = world.get(&format!("jobs/query/{id}/results?maxRecords=2")).await;
    assert_eq!(first.headers["sforce-numberofrecords"], "2");
    let locator = first.headers["sforce-locator"].to_str().unwrap();
    let second = world.get(&format!("jobs/query/{id}/results?maxRecords=2&locator={locator}")).await;
    assert_eq!(
        (&second.headers["sforce-locator"], &second.headers["sforce-numberofrecords"]),
        (&"null".parse().unwrap(), &"1".parse().unwrap())
    );
    assert!(
        second.text.starts_with("\"Id\",\"Ext__c\",\"Account.Name\"\n")
            && second.text.ends_with("\"3\",\"\"\n"),
        "{}",
        second.text
    );
    let conflict = world.get(&format!("/services/data/v60.0/jobs/query/{id}/results")).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
}
