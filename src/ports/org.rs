//! The org as bytes over HTTP: requests out, replies in, both with bodies that may be streams.

use super::Future;
use bytes::Bytes;
use futures_util::Stream;
use std::pin::Pin;

/// A stream of bytes that may break off.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;

/// The methods that the API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "HTTP's own words")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What is sent in a request.
pub enum Body {
    /// Nothing.
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// A stream of known length in bytes, read as it is sent.
    Stream(u64, ByteStream),
}

/// One request. The transport adds the host, the token and its own headers.
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path and query below the instance, from `/services/…` on.
    pub path: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Body,
}

/// One reply, with its body still to be read.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: ByteStream,
}

impl Reply {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The whole body in memory: for replies that are small by their nature.
    ///
    /// # Errors
    /// When the stream breaks off, or holds more than `limit` bytes.
    pub async fn bytes(mut self, limit: usize) -> Result<Vec<u8>, TransportError> {
        use futures_util::StreamExt;
        let mut all = Vec::new();
        while let Some(piece) = self.body.next().await {
            all.extend_from_slice(&piece?);
            if all.len() > limit {
                return Err(TransportError::Broken(format!("the reply is larger than {limit} bytes")));
            }
        }
        Ok(all)
    }
}

/// Why there is no whole reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request never reached the org: nothing can have happened there.
    #[error("could not connect: {0}")]
    NotSent(String),
    /// The connection broke or timed out after the request may have reached the org: what it did is unknown.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// What came of asking for a new login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// There is a newer token than the one seen; requests go out with it.
    Renewed,
    /// There is no way to log in again: somebody else fetched the token.
    Impossible,
    /// The login was refused.
    Refused {
        /// The org's error code.
        code: String,
        /// The org's words.
        message: String,
    },
}

/// Sends requests to one org.
pub trait Org: Send + Sync {
    /// Sends one request, once, and gives the reply as soon as its headers are there.
    fn send(&self, request: Request) -> Future<'_, Result<Reply, TransportError>>;

    /// Which login the next request goes out with: a number that grows with every new one.
    fn login(&self) -> u64 {
        0
    }

    /// Logs in anew, unless somebody has done so since login `seen`: many calls in flight share one new login.
    fn renew(&self, seen: u64) -> Future<'_, Result<Renewal, TransportError>> {
        let _ = seen;
        Box::pin(std::future::ready(Ok(Renewal::Impossible)))
    }
}

/// A body in memory as a stream.
impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}
