//! Whatever is sent to the REST resources, the org answers in its own words: JSON, and never an error of its own.

use super::super::World;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names that mean something somewhere.
const NAMES: &[&str] = &[
    "Name",
    "LastName",
    "Ext__c",
    "Number__c",
    "Since__c",
    "Vip__c",
    "Account",
    "AccountId",
    "Contacts",
    "Who",
    "Id",
    "id",
    "attributes",
    "type",
    "referenceId",
    "records",
    "allOrNone",
    "compositeRequest",
    "batchRequests",
    "method",
    "url",
    "body",
    "richInput",
    "haltOnError",
    "ids",
    "fields",
    "BillingAddress",
    "OwnerId",
    "foo",
];

/// Texts that mean something somewhere.
const TEXTS: &[&str] = &[
    "",
    "Account",
    "Contact",
    "POST",
    "GET",
    "PATCH",
    "a",
    "@{a.id}",
    "@{a",
    "@{}",
    "@{a.x[0]}",
    "2020-01-01",
    "7",
    "-1e400",
    "/services/data/v62.0/sobjects/Account",
    "v62.0/limits",
    "/services/data/v62.0/query?q=SELECT Id FROM Account",
    "/services/data/v62.0/composite/sobjects",
    "001000000000001",
    "é\u{0}\u{10FFFF}",
    "#N/A",
];

const PATHS: &[&str] = &[
    "sobjects/Account",
    "sobjects/Contact",
    "sobjects/Task",
    "sobjects/Account/Ext__c/7",
    "sobjects/Account/Number__c/x",
    "sobjects/Account/001000000000001",
    "composite",
    "composite/batch",
    "composite/tree/Account",
    "composite/sobjects",
    "composite/sobjects/Account",
    "composite/sobjects/Account/Ext__c",
    "composite/sobjects/Account/Id",
    "composite/sobjects?ids=001000000000001,é",
    "sobjects/Account?_HttpMethod=patch",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(TEXTS).prop_map(str::to_owned), ".{0,12}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let name = prop_oneof![9 => proptest::sample::select(NAMES).prop_map(str::to_owned), 1 => ".{0,8}"];
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((name, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Bodies of the right outer form, so that what is within is reached.
fn body() -> impl Strategy<Value = Value> {
    let typed = |value: Value, kind: &str| match value {
        Value::Object(mut record) => {
            record.insert("attributes".into(), json!({"type": kind, "referenceId": "a"}));
            Value::Object(record)
        }
        other => other,
    };
    let request = (text(), text(), text(), value()).prop_map(
        |(id, method, url, body)| json!({"referenceId": id, "method": method, "url": url, "body": body}),
    );
    prop_oneof![
        value(),
        vec(value(), 0..4).prop_map(move |records| {
            let records: Vec<Value> = records.into_iter().map(|r| typed(r, "Account")).collect();
            json!({"records": records})
        }),
        (any::<bool>(), vec(request, 0..4))
            .prop_map(|(all, requests)| json!({"allOrNone": all, "compositeRequest": requests, "batchRequests": requests})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_body_is_answered_in_the_orgs_words(
        calls in vec((proptest::sample::select(PATHS), proptest::sample::select(&["POST", "PATCH", "DELETE"][..]), body()), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            for (path, method, body) in calls {
                let reply = world.call(method, &path.replace('é', "%C3%A9"), body).await;
                prop_assert!(reply.status.as_u16() < 500, "{method} {path}: {}", reply.text);
                prop_assert!(reply.text.is_empty() || serde_json::from_str::<Value>(&reply.text).is_ok(), "{}", reply.text);
            }
            // Nothing was left locked or half done.
            prop_assert_eq!(world.get("limits").await.status.as_u16(), 200);
            prop_assert_eq!(world.call("POST", "sobjects/Account", json!({"Name": "A"})).await.status.as_u16(), 201);
            Ok(())
        })?;
    }
}
