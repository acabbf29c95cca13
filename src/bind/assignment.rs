//! Which assignment rule of the org is meant by a name.

use super::bound::Assignment;
use super::world::{Problems, Site};
use crate::diagnostic::{Code, Diagnostic, near_name};

/// The rules that run on a load's rows. A rule need not be active: it is named.
pub(super) fn bind(site: &Site<'_>, problems: &mut Problems) -> Assignment {
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
