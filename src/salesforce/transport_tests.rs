//! The transport against a socket of this machine that answers one request.

use super::{HttpOrg, LogIn, Patience, Session, TransportProblem, read_base};
use crate::ports::{Body, Future, Method, Org, Renewal, Reply, Request, TransportError};
use crate::salesforce::OrgError;
use flate2::read::GzDecoder;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A server for one connection: reads until `enough` says so, answers, closes, and gives what it read.
fn serve(answer: &'static str, enough: fn(&str) -> bool) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let read = read_until(&mut socket, enough);
        socket.write_all(answer.as_bytes()).unwrap();
        read
    });
    (base, server)
}

fn read_until(socket: &mut TcpStream, enough: fn(&str) -> bool) -> String {
    let (mut all, mut buffer) = (String::new(), [0; 1024]);
    while !enough(&all) {
        let n = socket.read(&mut buffer).unwrap();
        assert!(n > 0, "the client hung up after {all}");
        all.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
    }
    all
}

fn request(method: Method, body: Body) -> Request {
    let headers = vec![("content-type".to_owned(), "text/csv".to_owned())];
    Request { method, path: "/services/x?q=a%20b".to_owned(), headers, body }
}

fn send(
    base: &str,
    method: Method,
    body: Body,
) -> Result<(Reply, Result<Vec<u8>, TransportError>), TransportError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let org = HttpOrg::new(base, "00D!token".into()).unwrap();
    runtime.block_on(async {
        let mut reply = org.send(request(method, body)).await?;
        let body = std::mem::replace(&mut reply.body, Box::pin(futures_util::stream::empty()));
        let bytes = Reply { status: 0, headers: Vec::new(), body }.bytes(1 << 20).await;
        Ok((reply, bytes))
    })
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSforce-Locator: null\r\n\r\nhi";

#[test]
fn adds_the_token_and_our_name() {
    let (base, server) = serve(OK, |read| read.ends_with("\r\n\r\n"));
    let (reply, body) = send(&base, Method::Get, Body::Empty).unwrap();
    assert_eq!(
        (reply.status, reply.header("sforce-locator"), body.unwrap().as_slice()),
        (200, Some("null"), &b"hi"[..])
    );
    let read = server.join().unwrap().to_lowercase();
    assert!(read.starts_with("get /services/x?q=a%20b http/1.1\r\n"), "{read}");
    for line in
        ["authorization: bearer 00d!token", "sforce-call-options: client=cutover", "accept-encoding: gzip"]
    {
        assert!(read.contains(&format!("\r\n{line}\r\n")), "{line} is missing in {read}");
    }
    assert!(read.contains(concat!("\r\nuser-agent: cutover/", env!("CARGO_PKG_VERSION"), "\r\n")), "{read}");
}

#[test]
fn a_stream_has_its_length() {
    let (base, server) =
        serve("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", |read| read.ends_with("1,2\n"));
    let pieces = futures_util::stream::iter([Ok("a,b\n".into()), Ok("1,2\n".into())]);
    let (reply, _) = send(&base, Method::Put, Body::Stream(8, Box::pin(pieces))).unwrap();
    assert_eq!(reply.status, 201);
    let read = server.join().unwrap().to_lowercase();
    assert!(read.contains("\r\ncontent-length: 8\r\n") && !read.contains("transfer-encoding"), "{read}");
}

#[test]
fn nobody_there_is_told_apart_from_a_line_that_breaks() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(matches!(send(&nobody, Method::Get, Body::Empty), Err(TransportError::NotSent(_))));
    let (base, server) = serve("", |read| read.ends_with("\r\n\r\n"));
    assert!(matches!(send(&base, Method::Get, Body::Empty), Err(TransportError::Broken(_))));
    server.join().unwrap();
}

#[test]
fn a_reply_cut_off_breaks_its_stream() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nonly this";
    let (base, server) = serve(cut, |read| read.ends_with("\r\n\r\n"));
    let (_, body) = send(&base, Method::Get, Body::Empty).unwrap();
    assert!(matches!(body, Err(TransportError::Broken(_))));
    server.join().unwrap();
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (base, server) = serve(elsewhere, |read| read.ends_with("\r\n\r\n"));
    assert_eq!(send(&base, Method::Get, Body::Empty).unwrap().0.status, 302);
    server.join().unwrap();
}

#[test]
fn addresses() {
    let good = |text| read_base(text).unwrap();
    assert_eq!(good("https://acme.my.salesforce.com/"), ("https://acme.my.salesforce.com".to_owned(), false));
    assert_eq!(good("http://127.0.0.1:8080"), ("http://127.0.0.1:8080".to_owned(), true));
    assert!(good("http://localhost:1").1 && good("http://[::1]:1").1 && good("https://127.9.9.9").1);
    for text in ["http://acme.my.salesforce.com", "http://127.0.0.1.evil.example", "http://10.0.0.1"] {
        assert!(matches!(read_base(text), Err(TransportProblem::Plain(_))), "{text}");
    }
    for text in ["acme.my.salesforce.com", "ftp://x", "https://x/path", "https://x?q", "", "https://"] {
        assert!(matches!(read_base(text), Err(TransportProblem::Address(_))), "{text}");
    }
    let secret = read_base("https://user:secret@x").unwrap_err().to_string();
    assert!(!secret.contains("secret"), "{secret}");
    assert!(matches!(HttpOrg::new("https://x", "a\nb".into()), Err(TransportProblem::Token)));
}

fn block_on<T>(future: impl std::future::Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What arrives at a socket when this is sent, as bytes, once `end` has come.
fn arrives(request: Request, end: &'static [u8]) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let org = HttpOrg::new(&format!("http://{}", listener.local_addr().unwrap()), "t".into()).unwrap();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let (mut all, mut buffer) = (Vec::new(), [0; 64 << 10]);
        while !all.ends_with(end) {
            let n = socket.read(&mut buffer).unwrap();
            assert!(n > 0, "the client hung up");
            all.extend_from_slice(&buffer[..n]);
        }
        socket.write_all(OK.as_bytes()).unwrap();
        all
    });
    assert!(block_on(org.send(request)).is_ok());
    server.join().unwrap()
}

#[test]
fn long_json_goes_out_compressed_and_rows_do_not() {
    let headers = |kind: &str| vec![("content-type".to_owned(), kind.to_owned())];
    let json = format!("{{\"a\":\"{}\"}}", "x".repeat(4_000));
    let post = |path: &str, kind: &str, body: &str| {
        let body = Body::Bytes(body.to_owned().into());
        Request { method: Method::Post, path: path.into(), headers: headers(kind), body }
    };
    // The trailer of the compressed body is the length of what it holds.
    let length = Box::leak(Box::new((json.len() as u32).to_le_bytes()));
    let read = arrives(post("/services/data/v67.0/composite/sobjects", "application/json", &json), length);
    let split = read.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(read[..split].to_vec()).unwrap().to_lowercase();
    assert!(head.contains("\r\ncontent-encoding: gzip"), "{head}");
    assert!(read.len() - split < 200, "{} bytes", read.len());
    let mut whole = String::new();
    GzDecoder::new(&read[split + 4..]).read_to_string(&mut whole).unwrap();
    assert_eq!(whole, json);
    for (path, kind, body) in [
        ("/services/data/v67.0/jobs/ingest", "application/json", json.as_str()),
        ("/services/data/v67.0/jobs/ingest/1/batches", "text/csv", json.as_str()),
        ("/services/data/v67.0/composite/sobjects", "application/json", "{\"a\":\"x\"}"),
    ] {
        let read = String::from_utf8(arrives(post(path, kind, body), b"x\"}")).unwrap();
        assert!(read.ends_with(body) && !read.to_lowercase().contains("content-encoding"), "{path}");
    }
}

#[test]
fn a_compressed_answer_is_read() {
    let text = "\"sf__Id\",\"sf__Created\"\n".repeat(100);
    let body = super::compressed(text.as_bytes());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        read_until(&mut socket, |read| read.ends_with("\r\n\r\n"));
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(&body).unwrap();
    });
    let (_, read) = send(&base, Method::Get, Body::Empty).unwrap();
    assert_eq!(read.unwrap(), text.as_bytes());
    server.join().unwrap();
}

/// Patience of some tenths of a second.
fn hasty(base: &str, silence: u64, whole: u64) -> HttpOrg {
    let ms = Duration::from_millis;
    let patience = Patience { connect: ms(500), silence: ms(silence), whole: ms(whole) };
    HttpOrg::build(base, Some("t".into()), None, patience).unwrap()
}

/// Asks a server that sends these pieces, a tenth of a second before each.
fn slow(
    pieces: &'static [&'static str],
    accept: &str,
    silence: u64,
    whole: u64,
) -> Result<usize, TransportError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let org = hasty(&format!("http://{}", listener.local_addr().unwrap()), silence, whole);
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        read_until(&mut socket, |read| read.ends_with("\r\n\r\n"));
        let (_never, rest) = std::sync::mpsc::channel::<()>();
        for piece in pieces {
            let _ = rest.recv_timeout(Duration::from_millis(100));
            let _ = socket.write_all(piece.as_bytes());
        }
    });
    let headers = vec![("accept".to_owned(), accept.to_owned())];
    let asked = Request { method: Method::Get, path: "/x".into(), headers, body: Body::Empty };
    let read = block_on(async { org.send(asked).await?.bytes(1 << 20).await });
    server.join().unwrap();
    read.map(|bytes| bytes.len())
}

#[test]
fn every_wait_has_an_end() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
    const DRIPS: &[&str] = &[HEAD, "1", "2", "3", "4", "5", "6"];
    assert_eq!(slow(DRIPS, "text/csv", 2_000, 300), Ok(6), "rows take as long as they move");
    assert!(matches!(slow(DRIPS, "application/json", 2_000, 300), Err(TransportError::Broken(_))));
    assert!(matches!(slow(&[HEAD, "1", "", "", ""], "text/csv", 150, 5_000), Err(TransportError::Broken(_))));
    assert!(matches!(slow(&["", "", HEAD], "text/csv", 150, 5_000), Err(TransportError::Broken(_))));
}

/// Logins in turn; each takes a while.
struct Logins(Mutex<Vec<Result<Session, OrgError>>>, Arc<AtomicU64>);

impl LogIn for Logins {
    fn log_in(&self) -> Future<'_, Result<Session, OrgError>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let next = self.0.lock().unwrap().remove(0);
        Box::pin(async {
            let _ = tokio::time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await;
            next
        })
    }
}

fn session(url: &str, token: &str) -> Result<Session, OrgError> {
    Ok(Session { url: url.into(), token: token.into() })
}

fn logged_in(logins: Vec<Result<Session, OrgError>>) -> (HttpOrg, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let login = Box::new(Logins(Mutex::new(logins), asked.clone()));
    (block_on(HttpOrg::log_in(login)).unwrap_or_else(|e| panic!("{e}")), asked)
}

const ACME: &str = "https://acme.my.salesforce.com";

#[test]
fn many_calls_share_one_new_login() {
    let (org, asked) = logged_in(vec![session(ACME, "00Da!1"), session(ACME, "00Da!2")]);
    let seen = org.login();
    let calls = (0..8).map(|_| org.renew(seen));
    let renewals = block_on(futures_util::future::join_all(calls));
    assert!(renewals.iter().all(|r| *r == Ok(Renewal::Renewed)), "{renewals:?}");
    assert_eq!((asked.load(Ordering::SeqCst), org.login()), (2, seen + 1));
}

#[test]
fn many_calls_share_one_refusal() {
    let refusal =
        || OrgError::Refused { status: 400, code: "invalid_grant".into(), message: "locked".into() };
    let (org, asked) = logged_in(vec![session(ACME, "00Da!1"), Err(refusal())]);
    let calls = (0..8).map(|_| org.renew(org.login()));
    let renewals = block_on(futures_util::future::join_all(calls));
    let refused = Renewal::Refused { code: "invalid_grant".into(), message: "locked".into() };
    assert!(renewals.iter().all(|r| *r == Ok(refused.clone())), "{renewals:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_new_login_never_changes_the_org() {
    for other in [session("https://other.my.salesforce.com", "00Da!2"), session(ACME, "00Db!2")] {
        let (org, _) = logged_in(vec![session(ACME, "00Da!1"), other]);
        let Ok(Renewal::Refused { message, .. }) = block_on(org.renew(org.login())) else { panic!() };
        assert!(message.contains("another org"), "{message}");
    }
    let bare = HttpOrg::new(ACME, "00Da!1".into()).unwrap();
    assert_eq!(block_on(bare.renew(bare.login())), Ok(Renewal::Impossible));
}

#[test]
fn a_login_that_leads_to_plain_http_is_refused() {
    let login = Logins(Mutex::new(vec![session("http://acme.example", "00Da!1")]), Arc::default());
    let Err(OrgError::Login(why)) = block_on(HttpOrg::log_in(Box::new(login))) else { panic!() };
    assert!(why.contains("not encrypted"), "{why}");
}
