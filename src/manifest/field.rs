//! One field: exactly one verb, and the words that go with it.
//!
//! Knows which words belong together; must not know which fields an object has, nor how a value is worked out.

use super::expression::{compile_node, take_expression};
use super::file::Shelf;
use super::maps::read_map;
use super::migration::{Field, Verb};
use super::policy::Policies;
use super::values::{Vars, fill, listed, take_scalar, wrong};
use super::verb::{FieldRules, HELPERS, Said, VERBS, read_verb, verbs_of};
use super::words::{FIELD, INACTIVE, ONLY, OTHER, refuse_unbuilt};
use crate::diagnostic::{Code, Diagnostic};
use crate::transform::{Inactive, Only, Other, Role};
use crate::yaml::{MapReader, Node, Pair};

/// Takes `fields`.
pub(super) fn read_fields(
    reader: &mut MapReader<'_, '_>,
    rules: &FieldRules<'_>,
    shelf: &mut Shelf<'_>,
) -> Vec<Field> {
    let Some(node) = reader.need("fields") else { return Vec::new() };
    let Some(pairs) = node.pairs().filter(|pairs| !pairs.is_empty()) else {
        let problem = wrong(node, "`fields` must be a mapping of field names to values");
        reader.problem(problem.help("`Name: company_name`"));
        return Vec::new();
    };
    pairs.iter().filter_map(|pair| read_field(pair, rules, shelf, reader.problems())).collect()
}

fn read_field(
    pair: &Pair,
    rules: &FieldRules<'_>,
    shelf: &mut Shelf<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Field> {
    let node = &pair.value;
    if node.pairs().is_some() {
        return read_mapping(pair, rules, shelf, problems);
    }
    if node.is_literal() || node.items().is_some() {
        problems.push(no_expression(pair));
        return None;
    }
    let verb = Verb::Expr(compile_node(node, rules.scope, Role::Value, problems)?);
    Some(plain_field(pair, verb, rules.policies))
}

/// A plain `true`, `5`, nothing, or a list.
fn no_expression(pair: &Pair) -> Diagnostic {
    let (node, name) = (&pair.value, &pair.key);
    let (message, help) = match node.text() {
        None => (format!("`{name}` must be an expression or a mapping, not a list"), String::new()),
        Some(_) if node.is_nothing() => (
            format!("`{name}` has no value"),
            "for a constant write `{ value: … }`; to send nothing leave the field out".to_owned(),
        ),
        Some(text) => {
            (format!("`{text}` is not an expression"), format!("for a constant write `{{ value: {text} }}`"))
        }
    };
    wrong(node, message).help_maybe(Some(help).filter(|help| !help.is_empty()))
}

/// A field with one verb and nothing else said.
fn plain_field(pair: &Pair, verb: Verb, policies: Policies) -> Field {
    Field {
        name: pair.key.clone(),
        place: pair.place.clone(),
        value_place: pair.value.place.clone(),
        verb,
        when: None,
        default: None,
        fallback: None,
        map: None,
        blank: policies.blank.unwrap_or_default(),
        unmapped: policies.unmapped.unwrap_or_default(),
        on_missing: policies.on_missing.unwrap_or_default(),
        other: Other::default(),
        too_long: policies.too_long.unwrap_or_default(),
        too_precise: policies.too_precise.unwrap_or_default(),
        only: Only::Always,
        inactive: Inactive::default(),
    }
}

fn read_mapping(
    pair: &Pair,
    rules: &FieldRules<'_>,
    shelf: &mut Shelf<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Field> {
    let node = &pair.value;
    let mut reader = MapReader::new(node, "a field", problems)?;
    refuse_unbuilt(node, FIELD, &mut reader);
    let chosen = the_verb(pair, &mut reader);
    if let Some(chosen) = chosen {
        refuse_misplaced(node, chosen, &mut reader);
    }
    let words = VERBS.into_iter().chain(HELPERS);
    let said: Said<'_> = words.filter_map(|word| Some((word, reader.take(word)?))).collect();
    let verb = chosen.and_then(|chosen| read_verb(chosen, node, &said, rules, reader.problems()));
    let map = read_map(&mut reader, shelf);
    let when = take_expression(&mut reader, "when", rules.scope, Role::Condition);
    let default = take_filled(&mut reader, "default", rules.vars);
    let fallback = take_filled(&mut reader, "fallback", rules.vars);
    let policies = Policies::read(&mut reader).or(rules.policies);
    let only = reader.take_word("only", ONLY).unwrap_or(Only::Always);
    let inactive = reader.take_word("inactive", INACTIVE).unwrap_or_default();
    let other = reader.take_word("other", OTHER).unwrap_or_default();
    reader.finish();
    let plain = plain_field(pair, verb?, policies);
    Some(Field { when, default, fallback, map, only, inactive, other, ..plain })
}

/// The one verb of a field; none or several are a problem.
fn the_verb(pair: &Pair, reader: &mut MapReader<'_, '_>) -> Option<&'static str> {
    let node = &pair.value;
    let present = verbs_of(node);
    let problem = match present[..] {
        [only] => return Some(only),
        [] => Diagnostic::error(
            Code::MissingKey,
            format!("`{}` does not say where its value comes from", pair.key),
        )
        .at(&node.place)
        .help(format!("write one of {}", listed(VERBS))),
        [..] => {
            let pairs: Vec<&Pair> =
                node.pairs()?.iter().filter(|p| present.contains(&p.key.as_str())).collect();
            let [first, second, ..] = pairs[..] else { return None };
            let message = format!("`{}` and `{}` exclude each other", first.key, second.key);
            Diagnostic::error(Code::Conflict, message)
                .at(&second.place)
                .label(&first.place, "the first is here")
                .help("a field has exactly one of them")
        }
    };
    reader.problem(problem);
    None
}

/// Refuses words that do nothing beside this verb.
fn refuse_misplaced(node: &Node, verb: &'static str, reader: &mut MapReader<'_, '_>) {
    let mapped = node.get("map").is_some() || node.get("map_file").is_some();
    let kept = node.get("fallback").is_some();
    let listed = node.get(verb).and_then(Node::items).unwrap_or_default();
    let verbs: Vec<&str> = listed.iter().flat_map(verbs_of).chain([verb]).collect();
    let plain = |verb: &&str| matches!(*verb, "from" | "value" | "first_of");
    let matching = !verbs.iter().all(plain);
    let always = verb == "first_of" && verbs.contains(&"value");
    for pair in node.pairs().unwrap_or_default() {
        let several = node.get("match").and_then(Node::pairs).is_some_and(|pairs| pairs.len() > 1);
        let help = match pair.key.as_str() {
            "type" if verb != "ref" => "`type` stands beside `ref` only",
            "match" if !matches!(verb, "user" | "lookup") => "`match` stands beside `user` or `lookup` only",
            "other" if !picks(node) && !listed.iter().any(picks) => {
                "`other` stands beside a `ref` to several objects"
            }
            "inactive" if !verbs.contains(&"user") => {
                "`inactive` stands beside `user`, or a `first_of` that has one"
            }
            "default" | "fallback" | "on_missing" if always => "the `value` in the list is always there",
            "default" | "fallback" if several => "it is one text, and `match` names several fields",
            "inactive" if !kept && pair.value.text() == Some("fallback") => "add a `fallback`",
            "map" | "map_file" if verb == "value" => "a `value` is sent as it stands",
            "map" | "map_file" if verb == "first_of" || several => {
                "it translates one text, and here are several"
            }
            "unmapped" if !mapped => "`unmapped` stands beside `map` or `map_file` only",
            "on_missing" if !matching => "`on_missing` stands beside `ref` and look-ups only",
            "fallback" if !mapped && !matching => {
                "`fallback` is for what a map or a match does not find; for blanks write `default`"
            }
            _ => continue,
        };
        let message = format!("`{}` does nothing here", pair.key);
        reader.problem(Diagnostic::error(Code::Conflict, message).at(&pair.place).help(help));
    }
}

/// Whether it is a reference to several objects.
fn picks(node: &Node) -> bool {
    node.get("ref").is_some_and(|target| target.pairs().is_some())
}

fn take_filled(reader: &mut MapReader<'_, '_>, key: &'static str, vars: &Vars) -> Option<String> {
    let node = take_scalar(reader, key)?;
    Some(fill(node, vars, reader.problems()))
}
