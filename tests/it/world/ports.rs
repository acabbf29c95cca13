//! The ports of the world: memory behind the gate.

use super::broken::Broken;
use super::gate::{Gate, Turn};
use super::tap::{Exchange, Tap};
use axum::body::Body as AxumBody;
use axum::http::response::Parts;
use bytes::Bytes;
use cutover::local_org::{Dropped, LocalOrg};
use cutover::ports::{
    Body, Clock, FileLock, Files, Future, MemoryFiles, MemoryStore, Org, Renewal, Reply, Request, Store,
    StoreError, TransportError,
};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tower::ServiceExt;

/// Bytes of one piece of an answer: odd, so that no line ends with a piece.
const PIECE: usize = 997;

fn short(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..12].to_owned()
}

/// A local org called without a socket.
pub struct WorldOrg {
    pub gate: Arc<Gate>,
    pub org: LocalOrg,
    pub tap: Tap,
    pub session: Session,
    pub unreadable: Option<String>,
    pub meddle: Option<Meddle>,
    pub broken: Broken,
}

/// Makes another answer of the org's, by the method, the path and the body of the request, and the status and the body
/// of the answer.
pub type Meddle = Arc<dyn Fn(&str, &str, &[u8], (u16, Vec<u8>)) -> (u16, Vec<u8>) + Send + Sync>;

/// The token that calls bear, and whether another is to be had.
pub struct Session {
    token: Mutex<String>,
    number: AtomicU64,
    renews: bool,
}

impl Session {
    /// A token that is good now. One that does not renew is what somebody put into an environment variable.
    pub fn new(org: &LocalOrg, renews: bool) -> Self {
        Self { token: Mutex::new(org.access_token()), number: AtomicU64::new(0), renews }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn renew(&self, org: &LocalOrg, seen: u64) -> Renewal {
        if !self.renews {
            return Renewal::Impossible;
        }
        if self.number.compare_exchange(seen, seen + 1, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            *self.token.lock().unwrap_or_else(PoisonError::into_inner) = org.access_token();
        }
        Renewal::Renewed
    }
}

impl WorldOrg {
    async fn exchange(&self, request: Request) -> Result<Reply, TransportError> {
        // Other parts may have their turn here, as they would while a socket is waited for.
        tokio::task::yield_now().await;
        let Request { method, path, headers, body } = request;
        let mut body = collect(body).await;
        let holds = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
        if path.contains("/composite/sobjects") && self.unreadable.as_deref().is_some_and(holds) {
            body = b"{".to_vec();
        }
        let name = format!("org {} {path} {} {}", method.word(), body.len(), short(&body));
        let turn = self.gate.enter(name);
        if turn == Turn::Stop {
            return std::future::pending().await;
        }
        let asked = Exchange::asked(method.word(), &path, &headers, &body);
        let send = || self.deliver(method.word(), &path, &headers, body.clone());
        let (parts, answer, breaks) = match turn {
            Turn::GoTwice => {
                send().await;
                send().await
            }
            Turn::GoTwiceFirst => {
                let first = send().await;
                send().await;
                first
            }
            _ => send().await,
        };
        let sent = body;
        let mut body = self.broken.answer(method.word(), &path, &sent, answer);
        let mut status = parts.status.as_u16();
        if let Some(meddle) = &self.meddle {
            (status, body) = meddle(method.word(), &path, &sent, (status, body));
        }
        self.tap.note(|| asked.answered(&parts, &body));
        match turn {
            Turn::GoThenStop => {
                self.gate.go();
                return std::future::pending().await;
            }
            Turn::GoThenLose => return Err(TransportError::Broken("the answer is lost".into())),
            _ if parts.extensions.get::<Dropped>().is_some() => {
                return Err(TransportError::Broken("the connection closed".into()));
            }
            _ => {}
        }
        let headers = parts.headers.iter();
        let headers = headers.map(|(n, v)| (n.as_str().to_owned(), v.to_str().unwrap().to_owned())).collect();
        let mut pieces: Vec<_> = body.chunks(PIECE).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        if turn == Turn::GoThenCut {
            let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
            pieces = vec![Ok(half)];
        }
        if breaks || turn == Turn::GoThenCut {
            pieces.push(Err(TransportError::Broken("the answer breaks off".into())));
        }
        let body = Box::pin(futures_util::stream::iter(pieces));
        Ok(Reply { status, headers, body })
    }
}

/// The bytes of an answer, and whether it breaks off behind them.
async fn read(body: AxumBody) -> (Vec<u8>, bool) {
    use futures_util::StreamExt;
    let pieces: Vec<_> = body.into_data_stream().collect().await;
    let broken = pieces.iter().any(Result::is_err);
    let pieces: Vec<Bytes> = pieces.into_iter().flatten().collect();
    (pieces.concat(), broken)
}

impl WorldOrg {
    /// Gives a request to the org: the head of the answer, its body, and whether that breaks off.
    async fn deliver(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> (Parts, Vec<u8>, bool) {
        let mut builder = axum::http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        let request =
            builder.header("authorization", self.session.bearer()).body(AxumBody::from(body)).unwrap();
        let (parts, body) = self.org.router().oneshot(request).await.unwrap().into_parts();
        let (body, broken) = read(body).await;
        (parts, body, broken)
    }
}

impl Org for WorldOrg {
    fn send(&self, request: Request) -> Future<'_, Result<Reply, TransportError>> {
        Box::pin(self.exchange(request))
    }

    fn login(&self) -> u64 {
        self.session.number.load(Ordering::SeqCst)
    }

    fn renew(&self, seen: u64) -> Future<'_, Result<Renewal, TransportError>> {
        Box::pin(std::future::ready(Ok(self.session.renew(&self.org, seen))))
    }
}

async fn collect(body: Body) -> Vec<u8> {
    use futures_util::StreamExt;
    match body {
        Body::Empty => Vec::new(),
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Stream(length, stream) => {
            let pieces: Vec<_> = stream.collect().await;
            let all = pieces.into_iter().map(Result::unwrap).collect::<Vec<_>>().concat();
            assert_eq!(all.len() as u64, length, "a stream is as long as it says");
            all
        }
    }
}

/// Files in memory.
pub struct WorldFiles {
    pub gate: Arc<Gate>,
    pub disk: MemoryFiles,
    pub broken: Broken,
}

impl WorldFiles {
    fn at<T>(&self, name: String, effect: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match self.gate.enter(name) {
            Turn::Stop => Err(gone()),
            Turn::Refuse => Err(io::Error::other("the disk refuses it")),
            Turn::GoThenStop => {
                effect()?;
                self.gate.go();
                Err(gone())
            }
            Turn::GoTwice => {
                let _ = effect();
                effect()
            }
            Turn::GoTwiceFirst => {
                let first = effect();
                let _ = effect();
                first
            }
            _ => effect(),
        }
    }

    /// Reads have no effect, so they are no boundary; the dead do not read either.
    fn look<T>(&self, read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.gate.is_gone() { Err(gone()) } else { read() }
    }
}

fn gone() -> io::Error {
    io::Error::other("the process is gone")
}

impl Files for WorldFiles {
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.at(format!("append {path} {} {}", bytes.len(), short(bytes)), || {
            match self.broken.written(path, bytes) {
                Some(bytes) => self.disk.append(path, &bytes),
                None => Ok(()),
            }
        })
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        self.at(
            format!("sync {path}"),
            || {
                if self.broken.syncs(path) { self.disk.sync(path) } else { Ok(()) }
            },
        )
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.at(format!("sync_dir {path}"), || self.disk.sync_dir(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.at(format!("rename {from} {to}"), || self.disk.rename(from, to))
    }

    fn read_at(&self, path: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.look(|| self.disk.read_at(path, offset, buffer))
    }

    fn length(&self, path: &str) -> io::Result<Option<u64>> {
        self.look(|| self.disk.length(path))
    }

    fn modified(&self, path: &str) -> io::Result<Option<i64>> {
        self.look(|| self.disk.modified(path))
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        self.at(format!("truncate {path} {length}"), || self.disk.truncate(path, length))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.look(|| self.disk.list(folder))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.at(format!("remove {path}"), || self.disk.remove(path))
    }

    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn FileLock>>> {
        self.at(format!("lock {path}"), || self.disk.lock(path))
    }
}

/// A store whose puts are lost with the process until they are flushed.
pub struct WorldStore {
    pub gate: Arc<Gate>,
    pub durable: Arc<MemoryStore>,
    pub waiting: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl WorldStore {
    fn at(&self, name: String, effect: impl Fn() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let gone = || Err(StoreError("the process is gone".into()));
        match self.gate.enter(name) {
            Turn::Stop => gone(),
            Turn::GoThenStop => {
                effect()?;
                self.gate.go();
                gone()
            }
            Turn::GoTwice | Turn::GoTwiceFirst => {
                effect()?;
                effect()
            }
            _ => effect(),
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for WorldStore {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.waiting().get(key) {
            Some(value) => Ok(Some(value.clone())),
            None => self.durable.get(key),
        }
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.at(format!("put {key} {} {}", value.len(), short(value)), || {
            self.waiting().insert(key.to_owned(), value.to_vec());
            Ok(())
        })
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.at("clear".into(), || {
            self.waiting().clear();
            self.durable.clear()
        })
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.at("flush".into(), || {
            let waiting = std::mem::take(&mut *self.waiting());
            waiting.iter().try_for_each(|(key, value)| self.durable.put(key, value))
        })
    }
}

/// A clock that moves when somebody sleeps on it, and the org's with it.
pub struct WorldClock {
    pub gate: Arc<Gate>,
    pub now: Arc<AtomicI64>,
    pub ahead: i64,
    pub org: LocalOrg,
}

impl Clock for WorldClock {
    fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst) + self.ahead
    }

    fn sleep(&self, milliseconds: u64) -> Future<'_, ()> {
        Box::pin(async move {
            let turn = self.gate.enter(format!("sleep {milliseconds}"));
            if turn == Turn::Stop {
                return std::future::pending().await;
            }
            let times = if matches!(turn, Turn::GoTwice | Turn::GoTwiceFirst) { 2 } else { 1 };
            for _ in 0..times {
                let now = self.now.fetch_add(milliseconds as i64, Ordering::SeqCst) + milliseconds as i64;
                self.org.step(now);
            }
            if turn == Turn::GoThenStop {
                self.gate.go();
                return std::future::pending().await;
            }
            tokio::task::yield_now().await;
        })
    }
}
