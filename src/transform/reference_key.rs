//! What refers to a record: its key, written as the field of the key is.

use super::convert;
use super::fault::Fault;
use super::keys::check;
use super::length::units;
use super::rule::Conversion;
use crate::model::FieldType;

/// Appends what refers to a record by its key, a field of this kind.
pub(super) fn refer(to: &Conversion, text: &str, out: &mut String) -> Result<(), Fault> {
    use FieldType::{Currency, Double, Int, Long, Percent};
    match to.field_type {
        Int | Long => return convert::whole(to, text.trim(), out),
        Double | Currency | Percent => return convert::exact(to, text.trim(), out),
        _ => {}
    }
    check(text)?;
    let (length, most) = (units(text.trim()), to.length as usize);
    if most != 0 && length > most {
        return Err(Fault::new(format!(
            "the key has {length} characters, and keys there have at most {most}"
        )));
    }
    out.push_str(text);
    Ok(())
}

/// What refers to a record by this key, a field of this kind, as it is sent.
///
/// # Errors
/// Why no record can have such a key, in words.
pub fn reference_text(to: &Conversion, text: &str) -> Result<String, String> {
    let mut out = String::new();
    refer(to, text, &mut out).map(|()| out).map_err(|fault| fault.words().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{check, reference_text};
    use crate::model::FieldType;
    use crate::transform::Conversion;

    #[test]
    fn keys_that_an_org_could_read_otherwise() {
        for good in ["a", " a ", "a b", "a\u{a0}b", "é", "a\u{200b}"] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in
            ["a\nb", "a\r", "\ta", "a\u{0}", "a\u{85}", "\u{a0}a", "a \u{3000}", " \u{2003} a", "a\u{2028}"]
        {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_reference_is_written_as_the_key_is() {
        let whole = Conversion { field_type: FieldType::Int, ..Conversion::default() };
        let double =
            Conversion { field_type: FieldType::Double, precision: 18, scale: 0, ..Conversion::default() };
        for to in [&whole, &double] {
            assert_eq!(reference_text(to, " 7.0 "), Ok("7".into()));
            assert_eq!(reference_text(to, "1.6E3"), Ok("1600".into()));
            assert!(reference_text(to, "7.5").is_err() && reference_text(to, "x").is_err());
        }
        let text = Conversion { length: 3, ..Conversion::default() };
        assert_eq!(reference_text(&text, " abc "), Ok(" abc ".into()));
        assert!(reference_text(&text, "abcd").is_err() && reference_text(&text, "a\n").is_err());
    }
}
