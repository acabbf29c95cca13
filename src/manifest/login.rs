//! `org:`: how the org of an environment is reached, and where `env:NAME` is looked up. Nothing is asked here.
//!
//! Secrets come from environment variables only. Must not know how a login is carried out.

use super::file::{Shelf, folder_of, join};
use super::migration::OrgLogin;
use super::values::{env_name, listed, scalar, take_scalar, wrong};
use super::words::{CLIENT_CREDENTIALS, JWT, ORG, REFRESH_TOKEN, refuse_unbuilt};
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::{MapReader, Node};
use secrecy::SecretString;

/// Gives the value of an environment variable.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How logins are resolved: environment variables are there for the chosen environment only.
pub(super) struct Login<'a> {
    pub(super) chosen: Option<Lookup<'a>>,
    pub(super) shelf: &'a Shelf<'a>,
}

/// The words that each stand for a whole way in.
const WAYS: [&str; 5] = ["local", "sf", "jwt", "client_credentials", "refresh_token"];

/// Reads the value of `org`.
pub(super) fn read_org(node: &Node, login: &Login<'_>, problems: &mut Vec<Diagnostic>) -> Option<OrgLogin> {
    let mut reader = MapReader::new(node, "`org`", problems)?;
    refuse_unbuilt(node, ORG, &mut reader);
    let ways: Vec<&str> = WAYS.into_iter().filter(|way| node.get(way).is_some()).collect();
    let token = [node.get("url").is_some(), node.get("token").is_some()];
    let found = read_way(&ways, token, node, login, &mut reader);
    reader.finish();
    found
}

/// Takes every word that there is, so that none is called unknown, and reads the only one that may be there.
fn read_way(
    ways: &[&str],
    token: [bool; 2],
    node: &Node,
    login: &Login<'_>,
    reader: &mut MapReader<'_, '_>,
) -> Option<OrgLogin> {
    let local = take_scalar(reader, "local");
    let (url, secret) = (take_scalar(reader, "url"), take_scalar(reader, "token"));
    let sf = take_scalar(reader, "sf");
    let [jwt, client, refresh] =
        [reader.take("jwt"), reader.take("client_credentials"), reader.take("refresh_token")];
    let problems = reader.problems();
    match (ways, token) {
        ([], [true, true]) => token_login(url, secret, login, problems),
        (["local"], [false, false]) => local_org(local?, login, problems),
        (["sf"], [false, false]) => sf_login(sf?, login, problems),
        (["jwt"], [false, false]) => jwt_login(jwt?, login, problems),
        (["client_credentials"], [false, false]) => client_login(client?, login, problems),
        (["refresh_token"], [false, false]) => refresh_login(refresh?, login, problems),
        (ways, _) => {
            reader.problem(unclear(node, ways));
            None
        }
    }
}

fn unclear(node: &Node, ways: &[&str]) -> Diagnostic {
    let all = listed(WAYS);
    let (code, message) = match ways {
        [] => (Code::MissingKey, format!("an org is reached by one of {all}, or by `url` and `token`")),
        [one] => (Code::Conflict, format!("an org is reached by either `{one}` or `url` and `token`")),
        more => {
            (Code::Conflict, format!("an org is reached one way, not by {}", listed(more.iter().copied())))
        }
    };
    let help = "`{ local: org.yaml }`, or `{ url: env:SF_INSTANCE_URL, token: env:SF_ACCESS_TOKEN }`";
    Diagnostic::error(code, message).at(&node.place).help(help)
}

fn local_org(node: &Node, login: &Login<'_>, problems: &mut Vec<Diagnostic>) -> Option<OrgLogin> {
    let path = login.text(node, problems)?;
    let schema = join(folder_of(&node.place.file), &path);
    if login.chosen.is_some() && !login.is_there(&schema) {
        let problem =
            Diagnostic::error(Code::FileMissing, format!("there is no file `{schema}`")).at(&node.place);
        problems.push(problem.help("it holds the local org's own objects and fields; `{}` alone is enough"));
        return None;
    }
    Some(OrgLogin::Local { schema })
}

fn token_login(
    url: Option<&Node>,
    token: Option<&Node>,
    login: &Login<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<OrgLogin> {
    let url = url.and_then(|node| login.url(node, problems));
    let token = token.and_then(|node| login.secret(node, "a token", problems));
    Some(OrgLogin::Token { url: url?, token: token? })
}

fn sf_login(node: &Node, login: &Login<'_>, problems: &mut Vec<Diagnostic>) -> Option<OrgLogin> {
    let user = login.text(node, problems)?;
    // It becomes an argument of a command.
    if user.starts_with('-') {
        problems.push(wrong(node, format!("`{user}` is no alias or username")));
        return None;
    }
    Some(OrgLogin::Sf { user })
}

fn jwt_login(node: &Node, login: &Login<'_>, problems: &mut Vec<Diagnostic>) -> Option<OrgLogin> {
    let mut reader = MapReader::new(node, "`jwt`", problems)?;
    refuse_unbuilt(node, JWT, &mut reader);
    let host = login.need(&mut reader, "login", Login::host);
    let username = login.need(&mut reader, "username", Login::text);
    let client_id = login.need(&mut reader, "client_id", Login::text);
    let key = login.need(&mut reader, "key_file", Login::key_file);
    let key_place = node.get("key_file").map(|node| node.place.clone());
    reader.finish();
    Some(OrgLogin::Jwt {
        login: host?,
        username: username?,
        client_id: client_id?,
        key_file: key?,
        key_place: key_place?,
    })
}

fn client_login(node: &Node, login: &Login<'_>, problems: &mut Vec<Diagnostic>) -> Option<OrgLogin> {
    let mut reader = MapReader::new(node, "`client_credentials`", problems)?;
    refuse_unbuilt(node, CLIENT_CREDENTIALS, &mut reader);
    let host = login.need(&mut reader, "login", Login::own_host);
    let client_id = login.need(&mut reader, "client_id", Login::text);
    let client_secret = login.need(&mut reader, "client_secret", Login::client_secret);
    reader.finish();
    Some(OrgLogin::ClientCredentials { login: host?, client_id: client_id?, client_secret: client_secret? })
}

fn refresh_login(node: &Node, login: &Login<'_>, problems: &mut Vec<Diagnostic>) -> Option<OrgLogin> {
    let mut reader = MapReader::new(node, "`refresh_token`", problems)?;
    refuse_unbuilt(node, REFRESH_TOKEN, &mut reader);
    let host = login.need(&mut reader, "login", Login::host);
    let client_id = login.need(&mut reader, "client_id", Login::text);
    let secret = node.get("client_secret").is_some();
    let client_secret = secret.then(|| login.need(&mut reader, "client_secret", Login::client_secret));
    let refresh_token = login.need(&mut reader, "refresh_token", Login::refresh_token);
    reader.finish();
    let client_secret = match client_secret {
        Some(given) => Some(given?),
        None => None,
    };
    Some(OrgLogin::RefreshToken {
        login: host?,
        client_id: client_id?,
        client_secret,
        refresh_token: refresh_token?,
    })
}

impl Login<'_> {
    /// Reads the scalar under a word that must be there.
    fn need<T>(
        &self,
        reader: &mut MapReader<'_, '_>,
        key: &'static str,
        read: fn(&Self, &Node, &mut Vec<Diagnostic>) -> Option<T>,
    ) -> Option<T> {
        let node = reader.need(key)?;
        let node = scalar(node, &format!("`{key}`"), reader.problems())?;
        read(self, node, reader.problems())
    }

    /// The text, or what the environment variable that it names holds; empty where this environment is not chosen.
    fn text(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<String> {
        let text = node.text()?;
        if text.contains("${") {
            return None;
        }
        let Some(rest) = text.strip_prefix("env:") else { return Some(text.to_owned()) };
        let Some(name) = env_name(text) else {
            let message = format!("`{rest}` is not the name of an environment variable");
            problems.push(Diagnostic::error(Code::Environment, message).at(&node.place));
            return None;
        };
        let Some(variable) = self.chosen else { return Some(String::new()) };
        let found = variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if found.is_none() {
            let message = format!("the environment variable `{name}` is not set");
            problems.push(Diagnostic::error(Code::Environment, message).at(&node.place));
        }
        found
    }

    fn secret(&self, node: &Node, what: &str, problems: &mut Vec<Diagnostic>) -> Option<SecretString> {
        if node.text().is_some_and(|text| text.starts_with("env:")) {
            return self.text(node, problems).map(SecretString::from);
        }
        let problem = Diagnostic::error(Code::Environment, format!("{what} does not stand in a manifest"));
        let problem = problem.at(&node.place);
        problems.push(problem.help("write `env:NAME`, and take it back if this file was shared"));
        None
    }

    fn client_secret(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<SecretString> {
        self.secret(node, "an app's secret", problems)
    }

    fn refresh_token(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<SecretString> {
        self.secret(node, "a refresh token", problems)
    }

    /// The path of a key, relative to the project where it is not absolute.
    fn key_file(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<String> {
        let text = self.text(node, problems)?;
        let path = join(folder_of(&node.place.file), &text);
        // From a variable it may lie anywhere, and is looked at when it is used.
        let named = self.chosen.is_some() && env_name(node.text()?).is_none();
        if named && !self.is_there(&path) {
            let problem = Diagnostic::error(Code::FileMissing, format!("there is no key file `{path}`"));
            problems
                .push(problem.at(&node.place).help("it holds the private key in PEM form; never commit it"));
            return None;
        }
        Some(path)
    }

    fn is_there(&self, path: &str) -> bool {
        self.shelf.files.length(path).is_ok_and(|length| length.is_some())
    }

    /// The address; a token goes out in the clear only to this machine.
    fn url(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<String> {
        let text = self.text(node, problems)?;
        let url = text.trim_end_matches('/');
        if is_safe(url) {
            return Some(url.to_owned());
        }
        let problem = wrong(node, "`url` must begin with `https://`");
        problems
            .push(problem.help("plain `http://` is for this machine only: a token goes with every request"));
        None
    }

    /// Where logins are made: a host, or an address.
    fn host(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<String> {
        let text = self.text(node, problems)?;
        let text = text.trim_end_matches('/');
        let url = match text.is_empty() || text.contains("://") {
            true => text.to_owned(),
            false => format!("https://{text}"),
        };
        if is_safe(&url) {
            return Some(url);
        }
        let problem = wrong(node, "`login` is a host such as `login.salesforce.com`, reached by https");
        problems.push(problem.help("plain `http://` is for this machine only: secrets go with a login"));
        None
    }

    /// The org's own host: the shared ones do not know whose app it is (reference G).
    fn own_host(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<String> {
        let host = self.host(node, problems)?;
        if !matches!(host.as_str(), "https://login.salesforce.com" | "https://test.salesforce.com") {
            return Some(host);
        }
        let problem = wrong(node, "client credentials are taken at the org's own address only");
        problems.push(problem.help("its My Domain, such as `acme.my.salesforce.com`"));
        None
    }
}

/// Encrypted, or on this machine; or not known because another environment is chosen.
fn is_safe(url: &str) -> bool {
    let encrypted = url.strip_prefix("https://").is_some_and(|host| !host.is_empty());
    url.is_empty() || encrypted || is_loopback(url)
}

fn is_loopback(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().filter(|host| !host.contains('@')).unwrap_or_default();
    let name = if host.starts_with('[') { host.split_inclusive(']').next() } else { host.split(':').next() };
    matches!(name, Some("localhost" | "127.0.0.1" | "[::1]"))
}
