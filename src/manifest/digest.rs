//! A load as resolved, in one canonical text: what a fingerprint is taken of.
//!
//! Defaults and vars are applied, fields stand by name, maps by content. Comments, order, places and the paths of
//! sources change nothing; sources have fingerprints of their own.

use super::choices::{ApiChoice, OPERATION};
use super::migration::{Budget, Field, Load, Migration, Verb};
use super::word_list::name_of;
use super::words::{
    API, BLANK, DUPLICATES, INACTIVE, ON_MISSING, ONLY, OTHER, TOO_LONG, TOO_PRECISE, UNMAPPED,
};
use crate::transform::{Expr, Other, TooPrecise, ValueMap};

impl Migration {
    /// The load as resolved, in one canonical text to take a fingerprint of: defaults and vars applied, fields by
    /// name, the contents of maps. Comments, order and the paths of sources change nothing.
    pub fn resolved_digest(&self, load: &Load) -> String {
        let names: Vec<&str> = self.loads.iter().map(|l| l.name.as_str()).collect();
        text(load, &names)
    }
}

/// The canonical text of a load. `names` are the names of all loads, for `after`.
pub(super) fn text(load: &Load, names: &[&str]) -> String {
    let mut out = Lines(String::new());
    out.put("object", &load.object);
    out.put("key", &load.key);
    out.put("operation", name_of(OPERATION, &load.operation));
    out.maybe("api", (load.api != ApiChoice::default()).then(|| name_of(API, &load.api)));
    out.maybe("assignment_rule", load.assignment_rule.as_ref().map(|(name, _)| name.as_str()));
    out.maybe("territory_rules", load.territory_rules.then_some("true"));
    out.put("duplicates", name_of(DUPLICATES, &load.duplicates));
    out.maybe("max_failed", load.max_failed.map(budget).as_deref());
    out.maybe("where", load.condition.as_ref().map(Expr::text));
    source(load, &mut out);
    let mut after: Vec<&str> = load.after.iter().filter_map(|index| names.get(*index).copied()).collect();
    after.sort_unstable();
    after.iter().for_each(|name| out.put("after", name));
    out.maybe("lock_by", load.lock_by.as_deref());
    out.maybe("part_rows", load.part_rows.map(|n| n.to_string()).as_deref());
    out.maybe("levels", load.levels.map(|n| n.to_string()).as_deref());
    out.put("overlap", if load.overlap { "true" } else { "false" });
    vars(load, &mut out);
    let mut fields: Vec<&Field> = load.fields.iter().collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    fields.into_iter().for_each(|one| field(one, &mut out));
    out.0
}

/// Lines of a word and a text, the text escaped so that no text can look like another line.
struct Lines(String);

impl Lines {
    fn put(&mut self, word: &str, text: &str) {
        self.0.push_str(&format!("{word} {text:?}\n"));
    }

    fn maybe(&mut self, word: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(word, text);
        }
    }
}

fn budget(budget: Budget) -> String {
    match budget {
        Budget::Rows(rows) => rows.to_string(),
        Budget::Percent(percent) => format!("{percent}%"),
    }
}

/// How the source is read: it changes what the same bytes mean.
fn source(load: &Load, out: &mut Lines) {
    let format = &load.format;
    out.put("delimiter", &char::from(format.delimiter).to_string());
    out.put("quote", &char::from(format.quote).to_string());
    out.put("encoding", &format.encoding.to_lowercase());
    let mut nulls: Vec<&String> = format.null_values.iter().collect();
    nulls.sort();
    nulls.dedup();
    nulls.into_iter().for_each(|null| out.put("null", null));
    out.maybe("timezone", load.timezone.as_deref());
}

/// All vars, if any expression can see them; those in `value` and the like are applied already.
fn vars(load: &Load, out: &mut Lines) {
    let fields = load.fields.iter().flat_map(|f| f.verb.expressions().into_iter().chain(&f.when));
    if fields.chain(&load.condition).any(|e| e.text().contains("vars")) {
        load.vars.iter().for_each(|(name, text)| out.put(&format!("var {name:?}"), text));
    }
}

fn field(field: &Field, out: &mut Lines) {
    out.put("field", &field.name);
    verb(&field.verb, out);
    out.maybe("  when", field.when.as_ref().map(Expr::text));
    out.maybe("  default", field.default.as_deref());
    out.maybe("  fallback", field.fallback.as_deref());
    if let Some(map) = &field.map {
        pairs(map, out);
    }
    out.put("  blank", name_of(BLANK, &field.blank));
    out.put("  unmapped", name_of(UNMAPPED, &field.unmapped));
    out.put("  on_missing", name_of(ON_MISSING, &field.on_missing));
    out.maybe("  other", (field.other != Other::default()).then(|| name_of(OTHER, &field.other)));
    out.put("  too_long", name_of(TOO_LONG, &field.too_long));
    let said = field.too_precise != TooPrecise::default();
    out.maybe("  too_precise", said.then(|| name_of(TOO_PRECISE, &field.too_precise)));
    out.put("  only", name_of(ONLY, &field.only));
    out.put("  inactive", name_of(INACTIVE, &field.inactive));
}

fn verb(verb: &Verb, out: &mut Lines) {
    match verb {
        Verb::Expr(from) => out.put("  from", from.text()),
        Verb::Const(text) => out.put("  value", text),
        Verb::RecordType(from) => out.put("  record_type", from.text()),
        Verb::Queue(from) => out.put("  queue", from.text()),
        Verb::User { from, match_field } => {
            out.put("  user", from.text());
            out.put("  match", match_field);
        }
        Verb::Lookup { object, fields, from, .. } => {
            out.put("  lookup", object);
            out.put("  match", &fields.join(" "));
            out.put("  from", from.text());
        }
        Verb::FirstOf { of, .. } => {
            out.put("  first_of", "");
            of.iter().for_each(|one| self::verb(one, out));
        }
        Verb::Ref { targets, type_expr, from } => {
            out.put("  from", from.text());
            out.maybe("  type", type_expr.as_ref().map(Expr::text));
            let mut targets: Vec<_> =
                targets.iter().map(|t| (t.tag.as_deref().unwrap_or(""), &t.object)).collect();
            targets.sort();
            targets.into_iter().for_each(|(tag, object)| out.put(&format!("  ref {tag:?}"), object));
        }
    }
}

fn pairs(map: &ValueMap, out: &mut Lines) {
    let mut pairs: Vec<_> = map.pairs().collect();
    pairs.sort();
    pairs.into_iter().for_each(|(from, to)| out.put(&format!("  map {from:?}"), to));
}
