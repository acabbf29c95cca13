//! A query's tree against the schema, as the parts of an SQL statement.

use super::error::SoqlError;
use super::filter::Filter;
use super::joins::Joins;
use super::select::{self, Selected};
use super::tree::{By, Order, Path, Query};
use super::{group, semi};
use crate::local_org::schema::flags::{Flag, Flags};
use crate::local_org::schema::{Field, Object, Schema};
use crate::local_org::store::{column, live, quote};
use crate::model::FieldType;
use rusqlite::types::Value;

/// What a query is read against.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'s> {
    pub(crate) schema: &'s Schema,
    /// What `TODAY` follows from, in milliseconds since 1970.
    pub(crate) now: i64,
    /// Whether deleted records are seen.
    pub(crate) deleted: bool,
    /// Whether the answer is a file of lines.
    pub(crate) bulk: bool,
}

/// A query ready to be read.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    /// The object, by position.
    pub(crate) object: usize,
    pub(crate) columns: Vec<Column>,
    /// Relationships on the way to columns; their references stand behind the columns.
    pub(crate) parents: Vec<Parent>,
    /// Queries of child records, one for each record.
    pub(crate) children: Vec<Child>,
    pub(crate) kind: Kind,
    /// SQL of columns and references.
    pub(super) select: Vec<String>,
    /// FROM, joins and WHERE.
    pub(super) from: String,
    pub(super) values: Vec<Value>,
    /// What rows are grouped by; empty without.
    pub(super) group: String,
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
    /// Groups of records.
    Aggregate,
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Relationship names, then the field's.
    pub(crate) names: Vec<String>,
    pub(crate) kind: FieldType,
    /// For which parents it is shown.
    pub(crate) only: Only,
    /// What describe says of the field.
    pub(crate) flags: Flags,
    /// `COUNT(Id)`, of a function.
    pub(crate) call: Option<String>,
}

/// For which parents a column is shown: all, or what TYPEOF says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Only {
    All,
    Object(String),
    Others(Vec<String>),
}

/// A relationship on the way to columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) names: Vec<String>,
    /// Whether it leads to several objects, and TYPEOF does not tell them apart.
    pub(crate) mixed: bool,
}

/// A query of child records.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    /// The column it stands before.
    pub(crate) before: usize,
    /// The relationship's name.
    pub(crate) name: String,
    pub(crate) query: Compiled,
}

/// Resolves the names of a query.
///
/// # Errors
/// INVALID_TYPE, INVALID_FIELD, or a value of the wrong type.
pub(super) fn compile(scope: &Scope<'_>, text: &str, query: &Query) -> Result<Compiled, SoqlError> {
    let object = object(scope, text, &query.object)?;
    whole(scope, text, query, object, None)
}

/// The position of the object that FROM names.
pub(super) fn object(scope: &Scope<'_>, text: &str, path: &Path) -> Result<usize, SoqlError> {
    let schema = scope.schema;
    let position = if path.names.len() == 1 { schema.position(&path.names[0]) } else { None };
    let found =
        position.filter(|i| schema.objects[*i].is("queryable")).ok_or_else(|| no_object(text, path))?;
    if scope.bulk && schema.objects[found].name == "EntityDefinition" {
        let message = "Entity 'EntityDefinition' is not supported by the Bulk API.";
        return Err(SoqlError::new("INVALIDENTITY", message));
    }
    Ok(found)
}

/// A query over this object; as a child's, of the records whose field holds the id that is still to come.
pub(super) fn whole(
    scope: &Scope<'_>,
    text: &str,
    query: &Query,
    object: usize,
    child_by: Option<&Field>,
) -> Result<Compiled, SoqlError> {
    limits(scope, text, query)?;
    query.condition.as_ref().map_or(Ok(()), |condition| semi::check(text, condition))?;
    let mut joins = Joins::new(scope.schema, text, object, query.alias.as_deref());
    let selected = select::select(scope, text, query, &mut joins)?;
    let group = group::by(query, &mut joins)?;
    let order = order(query, &mut joins, &group, selected.kind)?;
    let mut filter = Filter::new(*scope, text, &mut joins);
    let condition = query.condition.as_ref().map(|c| filter.sql(c, true)).transpose()?;
    let (values, selective) = (filter.values, filter.selective);
    let parents = parents(&selected.columns, &joins);
    let mut sql = selected.sql;
    sql.extend(parents.iter().map(|p| joins.reference(&p.names).unwrap_or_else(|| "NULL".into())));
    let of = &scope.schema.objects[object];
    Ok(Compiled {
        object,
        columns: selected.columns,
        parents,
        children: selected.children,
        kind: selected.kind,
        select: sql,
        from: from(scope, of, joins.sql()?, condition, child_by),
        values,
        group: group.iter().map(|g| g.sql.as_str()).collect::<Vec<_>>().join(", "),
        order,
        selective: selective || child_by.is_some(),
        limit: query.limit,
        offset: query.offset.unwrap_or(0),
    })
}

/// FROM and WHERE: live records alone, unless the deleted are asked for too.
pub(super) fn from(
    scope: &Scope<'_>,
    object: &Object,
    joins: &str,
    condition: Option<String>,
    child_by: Option<&Field>,
) -> String {
    let alive = if scope.deleted { "1".into() } else { live("t0") };
    let condition = condition.map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let mut sql = format!("FROM {} t0{joins} WHERE {alive}{condition}", quote(&object.name));
    if let Some(field) = child_by {
        sql.push_str(&format!(" AND t0.{} = ?", column(field)));
    }
    sql
}

fn limits(scope: &Scope<'_>, text: &str, query: &Query) -> Result<(), SoqlError> {
    if query.offset.is_some_and(|offset| offset > 2_000) {
        return Err(SoqlError::new("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"));
    }
    match query.all_rows {
        Some(at) if !scope.deleted => {
            Err(SoqlError::at("MALFORMED_QUERY", text, at, "ALL ROWS not allowed in this context"))
        }
        _ => Ok(()),
    }
}

/// Every relationship path on the way to a column, once.
fn parents(columns: &[Column], joins: &Joins<'_>) -> Vec<Parent> {
    let mut parents: Vec<Parent> = Vec::new();
    for column in columns {
        for length in 1..column.names.len() {
            let names = column.names[..length].to_vec();
            let typed = column.only != Only::All && length + 1 == column.names.len();
            match parents.iter_mut().find(|p| p.names == names) {
                Some(known) => known.mixed &= !typed,
                None => {
                    let mixed = !typed && joins.is_mixed(&names);
                    parents.push(Parent { names, mixed });
                }
            }
        }
    }
    parents
}

fn order(
    query: &Query,
    joins: &mut Joins<'_>,
    group: &[group::Grouped],
    kind: Kind,
) -> Result<String, SoqlError> {
    let parts: Result<Vec<String>, SoqlError> =
        query.order.iter().map(|part| order_part(part, joins, group, kind)).collect();
    Ok(parts?.join(", "))
}

fn order_part(
    part: &Order,
    joins: &mut Joins<'_>,
    group: &[group::Grouped],
    kind: Kind,
) -> Result<String, SoqlError> {
    let sql = match &part.by {
        By::Call(call) if kind == Kind::Aggregate => group::call(call, joins)?.0,
        By::Call(call) => {
            let message = "Ordering by an aggregate needs a grouped query";
            return Err(joins.malformed(&call.path, message));
        }
        By::Field(path) => {
            let field = joins.resolve(path)?;
            if !field.field.has(Flag::Sortable) {
                let message = format!("field '{}' can not be sorted in a query call", field.field.name);
                return Err(joins.wrong(path, &message));
            }
            if kind != Kind::Records && !group.iter().any(|g| g.names == field.names) {
                let message = format!("Ordered field must be grouped or aggregated: {}", path.text());
                return Err(SoqlError::new("MALFORMED_QUERY", message));
            }
            field.sql
        }
    };
    let direction = if part.descending { "DESC" } else { "ASC" };
    // Salesforce puts blanks first unless told otherwise, whatever the direction.
    let nulls = if part.nulls_first.unwrap_or(true) { "FIRST" } else { "LAST" };
    Ok(format!("{sql} {direction} NULLS {nulls}"))
}

fn no_object(text: &str, object: &Path) -> SoqlError {
    let message = format!(
        "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' \
         after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
        object.text()
    );
    SoqlError::at("INVALID_TYPE", text, object.at, &message)
}

/// What SQLite can answer in one row, with room for the row's own columns.
const WIDEST: usize = 1_900;

impl Selected {
    /// Refuses more columns than the database can answer.
    pub(super) fn check(self) -> Result<Self, SoqlError> {
        if self.columns.len() > WIDEST {
            return Err(SoqlError::new("MALFORMED_QUERY", "too many fields selected"));
        }
        Ok(self)
    }
}
