//! From what binding came to, to what the row path needs.

use crate::bind::{Assignment, Bound, BoundLoad, Column};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{EngineError, Exit};
use crate::manifest::{Load, Migration};
use crate::stage::{Chain, Header, ReferenceShape, RuleShape, Seat, Shape};
use crate::transform::{Blank, FieldRule, RowProgram};

/// Levels of a hierarchy that are loaded one after the other, where a load does not say how many (spec, Order).
const LEVELS: u32 = 50;
/// References that one load may have: a bit each.
const MOST_REFERENCES: usize = 63;

/// The shape of every load, in manifest order.
///
/// # Errors
/// A load with more references than there are bits.
pub(super) fn shapes(migration: &Migration, bound: &Bound) -> Result<Vec<Shape>, EngineError> {
    let objects: Vec<String> = bound.objects.iter().map(|object| object.name.clone()).collect();
    migration.loads.iter().zip(&bound.loads).map(|(load, bound)| shape(load, bound, &objects)).collect()
}

fn shape(load: &Load, bound: &BoundLoad, objects: &[String]) -> Result<Shape, EngineError> {
    let mut references: Vec<ReferenceShape> =
        (0..bound.references.len()).map(|index| reference(bound, index)).collect();
    let chains = chains(bound, &mut references);
    if references.len() > MOST_REFERENCES {
        let message = format!("{} has more than {MOST_REFERENCES} references", load.name);
        let problem = Diagnostic::error(Code::WrongValue, message).at(&load.place);
        return Err(EngineError::problem(Exit::Invalid, problem.help("split the load in two")));
    }
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
        chains,
        duplicates: load.duplicates,
        operation: bound.operation,
        objects: objects.to_vec(),
        assigns: matches!(bound.assignment, Assignment::Rule(_)),
        levels: load.levels.unwrap_or(LEVELS),
    })
}

fn reference(bound: &BoundLoad, index: usize) -> ReferenceShape {
    let reference = &bound.references[index];
    let rule: &FieldRule = &bound.rules[reference.rule];
    let targets = rule.matcher.references();
    let targets = targets.get(reference.seat.unwrap_or(0)).map_or(&[][..], |(targets, _)| targets);
    let targets = targets.iter().map(|t| (t.object, t.form)).collect();
    ReferenceShape {
        rule: reference.rule,
        field: reference.field.clone(),
        on_missing: reference.on_missing,
        // In a chain it is a link of its own.
        fallback: rule.fallback.clone().filter(|_| reference.seat.is_none()),
        by_id: relationship(bound, reference.rule).is_none(),
        deferrable: reference.deferrable(),
        clears: rule.blank == Blank::Clear,
        targets,
        seat: reference.seat.map_or(Seat::Alone, Seat::Link),
    }
}

/// The chains of a load. What they may come to beside their references, their fallbacks and their ends, is put behind
/// all references, so that a chain's lower bits come first.
fn chains(bound: &BoundLoad, references: &mut Vec<ReferenceShape>) -> Vec<Chain> {
    let mut chains = Vec::new();
    for rule in (0..bound.rules.len()).filter(|rule| bound.rules[*rule].matcher.chains()) {
        let own: Vec<usize> = (0..bound.references.len()).filter(|r| references[*r].rule == rule).collect();
        let mut all: Vec<usize> = own.clone();
        let mut fallbacks = Vec::new();
        if bound.rules[rule].fallback.as_deref().is_some_and(|fallback| !fallback.is_empty()) {
            for (nth, link) in own.iter().enumerate() {
                let seat = Seat::Link(own.len() + nth);
                fallbacks.push(references.len());
                references.push(ReferenceShape { seat, ..references[*link].clone() });
            }
        }
        all.extend(&fallbacks);
        let mut instead = fallbacks.clone();
        let ends: &[bool] = if fallbacks.is_empty() { &[false] } else { &[false, true] };
        for fallback in ends.iter().copied() {
            all.push(references.len());
            instead.extend(fallback.then_some(references.len()));
            references.extend(own.first().map(|first| ReferenceShape {
                seat: Seat::Last { fallback },
                targets: Vec::new(),
                ..references[*first].clone()
            }));
        }
        let bits =
            |all: &[usize]| all.iter().fold(0, |bits, r| bits | 1_u64.checked_shl(*r as u32).unwrap_or(0));
        let on_missing = bound.rules[rule].on_missing;
        let instead = bits(&instead);
        chains.push(Chain { rule, all: bits(&all), fallbacks: bits(&fallbacks), instead, on_missing });
    }
    chains
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
