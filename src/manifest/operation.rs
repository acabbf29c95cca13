//! Which fields make sense for what a load does: an update creates nothing, a delete sends nothing but Ids.
//!
//! Must not know which fields an object has: what may be updated or deleted at all is `bind`'s.

use super::choices::{ApiChoice, Operation};
use super::migration::{Field, Load};
use crate::diagnostic::{Code, Diagnostic};
use crate::transform::Only;
use crate::yaml::Node;

/// Says which fields of a load its operation has no use for.
pub(super) fn check(load: &Load, problems: &mut Vec<Diagnostic>) {
    let others = load.fields.iter().filter(|f| !f.name.eq_ignore_ascii_case(&load.key));
    match load.operation {
        Operation::Upsert | Operation::Insert => {}
        Operation::Update => {
            let others: Vec<&Field> = others.collect();
            problems.extend(others.iter().filter_map(|field| never_sent(field)));
            if others.is_empty() && !load.fields.is_empty() {
                problems.push(nothing_to_update(load));
            }
        }
        Operation::Delete | Operation::HardDelete => problems.extend(others.map(|f| not_deleted(load, f))),
    }
}

/// Says where `api: auto` changes nothing.
pub(super) fn check_api(load: &Load, node: Option<&Node>, problems: &mut Vec<Diagnostic>) {
    let Some(node) = node.filter(|_| load.api == ApiChoice::Auto && !load.operation.goes_by_calls()) else {
        return;
    };
    let (word, why) = match load.operation {
        Operation::Insert => ("insert", "a call that is repeated would create its records twice"),
        _ => ("hardDelete", "REST calls delete into the recycle bin only"),
    };
    let message = format!("`api: auto` changes nothing here: rows of `{word}` always go by the Bulk API");
    problems.push(Diagnostic::warning(Code::Conflict, message).at(&node.place).help(why));
}

fn never_sent(field: &Field) -> Option<Diagnostic> {
    let message = format!("`{}` is never sent: an `update` creates nothing", field.name);
    let problem = Diagnostic::error(Code::Conflict, message).at(&field.value_place);
    (field.only == Only::Create).then(|| problem.help("leave out `only: create`, or the field"))
}

fn nothing_to_update(load: &Load) -> Diagnostic {
    let message = format!("an `update` needs fields beside the key `{}`", load.key);
    Diagnostic::error(Code::MissingKey, message)
        .at(&load.place)
        .help("the key finds the record and is not sent; map the fields that change")
}

fn not_deleted(load: &Load, field: &Field) -> Diagnostic {
    let word = load.operation.word();
    let message = format!("`{}` does nothing here: a `{word}` sends the record's Id alone", field.name);
    Diagnostic::error(Code::Conflict, message)
        .at(&field.place)
        .help(format!("leave `{}` alone under `fields`", load.key))
}
