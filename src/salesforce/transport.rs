//! The org over real sockets. The only file that names the HTTP client and its TLS.
//!
//! Sends one request once; repeating is decided elsewhere. Waits are bounded here because only sockets can hang. Holds
//! the token, and makes a new login when it is asked to: one for all calls that need it.

use super::error::OrgError;
use super::login::{LogIn, Session};
use crate::ports::{Body, ByteStream, Future, Method, Org, Renewal, Reply, Request, TransportError};
use flate2::{Compression, write::GzEncoder};
use futures_util::StreamExt;
use reqwest::{Url, header, redirect};
use secrecy::{ExposeSecret, SecretString};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, PoisonError, RwLock};
use std::time::Duration;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// Longest wait for the next bytes of a reply. An org ends its own calls earlier, but for the longest queries.
const SILENCE: Duration = Duration::from_secs(150);
/// The slowest upload that is waited for, in bytes a second.
const SLOWEST_UPLOAD: u64 = 32 << 10;

/// Longest time for a call whose answer is held in memory: an org ends its own after ten minutes (reference F1).
const WHOLE: Duration = Duration::from_secs(660);
/// JSON from this many bytes on goes out compressed.
const WORTH_COMPRESSING: usize = 1_024;

/// How long sockets are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the first bytes of a reply, and for the next ones.
    pub silence: Duration,
    /// For a whole call, but for uploads and downloads of rows: those may take as long as they move.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: CONNECT, silence: SILENCE, whole: WHOLE }
    }
}

/// An org behind an address and a token, and a way to another token where there is one.
pub struct HttpOrg {
    http: reqwest::Client,
    base: String,
    patience: Patience,
    token: RwLock<Option<SecretString>>,
    /// Which login the token is of.
    number: AtomicU64,
    login: Option<Box<dyn LogIn>>,
    /// Held while a new login is under way; what came of the last one that failed, and which login it was to replace.
    renewing: tokio::sync::Mutex<Option<(u64, Renewal)>>,
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
    /// An org at `https://host[:port]`, opened by a token that somebody else fetched; `http://` only where the host is
    /// this machine.
    ///
    /// # Errors
    /// [`TransportProblem`] for an address or token that cannot be used.
    pub fn new(base: &str, token: SecretString) -> Result<Self, TransportProblem> {
        Self::build(base, Some(token), None, Patience::default())
    }

    /// A host that is asked without a token: where logins are made.
    ///
    /// # Errors
    /// As [`HttpOrg::new`].
    pub fn anonymous(base: &str) -> Result<Self, TransportProblem> {
        Self::build(base, None, None, Patience::default())
    }

    /// The org that a login leads to; it is made again when its token is refused.
    ///
    /// # Errors
    /// As [`LogIn::log_in`]; an address or token that cannot be used.
    pub async fn log_in(login: Box<dyn LogIn>) -> Result<Self, OrgError> {
        let session = login.log_in().await?;
        Self::build(&session.url, Some(session.token), Some(login), Patience::default())
            .map_err(|problem| OrgError::Login(problem.to_string()))
    }

    fn build(
        base: &str,
        token: Option<SecretString>,
        login: Option<Box<dyn LogIn>>,
        patience: Patience,
    ) -> Result<Self, TransportProblem> {
        let (base, local) = read_base(base)?;
        token.iter().try_for_each(check_token)?;
        Ok(Self {
            http: client(local, patience)?,
            base,
            patience,
            token: RwLock::new(token),
            number: AtomicU64::new(1),
            login,
            renewing: tokio::sync::Mutex::new(None),
        })
    }

    async fn exchange(&self, request: Request) -> Result<Reply, TransportError> {
        let silence = self.patience.silence;
        let patience = silence + Duration::from_secs(length(&request.body) / SLOWEST_UPLOAD);
        let sent = self.request(request).send();
        let response = match tokio::time::timeout(patience, sent).await {
            Ok(response) => response.map_err(|e| sort(&e))?,
            Err(_) => return Err(silent(patience)),
        };
        let headers = response.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let (status, headers) = (response.status().as_u16(), headers.collect());
        Ok(Reply { status, headers, body: body_of(response, silence) })
    }

    fn request(&self, request: Request) -> reqwest::RequestBuilder {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = self
            .http
            .request(method(request.method), url)
            .header("sforce-call-options", concat!("client=", env!("CARGO_PKG_NAME")));
        if let Some(token) = &*self.token.read().unwrap_or_else(PoisonError::into_inner) {
            builder = builder.bearer_auth(token.expose_secret());
        }
        if !moves_rows(&request) {
            builder = builder.timeout(self.patience.whole);
        }
        let compress = is_compressed(&request);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        match request.body {
            Body::Empty if request.method == Method::Put => {
                builder.header(header::CONTENT_LENGTH, 0).body("")
            }
            Body::Empty => builder,
            Body::Bytes(bytes) if compress => {
                builder.header(header::CONTENT_ENCODING, "gzip").body(compressed(&bytes))
            }
            Body::Bytes(bytes) => builder.body(bytes),
            Body::Stream(length, stream) => {
                builder.header(header::CONTENT_LENGTH, length).body(reqwest::Body::wrap_stream(stream))
            }
        }
    }

    /// One new login at a time; those who waited for it find it made, or refused.
    async fn new_login(&self, seen: u64) -> Result<Renewal, TransportError> {
        let Some(login) = &self.login else { return Ok(Renewal::Impossible) };
        let mut failed = self.renewing.lock().await;
        if self.number.load(Ordering::SeqCst) != seen {
            return Ok(Renewal::Renewed);
        }
        if let Some((_, refusal)) = failed.as_ref().filter(|(number, _)| *number == seen) {
            return Ok(refusal.clone());
        }
        let renewal = match login.log_in().await {
            Ok(session) => self.adopt(session),
            Err(OrgError::Transport(error)) => return Err(error),
            Err(OrgError::Refused { code, message, .. } | OrgError::Api { code, message, .. }) => {
                Renewal::Refused { code, message }
            }
            Err(other) => Renewal::Refused { code: "LOGIN".into(), message: other.to_string() },
        };
        if renewal != Renewal::Renewed {
            *failed = Some((seen, renewal.clone()));
        }
        Ok(renewal)
    }

    /// Goes on with a new token, if it opens the org that was spoken to so far: a run never changes its org.
    fn adopt(&self, session: Session) -> Renewal {
        let refused = |message: &str| Renewal::Refused { code: "LOGIN".into(), message: message.into() };
        let mut token = self.token.write().unwrap_or_else(PoisonError::into_inner);
        let same = match read_base(&session.url) {
            Ok((base, _)) => base == self.base && org_of(&session.token) == token.as_ref().and_then(org_of),
            Err(problem) => return refused(&problem.to_string()),
        };
        if !same {
            return refused("the new login leads to another org than before");
        }
        if let Err(problem) = check_token(&session.token) {
            return refused(&problem.to_string());
        }
        *token = Some(session.token);
        self.number.fetch_add(1, Ordering::SeqCst);
        Renewal::Renewed
    }
}

impl Org for HttpOrg {
    fn send(&self, request: Request) -> Future<'_, Result<Reply, TransportError>> {
        Box::pin(self.exchange(request))
    }

    fn login(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    fn renew(&self, seen: u64) -> Future<'_, Result<Renewal, TransportError>> {
        Box::pin(self.new_login(seen))
    }
}

/// The HTTP client. TLS is always verified, by what the machine trusts. The proxy settings of the system are honoured
/// (`HTTPS_PROXY`, `NO_PROXY` and their kin), but not on the way to this machine itself.
fn client(local: bool, patience: Patience) -> Result<reqwest::Client, TransportProblem> {
    install_tls();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(patience.connect)
        .tcp_nodelay(true)
        .redirect(redirect::Policy::none());
    if local {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|e| TransportProblem::Client(innermost(&e)))
}

fn check_token(token: &SecretString) -> Result<(), TransportProblem> {
    let sent = header::HeaderValue::from_str(token.expose_secret());
    sent.map(|_| ()).map_err(|_| TransportProblem::Token)
}

/// The org's id at the head of a token, where it has one: `00D…!…`.
fn org_of(token: &SecretString) -> Option<&str> {
    let (org, _) = token.expose_secret().split_once('!')?;
    org.starts_with("00D").then_some(org)
}

/// Whether rows go up or come down: such a call takes as long as it moves.
fn moves_rows(request: &Request) -> bool {
    has_header(request, "accept", "text/csv") || has_header(request, "content-type", "text/csv")
}

/// Whether the body goes out compressed. The REST API documents that it takes gzip (its page "Compression Headers");
/// the Bulk API 2.0 documents compressed answers only, so nothing below `/jobs/` is compressed.
fn is_compressed(request: &Request) -> bool {
    let long = matches!(&request.body, Body::Bytes(bytes) if bytes.len() >= WORTH_COMPRESSING);
    long && has_header(request, "content-type", "application/json") && !request.path.contains("/jobs/")
}

fn has_header(request: &Request, name: &str, value: &str) -> bool {
    request.headers.iter().any(|(n, v)| n == name && v.starts_with(value))
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
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
fn body_of(response: reqwest::Response, silence: Duration) -> ByteStream {
    let pieces = Box::pin(response.bytes_stream());
    Box::pin(futures_util::stream::unfold(Some(pieces), move |pieces| async move {
        let mut pieces = pieces?;
        match tokio::time::timeout(silence, pieces.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(pieces))),
            Ok(Some(Err(error))) => Some((Err(TransportError::Broken(innermost(&error))), None)),
            Err(_) => Some((Err(silent(silence)), None)),
        }
    }))
}

fn silent(patience: Duration) -> TransportError {
    TransportError::Broken(format!("no answer within {} s", patience.as_secs_f32()))
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
