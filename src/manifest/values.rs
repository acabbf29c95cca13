//! Scalars and the two ways to put something into them: `${var}` and `env:NAME`; and the place of a part of one.
//!
//! Must not know loads or environments, only which parts of a manifest take which of the two.

use crate::diagnostic::{Code, Diagnostic, Place, near_name};
use crate::yaml::{MapReader, Node, NodeKind, Pair};
use std::collections::BTreeMap;
use std::ops::Range;

/// Texts by name.
pub(super) type Vars = BTreeMap<String, String>;

/// The place of some characters of a scalar: exact where the text stands on one line as it is meant, otherwise the
/// whole scalar.
pub(super) fn part(node: &Node, at: &Range<usize>) -> Place {
    let (Some(text), Ok(start)) = (node.text(), u32::try_from(at.start)) else { return node.place.clone() };
    let (length, shown) = (text.chars().count(), node.place.length as usize);
    let quotes = match node.kind {
        NodeKind::Scalar { plain: true, .. } if shown == length => 0,
        NodeKind::Scalar { plain: false, .. } if shown == length + 2 => 1,
        _ => return node.place.clone(),
    };
    node.place.part(start + quotes, u32::try_from(at.len()).unwrap_or(1))
}

/// Takes the scalar under `key`; a list, a mapping or nothing is a problem.
pub(super) fn take_scalar<'n>(reader: &mut MapReader<'n, '_>, key: &'static str) -> Option<&'n Node> {
    let node = reader.take(key)?;
    scalar(node, &format!("`{key}`"), reader.problems())
}

/// Takes a whole number that is 1 or more.
pub(super) fn take_count(reader: &mut MapReader<'_, '_>, key: &'static str) -> Option<u32> {
    let node = reader.take(key)?;
    match node.scalar::<u32>("a whole number") {
        Ok(0) => reader.problem(wrong(node, format!("`{key}` is 1 or more"))),
        Ok(count) => return Some(count),
        Err(problem) => reader.problem(problem),
    }
    None
}

/// The node if it is a scalar and not nothing.
pub(super) fn scalar<'n>(node: &'n Node, what: &str, problems: &mut Vec<Diagnostic>) -> Option<&'n Node> {
    if node.text().is_some() && !node.is_nothing() {
        return Some(node);
    }
    let help = node.is_nothing().then(|| "for an empty text write `\"\"`".to_owned());
    problems.push(wrong(node, format!("{what} must be text, not {}", node.what())).help_maybe(help));
    None
}

/// A value of the wrong kind.
pub(super) fn wrong(node: &Node, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::WrongValue, message).at(&node.place)
}

/// "did you mean", if there is a name near enough.
pub(super) fn near<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    near_name(name, candidates).map(|n| format!("did you mean `{n}`?"))
}

/// Names in backticks with commas between them.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

/// Reads a mapping of names to text.
pub(super) fn read_vars(node: &Node, problems: &mut Vec<Diagnostic>) -> Vec<(String, Place, String)> {
    let Some(pairs) = node.pairs() else {
        problems.push(wrong(node, format!("`vars` must be a mapping, not {}", node.what())));
        return Vec::new();
    };
    let mut vars = Vec::new();
    for pair in pairs {
        if !is_name(&pair.key) {
            let message = format!("`{}` cannot be the name of a var", pair.key);
            let problem = Diagnostic::error(Code::Variable, message).at(&pair.place);
            problems.push(problem.help("use letters, digits and underscores, not starting with a digit"));
        } else if let Some(text) = scalar(&pair.value, &format!("`{}`", pair.key), problems) {
            vars.push((pair.key.clone(), pair.place.clone(), text.text().unwrap_or_default().to_owned()));
        }
    }
    vars
}

/// The scalar's text with each `${name}` replaced.
pub(super) fn fill(node: &Node, vars: &Vars, problems: &mut Vec<Diagnostic>) -> String {
    let text = node.text().unwrap_or_default();
    let (mut out, mut rest) = (String::new(), text);
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let at = text[..text.len() - rest.len() + start].chars().count();
        let inner = &rest[start + 2..];
        let Some(end) = inner.find('}') else {
            let problem =
                Diagnostic::error(Code::Variable, "`${` without its `}`").at(&part(node, &(at..at + 2)));
            problems.push(problem.help("write `${name}`"));
            return out;
        };
        let name = &inner[..end];
        match vars.get(name) {
            Some(value) => out.push_str(value),
            None => {
                problems.push(unknown_var(name, vars).at(&part(node, &(at..at + name.chars().count() + 3))))
            }
        }
        rest = &inner[end + 1..];
    }
    out + rest
}

fn unknown_var(name: &str, vars: &Vars) -> Diagnostic {
    let known = vars.keys().map(String::as_str);
    let help = near(name, known.clone()).unwrap_or_else(|| match vars.is_empty() {
        true => "declare it under `vars` at the top".to_owned(),
        false => format!("declare it under `vars` at the top; there are {}", listed(known)),
    });
    Diagnostic::error(Code::Variable, format!("there is no var `{name}`")).help(help)
}

/// The name in `env:NAME`.
pub(super) fn env_name(text: &str) -> Option<&str> {
    text.strip_prefix("env:").filter(|name| is_name(name))
}

/// Whether the text holds a `${name}` or is an `env:NAME`. Where neither is replaced, [`refuse_strays`] has said so,
/// and the text is best left alone.
pub(super) fn is_stray(text: &str) -> bool {
    stray_var(text).is_some() || env_name(text).is_some()
}

/// Where in the text the first `${name}` stands, in characters, and its name.
fn stray_var(text: &str) -> Option<(Range<usize>, &str)> {
    text.match_indices("${").find_map(|(start, _)| {
        let name = text[start + 2..].split_once('}')?.0;
        let at = text[..start].chars().count();
        is_name(name).then(|| (at..at + name.len() + 3, name))
    })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a name of the user's can stand in a file name and in `--select`.
pub(super) fn is_file_name(text: &str) -> bool {
    text.starts_with(char::is_alphanumeric)
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// What a part of a manifest takes.
#[derive(Clone, Copy, PartialEq)]
enum Spot {
    Top,
    Environments,
    Environment,
    Org,
    Objects,
    Load,
    Fields,
    Field,
    Filled,
    Expression,
    Other,
}

impl Spot {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Top, "environments") => Self::Environments,
            (Self::Top, "objects") => Self::Objects,
            (Self::Environments, _) => Self::Environment,
            (Self::Environment, "org") | (Self::Org, _) => Self::Org,
            (Self::Load, "fields") => Self::Fields,
            (Self::Load, "where") => Self::Expression,
            (Self::Fields, _) => Self::Field,
            (Self::Field, "first_of") => Self::Field,
            (Self::Field, "value" | "default" | "fallback" | "match") => Self::Filled,
            (Self::Field, "from" | "type" | "record_type" | "user" | "queue" | "when") => Self::Expression,
            _ => Self::Other,
        }
    }
}

/// Refuses every `${name}` and `env:NAME` that stands where it is not replaced.
pub(super) fn refuse_strays(root: &Node, problems: &mut Vec<Diagnostic>) {
    walk(root, Spot::Top, problems);
}

fn walk(node: &Node, spot: Spot, problems: &mut Vec<Diagnostic>) {
    match &node.kind {
        NodeKind::Scalar { text, .. } => problems.extend(stray(node, text, spot)),
        NodeKind::Sequence(items) => {
            let inner = if spot == Spot::Objects { Spot::Load } else { spot };
            items.iter().for_each(|item| walk(item, inner, problems));
        }
        NodeKind::Mapping(pairs) => {
            for pair in pairs {
                problems.extend(stray(&key_node(pair), &pair.key, Spot::Other));
                walk(&pair.value, spot.below(&pair.key), problems);
            }
        }
    }
}

/// A key as a scalar, to find the place of a part of it.
fn key_node(pair: &Pair) -> Node {
    let plain = pair.key.chars().count() == pair.place.length as usize;
    Node { kind: NodeKind::Scalar { text: pair.key.clone(), plain }, place: pair.place.clone() }
}

fn stray(node: &Node, text: &str, spot: Spot) -> Option<Diagnostic> {
    if env_name(text).is_some() && spot != Spot::Org {
        let problem =
            Diagnostic::error(Code::Environment, "`env:` is read only under `org:`").at(&node.place);
        return Some(problem.help("write the text itself, or a var that each environment sets"));
    }
    let (at, name) = stray_var(text).filter(|_| spot != Spot::Filled)?;
    let help = match spot {
        Spot::Field | Spot::Expression => format!("in an expression write `vars.{name}`, without quotes"),
        _ => "it is replaced in `value`, `default`, `fallback` and `match` only".to_owned(),
    };
    let message = format!("`${{{name}}}` is not replaced here");
    Some(Diagnostic::error(Code::Variable, message).at(&part(node, &at)).help(help))
}
