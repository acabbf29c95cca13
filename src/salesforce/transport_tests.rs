//! The transport against a socket of this machine that answers one request.

use super::{HttpOrg, TransportProblem, read_base};
use crate::ports::{Body, Method, Org, Reply, Request, TransportError};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

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
