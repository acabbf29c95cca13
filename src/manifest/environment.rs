//! Environments: which one is meant, its limits and its vars.
//!
//! All are checked; environment variables are read for the chosen one only. Must not know loads, nor logins.

use super::file::Shelf;
use super::login::{Login, Lookup, read_org};
use super::migration::Environment;
use super::values::{Vars, listed, near, read_vars, take_count, take_scalar, wrong};
use super::words::{ENVIRONMENT, LIMITS, refuse_unbuilt};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::RecordId;
use crate::yaml::{MapReader, Node, Pair};

/// Jobs at the same time where `limits` does not say.
const PARALLEL_JOBS: u32 = 4;

/// What was asked for on the command line, and where `env:NAME` is looked up.
pub(super) struct Asked<'a> {
    /// `-e NAME`.
    pub(super) name: Option<&'a str>,
    /// The environment variables.
    pub(super) variable: Lookup<'a>,
}

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
    let protect = reader.take_bool("protect");
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
        protect,
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
