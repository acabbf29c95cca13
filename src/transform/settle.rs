//! From an expression's value to a cell: default, blank policy, map, match, convert, in the specification's order.

use super::alternatives::{FAULT, OR};
use super::cell_out::{CellOut, Link};
use super::convert::{Changed, Converter};
use super::datum::Datum;
use super::fault::Fault;
use super::reference_key;
use super::rule::{
    Blank, FieldRule, Fold, Inactive, Matcher, OnMissing, Other, RefTarget, TableEntry, Unmapped,
};
use crate::diagnostic::Code;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What Salesforce reads as "remove the value": only we may write it.
const CLEAR: &str = "#N/A";

/// Why a row is rejected by a field.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Its code.
    pub(super) code: Code,
    /// Why, without the value.
    pub(super) fault: Fault,
    /// Whether the row waits for what it did not find.
    pub(super) held: bool,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self { code: Code::RowValue, fault, held: false }
    }
}

fn unmatched(words: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal { code: Code::RowUnmatched, fault: Fault::new(words), held: false }
}

/// Gives the type of the n-th reference of a rule, where it is polymorphic.
type Tag<'t, 'v> = &'t dyn Fn(usize) -> Result<Cow<'v, str>, Fault>;

/// Settles one cell; what it receives is appended to `out`.
pub(super) fn settle<'v>(
    rule: &FieldRule,
    converter: &Converter,
    value: Datum<'v>,
    tag: Tag<'_, 'v>,
    out: &mut String,
) -> Result<(CellOut, Changed), Refusal> {
    let text = match filled(rule, converter, value)? {
        Some(text) => text,
        None => return Ok((blank(rule), Changed::default())),
    };
    let Some(text) = mapped(rule, converter, text)? else { return Ok((blank(rule), Changed::default())) };
    if text == CLEAR {
        return Err(written_clear());
    }
    match &rule.matcher {
        Matcher::None => converted(rule, converter, &text, out),
        Matcher::Ref { targets, .. } => {
            let Some(target) = picked(targets, rule.other, || tag(0))? else {
                return Ok((blank(rule), Changed::default()));
            };
            Ok((CellOut::Ref { target, key: referred(&targets[target], &text, out)? }, Changed::default()))
        }
        matcher if matcher.chains() => chain(rule, converter, &text, tag, out),
        Matcher::Table { .. } | Matcher::FirstOf(_) => match found(rule, &text)? {
            Some(hit) => settled(hit, rule, converter, out),
            None => Ok((blank(rule), Changed::default())),
        },
    }
}

/// What was found for good.
fn settled(
    hit: Hit<'_>,
    rule: &FieldRule,
    converter: &Converter,
    out: &mut String,
) -> Result<(CellOut, Changed), Refusal> {
    match hit {
        Hit::Id(id) | Hit::Key(_, _, id) => Ok((CellOut::Text(append(id, out)), Changed::default())),
        Hit::Text(CLEAR) => Err(written_clear()),
        Hit::Text(text) => converted(rule, converter, text, out),
    }
}

/// Everything that a value may be, up to what is there for certain; then the same of the fallback.
fn chain<'v>(
    rule: &FieldRule,
    converter: &Converter,
    text: &str,
    tag: Tag<'_, 'v>,
    out: &mut String,
) -> Result<(CellOut, Changed), Refusal> {
    let fallback = rule.fallback.as_deref().filter(|fallback| is_filled(fallback));
    let mut links = Vec::new();
    for (round, text) in [Some(text), fallback].into_iter().flatten().enumerate() {
        if let Some((cell, changed)) = references(rule, converter, round, text, tag, &mut links, out)? {
            links.extend(if let CellOut::Text(text) = cell { Some(Link::Text(text)) } else { None });
            return Ok((CellOut::Chain(links), changed));
        }
    }
    match links.is_empty() {
        true => nothing(rule).map(|()| (blank(rule), Changed::default())),
        false => Ok((CellOut::Chain(links), Changed::default())),
    }
}

/// Adds the references that a text comes to; gives what comes behind them, if anything does. What fails behind a reference
/// is nothing to the row if that is there, and not there itself.
fn references<'v>(
    rule: &FieldRule,
    converter: &Converter,
    round: usize,
    text: &str,
    tag: Tag<'_, 'v>,
    links: &mut Vec<Link>,
    out: &mut String,
) -> Result<Option<(CellOut, Changed)>, Refusal> {
    let own = rule.matcher.references().len();
    let mut last = None;
    hits(&rule.matcher, text, &mut |hit, whole| {
        let start = out.len();
        let found = hit.and_then(|hit| match hit {
            Hit::Key(nth, targets, key) => {
                // A default and a fallback are keys of the first object, as beside a `ref` that stands alone.
                let theirs = round > 0 || whole;
                let target = if theirs { Some(0) } else { picked(targets, rule.other, || tag(nth))? };
                if let Some(target) = target {
                    let key = referred(&targets[target], key, out)?;
                    links.push(Link::Ref { seat: round * own + nth, target, key });
                }
                Ok(None)
            }
            hit => settled(hit, rule, converter, out).map(Some),
        });
        match found {
            Ok(found) => last = found,
            Err(_) if !links.is_empty() => out.truncate(start),
            Err(refusal) => return Err(refusal),
        }
        Ok(last.is_some())
    })?;
    Ok(last)
}

fn written_clear() -> Refusal {
    let words =
        "the value is `#N/A`, which would remove the org's value; list it in `null_values`, or map it";
    Fault::new(words).into()
}

/// The key of a parent, as its own field has it.
fn referred(target: &RefTarget, key: &str, out: &mut String) -> Result<std::ops::Range<usize>, Fault> {
    let start = out.len();
    reference_key::refer(&target.key, key, out)?;
    Ok(start..out.len())
}

/// Whether a text holds anything but white space.
fn is_filled(text: &str) -> bool {
    !text.trim().is_empty()
}

fn append(text: &str, out: &mut String) -> std::ops::Range<usize> {
    let start = out.len();
    out.push_str(text);
    start..out.len()
}

fn blank(rule: &FieldRule) -> CellOut {
    match rule.blank {
        Blank::Keep => CellOut::Absent,
        Blank::Clear => CellOut::Clear,
    }
}

fn converted(
    rule: &FieldRule,
    converter: &Converter,
    text: &str,
    out: &mut String,
) -> Result<(CellOut, Changed), Refusal> {
    let start = out.len();
    let changed = converter.write(text, out)?;
    // What was cut may have left nothing but the space before it.
    let cell = if is_filled(&out[start..]) { CellOut::Text(start..out.len()) } else { blank(rule) };
    Ok((cell, changed))
}

/// The value as text with `default` filled in; `None` is blank.
fn filled<'v>(
    rule: &'v FieldRule,
    converter: &Converter,
    value: Datum<'v>,
) -> Result<Option<Cow<'v, str>>, Fault> {
    if matches!(value, Datum::List(_)) && !converter.takes_lists() {
        return Err(Fault::new("the expression gives a list, and only a multipicklist takes one"));
    }
    let blank = value.is_blank();
    let text = value.into_text();
    let text = match blank || rule.matcher.is_blank(&text) {
        true => Cow::Borrowed(rule.default.as_deref().unwrap_or("")),
        false => text,
    };
    Ok(is_filled(&text).then_some(text))
}

/// The value after its map; `None` is blank.
fn mapped<'v>(
    rule: &'v FieldRule,
    converter: &Converter,
    text: Cow<'v, str>,
) -> Result<Option<Cow<'v, str>>, Refusal> {
    let Some(map) = &rule.map else { return Ok(Some(text)) };
    if let Some(to) = map.get(&text) {
        return Ok(Some(Cow::Borrowed(to)).filter(|to| is_filled(to)));
    }
    if converter.takes_lists() && text.contains(';') {
        return mapped_parts(rule, &text);
    }
    match otherwise(rule)? {
        Otherwise::Text(fallback) => Ok(Some(Cow::Borrowed(fallback)).filter(|to| is_filled(to))),
        Otherwise::Blank => Ok(None),
        Otherwise::Pass => Ok(Some(text)),
    }
}

/// Each value of a multipicklist by itself; values that become the same are sent once.
fn mapped_parts<'v>(rule: &'v FieldRule, text: &str) -> Result<Option<Cow<'v, str>>, Refusal> {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split(';').filter(|part| !part.trim().is_empty()) {
        let to = match rule.map.as_ref().and_then(|map| map.get(part)) {
            Some(to) => to,
            None => match otherwise(rule)? {
                Otherwise::Text(fallback) => fallback,
                Otherwise::Blank => "",
                Otherwise::Pass => part,
            },
        };
        if is_filled(to) && !parts.contains(&to) {
            parts.push(to);
        }
    }
    Ok((!parts.is_empty()).then(|| Cow::Owned(parts.join(";"))))
}

enum Otherwise<'a> {
    Text(&'a str),
    Blank,
    Pass,
}

fn otherwise(rule: &FieldRule) -> Result<Otherwise<'_>, Refusal> {
    match (&rule.fallback, rule.unmapped) {
        (Some(fallback), _) => Ok(Otherwise::Text(fallback)),
        (None, Unmapped::Blank) => Ok(Otherwise::Blank),
        (None, Unmapped::Pass) => Ok(Otherwise::Pass),
        (None, Unmapped::Reject) => {
            Err(unmatched("the map has no such value; add it, a `fallback` or `unmapped`"))
        }
    }
}

/// Which target of a reference is meant; `None` is blank.
fn picked<'v>(
    targets: &[RefTarget],
    other: Other,
    tag: impl FnOnce() -> Result<Cow<'v, str>, Fault>,
) -> Result<Option<usize>, Refusal> {
    if let [RefTarget { tag: None, .. }] = targets {
        return Ok(Some(0));
    }
    let wanted = tag()?;
    match targets.iter().position(|target| target.tag.as_deref() == Some(wanted.trim())) {
        None if other == Other::Reject => Err(unmatched("the `type` is none of those listed under `ref`")),
        index => Ok(index),
    }
}

/// What a text came to.
#[derive(Clone, Copy)]
enum Hit<'x> {
    /// A record of a table.
    Id(&'x str),
    /// A text that is taken as it stands.
    Text(&'x str),
    /// The key of a record that is loaded here, by which of the references.
    Key(usize, &'x [RefTarget], &'x str),
}

/// What a text finds, else the fallback; `None` is blank.
fn found<'x>(rule: &'x FieldRule, text: &'x str) -> Result<Option<Hit<'x>>, Refusal> {
    if let Some(hit) = first(&rule.matcher, text)? {
        return Ok(Some(hit));
    }
    if let Some(fallback) = rule.fallback.as_deref().filter(|fallback| is_filled(fallback))
        && let Some(hit) = first(&rule.matcher, fallback)?
    {
        return Ok(Some(hit));
    }
    nothing(rule).map(|()| None)
}

/// What becomes of a value that nothing matched: an error, or a blank.
fn nothing(rule: &FieldRule) -> Result<(), Refusal> {
    let mut kinds: Vec<&str> = rule.matcher.tables().iter().map(|(what, ..)| *what).collect();
    kinds.dedup();
    let nobody = unmatched(format!("the org has no such {}", kinds.join(" or ")));
    match rule.on_missing {
        OnMissing::Blank => Ok(()),
        // A record may yet come; of users, queues and record types nobody expects that.
        OnMissing::Hold if kinds == ["record"] => Err(Refusal { held: true, ..nobody }),
        OnMissing::Hold | OnMissing::Reject => Err(nobody),
    }
}

/// The first thing that a text finds.
fn first<'x>(matcher: &'x Matcher, text: &'x str) -> Result<Option<Hit<'x>>, Refusal> {
    let mut found = None;
    hits(matcher, text, &mut |hit, _| {
        found = Some(hit?);
        Ok(true)
    })?;
    Ok(found)
}

/// Shows what the alternatives of a text find, in their order, until `enough` says so, which is also told of those that fail,
/// and whether the text is a whole. A default or a fallback has no alternatives: it is looked for wherever something is
/// looked for.
fn hits<'x>(
    matcher: &'x Matcher,
    text: &'x str,
    enough: &mut dyn FnMut(Result<Hit<'x>, Refusal>, bool) -> Result<bool, Refusal>,
) -> Result<(), Refusal> {
    let all = matcher.each();
    let own: Vec<&str> = text.split(OR).collect();
    let whole = own.len() != all.len();
    if whole && own.len() > 1 {
        return Err(unmatched("the value holds the control character U+001E"));
    }
    let looks = all.iter().any(|one| !matches!(one, Matcher::None));
    let mut nth = 0;
    for (at, one) in all.iter().enumerate() {
        let text = if whole { text } else { own[at] };
        let hit = match (text.strip_prefix(FAULT), one) {
            (Some(words), _) => Some(Err(Fault::new(words.to_owned()).into())),
            _ if one.is_blank(text) => None,
            (_, Matcher::None) => Some(Ok(Hit::Text(text))).filter(|_| !(whole && looks)),
            (_, Matcher::Ref { targets, .. }) => Some(Ok(Hit::Key(nth, targets, text))),
            (_, Matcher::Table { what, ids, fold }) => {
                entry(what, ids, *fold, text).map(|id| id.map(Hit::Id)).transpose()
            }
            (_, Matcher::FirstOf(_)) => None,
        };
        nth += usize::from(matches!(one, Matcher::Ref { .. }));
        if let Some(hit) = hit
            && enough(hit, whole)?
        {
            return Ok(());
        }
    }
    Ok(())
}

fn entry<'r>(
    what: &str,
    ids: &'r BTreeMap<String, TableEntry>,
    fold: Fold,
    text: &str,
) -> Result<Option<&'r str>, Refusal> {
    match ids.get(&*fold.apply(text)) {
        Some(TableEntry::Id(id)) | Some(TableEntry::Inactive { id, policy: Inactive::Keep }) => Ok(Some(id)),
        Some(TableEntry::Inactive { policy: Inactive::Reject, .. }) => {
            Err(unmatched(format!("the {what} is inactive")))
        }
        Some(TableEntry::Inactive { policy: Inactive::Fallback, .. }) | None => Ok(None),
        Some(TableEntry::Ambiguous) => Err(unmatched(format!("more than one {what} matches"))),
    }
}
