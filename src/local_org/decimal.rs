//! Decimal numbers: read, rounded half up and kept without going through binary fractions, and written as the API writes
//! them, which is as Java writes doubles.

use std::cmp::Ordering;

/// A decimal number as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Digits without leading zeros; empty for zero.
    digits: Vec<u8>,
    /// How many of the digits stand after the point; may be negative.
    after: i32,
}

impl Decimal {
    /// Reads xsd:double without its names for infinity: sign, digits, point, exponent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let negative = mantissa.starts_with('-');
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if whole.len() + fraction.len() == 0
            || !all().all(|b| b.is_ascii_digit())
            || exponent.unsigned_abs() > 400
        {
            return None;
        }
        let digits = all().skip_while(|b| *b == b'0').collect();
        Some(Self { negative, digits, after: fraction.len() as i32 - exponent })
    }

    /// Rounds half up (away from zero) to `scale` digits after the point.
    pub(crate) fn round(mut self, scale: u32) -> Self {
        let surplus = self.after - scale as i32;
        if surplus <= 0 {
            return self;
        }
        let kept = self.digits.len().saturating_sub(surplus as usize);
        let up = surplus as usize <= self.digits.len() && self.digits.get(kept).is_some_and(|d| *d >= b'5');
        self.digits.truncate(kept);
        self.after = scale as i32;
        if up {
            self.increment();
        }
        self
    }

    fn increment(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits.insert(0, b'1');
    }

    /// Digits before the point.
    pub(crate) fn whole_digits(&self) -> i32 {
        if self.digits.is_empty() { 0 } else { (self.digits.len() as i32 - self.after).max(0) }
    }

    /// In full, without an exponent and without zeros that say nothing: how numbers are kept.
    pub(crate) fn text(&self) -> String {
        let digits = std::str::from_utf8(&self.digits).unwrap_or_default();
        let zeros = |many: i32| "0".repeat(usize::try_from(many).unwrap_or(0));
        let (whole, fraction) = match usize::try_from(digits.len() as i32 - self.after) {
            Err(_) => (String::new(), zeros(self.after - digits.len() as i32) + digits),
            Ok(_) if self.after <= 0 => (digits.to_owned() + &zeros(-self.after), String::new()),
            Ok(point) => (digits[..point].to_owned(), digits[point..].to_owned()),
        };
        let fraction = fraction.trim_end_matches('0');
        let sign = if self.negative && !digits.is_empty() { "-" } else { "" };
        let whole = if whole.is_empty() || digits.is_empty() { "0" } else { &whole };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }

    /// The nearest double: what the API tells of it.
    pub(crate) fn value(&self) -> f64 {
        let digits = std::str::from_utf8(&self.digits).unwrap_or("0");
        let sign = if self.negative { "-" } else { "" };
        let zero = if digits.is_empty() { "0" } else { "" };
        format!("{sign}{digits}{zero}e{}", -self.after).parse().unwrap_or(0.0)
    }
}

/// A double as Java's `Double.toString` writes it: `5.0`, `9.12260031E8`, `1.0E-5`. So results of jobs, bulk queries and
/// JSON have numbers (Bulk API 2.0 guide, quick start; knowledge article 000385889).
pub(crate) fn java(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0.0".to_owned();
    }
    if (1e-3..1e7).contains(&size) {
        let text = value.to_string();
        return if text.contains('.') { text } else { text + ".0" };
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

/// The order of two numbers as they are kept: texts of [`Decimal::text`].
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    match (a.strip_prefix('-'), b.strip_prefix('-')) {
        (None, None) => by_size(a, b),
        (Some(a), Some(b)) => by_size(b, a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
    }
}

fn by_size(a: &str, b: &str) -> Ordering {
    let (a, a_fraction) = a.split_once('.').unwrap_or((a, ""));
    let (b, b_fraction) = b.split_once('.').unwrap_or((b, ""));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b)).then_with(|| a_fraction.cmp(b_fraction))
}

#[cfg(test)]
mod tests {
    use super::{Decimal, compare, java};

    #[test]
    fn rounds_half_up_in_decimal() {
        for (text, scale, value) in [
            ("1.005", 2, 1.01),
            ("2.5", 0, 3.0),
            ("-2.5", 0, -3.0),
            ("999.995", 2, 1000.0),
            ("0.004", 2, 0.0),
            ("0.5", 0, 1.0),
            ("0.05", 0, 0.0),
            ("1.5e3", 0, 1500.0),
            ("12E-1", 0, 1.0),
            ("007", 2, 7.0),
            (".5", 1, 0.5),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().round(scale).value(), value, "{text}");
        }
        for bad in ["", ".", "1,5", "1e", "--1", "NaN", "1e9999", "0x1"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(Decimal::parse("1234.5").unwrap().whole_digits(), 4);
        assert_eq!(Decimal::parse("12e3").unwrap().whole_digits(), 5);
    }

    #[test]
    fn is_kept_in_full() {
        for (text, kept) in [
            ("123456789012345678", "123456789012345678"),
            ("1234567890123456.78", "1234567890123456.78"),
            ("1.6147805824397E13", "16147805824397"),
            ("007.50", "7.5"),
            ("-0", "0"),
            ("-0.050", "-0.05"),
            ("1e-5", "0.00001"),
            ("100", "100"),
            (".5", "0.5"),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().text(), kept, "{text}");
        }
        assert_eq!(Decimal::parse("0.004").unwrap().round(2).text(), "0");
        assert_eq!(Decimal::parse("-999.995").unwrap().round(2).text(), "-1000");
    }

    #[test]
    fn is_told_as_java_tells_it() {
        for (value, told) in [
            (912_260_031.0, "9.12260031E8"),
            (16_147_805_824_397.0, "1.6147805824397E13"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (-12_345_678.9, "-1.23456789E7"),
            (5.0, "5.0"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.00099, "9.9E-4"),
            (1e-5, "1.0E-5"),
            (0.0, "0.0"),
            (123_456_789_012_345_678.0, "1.2345678901234568E17"),
        ] {
            assert_eq!(java(value), told);
        }
    }

    #[test]
    fn are_in_the_order_of_numbers() {
        let all = [
            "-100",
            "-20.5",
            "-20",
            "-0.5",
            "0",
            "0.05",
            "0.5",
            "0.51",
            "9",
            "10",
            "10.1",
            "123456789012345678",
        ];
        for (place, a) in all.iter().enumerate() {
            for (other, b) in all.iter().enumerate() {
                assert_eq!(compare(a, b), place.cmp(&other), "{a} {b}");
            }
        }
    }
}
