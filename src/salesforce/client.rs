//! One request: sent, repeated where `retry.rs` allows, its reply read. Knows nothing of what is asked.

use super::error::OrgError;
use super::retry::{Budget, Fault, Repeat, Retry, decide};
use crate::ports::{Body, Clock, Method, Org, Random, Reply, Request, TransportError};
use bytes::Bytes;
use serde::de::DeserializeOwned;

/// The newest API version whose behaviour we know. An org that has it is spoken to in it.
pub const NEWEST_VERSION: &str = "67.0";

/// Largest reply that is held in memory: describes of wide objects, pages of a query.
const WHOLE_REPLY: usize = 256 << 20;
/// Largest body of an error that is read.
const ERROR_REPLY: usize = 1 << 20;

/// An org that can be asked.
pub struct Client<'a> {
    org: &'a dyn Org,
    pub(super) clock: &'a dyn Clock,
    random: &'a dyn Random,
    version: String,
    budget: Budget,
}

/// One request to be made, and what a second arrival of it would do.
pub(super) struct Call {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
    repeat: Repeat,
}

impl Call {
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::Get, path, headers: Vec::new(), body: Body::Empty, repeat: Repeat::Safe }
    }

    pub(super) fn delete(path: String) -> Self {
        Self { method: Method::Delete, ..Self::get(path) }
    }

    pub(super) fn json(method: Method, path: String, body: &serde_json::Value, repeat: Repeat) -> Self {
        let body = Body::Bytes(body.to_string().into());
        let call = Self { method, body, repeat, ..Self::get(path) };
        call.header("content-type", "application/json; charset=utf-8")
    }

    pub(super) fn put_csv(path: String, body: Body) -> Self {
        let repeat = if matches!(body, Body::Stream(..)) { Repeat::Never } else { Repeat::IfUnheard };
        let call = Self { method: Method::Put, body, repeat, ..Self::get(path) };
        call.header("content-type", "text/csv; charset=UTF-8")
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The request as it goes out once more; a stream goes out once only.
    fn request(&mut self) -> Request {
        let body = match &mut self.body {
            Body::Empty => Body::Empty,
            Body::Bytes(bytes) => Body::Bytes(bytes.clone()),
            stream @ Body::Stream(..) => std::mem::replace(stream, Body::Empty),
        };
        Request { method: self.method, path: self.path.clone(), headers: self.headers.clone(), body }
    }
}

impl<'a> Client<'a> {
    /// A client of an org that is known to have this API version; [`Client::connect`] finds one out.
    pub fn new(
        org: &'a dyn Org,
        clock: &'a dyn Clock,
        random: &'a dyn Random,
        version: impl Into<String>,
    ) -> Self {
        Self { org, clock, random, version: version.into(), budget: Budget::PATIENT }
    }

    /// The same client with other patience.
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The API version that is spoken, such as `67.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A path below the API's version.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/services/data/v{}/{rest}", self.version)
    }

    /// Sends, and gives the reply with its body still to be read.
    pub(super) async fn stream(&self, call: Call) -> Result<Reply, OrgError> {
        self.send(call, Read::Later).await
    }

    /// Sends, and reads the whole body; a reply that breaks off counts as a broken connection.
    pub(super) async fn whole(&self, call: Call) -> Result<(Reply, Vec<u8>), OrgError> {
        let mut reply = self.send(call, Read::Now).await?;
        let body = std::mem::replace(&mut reply.body, held(Bytes::new()));
        let bytes = Reply { status: reply.status, headers: Vec::new(), body }.bytes(usize::MAX).await?;
        Ok((reply, bytes))
    }

    /// Sends, and reads the body as JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, OrgError> {
        let (_, bytes) = self.whole(call).await?;
        serde_json::from_slice(&bytes).map_err(|e| OrgError::Protocol(e.to_string()))
    }

    async fn send(&self, mut call: Call, read: Read) -> Result<Reply, OrgError> {
        let (mut attempt, mut waited) = (1, 0);
        loop {
            let (fault, error) = match self.once(call.request(), read).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            match decide(attempt, waited, call.repeat, &fault, self.budget, self.random.next()) {
                Retry::Surface => return Err(error),
                Retry::Wait(wait) => {
                    self.clock.sleep(wait).await;
                    waited += wait;
                    attempt += 1;
                }
            }
        }
    }

    async fn once(&self, request: Request, read: Read) -> Result<Reply, (Fault, OrgError)> {
        let reply = self.org.send(request).await.map_err(broken)?;
        if !(200..300).contains(&reply.status) {
            return Err(refusal(reply).await);
        }
        match read {
            Read::Later => Ok(reply),
            Read::Now => {
                let (status, headers) = (reply.status, reply.headers.clone());
                let bytes = reply.bytes(WHOLE_REPLY).await.map_err(broken)?;
                Ok(Reply { status, headers, body: held(bytes.into()) })
            }
        }
    }
}

/// Whether the body of a success is read before the decision to repeat, or by the caller.
#[derive(Clone, Copy)]
enum Read {
    Now,
    Later,
}

fn held(bytes: Bytes) -> crate::ports::ByteStream {
    Box::pin(futures_util::stream::iter([Ok(bytes)]))
}

fn broken(error: TransportError) -> (Fault, OrgError) {
    (Fault::Transport(error.clone()), error.into())
}

/// What a reply that is no success says. One whose body breaks off still has its status.
async fn refusal(reply: Reply) -> (Fault, OrgError) {
    let status = reply.status;
    let retry_after_ms = reply.header("retry-after").and_then(seconds);
    let body = reply.bytes(ERROR_REPLY).await.unwrap_or_default();
    let error = OrgError::from_reply(status, &body);
    (Fault::Status { status, busy: is_busy(&error), retry_after_ms }, error)
}

/// Too many requests at this moment: passes by itself. The day's limit bears the same code and does not.
fn is_busy(error: &OrgError) -> bool {
    error.code() == Some("REQUEST_LIMIT_EXCEEDED") && error.to_string().contains("ConcurrentRequests")
}

/// `Retry-After` in seconds; its other form, a date, is not looked at.
fn seconds(value: &str) -> Option<u64> {
    value.trim().parse::<u64>().ok()?.checked_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::{Call, Client};
    use crate::ports::{Body, Clock, Method, SeededRandom, TestClock};
    use crate::salesforce::testing::{Script, block_on};
    use crate::salesforce::{Budget, OrgError, Repeat};

    fn ask(script: &Script, call: Call) -> (Result<serde_json::Value, OrgError>, i64) {
        let (clock, random) = (TestClock::default(), SeededRandom::new(1));
        let client = Client::new(script, &clock, &random, "67.0");
        (block_on(client.json(call)), clock.now())
    }

    #[test]
    fn a_get_is_repeated_until_it_is_answered() {
        let script = Script::default()
            .not_sent("GET /x")
            .broken("GET /x")
            .reply("GET /x", 503, "<html>")
            .cut_off("GET /x", "{\"a\"")
            .reply("GET /x", 200, "{\"a\":1}");
        let (answer, waited) = ask(&script, Call::get("/x".into()));
        assert_eq!(answer.unwrap()["a"], 1);
        assert!((3_750..7_600).contains(&waited), "{waited}");
        script.done();
    }

    #[test]
    fn a_post_is_not_repeated_once_it_may_have_been_heard() {
        let post = || Call::json(Method::Post, "/x".into(), &serde_json::json!({"b": 2}), Repeat::IfUnheard);
        let script = Script::default().not_sent("POST /x").broken("POST /x {\"b\":2}");
        assert!(ask(&script, post()).0.unwrap_err().is_unknown());
        script.done();
        let script = Script::default().reply("POST /x", 429, "").reply("POST /x {\"b\":2}", 200, "{}");
        assert!(ask(&script, post()).0.is_ok());
        script.done();
        let script = Script::default().cut_off("POST /x", "{");
        assert!(ask(&script, post()).0.unwrap_err().is_unknown());
        script.done();
    }

    #[test]
    fn a_stream_goes_out_once() {
        let stream = Box::pin(futures_util::stream::iter([Ok("a,b\n".into())]));
        let script = Script::default().not_sent("PUT /x a,b\n");
        let (answer, _) = ask(&script, Call::put_csv("/x".into(), Body::Stream(4, stream)));
        assert!(!answer.unwrap_err().is_unknown());
        script.done();
    }

    #[test]
    fn too_many_at_once_passes_and_too_many_a_day_does_not() {
        let limit = |what| {
            format!("[{{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"{what} Limit exceeded.\"}}]")
        };
        let script = Script::default()
            .reply("GET /x", 403, &limit("ConcurrentRequests (Concurrent API Requests)"))
            .reply("GET /x", 403, &limit("TotalRequests"));
        assert!(matches!(ask(&script, Call::get("/x".into())).0, Err(OrgError::Refused { status: 403, .. })));
        script.done();
    }

    #[test]
    fn retry_after_is_honoured_and_patience_ends() {
        let script = Script::default()
            .reply_with("GET /x", 503, &[("retry-after", "7")], "")
            .reply("GET /x", 200, "{}");
        assert_eq!(ask(&script, Call::get("/x".into())).1, 7_000);
        let script = (0..3).fold(Script::default(), |s, _| s.broken("GET /x"));
        let (clock, random) = (TestClock::default(), SeededRandom::new(1));
        let client = Client::new(&script, &clock, &random, "67.0").with_budget(Budget::BRIEF);
        assert!(block_on(client.json::<serde_json::Value>(Call::get("/x".into()))).is_err());
        script.done();
    }
}
