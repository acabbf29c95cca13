//! An org that follows a script: which request it expects next, and what it answers.

use crate::ports::{
    Body, ByteStream, Future, Org, Renewal, Reply, Request, SeededRandom, TestClock, TransportError,
};
use crate::salesforce::Client;
use bytes::Bytes;
use futures_util::StreamExt;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Runs a future to its end.
pub(super) fn block_on<T>(future: impl std::future::Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Gives a client of the script to `ask`, and sees that the whole script was played.
pub(super) fn with<T>(script: Script, ask: impl AsyncFnOnce(&Client<'_>) -> T) -> T {
    let (clock, random) = (TestClock::default(), SeededRandom::new(1));
    let answer = block_on(ask(&Client::new(&script, &clock, &random, "67.0")));
    script.done();
    answer
}

enum Answer {
    Reply(Reply),
    Nothing(TransportError),
    Login(Renewal),
}

/// How a script names a new login.
const LOG_IN: &str = "a new login";

/// A request that is expected, with a header that it must bring, and its answer.
struct Step {
    expected: String,
    header: Option<(String, String)>,
    answer: Answer,
}

/// A queue of expected requests, each written `METHOD path` with the body behind a blank where it matters.
#[derive(Default)]
pub(super) struct Script(Mutex<VecDeque<Step>>);

impl Script {
    pub(super) fn reply(self, expected: &str, status: u16, body: &str) -> Self {
        self.reply_with(expected, status, &[], body)
    }

    pub(super) fn reply_with(
        self,
        expected: &str,
        status: u16,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Self {
        // Three bytes at a time: nothing may depend on where a body is cut.
        let pieces: Vec<_> = body.as_bytes().chunks(3).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        self.streaming(expected, status, headers, Box::pin(futures_util::stream::iter(pieces)))
    }

    /// A request that must bring a header.
    pub(super) fn told(self, expected: &str, (name, value): (&str, &str), body: &str) -> Self {
        let script = self.reply(expected, 200, body);
        if let Some(step) = script.0.lock().unwrap().back_mut() {
            step.header = Some((name.to_owned(), value.to_owned()));
        }
        script
    }

    pub(super) fn cut_off(self, expected: &str, body: &str) -> Self {
        let pieces = [
            Ok(Bytes::copy_from_slice(body.as_bytes())),
            Err(TransportError::Broken("cut off by the script".to_owned())),
        ];
        self.streaming(expected, 200, &[], Box::pin(futures_util::stream::iter(pieces)))
    }

    pub(super) fn not_sent(self, expected: &str) -> Self {
        self.then(expected, Answer::Nothing(TransportError::NotSent("by the script".to_owned())))
    }

    pub(super) fn broken(self, expected: &str) -> Self {
        self.then(expected, Answer::Nothing(TransportError::Broken("by the script".to_owned())))
    }

    /// A new login is asked for, and this comes of it.
    pub(super) fn log_in(self, renewal: Renewal) -> Self {
        self.then(LOG_IN, Answer::Login(renewal))
    }

    /// Fails when not every answer was asked for.
    pub(super) fn done(&self) {
        let rest: Vec<_> = self.0.lock().unwrap().iter().map(|step| step.expected.clone()).collect();
        assert!(rest.is_empty(), "never asked: {rest:?}");
    }

    fn streaming(self, expected: &str, status: u16, headers: &[(&str, &str)], body: ByteStream) -> Self {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.then(expected, Answer::Reply(Reply { status, headers, body }))
    }

    fn then(self, expected: &str, answer: Answer) -> Self {
        self.0.lock().unwrap().push_back(Step { expected: expected.to_owned(), header: None, answer });
        self
    }

    async fn play(&self, request: Request) -> Result<Reply, TransportError> {
        let brought = request.headers;
        let seen = format!("{} {} {}", request.method.word(), request.path, text(request.body).await);
        let next = self.0.lock().unwrap().pop_front();
        let Some(Step { expected, header, answer }) = next else { panic!("unexpected request: {seen}") };
        let missing = header.filter(|header| !brought.contains(header));
        assert!(missing.is_none(), "expected {missing:?} with {seen}, saw {brought:?}");
        assert!(
            seen.starts_with(&format!("{expected} ")) || seen == expected,
            "expected {expected}, saw {seen}"
        );
        match answer {
            Answer::Reply(reply) => Ok(reply),
            Answer::Nothing(error) => Err(error),
            Answer::Login(_) => panic!("a request where a new login was expected: {seen}"),
        }
    }
}

async fn text(body: Body) -> String {
    let bytes = match body {
        Body::Empty => Vec::new(),
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Stream(_, stream) => {
            let pieces: Vec<_> = stream.collect().await;
            pieces.into_iter().flat_map(Result::unwrap).collect()
        }
    };
    String::from_utf8(bytes).unwrap()
}

impl Org for Script {
    fn send(&self, request: Request) -> Future<'_, Result<Reply, TransportError>> {
        Box::pin(self.play(request))
    }

    fn renew(&self, _: u64) -> Future<'_, Result<Renewal, TransportError>> {
        let Some(Step { answer: Answer::Login(renewal), .. }) = self.0.lock().unwrap().pop_front() else {
            panic!("unexpected new login")
        };
        Box::pin(std::future::ready(Ok(renewal)))
    }
}

/// For those who own their org.
impl Org for Arc<Script> {
    fn send(&self, request: Request) -> Future<'_, Result<Reply, TransportError>> {
        Box::pin(self.play(request))
    }
}
