//! `IN (SELECT …)`: ids of one object that another query answers.

use super::compile::{self, Scope};
use super::error::SoqlError;
use super::filter::Filter;
use super::joins::Joins;
use super::tree::{Condition, Item, Path, Query};
use crate::model::FieldType;
use rusqlite::types::Value;

/// Inner queries of one condition.
const MOST: usize = 2;

/// The SQL of the inner query, and its values.
///
/// The rules are those of the SOQL reference.
///
/// Unconfirmed(semi-join-texts): what is said of an inner query with another shape, of a third one, and under OR; choice:
/// plain words.
pub(super) fn sql(scope: &Scope<'_>, text: &str, query: &Query) -> Result<(String, Vec<Value>), SoqlError> {
    let field = only_field(text, query)?;
    let object = compile::object(scope, text, &query.object)?;
    let mut joins = Joins::new(scope.schema, text, object, query.alias.as_deref());
    let selected = joins.resolve(field)?;
    if !is_id(selected.field.kind) {
        let message = format!("The inner select field '{}' must be an id or a reference", field.text());
        return Err(joins.malformed(field, &message));
    }
    if let Some(at) = query.condition.as_ref().and_then(first) {
        let message = "Nesting of semi join sub-selects is not supported";
        return Err(SoqlError::at("MALFORMED_QUERY", text, at, message));
    }
    let mut filter = Filter::new(*scope, text, &mut joins);
    let condition = query.condition.as_ref().map(|c| filter.sql(c, false)).transpose()?;
    let values = filter.values;
    let from = compile::from(scope, &scope.schema.objects[object], joins.sql()?, condition, None);
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
            let message =
                "semi join sub-selects can only select one field, without ordering, grouping or limits";
            Err(SoqlError::at("MALFORMED_QUERY", text, query.object.at, message))
        }
    }
}

/// Refuses inner queries where Salesforce takes none: in parentheses, under OR, and more than two.
pub(super) fn check(text: &str, condition: &Condition) -> Result<(), SoqlError> {
    let malformed = |at: usize, message: &str| Err(SoqlError::at("MALFORMED_QUERY", text, at, message));
    let terms = match condition {
        Condition::All(terms) => terms.as_slice(),
        Condition::Any(_) => {
            let message = "Semi join sub-selects are not allowed with the 'OR' operator";
            return first(condition).map_or(Ok(()), |at| malformed(at, message));
        }
        other => std::slice::from_ref(other),
    };
    let is_inner = |term: &&Condition| matches!(term, Condition::Inside { .. });
    if let Some(at) = terms.iter().filter(|term| !is_inner(term)).find_map(first) {
        let message = "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE \
                       expressions.";
        return malformed(at, message);
    }
    if terms.iter().filter(is_inner).count() > MOST {
        let message = format!("Maximum {MOST} semi join sub-selects are allowed");
        return Err(SoqlError::new("EXCEEDED_MAX_SEMIJOIN_SUBSELECTS", message));
    }
    Ok(())
}

/// Where the first inner query of a condition stands.
fn first(condition: &Condition) -> Option<usize> {
    match condition {
        Condition::All(terms) | Condition::Any(terms) => terms.iter().find_map(first),
        Condition::Not(inner) => first(inner),
        Condition::Inside { path, .. } => Some(path.at),
        _ => None,
    }
}
