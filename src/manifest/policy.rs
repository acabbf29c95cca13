//! Policies and `defaults`: the most specific wins, field before load before defaults.
//!
//! Must not know what a policy does to a row.

use super::choices::Duplicates;
use super::migration::Budget;
use super::source::{SourceWords, read_defaults as read_source_defaults};
use super::values::{take_scalar, wrong};
use super::words::{
    BLANK, DEFAULTS, DUPLICATES, ON_MISSING, TOO_LONG, TOO_PRECISE, UNMAPPED, refuse_unbuilt,
};
use crate::diagnostic::Diagnostic;
use crate::transform::{Blank, OnMissing, TooLong, TooPrecise, Unmapped};
use crate::yaml::{MapReader, Node};

/// The policies that a field, a load and the defaults may state.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Policies {
    /// `on_missing`.
    pub(super) on_missing: Option<OnMissing>,
    /// `blank`.
    pub(super) blank: Option<Blank>,
    /// `unmapped`.
    pub(super) unmapped: Option<Unmapped>,
    /// `too_long`.
    pub(super) too_long: Option<TooLong>,
    /// `too_precise`.
    pub(super) too_precise: Option<TooPrecise>,
}

impl Policies {
    /// Takes what is stated here.
    pub(super) fn read(reader: &mut MapReader<'_, '_>) -> Self {
        Self {
            on_missing: reader.take_word("on_missing", ON_MISSING),
            blank: reader.take_word("blank", BLANK),
            unmapped: reader.take_word("unmapped", UNMAPPED),
            too_long: reader.take_word("too_long", TOO_LONG),
            too_precise: reader.take_word("too_precise", TOO_PRECISE),
        }
    }

    /// These, and the outer ones where these say nothing.
    pub(super) fn or(self, outer: Self) -> Self {
        Self {
            on_missing: self.on_missing.or(outer.on_missing),
            blank: self.blank.or(outer.blank),
            unmapped: self.unmapped.or(outer.unmapped),
            too_long: self.too_long.or(outer.too_long),
            too_precise: self.too_precise.or(outer.too_precise),
        }
    }
}

/// What holds for every load that does not say otherwise.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    /// How sources are written.
    pub(super) source: SourceWords,
    /// The policies.
    pub(super) policies: Policies,
    /// `duplicates`.
    pub(super) duplicates: Option<Duplicates>,
    /// `max_failed`.
    pub(super) max_failed: Option<Budget>,
}

/// Reads `defaults`.
pub(super) fn read_defaults(node: Option<&Node>, problems: &mut Vec<Diagnostic>) -> Defaults {
    let Some(node) = node else { return Defaults::default() };
    let Some(mut reader) = MapReader::new(node, "`defaults`", problems) else { return Defaults::default() };
    refuse_unbuilt(node, DEFAULTS, &mut reader);
    let source = reader.take("source").map(|node| read_source_defaults(node, reader.problems()));
    let defaults = Defaults {
        source: source.unwrap_or_default(),
        policies: Policies::read(&mut reader),
        duplicates: reader.take_word("duplicates", DUPLICATES),
        max_failed: read_budget(&mut reader),
    };
    reader.finish();
    defaults
}

/// Takes `max_failed`: `N` or `N%`.
pub(super) fn read_budget(reader: &mut MapReader<'_, '_>) -> Option<Budget> {
    let node = take_scalar(reader, "max_failed")?;
    let text = node.text()?.trim();
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let budget = match text.strip_suffix('%').map(str::trim_end) {
        Some(number) if digits(number) => {
            number.parse().ok().filter(|percent| *percent <= 100.0).map(Budget::Percent)
        }
        None if digits(text) => text.parse().ok().map(Budget::Rows),
        _ => None,
    };
    if budget.is_none() {
        let problem = wrong(node, format!("`{text}` is not a number of rows or a percentage"));
        reader.problem(problem.help("write `50`, or `5%` (at most `100%`)"));
    }
    budget
}
