//! `check` of a filter: does it exist, has it the right arguments, do they make sense.

use super::checker::{Checked, Checker, Kind};
use super::dates::{Pattern, Zone};
use super::datum::Datum;
use super::filters::FILTERS;
use super::reading::Marks;
use super::syntax::{Call, Node};
use super::token::Trouble;
use super::tree::{Filter, Tree};
use crate::diagnostic::{Code, near_name};

/// Filters of other languages, by what to write instead.
const OTHERS: &[(&str, &str)] = &[
    ("int", "number"),
    ("float", "number"),
    ("decimal", "number"),
    ("strip", "trim"),
    ("capitalize", "title"),
    ("boolean", "bool"),
    ("d", "default"),
    ("coalesce", "default"),
    ("uppercase", "upper"),
    ("lowercase", "lower"),
    ("left", "truncate"),
    ("strptime", "datetime"),
    ("to_date", "date"),
];

/// Checks `base | name(arguments)`.
pub(super) fn filter(checker: &mut Checker<'_>, base: Checked, call: &Call) -> Checked {
    let (tree, kind) = base;
    let Some(doc) = FILTERS.iter().find(|doc| doc.name == call.name) else {
        checker.error(unknown(call));
        return (tree, Kind::Any);
    };
    if kind == Kind::List && doc.name != "default" {
        let message = format!("`{}` works on one value, not on a list", doc.name);
        checker.error(Trouble::new(Code::FilterArguments, call.at.clone(), message));
    }
    let parameters = parameters(doc.name);
    let Some(given) = assign(checker, call, parameters, doc.signature) else { return (tree, Kind::Any) };
    let (filter, result) = build(checker, call, &given, kind);
    match filter {
        Some(filter) => (Tree::Apply(Box::new(tree), filter), result),
        None => (tree, result),
    }
}

fn unknown(call: &Call) -> Trouble {
    let trouble =
        Trouble::new(Code::UnknownFilter, call.at.clone(), format!("there is no filter `{}`", call.name));
    let known = OTHERS.iter().find(|(other, _)| *other == call.name).map(|(_, ours)| *ours);
    match known.or_else(|| near_name(&call.name, FILTERS.iter().map(|doc| doc.name))) {
        Some(near) => trouble.help(format!("did you mean `{near}`?")),
        None => {
            let names: Vec<&str> = FILTERS.iter().map(|doc| doc.name).collect();
            trouble.help(format!("there are {}", names.join(", ")))
        }
    }
}

/// A filter's parameters: name, and whether it must be given.
fn parameters(filter: &str) -> &'static [(&'static str, bool)] {
    match filter {
        "default" => &[("text", true)],
        "replace" => &[("old", true), ("new", true)],
        "truncate" => &[("n", true)],
        "number" => &[("thousands", false), ("decimal", false), ("currency", false)],
        "date" => &[("fmt", false)],
        "datetime" => &[("fmt", false), ("zone", false)],
        _ => &[],
    }
}

/// Puts the arguments in the order of the parameters.
fn assign<'c>(
    checker: &mut Checker<'_>,
    call: &'c Call,
    parameters: &[(&'static str, bool)],
    signature: &str,
) -> Option<Vec<Option<&'c Node>>> {
    let mut given: Vec<Option<&Node>> = vec![None; parameters.len()];
    for (position, (name, node)) in call.arguments.iter().enumerate() {
        let index = match name {
            Some(name) => parameters.iter().position(|(parameter, _)| parameter == name),
            None => Some(position),
        };
        match index.and_then(|index| given.get_mut(index)) {
            Some(slot) if slot.is_none() => *slot = Some(node),
            _ => return wrong_arguments(checker, call, signature),
        }
    }
    let complete = parameters.iter().zip(&given).all(|((_, needed), given)| !needed || given.is_some());
    if complete { Some(given) } else { wrong_arguments(checker, call, signature) }
}

fn wrong_arguments<T>(checker: &mut Checker<'_>, call: &Call, signature: &str) -> Option<T> {
    let message = format!("wrong arguments for the filter `{}`", call.name);
    checker.error(
        Trouble::new(Code::FilterArguments, call.at.clone(), message)
            .help(format!("it is written `{signature}`")),
    );
    None
}

fn build(
    checker: &mut Checker<'_>,
    call: &Call,
    given: &[Option<&Node>],
    kind: Kind,
) -> (Option<Filter>, Kind) {
    let argument = |index: usize| given.get(index).copied().flatten();
    match call.name.as_str() {
        "trim" => (Some(Filter::Trim), Kind::Text),
        "squish" => (Some(Filter::Squish), Kind::Text),
        "lower" => (Some(Filter::Lower), Kind::Text),
        "upper" => (Some(Filter::Upper), Kind::Text),
        "title" => (Some(Filter::Title), Kind::Text),
        "digits" => (Some(Filter::Digits), Kind::Text),
        "bool" => (Some(Filter::Bool), Kind::Bool),
        "default" => default(checker, argument(0), kind),
        "replace" => (replace(checker, call, argument(0), argument(1)), Kind::Text),
        "truncate" => (truncate(checker, call, argument(0)), Kind::Text),
        "number" => {
            let marks = marks(checker, call, [argument(0), argument(1), argument(2)]);
            (marks.map(Filter::Number), Kind::Number)
        }
        "date" => (pattern(checker, argument(0)).map(Filter::Date), Kind::Date),
        _ => (datetime(checker, call, argument(0), argument(1)), Kind::DateTime),
    }
}

fn default(checker: &mut Checker<'_>, other: Option<&Node>, kind: Kind) -> (Option<Filter>, Kind) {
    let Some(node) = other else { return (None, kind) };
    let (tree, other) = checker.check(node);
    (Some(Filter::Default(Box::new(tree))), if kind == other { kind } else { Kind::Any })
}

fn replace(checker: &mut Checker<'_>, call: &Call, old: Option<&Node>, new: Option<&Node>) -> Option<Filter> {
    let (old, _) = checker.check(old?);
    let (new, _) = checker.check(new?);
    if let Tree::Const(datum) = &old
        && datum.is_empty()
    {
        checker.error(Trouble::new(Code::FilterArguments, call.at.clone(), "`replace` of an empty text"));
    }
    Some(Filter::Replace(Box::new([old, new])))
}

fn truncate(checker: &mut Checker<'_>, call: &Call, count: Option<&Node>) -> Option<Filter> {
    let (tree, _) = checker.check(count?);
    let number = match tree {
        Tree::Const(Datum::Number(number)) => number.as_count(),
        _ => None,
    };
    if number.is_none() {
        let trouble = Trouble::new(
            Code::FilterArguments,
            call.at.clone(),
            "`truncate` takes a whole number, written out",
        );
        checker.error(trouble);
    }
    number.map(Filter::Truncate)
}

/// A text argument that is the same for every row: written out, or a variable. `Err` where it is not.
fn fixed(checker: &mut Checker<'_>, node: Option<&Node>) -> Result<Option<String>, ()> {
    let Some(node) = node else { return Ok(None) };
    match checker.check(node).0 {
        Tree::Const(Datum::Text(text)) => Ok(Some(text.into_owned())),
        _ => {
            let message = "this argument must be a text that is the same for every row";
            checker.error(Trouble::new(Code::FilterArguments, node.at.clone(), message));
            Err(())
        }
    }
}

/// The marks of `number`; `None` after an error.
fn marks(checker: &mut Checker<'_>, call: &Call, given: [Option<&Node>; 3]) -> Option<Marks> {
    let [thousands, decimal, currency] = given.map(|node| fixed(checker, node));
    let (grouping, point, currency) = (thousands.ok()?, decimal.ok()?, currency.ok()?);
    let (grouping, currency) = (grouping.unwrap_or_default(), currency.unwrap_or_default());
    match marks_of(&grouping, point.as_deref().unwrap_or("."), currency.trim()) {
        Ok(marks) => Some(marks),
        Err(fault) => {
            let at = given[1].or(given[0]).or(given[2]).map_or(&call.at, |node| &node.at).clone();
            let trouble = Trouble::new(Code::FilterArguments, at, fault);
            let help = "where `.` groups thousands, write `number(thousands=\".\", decimal=\",\")`";
            checker.error(if fault.ends_with("same") { trouble.help(help) } else { trouble });
            None
        }
    }
}

fn marks_of(grouping: &str, point: &str, currency: &str) -> Result<Marks, &'static str> {
    let usable = |c: &char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '+');
    let one = |text: &str| {
        let mut chars = text.chars();
        chars.next().filter(usable).filter(|_| chars.next().is_none())
    };
    let decimal = one(point).ok_or("the decimal mark is one character, no letter, no digit and no sign")?;
    if grouping.contains(decimal) {
        return Err("the thousands mark and the decimal mark are the same");
    }
    let thousands = one(grouping);
    if thousands.is_none() && !grouping.is_empty() {
        return Err("a thousands mark is one character, no letter, no digit and no sign");
    }
    if currency.chars().any(|c| c.is_ascii_digit() || matches!(c, '-' | '+')) {
        return Err("a currency is a sign or a word, without digits, plus or minus");
    }
    Ok(Marks { thousands, decimal, currency: currency.to_owned() })
}

/// The format, if one is given and right; `None` after an error.
fn pattern(checker: &mut Checker<'_>, node: Option<&Node>) -> Option<Option<Pattern>> {
    let Some(format) = fixed(checker, node).ok()? else { return Some(None) };
    match Pattern::parse(&format) {
        Ok(pattern) => Some(Some(pattern)),
        Err(words) => {
            let at = node.map(|node| node.at.clone()).unwrap_or_default();
            let trouble = Trouble::new(Code::FilterArguments, at, words);
            checker.error(trouble.help("a format names the input, such as `%d/%m/%Y %H:%M`"));
            None
        }
    }
}

fn datetime(
    checker: &mut Checker<'_>,
    call: &Call,
    format: Option<&Node>,
    zone: Option<&Node>,
) -> Option<Filter> {
    let pattern = pattern(checker, format);
    let given = fixed(checker, zone).ok()?;
    let pattern = pattern?;
    let name = given.clone().or_else(|| checker.scope.timezone.clone());
    let found = name.as_deref().map(Zone::named);
    let at = zone.map_or(&call.at, |node| &node.at).clone();
    match found {
        Some(None) => {
            let name = name.unwrap_or_default();
            let trouble = Trouble::new(Code::FilterArguments, at, format!("there is no time zone `{name}`"));
            checker.error(trouble.help("write an IANA name such as `Europe/London` or `UTC`"));
            None
        }
        None if pattern.as_ref().is_some_and(|pattern| !pattern.has_offset()) => {
            let trouble = Trouble::new(Code::FilterArguments, at, "nothing says which time zone this is in");
            checker.error(
                trouble.help(
                    "add `zone=\"Europe/London\"`, or `timezone:` to the source, or `%z` to the format",
                ),
            );
            None
        }
        found => Some(Filter::DateTime(pattern, found.flatten())),
    }
}
