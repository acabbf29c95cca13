//! The org over real sockets. The only file that names the HTTP client and its TLS.
//!
//! Sends one request once; repeating is decided elsewhere. Waits are bounded here because only sockets can hang.

use crate::ports::{Body, ByteStream, Future, Method, Org, Reply, Request, TransportError};
use futures_util::StreamExt;
use reqwest::{Url, header, redirect};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Once;
use std::time::Duration;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// Longest wait for the next bytes of a reply. An org ends its own calls earlier, but for the longest queries.
const SILENCE: Duration = Duration::from_secs(150);
/// The slowest upload that is waited for, in bytes a second.
const SLOWEST_UPLOAD: u64 = 32 << 10;

/// An org behind an address and a token.
pub struct HttpOrg {
    http: reqwest::Client,
    base: String,
    token: SecretString,
}

/// Why no org can be spoken to at an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportProblem {
    /// The address cannot be read.
    #[error("`{0}` is no address of an org: `https://` and a host are needed, and nothing else")]
    Address(String),
    /// The address would send the token in the clear.
    #[error("`{0}` is not encrypted: plain http is for this machine only")]
    Plain(String),
    /// The token cannot be sent.
    #[error("the token has characters that no token has")]
    Token,
    /// The HTTP client cannot start.
    #[error("the HTTP client cannot start: {0}")]
    Client(String),
}

impl HttpOrg {
    /// An org at `https://host[:port]`; `http://` only where the host is this machine.
    ///
    /// # Errors
    /// [`TransportProblem`] for an address or token that cannot be used.
    pub fn new(base: &str, token: SecretString) -> Result<Self, TransportProblem> {
        let (base, local) = read_base(base)?;
        header::HeaderValue::from_str(token.expose_secret()).map_err(|_| TransportProblem::Token)?;
        install_tls();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .redirect(redirect::Policy::none());
        if local {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|e| TransportProblem::Client(innermost(&e)))?;
        Ok(Self { http, base, token })
    }

    async fn exchange(&self, request: Request) -> Result<Reply, TransportError> {
        let patience = SILENCE + Duration::from_secs(length(&request.body) / SLOWEST_UPLOAD);
        let sent = self.build(request).send();
        let response = match tokio::time::timeout(patience, sent).await {
            Ok(response) => response.map_err(|e| sort(&e))?,
            Err(_) => return Err(silent(patience)),
        };
        let headers = response.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        Ok(Reply { status: response.status().as_u16(), headers: headers.collect(), body: body_of(response) })
    }

    fn build(&self, request: Request) -> reqwest::RequestBuilder {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = self
            .http
            .request(method(request.method), url)
            .bearer_auth(self.token.expose_secret())
            .header("sforce-call-options", "client=cutover");
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        match request.body {
            Body::Empty if request.method == Method::Put => {
                builder.header(header::CONTENT_LENGTH, 0).body("")
            }
            Body::Empty => builder,
            Body::Bytes(bytes) => builder.body(bytes),
            Body::Stream(length, stream) => {
                builder.header(header::CONTENT_LENGTH, length).body(reqwest::Body::wrap_stream(stream))
            }
        }
    }
}

impl Org for HttpOrg {
    fn send(&self, request: Request) -> Future<'_, Result<Reply, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

/// The address without its last slash, and whether it is this machine's.
fn read_base(text: &str) -> Result<(String, bool), TransportProblem> {
    let wrong = || TransportProblem::Address(text.to_owned());
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().ok_or_else(wrong)?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        // What stands before an `@` may be a secret: it is not repeated.
        return Err(TransportProblem::Address(host.to_owned()));
    }
    let local = is_loopback(host);
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => return Err(TransportProblem::Plain(text.to_owned())),
        _ => return Err(wrong()),
    }
    Ok((url.as_str().trim_end_matches('/').to_owned(), local))
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// One crypto provider for the process; the HTTP client does not start without.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error says that there is one already, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn length(body: &Body) -> u64 {
    match body {
        Body::Empty => 0,
        Body::Bytes(bytes) => bytes.len() as u64,
        Body::Stream(length, _) => *length,
    }
}

/// The reply's bytes; silence breaks the stream.
fn body_of(response: reqwest::Response) -> ByteStream {
    let pieces = Box::pin(response.bytes_stream());
    Box::pin(futures_util::stream::unfold(Some(pieces), |pieces| async {
        let mut pieces = pieces?;
        match tokio::time::timeout(SILENCE, pieces.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(pieces))),
            Ok(Some(Err(error))) => Some((Err(TransportError::Broken(innermost(&error))), None)),
            Err(_) => Some((Err(silent(SILENCE)), None)),
        }
    }))
}

fn silent(patience: Duration) -> TransportError {
    TransportError::Broken(format!("no answer within {} s", patience.as_secs()))
}

/// Only a failure to connect, or to make the request at all, is sure to have had no effect.
fn sort(error: &reqwest::Error) -> TransportError {
    let why = innermost(error);
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(why)
    } else {
        TransportError::Broken(why)
    }
}

/// The innermost cause: it says most, and no address, whose query may hold customers' values.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
