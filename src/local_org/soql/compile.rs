//! A query's tree against the schema, as the parts of an SQL statement.

use super::SoqlError;
use super::filter::Filter;
use super::joins::Joins;
use super::tree::{Item, Path, Query};
use crate::local_org::schema::{Object, Schema};
use crate::local_org::store::{live, quote};
use crate::model::FieldType;
use rusqlite::types::Value;

/// A query ready to be read.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    /// The object, by position.
    pub(crate) object: usize,
    pub(crate) columns: Vec<Column>,
    /// Relationship paths on the way to columns; their references stand behind the columns.
    pub(crate) parents: Vec<Vec<String>>,
    pub(crate) kind: Kind,
    /// SQL of columns and references.
    pub(super) select: Vec<String>,
    /// FROM, joins and WHERE.
    pub(super) from: String,
    pub(super) values: Vec<Value>,
    pub(super) order: String,
    /// Whether an index finds the few rows that can match.
    pub(super) selective: bool,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
}

/// What a query answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Records.
    Records,
    /// `COUNT()`: a number and no records.
    Count,
    /// One record of aggregates.
    Aggregate,
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Relationship names, then the field's.
    pub(crate) names: Vec<String>,
    pub(crate) kind: FieldType,
}

/// Resolves the names of a query.
///
/// # Errors
/// INVALID_TYPE, INVALID_FIELD, or a value of the wrong type.
pub(crate) fn compile(schema: &Schema, text: &str, query: &Query) -> Result<Compiled, SoqlError> {
    let position = (query.object.names.len() == 1).then(|| schema.position(&query.object.names[0])).flatten();
    let object = position
        .filter(|i| schema.objects[*i].is("queryable"))
        .ok_or_else(|| no_object(text, &query.object))?;
    let mut joins = Joins::new(schema, text, object);
    let strip = |path: &Path| strip_alias(path, query, &schema.objects[object]);
    let (kind, columns, mut select) = select(query, &mut joins, &strip)?;
    let parents = parents(&columns);
    select.extend(parents.iter().map(|p| joins.reference(p).unwrap_or_else(|| "NULL".into())));
    let condition = query.condition.as_ref().map(|c| c.map_paths(&strip));
    let mut filter = Filter { joins: &mut joins, query: text, values: Vec::new(), selective: false };
    let condition = condition.map(|c| filter.sql(&c, true)).transpose()?;
    let (values, selective) = (filter.values, filter.selective);
    let order = order(query, &mut joins, &strip)?;
    let table = quote(&schema.objects[object].name);
    // Ordinary queries see live records only.
    let condition = condition.map(|c| format!(" AND {c}")).unwrap_or_default();
    let from = format!("FROM {table} t0{} WHERE {}{condition}", joins.sql, live("t0"));
    Ok(Compiled {
        object,
        columns,
        parents,
        kind,
        select,
        from,
        values,
        order,
        selective,
        limit: query.limit,
        offset: query.offset.unwrap_or(0),
    })
}

type Selected = (Kind, Vec<Column>, Vec<String>);

fn select(
    query: &Query,
    joins: &mut Joins<'_>,
    strip: &dyn Fn(&Path) -> Path,
) -> Result<Selected, SoqlError> {
    let (mut columns, mut sql) = (Vec::new(), Vec::new());
    if query.items.is_empty() {
        return Ok((Kind::Count, columns, sql));
    }
    let mut aggregates = 0;
    for item in &query.items {
        match item {
            Item::Field(path) => {
                let field = joins.resolve(&strip(path))?;
                if columns.iter().any(|c: &Column| c.names == field.names) {
                    let message = format!("duplicate field selected: {}", field.names.join("."));
                    return Err(SoqlError::new("INVALID_FIELD", message));
                }
                columns.push(Column { names: field.names, kind: field.field.kind });
                sql.push(field.sql);
            }
            Item::Count { path, alias } => {
                let field = joins.resolve(&strip(path))?;
                let name = alias.clone().unwrap_or_else(|| format!("expr{aggregates}"));
                columns.push(Column { names: vec![name], kind: FieldType::Int });
                sql.push(format!("count({})", field.sql));
                aggregates += 1;
            }
        }
    }
    if aggregates == 0 {
        return Ok((Kind::Records, columns, sql));
    }
    if aggregates < query.items.len() {
        let message = "Field must be grouped or aggregated";
        return Err(SoqlError::new("MALFORMED_QUERY", message));
    }
    Ok((Kind::Aggregate, columns, sql))
}

/// Every relationship path on the way to a column, once.
fn parents(columns: &[Column]) -> Vec<Vec<String>> {
    let mut parents: Vec<Vec<String>> = Vec::new();
    for column in columns {
        for length in 1..column.names.len() {
            let path = column.names[..length].to_vec();
            if !parents.contains(&path) {
                parents.push(path);
            }
        }
    }
    parents
}

fn order(query: &Query, joins: &mut Joins<'_>, strip: &dyn Fn(&Path) -> Path) -> Result<String, SoqlError> {
    let mut parts = Vec::new();
    for order in &query.order {
        let field = joins.resolve(&strip(&order.path))?;
        let direction = if order.descending { "DESC" } else { "ASC" };
        // Salesforce puts blanks first unless told otherwise, whatever the direction.
        let nulls = if order.nulls_first.unwrap_or(true) { "FIRST" } else { "LAST" };
        parts.push(format!("{} {direction} NULLS {nulls}", field.sql));
    }
    Ok(parts.join(", "))
}

/// A path without the object's alias or name in front.
fn strip_alias(path: &Path, query: &Query, object: &Object) -> Path {
    let first = &path.names[0];
    let alias = query.alias.as_deref().is_some_and(|a| a.eq_ignore_ascii_case(first));
    let own = object.name.eq_ignore_ascii_case(first) && object.relationship(first).is_none();
    if path.names.len() > 1 && (alias || own) {
        return Path { names: path.names[1..].to_vec(), at: path.at };
    }
    path.clone()
}

fn no_object(text: &str, object: &Path) -> SoqlError {
    let message = format!(
        "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' \
         after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
        object.text()
    );
    SoqlError::at("INVALID_TYPE", text, object.at, &message)
}
