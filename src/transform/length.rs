//! How long a text is where it goes: UTF-16 units, as Salesforce counts, with each line break as one line feed, as it is
//! sent.

use super::fault::Fault;
use std::borrow::Cow;

/// Bytes of the longest text that an expression may make: an org takes a hundredth of it.
const LONGEST: usize = 16 << 20;

/// Whether an expression may make a text of so many bytes.
pub(super) fn fits(bytes: usize) -> Result<(), Fault> {
    if bytes <= LONGEST { Ok(()) } else { Err(Fault::new("the text grows beyond 16 MB")) }
}

/// The text as it is sent: each line break a line feed.
pub(super) fn sent(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Its length.
// Unconfirmed(line-break-length): whether a line break counts as one character or as two; choice: one, as it is sent.
pub(super) fn units(text: &str) -> usize {
    each(text).map(|(_, length)| length).sum()
}

/// The longest beginning of at most `most` units; neither a character of two units nor a line break is ever split.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut used = 0;
    let end = each(text).find(|(_, length)| {
        used += length;
        used > most
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// The characters: where each begins, and how long it is.
fn each(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut before = ' ';
    text.char_indices().map(move |(at, c)| {
        let length = if c == '\n' && before == '\r' { 0 } else { c.len_utf16() };
        before = c;
        (at, length)
    })
}

#[cfg(test)]
mod tests {
    use super::{cut, sent, units};

    #[test]
    fn a_line_break_is_one_and_is_never_split() {
        for (text, most, beginning) in [
            ("ab\r\ncd", 4, "ab\r\nc"),
            ("ab\r\ncd", 3, "ab\r\n"),
            ("ab\r\ncd", 2, "ab"),
            ("a\n\r\nb", 3, "a\n\r\n"),
            ("é😀é", 2, "é"),
            ("é😀é", 3, "é😀"),
        ] {
            assert_eq!(cut(text, most), beginning);
            assert_eq!(units(&sent(text)), units(text), "{text:?}");
            assert_eq!(sent(cut(text, most)), cut(&sent(text), most), "{text:?}");
        }
        assert_eq!(sent("a\r\nb\rc\nd"), "a\nb\nc\nd");
    }
}
