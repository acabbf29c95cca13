//! One field of a load: found in the org, judged, and made a rule of the row path.

use super::bound::{Column, Reference};
use super::field_kind::conversion;
use super::world::{Problems, Site, unknown};
use super::{access, first_of, reference, table, values};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::manifest::{Field, Verb};
use crate::model::{FieldSchema, FieldType};
use crate::transform::{FieldRule, Matcher, Value};

/// A field bound to the org's.
pub(super) struct BoundField<'a> {
    pub(super) rule: FieldRule,
    pub(super) column: Column,
    /// Where it points, the `rule` of each still to be set.
    pub(super) references: Vec<Reference>,
    pub(super) schema: &'a FieldSchema,
    pub(super) place: &'a Place,
}

/// Binds one field; nothing when it cannot be sent at all.
pub(super) fn bind<'a>(site: &Site<'a>, field: &'a Field, problems: &mut Problems) -> Option<BoundField<'a>> {
    let Some(schema) = site.object.field(&field.name) else {
        problems.push(unknown(site, &field.name, &field.place));
        return None;
    };
    if !access::check_type(site, field, schema, problems) {
        return None;
    }
    access::check(site, field, schema, problems);
    zone(site, field, schema, problems);
    let (matcher, column, references) = target(site, field, schema, problems)?;
    let mut rule = rule(site, field, schema, matcher);
    reference::write_fallback(field, &mut rule, problems);
    values::check(site, field, schema, &rule, problems);
    Some(BoundField { rule, column, references, schema, place: &field.place })
}

/// How the value finds a record, under which column it goes, and where it points.
fn target(
    site: &Site<'_>,
    field: &Field,
    schema: &FieldSchema,
    problems: &mut Problems,
) -> Option<(Matcher, Column, Vec<Reference>)> {
    let plain = || Column::Plain(schema.name.clone());
    match &field.verb {
        Verb::Expr(_) | Verb::Const(_) => Some((Matcher::None, plain(), Vec::new())),
        Verb::Ref { .. } => {
            let (matcher, column, reference) = reference::bind(site, field, &field.verb, schema, problems)?;
            Some((matcher, column, vec![reference]))
        }
        // Ids found in several ways: the column is the field itself.
        Verb::FirstOf { .. } => {
            let (matcher, references) = first_of::bind(site, field, schema, problems)?;
            Some((matcher, plain(), references))
        }
        Verb::RecordType(_) | Verb::User { .. } | Verb::Queue(_) | Verb::Lookup { .. } => {
            let matcher = table::matcher(site, field, &field.verb, schema, problems)?;
            Some((matcher, plain(), Vec::new()))
        }
    }
}

fn rule(site: &Site<'_>, field: &Field, schema: &FieldSchema, matcher: Matcher) -> FieldRule {
    let value = match &field.verb {
        Verb::Const(text) => Value::Const(text.clone()),
        Verb::Expr(from)
        | Verb::Ref { from, .. }
        | Verb::RecordType(from)
        | Verb::User { from, .. }
        | Verb::Lookup { from, .. }
        | Verb::FirstOf { from, .. }
        | Verb::Queue(from) => Value::Expr(from.clone()),
    };
    FieldRule {
        field: schema.name.clone(),
        value,
        when: field.when.clone(),
        default: field.default.clone(),
        blank: field.blank,
        map: field.map.clone(),
        unmapped: field.unmapped,
        fallback: field.fallback.clone(),
        matcher,
        on_missing: field.on_missing,
        other: field.other,
        convert: conversion(schema, site.load.timezone.clone()),
        too_long: field.too_long,
        too_precise: field.too_precise,
        key: schema.name.eq_ignore_ascii_case(&site.load.key),
        only: field.only,
    }
}

/// A source's own text as a time: nobody said in which zone it is where it does not say so itself.
fn zone(site: &Site<'_>, field: &Field, schema: &FieldSchema, problems: &mut Problems) {
    let needs = |verb: &Verb| matches!(verb, Verb::Expr(expr) if expr.needs_zone());
    let bare = schema.field_type == FieldType::DateTime && field.verb.each().iter().any(needs);
    if bare && site.load.timezone.is_none() {
        let message = format!("`{}` takes a time, and the source says no `timezone`", schema.name);
        problems.push(
            Diagnostic::warning(Code::PlanNote, message)
                .at(&field.value_place)
                .help("values without an offset, such as `+01:00` or `Z`, will be rejected; say `timezone` in the source"),
        );
    }
}
