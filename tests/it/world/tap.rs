//! What goes over the wire between our client and the org, kept for whoever asks for it. Knows no format.

use axum::http::response::Parts;
use std::sync::{Arc, Mutex, PoisonError};

/// One request and its answer.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    pub method: String,
    /// With its query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub status: u16,
    pub answer_headers: Vec<(String, String)>,
    pub answer: String,
}

impl Exchange {
    /// A request that is about to be sent.
    pub fn asked(method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Self {
        let (method, path, headers) = (method.to_owned(), path.to_owned(), headers.to_vec());
        Self { method, path, headers, body: String::from_utf8_lossy(body).into_owned(), ..Self::default() }
    }

    /// The same with its answer.
    pub fn answered(self, parts: &Parts, body: &[u8]) -> Self {
        let headers = parts.headers.iter();
        let answer_headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
        let answer = String::from_utf8_lossy(body).into_owned();
        Self { status: parts.status.as_u16(), answer_headers, answer, ..self }
    }
}

/// Keeps exchanges, once it is open.
#[derive(Clone, Default)]
pub struct Tap(Option<Arc<Mutex<Vec<Exchange>>>>);

impl Tap {
    /// A tap that keeps.
    pub fn open() -> Self {
        Self(Some(Arc::default()))
    }

    pub fn note(&self, exchange: impl FnOnce() -> Exchange) {
        if let Some(kept) = &self.0 {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(exchange());
        }
    }

    /// Everything kept so far.
    pub fn kept(&self) -> Vec<Exchange> {
        self.0
            .as_ref()
            .map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }
}
