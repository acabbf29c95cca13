//! From an expression's value to a cell: default, blank policy, map, match, convert, in the specification's order.

use super::alternatives::{FAULT, OR};
use super::cell_out::{CellOut, Link};
use super::convert::Converter;
use super::datum::Datum;
use super::fault::Fault;
use super::reference_key;
use super::rule::{
    Blank, FieldRule, Fold, Inactive, Matcher, OnMissing, Other, RefTarget, TableEntry, Unmapped,
};
use crate::diagnostic::Code;
use crate::model::{Leniency, LeniencySet};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

/// What Salesforce reads as "remove the value": only we may write it.
const CLEAR: &str = "#N/A";

/// A field's rule with what it notes of the value at hand.
pub(super) struct By<'r> {
    pub(super) rule: &'r FieldRule,
    pub(super) converter: &'r Converter,
    noted: Cell<LeniencySet>,
}

impl<'r> By<'r> {
    pub(super) fn new(rule: &'r FieldRule, converter: &'r Converter) -> Self {
        Self { rule, converter, noted: Cell::default() }
    }

    pub(super) fn note(&self, one: Leniency) {
        self.noted.set(self.noted.get().with(one));
    }

    /// What happened to the value because the rule allows it.
    pub(super) fn noted(&self) -> LeniencySet {
        self.noted.get()
    }
}

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
    by: &By<'v>,
    value: Datum<'v>,
    tag: Tag<'_, 'v>,
    out: &mut String,
) -> Result<CellOut, Refusal> {
    let Some(text) = filled(by, value)? else { return Ok(blank(by)) };
    let Some(text) = mapped(by, text)? else { return Ok(blank(by)) };
    if text == CLEAR {
        return Err(written_clear());
    }
    match &by.rule.matcher {
        Matcher::None => converted(by, &text, out),
        Matcher::Ref { targets, .. } => {
            let Some(target) = picked(targets, by, || tag(0))? else { return Ok(blank(by)) };
            Ok(CellOut::Ref { target, key: referred(&targets[target], &text, out)? })
        }
        matcher if matcher.chains() => chain(by, &text, tag, out),
        Matcher::Table { .. } | Matcher::FirstOf(_) => match found(by, &text)? {
            Some(hit) => settled(hit, by, out),
            None => Ok(blank(by)),
        },
    }
}

/// What was found for good.
fn settled(hit: Hit<'_>, by: &By<'_>, out: &mut String) -> Result<CellOut, Refusal> {
    match hit {
        Hit::Id(id) | Hit::Key(_, _, id) => Ok(CellOut::Text(append(id, out))),
        Hit::Text(CLEAR) => Err(written_clear()),
        Hit::Text(text) => converted(by, text, out),
    }
}

/// Everything that a value may be, up to what is there for certain; then the same of the fallback.
fn chain<'v>(by: &By<'_>, text: &str, tag: Tag<'_, 'v>, out: &mut String) -> Result<CellOut, Refusal> {
    let fallback = by.rule.fallback.as_deref().filter(|fallback| is_filled(fallback));
    let mut links = Vec::new();
    for (round, text) in [Some(text), fallback].into_iter().flatten().enumerate() {
        if let Some(cell) = references(by, round, text, tag, &mut links, out)? {
            links.extend(if let CellOut::Text(text) = cell {
                Some(Link::Last { text, fallback: round > 0 })
            } else {
                None
            });
            return Ok(CellOut::Chain(links));
        }
    }
    match links.is_empty() {
        true => nothing(by).map(|()| blank(by)),
        false => Ok(CellOut::Chain(links)),
    }
}

/// Adds the references that a text comes to; gives what comes behind them, if anything does. What fails behind a reference
/// is nothing to the row if that is there, and not there itself.
fn references<'v>(
    by: &By<'_>,
    round: usize,
    text: &str,
    tag: Tag<'_, 'v>,
    links: &mut Vec<Link>,
    out: &mut String,
) -> Result<Option<CellOut>, Refusal> {
    let own = by.rule.matcher.references().len();
    let mut last = None;
    hits(by, text, &mut |hit, whole| {
        let start = out.len();
        let found = hit.and_then(|hit| match hit {
            Hit::Key(nth, targets, key) => {
                // A default and a fallback are keys of the first object, as beside a `ref` that stands alone.
                let theirs = round > 0 || whole;
                let target = if theirs { Some(0) } else { picked(targets, by, || tag(nth))? };
                if let Some(target) = target {
                    let key = referred(&targets[target], key, out)?;
                    links.push(Link::Ref { seat: round * own + nth, target, key });
                }
                Ok(None)
            }
            hit => settled(hit, by, out).map(Some),
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

fn blank(by: &By<'_>) -> CellOut {
    match by.rule.blank {
        Blank::Keep => CellOut::Absent,
        Blank::Clear => {
            by.note(Leniency::Cleared);
            CellOut::Clear
        }
    }
}

fn converted(by: &By<'_>, text: &str, out: &mut String) -> Result<CellOut, Refusal> {
    let start = out.len();
    let changed = by.converter.write(text, out)?;
    let happened = [(changed.rounded, Leniency::Rounded), (changed.truncated, Leniency::Truncated)];
    happened.iter().filter(|(it, _)| *it).for_each(|(_, one)| by.note(*one));
    // What was cut may have left nothing but the space before it.
    Ok(if is_filled(&out[start..]) { CellOut::Text(start..out.len()) } else { blank(by) })
}

/// The value as text with `default` filled in; `None` is blank.
fn filled<'v>(by: &By<'v>, value: Datum<'v>) -> Result<Option<Cow<'v, str>>, Fault> {
    let rule = by.rule;
    if matches!(value, Datum::List(_)) && !by.converter.takes_lists() {
        return Err(Fault::new("the expression gives a list, and only a multipicklist takes one"));
    }
    let blank = value.is_blank();
    let text = value.into_text();
    let text = match blank || rule.matcher.is_blank(&text) {
        true => {
            rule.default.iter().filter(|text| is_filled(text)).for_each(|_| by.note(Leniency::Default));
            Cow::Borrowed(rule.default.as_deref().unwrap_or(""))
        }
        false => text,
    };
    Ok(is_filled(&text).then_some(text))
}

/// The value after its map; `None` is blank.
fn mapped<'v>(by: &By<'v>, text: Cow<'v, str>) -> Result<Option<Cow<'v, str>>, Refusal> {
    let Some(map) = &by.rule.map else { return Ok(Some(text)) };
    if let Some(to) = map.get(&text) {
        return Ok(Some(Cow::Borrowed(to)).filter(|to| is_filled(to)));
    }
    if by.converter.takes_lists() && text.contains(';') {
        return mapped_parts(by, &text);
    }
    match otherwise(by)? {
        Otherwise::Text(fallback) => Ok(Some(Cow::Borrowed(fallback)).filter(|to| is_filled(to))),
        Otherwise::Blank => Ok(None),
        Otherwise::Pass => Ok(Some(text)),
    }
}

/// Each value of a multipicklist by itself; values that become the same are sent once.
fn mapped_parts<'v>(by: &By<'v>, text: &str) -> Result<Option<Cow<'v, str>>, Refusal> {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split(';').filter(|part| !part.trim().is_empty()) {
        let to = match by.rule.map.as_ref().and_then(|map| map.get(part)) {
            Some(to) => to,
            None => match otherwise(by)? {
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

fn otherwise<'r>(by: &By<'r>) -> Result<Otherwise<'r>, Refusal> {
    let (instead, noted) = match (&by.rule.fallback, by.rule.unmapped) {
        (Some(fallback), _) => (Otherwise::Text(fallback), Leniency::Fallback),
        (None, Unmapped::Blank) => (Otherwise::Blank, Leniency::UnmappedBlank),
        (None, Unmapped::Pass) => (Otherwise::Pass, Leniency::UnmappedPass),
        (None, Unmapped::Reject) => {
            return Err(unmatched("the map has no such value; add it, a `fallback` or `unmapped`"));
        }
    };
    by.note(noted);
    Ok(instead)
}

/// Which target of a reference is meant; `None` is blank.
fn picked<'v>(
    targets: &[RefTarget],
    by: &By<'_>,
    tag: impl FnOnce() -> Result<Cow<'v, str>, Fault>,
) -> Result<Option<usize>, Refusal> {
    if let [RefTarget { tag: None, .. }] = targets {
        return Ok(Some(0));
    }
    let wanted = tag()?;
    match targets.iter().position(|target| target.tag.as_deref() == Some(wanted.trim())) {
        None if by.rule.other == Other::Reject => {
            Err(unmatched("the `type` is none of those listed under `ref`"))
        }
        None => {
            by.note(Leniency::OtherBlank);
            Ok(None)
        }
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
fn found<'x>(by: &By<'x>, text: &'x str) -> Result<Option<Hit<'x>>, Refusal> {
    if let Some(hit) = first(by, text)? {
        return Ok(Some(hit));
    }
    if let Some(fallback) = by.rule.fallback.as_deref().filter(|fallback| is_filled(fallback))
        && let Some(hit) = first(by, fallback)?
    {
        by.note(Leniency::Fallback);
        return Ok(Some(hit));
    }
    nothing(by).map(|()| None)
}

/// What becomes of a value that nothing matched: an error, or a blank.
fn nothing(by: &By<'_>) -> Result<(), Refusal> {
    let mut kinds: Vec<&str> = by.rule.matcher.tables().iter().map(|(what, ..)| *what).collect();
    kinds.dedup();
    let nobody = unmatched(format!("the org has no such {}", kinds.join(" or ")));
    match by.rule.on_missing {
        OnMissing::Blank => {
            by.note(Leniency::MissingBlank);
            Ok(())
        }
        // A record may yet come; of users, queues and record types nobody expects that.
        OnMissing::Hold if kinds == ["record"] => Err(Refusal { held: true, ..nobody }),
        OnMissing::Hold | OnMissing::Reject => Err(nobody),
    }
}

/// The first thing that a text finds.
fn first<'x>(by: &By<'x>, text: &'x str) -> Result<Option<Hit<'x>>, Refusal> {
    let mut found = None;
    hits(by, text, &mut |hit, _| {
        found = Some(hit?);
        Ok(true)
    })?;
    Ok(found)
}

/// Shows what the alternatives of a text find, in their order, until `enough` says so, which is also told of those that fail,
/// and whether the text is a whole. A default or a fallback has no alternatives: it is looked for wherever something is
/// looked for.
fn hits<'x>(
    by: &By<'x>,
    text: &'x str,
    enough: &mut dyn FnMut(Result<Hit<'x>, Refusal>, bool) -> Result<bool, Refusal>,
) -> Result<(), Refusal> {
    let all = by.rule.matcher.each();
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
                entry(by, what, ids, *fold, text).map(|id| id.map(Hit::Id)).transpose()
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
    by: &By<'_>,
    what: &str,
    ids: &'r BTreeMap<String, TableEntry>,
    fold: Fold,
    text: &str,
) -> Result<Option<&'r str>, Refusal> {
    let entry = ids.get(&*fold.apply(text));
    if matches!(entry, Some(TableEntry::Inactive { .. })) {
        by.note(Leniency::Inactive);
    }
    match entry {
        Some(TableEntry::Id(id)) | Some(TableEntry::Inactive { id, policy: Inactive::Keep }) => Ok(Some(id)),
        Some(TableEntry::Inactive { policy: Inactive::Reject, .. }) => {
            Err(unmatched(format!("the {what} is inactive")))
        }
        Some(TableEntry::Inactive { policy: Inactive::Fallback, .. }) | None => Ok(None),
        Some(TableEntry::Ambiguous) => Err(unmatched(format!("more than one {what} matches"))),
    }
}
