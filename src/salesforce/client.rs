//! One request: sent, repeated where `retry.rs` allows, its reply read. Knows nothing of what is asked.

use super::call::Call;
use super::error::OrgError;
use super::moment::http_second;
use super::retry::{Budget, Decision, Kind, Outcome, Tried, decide};
use super::usage::{Usage, read_usage};
use crate::model::ObjectSchema;
use crate::ports::{Clock, Org, Random, Renewal, Reply, Request, TransportError};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

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
    usage: Mutex<Option<Usage>>,
    there: Mutex<Option<String>>,
    calls: AtomicU64,
    /// Objects described so far, by their names in lower case.
    pub(super) described: Mutex<BTreeMap<String, Option<ObjectSchema>>>,
}

impl<'a> Client<'a> {
    /// A client of an org that is known to have this API version; [`Client::connect`] finds one out.
    pub fn new(
        org: &'a dyn Org,
        clock: &'a dyn Clock,
        random: &'a dyn Random,
        version: impl Into<String>,
    ) -> Self {
        let (version, budget) = (version.into(), Budget::PATIENT);
        let (usage, there) = (Mutex::default(), Mutex::default());
        let (calls, described) = (AtomicU64::new(0), Mutex::default());
        Self { org, clock, random, version, budget, usage, there, calls, described }
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

    /// The day's calls as the last reply told them; nothing before the first that does.
    pub fn usage(&self) -> Option<Usage> {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What time it was for the org when it last answered, `2024-09-09T19:25:27` in UTC; nothing where it does not say.
    pub fn time_there(&self) -> Option<String> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests were sent, repeated ones included.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// A path below the API's version.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/services/data/v{}/{rest}", self.version)
    }

    /// Sends, and gives the reply with its body still to be read.
    pub(super) async fn stream(&self, call: Call<'_>) -> Result<Reply, OrgError> {
        self.send(call, Read::Later).await
    }

    /// Sends, and looks at the status only: what the org has done stands, whatever becomes of its reply's body.
    pub(super) async fn done(&self, call: Call<'_>) -> Result<(), OrgError> {
        self.send(call, Read::Later).await.map(|_| ())
    }

    /// Sends, and reads the whole body; a reply that breaks off counts as a broken connection.
    pub(super) async fn whole(&self, call: Call<'_>) -> Result<(Reply, Vec<u8>), OrgError> {
        self.held(call, Read::Now).await
    }

    /// Sends, and reads the body as JSON; one that ends in its middle counts as a broken connection, for a proxy may
    /// pass on half an answer as if it were whole.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, OrgError> {
        let (_, bytes) = self.held(call, Read::Json).await?;
        serde_json::from_slice(&bytes).map_err(|e| OrgError::Protocol(e.to_string()))
    }

    async fn held(&self, call: Call<'_>, read: Read) -> Result<(Reply, Vec<u8>), OrgError> {
        let mut reply = self.send(call, read).await?;
        let body = std::mem::replace(&mut reply.body, held(Bytes::new()));
        let bytes = Reply { status: reply.status, headers: Vec::new(), body }.bytes(usize::MAX).await?;
        Ok((reply, bytes))
    }

    /// Waits after attempt `attempts` of something that is repeated as a whole, such as a download, if patience lasts.
    pub(super) async fn again(
        &self,
        tried: &mut Tried,
        kind: Kind,
        outcome: &Outcome,
        error: OrgError,
    ) -> Result<(), OrgError> {
        match decide(*tried, kind, outcome, self.budget, self.random.next()) {
            Decision::Surface | Decision::LogIn => Err(error),
            Decision::GiveUp => Err(error.after(tried.attempts)),
            Decision::Wait(wait) => {
                self.clock.sleep(wait).await;
                tried.waited_ms += wait;
                tried.attempts += 1;
                Ok(())
            }
        }
    }

    async fn send(&self, call: Call<'_>, read: Read) -> Result<Reply, OrgError> {
        let mut tried = Tried::FIRST;
        loop {
            let seen = self.org.login();
            let (outcome, error) = match self.once(call.request(), read).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            if let Some(doubt) = call.doubt.filter(|_| error.is_unknown()) {
                doubt.store(true, Ordering::Relaxed);
            }
            // However it is dressed: no wait of ours outlasts a maintenance.
            if error.is_maintenance() {
                return Err(error);
            }
            if decide(tried, call.kind, &outcome, self.budget, 0) == Decision::LogIn {
                self.log_in(seen, error).await?;
                tried.logged_in = true;
            } else {
                self.again(&mut tried, call.kind, &outcome, error).await?;
            }
        }
    }

    /// A new login in place of the one that was refused. A bare token stays refused.
    async fn log_in(&self, seen: u64, refusal: OrgError) -> Result<(), OrgError> {
        match self.org.renew(seen).await? {
            Renewal::Renewed => Ok(()),
            Renewal::Impossible => Err(refusal),
            Renewal::Refused { code, message } => Err(OrgError::Refused { status: 401, code, message }),
        }
    }

    async fn once(&self, request: Request, read: Read) -> Result<Reply, (Outcome, OrgError)> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let reply = self.org.send(request).await.map_err(broken)?;
        if let Some(usage) = reply.header("sforce-limit-info").and_then(read_usage) {
            *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
        }
        if let Some(second) = reply.header("date").and_then(http_second) {
            *self.there.lock().unwrap_or_else(PoisonError::into_inner) = Some(second);
        }
        if !(200..300).contains(&reply.status) {
            return Err(refusal(reply).await);
        }
        match read {
            Read::Later => Ok(reply),
            Read::Now | Read::Json => {
                let (status, headers) = (reply.status, reply.headers.clone());
                let bytes = reply.bytes(WHOLE_REPLY).await.map_err(broken)?;
                if matches!(read, Read::Json) && ends_early(&bytes) {
                    return Err(broken(TransportError::Broken("the answer ends in its middle".into())));
                }
                Ok(Reply { status, headers, body: held(bytes.into()) })
            }
        }
    }
}

/// Whether the body of a success is read before the decision to repeat, or by the caller.
#[derive(Clone, Copy)]
enum Read {
    Now,
    /// The same, and the body is JSON.
    Json,
    Later,
}

/// Whether bytes are the beginning of a JSON text, and no more than that.
fn ends_early(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_err_and(|e| e.is_eof())
}

fn held(bytes: Bytes) -> crate::ports::ByteStream {
    Box::pin(futures_util::stream::iter([Ok(bytes)]))
}

fn broken(error: TransportError) -> (Outcome, OrgError) {
    (Outcome::Transport(error.clone()), error.into())
}

/// What a reply that is no success says. One whose body breaks off still has its status; only 400 says nothing by that
/// alone, so that one counts as a broken connection.
async fn refusal(reply: Reply) -> (Outcome, OrgError) {
    let status = reply.status;
    let retry_after_ms = reply.header("retry-after").and_then(seconds);
    let body = match reply.bytes(ERROR_REPLY).await {
        Err(error) if status == 400 => return broken(error),
        Ok(body) if status == 400 && !body.is_empty() && ends_early(&body) => {
            return broken(TransportError::Broken("the answer ends in its middle".into()));
        }
        body => body.unwrap_or_default(),
    };
    let error = OrgError::from_reply(status, &body);
    (Outcome::Status { status, busy: is_busy(&error), retry_after_ms }, error)
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
    use crate::ports::{Body, Clock, Method, Renewal, SeededRandom, TestClock};
    use crate::salesforce::testing::{Script, block_on};
    use crate::salesforce::{Budget, Kind, OrgError};

    fn ask(script: &Script, call: Call<'_>) -> (Result<serde_json::Value, OrgError>, i64) {
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
        let post = || Call::json(Kind::CreateJob, Method::Post, "/x".into(), &serde_json::json!({"b": 2}));
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
    fn half_an_answer_that_is_passed_on_as_a_whole_one_is_a_broken_one() {
        let script = ["", "{\"a\"", "{\"a\":[\"\\"]
            .iter()
            .fold(Script::default(), |s, half| s.reply("GET /x", 200, half));
        let script = script.reply("GET /x", 200, "{\"a\":1}");
        assert_eq!(ask(&script, Call::get("/x".into())).0.unwrap()["a"], 1);
        script.done();
        let post = Call::json(Kind::CreateJob, Method::Post, "/x".into(), &serde_json::json!({"b": 2}));
        let script = Script::default().reply("POST /x", 200, "{\"id\"");
        assert!(ask(&script, post).0.unwrap_err().is_unknown(), "not sent again");
        script.done();
        let script = Script::default().reply("GET /x", 200, "<html>");
        assert!(matches!(ask(&script, Call::get("/x".into())).0, Err(OrgError::Protocol(_))));
        script.done();
    }

    #[test]
    fn an_upload_is_made_anew_for_each_time_it_goes_out() {
        let make = || Body::Stream(4, Box::pin(futures_util::stream::iter([Ok("a,b\n".into())])));
        let put = || Call::put_csv("/x".into(), &make);
        let script = Script::default().not_sent("PUT /x a,b\n").reply("PUT /x a,b\n", 201, "{}");
        assert!(ask(&script, put()).0.is_ok());
        script.done();
        let script = Script::default().broken("PUT /x a,b\n");
        assert!(ask(&script, put()).0.unwrap_err().is_unknown());
        script.done();
    }

    #[test]
    fn a_401_logs_in_once_and_goes_on() {
        let expired = "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"Session expired or invalid\"}]";
        let post = || Call::json(Kind::CreateJob, Method::Post, "/x".into(), &serde_json::json!({"b": 2}));
        let script = Script::default().reply("POST /x", 401, expired).log_in(Renewal::Renewed).reply(
            "POST /x {\"b\":2}",
            200,
            "{}",
        );
        assert!(ask(&script, post()).0.is_ok());
        script.done();
        let script = Script::default()
            .reply("POST /x", 401, expired)
            .log_in(Renewal::Renewed)
            .reply("POST /x", 401, expired);
        assert!(ask(&script, post()).0.unwrap_err().is_login());
        script.done();
        let script = Script::default().reply("POST /x", 401, expired).log_in(Renewal::Impossible);
        assert_eq!(ask(&script, post()).0.unwrap_err().code(), Some("INVALID_SESSION_ID"));
        script.done();
        let refused = Renewal::Refused { code: "invalid_grant".into(), message: "user is locked".into() };
        let script = Script::default().reply("POST /x", 401, expired).log_in(refused);
        let error = ask(&script, post()).0.unwrap_err();
        assert!(error.is_login() && error.to_string().contains("user is locked"), "{error}");
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
        let error = ask(&script, Call::get("/x".into())).0.unwrap_err();
        assert!(matches!(error, OrgError::Api { status: 403, .. }) && error.is_limit(), "{error}");
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
        let error = block_on(client.json::<serde_json::Value>(Call::get("/x".into()))).unwrap_err();
        assert!(error.to_string().ends_with("gave up after 3 attempts"), "{error}");
        script.done();
    }
}
