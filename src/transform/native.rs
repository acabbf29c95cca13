//! The quick path: constants, columns, filters on these and joins of all that, evaluated without minijinja.
//!
//! Calls the same functions that minijinja calls; a property test holds the two equal.

use super::datum::Datum;
use super::fault::Fault;
use super::tree::{Filter, Tree};
use super::{dates, filters, length, operators};

/// Where columns come from while a row is read.
pub(super) trait Cells {
    /// The text of a column.
    fn text(&self, column: usize) -> &str;
}

/// Evaluates a tree for which [`Tree::is_native`] holds.
pub(super) fn evaluate<'r>(tree: &'r Tree, row: &'r dyn Cells) -> Result<Datum<'r>, Fault> {
    match tree {
        Tree::Const(datum) => Ok(datum.clone()),
        Tree::Column(column) => Ok(Datum::borrowed(row.text(*column))),
        Tree::Apply(base, filter) => apply(filter, evaluate(base, row)?, row),
        Tree::Join(parts) => join(parts, row),
        _ => Err(Fault::new("not an expression for native code")),
    }
}

/// All parts are evaluated before any is judged: a fault in one counts, though another is missing.
fn join<'r>(parts: &'r [Tree], row: &'r dyn Cells) -> Result<Datum<'r>, Fault> {
    let mut fault = None;
    let parts = parts.iter().map_while(|part| evaluate(part, row).map_err(|f| fault = Some(f)).ok());
    let joined = operators::join(parts);
    fault.map_or(joined, Err)
}

fn apply<'r>(filter: &'r Filter, value: Datum<'r>, row: &'r dyn Cells) -> Result<Datum<'r>, Fault> {
    match filter {
        Filter::Default(other) => filters::default(value, || evaluate(other, row)),
        Filter::Replace(texts) => {
            let (old, new) = (evaluate(&texts[0], row)?, evaluate(&texts[1], row)?);
            replace(value, old, new)
        }
        simple => apply_simple(simple, value),
    }
}

/// `replace` with arguments that may themselves be missing: then so is the result.
pub(super) fn replace<'a>(value: Datum<'a>, old: Datum<'_>, new: Datum<'_>) -> Result<Datum<'a>, Fault> {
    if old == Datum::Missing || new == Datum::Missing {
        return Ok(Datum::Missing);
    }
    let (old, new) = (old.into_text(), new.into_text());
    if let Datum::Text(text) = &value {
        let found = if old.is_empty() { 0 } else { text.matches(&*old).count() };
        length::fits(
            text.len().saturating_sub(found * old.len()).saturating_add(found.saturating_mul(new.len())),
        )?;
    }
    filters::text_filter(value, |text| filters::replace(text, &old, &new))
}

/// Applies a filter whose arguments are fixed.
pub(super) fn apply_simple<'a>(filter: &Filter, value: Datum<'a>) -> Result<Datum<'a>, Fault> {
    match filter {
        Filter::Trim => filters::text_filter(value, filters::trim),
        Filter::Squish => filters::text_filter(value, filters::squish),
        Filter::Lower => filters::text_filter(value, filters::lower),
        Filter::Upper => filters::text_filter(value, filters::upper),
        Filter::Title => filters::text_filter(value, filters::title),
        Filter::Digits => filters::text_filter(value, filters::digits),
        Filter::Truncate(characters) => {
            filters::text_filter(value, |text| filters::truncate(text, *characters))
        }
        Filter::Number(marks) => filters::number(value, marks),
        Filter::Bool => filters::boolean(value),
        Filter::Date(pattern) => dated(value, |text| dates::date(text, pattern.as_ref())),
        Filter::DateTime(pattern, zone) => {
            dated(value, |text| dates::datetime(text, pattern.as_ref(), zone.as_ref()))
        }
        Filter::Default(_) | Filter::Replace(_) => Err(Fault::new("a filter without its arguments")),
    }
}

/// A date or time read from text, space at its ends left out; of a blank: missing.
fn dated<'a>(value: Datum<'_>, read: impl FnOnce(&str) -> Result<String, Fault>) -> Result<Datum<'a>, Fault> {
    filters::read_text(value, |text| read(text).map(|iso| Datum::Text(iso.into())))
}

/// A cell as expressions see it: one of nothing but white space is blank.
pub(super) fn seen(cell: &str) -> &str {
    // Most cells begin with a letter or digit, and need no look at the rest.
    let may = cell.as_bytes().first().is_some_and(|first| *first <= b' ' || !first.is_ascii());
    if may && cell.trim().is_empty() { "" } else { cell }
}
