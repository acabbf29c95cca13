//! Which record of an object is meant by the values of some of its fields: the org's own records as a table.

use super::facts::records_key;
use super::world::{Problems, Site};
use crate::diagnostic::{Code, Diagnostic, Place, near_name};
use crate::model::{FieldSchema, FieldType, ObjectSchema};
use crate::transform::{AND, Fold, TableEntry};
use std::collections::BTreeMap;

/// The records of an object by these fields, and how texts are compared with theirs; nothing where that cannot be.
pub(super) fn table(
    site: &Site<'_>,
    object: &str,
    place: &Place,
    fields: &[String],
    problems: &mut Problems,
) -> Option<(BTreeMap<String, TableEntry>, Fold)> {
    let Some(schema) = site.world.schema.object(object) else {
        let near = near_name(object, site.world.schema.objects().map(|o| o.name.as_str()));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("the org has no object `{object}`");
        problems.push(Diagnostic::error(Code::UnknownObject, message).at(place).help_maybe(help));
        return None;
    };
    let found: Vec<_> = fields.iter().map(|name| field(schema, name, place, problems)).collect();
    let found: Vec<&FieldSchema> = found.into_iter().collect::<Option<_>>()?;
    let fold = fold(&found);
    let records = site.world.facts.records.get(&records_key(object, fields))?;
    let Some(records) = records else {
        let message =
            format!("the org has more records of `{}` than a `lookup` can hold in memory", schema.name);
        let help = "load them with a key of their own and use `ref`, or write their Ids into the source";
        problems.push(Diagnostic::error(Code::BadReference, message).at(place).help(help));
        return None;
    };
    let mut table = BTreeMap::new();
    for record in records {
        let parts: Vec<&str> = record.values.iter().map(|value| value.trim()).collect();
        table
            .entry(fold.apply(&parts.join(&AND.to_string())).into_owned())
            .and_modify(|entry| *entry = TableEntry::Ambiguous)
            .or_insert_with(|| TableEntry::Id(record.id.clone()));
    }
    Some((table, fold))
}

/// How the values of these fields are compared.
fn fold(fields: &[&FieldSchema]) -> Fold {
    let exact = fields.iter().any(|f| f.case_sensitive);
    let is_id = |f: &FieldSchema| matches!(f.field_type, FieldType::Id | FieldType::Reference);
    let ids = fields.iter().enumerate().filter(|(_, f)| is_id(f));
    match (ids.fold(0, |ids, (at, _)| ids | 1_u64 << (at % 64)), exact) {
        (0, true) => Fold::Exact,
        (0, false) => Fold::Lower,
        (ids, exact) => Fold::Ids { ids, exact },
    }
}

/// A field whose values can be compared as text.
fn field<'s>(
    schema: &'s ObjectSchema,
    name: &str,
    place: &Place,
    problems: &mut Problems,
) -> Option<&'s FieldSchema> {
    let Some(found) = schema.field(name) else {
        let near = near_name(name, schema.fields.iter().map(|f| f.name.as_str()));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{}` has no field `{name}` to match by", schema.name);
        problems.push(Diagnostic::error(Code::UnknownField, message).at(place).help_maybe(help));
        return None;
    };
    let kind = found.field_type;
    use FieldType::{
        Address, AnyType, Base64, ComplexValue, Currency, DateTime, Double, Location, Percent, TextArea,
    };
    let refused =
        [Address, AnyType, Base64, ComplexValue, Currency, DateTime, Double, Location, Percent, TextArea];
    if !refused.contains(&kind) {
        return Some(found);
    }
    let message =
        format!("`{}.{}` is of type {}, by which nothing is matched", schema.name, found.name, kind.name());
    problems.push(
        Diagnostic::error(Code::FieldType, message).at(place).help("match by text, picklist, Id or checkbox"),
    );
    None
}
