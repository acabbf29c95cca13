//! How numbers are written in sources: marks of thousands and decimals, signs of currencies, exponents. Turns them into
//! plain decimal text, or refuses them; knows nothing of what the number is for.

use super::fault::Fault;
use std::borrow::Cow;

/// The largest exponent that is read, either way: far beyond what any field takes.
const LARGEST_EXPONENT: i32 = 100;

/// The marks of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks {
    /// Between groups of digits.
    pub(super) thousands: Option<char>,
    /// Before the fraction.
    pub(super) decimal: char,
    /// May stand once, before the number or behind it; empty for none.
    pub(super) currency: String,
}

/// Plain decimal text, `-?digits[.digits]`, of a number written with these marks. A mark of thousands stands only where
/// a group ends: what could be a decimal mark is never taken for one.
pub(super) fn plain(text: &str, marks: &Marks) -> Result<String, Fault> {
    let (negative, text) = without_currency(text, &marks.currency);
    let (digits, exponent) = exponent(text)?;
    let (whole, fraction) = match digits.split_once(marks.decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let grouped = marks.thousands.filter(|mark| whole.contains(*mark));
    let whole = match grouped {
        Some(_) if exponent != 0 => return Err(none()),
        Some(mark) => Cow::Owned(ungrouped(whole, mark)?),
        None => Cow::Borrowed(whole),
    };
    if !is_digits(&whole) || !fraction.is_none_or(is_digits) {
        return Err(none());
    }
    let sign = if negative { "-" } else { "" };
    Ok(match (exponent, fraction) {
        (0, None) => format!("{sign}{whole}"),
        (0, Some(fraction)) => format!("{sign}{whole}.{fraction}"),
        (exponent, fraction) => format!("{sign}{}", moved(&whole, fraction.unwrap_or(""), exponent)),
    })
}

/// Decimal text with its exponent worked in; any other text as it is.
pub(super) fn expanded(text: &str) -> Cow<'_, str> {
    if !text.contains(['e', 'E']) {
        return Cow::Borrowed(text);
    }
    let plain = plain(text, &Marks { thousands: None, decimal: '.', currency: String::new() });
    plain.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Whether the number is negative, and the rest of it.
fn without_currency<'t>(text: &'t str, currency: &str) -> (bool, &'t str) {
    let signed = |text: &'t str| text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (negative, rest) = signed(text);
    if currency.is_empty() {
        return (negative, rest);
    }
    if let Some(rest) = rest.strip_prefix(currency) {
        let rest = rest.trim_start();
        return if negative { (true, rest) } else { signed(rest) };
    }
    (negative, rest.strip_suffix(currency).map_or(rest, str::trim_end))
}

/// The exponent of `8.0E7`, and what stands before it; none is 0.
fn exponent(text: &str) -> Result<(&str, i32), Fault> {
    let Some((before, exponent)) = text.split_once(['e', 'E']) else { return Ok((text, 0)) };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let read = exponent.parse().ok().filter(|_| is_digits(digits)).ok_or_else(none)?;
    if !(-LARGEST_EXPONENT..=LARGEST_EXPONENT).contains(&read) {
        return Err(Fault::new("the number has an exponent that is too large"));
    }
    Ok((before, read))
}

/// The digits without their marks: three in the last group, two or three in those before it, of which the first may
/// have one.
fn ungrouped(whole: &str, mark: char) -> Result<String, Fault> {
    let last = whole.split(mark).count() - 1;
    let fits = |(at, group): (usize, &str)| match at {
        _ if !is_digits(group) => false,
        _ if at == last => group.len() == 3,
        0 => group.len() <= 3,
        _ => matches!(group.len(), 2 | 3),
    };
    if !whole.split(mark).enumerate().all(fits) {
        return Err(Fault::new("a thousands mark stands where no group of thousands ends"));
    }
    Ok(whole.replace(mark, ""))
}

/// The number with its point moved.
fn moved(whole: &str, fraction: &str, exponent: i32) -> String {
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i32 + exponent;
    match usize::try_from(point) {
        Ok(point) if point >= digits.len() => format!("{digits:0<point$}"),
        Ok(point) if point > 0 => format!("{}.{}", &digits[..point], &digits[point..]),
        _ => format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn none() -> Fault {
    Fault::new("the value is not a plain decimal number")
}

#[cfg(test)]
mod tests {
    use super::{Marks, expanded, plain};

    fn read(text: &str, thousands: Option<char>, decimal: char, currency: &str) -> String {
        let marks = Marks { thousands, decimal, currency: currency.into() };
        plain(text, &marks).unwrap_or_else(|fault| format!("!{}", fault.words()))
    }

    #[test]
    fn marks_stand_where_groups_allow_them() {
        let grouped = |text: &str| read(text, Some(','), '.', "");
        for (text, number) in [
            ("1,234", "1234"),
            ("12,345.60", "12345.60"),
            ("-1,234,567", "-1234567"),
            ("12,34,567", "1234567"),
            ("1,23,45,678", "12345678"),
            ("1234567", "1234567"),
        ] {
            assert_eq!(grouped(text), number);
        }
        for wrong in ["1,12", "3975,35", "1,2,3", ",123", "1,,234", "1234,567", "1,234,", "1,2345", "1,4,567"]
        {
            assert!(grouped(wrong).starts_with("!a thousands mark"), "{wrong}");
        }
        for wrong in ["1.234,567", "1.2.3", "", "-", ".5", "5.", "+5", "1,234E2", "٣"] {
            assert!(grouped(wrong).starts_with("!the value is not"), "{wrong}");
        }
        assert!(read("39.75", Some('.'), ',', "").starts_with("!a thousands mark"));
        assert_eq!(read("1\u{202f}234,5", Some('\u{202f}'), ',', ""), "1234.5");
    }

    #[test]
    fn signs_of_currencies_are_taken_off_once() {
        for text in ["€1.5", "1.5€", "1.5 €", "€ 1.5", "1.5"] {
            assert_eq!(read(text, None, '.', "€"), "1.5", "{text}");
        }
        for text in ["-€2", "€-2", "-2 €", "€ -2"] {
            assert_eq!(read(text, None, '.', "€"), "-2", "{text}");
        }
        assert_eq!(read("EUR 12", None, '.', "EUR"), "12");
        for wrong in ["€1€", "€€1", "-€-1", "$1", "€"] {
            assert!(read(wrong, None, '.', "€").starts_with('!'), "{wrong}");
        }
    }

    #[test]
    fn exponents_are_worked_in() {
        for (text, number) in [
            ("8.0E7", "80000000"),
            ("1.6147805824397E13", "16147805824397"),
            ("9.12260031e+8", "912260031"),
            ("1.5e-1", "0.15"),
            ("-2E-3", "-0.002"),
            ("12.5E0", "12.5"),
            ("1.25E1", "12.5"),
            ("1e3", "1000"),
        ] {
            assert_eq!(expanded(text), number);
        }
        for wrong in [
            "E7",
            "1E",
            "1E+",
            "1E1.5",
            "1E7E7",
            "1E101",
            "1E99999999999",
            "1E-2147483648",
            "e",
            "0x1E3",
            "ten",
        ] {
            assert!(read(wrong, None, '.', "").starts_with('!'), "{wrong}");
            assert_eq!(expanded(wrong), wrong, "whoever reads it refuses it");
        }
    }
}
