//! The REST resources: single records, collections, trees, batches, composite calls, and what the org tells of itself.

mod collections;
mod composite;
mod org;
mod properties;
mod records;
mod values;

use super::{Reply, World};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

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

    /// A call without a body, with headers of its own.
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let token = format!("Bearer {}", self.org.access_token());
        let mut request = Request::builder().method(method).uri(format!("/services/data/v62.0/{path}"));
        for (name, value) in headers.iter().chain([&("authorization", token.as_str())]) {
            request = request.header(*name, *value);
        }
        let response = self.org.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Reply { status: parts.status, headers: parts.headers, text }
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
