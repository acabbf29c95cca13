//! `lookup` and `first_of`: records found by some of their fields, and the first of several that finds something.
//!
//! Must not know which objects and fields an org has, nor how what is found becomes an Id.

use super::expression::expression;
use super::migration::Verb;
use super::values::{is_stray, listed, scalar, wrong};
use super::verb::{FieldRules, HELPERS, Said, VERBS, read_verb, verbs_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::transform::{AND, Expr, OR, Role, compile, together};
use crate::yaml::{MapReader, Node};

/// Reads `lookup: OBJECT` with `match: { FIELD: EXPRESSION, … }`.
pub(super) fn read(
    object: &Node,
    matched: Option<&Node>,
    rules: &FieldRules<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Verb> {
    let Some(matched) = matched else {
        let problem = Diagnostic::error(Code::MissingKey, "a `lookup` needs `match`").at(&object.place);
        problems.push(
            problem.help("`match: { IsStandard: '\"true\"' }`: fields of the record, and what they equal"),
        );
        return None;
    };
    let name = scalar(object, "`lookup`", problems)?.text().filter(|text| !is_stray(text))?;
    let Some(pairs) = matched.pairs().filter(|pairs| !pairs.is_empty()) else {
        let problem = wrong(matched, "`match` beside `lookup` is a mapping of fields to expressions");
        problems.push(problem.help("`match: { Name: pricebook }`"));
        return None;
    };
    let parts: Vec<Option<Expr>> = pairs
        .iter()
        .map(|pair| expression(&pair.value, &pair.key, rules.scope, Role::Value, problems))
        .collect();
    let parts: Vec<Expr> = parts.into_iter().collect::<Option<_>>()?;
    let from = joined(&parts, AND, matched, rules, problems)?;
    let fields = pairs.iter().map(|pair| pair.key.clone()).collect();
    Some(Verb::Lookup { object: name.to_owned(), place: object.place.clone(), fields, from })
}

/// Reads `first_of: [ … ]`. A list of one is that one.
pub(super) fn read_first_of(
    node: &Node,
    rules: &FieldRules<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Verb> {
    let Some(items) = node.items().filter(|items| !items.is_empty()) else {
        let problem = wrong(node, "`first_of` is a list");
        problems.push(problem.help("`first_of: [ { queue: team }, { user: rep_email, match: Email } ]`"));
        return None;
    };
    let of: Vec<Option<Verb>> = items.iter().map(|item| alternative(item, rules, problems)).collect();
    let whole = of.iter().all(Option::is_some);
    // Without those that were refused, which has been told: the objects of the others are judged all the same.
    let of: Vec<Verb> = of.into_iter().flatten().collect();
    if of.is_empty() {
        return None;
    }
    if whole {
        problems.extend(unreached(items, &of));
    }
    let parts: Vec<Option<Expr>> = of.iter().map(|verb| asked(verb, node, rules, problems)).collect();
    let parts: Vec<Expr> = parts.into_iter().collect::<Option<_>>()?;
    match <[Verb; 1]>::try_from(of) {
        Ok([only]) => Some(only),
        Err(of) => Some(Verb::FirstOf { from: joined(&parts, OR, node, rules, problems)?, of }),
    }
}

fn alternative(node: &Node, rules: &FieldRules<'_>, problems: &mut Vec<Diagnostic>) -> Option<Verb> {
    let mut reader = MapReader::new(node, "one of `first_of`", problems)?;
    let words = VERBS.into_iter().filter(|word| *word != "first_of").chain(HELPERS);
    let said: Said<'_> = words.filter_map(|word| Some((word, reader.take(word)?))).collect();
    let misplaced = misplaced(node);
    let verbs: Vec<&'static str> = verbs_of(node).into_iter().filter(|verb| *verb != "first_of").collect();
    let read = match verbs[..] {
        [verb] if misplaced.is_none() => read_verb(verb, node, &said, rules, reader.problems()),
        [_] => None,
        // The reader says that it is no word here.
        [] if node.get("first_of").is_some() => None,
        _ => {
            let all = VERBS.into_iter().filter(|word| *word != "first_of");
            let message = format!("one of `first_of` has one of {}", listed(all));
            reader.problem(Diagnostic::error(Code::MissingKey, message).at(&node.place));
            None
        }
    };
    misplaced.into_iter().for_each(|problem| reader.problem(problem));
    reader.finish();
    read
}

/// A helper without the verb that it helps.
fn misplaced(node: &Node) -> Option<Diagnostic> {
    let has = |word: &str| node.get(word).is_some();
    let alone = |word: &str| match word {
        "type" => !has("ref"),
        "match" => verbs_of(node).len() == 1 && !has("user") && !has("lookup"),
        _ => false,
    };
    let pair = node.pairs()?.iter().find(|pair| alone(&pair.key))?;
    let help = match pair.key.as_str() {
        "type" => "`type` stands beside `ref` only",
        _ => "`match` stands beside `user` or `lookup` only",
    };
    let message = format!("`{}` does nothing here", pair.key);
    Some(Diagnostic::error(Code::Conflict, message).at(&pair.place).help(help))
}

/// What stands after a text that is always there.
fn unreached(items: &[Node], of: &[Verb]) -> Option<Diagnostic> {
    let always = of.iter().position(|verb| matches!(verb, Verb::Const(text) if !text.is_empty()))?;
    let (always, after) = (&items[always], items.get(always + 1)?);
    let problem =
        Diagnostic::error(Code::Conflict, "nothing comes to this").label(&after.place, "never used");
    Some(problem.label(&always.place, "this `value` is always there").help("put the `value` last"))
}

/// What an alternative takes or looks for.
fn asked(verb: &Verb, node: &Node, rules: &FieldRules<'_>, problems: &mut Vec<Diagnostic>) -> Option<Expr> {
    let text = match verb {
        Verb::Const(text) => text,
        Verb::Ref { from, .. } => return Some(from.clone()),
        other => return other.expressions().first().map(|expr| (*expr).clone()),
    };
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let quoted = format!("\"{}\"", quoted.replace('\n', "\\n").replace('\r', "\\r"));
    let expr = compile(&quoted, rules.scope, Role::Value);
    if expr.is_err() {
        problems.push(wrong(node, "this `value` cannot stand in a list"));
    }
    expr.ok()
}

fn joined(
    parts: &[Expr],
    mark: char,
    node: &Node,
    rules: &FieldRules<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Expr> {
    let shown = parts.iter().map(Expr::text).collect::<Vec<_>>().join(", ");
    let all: Vec<&Expr> = parts.iter().collect();
    let whole = together(&all, mark, &shown, rules.scope);
    if whole.is_err() {
        problems.push(wrong(node, "these expressions are too much for one field"));
    }
    whole.ok()
}
