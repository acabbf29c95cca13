//! `--select`: which loads take part. `Account`, `+Task` with its parents, `Account+` with its children.

use crate::diagnostic::{Code, Diagnostic, near_name};
use crate::engine::{EngineError, Exit};
use crate::manifest::{Migration, Verb};
use std::collections::BTreeSet;

/// Which loads take part, one for each; all where nothing is selected.
///
/// # Errors
/// 64 for a name that no load has.
pub(super) fn selected(migration: &Migration, expressions: &[String]) -> Result<Vec<bool>, EngineError> {
    if expressions.is_empty() {
        return Ok(vec![true; migration.loads.len()]);
    }
    let mut chosen = BTreeSet::new();
    let mut problems = Vec::new();
    for expression in expressions.iter().flat_map(|e| e.split([',', ' '])).filter(|e| !e.is_empty()) {
        let name = expression.trim_matches('+');
        let named: Vec<usize> = (0..migration.loads.len())
            .filter(|l| migration.loads[*l].name == name || migration.loads[*l].object == name)
            .collect();
        if named.is_empty() {
            problems.push(unknown(migration, name));
        }
        for load in named {
            chosen.insert(load);
            if expression.starts_with('+') {
                chosen.extend(reach(load, &|l| parents(migration, l)));
            }
            if expression.ends_with('+') {
                chosen.extend(reach(load, &|l| children(migration, l)));
            }
        }
    }
    if problems.is_empty() {
        return Ok((0..migration.loads.len()).map(|l| chosen.contains(&l)).collect());
    }
    Err(EngineError::Problems(Exit::Usage, problems))
}

fn unknown(migration: &Migration, name: &str) -> Diagnostic {
    let near = near_name(name, migration.loads.iter().map(|l| l.name.as_str()));
    let message = format!("`--select`: no load is called `{name}`");
    Diagnostic::error(Code::UnknownName, message).help_maybe(near.map(|n| format!("did you mean `{n}`?")))
}

fn reach(from: usize, next: &dyn Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut open = next(from);
    while let Some(load) = open.pop() {
        if seen.insert(load) {
            open.extend(next(load));
        }
    }
    seen
}

fn parents(migration: &Migration, load: usize) -> Vec<usize> {
    let objects: BTreeSet<&str> = migration.loads[load]
        .fields
        .iter()
        .flat_map(|f| f.verb.each())
        .filter_map(|verb| match verb {
            Verb::Ref { targets, .. } => Some(targets.iter().map(|t| t.object.as_str())),
            _ => None,
        })
        .flatten()
        .collect();
    let by_reference =
        (0..migration.loads.len()).filter(|l| objects.contains(migration.loads[*l].object.as_str()));
    by_reference.chain(migration.loads[load].after.iter().copied()).collect()
}

fn children(migration: &Migration, load: usize) -> Vec<usize> {
    (0..migration.loads.len()).filter(|l| parents(migration, *l).contains(&load)).collect()
}
