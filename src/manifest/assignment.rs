//! Where a load may ask for assignment rules: cases, leads, and for territories accounts.
//!
//! Must not know which rules an org has: that is `bind`'s.

use super::choices::{ApiChoice, Operation};
use super::migration::Load;
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::Node;

/// Objects that have assignment rules with names.
const RULED: [&str; 2] = ["Case", "Lead"];

/// Says where the words have no meaning, or less than one may think. `territories` is what stands under
/// `territory_rules`.
pub(super) fn check(load: &Load, territories: Option<&Node>, problems: &mut Vec<Diagnostic>) {
    let is = |name: &str| load.object.eq_ignore_ascii_case(name);
    if let Some((_, place)) = &load.assignment_rule {
        let message = match load.operation {
            _ if !RULED.iter().any(|name| is(name)) => {
                Some(format!("`{}` has no assignment rules to name", load.object))
            }
            Operation::Delete | Operation::HardDelete => Some("nothing is assigned by a delete".to_owned()),
            Operation::Update => Some("an `update` creates nothing, and nothing is assigned".to_owned()),
            Operation::Upsert | Operation::Insert => None,
        };
        let help = if is("Account") {
            "for accounts write `territory_rules: true`"
        } else {
            "leave it out: cases and leads have them"
        };
        problems.extend(message.map(|m| Diagnostic::error(Code::Conflict, m).at(place).help(help)));
    }
    let Some(node) = territories.filter(|_| load.territory_rules) else { return };
    if !is("Account") || load.operation.deletes() {
        let message = "territory rules run on accounts that are created or updated";
        let problem = Diagnostic::error(Code::Conflict, message).at(&node.place);
        problems.push(problem.help("leave `territory_rules` out"));
    } else {
        problems.extend(by_jobs(load, node));
    }
}

/// A job cannot be asked for territory rules.
// Unconfirmed(territory-rules-in-jobs): whether a job runs them by itself; choice: `check` says that it is not known.
fn by_jobs(load: &Load, node: &Node) -> Option<Diagnostic> {
    let why = match load.api {
        ApiChoice::Auto if load.operation.goes_by_calls() => {
            "larger steps go by jobs, which cannot be asked for them"
        }
        _ => "its rows go by jobs, which cannot be asked for them",
    };
    let message = format!("`territory_rules: true` holds for REST calls: {why}");
    let help = "run the territory rules in the org once the load is over";
    Some(Diagnostic::warning(Code::PlanNote, message).at(&node.place).help(help))
}
