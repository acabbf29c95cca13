//! `IN (SELECT …)`: ids of one object that another query answers.

use super::SoqlError;
use super::compile::{self, Scope};
use super::filter::Filter;
use super::joins::Joins;
use super::tree::{Condition, Item, Path, Query};
use crate::model::FieldType;
use rusqlite::types::Value;

/// The SQL of the inner query, and its values.
///
/// The rules are those of the SOQL reference. Unconfirmed: their texts.
pub(super) fn sql(scope: &Scope<'_>, text: &str, query: &Query) -> Result<(String, Vec<Value>), SoqlError> {
    let field = only_field(text, query)?;
    let object = compile::object(scope, text, &query.object)?;
    let mut joins = Joins::new(scope.schema, text, object, query.alias.as_deref());
    let selected = joins.resolve(field)?;
    if !is_id(selected.field.kind) {
        let message = format!("The inner select field '{}' must be an id or a reference", field.text());
        return Err(joins.malformed(field, &message));
    }
    if query.condition.as_ref().is_some_and(nests) {
        let message = "Nesting of semi join sub-selects is not supported";
        return Err(SoqlError::at("MALFORMED_QUERY", text, query.object.at, message));
    }
    let mut filter = Filter::new(*scope, text, &mut joins);
    let condition = query.condition.as_ref().map(|c| filter.sql(c, false)).transpose()?;
    let values = filter.values;
    let from = compile::from(scope, &scope.schema.objects[object], &joins.sql()?, condition, None);
    Ok((format!("SELECT {0} {from} AND {0} IS NOT NULL", selected.sql), values))
}

/// Whether a field can stand on either side.
pub(super) fn is_id(kind: FieldType) -> bool {
    matches!(kind, FieldType::Id | FieldType::Reference)
}

fn only_field<'q>(text: &str, query: &'q Query) -> Result<&'q Path, SoqlError> {
    let clauses = !query.group.is_empty() || query.limit.is_some() || query.offset.is_some();
    let bare = query.order.is_empty() && query.all_rows.is_none() && !clauses;
    match query.items.as_slice() {
        [Item::Field { path, alias: None }] if bare => Ok(path),
        _ => {
            let message = "semi join sub-selects can only select one field, without ordering, grouping or limits";
            Err(SoqlError::at("MALFORMED_QUERY", text, query.object.at, message))
        }
    }
}

fn nests(condition: &Condition) -> bool {
    match condition {
        Condition::All(terms) | Condition::Any(terms) => terms.iter().any(nests),
        Condition::Not(inner) => nests(inner),
        Condition::Inside { .. } => true,
        _ => false,
    }
}
