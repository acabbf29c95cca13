//! Keys, and what refers to them: they go as they are, or their row is rejected. No policy cuts or rounds them, because
//! two records would become one.

use super::convert;
use super::fault::Fault;
use super::length::units;
use super::rule::Conversion;
use crate::model::FieldType;

/// What no key may hold.
///
/// A result file gives a key with a line break back in another form, so that its row is not found again. Control
/// characters have no place in a key, and what an org makes of them is not known.
// Unconfirmed(key-spaces): whether an org counts spaces other than the plain one around a key; choice: such keys are
// rejected.
pub(super) fn check(key: &str) -> Result<(), Fault> {
    if key.chars().any(char::is_control) {
        return Err(Fault::new(
            "a key holds no tabs, line breaks or other control characters; take them out with `| squish` or `| trim`",
        ));
    }
    let inner = key.trim_matches(' ');
    if inner.trim() != inner {
        return Err(Fault::new(
            "the key begins or ends with a no-break or other special space, which orgs may count; take it off with `| trim`",
        ));
    }
    Ok(())
}

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
