//! One load: its object, its fields together, and what the org requires of them.

use super::bound::Assignment;
use super::bound::{Belongs, BoundLoad, LockWhy, Reference};
use super::field::{self, BoundField};
use super::key;
use super::world::{Problems, Site, World};
use crate::diagnostic::{Code, Diagnostic, near_name};
use crate::manifest::{Field, Load, Operation};
use crate::transform::Only;
use std::collections::BTreeMap;

/// Binds one load; nothing when it cannot be.
pub(super) fn bind(world: &World<'_>, index: usize, problems: &mut Problems) -> Option<BoundLoad> {
    let load = &world.migration.loads[index];
    let Some(object) = world.schema.object(&load.object) else {
        problems.push(unknown_object(world, load));
        return None;
    };
    let site = Site { world, load, object };
    writeable(&site, problems);
    key::check(&site, problems);
    let known_key = |name: &str| object.field(name).is_some() || !name.eq_ignore_ascii_case(&load.key);
    let fields = load.fields.iter().filter(|f| known_key(&f.name));
    let mut fields: Vec<_> = fields.filter_map(|f| field::bind(&site, f, problems)).collect();
    fields.sort_by(|a, b| a.rule.field.cmp(&b.rule.field));
    twice(&fields, problems);
    if !load.operation.needs_record() {
        required(&site, problems);
    }
    assemble(&site, index, fields, problems)
}

fn unknown_object(world: &World<'_>, load: &Load) -> Diagnostic {
    let near = near_name(&load.object, world.schema.objects().map(|o| o.name.as_str()));
    let help = near.map_or_else(
        || "a custom object ends in `__c`; an object that this user may not see looks like one that is not there".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Diagnostic::error(Code::UnknownObject, format!("the org has no object `{}`", load.object))
        .at(&load.place)
        .help(help)
}

fn writeable(site: &Site<'_>, problems: &mut Problems) {
    let Some(missing) = missing_right(site) else { return };
    let message = format!("this user may not {missing} records of `{}`", site.object.name);
    problems.push(
        Diagnostic::error(Code::NotWriteable, message)
            .at(&site.load.place)
            .help("give the user a permission set with that right, if the object has it at all"),
    );
}

/// What the user would need to be allowed and is not.
fn missing_right(site: &Site<'_>) -> Option<&'static str> {
    let object = site.object;
    match site.load.operation {
        Operation::Upsert => match (object.createable, object.updateable) {
            (true, true) => None,
            (false, true) => Some("create"),
            (true, false) => Some("update"),
            (false, false) => Some("create or update"),
        },
        Operation::Insert => (!object.createable).then_some("create"),
        Operation::Update => (!object.updateable).then_some("update"),
        Operation::Delete | Operation::HardDelete => (!object.deletable).then_some("delete"),
    }
}

/// The org compares names without case: two spellings may be one field.
fn twice(fields: &[BoundField<'_>], problems: &mut Problems) {
    for pair in fields.windows(2).filter(|pair| pair[0].rule.field == pair[1].rule.field) {
        let message = format!("`{}` stands here twice, in different letter case", pair[0].rule.field);
        let error = Diagnostic::error(Code::Conflict, message);
        problems.push(error.label(pair[1].place, "here").label(pair[0].place, "and here"));
    }
}

/// Fields that no new record can do without. Another load of the object may give them, to records that this one
/// then only updates: worth a warning.
fn required(site: &Site<'_>, problems: &mut Problems) {
    let missing: Vec<_> =
        site.object.fields.iter().filter(|f| f.required_on_create() && !sends(site.load, &f.name)).collect();
    let same_object = |load: &&Load| load.object.eq_ignore_ascii_case(&site.load.object);
    let elsewhere =
        |name: &str| site.world.migration.loads.iter().filter(same_object).any(|l| sends(l, name));
    let (warn, refuse): (Vec<_>, Vec<_>) = missing.into_iter().partition(|f| elsewhere(&f.name));
    for (fields, severe) in [(refuse, true), (warn, false)] {
        if fields.is_empty() {
            continue;
        }
        let names: Vec<_> = fields.iter().map(|f| format!("`{}`", f.name)).collect();
        let names = names.join(", ");
        let message = format!("no `{}` can be created without {names}", site.object.name);
        problems.push(match severe {
            true => Diagnostic::error(Code::RequiredField, message)
                .at(&site.load.place)
                .help(format!("map {names}")),
            false => Diagnostic::warning(Code::RequiredField, message)
                .at(&site.load.place)
                .help("another load of the object gives it: here, rows without a record will fail"),
        });
    }
}

/// Whether a load gives a new record this field.
fn sends(load: &Load, name: &str) -> bool {
    load.fields.iter().any(|f| f.name.eq_ignore_ascii_case(name) && f.only != Only::Update)
}

fn assemble(
    site: &Site<'_>,
    index: usize,
    fields: Vec<BoundField<'_>>,
    problems: &mut Problems,
) -> Option<BoundLoad> {
    let object_index = site.world.objects.iter().position(|o| o.loads.contains(&index))?;
    let object = &site.world.objects[object_index];
    let create_only =
        positions(&fields, |f| f.schema.createable && !f.schema.updateable && f.rule.only == Only::Always);
    let (mut rules, mut columns, mut references) = (Vec::new(), Vec::new(), Vec::new());
    for (rule, field) in fields.into_iter().enumerate() {
        references.extend(field.references.into_iter().map(|reference| Reference { rule, ..reference }));
        rules.push(field.rule);
        columns.push(field.column);
    }
    let lock = lock(site.load, &references, problems);
    let assignment = assignment(site, problems);
    let key_rule = rules.iter().position(|r| r.field == object.key)?;
    Some(BoundLoad {
        load: index,
        object_index,
        object: object.name.clone(),
        key: object.key.clone(),
        key_form: object.key_form,
        key_rule,
        rules,
        columns,
        references,
        create_only,
        lock,
        operation: site.load.operation,
        assignment,
        points_to: points_to(site),
    })
}

/// Objects loaded here to which records of this one may belong, by describe: what is deleted in which order.
fn points_to(site: &Site<'_>) -> Vec<(usize, Belongs)> {
    let mut found: BTreeMap<usize, Belongs> = BTreeMap::new();
    for field in &site.object.fields {
        let belongs = match field.master_detail() || !field.nillable {
            true => Belongs::Wholly,
            false if field.custom => Belongs::Perhaps,
            false => Belongs::Usually,
        };
        for (index, object) in site.world.objects.iter().enumerate() {
            if field.reference_to.iter().any(|to| to.eq_ignore_ascii_case(&object.name)) {
                let known = found.entry(index).or_insert(belongs);
                *known = belongs.min(*known);
            }
        }
    }
    found.into_iter().collect()
}

fn positions<T>(all: &[T], which: impl Fn(&T) -> bool) -> Vec<usize> {
    all.iter().enumerate().filter(|(_, item)| which(item)).map(|(index, _)| index).collect()
}

/// Whose parent is locked, where that can be known without counting rows.
fn lock(load: &Load, references: &[Reference], problems: &mut Problems) -> Option<(usize, LockWhy)> {
    let find = |which: &dyn Fn(&Reference) -> bool| references.iter().position(which);
    let Some(named) = &load.lock_by else {
        let master = find(&|r| r.master_detail).map(|i| (i, LockWhy::MasterDetail));
        return master.or_else(|| find(&|r| r.required).map(|i| (i, LockWhy::Required)));
    };
    let found = find(&|r| r.field.eq_ignore_ascii_case(named)).map(|i| (i, LockWhy::Named));
    let written = |f: &&Field| f.name.eq_ignore_ascii_case(named) && f.verb.refers();
    if load.fields.iter().find(written).is_none() {
        let message = format!("`lock_by` names `{named}`, which is no `ref` of this load");
        let near = near_name(named, references.iter().map(|r| r.field.as_str()));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        problems.push(Diagnostic::error(Code::BadReference, message).at(&load.place).help_maybe(help));
    }
    found
}

/// The rules that run on a load's rows. A rule need not be active: it is named.
fn assignment(site: &Site<'_>, problems: &mut Problems) -> Assignment {
    let Some((name, place)) = &site.load.assignment_rule else {
        return if site.load.territory_rules { Assignment::Territories } else { Assignment::Off };
    };
    let all = &site.world.facts.assignment_rules;
    let own: Vec<_> = all.iter().filter(|rule| rule.object.eq_ignore_ascii_case(&site.object.name)).collect();
    let mut named = own.iter().filter(|rule| rule.name.trim().to_lowercase() == name.to_lowercase());
    let (first, second) = (named.next(), named.next());
    let message = match (first, second) {
        (Some(rule), None) => return Assignment::Rule(rule.id.clone()),
        (Some(_), Some(_)) => format!("two assignment rules of `{}` are named `{name}`", site.object.name),
        (None, _) => format!("the org has no assignment rule `{name}` for `{}`", site.object.name),
    };
    let near = near_name(name, own.iter().map(|rule| rule.name.as_str()));
    let help = near.filter(|_| first.is_none()).map(|near| format!("did you mean `{near}`?"));
    problems.push(Diagnostic::error(Code::UnknownName, message).at(place).help_maybe(help));
    Assignment::Off
}
