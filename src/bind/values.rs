//! Values that stand in the manifest itself: can the org ever take them?

use super::table;
use super::world::{Problems, Site};
use crate::diagnostic::{Code, Diagnostic, near_name};
use crate::manifest::{Field, Verb};
use crate::model::{FieldSchema, FieldType};
use crate::transform::{FieldRule, Matcher, Row, RowOut, RowProgram, Value, Verdict};
use std::collections::BTreeSet;

/// Judges constants, defaults, fallbacks and the targets of maps.
pub(super) fn check(
    site: &Site<'_>,
    field: &Field,
    schema: &FieldSchema,
    rule: &FieldRule,
    problems: &mut Problems,
) {
    for verb in field.verb.each().iter().filter(|verb| field.verb.each().len() > 1 && !verb.looks()) {
        let plain = FieldRule { matcher: Matcher::None, ..rule.clone() };
        let text = constant(verb).filter(|(_, text)| !text.is_empty());
        let problem = text.and_then(|(word, text)| never_accepted(schema, &plain, word, &text));
        problems.extend(problem.map(|p| p.at(&field.value_place)));
    }
    users_of_the_map(field, rule, problems);
    // Tried once for each value: a map of many need not be copied each time.
    let rule = &FieldRule { map: None, ..rule.clone() };
    for (word, text) in written(field) {
        let problem = match &rule.matcher {
            Matcher::None => never_accepted(schema, rule, word, &text),
            Matcher::Table { what, ids, fold } => {
                let table = table::Table { what, ids, fold: *fold };
                let misnamed = table::misnamed(site, &table, word, &text);
                misnamed.filter(|_| word != "map" || !table.stands_in(field, &text))
            }
            Matcher::FirstOf(all) if all.iter().all(|one| matches!(one, Matcher::None)) => {
                never_accepted(schema, rule, word, &text)
            }
            matcher if matcher.chains() => None,
            Matcher::FirstOf(_) if matches!(word, "default" | "fallback") => in_none(site, rule, word, &text),
            // Keys of parents, and one alternative of several: whether they are there is a question of rows.
            Matcher::Ref { .. } | Matcher::FirstOf(_) => None,
        };
        problems.extend(problem.map(|p| p.at(&field.value_place)));
    }
}

/// What is wrong with a text that is looked for in several tables: one of them is enough.
fn in_none(site: &Site<'_>, rule: &FieldRule, word: &str, text: &str) -> Option<Diagnostic> {
    let tables = rule.matcher.tables().into_iter();
    let wrong =
        tables.map(|(what, ids, fold)| table::misnamed(site, &table::Table { what, ids, fold }, word, text));
    wrong.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().last())
}

/// Tells which users of a map have something that stands in for them.
fn users_of_the_map(field: &Field, rule: &FieldRule, problems: &mut Problems) {
    let (Some(map), Matcher::Table { what, ids, fold }) = (&field.map, &rule.matcher) else { return };
    let texts: Vec<&str> = map.pairs().map(|(_, to)| to).filter(|to| !to.is_empty()).collect();
    let told = table::Table { what, ids, fold: *fold }.told(field, &texts);
    problems.extend(told.map(|p| p.at(&field.value_place)));
}

/// Texts of the manifest that reach the field as they are, with the word they stand under. Where there is a map, a
/// constant or a default goes through it first.
fn written(field: &Field) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    match &field.map {
        Some(map) => {
            let mut seen = BTreeSet::new();
            let targets = map.pairs().map(|(_, to)| to).filter(|to| seen.insert(*to));
            all.extend(targets.map(|to| ("map", to.to_owned())));
        }
        None => {
            all.extend(constant(&field.verb));
            all.extend(field.default.clone().map(|text| ("default", text)));
        }
    }
    all.extend(field.fallback.clone().map(|text| ("fallback", text)));
    all.retain(|(_, text)| !text.is_empty());
    all
}

/// What a verb gives for every row, with its word.
fn constant(verb: &Verb) -> Option<(&'static str, String)> {
    let (word, expr) = match verb {
        Verb::Const(text) => return Some(("value", text.clone())),
        Verb::Expr(from) | Verb::Ref { from, .. } => ("from", from),
        Verb::RecordType(from) => ("record_type", from),
        Verb::User { from, .. } => ("user", from),
        Verb::Queue(from) => ("queue", from),
        Verb::Lookup { from, .. } => ("match", from),
        // Judged one by one.
        Verb::FirstOf { .. } => return None,
    };
    expr.constant().map(|text| (word, text))
}

fn never_accepted(schema: &FieldSchema, rule: &FieldRule, word: &str, text: &str) -> Option<Diagnostic> {
    let (why, help) = stranger(schema, text).or_else(|| Some((refusal(rule, text)?, None)))?;
    let message = format!("`{}` never takes `{text}`, which `{word}` gives: {why}", schema.name);
    Some(Diagnostic::error(Code::NeverAccepted, message).help_maybe(help))
}

/// A value that a restricted picklist does not have, with what it has instead.
fn stranger(schema: &FieldSchema, text: &str) -> Option<(String, Option<String>)> {
    let parts = match schema.field_type {
        _ if !schema.restricted_picklist => return None,
        FieldType::Picklist => vec![text],
        FieldType::MultiPicklist => text.split(';').filter(|part| !part.is_empty()).collect(),
        _ => return None,
    };
    let part = parts.into_iter().find(|part| !schema.picklist_values.iter().any(|v| v == part))?;
    Some(("it is restricted to its active values".to_owned(), Some(choice(schema, part))))
}

fn choice(schema: &FieldSchema, text: &str) -> String {
    match near_name(text, schema.picklist_values.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match schema.picklist_values.as_slice() {
            [] => "it has no active value".to_owned(),
            few if few.len() <= 8 => format!("it takes {}", list(few)),
            many => format!("it takes {} and {} more", list(&many[..8]), many.len() - 8),
        },
    }
}

fn list(values: &[String]) -> String {
    values.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ")
}

/// Why the row path itself refuses a text for this field: the same code as for rows, so that both agree.
fn refusal(rule: &FieldRule, text: &str) -> Option<String> {
    let trial = FieldRule {
        value: Value::Const(text.to_owned()),
        when: None,
        default: None,
        map: None,
        fallback: None,
        ..rule.clone()
    };
    let program = RowProgram::new(&[], None, vec![trial]);
    match program.worker().run(&NoRow, &mut RowOut::default()) {
        Verdict::Rejected(reject) => {
            let words = reject.message.strip_prefix(&format!("{}: ", rule.field));
            Some(words.unwrap_or(&reject.message).to_owned())
        }
        Verdict::Kept | Verdict::Filtered => None,
    }
}

/// A row that nothing reads.
struct NoRow;

impl Row for NoRow {
    fn cell(&self, _: usize) -> &str {
        ""
    }
}
