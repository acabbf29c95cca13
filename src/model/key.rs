//! Keys in canonical form: the one place that decides when two keys are the same.

use std::borrow::Cow;

/// 128 bits of a canonical key.
pub type KeyHash = u128;

/// How keys of one object are compared: by the type of its key field (spec, Keys).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// Text, compared without case: the default of a unique external ID.
    FoldedText,
    /// Text, compared with case: describe says `caseSensitive`, or the field is not unique.
    ExactText,
    /// A number: `007`, `7.0`, `7` and `0.7E1` are one key.
    Number,
}

impl KeyForm {
    /// The word for it in files of ours.
    pub fn word(self) -> &'static str {
        match self {
            Self::FoldedText => "folded",
            Self::ExactText => "exact",
            Self::Number => "number",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::FoldedText, Self::ExactText, Self::Number].into_iter().find(|form| form.word() == word)
    }

    /// The canonical form of a raw key; empty for a blank one. The raw value is what is sent.
    pub fn canonical<'a>(self, raw: &'a str) -> Cow<'a, str> {
        let trimmed = raw.trim();
        match self {
            Self::ExactText => Cow::Borrowed(trimmed),
            Self::FoldedText => fold(trimmed),
            Self::Number => number(trimmed).map_or_else(|| fold(trimmed), Cow::Owned),
        }
    }

    /// Whether an org's answers tell this key from every other. It writes numbers as doubles: up to 15 digits each is told
    /// from its neighbours, beyond that only a whole number that a double gives back digit by digit.
    pub fn comes_back(self, raw: &str) -> bool {
        let Some(plain) = number(raw.trim()).filter(|_| self == Self::Number) else { return true };
        let told = || plain.parse().is_ok_and(|double: f64| double.to_string() == plain);
        significant(&plain) <= EXACT_DIGITS || (!plain.contains('.') && told())
    }

    /// Hash of the canonical form of a raw key; `None` for a blank one.
    pub fn hash(self, raw: &str) -> Option<KeyHash> {
        let canonical = self.canonical(raw);
        (!canonical.is_empty()).then(|| xxhash_rust::xxh3::xxh3_128(canonical.as_bytes()))
    }
}

/// Decimal digits that every double keeps.
const EXACT_DIGITS: usize = 15;

/// How many digits of a plain decimal say something.
fn significant(plain: &str) -> usize {
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    if plain.contains('.') { digits.len() } else { digits.trim_end_matches('0').len() }
}

fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// Largest exponent that is read: a double has none beyond 324.
const MOST_EXPONENT: i32 = 400;

/// Decimal text without exponent, leading zeros, sign of zero, trailing fraction zeros. An org writes its doubles as Java
/// does: `2676.0`, `9.12260031E8`, `1.0E-5`. `None` when it is no decimal text.
fn number(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty()
        || !digits.bytes().all(|b| b.is_ascii_digit())
        || !(-MOST_EXPONENT..=MOST_EXPONENT).contains(&exponent)
    {
        return None;
    }
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
    let (whole, fraction) = split_at_point(&digits, point);
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let sign = if text.starts_with('-') && !(whole.is_empty() && fraction.is_empty()) { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{dot}{fraction}"))
}

/// Digits before and behind the point, which stands behind so many of them, or outside of them.
fn split_at_point(digits: &str, point: i64) -> (String, String) {
    let length = digits.len() as i64;
    let zeros = |many: i64| "0".repeat(usize::try_from(many).unwrap_or(0));
    match usize::try_from(point) {
        Err(_) => (String::new(), zeros(-point) + digits),
        Ok(_) if point >= length => (digits.to_owned() + &zeros(point - length), String::new()),
        Ok(at) => (digits[..at].to_owned(), digits[at..].to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::KeyForm::{ExactText, FoldedText, Number};

    #[test]
    fn canonical_forms() {
        for (form, raw, canonical) in [
            (FoldedText, "  Ab-1 ", "ab-1"),
            (ExactText, " Ab-1 ", "Ab-1"),
            (FoldedText, "ÉCOLE", "école"),
            (Number, "007", "7"),
            (Number, "-0.0", "0"),
            (Number, "7.50", "7.5"),
            (Number, "x7", "x7"),
            (Number, "1e", "1e"),
            (Number, "1E9999", "1e9999"),
            (Number, "E5", "e5"),
            (FoldedText, "   ", ""),
        ] {
            assert_eq!(form.canonical(raw), canonical, "{form:?} {raw:?}");
        }
        assert_eq!(FoldedText.hash(" "), None);
        assert_eq!(FoldedText.hash("A"), FoldedText.hash("a "));
    }

    #[test]
    fn numbers_are_read_as_java_writes_them() {
        for (written, plain) in [
            ("1.6147805824397E13", "16147805824397"),
            ("9.12260031E8", "912260031"),
            ("1.2345678E7", "12345678"),
            ("1.0E7", "10000000"),
            ("9999999.0", "9999999"),
            ("2676", "2676"),
            ("2676.0", "2676"),
            ("0.1", "0.1"),
            ("0.001", "0.001"),
            ("1.0E-5", "0.00001"),
            ("1.25E-4", "0.000125"),
            ("-9.12260031E8", "-912260031"),
            ("1.2345678912E8", "123456789.12"),
            ("0.0", "0"),
            ("-0.0", "0"),
            ("0.0E0", "0"),
            ("1e3", "1000"),
            ("1.5E+3", "1500"),
            ("1.7976931348623157E308", &format!("17976931348623157{}", "0".repeat(292))),
        ] {
            assert_eq!(Number.canonical(written), plain, "{written}");
            assert_eq!(Number.hash(written), Number.hash(plain), "{written}");
        }
    }

    #[test]
    fn keys_that_a_double_cannot_tell_apart_are_known() {
        for told in [
            "1",
            "-0.5",
            "999999999999999",
            "123456789.012345",
            "1234567890123456",
            "9007199254740992",
            "9007199254740994",
            "1.6147805824397E13",
            "100000000000000000000",
            "no number",
            "",
        ] {
            assert!(Number.comes_back(told), "{told}");
        }
        for lost in ["9007199254740993", "123456789012345678", "1234567890123456.5", "0.1234567890123456"] {
            assert!(!Number.comes_back(lost), "{lost}");
        }
        assert!(ExactText.comes_back("123456789012345678"));
    }
}
