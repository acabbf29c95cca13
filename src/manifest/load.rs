//! One load: its words, its source, its fields, and the columns that nothing uses.
//!
//! Must not know the other loads: what holds between them is `check`'s.

use super::choices::{ApiChoice, OPERATION, Operation};
use super::expression::take_expression;
use super::field::read_fields;
use super::file::Shelf;
use super::migration::{Field, Load};
use super::policy::{Defaults, Policies, read_budget};
use super::source::{Opened, open};
use super::values::{Vars, is_file_name, is_stray, listed, near, take_count, take_scalar, wrong};
use super::verb::FieldRules;
use super::word_list::name_of;
use super::words::{API, DUPLICATES, LOAD, refuse_unbuilt};
use crate::diagnostic::{Code, Diagnostic, Place, any_error};
use crate::transform::{Role, Scope};
use crate::yaml::{MapReader, Node};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a load is read with.
pub(super) struct LoadRules<'a> {
    /// `defaults`.
    pub(super) defaults: &'a Defaults,
    /// The vars of the chosen environment.
    pub(super) vars: &'a Arc<Vars>,
}

/// A load as read; its names are not resolved yet. Where something is wrong the texts may be empty: a migration is
/// made only when nothing is.
pub(super) struct Draft {
    /// The load, with `after` still empty.
    pub(super) load: Load,
    /// Where its name stands, if it has one of its own.
    pub(super) name_place: Option<Place>,
    /// Where its object stands.
    pub(super) object_place: Place,
    /// The loads named under `after`.
    pub(super) after: Vec<(String, Place)>,
}

/// Reads one load.
pub(super) fn read_load(
    node: &Node,
    rules: &LoadRules<'_>,
    shelf: &mut Shelf<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Draft> {
    let mut reader = MapReader::new(node, "a load", problems)?;
    refuse_unbuilt(node, LOAD, &mut reader);
    let names = Names::take(&mut reader);
    let source = open(&mut reader, &rules.defaults.source, shelf);
    let scope = Scope {
        columns: source.columns.clone(),
        vars: (**rules.vars).clone(),
        timezone: source.timezone.clone(),
    };
    let before = reader.problems().len();
    let mut load = blank_load(node, names.clone(), source, rules);
    load.condition = take_expression(&mut reader, "where", &scope, Role::Condition);
    let policies = Policies::read(&mut reader).or(rules.defaults.policies);
    load.fields = read_fields(&mut reader, &FieldRules { scope: &scope, policies, vars: rules.vars }, shelf);
    let all_read = !any_error(&reader.problems()[before..]);
    take_rest(&mut reader, &mut load, all_read);
    let after = take_names(&mut reader, "after");
    let ignore = take_names(&mut reader, "ignore");
    reader.finish();
    check_fields(node, &load, problems);
    if all_read {
        super::operation::check(&load, problems);
        super::operation::check_api(&load, node.get("api"), problems);
        super::assignment::check(&load, node.get("territory_rules"), problems);
    }
    check_columns(scope.columns.as_deref(), &load, &ignore, all_read, problems);
    load.ignore = ignore.into_iter().map(|(name, _)| name).collect();
    Some(Draft { load, name_place: names.name_place, object_place: names.object_place, after })
}

/// `name`, `object` and `key` with their places.
#[derive(Clone)]
struct Names {
    name: String,
    name_place: Option<Place>,
    object: String,
    object_place: Place,
    key: String,
    key_place: Place,
}

impl Names {
    fn take(reader: &mut MapReader<'_, '_>) -> Self {
        let whole = reader.place().clone();
        let object = need_name(reader, "object");
        let key = take_key(reader);
        let name = take_scalar(reader, "name").and_then(|node| load_name(node, reader.problems()));
        let (object, object_place) = object.unwrap_or((String::new(), whole.clone()));
        let (key, key_place) = key.unwrap_or((String::new(), whole));
        let name_place = name.as_ref().map(|(_, place)| place.clone());
        let name = name.map_or_else(|| object.clone(), |(name, _)| name);
        Self { name, name_place, object, object_place, key, key_place }
    }
}

fn need_name(reader: &mut MapReader<'_, '_>, key: &'static str) -> Option<(String, Place)> {
    let node = reader.need(key)?;
    let node = super::values::scalar(node, &format!("`{key}`"), reader.problems())?;
    let text = node.text().filter(|text| !is_stray(text))?;
    if text.trim().is_empty() {
        reader.problem(wrong(node, format!("`{key}` is blank")));
        return None;
    }
    Some((text.to_owned(), node.place.clone()))
}

/// `key`: one field.
fn take_key(reader: &mut MapReader<'_, '_>) -> Option<(String, Place)> {
    let here = reader.place().clone();
    let Some(node) = reader.take("key") else {
        let problem = Diagnostic::error(Code::MissingKey, "a load needs `key`").at(&here);
        reader.problem(
            problem.help("the external-ID field that identifies its records, such as `Legacy_Id__c`"),
        );
        return None;
    };
    if node.items().is_some() {
        let problem = Diagnostic::error(Code::NotBuilt, "a key of several fields is not built yet");
        reader.problem(problem.at(&node.place).help("name one external-ID field"));
        return None;
    }
    let node = super::values::scalar(node, "`key`", reader.problems())?;
    let text = node.text().filter(|text| !is_stray(text) && !text.trim().is_empty())?;
    Some((text.to_owned(), node.place.clone()))
}

/// Bytes of a load's name: files of a run are named after it, and file systems take names of 255 bytes.
const LONGEST_NAME: usize = 100;

fn load_name(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<(String, Place)> {
    let text = node.text().filter(|text| !is_stray(text))?;
    if text.len() > LONGEST_NAME {
        let problem = wrong(node, format!("the name of a load has {} bytes", text.len()));
        problems.push(problem.help(format!("take at most {LONGEST_NAME}: the name stands in file names")));
    } else if !is_file_name(text) {
        let problem = wrong(node, format!("`{text}` cannot name a load"));
        problems.push(
            problem.help("use letters, digits, `-` and `_`: the name stands in file names and in `--select`"),
        );
    }
    Some((text.to_owned(), node.place.clone()))
}

/// A load that says nothing beyond its names and its source.
fn blank_load(node: &Node, names: Names, source: Opened, rules: &LoadRules<'_>) -> Load {
    Load {
        name: names.name,
        object: names.object,
        key: names.key,
        key_place: names.key_place,
        place: node.place.clone(),
        files: source.files,
        source_place: source.place,
        format: source.format,
        timezone: source.timezone,
        columns: source.columns.unwrap_or_default(),
        condition: None,
        duplicates: rules.defaults.duplicates.unwrap_or_default(),
        max_failed: rules.defaults.max_failed,
        operation: Operation::default(),
        api: ApiChoice::default(),
        assignment_rule: None,
        territory_rules: false,
        after: Vec::new(),
        lock_by: None,
        part_rows: None,
        levels: None,
        overlap: false,
        pause_after: false,
        fields: Vec::new(),
        ignore: Vec::new(),
        vars: rules.vars.clone(),
    }
}

/// The words with a plain value; `all_read` says whether the fields are all there.
fn take_rest(reader: &mut MapReader<'_, '_>, load: &mut Load, all_read: bool) {
    load.duplicates = reader.take_word("duplicates", DUPLICATES).unwrap_or(load.duplicates);
    load.max_failed = read_budget(reader).or(load.max_failed);
    load.operation = reader.take_word("operation", OPERATION).unwrap_or_default();
    load.api = reader.take_word("api", API).unwrap_or_default();
    if let Some(node) = take_scalar(reader, "assignment_rule") {
        load.assignment_rule = rule_name(node);
        if load.assignment_rule.is_none() {
            reader.problem(wrong(node, "`assignment_rule` is blank"));
        }
    }
    load.territory_rules = reader.take_bool("territory_rules").unwrap_or_default();
    load.part_rows = take_count(reader, "part_rows");
    load.levels = take_count(reader, "levels");
    load.overlap = reader.take_bool("overlap").unwrap_or_default();
    load.pause_after = reader.take_bool("pause_after").unwrap_or_default();
    if let Some(node) = take_scalar(reader, "lock_by") {
        load.lock_by = node.text().map(str::to_owned);
        if let Some(problem) = lock_problem(node, load).filter(|_| all_read) {
            reader.problem(problem);
        }
    }
}

fn rule_name(node: &Node) -> Option<(String, Place)> {
    let text = node.text().filter(|text| !is_stray(text) && !text.trim().is_empty())?;
    Some((text.trim().to_owned(), node.place.clone()))
}

/// `lock_by` names a reference of this load.
fn lock_problem(node: &Node, load: &Load) -> Option<Diagnostic> {
    let name = load.lock_by.as_deref()?;
    let is_reference = |field: &&Field| field.verb.refers();
    let references: Vec<&str> = load.fields.iter().filter(is_reference).map(|f| f.name.as_str()).collect();
    if references.contains(&name) {
        return None;
    }
    let (code, message) = match load.fields.iter().any(|f| f.name == name) {
        true => (Code::Conflict, format!("`{name}` is no reference")),
        false => (Code::UnknownName, format!("`{name}` is not among the fields of this load")),
    };
    let help = near(name, references.iter().copied()).unwrap_or_else(|| match references.is_empty() {
        true => "`lock_by` names a field with `ref`; this load has none".to_owned(),
        false => format!("the references of this load are {}", listed(references.iter().copied())),
    });
    Some(Diagnostic::error(code, message).at(&node.place).help(help))
}

fn take_names(reader: &mut MapReader<'_, '_>, key: &'static str) -> Vec<(String, Place)> {
    let names = reader.take_texts(key).into_iter();
    names.filter(|(text, _)| !is_stray(text)).map(|(text, place)| (text.to_owned(), place.clone())).collect()
}

/// The key is filled, always sent, and no field is there twice.
fn check_fields(node: &Node, load: &Load, problems: &mut Vec<Diagnostic>) {
    let Some(pairs) = node.get("fields").and_then(Node::pairs) else { return };
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    for (index, pair) in pairs.iter().enumerate() {
        if let Some(first) = pairs[..index].iter().find(|earlier| same(&earlier.key, &pair.key)) {
            let message = format!("`{}` and `{}` are the same field", first.key, pair.key);
            let problem = Diagnostic::error(Code::Conflict, message).label(&pair.place, "again here");
            problems.push(
                problem.label(&first.place, "first here").help("an org does not tell names apart by case"),
            );
        }
    }
    if !load.key.is_empty() && !pairs.iter().any(|pair| pair.key == load.key) {
        let near = near(&load.key, pairs.iter().map(|pair| pair.key.as_str()));
        let help = near.unwrap_or_else(|| format!("add `{}: …` to `fields`", load.key));
        let message = format!("`fields` does not fill the key `{}`", load.key);
        problems.push(Diagnostic::error(Code::MissingKey, message).at(&load.key_place).help(help));
    }
    let partly = load.fields.iter().find(|f| f.name == load.key && f.only != crate::transform::Only::Always);
    problems.extend(partly.map(|field| {
        let message = format!("the key `{}` is sent with every row", field.name);
        let only = name_of(super::words::ONLY, &field.only);
        Diagnostic::error(Code::Conflict, message)
            .at(&field.value_place)
            .help(format!("leave out `only: {only}`"))
    }));
}

/// Warns of columns that are neither used nor ignored, and of ignored ones that are not there.
fn check_columns(
    columns: Option<&[String]>,
    load: &Load,
    ignore: &[(String, Place)],
    all_read: bool,
    problems: &mut Vec<Diagnostic>,
) {
    let Some(columns) = columns else { return };
    for (name, place) in ignore.iter().filter(|(name, _)| !columns.contains(name)) {
        let help = near(name, columns.iter().map(String::as_str));
        let message = format!("`{name}` is ignored, but the source has no such column");
        problems.push(Diagnostic::warning(Code::ColumnUnused, message).at(place).help_maybe(help));
    }
    let used = used_columns(load);
    let ignored = |column: &str| ignore.iter().any(|(name, _)| name == column);
    let left: Vec<&str> =
        columns.iter().map(String::as_str).filter(|c| !used.contains(c) && !ignored(c)).collect();
    // A delete reads nothing but the key: a list for it is often a whole export.
    if left.is_empty() || !all_read || load.operation.deletes() {
        return;
    }
    let message = match left.len() {
        1 => format!("a source column is neither mapped nor ignored: {}", listed(left)),
        n => format!("{n} source columns are neither mapped nor ignored: {}", listed(left)),
    };
    let problem = Diagnostic::warning(Code::ColumnUnused, message).at(&load.source_place);
    problems.push(problem.help("map them, or name them under `ignore`"));
}

fn used_columns(load: &Load) -> BTreeSet<&str> {
    let fields = load.fields.iter().flat_map(|f| f.verb.expressions().into_iter().chain(&f.when));
    fields.chain(&load.condition).flat_map(|e| e.columns()).map(String::as_str).collect()
}
