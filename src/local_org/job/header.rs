//! The header row of an upload: which field each column fills, or the text with which the whole job fails
//! (reference A10 and B).

use super::info::Job;
use crate::local_org::schema::flags::Flag;
use crate::local_org::schema::{Field, Object, Schema};
use crate::model::FieldType;

/// What a column fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Column {
    /// The record's own id.
    Id,
    /// A field, by position.
    Field(usize),
    /// A reference field, with the parent's object and key field, all by position.
    Parent {
        /// The reference field.
        field: usize,
        /// The parent's object.
        object: usize,
        /// The field that the parent is found by.
        key: usize,
    },
}

impl Column {
    /// The field it fills; none for the id.
    pub(crate) fn field(&self) -> Option<usize> {
        match self {
            Self::Id => None,
            Self::Field(field) | Self::Parent { field, .. } => Some(*field),
        }
    }
}

/// The columns of a job, in order.
///
/// # Errors
/// The job's error message.
pub(crate) fn columns(
    schema: &Schema,
    object: &Object,
    job: &Job,
    names: &[&str],
) -> Result<Vec<Column>, String> {
    let mut columns: Vec<Column> = Vec::new();
    for name in names {
        let column = column(schema, object, name).map_err(|why| format!("InvalidBatch : {why}"))?;
        if columns.iter().any(|c| c.field() == column.field()) {
            // Unconfirmed(field-twice): what two columns of one field do; choice: the job fails.
            return Err(format!("InvalidBatch : Duplicate field name : {name}"));
        }
        columns.push(column);
    }
    if job.operation.to_lowercase().ends_with("delete") && columns != [Column::Id] {
        return Err("InvalidBatch : The 'delete' batch must contain only ids".into());
    }
    Ok(columns)
}

fn column(schema: &Schema, object: &Object, name: &str) -> Result<Column, String> {
    let unknown = || format!("Field name not found : {name}");
    let Some((path, key)) = name.split_once('.') else {
        let field = object.position(name).filter(|i| is_loadable(&object.fields[*i])).ok_or_else(unknown)?;
        let id = object.fields[field].kind == FieldType::Id;
        return Ok(if id { Column::Id } else { Column::Field(field) });
    };
    let (kind, relationship) = path.split_once(':').map_or((None, path), |(k, r)| (Some(k), r));
    let field = object
        .relationship(relationship)
        .ok_or_else(|| format!("Unable to find relationship: {relationship}"))?;
    let parent = parent(schema, &object.fields[field], kind, relationship)?;
    let keys = |i: &usize| schema.objects[parent].fields[*i].is_key();
    let key = schema.objects[parent].position(key).filter(keys).ok_or_else(unknown)?;
    Ok(Column::Parent { field, object: parent, key })
}

fn is_loadable(field: &Field) -> bool {
    !matches!(field.kind, FieldType::Address | FieldType::Location)
}

/// The parent's object: a type must be named where there are several, and must not where there is one.
fn parent(schema: &Schema, field: &Field, kind: Option<&str>, relationship: &str) -> Result<usize, String> {
    let polymorphic = field.to.len() > 1;
    let name = match kind {
        None if polymorphic => {
            // Unconfirmed(missing-type): the text; choice: the counterpart of the known one below.
            return Err(format!("type is needed for polymorphic foreign key references: {relationship}"));
        }
        Some(_) if !polymorphic => {
            let why = "type is not needed for non polymorphic foreign key references";
            return Err(format!("{why}: {relationship}"));
        }
        Some(kind) => field.to.iter().find(|t| t.eq_ignore_ascii_case(kind)),
        None => field.to.first(),
    };
    let position = name.and_then(|n| schema.position(n));
    position.ok_or_else(|| format!("Unable to find object: {}", kind.unwrap_or(relationship)))
}

/// Whether a job of this operation may name this field as its key.
pub(crate) fn can_be_key(field: &Field) -> bool {
    field.kind == FieldType::Id || field.has(Flag::ExternalId) || field.has(Flag::IdLookup)
}
