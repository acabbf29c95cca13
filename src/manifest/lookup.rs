//! `lookup` and `first_of`: records that the org has, found by their fields, and the first of several look-ups.
//!
//! Must not know which objects and fields an org has, nor how what is found becomes an Id.

use super::expression::expression;
use super::field::{FieldRules, Said, read_verb};
use super::migration::Verb;
use super::values::{is_stray, listed, scalar, wrong};
use super::words::{ALTERNATIVE, refuse_unbuilt};
use crate::diagnostic::{Code, Diagnostic};
use crate::transform::{AND, Expr, OR, Role, together};
use crate::yaml::{MapReader, Node};

/// The verbs of an alternative.
const VERBS: [&str; 4] = ["record_type", "user", "queue", "lookup"];

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

/// Reads `first_of: [ … ]`.
pub(super) fn read_first_of(
    node: &Node,
    rules: &FieldRules<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Verb> {
    let Some(items) = node.items().filter(|items| !items.is_empty()) else {
        let problem = wrong(node, "`first_of` is a list of look-ups");
        problems.push(problem.help("`first_of: [ { queue: team }, { user: rep_email, match: Email } ]`"));
        return None;
    };
    let of: Vec<Option<Verb>> = items.iter().map(|item| alternative(item, rules, problems)).collect();
    let of: Vec<Verb> = of.into_iter().collect::<Option<_>>()?;
    let parts: Vec<Expr> = of.iter().flat_map(Verb::expressions).cloned().collect();
    let from = joined(&parts, OR, node, rules, problems)?;
    Some(Verb::FirstOf { of, from })
}

fn alternative(node: &Node, rules: &FieldRules<'_>, problems: &mut Vec<Diagnostic>) -> Option<Verb> {
    let mut reader = MapReader::new(node, "a look-up of `first_of`", problems)?;
    let before = reader.problems().len();
    refuse_unbuilt(node, ALTERNATIVE, &mut reader);
    let words = VERBS.into_iter().chain(["match"]);
    let said: Said<'_> = words.filter_map(|word| Some((word, reader.take(word)?))).collect();
    let verbs: Vec<&'static str> = VERBS.into_iter().filter(|verb| said.contains_key(verb)).collect();
    let [verb] = verbs[..] else {
        if reader.problems().len() == before {
            let message = format!("a look-up of `first_of` has one of {}", listed(VERBS));
            reader.problem(Diagnostic::error(Code::MissingKey, message).at(&node.place));
        }
        reader.finish();
        return None;
    };
    let read = read_verb(verb, node, &said, rules, reader.problems());
    reader.finish();
    read
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
