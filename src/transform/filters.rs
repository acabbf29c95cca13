//! Our filters: what each does to one value. Native code and minijinja both call these, so they cannot disagree.
//!
//! Every filter but `default` returns blank for blank. A fault never contains the value.

use super::datum::Datum;
use super::fault::Fault;
use super::length;
use super::number::Number;
use super::reading::{Marks, plain};
use std::borrow::Cow;

/// What the documentation says about a filter; the example is a test.
#[derive(Debug, Clone, Copy)]
pub struct FilterDoc {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub signature: &'static str,
    /// What it does.
    pub about: &'static str,
    /// An expression over the column `value`.
    pub example_expression: &'static str,
    /// What the column holds.
    pub example_input: &'static str,
    /// What comes out.
    pub example_output: &'static str,
}

macro_rules! docs {
    ($($name:literal, $signature:literal, $about:literal, $expression:literal, $input:literal => $output:literal;)*) => {
        /// Every filter.
        pub const FILTERS: &[FilterDoc] = &[$(FilterDoc {
            name: $name, signature: $signature, about: $about,
            example_expression: $expression, example_input: $input, example_output: $output,
        },)*];
    };
}

docs! {
    "trim", "trim", "Removes white space at both ends.",
        "value | trim", "  Acme Ltd \t" => "Acme Ltd";
    "squish", "squish", "Trims, and makes one space of every run of white space, line breaks included.",
        "value | squish", " Acme \t  Ltd " => "Acme Ltd";
    "lower", "lower", "Lower case.",
        "value | lower", "ADA@Acme.example" => "ada@acme.example";
    "upper", "upper", "Upper case.",
        "value | upper", "gb" => "GB";
    "title", "title", "The first letter of each word in upper case, the rest in lower case. After an apostrophe only where one letter stands before it.",
        "value | title", "ADA O'BRIEN-SMITH" => "Ada O'Brien-Smith";
    "digits", "digits", "Keeps the digits 0 to 9 only.",
        "value | digits", "+44 (20) 7946-0018" => "442079460018";
    "default", "default(text)", "The given value where the input is blank.",
        "value | default('(no subject)')", "" => "(no subject)";
    "replace", "replace(old, new)", "Replaces every occurrence of a text.",
        "value | replace('Ltd.', 'Limited')", "Acme Ltd." => "Acme Limited";
    "truncate", "truncate(n)", "The first n characters, counted as fields count them, without an ellipsis.",
        "value | truncate(5)", "Acme Limited" => "Acme ";
    "number", "number(thousands=\",\", decimal=\".\", currency=\"€\")", "Reads a number so that it can be calculated with. No mark or sign is removed unless given; a thousands mark only where a group of thousands ends.",
        "value | number(thousands='.', decimal=',')", "1.234,50" => "1234.5";
    "date", "date(fmt)", "Reads a date in the given input format; the output is ISO. Without a format only ISO is read.",
        "value | date('%d/%m/%y')", "24/12/68" => "2068-12-24";
    "datetime", "datetime(fmt, zone=\"…\")", "Reads a date and time; the output is in UTC. The zone is the source's `timezone` unless given; an offset in the value wins.",
        "value | datetime('%d/%m/%Y %H:%M', zone='Europe/London')", "01/07/2024 10:30" => "2024-07-01T09:30:00Z";
    "bool", "bool", "Reads true, false, 1, 0, yes, no, y, n, t or f in any case.",
        "value | bool", "Yes" => "true";
}

/// Applies a filter of text to text; a blank stays as it is, a list is refused.
pub(super) fn text_filter<'a>(
    value: Datum<'a>,
    filter: impl FnOnce(Cow<'a, str>) -> Cow<'a, str>,
) -> Result<Datum<'a>, Fault> {
    Ok(match text_of(value)? {
        Ok(text) => Datum::Text(filter(text)),
        Err(blank) => blank,
    })
}

/// The text of a value, or the blank that it is. Lists are no text.
pub(super) fn text_of(value: Datum<'_>) -> Result<Result<Cow<'_, str>, Datum<'_>>, Fault> {
    match value {
        Datum::List(_) => Err(Fault::new("a list where a text is needed")),
        blank if blank.is_empty() => Ok(Err(blank)),
        filled => Ok(Ok(filled.into_text())),
    }
}

/// Reads something else from text, space at both ends left out; of a blank: missing.
pub(super) fn read_text<'a>(
    value: Datum<'_>,
    read: impl FnOnce(&str) -> Result<Datum<'a>, Fault>,
) -> Result<Datum<'a>, Fault> {
    match text_of(value)? {
        Ok(text) if !text.trim().is_empty() => read(text.trim()),
        _ => Ok(Datum::Missing),
    }
}

/// `trim`.
pub(super) fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// `squish`.
pub(super) fn squish(text: Cow<'_, str>) -> Cow<'_, str> {
    let mut words = text.split_whitespace();
    let mut squished = words.next().unwrap_or("").to_owned();
    for word in words {
        squished.push(' ');
        squished.push_str(word);
    }
    if squished.len() == text.len() && squished == *text { text } else { Cow::Owned(squished) }
}

/// `lower`.
pub(super) fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    let settled = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    if settled { text } else { Cow::Owned(text.to_lowercase()) }
}

/// `upper`.
pub(super) fn upper(text: Cow<'_, str>) -> Cow<'_, str> {
    let settled = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_lowercase());
    if settled { text } else { Cow::Owned(text.to_uppercase()) }
}

/// `title`: a word begins after anything that is neither letter, digit nor apostrophe, and after the apostrophe of
/// `O'Brien`, but not after that of `Acme's`.
pub(super) fn title(text: Cow<'_, str>) -> Cow<'_, str> {
    let mut titled = String::with_capacity(text.len());
    let mut letters = 0;
    let mut begins = true;
    for c in text.chars() {
        if c.is_alphanumeric() {
            if begins {
                titled.extend(c.to_uppercase())
            } else {
                titled.extend(c.to_lowercase())
            }
            letters += 1;
            begins = false;
        } else {
            let apostrophe = matches!(c, '\'' | '\u{2019}');
            begins = if apostrophe { letters <= 1 } else { !is_mark(c) || begins };
            letters = if is_mark(c) { letters } else { 0 };
            titled.push(c);
        }
    }
    Cow::Owned(titled)
}

/// Combining marks belong to the letter before them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// `digits`.
pub(super) fn digits(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text;
    }
    Cow::Owned(text.chars().filter(char::is_ascii_digit).collect())
}

/// `replace`.
pub(super) fn replace<'a>(text: Cow<'a, str>, old: &str, new: &str) -> Cow<'a, str> {
    if old.is_empty() || !text.contains(old) { text } else { Cow::Owned(text.replace(old, new)) }
}

/// `truncate`.
pub(super) fn truncate(text: Cow<'_, str>, characters: usize) -> Cow<'_, str> {
    let end = length::cut(&text, characters).len();
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

/// `number`. Of a blank: missing.
pub(super) fn number<'a>(value: Datum<'a>, marks: &Marks) -> Result<Datum<'a>, Fault> {
    match value {
        Datum::Number(_) => Ok(value),
        Datum::Bool(_) => Err(Fault::new("a boolean where a number is needed")),
        other => read_text(other, |text| Number::parse(&plain(text, marks)?).map(Datum::Number)),
    }
}

/// `bool`. Of a blank: missing.
pub(super) fn boolean(value: Datum<'_>) -> Result<Datum<'_>, Fault> {
    read_text(value, |text| parse_bool(text).map(Datum::Bool))
}

/// The words for true and false, in any case.
pub(super) fn parse_bool(text: &str) -> Result<bool, Fault> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "1", "yes", "y", "t"]) {
        Ok(true)
    } else if is(&["false", "0", "no", "n", "f"]) {
        Ok(false)
    } else {
        Err(Fault::new("the value is none of true, false, 1, 0, yes, no, y, n, t, f"))
    }
}

/// `default`.
pub(super) fn default<'a>(
    value: Datum<'a>,
    other: impl FnOnce() -> Result<Datum<'a>, Fault>,
) -> Result<Datum<'a>, Fault> {
    if value.is_blank() { other() } else { Ok(value) }
}
