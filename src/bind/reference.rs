//! Can this field point at those records, and how?

use super::bound::{Column, Reference};
use super::field_kind::conversion;
use super::header::relationship_column;
use super::table::is_reference;
use super::world::{Problems, Site};
use crate::diagnostic::{Code, Diagnostic};
use crate::manifest::{Field, Operation, RefTo, Verb};
use crate::model::FieldSchema;
use crate::transform::{Blank, Conversion, FieldRule, Matcher, OnMissing, Other, RefTarget, reference_text};

/// Binds a `ref`; nothing when any of its targets cannot be pointed at.
pub(super) fn bind(
    site: &Site<'_>,
    field: &Field,
    verb: &Verb,
    schema: &FieldSchema,
    problems: &mut Problems,
) -> Option<(Matcher, Column, Reference)> {
    let Verb::Ref { targets, type_expr, .. } = verb else { return None };
    if !is_reference(site, field, schema, problems) {
        return None;
    }
    let parents: Vec<_> = targets.iter().map(|to| parent(site, schema, to, problems)).collect();
    let parents: Vec<usize> = parents.into_iter().collect::<Option<_>>()?;
    let reference = reference(field, schema, parents);
    never_empty(site, field, &reference, problems);
    let objects = site.world.objects;
    let refs = targets.iter().zip(&reference.parents).map(|(to, parent)| RefTarget {
        tag: to.tag.clone(),
        object: *parent,
        form: objects[*parent].key_form,
        key: key_of(site, *parent),
    });
    let matcher = Matcher::Ref { targets: refs.collect(), type_expr: type_expr.clone() };
    Some((matcher, column(site, schema, &reference), reference))
}

/// The kind of a parent's key. One that the org does not have is told at the parent's load.
fn key_of(site: &Site<'_>, parent: usize) -> Conversion {
    let parent = &site.world.objects[parent];
    let key = site.world.schema.object(&parent.name).and_then(|object| object.field(&parent.key));
    key.map_or_else(Conversion::default, |key| conversion(key, None))
}

/// The fallback of a reference is a key of its first object, and is written as that is.
pub(super) fn write_fallback(field: &Field, rule: &mut FieldRule, problems: &mut Problems) {
    let Matcher::Ref { targets, .. } = &rule.matcher else { return };
    let text = rule.fallback.as_ref().filter(|text| !text.trim().is_empty());
    let Some((text, target)) = text.zip(targets.first()) else { return };
    match reference_text(&target.key, text) {
        Ok(key) => rule.fallback = Some(key),
        Err(why) => {
            let message = format!("`{text}`, which `fallback` gives, can be no key: {why}");
            problems.push(Diagnostic::error(Code::NeverAccepted, message).at(&field.value_place));
        }
    }
}

/// The object of one target, as an index.
fn parent(site: &Site<'_>, schema: &FieldSchema, to: &RefTo, problems: &mut Problems) -> Option<usize> {
    let objects = site.world.objects;
    let Some(index) = objects.iter().position(|o| o.name.eq_ignore_ascii_case(&to.object)) else {
        let message = format!("no load fills `{}`, to which `{}` should point", to.object, schema.name);
        problems.push(Diagnostic::error(Code::BadReference, message).at(&to.place));
        return None;
    };
    let name = &objects[index].name;
    if !schema.reference_to.iter().any(|o| o.eq_ignore_ascii_case(name)) {
        let can: Vec<_> = schema.reference_to.iter().map(|o| format!("`{o}`")).collect();
        let message = format!("`{}.{}` cannot point to `{name}`", site.object.name, schema.name);
        let help = format!("it can point to {}", can.join(", "));
        problems.push(Diagnostic::error(Code::BadReference, message).at(&to.place).help(help));
        return None;
    }
    has_lookup(site, index, to, problems).then_some(index)
}

/// A record that the org cannot find by its key cannot be referred to by it.
fn has_lookup(site: &Site<'_>, parent: usize, to: &RefTo, problems: &mut Problems) -> bool {
    let parent = &site.world.objects[parent];
    let key = site.world.schema.object(&parent.name).and_then(|o| o.field(&parent.key));
    // A key that the org does not have is told at the parent's load.
    if key.is_none_or(|key| key.external_id || key.id_lookup) {
        return true;
    }
    let message = format!("records of `{}` cannot be referred to by `{}`", parent.name, parent.key);
    let help = "the parent's key must be an external ID";
    problems.push(Diagnostic::error(Code::BadReference, message).at(&to.place).help(help));
    false
}

fn reference(field: &Field, schema: &FieldSchema, parents: Vec<usize>) -> Reference {
    Reference {
        rule: 0,
        field: schema.name.clone(),
        parents,
        nillable: schema.nillable,
        createable: schema.createable,
        updateable: schema.updateable,
        master_detail: schema.master_detail(),
        required: schema.required_on_create() || schema.master_detail(),
        seat: None,
        reparentable: schema.master_detail() && schema.updateable,
        on_missing: field.on_missing,
        other: field.other,
        place: field.place.clone(),
    }
}

/// Leaving a reference blank that no record can do without.
fn never_empty(site: &Site<'_>, field: &Field, reference: &Reference, problems: &mut Problems) {
    // What is not sent leaves a record that is there with the parent it has.
    if site.load.operation == Operation::Update && field.blank == Blank::Keep {
        return;
    }
    let blank = match () {
        () if reference.on_missing == OnMissing::Blank => {
            Some(("on_missing", "`on_missing: hold` or `on_missing: reject`"))
        }
        // In a list it only passes an alternative over.
        () if reference.other == Other::Blank && !matches!(field.verb, Verb::FirstOf { .. }) => {
            Some(("other", "`other: reject`"))
        }
        () => None,
    };
    if let Some((word, instead)) = blank.filter(|_| reference.required) {
        let message = format!(
            "`{}.{}` must not be empty, and `{word}: blank` would leave it so",
            site.object.name, reference.field
        );
        let help = format!("write {instead}");
        problems.push(Diagnostic::error(Code::NeverAccepted, message).at(&reference.place).help(help));
    }
}

fn column(site: &Site<'_>, schema: &FieldSchema, reference: &Reference) -> Column {
    let parents = reference.parents.iter().map(|index| &site.world.objects[*index]);
    Column::Reference {
        field: schema.name.clone(),
        headers: parents.map(|o| relationship_column(schema, &o.name, &o.key)).collect(),
        polymorphic: schema.polymorphic(),
    }
}
