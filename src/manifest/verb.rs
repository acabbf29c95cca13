//! The verb of a field, read: which one it is, and what else was said beside it.

use super::expression::expression;
use super::lookup;
use super::migration::{RefTo, Verb};
use super::policy::Policies;
use super::values::{Vars, fill, is_stray, listed, near, scalar, wrong};
use super::words::USER_MATCH;
use crate::diagnostic::{Code, Diagnostic};
use crate::transform::{Expr, Role, Scope, compile};
use crate::yaml::Node;
use std::collections::BTreeMap;

/// The words that say where a value comes from, in the order of the specification.
pub(super) const VERBS: [&str; 8] =
    ["from", "value", "ref", "record_type", "user", "queue", "lookup", "first_of"];
/// Words that belong to one verb.
pub(super) const HELPERS: [&str; 2] = ["type", "match"];

/// The verbs and their helpers that a field says.
pub(super) type Said<'n> = BTreeMap<&'static str, &'n Node>;

/// What a field is read with.
pub(super) struct FieldRules<'a> {
    /// The columns, vars and zone that expressions see.
    pub(super) scope: &'a Scope,
    /// The policies of the load and the defaults.
    pub(super) policies: Policies,
    /// What `${name}` stands for.
    pub(super) vars: &'a Vars,
}

/// Reads a verb and what stands beside it.
pub(super) fn read_verb(
    verb: &'static str,
    node: &Node,
    said: &Said<'_>,
    rules: &FieldRules<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Verb> {
    let value = *said.get(verb)?;
    Some(match verb {
        "value" => Verb::Const(fill(scalar(value, "`value`", problems)?, rules.vars, problems)),
        "ref" => return read_ref(node, said, rules, problems),
        "record_type" => Verb::RecordType(expression(value, verb, rules.scope, Role::Value, problems)?),
        "lookup" => return lookup::read(value, said.get("match").copied(), rules, problems),
        "first_of" => return lookup::read_first_of(value, rules, problems),
        "queue" => Verb::Queue(expression(value, verb, rules.scope, Role::Value, problems)?),
        "user" => {
            let from = expression(value, verb, rules.scope, Role::Value, problems);
            let match_field = read_match(said.get("match").copied(), rules.vars, problems);
            Verb::User { from: from?, match_field: match_field? }
        }
        _ => Verb::Expr(expression(value, verb, rules.scope, Role::Value, problems)?),
    })
}

/// `match`: a standard User field that identifies, or a custom one.
fn read_match(node: Option<&Node>, vars: &Vars, problems: &mut Vec<Diagnostic>) -> Option<String> {
    let Some(node) = node else { return Some(USER_MATCH[0].to_owned()) };
    let node = scalar(node, "`match`", problems)?;
    let before = problems.len();
    let name = fill(node, vars, problems);
    if USER_MATCH.contains(&name.as_str()) || name.ends_with("__c") {
        return Some(name);
    }
    let help = near(&name, USER_MATCH.iter().copied())
        .unwrap_or_else(|| format!("one of {}, or a custom field", listed(USER_MATCH.iter().copied())));
    if problems.len() == before {
        problems.push(wrong(node, format!("users cannot be matched by `{name}`")).help(help));
    }
    None
}

/// `ref`, `type` and `from`.
fn read_ref(
    node: &Node,
    said: &Said<'_>,
    rules: &FieldRules<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Verb> {
    let target = *said.get("ref")?;
    let targets = read_targets(target, problems);
    problems.extend(type_problem(target, said, node));
    if !said.contains_key("from") {
        let problem = Diagnostic::error(Code::MissingKey, "a `ref` needs `from`").at(&node.place);
        problems.push(problem.help("an expression that gives the parent's key"));
    }
    let mut read = |word| {
        said.get(word).copied().and_then(|node| expression(node, word, rules.scope, Role::Value, problems))
    };
    let (type_expr, from) = (read("type"), read("from"));
    let from = from.or_else(|| stand_in(rules, problems));
    Some(Verb::Ref { targets, type_expr, from: from? })
}

/// Something in the place of an expression that was refused, so that what stands beside it is judged too. Nothing is
/// made of a manifest with errors.
fn stand_in(rules: &FieldRules<'_>, problems: &[Diagnostic]) -> Option<Expr> {
    let refused = problems.iter().any(Diagnostic::is_error);
    compile("\"\"", rules.scope, Role::Value).ok().filter(|_| refused)
}

/// `type` picks one of several, and only then.
fn type_problem(target: &Node, said: &Said<'_>, node: &Node) -> Option<Diagnostic> {
    match (target.pairs().is_some(), said.contains_key("type")) {
        (true, false) => {
            let problem = Diagnostic::error(Code::MissingKey, "a `ref` to several objects needs `type`");
            Some(problem.at(&target.place).help("an expression that gives one of the words left of them"))
        }
        (false, true) => {
            let pair = node.pairs()?.iter().find(|pair| pair.key == "type")?;
            let problem = Diagnostic::error(Code::Conflict, "`type` does nothing here").at(&pair.place);
            Some(problem.help("it picks one of several: `ref: { ACC: Account, OPP: Opportunity }`"))
        }
        _ => None,
    }
}

fn read_targets(node: &Node, problems: &mut Vec<Diagnostic>) -> Vec<RefTo> {
    let one = |node: &Node, tag: Option<&str>, problems: &mut Vec<Diagnostic>| {
        let text = scalar(node, "`ref`", problems)?.text().filter(|text| !is_stray(text))?;
        Some(RefTo { tag: tag.map(str::to_owned), object: text.to_owned(), place: node.place.clone() })
    };
    match node.pairs() {
        None => one(node, None, problems).into_iter().collect(),
        Some([]) => {
            problems.push(wrong(node, "`ref` names no object"));
            Vec::new()
        }
        Some(pairs) => pairs.iter().filter_map(|p| one(&p.value, Some(p.key.trim()), problems)).collect(),
    }
}

/// The verbs that a mapping says; `from` beside `ref` is none.
pub(super) fn verbs_of(node: &Node) -> Vec<&'static str> {
    let said = |word: &&str| node.get(word).is_some();
    VERBS.into_iter().filter(said).filter(|verb| !(*verb == "from" && said(&"ref"))).collect()
}
