//! Can this field be a key, and how are its values compared?

use super::world::{Problems, Site};
use crate::diagnostic::{Code, Diagnostic};
use crate::manifest::{Field, Operation, Verb};
use crate::model::{FieldSchema, FieldType};
use crate::transform::Only;

/// Judges the key field of a load. An unknown field is told here, at the place of `key`.
pub(super) fn check(site: &Site<'_>, problems: &mut Problems) {
    let Some(field) = site.object.field(&site.load.key) else {
        problems.push(super::world::unknown(site, &site.load.key, &site.load.key_place));
        return;
    };
    check_schema(site, field, problems);
    match site.load.fields.iter().find(|f| f.name.eq_ignore_ascii_case(&field.name)) {
        Some(rule) => check_rule(rule, problems),
        None => problems.push(
            Diagnostic::error(Code::BadKey, format!("the key `{}` is not among the fields", field.name))
                .at(&site.load.key_place)
                .help("say under `fields` where its value comes from"),
        ),
    }
}

fn check_schema(site: &Site<'_>, field: &FieldSchema, problems: &mut Problems) {
    let name = format!("`{}.{}`", site.object.name, field.name);
    let problem = if field.field_type == FieldType::Id {
        Diagnostic::error(Code::BadKey, format!("{name} cannot be a key: the org makes it"))
            .help("use an external ID field that holds the legacy system's own key")
    } else if !is_comparable(field.field_type) {
        let message =
            format!("{name} cannot be a key: the org writes its values in other ways than files do");
        Diagnostic::error(Code::BadKey, message).help("use a text or number field, best an external ID")
    } else if !field.external_id && !field.id_lookup {
        no_lookup(site, &name)
    } else if !field.unique {
        Diagnostic::warning(Code::BadKey, format!("{name} is not unique: the org may hold a key twice"))
            .help(format!(
                "rows whose key several records have are refused by the org; tick Unique on {name} to rule it out"
            ))
    } else {
        return;
    };
    problems.push(problem.at(&site.load.key_place));
}

/// Whether equal values are written alike by the org and by us, so that keys can be compared as text.
fn is_comparable(field_type: FieldType) -> bool {
    !matches!(
        field_type,
        FieldType::Date | FieldType::DateTime | FieldType::Time | FieldType::Boolean | FieldType::Reference
    )
}

/// A field that the org cannot find records by.
fn no_lookup(site: &Site<'_>, name: &str) -> Diagnostic {
    let message = format!("{name} is neither an external ID nor a look-up field");
    let help = match site.load.operation {
        Operation::Upsert => None,
        Operation::Insert => Some(
            "rows whose answer is lost are looked for by a query, and no other load can refer to these records",
        ),
        Operation::Update | Operation::Delete | Operation::HardDelete => {
            Some("records are looked for by a query, and no other load can refer to them")
        }
    };
    if let Some(help) = help {
        return Diagnostic::warning(Code::BadKey, message).help(help);
    }
    let others: Vec<_> =
        site.object.fields.iter().filter(|f| f.external_id).map(|f| format!("`{}`", f.name)).collect();
    Diagnostic::error(Code::BadKey, format!("{message}, so that no record can be found by it")).help(
        match others.is_empty() {
            true => "create a custom field with External ID and Unique ticked".to_owned(),
            false => format!("tick External ID and Unique on it, or use {}", others.join(" or ")),
        },
    )
}

fn check_rule(rule: &Field, problems: &mut Problems) {
    let fixed = match &rule.verb {
        Verb::Const(_) => true,
        Verb::Expr(from) | Verb::FirstOf { from, .. } => from.constant().is_some(),
        _ => false,
    };
    if fixed {
        problems
            .push(Diagnostic::error(Code::BadKey, "the key is the same for every row").at(&rule.value_place));
    }
    if rule.only != Only::Always {
        problems.push(
            Diagnostic::error(Code::BadKey, "the key is always sent: `only` cannot stand here")
                .at(&rule.place),
        );
    }
}
