//! An org whose certificate nobody vouches for hears nothing: verification is never relaxed, whatever is asked of it.

use crate::project::{Project, finished};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

const TEAPOT: &[u8] = b"HTTP/1.1 418 I'm a teapot\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const ENVIRONMENTS: &str = "environments: { bare: { org: { url: env:TEST_URL, token: env:TEST_TOKEN } }, app: { org: \
    { client_credentials: { login: env:TEST_URL, client_id: loader, client_secret: env:TEST_TOKEN } } },";

fn key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys").join(name)
}

/// A server with a certificate that it signed itself, until the process ends.
struct Impostor {
    url: String,
    /// What it was told, decrypted.
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Impostor {
    fn start() -> Self {
        let certificate = CertificateDer::from_pem_file(key("tls-self-signed-test-certificate.pem")).unwrap();
        let own = PrivateKeyDer::from_pem_file(key("tls-self-signed-test-key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], own)
            .unwrap();
        let (config, heard) = (Arc::new(config), Arc::<Mutex<Vec<u8>>>::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let ears = heard.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (config, ears) = (config.clone(), ears.clone());
                std::thread::spawn(move || listen(socket, config, &ears));
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

fn listen(socket: TcpStream, config: Arc<ServerConfig>, ears: &Mutex<Vec<u8>>) {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
    let mut buffer = [0; 4096];
    if let Ok(read) = stream.read(&mut buffer) {
        ears.lock().unwrap().extend_from_slice(&buffer[..read]);
        // The client may have gone by now.
        let _ = stream.write_all(TEAPOT).and_then(|()| stream.flush());
    }
}

fn command(impostor: &Impostor, project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command(arguments);
    command.env("TEST_URL", &impostor.url).env("TEST_TOKEN", "00Dxx!seen-by-nobody");
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    command
}

fn project() -> Project {
    let project = Project::example("quickstart");
    project.replace("cutover.yaml", "environments: {", ENVIRONMENTS);
    project
}

#[test]
fn a_server_with_a_certificate_of_its_own_making_is_told_nothing() {
    let (impostor, project) = (Impostor::start(), project());
    for arguments in [&["plan", "-e", "bare"][..], &["apply", "--yes", "-e", "bare"], &["plan", "-e", "app"]]
    {
        let output = finished(command(&impostor, &project, arguments)).exits(69);
        assert!(output.err.contains("certificate"), "{arguments:?}: {}", output.err);
        assert!(!output.err.contains("seen-by-nobody"), "{}", output.err);
    }
    assert_eq!(impostor.heard(), "", "no token, no secret, not even a path");
}

/// It is the trust that is missing, and nothing else: where the machine trusts that certificate, the server is asked.
#[cfg(target_os = "linux")]
#[test]
fn what_the_machine_trusts_is_trusted() {
    let (impostor, project) = (Impostor::start(), project());
    let mut command = command(&impostor, &project, &["plan", "-e", "bare"]);
    command.env("SSL_CERT_FILE", key("tls-self-signed-test-certificate.pem"));
    let output = finished(command);
    assert!(output.err.contains("418"), "{}", output.err);
    let heard = impostor.heard();
    assert!(heard.starts_with("GET /services/data") && heard.contains("seen-by-nobody"), "{heard}");
}
