//! Letter case of keys, and ids whose case was changed.

use super::{LocalOrg, World};
use serde_json::json;

const ORG: &str = "
objects:
  Account:
    fields:
      Ext__c: { type: string, length: 40, external_id: true, unique: true }
      Loose__c: { type: string, length: 40, external_id: true }
";

fn world() -> World {
    World::with(LocalOrg::schema_from_yaml("org.yaml", ORG).unwrap(), None)
}

#[tokio::test]
async fn an_external_id_that_is_not_unique_is_matched_with_regard_to_case() {
    let mut world = world();
    let by = |key: &str| json!({"object": "Account", "operation": "upsert", "externalIdFieldName": key});
    let (_, good, bad) = world.run(by("Loose__c"), "Loose__c,Name\nQx1,A\nqX1,B\n").await;
    assert_eq!((good.len(), bad.len()), (2, 0), "{bad:?}");
    let (_, good, _) = world.run(by("Loose__c"), "Loose__c,Name\n Qx1 ,C\n").await;
    assert!(good[0].contains("\"false\""), "{good:?}");
    let names =
        |soql: &str| world.org.query(soql).unwrap().rows.concat().into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(names("SELECT Name FROM Account ORDER BY Name"), ["B", "C"]);
    assert_eq!(
        names("SELECT Name FROM Account WHERE Loose__c = 'QX1' ORDER BY Name"),
        ["B", "C"],
        "SOQL ignores case"
    );
    let contact = json!({"LastName": "L", "Account": {"Loose__c": "qX1"}});
    let made = world.send("POST", "sobjects/Contact", contact.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(names("SELECT Account.Name FROM Contact"), ["B"]);
    let (_, good, bad) = world.run(by("Ext__c"), "Ext__c,Name\nQx1,D\nqX1,E\n").await;
    assert_eq!((good.len(), bad.len()), (0, 2), "a unique one is one key in any case");
}

#[tokio::test]
async fn an_id_whose_suffix_does_not_fit_is_malformed() {
    let mut world = world();
    let made = world.send("POST", "sobjects/Account", "{\"Name\":\"A\"}").await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let wrong = format!("{}{}", &id[..15], if id.ends_with("AAA") { "AAB" } else { "AAA" });
    for operation in ["update", "delete"] {
        let csv =
            if operation == "update" { format!("Id,Name\n{wrong},B\n") } else { format!("Id\n{wrong}\n") };
        let (_, _, bad) = world.run(json!({"object": "Account", "operation": operation}), &csv).await;
        assert!(bad.len() == 1 && bad[0].contains("MALFORMED_ID"), "{operation}: {bad:?}");
    }
    let record = json!({"allOrNone": false, "records": [{"attributes": {"type": "Account"}, "Id": wrong, "Name": "B"}]});
    let saved = world.send("PATCH", "composite/sobjects", record.to_string()).await.json();
    assert_eq!(saved[0]["errors"][0]["statusCode"], "MALFORMED_ID");
    let contact = json!({"LastName": "L", "AccountId": wrong}).to_string();
    assert_eq!(world.send("POST", "sobjects/Contact", contact).await.json()[0]["errorCode"], "MALFORMED_ID");
    assert_eq!(world.get(&format!("sobjects/Account/{id}")).await.json()["Name"], "A");
    assert_eq!(world.get(&format!("sobjects/Account/{}", &id[..15])).await.status, 200);
}
