//! Record ids: 15 case-sensitive characters, or 18 with a suffix that makes them safe to compare without case.

/// A Salesforce record id. Held as its 15 characters; shown with all 18.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId([u8; 15]);

/// Why a text is no record id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordIdError {
    /// It has another length, or other characters.
    #[error("a record id has 15 or 18 letters and digits")]
    Form,
    /// The last three of its 18 characters follow from the letter case of the others, and are not these.
    #[error("the last three characters of the record id do not fit the others: was its letter case changed?")]
    Suffix,
}

/// The alphabet of the suffix (reference B; checked there against recorded ids).
const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

impl RecordId {
    /// Reads 15 or 18 characters. A suffix must be the one that the other 15 have: an org refuses any other as
    /// `MALFORMED_ID`, and an id whose letter case was changed may be another record's.
    ///
    /// # Errors
    /// [`RecordIdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, RecordIdError> {
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 15 | 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return Err(RecordIdError::Form);
        }
        let mut id = [0; 15];
        id.copy_from_slice(&bytes[..15]);
        let id = Self(id);
        if bytes.len() == 18 && bytes[15..] != id.suffix() { Err(RecordIdError::Suffix) } else { Ok(id) }
    }

    /// The three characters that make it safe to compare without case.
    fn suffix(&self) -> [u8; 3] {
        let mut suffix = [0; 3];
        for (place, group) in suffix.iter_mut().zip(self.0.chunks(5)) {
            let upper = group.iter().enumerate().map(|(i, c)| usize::from(c.is_ascii_uppercase()) << i);
            *place = SUFFIX[upper.sum::<usize>()];
        }
        suffix
    }

    /// The 15 characters.
    pub fn bytes(&self) -> &[u8; 15] {
        &self.0
    }

    /// From 15 stored characters; `None` when they are not letters and digits.
    pub fn from_bytes(bytes: [u8; 15]) -> Option<Self> {
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }

    /// The key prefix: which object it is a record of.
    pub fn prefix(&self) -> &str {
        std::str::from_utf8(&self.0[..3]).unwrap_or("")
    }
}

impl std::fmt::Display for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or(""))?;
        f.write_str(std::str::from_utf8(&self.suffix()).unwrap_or(""))
    }
}

impl std::fmt::Debug for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::{RecordId, RecordIdError};

    #[test]
    fn suffix_agrees_with_recorded_ids() {
        for full in ["7502M00000aFzAIQA0", "0018c00002DJIpJAAX", "0018c00002DJIpKAAX", "0015500001QdQWaAAN"] {
            assert_eq!(RecordId::parse(&full[..15]).unwrap().to_string(), full);
        }
        assert!(RecordId::parse("0015").is_err() && RecordId::parse("00155000-1QdQWa").is_err());
    }

    #[test]
    fn a_suffix_that_does_not_fit_is_refused() {
        for wrong in ["0015500001QdQWaAAM", "0015500001QdQWaaan", "0015500001qdqwaAAN", "0015500001QDQWAAAN"]
        {
            assert_eq!(RecordId::parse(wrong), Err(RecordIdError::Suffix), "{wrong}");
        }
        assert!(RecordId::parse("0015500001QdQWa").is_ok());
    }
}
