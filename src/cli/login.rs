//! Logins as a manifest words them, put together from what only this room may touch: key files and the `sf` command.

use super::project::Project;
use super::seed::seed;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::engine::{EngineError, Exit};
use crate::manifest::OrgLogin;
use crate::ports::{Future, RealClock, SeededRandom};
use crate::salesforce::{Grant, HttpOrg, LogIn, OAuth, SfCommand, SfLogin, SfOutput, SigningKey};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Longest wait for the `sf` command; it may renew a token on the way.
const SF_TAKES: Duration = Duration::from_secs(120);
/// The variable that says otherwise, in seconds.
const SF_TIMEOUT: &str = "CUTOVER_SF_TIMEOUT";

/// The org that a login leads to.
///
/// # Errors
/// 77 when the login is refused, 65 when it cannot be made as written.
pub(super) async fn log_in(project: &Project, login: &OrgLogin) -> Result<HttpOrg, EngineError> {
    let way: Box<dyn LogIn> = match login.clone() {
        OrgLogin::Token { url, token } => return HttpOrg::new(&url, token).map_err(unusable),
        OrgLogin::Local { .. } => {
            return Err(EngineError::Unexpected("the local org needs no login".into()));
        }
        OrgLogin::Sf { user } => Box::new(SfLogin::new(&user, Box::new(Sf::new()?))),
        OrgLogin::Jwt { login, username, client_id, key_file, key_place } => {
            let key = read_key(&project.root.join(&key_file), &key_file, &key_place)?;
            oauth(&login, Grant::Jwt { client_id, username, key })?
        }
        OrgLogin::ClientCredentials { login, client_id, client_secret } => {
            oauth(&login, Grant::ClientCredentials { client_id, client_secret })?
        }
        OrgLogin::RefreshToken { login, client_id, client_secret, refresh_token } => {
            oauth(&login, Grant::RefreshToken { client_id, client_secret, refresh_token })?
        }
    };
    Ok(HttpOrg::log_in(way).await?)
}

fn oauth(login: &str, grant: Grant) -> Result<Box<dyn LogIn>, EngineError> {
    let host = Box::new(HttpOrg::anonymous(login).map_err(unusable)?);
    Ok(Box::new(OAuth::new(grant, login, host, Box::new(RealClock), Box::new(SeededRandom::new(seed())))))
}

fn unusable(problem: impl std::fmt::Display) -> EngineError {
    EngineError::problem(Exit::Invalid, Diagnostic::error(Code::Environment, problem.to_string()))
}

/// Reads a private key; it is for its owner's eyes only.
fn read_key(path: &Path, name: &str, place: &Place) -> Result<SigningKey, EngineError> {
    let wrong = |code: Code, message: String, help: &str| {
        EngineError::problem(Exit::Invalid, Diagnostic::error(code, message).at(place).help(help))
    };
    let cannot = |e: std::io::Error| {
        let help = "it holds the private key in PEM form; never commit it";
        wrong(Code::FileMissing, format!("the key file `{name}` cannot be read: {e}"), help)
    };
    if is_open_to_others(path).map_err(cannot)? {
        let message = format!("the key file `{name}` can be read by others on this machine");
        return Err(wrong(Code::Environment, message, &format!("`chmod 600 {name}`, and it is yours alone")));
    }
    let pem = std::fs::read(path).map_err(cannot)?;
    SigningKey::from_pem(&pem).map_err(|problem| {
        let help = "a login is signed with an RSA key of 2048 bits or more, whose certificate the app has";
        wrong(Code::Environment, format!("the key file `{name}` cannot be used: {problem}"), help)
    })
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(path: &Path) -> std::io::Result<bool> {
    std::fs::metadata(path).map(|_| false)
}

/// The `sf` command on the path.
struct Sf {
    /// How long it may take.
    takes: Duration,
}

impl Sf {
    fn new() -> Result<Self, EngineError> {
        let Some(text) = std::env::var_os(SF_TIMEOUT) else { return Ok(Self { takes: SF_TAKES }) };
        match text.to_str().and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0) {
            Some(seconds) => Ok(Self { takes: Duration::from_secs(seconds) }),
            None => Err(unusable(format!("`{SF_TIMEOUT}` is not a number of seconds above 0"))),
        }
    }
}

impl SfCommand for Sf {
    fn run(&self, arguments: Vec<String>) -> Future<'_, Result<SfOutput, String>> {
        Box::pin(async move {
            let mut command = tokio::process::Command::new("sf");
            // One that hangs is ended with us: nothing of ours outlives the error that tells of it.
            let running = command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).output();
            match tokio::time::timeout(self.takes, running).await {
                Ok(Ok(output)) => Ok(SfOutput {
                    success: output.status.success(),
                    out: String::from_utf8_lossy(&output.stdout).into_owned().into(),
                }),
                Ok(Err(e)) if e.kind() == std::io::ErrorKind::NotFound => {
                    Err("the `sf` command is not installed, or not on the PATH".into())
                }
                Ok(Err(e)) => Err(format!("the `sf` command cannot be started: {e}")),
                Err(_) => Err(format!("the `sf` command has not answered for {} s", self.takes.as_secs())),
            }
        })
    }
}
