//! Audit fields: filled by the org, and set on create where `org.yaml` says that the permission is given.

use super::{LocalOrg, ORG, StatusCode, World, json};

const AUDIT: [&str; 4] = ["CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"];
const ROW: &str = "Ext__c,Name,CreatedDate\n1,A,2019-01-02T03:04:05Z\n";

/// An org that gives the permission.
fn permitted() -> World {
    let schema = LocalOrg::schema_from_yaml("org.yaml", &format!("{ORG}set_audit_fields: true\n"));
    World::with(schema.unwrap(), None)
}

/// Which of an object's audit fields describe calls createable.
async fn createable(world: &World, object: &str) -> usize {
    let described = world.get(&format!("sobjects/{object}/describe")).await.json();
    let fields = described["fields"].as_array().unwrap();
    let open = |name: &str| fields.iter().any(|f| f["name"] == name && f["createable"] == json!(true));
    AUDIT.into_iter().filter(|name| open(name)).count()
}

#[tokio::test]
async fn without_the_permission_they_are_refused_as_fields_that_nobody_may_write() {
    let mut world = World::new();
    for object in ["Account", "Contact", "Line__c"] {
        assert_eq!(createable(&world, object).await, 0, "{object}");
    }
    let text = "Unable to create/update fields: CreatedDate. Please check the security settings of this field and \
                verify that it is read/write for your profile or permission set.";
    let refused = world.refusal("Account", ROW).await;
    assert_eq!(refused, format!("INVALID_FIELD_FOR_INSERT_UPDATE:{text}:CreatedDate --"));
    let record = json!({"Name": "B", "CreatedDate": "2019-01-02T03:04:05Z"});
    let single = world.send("POST", "sobjects/Account", record.to_string()).await;
    assert_eq!(single.status, StatusCode::BAD_REQUEST);
    let refused =
        json!([{"errorCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "message": text, "fields": ["CreatedDate"]}]);
    assert_eq!(single.json(), refused);
    assert_eq!(world.query("SELECT COUNT() FROM Account").await["totalSize"], 0);
}

#[tokio::test]
async fn with_the_permission_they_are_set_on_create_and_never_after() {
    let mut world = permitted();
    for object in ["Account", "Contact", "Line__c"] {
        assert_eq!(createable(&world, object).await, 4, "{object}");
    }
    assert_eq!(createable(&world, "User").await, 0);
    assert!(world.upsert("Account", ROW).await.is_empty());
    let told = world.query("SELECT CreatedDate FROM Account").await;
    assert_eq!(told["records"][0]["CreatedDate"], "2019-01-02T03:04:05.000+0000");
    assert!(world.refusal("Account", ROW).await.starts_with("INVALID_FIELD_FOR_INSERT_UPDATE"));
}

#[test]
fn the_word_is_true_or_false() {
    let problems = LocalOrg::schema_from_yaml("org.yaml", "set_audit_fields: always").unwrap_err();
    assert!(problems[0].message.contains("`true` or `false`"), "{problems:?}");
}
