//! The local org on a port, and its answers on a screen.
//!
//! Owns the socket and the timer that moves the org's clock; the org itself has neither. Must not know manifests,
//! plans or runs.

use super::socket::accept;
use crate::local_org::{LocalOrg, QueryTable};
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long the timer sleeps when there is nothing to do.
const IDLE: Duration = Duration::from_millis(10);

/// Slices of 200 rows that a job moves on before calls that wait come in: some hundredths of a second.
const SLICES: usize = 10;

/// An org that is being served. Dropped, it stops by and by; [`Running::stop`] waits for it.
pub struct Running {
    /// The port it listens on.
    pub port: u16,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    timer: JoinHandle<()>,
}

impl Running {
    /// Stops serving and waits until nothing is under way.
    ///
    /// # Errors
    /// What the server ended with.
    pub async fn stop(self) -> io::Result<()> {
        // Nobody listening any more means it has stopped already.
        let _ = self.stop.send(true);
        self.server.await.map_err(io::Error::other)?;
        self.timer.await.map_err(io::Error::other)
    }
}

/// Serves an org on loopback; port 0 is any free one. The org's address becomes the one it is served at.
///
/// # Errors
/// When the port cannot be had.
pub async fn serve(org: LocalOrg, port: u16) -> io::Result<Running> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let port = listener.local_addr()?.port();
    org.set_base_url(&format!("http://127.0.0.1:{port}"));
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(accept(listener, org.router(), ended(stopped.clone())));
    let timer = tokio::spawn(tick(org, stopped));
    Ok(Running { port, stop, server, timer })
}

/// Serves an org until Ctrl-C or SIGTERM; prints one line of JSON on stdout when it is ready.
///
/// # Errors
/// When the port cannot be had, or stdout is closed.
pub async fn serve_forever(org: LocalOrg, port: u16) -> io::Result<()> {
    let running = serve(org.clone(), port).await?;
    let ready = serde_json::json!({
        "instance_url": org.base_url(), "access_token": org.access_token(), "org_id": org.org_id(),
    });
    let mut out = io::stdout();
    writeln!(out, "{ready}")?;
    out.flush()?;
    signalled().await?;
    running.stop().await
}

async fn ended(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone: that is an end too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Steps the org while it has work, without sleeping but letting calls go first; looks again now and then when idle.
async fn tick(org: LocalOrg, stopped: watch::Receiver<bool>) {
    let ending = ended(stopped);
    tokio::pin!(ending);
    loop {
        let more = org.steps(now(), SLICES);
        let pause = async {
            if more {
                tokio::task::yield_now().await;
                while org.is_wanted() {
                    tokio::task::yield_now().await;
                }
            } else {
                tokio::time::sleep(IDLE).await;
            }
        };
        tokio::select! {
            biased;
            () = &mut ending => return,
            () = pause => {}
        }
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(unix)]
async fn signalled() -> io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        biased;
        ended = tokio::signal::ctrl_c() => ended,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signalled() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// An answer as a table for people.
pub(super) fn table(answer: &QueryTable) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(&answer.columns);
    for row in &answer.rows {
        table.add_row(row.iter().map(|cell| cell.as_deref().unwrap_or("")));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}

/// An answer as JSON: a list of objects, columns in their order, null for nothing.
pub(super) fn json(answer: &QueryTable) -> String {
    let text = |cell: &str| serde_json::Value::from(cell).to_string();
    let member = |(name, cell): (&String, &Option<String>)| {
        format!("{}:{}", text(name), cell.as_deref().map_or("null".into(), text))
    };
    let object = |row: &Vec<Option<String>>| {
        format!("{{{}}}", answer.columns.iter().zip(row).map(member).collect::<Vec<_>>().join(","))
    };
    format!("[{}]\n", answer.rows.iter().map(object).collect::<Vec<_>>().join(",\n"))
}

/// An answer as CSV with a header; an empty cell for nothing.
///
/// # Errors
/// When it cannot be written.
pub(super) fn csv(answer: &QueryTable) -> io::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&answer.columns)?;
    for row in &answer.rows {
        writer.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or("")))?;
    }
    let bytes = writer.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::{csv, json, serve, table};
    use crate::local_org::{Faults, LocalOrg, Options, QueryTable, Schema};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn answer() -> QueryTable {
        QueryTable {
            columns: vec!["Name".into(), "Account.Name".into()],
            rows: vec![vec![Some("a, \"b\"".into()), None], vec![Some("c".into()), Some("d".into())]],
        }
    }

    #[test]
    fn an_answer_in_three_forms() {
        assert_eq!(table(&answer()), " Name    Account.Name\n a, \"b\"\n c       d\n");
        assert_eq!(
            json(&answer()),
            "[{\"Name\":\"a, \\\"b\\\"\",\"Account.Name\":null},\n{\"Name\":\"c\",\"Account.Name\":\"d\"}]\n"
        );
        assert_eq!(csv(&answer()).unwrap(), "Name,Account.Name\n\"a, \"\"b\"\"\",\nc,d\n");
    }

    /// One call on a connection of its own; answers status and body, which the org sends in one piece or in chunks.
    async fn call(org: &LocalOrg, port: u16, method: &str, path: &str, body: &str) -> (String, String) {
        let text = raw(org, port, method, path, body).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    /// All that arrives before the connection closes.
    async fn raw(org: &LocalOrg, port: u16, method: &str, path: &str, body: &str) -> String {
        let (token, length) = (org.access_token(), body.len());
        let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let head = format!(
            "{method} /services/data{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn it_serves_on_loopback_moves_its_jobs_on_and_stops() {
        let org = LocalOrg::open(Schema::standard(), Options::default()).unwrap();
        let running = serve(org.clone(), 0).await.unwrap();
        assert_eq!(org.base_url(), format!("http://127.0.0.1:{}", running.port));
        let port = running.port;
        let spec = r#"{"object":"Account","operation":"insert"}"#;
        let (status, created) = call(&org, port, "POST", "/v62.0/jobs/ingest", spec).await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        let created: serde_json::Value = serde_json::from_str(&created).unwrap();
        let job = format!("/v62.0/jobs/ingest/{}", created["id"].as_str().unwrap());
        let (status, _) = call(&org, port, "PUT", &format!("{job}/batches"), "Name\nA\nB\n").await;
        assert_eq!(status, "HTTP/1.1 201 Created");
        call(&org, port, "PATCH", &job, r#"{"state":"UploadComplete"}"#).await;
        let mut info = String::new();
        for _ in 0..500 {
            info = call(&org, port, "GET", &job, "").await.1;
            if info.contains("\"state\":\"JobComplete\"") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert!(info.contains("\"numberRecordsProcessed\":2,\"numberRecordsFailed\":0"), "{info}");
        let (_, good) = call(&org, port, "GET", &format!("{job}/successfulResults"), "").await;
        assert!(good.contains("\"true\",\"A\"\n") && good.contains("\"true\",\"B\"\n"), "{good}");
        running.stop().await.unwrap();
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
    }

    async fn served(faults: &str) -> (LocalOrg, super::Running) {
        let org = LocalOrg::open(Schema::standard(), Options::default()).unwrap();
        org.set_faults(Faults::read("faults.yaml", &format!("faults: [{faults}]")).unwrap());
        (org.clone(), serve(org, 0).await.unwrap())
    }

    #[tokio::test]
    async fn a_dropped_answer_closes_the_connection() {
        let post = "path: jobs/ingest, method: POST";
        let (org, running) = served(&format!(
            "{{ then: drop_before, {post}, nth: 1 }}, {{ then: drop_after, {post}, nth: 2 }}"
        ))
        .await;
        let spec = r#"{"object":"Account","operation":"insert"}"#;
        for made in [0, 1] {
            assert_eq!(raw(&org, running.port, "POST", "/v62.0/jobs/ingest", spec).await, "");
            let list = call(&org, running.port, "GET", "/v62.0/jobs/ingest", "").await.1;
            assert_eq!(list.matches("V2Ingest").count(), made, "{list}");
        }
        running.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_cut_answer_closes_the_connection_too_soon() {
        let cuts = ["short", "open", "silent"].iter().zip(1..);
        let cuts =
            cuts.map(|(ending, n)| format!("{{ then: cut, ending: {ending}, path: limits, nth: {n} }}"));
        let (org, running) = served(&cuts.collect::<Vec<_>>().join(", ")).await;
        let limits = async || raw(&org, running.port, "GET", "/v62.0/limits", "").await;
        let (short, open, silent, whole) = (limits().await, limits().await, limits().await, limits().await);
        let (_, body) = whole.split_once("\r\n\r\n").unwrap();
        let (head, half) = short.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(half.len(), body.len() / 2, "half of it arrives: {half}");
        assert!(open.contains("transfer-encoding: chunked") && open.contains(&half[..20]), "{open}");
        assert!(!open.ends_with("0\r\n\r\n"), "the last chunk never comes: {open}");
        assert!(silent.contains(&format!("content-length: {}", body.len() / 2)), "{silent}");
        running.stop().await.unwrap();
    }
}
