//! What must hold between loads: names, keys, `after`, references.
//!
//! Must not know YAML; works on loads as read, also those with faults of their own.

use super::load::Draft;
use super::migration::{Load, RefTo, Verb};
use super::values::{listed, near};
use crate::diagnostic::{Code, Diagnostic, Place};

/// Checks the loads against each other and resolves `after`. `whole` says that no file of loads is missing; only
/// then, and when each load has its object, can a name that is not found be called unknown.
pub(super) fn check_loads(mut drafts: Vec<Draft>, whole: bool, problems: &mut Vec<Diagnostic>) -> Vec<Load> {
    by_key(&mut drafts);
    let whole = whole && drafts.iter().all(|draft| !draft.load.object.is_empty());
    for (index, draft) in drafts.iter().enumerate() {
        problems.extend(name_problem(index, &drafts));
        problems.extend(object_problem(draft, &drafts[..index]));
        let targets = targets(&draft.load).filter(|_| whole);
        problems.extend(targets.filter_map(|target| target_problem(target, &drafts)));
        problems.extend(lookups(&draft.load).filter_map(|lookup| lookup_problem(lookup, &drafts)));
    }
    let resolved: Vec<Vec<usize>> =
        (0..drafts.len()).map(|index| resolve_after(index, &drafts, whole, problems)).collect();
    drafts.into_iter().zip(resolved).map(|(draft, after)| Load { after, ..draft.load }).collect()
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn name_at(draft: &Draft) -> &Place {
    draft.name_place.as_ref().unwrap_or(&draft.object_place)
}

/// A load without a name of its own whose object is loaded twice, or a name that is taken.
fn name_problem(index: usize, drafts: &[Draft]) -> Option<Diagnostic> {
    let draft = &drafts[index];
    let (name, object) = (&draft.load.name, &draft.load.object);
    let others = || drafts.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, other)| other);
    if let Some(other) =
        others().find(|o| draft.name_place.is_none() && !object.is_empty() && o.load.object == *object)
    {
        let message = format!("`{object}` is loaded twice; each of its loads needs a `name`");
        let problem = Diagnostic::error(Code::MissingKey, message).at(&draft.object_place);
        return Some(problem.label(&other.object_place, "loaded here too"));
    }
    let earlier = drafts[..index].iter().find(|other| !name.is_empty() && same(&other.load.name, name))?;
    let message = match earlier.load.name == *name {
        true => format!("two loads are named `{name}`"),
        false => format!("`{}` and `{name}` differ in case only", earlier.load.name),
    };
    let problem = Diagnostic::error(Code::Conflict, message).label(name_at(draft), "again here");
    Some(problem.label(name_at(earlier), "first here").help("give one of them another `name`"))
}

/// Loads of one object write it the same and share its key.
fn object_problem(draft: &Draft, earlier: &[Draft]) -> Option<Diagnostic> {
    let load = &draft.load;
    let first =
        earlier.iter().find(|other| !load.object.is_empty() && same(&other.load.object, &load.object))?;
    if first.load.object != load.object {
        let message = format!("`{}` and `{}` are the same object", first.load.object, load.object);
        let problem = Diagnostic::error(Code::Conflict, message).label(&draft.object_place, "here");
        return Some(problem.label(&first.object_place, "and here").help("write it the same way everywhere"));
    }
    if first.load.key == load.key || first.load.key.is_empty() || load.key.is_empty() {
        return None;
    }
    let message = format!("the loads of `{}` have different keys", load.object);
    let problem =
        Diagnostic::error(Code::Conflict, message).label(&load.key_place, format!("`{}` here", load.key));
    let problem = problem.label(&first.load.key_place, format!("`{}` here", first.load.key));
    Some(problem.help("all loads of an object share its key"))
}

fn targets(load: &Load) -> impl Iterator<Item = &RefTo> {
    load.fields.iter().flat_map(|field| field.verb.each()).flat_map(|verb| match verb {
        Verb::Ref { targets, .. } => targets.as_slice(),
        _ => &[],
    })
}

/// The objects looked up by a load, with their places.
fn lookups(load: &Load) -> impl Iterator<Item = (&str, &Place)> {
    load.fields.iter().flat_map(|field| field.verb.each()).filter_map(|verb| match verb {
        Verb::Lookup { object, place, .. } => Some((object.as_str(), place)),
        _ => None,
    })
}

/// A `lookup` of what this manifest creates, by nothing but its key, is a reference to it: it adds an edge, and sees
/// what has landed and what the org has.
fn by_key(drafts: &mut [Draft]) {
    let creates = drafts.iter().filter(|draft| !draft.load.operation.needs_record());
    let created: Vec<(String, String)> =
        creates.map(|draft| (draft.load.object.clone(), draft.load.key.clone())).collect();
    for field in drafts.iter_mut().flat_map(|draft| &mut draft.load.fields) {
        match &mut field.verb {
            Verb::FirstOf { of, .. } => of.iter_mut().for_each(|verb| refer(verb, &created)),
            one => refer(one, &created),
        }
    }
}

fn refer(verb: &mut Verb, created: &[(String, String)]) {
    let Verb::Lookup { object, place, fields, from } = verb else { return };
    let ([field], Some((name, key))) = (&fields[..], created.iter().find(|(name, _)| same(name, object)))
    else {
        return;
    };
    if same(field, key) {
        let target = RefTo { tag: None, object: name.clone(), place: place.clone() };
        *verb = Verb::Ref { targets: vec![target], type_expr: None, from: from.clone() };
    }
}

/// What a load of this manifest creates is not there when the plan is made: only its key is known then.
fn lookup_problem((object, place): (&str, &Place), drafts: &[Draft]) -> Option<Diagnostic> {
    let creates = |draft: &&Draft| same(&draft.load.object, object) && !draft.load.operation.needs_record();
    let load = &drafts.iter().find(creates)?.load;
    let message =
        format!("a `lookup` of what `{}` creates, by anything but its key, is not built yet", load.name);
    Some(Diagnostic::error(Code::NotBuilt, message).at(place).help(format!(
        "match by the key alone, `match: {{ {}: … }}`, which is the same as `ref: {}`",
        load.key, load.object
    )))
}

/// A reference points at an object that is loaded here.
fn target_problem(target: &RefTo, drafts: &[Draft]) -> Option<Diagnostic> {
    let objects =
        || drafts.iter().map(|draft| draft.load.object.as_str()).filter(|object| !object.is_empty());
    if objects().any(|object| object == target.object) {
        return None;
    }
    let by_name =
        drafts.iter().find(|draft| draft.load.name == target.object).map(|draft| &draft.load.object);
    let help = match by_name {
        Some(object) => format!("`{}` is the name of a load; its object is `{object}`", target.object),
        None => near(&target.object, objects())
            .unwrap_or_else(|| "a reference goes to an object that has a load in this manifest".into()),
    };
    let message = format!("no load fills `{}`", target.object);
    Some(Diagnostic::error(Code::UnknownName, message).at(&target.place).help(help))
}

fn resolve_after(index: usize, drafts: &[Draft], whole: bool, problems: &mut Vec<Diagnostic>) -> Vec<usize> {
    let mut found = Vec::new();
    for (name, place) in &drafts[index].after {
        match drafts.iter().position(|draft| draft.load.name == *name) {
            Some(other) if other == index => {
                let problem = Diagnostic::error(Code::Conflict, "a load cannot come after itself");
                problems.push(problem.at(place));
            }
            Some(other) => found.push(other),
            None if whole => problems.push(unknown_load(name, drafts).at(place)),
            None => {}
        }
    }
    // What is looked up is looked up as its updates leave it.
    for (object, _) in lookups(&drafts[index].load) {
        let updates = |other: &usize| *other != index && same(&drafts[*other].load.object, object);
        found.extend((0..drafts.len()).filter(updates).filter(|o| !drafts[*o].load.operation.deletes()));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn unknown_load(name: &str, drafts: &[Draft]) -> Diagnostic {
    let names = || drafts.iter().map(|draft| draft.load.name.as_str()).filter(|name| !name.is_empty());
    let of_object: Vec<&str> =
        drafts.iter().filter(|d| d.load.object == name).map(|d| d.load.name.as_str()).collect();
    let help = match of_object[..] {
        [] => near(name, names()).unwrap_or_else(|| format!("there are {}", listed(names()))),
        [..] => format!("`{name}` is an object; its loads are {}", listed(of_object)),
    };
    Diagnostic::error(Code::UnknownName, format!("there is no load `{name}`")).help(help)
}
