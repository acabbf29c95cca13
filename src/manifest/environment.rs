//! Environments: which one is meant, how its org is reached, and its vars.
//!
//! All are checked; environment variables are read for the chosen one only. Must not know loads.

use super::file::{Shelf, folder_of, join};
use super::migration::{Environment, OrgLogin};
use super::values::{Vars, env_name, listed, near, read_vars, take_count, take_scalar, wrong};
use super::words::{ENVIRONMENT, LIMITS, ORG, refuse_unbuilt};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::RecordId;
use crate::yaml::{MapReader, Node, Pair};
use secrecy::SecretString;

/// Jobs at the same time where `limits` does not say.
const PARALLEL_JOBS: u32 = 4;

/// What was asked for on the command line, and where `env:NAME` is looked up.
pub(super) struct Asked<'a> {
    /// `-e NAME`.
    pub(super) name: Option<&'a str>,
    /// The environment variables.
    pub(super) variable: Lookup<'a>,
}

/// Gives the value of an environment variable.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Checks all environments; gives the chosen one and the vars as it sees them.
pub(super) fn read(
    pair: &Pair,
    top: &Vars,
    asked: &Asked<'_>,
    shelf: &Shelf<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<(Environment, Vars)> {
    let Some(all) = pair.value.pairs().filter(|pairs| !pairs.is_empty()) else {
        problems.push(wrong(&pair.value, "`environments` must name at least one environment"));
        return None;
    };
    let chosen = choose(pair, all, asked.name, problems);
    let mut found = None;
    for one in all {
        let mine = chosen.is_some_and(|name| name == one.key);
        let login = Login { chosen: mine.then_some(asked.variable), shelf };
        let read = read_one(one, top, &login, problems);
        found = if mine { read } else { found };
    }
    found
}

/// The one asked for, else `local`, else the only one.
fn choose<'n>(
    pair: &Pair,
    all: &'n [Pair],
    asked: Option<&str>,
    problems: &mut Vec<Diagnostic>,
) -> Option<&'n str> {
    let names = || all.iter().map(|one| one.key.as_str());
    let problem = match (asked, all) {
        (Some(name), _) => match names().find(|n| *n == name) {
            Some(found) => return Some(found),
            None => Diagnostic::error(Code::UnknownName, format!("there is no environment `{name}`"))
                .help(near(name, names()).unwrap_or_else(|| format!("there are {}", listed(names())))),
        },
        (None, [only]) => return Some(&only.key),
        (None, _) => match names().find(|n| *n == "local") {
            Some(local) => return Some(local),
            None => Diagnostic::error(Code::Environment, "say which environment is meant")
                .help(format!("`-e NAME` with one of {}", listed(names()))),
        },
    };
    problems.push(problem.at(&pair.place));
    None
}

/// How logins are resolved: environment variables are there for the chosen environment only.
struct Login<'a> {
    chosen: Option<Lookup<'a>>,
    shelf: &'a Shelf<'a>,
}

fn read_one(
    pair: &Pair,
    top: &Vars,
    login: &Login<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<(Environment, Vars)> {
    if !super::values::is_file_name(&pair.key) {
        let problem =
            Diagnostic::error(Code::WrongValue, format!("`{}` cannot name an environment", pair.key));
        problems.push(problem.at(&pair.place).help("use letters, digits, `-` and `_`"));
    }
    let mut reader = MapReader::new(&pair.value, "an environment", problems)?;
    refuse_unbuilt(&pair.value, ENVIRONMENT, &mut reader);
    let org = reader.need("org").and_then(|node| read_org(node, login, reader.problems()));
    let org_id = org_id(&mut reader);
    let limits = reader.take("limits");
    let (parallel_jobs, part_rows) = limits.map_or((None, None), |node| read_limits(node, reader.problems()));
    let vars = own_vars(reader.take("vars"), top, reader.problems());
    reader.finish();
    let environment = Environment {
        name: pair.key.clone(),
        org: org?,
        org_id,
        parallel_jobs: parallel_jobs.unwrap_or(PARALLEL_JOBS),
        part_rows,
    };
    Some((environment, vars))
}

fn org_id(reader: &mut MapReader<'_, '_>) -> Option<String> {
    let node = take_scalar(reader, "org_id")?;
    let text = node.text()?;
    if super::values::is_stray(text) {
        return None;
    }
    if RecordId::parse(text).is_ok_and(|id| id.prefix() == "00D") {
        return Some(text.to_owned());
    }
    reader.problem(
        wrong(node, format!("`{text}` is not the Id of an org"))
            .help("15 or 18 characters that begin with `00D`"),
    );
    None
}

fn read_limits(node: &Node, problems: &mut Vec<Diagnostic>) -> (Option<u32>, Option<u32>) {
    let Some(mut reader) = MapReader::new(node, "`limits`", problems) else { return (None, None) };
    refuse_unbuilt(node, LIMITS, &mut reader);
    let limits = (take_count(&mut reader, "parallel_jobs"), take_count(&mut reader, "part_rows"));
    reader.finish();
    limits
}

/// The vars with this environment's own applied; it may set only those that are declared at the top.
fn own_vars(node: Option<&Node>, top: &Vars, problems: &mut Vec<Diagnostic>) -> Vars {
    let mut vars = top.clone();
    for (name, place, text) in node.map(|node| read_vars(node, problems)).unwrap_or_default() {
        if let Some(value) = vars.get_mut(&name) {
            *value = text;
            continue;
        }
        let help = near(&name, top.keys().map(String::as_str));
        let help =
            help.unwrap_or_else(|| "declare it under `vars` at the top, with what holds elsewhere".into());
        let message = format!("`{name}` is not a var of this manifest");
        problems.push(Diagnostic::error(Code::Variable, message).at(&place).help(help));
    }
    vars
}

fn read_org(node: &Node, login: &Login<'_>, problems: &mut Vec<Diagnostic>) -> Option<OrgLogin> {
    let mut reader = MapReader::new(node, "`org`", problems)?;
    let unbuilt = ["sf", "jwt"].iter().any(|word| node.get(word).is_some());
    refuse_unbuilt(node, ORG, &mut reader);
    let local = take_scalar(&mut reader, "local");
    let (url, token) = (take_scalar(&mut reader, "url"), take_scalar(&mut reader, "token"));
    let said = |word: &str| node.get(word).is_some();
    let found = match (said("local"), said("url"), said("token")) {
        (true, false, false) => local.and_then(|path| local_org(path, login, reader.problems())),
        (false, true, true) => token_login(url, token, login, reader.problems()),
        (false, false, false) if unbuilt => None,
        (local, _, _) => {
            reader.problem(incomplete(node, local));
            None
        }
    };
    reader.finish();
    found
}

fn incomplete(node: &Node, local: bool) -> Diagnostic {
    let (code, message) = match local {
        true => (Code::Conflict, "an org is either `local` or reached by `url` and `token`"),
        false => (Code::MissingKey, "an org is reached by `local`, or by `url` and `token`"),
    };
    let help = "`{ local: org.yaml }`, or `{ url: env:SF_INSTANCE_URL, token: env:SF_ACCESS_TOKEN }`";
    Diagnostic::error(code, message).at(&node.place).help(help)
}

fn local_org(node: &Node, login: &Login<'_>, problems: &mut Vec<Diagnostic>) -> Option<OrgLogin> {
    let path = login.text(node, problems)?;
    let schema = join(folder_of(&node.place.file), &path);
    let there = login.shelf.files.length(&schema).is_ok_and(|length| length.is_some());
    if login.chosen.is_some() && !there {
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
    let token = token.and_then(|node| login.token(node, problems));
    Some(OrgLogin::Token { url: url?, token: token? })
}

impl Login<'_> {
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

    fn token(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<SecretString> {
        if node.text().is_some_and(|text| text.starts_with("env:")) {
            return self.text(node, problems).map(SecretString::from);
        }
        let problem =
            Diagnostic::error(Code::Environment, "a token does not stand in a manifest").at(&node.place);
        problems.push(problem.help("write `env:NAME`, and take the token back if this file was shared"));
        None
    }

    /// The address; a token goes out in the clear only to this machine.
    fn url(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<String> {
        let text = self.text(node, problems)?;
        let url = text.trim_end_matches('/');
        if url.is_empty()
            || url.strip_prefix("https://").is_some_and(|host| !host.is_empty())
            || is_loopback(url)
        {
            return Some(url.to_owned());
        }
        let problem = wrong(node, "`url` must begin with `https://`");
        problems
            .push(problem.help("plain `http://` is for this machine only: a token goes with every request"));
        None
    }
}

fn is_loopback(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().filter(|host| !host.contains('@')).unwrap_or_default();
    let name = if host.starts_with('[') { host.split_inclusive(']').next() } else { host.split(':').next() };
    matches!(name, Some("localhost" | "127.0.0.1" | "[::1]"))
}
