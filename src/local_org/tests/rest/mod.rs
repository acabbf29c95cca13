//! The REST resources: single records, collections, trees, batches, composite calls, and what the org tells of itself.

mod collections;
mod composite;
mod org;
mod records;
mod values;

use super::{Reply, World};
use serde_json::{Value, json};

impl World {
    /// A call with a JSON body.
    async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.send(method, path, body.to_string()).await
    }

    /// Creates a record and answers its id.
    async fn create(&self, object: &str, record: Value) -> String {
        let made = self.call("POST", &format!("sobjects/{object}"), record).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// How many records a query finds.
    async fn count(&self, from: &str) -> u64 {
        self.query(&format!("SELECT COUNT() FROM {from}")).await["totalSize"].as_u64().unwrap()
    }
}

/// An error body of one error.
fn errors(code: &str, message: &str, fields: Value) -> Value {
    json!([{"errorCode": code, "message": message, "fields": fields}])
}
