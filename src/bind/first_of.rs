//! The first of several that finds something: each bound by itself, tried by the row path in their order.

use super::bound::Reference;
use super::reference;
use super::table::{self, is_reference};
use super::world::{Problems, Site};
use crate::manifest::{Field, Verb};
use crate::model::FieldSchema;
use crate::transform::Matcher;

/// Binds the alternatives of a `first_of`, and where each `ref` among them points; nothing when the field
/// cannot hold one of them.
pub(super) fn bind(
    site: &Site<'_>,
    field: &Field,
    schema: &FieldSchema,
    problems: &mut Problems,
) -> Option<(Matcher, Vec<Reference>)> {
    let of = field.verb.each();
    // Said once, not by each of them.
    if of.iter().any(Verb::looks) && !is_reference(site, field, schema, problems) {
        return None;
    }
    let mut points = Vec::new();
    let mut one = |verb: &Verb| match verb {
        Verb::Expr(_) | Verb::Const(_) => Some(Matcher::None),
        Verb::Ref { .. } => {
            let (matcher, _, found) = reference::bind(site, field, verb, schema, problems)?;
            points.push(Reference { seat: Some(points.len()), ..found });
            Some(matcher)
        }
        _ => table::matcher(site, field, verb, schema, problems),
    };
    let all: Vec<Option<Matcher>> = of.iter().map(&mut one).collect();
    let all = all.into_iter().collect::<Option<_>>()?;
    Some((Matcher::FirstOf(all), points))
}
