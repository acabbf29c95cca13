//! A front before a served local org: it has a token endpoint of its own, lets tokens end, and damages answers as it is
//! told. A scripted stand-in, no second reading of the API: what it does not damage, the local org answers.

use crate::http::Served;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `POST /services/…`
    pub(crate) line: String,
    head: String,
    /// The body.
    pub(crate) body: String,
}

impl Asked {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Turn {
    /// The local org answers.
    Pass,
    /// The org acts, and its answer is lost.
    DropAfter,
    /// The connection is lost before the org hears of it.
    DropBefore,
    /// The answer breaks off in the middle of its body.
    Truncate,
    /// An answer of ours: status line, further headers each with its line end, body.
    Say(&'static str, &'static str, String),
}

type Rule = Box<dyn Fn(&Asked, usize) -> Turn + Send + Sync>;

struct State {
    org: String,
    org_token: String,
    production: bool,
    rule: Rule,
    seen: Mutex<Vec<Asked>>,
    /// Tokens handed out; only the last one opens the org.
    issued: Mutex<Vec<String>>,
}

/// The front, until the process ends.
pub(crate) struct Front {
    /// `http://127.0.0.1:…`
    pub(crate) url: String,
    state: Arc<State>,
}

impl Front {
    /// A front whose rule sees each request and how many came before it.
    pub(crate) fn before(org: &Served, rule: impl Fn(&Asked, usize) -> Turn + Send + Sync + 'static) -> Self {
        Self::build(org, false, Box::new(rule))
    }

    /// A front that makes the org no sandbox.
    pub(crate) fn production(org: &Served) -> Self {
        Self::build(org, true, Box::new(|_, _| Turn::Pass))
    }

    fn build(org: &Served, production: bool, rule: Rule) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            org: org.url.strip_prefix("http://").unwrap().to_owned(),
            org_token: org.token.clone(),
            production,
            rule,
            seen: Mutex::default(),
            issued: Mutex::default(),
        });
        let (shared, base) = (state.clone(), url.clone());
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (state, base) = (shared.clone(), base.clone());
                std::thread::spawn(move || state.serve(socket, &base));
            }
        });
        Self { url, state }
    }

    /// What arrived so far and begins like this.
    pub(crate) fn seen(&self, start: &str) -> Vec<Asked> {
        let seen = self.state.seen.lock().unwrap();
        seen.iter().filter(|asked| asked.line.starts_with(start)).cloned().collect()
    }

    /// A token that opens the org until another is handed out.
    pub(crate) fn token(&self) -> String {
        self.state.issue()
    }

    /// Every token that was handed out.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.state.issued.lock().unwrap().clone()
    }
}

impl State {
    fn issue(&self) -> String {
        let mut issued = self.issued.lock().unwrap();
        let token = format!("00Dfront!seen-by-nobody-{}", issued.len() + 1);
        issued.push(token.clone());
        token
    }

    fn serve(&self, mut socket: TcpStream, base: &str) {
        let Some(asked) = read(&mut socket) else { return };
        let before = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(asked.clone());
            seen.len() - 1
        };
        let answer = match (self.rule)(&asked, before) {
            Turn::DropBefore => return,
            Turn::DropAfter => {
                self.pass(&asked);
                return;
            }
            Turn::Say(status, headers, body) => said(status, headers, &body),
            Turn::Truncate => {
                let answer = self.pass(&asked);
                answer[..answer.len() - 20].to_vec()
            }
            Turn::Pass if asked.line == "POST /services/oauth2/token" => {
                let token = self.issue();
                let body = format!("{{\"access_token\":\"{token}\",\"instance_url\":\"{base}\"}}");
                said("200 OK", "", &body)
            }
            Turn::Pass if !self.opens(&asked) => {
                let body = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
                said("401 Unauthorized", "", body)
            }
            Turn::Pass => self.pass(&asked),
        };
        let _ = socket.write_all(&answer);
        let _ = socket.shutdown(Shutdown::Both);
    }

    fn opens(&self, asked: &Asked) -> bool {
        let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        token.is_some() && token == self.issued.lock().unwrap().last().map(String::as_str)
    }

    /// The local org's answer, whole.
    fn pass(&self, asked: &Asked) -> Vec<u8> {
        let mut socket = TcpStream::connect(&self.org).unwrap();
        let ours = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default().to_lowercase();
            !["authorization", "connection", "host", "accept-encoding"].contains(&name.as_str())
        };
        let mut head = format!("{} HTTP/1.1\r\n", asked.line);
        asked.head.lines().filter(ours).for_each(|line| head += &format!("{line}\r\n"));
        head += &format!("host: {}\r\nauthorization: Bearer {}\r\n", self.org, self.org_token);
        head += "connection: close\r\n\r\n";
        socket.write_all(&[head.as_bytes(), asked.body.as_bytes()].concat()).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        if !self.production {
            return answer;
        }
        // One letter less needs one more elsewhere, so that the length stays true.
        String::from_utf8(answer).unwrap().replace("\"IsSandbox\":true", "\"IsSandbox\":null").into_bytes()
    }
}

fn said(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
        .into_bytes()
}

/// One request; nothing when the client thought better of it.
fn read(socket: &mut TcpStream) -> Option<Asked> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 << 10]);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let (line, head) = head.split_once("\r\n").unwrap();
            let line = line.strip_suffix(" HTTP/1.1").unwrap().to_owned();
            let mut asked = Asked { line, head: head.to_owned(), body: String::new() };
            let length: usize = asked.header("content-length").map_or(0, |value| value.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                asked.body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
                return Some(asked);
            }
        }
        match socket.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
