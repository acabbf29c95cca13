//! From text to what a field of the org takes (specification, "A field's value", the table), or a fault.
//!
//! Decimal text stays text: no number is squeezed through binary. Space at the ends of what is no text is left out.
//! Knows no rows and no policies but `too_long` and `too_precise`, of which keys take neither.

use super::dates::{self, Zone};
use super::fault::Fault;
use super::filters::parse_bool;
use super::keys;
use super::length::{cut, sent, units};
use super::number::round_up;
use super::reading::expanded;
use super::rule::{Conversion, FieldRule, TooLong, TooPrecise};
use crate::model::{FieldType, RecordId, RecordIdError};

/// What a conversion changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Changed {
    /// Digits were rounded away.
    pub(super) rounded: bool,
    /// Text was cut off.
    pub(super) truncated: bool,
}

// Unconfirmed(picklist-length): how long a value of a picklist may be: orgs keep longer ones than describe's `length`;
// choice: 255, as the setup pages take, and the org refuses what is too long for it.
/// Characters of a picklist's value.
const PICKLIST: usize = 255;

/// A conversion with its time zone looked up.
#[derive(Debug, Clone)]
pub(super) struct Converter {
    to: Conversion,
    too_long: TooLong,
    too_precise: TooPrecise,
    key: bool,
    zone: Result<Option<Zone>, Fault>,
}

impl Converter {
    /// Prepares a rule's conversion.
    pub(super) fn new(rule: &FieldRule) -> Self {
        let to = &rule.convert;
        let zone = match &to.timezone {
            None => Ok(None),
            Some(name) => Zone::named(name)
                .map(Some)
                .ok_or_else(|| Fault::new(format!("there is no time zone `{name}`"))),
        };
        // What stands for a record is never cut or rounded: two would become one.
        let (too_long, too_precise) = match rule.key {
            true => (TooLong::Reject, TooPrecise::Reject),
            false => (rule.too_long, rule.too_precise),
        };
        Self { to: to.clone(), too_long, too_precise, key: rule.key, zone }
    }

    /// Whether the field takes a list.
    pub(super) fn takes_lists(&self) -> bool {
        self.to.field_type == FieldType::MultiPicklist
    }

    /// Appends what the org receives for a text that is not blank.
    pub(super) fn write(&self, text: &str, out: &mut String) -> Result<Changed, Fault> {
        let begin = out.len();
        let changed = self.typed(text, out)?;
        if self.key {
            keys::check(&out[begin..])?;
        }
        Ok(changed)
    }

    fn typed(&self, text: &str, out: &mut String) -> Result<Changed, Fault> {
        use FieldType::*;
        let value = text.trim();
        match self.to.field_type {
            String | TextArea | Combobox | Phone | Url | Email | EncryptedString => self.text(text, out),
            Picklist => self.choice(text, out),
            MultiPicklist => self.parts(text, out),
            Boolean => {
                out.push_str(if parse_bool(value)? { "true" } else { "false" });
                Ok(Changed::default())
            }
            Int | Long => whole(&self.to, value, out).map(|()| Changed::default()),
            Double | Currency | Percent => self.decimal(value, out),
            Date => unchanged(value, out, dates::check_date(value)),
            DateTime => self.datetime(value, out),
            Time => dates::write_time(value, out).map(|()| Changed::default()),
            Id | Reference => unchanged(value, out, check_id(value)),
            Base64 | Address | Location | ComplexValue | AnyType => {
                Err(Fault::new(format!("a field of type {} cannot be loaded", self.to.field_type.name())))
            }
        }
    }

    fn text(&self, text: &str, out: &mut String) -> Result<Changed, Fault> {
        let (text, most) = (sent(text), self.to.length as usize);
        // A text never has more UTF-16 units than bytes: most texts need no counting.
        if most == 0 || text.len() <= most || units(&text) <= most {
            out.push_str(&text);
            return Ok(Changed::default());
        }
        match self.too_long {
            _ if self.key => Err(Fault::new(format!(
                "the key has {} characters, and the field takes {most}; no key is cut",
                units(&text)
            ))),
            TooLong::Reject => Err(too_long(units(&text), most)),
            TooLong::Truncate => {
                out.push_str(cut(&text, most));
                Ok(Changed { truncated: true, ..Changed::default() })
            }
        }
    }

    /// A value of a picklist is none when it is cut.
    fn choice(&self, text: &str, out: &mut String) -> Result<Changed, Fault> {
        self.check_listed(text)?;
        let length = units(text);
        if length > PICKLIST {
            let words = format!("the value has {length} characters, and a picklist takes {PICKLIST}");
            return Err(Fault::new(words));
        }
        out.push_str(text);
        Ok(Changed::default())
    }

    fn decimal(&self, text: &str, out: &mut String) -> Result<Changed, Fault> {
        let rounds = self.too_precise == TooPrecise::Round;
        let why = if self.key { "no key is rounded" } else { "`too_precise: round` would round it" };
        let rounded = decimal(&self.to, text, rounds.then_some(()).ok_or(why), out)?;
        Ok(Changed { rounded, ..Changed::default() })
    }

    fn datetime(&self, text: &str, out: &mut String) -> Result<Changed, Fault> {
        let zone = self.zone.as_ref().map_err(Clone::clone)?;
        let rounded = dates::write_datetime(text, zone.as_ref(), out)?;
        if rounded && self.too_precise == TooPrecise::Reject {
            return Err(Fault::new(
                "the time is finer than a millisecond; `too_precise: round` would cut it",
            ));
        }
        Ok(Changed { rounded, ..Changed::default() })
    }

    fn check_listed(&self, text: &str) -> Result<(), Fault> {
        match &self.to.restricted {
            Some(listed) if !listed.contains(text) => {
                Err(Fault::new("the value is none of the picklist's; map it, or add it to the org"))
            }
            _ => Ok(()),
        }
    }

    /// Values of a multipicklist are cut between values, never inside one.
    fn parts(&self, text: &str, out: &mut String) -> Result<Changed, Fault> {
        for part in text.split(';').filter(|part| !part.is_empty()) {
            self.check_listed(part)?;
        }
        let most = self.to.length as usize;
        if most == 0 || units(text) <= most {
            out.push_str(text);
            return Ok(Changed::default());
        }
        let kept = cut(text, most + 1).rfind(';').map_or("", |end| &text[..end]);
        if self.too_long == TooLong::Reject || kept.is_empty() {
            return Err(too_long(units(text), most));
        }
        out.push_str(kept);
        Ok(Changed { truncated: true, ..Changed::default() })
    }
}

/// Appends a whole number.
pub(super) fn whole(to: &Conversion, text: &str, out: &mut String) -> Result<(), Fault> {
    let text = expanded(text);
    let decimal = Decimal::read(&text)?;
    if !decimal.fraction.is_empty() {
        return Err(Fault::new("the field takes whole numbers, and the value has a fraction"));
    }
    let digits = to.digits as usize;
    if digits != 0 && decimal.whole.len() > digits {
        return Err(Fault::new(format!("the number has more than {digits} digits")));
    }
    decimal.write(decimal.whole, "", out);
    Ok(())
}

/// Appends a number that is not rounded: a key of the field.
pub(super) fn exact(to: &Conversion, text: &str, out: &mut String) -> Result<(), Fault> {
    decimal(to, text, Err("no key is rounded"), out).map(|_| ())
}

/// Appends a number; whether it was rounded to the field's scale, which `rounds` allows or refuses in these words.
fn decimal(
    to: &Conversion,
    text: &str,
    rounds: Result<(), &'static str>,
    out: &mut String,
) -> Result<bool, Fault> {
    let text = expanded(text);
    let decimal = Decimal::read(&text)?;
    let (precision, scale) = (to.precision as usize, to.scale as usize);
    let mut digits = Vec::new();
    let finer = precision != 0 && decimal.fraction.len() > scale;
    let (whole, fraction) = match (finer, rounds) {
        (false, _) => (decimal.whole, decimal.fraction),
        (true, Ok(())) => decimal.rounded(scale, &mut digits)?,
        (true, Err(why)) => {
            let words = format!("the number has more than {scale} digits behind the point; {why}");
            return Err(Fault::new(words));
        }
    };
    if precision != 0 && whole.len() > precision.saturating_sub(scale) {
        let most = precision.saturating_sub(scale);
        return Err(Fault::new(format!("the number has more than {most} digits before the point")));
    }
    decimal.write(whole, fraction, out);
    Ok(finer)
}

/// Decimal text without leading zeros and trailing zeros of the fraction.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Result<Self, Fault> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return Err(Fault::new(
                "the value is not a plain decimal number; read other forms with `| number(…)`",
            ));
        }
        Ok(Self {
            negative: text.starts_with('-'),
            whole: whole.trim_start_matches('0'),
            fraction: fraction.trim_end_matches('0'),
        })
    }

    /// Half away from zero, on the digits themselves.
    fn rounded<'d>(&self, scale: usize, digits: &'d mut Vec<u8>) -> Result<(&'d str, &'d str), Fault> {
        let (kept, dropped) = self.fraction.split_at(scale);
        digits.push(b'0');
        digits.extend_from_slice(self.whole.as_bytes());
        digits.extend_from_slice(kept.as_bytes());
        if dropped.as_bytes().first().is_some_and(|digit| *digit >= b'5') {
            round_up(digits);
        }
        let text = std::str::from_utf8(digits).map_err(|_| Fault::new("digits that are none"))?;
        let (whole, fraction) = text.split_at(text.len() - scale);
        Ok((whole.trim_start_matches('0'), fraction.trim_end_matches('0')))
    }

    fn write(&self, whole: &str, fraction: &str, out: &mut String) {
        let zero = whole.is_empty() && fraction.is_empty();
        if self.negative && !zero {
            out.push('-');
        }
        out.push_str(if whole.is_empty() { "0" } else { whole });
        if !fraction.is_empty() {
            out.push('.');
            out.push_str(fraction);
        }
    }
}

fn unchanged(text: &str, out: &mut String, checked: Result<(), Fault>) -> Result<Changed, Fault> {
    checked.map(|()| {
        out.push_str(text);
        Changed::default()
    })
}

fn check_id(text: &str) -> Result<(), Fault> {
    match RecordId::parse(text) {
        Ok(_) => Ok(()),
        Err(RecordIdError::Suffix) => Err(Fault::new(RecordIdError::Suffix.to_string())),
        Err(RecordIdError::Form) => Err(Fault::new(
            "the value is not a record id of 15 or 18 characters; for a parent loaded here use `ref`",
        )),
    }
}

fn too_long(length: usize, most: usize) -> Fault {
    Fault::new(format!(
        "the text has {length} characters, and the field takes {most}; `too_long: truncate` would cut it"
    ))
}
