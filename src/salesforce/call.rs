//! One call to the org, as data. Must not know how it is sent or sent again.

use super::retry::Kind;
use crate::ports::{Body, Method, Request};
use bytes::Bytes;
use std::sync::atomic::AtomicBool;

/// One request to be made, and what a second arrival of it would do.
pub(super) struct Call<'b> {
    pub(super) kind: Kind,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    content: Content<'b>,
    pub(super) doubt: Option<&'b AtomicBool>,
}

impl Call<'static> {
    pub(super) fn get(path: String) -> Self {
        let (headers, content) = (Vec::new(), Content::Empty);
        Self { kind: Kind::Read, method: Method::Get, path, headers, content, doubt: None }
    }

    pub(super) fn delete(kind: Kind, path: String) -> Self {
        Self { kind, method: Method::Delete, ..Self::get(path) }
    }

    pub(super) fn json(kind: Kind, method: Method, path: String, body: &serde_json::Value) -> Self {
        Self::text(kind, method, path, body.to_string(), "application/json; charset=utf-8")
    }

    /// A body in memory, of a type.
    pub(super) fn text(kind: Kind, method: Method, path: String, body: String, content_type: &str) -> Self {
        let content = Content::Bytes(body.into());
        Self { kind, method, content, ..Self::get(path) }.header("content-type", content_type)
    }
}

impl<'b> Call<'b> {
    pub(super) fn put_csv(path: String, body: &'b MakeBody<'b>) -> Self {
        let headers = vec![("content-type".to_owned(), "text/csv; charset=UTF-8".to_owned())];
        Self {
            kind: Kind::Upload,
            method: Method::Put,
            path,
            headers,
            content: Content::Made(body),
            doubt: None,
        }
    }

    /// Sets `doubt` once the org may have done what was asked without saying so, before the call goes again.
    pub(super) fn doubted(self, doubt: &'b AtomicBool) -> Self {
        Self { doubt: Some(doubt), ..self }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The request as it goes out, this time.
    pub(super) fn request(&self) -> Request {
        let body = match &self.content {
            Content::Empty => Body::Empty,
            Content::Bytes(bytes) => Body::Bytes(bytes.clone()),
            Content::Made(make) => make(),
        };
        Request { method: self.method, path: self.path.clone(), headers: self.headers.clone(), body }
    }
}

/// A body that can be sent more than once.
enum Content<'b> {
    Empty,
    Bytes(Bytes),
    Made(&'b MakeBody<'b>),
}

/// Makes a body anew for each time that it is sent.
pub type MakeBody<'b> = dyn Fn() -> Body + Sync + 'b;
