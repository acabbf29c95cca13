//! Groups of records: GROUP BY and the functions over many rows.

use super::compile::{Column, Kind, Only};
use super::error::SoqlError;
use super::joins::Joins;
use super::select::Selected;
use super::tree::{Call, Function, Item, Path, Query};
use crate::local_org::schema::Field;
use crate::local_org::schema::flags::{Flag, Flags};
use crate::model::FieldType;

/// A field that records are grouped by.
pub(super) struct Grouped {
    pub(super) names: Vec<String>,
    pub(super) sql: String,
}

/// Whether a query answers groups.
pub(super) fn is_grouped(query: &Query) -> bool {
    !query.group.is_empty() || query.items.iter().any(|item| matches!(item, Item::Call { .. }))
}

/// What GROUP BY names.
pub(super) fn by(query: &Query, joins: &mut Joins<'_>) -> Result<Vec<Grouped>, SoqlError> {
    let mut groups = Vec::new();
    for path in &query.group {
        let field = joins.resolve(path)?;
        if !field.field.has(Flag::Groupable) {
            let message = format!("field '{}' can not be grouped in a query call", field.field.name);
            return Err(joins.malformed(path, &message));
        }
        groups.push(Grouped { names: field.names, sql: field.sql });
    }
    Ok(groups)
}

/// The items of a grouped query.
pub(super) fn select(
    query: &Query,
    joins: &mut Joins<'_>,
    selected: Selected,
) -> Result<Selected, SoqlError> {
    let groups = by(query, joins)?;
    let mut selected = Selected { kind: Kind::Aggregate, ..selected };
    let mut unnamed = 0;
    for item in &query.items {
        let (column, sql) = match item {
            Item::Field { path, alias } => field(path, alias.as_deref(), joins, &groups)?,
            Item::Call { call: of, alias } => {
                let (sql, kind) = call(of, joins)?;
                let name = alias.clone().unwrap_or_else(|| format!("expr{unnamed}"));
                unnamed += usize::from(alias.is_none());
                let text = format!("{}({})", of.function.word(), of.path.text());
                let (flags, call) = (Flags::default(), Some(text));
                (Column { names: vec![name], kind, only: Only::All, flags, call }, sql)
            }
            _ => {
                let message =
                    "only fields and aggregate functions can be selected with GROUP BY in the local org";
                return Err(SoqlError::new("MALFORMED_QUERY", message));
            }
        };
        if selected.columns.iter().any(|c| c.names == column.names) {
            let message = format!("duplicate alias: {}", column.names.join("."));
            return Err(SoqlError::new("MALFORMED_QUERY", message));
        }
        selected.columns.push(column);
        selected.sql.push(sql);
    }
    Ok(selected)
}

fn field(
    path: &Path,
    alias: Option<&str>,
    joins: &mut Joins<'_>,
    groups: &[Grouped],
) -> Result<(Column, String), SoqlError> {
    let field = joins.resolve(path)?;
    if !groups.iter().any(|g| g.names == field.names) {
        let message = format!("Field must be grouped or aggregated: {}", path.text());
        return Err(joins.malformed(path, &message));
    }
    let name = alias.map_or_else(|| field.field.name.clone(), str::to_owned);
    let (kind, flags) = (field.field.kind, field.field.flags);
    Ok((Column { names: vec![name], kind, only: Only::All, flags, call: None }, field.sql))
}

/// The SQL of a function over many rows, and the type of what it answers.
pub(super) fn call(call: &Call, joins: &mut Joins<'_>) -> Result<(String, FieldType), SoqlError> {
    let field = joins.resolve(&call.path)?;
    let kind = result(call.function, field.field).ok_or_else(|| {
        let message = format!(
            "field {} does not support aggregate operator {}",
            field.field.name,
            call.function.word()
        );
        joins.malformed(&call.path, &message)
    })?;
    let sql = field.sql;
    let sql = match call.function {
        Function::Count => format!("count({sql})"),
        Function::CountDistinct => format!("count(DISTINCT {sql})"),
        // Of whole numbers SQLite makes a whole number, which may grow beyond what it holds.
        Function::Sum if kind != FieldType::Int => format!("sum(CAST({sql} AS REAL))"),
        Function::Sum => format!("sum({sql})"),
        Function::Avg => format!("avg({sql})"),
        Function::Min => format!("min({sql})"),
        Function::Max => format!("max({sql})"),
    };
    Ok((sql, kind))
}

/// What a function answers of a field; nothing where it cannot be called with it.
fn result(function: Function, field: &Field) -> Option<FieldType> {
    use FieldType::{Boolean, Currency, Double, Int, Long, Percent};
    let number = matches!(field.kind, Int | Long | Double | Currency | Percent);
    match function {
        _ if !field.has(Flag::Aggregatable) => None,
        Function::Count | Function::CountDistinct => Some(Int),
        Function::Sum => Some(field.kind).filter(|_| number),
        Function::Avg => Some(Double).filter(|_| number),
        Function::Min | Function::Max => Some(field.kind).filter(|kind| *kind != Boolean),
    }
}
