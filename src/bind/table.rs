//! Which record type, user or queue is meant by a name: the org's own list as a table.

use super::facts::UserFact;
use super::lookup;
use super::world::{Problems, Site};
use crate::diagnostic::{Code, Diagnostic, near_name};
use crate::manifest::{Field, Verb};
use crate::model::{FieldSchema, FieldType};
use crate::transform::{AND, Fold, Inactive, Matcher, OnMissing, TableEntry};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The table of a `record_type`, `user`, `queue` or `lookup`; nothing when the field cannot hold one.
pub(super) fn matcher(
    site: &Site<'_>,
    field: &Field,
    verb: &Verb,
    schema: &FieldSchema,
    problems: &mut Problems,
) -> Option<Matcher> {
    if !is_reference(site, field, schema, problems) {
        return None;
    }
    let (what, object, ids, fold) = match verb {
        Verb::RecordType(_) => ("record type", "RecordType", record_types(site), Fold::Lower),
        Verb::Queue(_) => ("queue", "Group", queues(site), Fold::Lower),
        Verb::User { match_field, .. } => {
            match_field_exists(site, field, match_field, problems);
            ("user", "User", users(site, match_field, field.inactive), Fold::User)
        }
        Verb::Lookup { object, place, fields, .. } => {
            let (ids, fold) = lookup::table(site, object, place, fields, problems)?;
            ("record", object.as_str(), ids, fold)
        }
        Verb::Expr(_) | Verb::Const(_) | Verb::Ref { .. } | Verb::FirstOf { .. } => return None,
    };
    if !schema.reference_to.iter().any(|o| o.eq_ignore_ascii_case(object)) {
        let thing = if what == "record" { format!("a record of `{object}`") } else { format!("a {what}") };
        let message = format!("`{}.{}` cannot hold {thing}", site.object.name, schema.name);
        problems.push(Diagnostic::error(Code::BadReference, message).at(&field.value_place));
        return None;
    }
    Some(Matcher::Table { what, ids: Arc::new(ids), fold })
}

/// A table as a matcher holds it.
pub(super) struct Table<'a> {
    pub(super) what: &'static str,
    pub(super) ids: &'a BTreeMap<String, TableEntry>,
    pub(super) fold: Fold,
}

impl Table<'_> {
    /// Whether something stands in for a user of a map who is not there, or is not active: a list of people lives longer
    /// than their logins.
    pub(super) fn stands_in(&self, field: &Field, text: &str) -> bool {
        let missing = match self.ids.get(&*self.fold.apply(text)) {
            None | Some(TableEntry::Inactive { policy: Inactive::Fallback, .. }) => true,
            Some(_) => false,
        };
        let stands_in = field.fallback.is_some() || field.on_missing == OnMissing::Blank;
        self.what == "user" && missing && stands_in
    }

    /// What is told of the users of a map for whom something stands in.
    pub(super) fn told(&self, field: &Field, texts: &[&str]) -> Option<Diagnostic> {
        let found: Vec<&&str> = texts.iter().filter(|text| self.stands_in(field, text)).collect();
        let (first, more) = (found.first()?, found.len() - 1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = format!("`map` names users who are not in the org or not active: `{first}`{more}");
        let help = "their rows get the `fallback`, or a blank where `on_missing` says so";
        Some(Diagnostic::warning(Code::PlanNote, message).help(help))
    }
}

/// What is wrong with a name that stands in the manifest itself, under `word`.
pub(super) fn misnamed(site: &Site<'_>, table: &Table<'_>, word: &str, text: &str) -> Option<Diagnostic> {
    let (what, wanted) = (table.what, table.fold.apply(text));
    let text = &text.replace(AND, ", ");
    let problem = match table.ids.get(&*wanted) {
        Some(TableEntry::Id(_) | TableEntry::Inactive { policy: Inactive::Keep, .. }) => {
            return None;
        }
        Some(TableEntry::Ambiguous) => format!("two {what}s of the org match `{text}`"),
        Some(TableEntry::Inactive { .. }) => format!("the {what} `{text}` is not active"),
        None => format!("the org has no {what} `{text}`"),
    };
    let near = near_name(text, table.ids.keys().map(String::as_str)).filter(|near| *near != &*wanted);
    let help = match near {
        _ if what == "queue" && exists(site, &wanted) => {
            Some(format!("it has that queue, which may not own records of `{}`", site.object.name))
        }
        near => near.map(|near| format!("did you mean `{near}`?")),
    };
    Some(Diagnostic::error(Code::NotInOrg, format!("{problem}, which `{word}` names")).help_maybe(help))
}

/// Whether there is such a queue, whatever it may own.
fn exists(site: &Site<'_>, queue: &str) -> bool {
    site.world.facts.queues.iter().any(|q| Fold::Lower.apply(&q.developer_name) == queue)
}

fn record_types(site: &Site<'_>) -> BTreeMap<String, TableEntry> {
    let known = site.world.facts.record_types.get(&site.object.name.to_lowercase());
    let known = known.map_or(&[][..], Vec::as_slice).iter();
    known.map(|r| (Fold::Lower.apply(&r.developer_name).into_owned(), TableEntry::Id(r.id.clone()))).collect()
}

/// Only the queues that may own this object's records.
fn queues(site: &Site<'_>) -> BTreeMap<String, TableEntry> {
    let owns = |objects: &[String]| objects.iter().any(|o| o.eq_ignore_ascii_case(&site.object.name));
    let known = site.world.facts.queues.iter().filter(|q| owns(&q.objects));
    known.map(|q| (Fold::Lower.apply(&q.developer_name).into_owned(), TableEntry::Id(q.id.clone()))).collect()
}

fn users(site: &Site<'_>, match_field: &str, inactive: Inactive) -> BTreeMap<String, TableEntry> {
    let mut table = BTreeMap::new();
    for user in site.world.facts.users.get(&match_field.to_lowercase()).into_iter().flatten() {
        let entry = user_entry(user, inactive);
        table
            .entry(Fold::User.apply(&user.value).into_owned())
            .and_modify(|e| *e = TableEntry::Ambiguous)
            .or_insert(entry);
    }
    table.remove("");
    table
}

fn user_entry(user: &UserFact, policy: Inactive) -> TableEntry {
    let id = user.id.clone();
    if user.active { TableEntry::Id(id) } else { TableEntry::Inactive { id, policy } }
}

fn match_field_exists(site: &Site<'_>, field: &Field, match_field: &str, problems: &mut Problems) {
    let Some(user) = site.world.schema.object("User") else { return };
    if user.field(match_field).is_none() {
        let near = near_name(match_field, user.fields.iter().map(|f| f.name.as_str()));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("`User` has no field `{match_field}` to match by");
        problems.push(Diagnostic::error(Code::UnknownField, message).at(&field.value_place).help_maybe(help));
    }
}

/// Whether the field is a reference at all; says so where not.
pub(super) fn is_reference(
    site: &Site<'_>,
    field: &Field,
    schema: &FieldSchema,
    problems: &mut Problems,
) -> bool {
    if schema.field_type == FieldType::Reference {
        return true;
    }
    let message = format!(
        "`{}.{}` is no reference but of type {}",
        site.object.name,
        schema.name,
        schema.field_type.name()
    );
    let near = schema.name.strip_suffix("Id").is_none().then(|| format!("{}Id", schema.name));
    let near = near.filter(|name| site.object.field(name).is_some());
    let help = near.map(|name| format!("did you mean `{name}`?"));
    problems.push(Diagnostic::error(Code::BadReference, message).at(&field.value_place).help_maybe(help));
    false
}
