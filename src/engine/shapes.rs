//! From what binding came to, to what the row path needs.

use super::exit::{EngineError, Exit};
use crate::bind::{Bound, BoundLoad, Column};
use crate::diagnostic::{Code, Diagnostic};
use crate::manifest::{Load, Migration};
use crate::stage::{Header, ReferenceShape, RuleShape, Shape};
use crate::transform::{Blank, FieldRule, RowProgram};

/// References that one load may have: a bit each.
const MOST_REFERENCES: usize = 63;

/// The shape of every load, in manifest order.
///
/// # Errors
/// A load with more references than there are bits.
pub(super) fn shapes(migration: &Migration, bound: &Bound) -> Result<Vec<Shape>, EngineError> {
    migration.loads.iter().zip(&bound.loads).map(|(load, bound)| shape(load, bound)).collect()
}

fn shape(load: &Load, bound: &BoundLoad) -> Result<Shape, EngineError> {
    if bound.references.len() > MOST_REFERENCES {
        let message = format!("{} has more than {MOST_REFERENCES} references", load.name);
        let problem = Diagnostic::error(Code::WrongValue, message).at(&load.place);
        return Err(EngineError::problem(Exit::Invalid, problem.help("split the load in two")));
    }
    let references: Vec<ReferenceShape> =
        (0..bound.references.len()).map(|index| reference(bound, index)).collect();
    let rules = (0..bound.rules.len()).map(|index| rule(bound, index, &references)).collect();
    Ok(Shape {
        load: bound.load as u16,
        name: load.name.clone(),
        object: bound.object_index,
        key_field: bound.key.clone(),
        key_rule: bound.key_rule,
        key_form: bound.key_form,
        paths: load.files.clone(),
        format: load.format.clone(),
        columns: load.columns.clone(),
        program: RowProgram::new(&load.columns, load.condition.clone(), bound.rules.clone()),
        rules,
        references,
        duplicates: load.duplicates,
        operation: bound.operation,
    })
}

fn reference(bound: &BoundLoad, index: usize) -> ReferenceShape {
    let reference = &bound.references[index];
    let rule: &FieldRule = &bound.rules[reference.rule];
    let targets = rule.matcher.reference().map_or(&[][..], |(targets, _)| targets);
    let targets = targets.iter().map(|t| (t.object, t.form)).collect();
    ReferenceShape {
        rule: reference.rule,
        field: reference.field.clone(),
        on_missing: reference.on_missing,
        fallback: rule.fallback.clone(),
        by_id: relationship(bound, reference.rule).is_none(),
        deferrable: reference.deferrable(),
        clears: rule.blank == Blank::Clear,
        targets,
    }
}

/// The one header by which a reference can be sent as its parent's key: it has one target, and is not polymorphic.
fn relationship(bound: &BoundLoad, rule: usize) -> Option<&str> {
    match &bound.columns[rule] {
        Column::Reference { headers, polymorphic: false, .. } if headers.len() == 1 => headers[0].as_deref(),
        _ => None,
    }
}

fn rule(bound: &BoundLoad, index: usize, references: &[ReferenceShape]) -> RuleShape {
    let rule = &bound.rules[index];
    let is_reference = references.iter().any(|r| r.rule == index && !r.by_id);
    let header = match relationship(bound, index).filter(|_| is_reference) {
        Some(header) => Header::Relationship(header.to_owned()),
        None => Header::Field(rule.field.clone()),
    };
    let create_only = bound.create_only.contains(&index);
    RuleShape { field: rule.field.clone(), only: rule.only, create_only, header }
}
