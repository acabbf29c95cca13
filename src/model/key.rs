//! Keys in canonical form: the one place that decides when two keys are the same.

use std::borrow::Cow;

/// 128 bits of a canonical key.
pub type KeyHash = u128;

/// How keys of one object are compared: by the type of its key field (spec, Keys).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// Text, compared without case: the default of a unique external ID.
    FoldedText,
    /// Text, compared with case: describe says `caseSensitive`.
    ExactText,
    /// A number: `007`, `7.0` and `7` are one key.
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

    /// Hash of the canonical form of a raw key; `None` for a blank one.
    pub fn hash(self, raw: &str) -> Option<KeyHash> {
        let canonical = self.canonical(raw);
        (!canonical.is_empty()).then(|| xxhash_rust::xxh3::xxh3_128(canonical.as_bytes()))
    }
}

fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// Decimal text without leading zeros, sign of zero, trailing fraction zeros. `None` when it is no decimal text.
fn number(text: &str) -> Option<String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let sign = if negative && !(whole.is_empty() && fraction.is_empty()) { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
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
            (FoldedText, "   ", ""),
        ] {
            assert_eq!(form.canonical(raw), canonical, "{form:?} {raw:?}");
        }
        assert_eq!(FoldedText.hash(" "), None);
        assert_eq!(FoldedText.hash("A"), FoldedText.hash("a "));
    }
}
