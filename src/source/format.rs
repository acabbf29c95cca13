//! How a source file is written: delimiter, quote, character set, words for nothing.

use encoding_rs::Encoding;
use std::io;

/// How a CSV file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvFormat {
    /// Between cells; one ASCII byte.
    pub delimiter: u8,
    /// Around cells that hold delimiters or line ends; one ASCII byte. Doubled, it stands for itself.
    pub quote: u8,
    /// Label of the character set, as the WHATWG encoding standard lists them.
    pub encoding: String,
    /// Cells that mean "nothing": they read as the empty string.
    pub null_values: Vec<String>,
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self { delimiter: b',', quote: b'"', encoding: "utf-8".to_owned(), null_values: vec![String::new()] }
    }
}

impl CsvFormat {
    /// Whether we can read the character set of this label.
    pub fn knows_encoding(label: &str) -> bool {
        Coding::of(label).is_some()
    }

    /// The character set.
    ///
    /// # Errors
    /// `InvalidInput` for a label that nobody knows.
    pub(super) fn coding(&self) -> io::Result<Coding> {
        Coding::of(&self.encoding).ok_or_else(|| {
            let words = format!("there is no character set `{}`", self.encoding);
            io::Error::new(io::ErrorKind::InvalidInput, words)
        })
    }
}

/// What has to be done to read a character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Cut and parsed as it is; cells are checked.
    Utf8,
    /// One byte a character, ASCII below 128: cut and parsed as it is, cells are decoded one by one.
    SingleByte(&'static Encoding),
    /// Anything else is turned into UTF-8 before it is cut.
    Transcoded(&'static Encoding),
    /// UTF-16 in the order that its mark tells; without a mark little-endian.
    MarkedUtf16,
}

impl Coding {
    fn of(label: &str) -> Option<Self> {
        if label.trim().eq_ignore_ascii_case("utf-16") {
            return Some(Self::MarkedUtf16);
        }
        let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
        Some(if encoding == encoding_rs::UTF_8 {
            Self::Utf8
        } else if encoding.is_single_byte() && encoding.is_ascii_compatible() {
            Self::SingleByte(encoding)
        } else {
            Self::Transcoded(encoding)
        })
    }

    /// Whether offsets in the text are offsets in the file.
    pub(super) fn is_direct(self) -> bool {
        matches!(self, Self::Utf8 | Self::SingleByte(_))
    }
}

#[cfg(test)]
mod tests {
    use super::Coding;

    #[test]
    fn labels() {
        assert_eq!(Coding::of("UTF-8"), Some(Coding::Utf8));
        assert_eq!(Coding::of("latin1"), Some(Coding::SingleByte(encoding_rs::WINDOWS_1252)));
        assert_eq!(Coding::of("utf-16"), Some(Coding::MarkedUtf16));
        assert_eq!(Coding::of("utf-16be"), Some(Coding::Transcoded(encoding_rs::UTF_16BE)));
        assert_eq!(Coding::of("shift_jis"), Some(Coding::Transcoded(encoding_rs::SHIFT_JIS)));
        assert_eq!(Coding::of("hz-gb-2312"), None, "a label of the replacement decoder");
        assert_eq!(Coding::of("klingon"), None);
    }
}
