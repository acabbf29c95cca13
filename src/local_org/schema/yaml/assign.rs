//! `assignment_rules` and `territories` of an `org.yaml`.

use super::{is_name, list, text, wrong};
use crate::diagnostic::{Code, Diagnostic, near_name};
use crate::local_org::schema::{ADMIN, AssignmentRule, Schema};
use crate::yaml::{MapReader, Node};

/// The objects that have such rules.
const OBJECTS: &[(&str, &str)] = &[("Case", "Case"), ("Lead", "Lead")];

/// Reads `assignment_rules`; each gives to a queue or a user of the file, and one of an object may be active.
pub(super) fn rules(node: &Node, schema: &Schema, problems: &mut Vec<Diagnostic>) -> Vec<AssignmentRule> {
    let mut rules: Vec<AssignmentRule> = Vec::new();
    for item in list(node, "`assignment_rules`", problems) {
        let Some(mut map) = MapReader::new(item, "an assignment rule", problems) else { continue };
        let name = text(&mut map, "name");
        if item.get("object").is_none() {
            // Notes that it is missing.
            map.need("object");
        }
        let object = map.take_word("object", OBJECTS).map(str::to_owned);
        let owner = owner(&mut map, schema);
        let active = map.take_bool("active").unwrap_or(false);
        if let (Some(name), Some(object), Some(owner)) = (name, object, owner) {
            let rule = AssignmentRule { name, object, owner, active };
            if let Some(why) = conflict(&rule, &rules) {
                map.problem(Diagnostic::error(Code::Conflict, why).at(&item.place));
            }
            rules.push(rule);
        }
        map.finish();
    }
    rules
}

fn conflict(rule: &AssignmentRule, others: &[AssignmentRule]) -> Option<String> {
    let of_object = || others.iter().filter(|other| other.object == rule.object);
    if of_object().any(|other| other.name.eq_ignore_ascii_case(&rule.name)) {
        return Some(format!("assignment rule `{}` stands twice", rule.name));
    }
    let second = rule.active && of_object().any(|other| other.active);
    second.then(|| format!("`{}` has two active assignment rules", rule.object))
}

/// Whom the records go to: a queue's DeveloperName or a username.
fn owner(map: &mut MapReader<'_, '_>, schema: &Schema) -> Option<String> {
    let owner = text(map, "owner")?;
    let queues = schema.queues.iter().map(|queue| queue.name.as_str());
    let users = schema.users.iter().map(|user| user.username.as_str());
    let known: Vec<&str> = queues.chain(users).chain([ADMIN]).collect();
    if !known.iter().any(|name| name.eq_ignore_ascii_case(&owner)) {
        let help = near_name(&owner, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let place = map.place().clone();
        map.problem(wrong(format!("`{owner}` is no queue and no user of the file"), &place).help_maybe(help));
    }
    Some(owner)
}

/// Reads `territories`.
pub(super) fn territories(map: &mut MapReader<'_, '_>) -> Vec<String> {
    let mut all = Vec::new();
    for (name, place) in map.take_texts("territories") {
        if is_name(name) {
            all.push(name.to_owned());
        } else {
            let message = format!("`{name}` is no DeveloperName");
            map.problem(wrong(message, place).help("letters, digits and underscores, a letter first"));
        }
    }
    all
}
