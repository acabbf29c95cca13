//! Record ids: 15 case-sensitive characters, or 18 with a suffix that makes them safe to compare without case.

/// A Salesforce record id. Held as its 15 characters; shown with all 18.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId([u8; 15]);

/// Why a text is no record id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record id has 15 or 18 letters and digits")]
pub struct RecordIdError;

/// The alphabet of the suffix (reference B; checked there against recorded ids).
const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

impl RecordId {
    /// Reads 15 or 18 characters. The suffix of 18 is checked for its alphabet only: an org does no more.
    ///
    /// # Errors
    /// [`RecordIdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, RecordIdError> {
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 15 | 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return Err(RecordIdError);
        }
        let mut id = [0; 15];
        id.copy_from_slice(&bytes[..15]);
        Ok(Self(id))
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
        for group in self.0.chunks(5) {
            let bits = group
                .iter()
                .enumerate()
                .map(|(i, c)| usize::from(c.is_ascii_uppercase()) << i)
                .sum::<usize>();
            write!(f, "{}", char::from(SUFFIX[bits]))?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::RecordId;

    #[test]
    fn suffix_agrees_with_recorded_ids() {
        for full in ["7502M00000aFzAIQA0", "0018c00002DJIpJAAX", "0018c00002DJIpKAAX", "0015500001QdQWaAAN"] {
            assert_eq!(RecordId::parse(&full[..15]).unwrap().to_string(), full);
        }
        assert!(RecordId::parse("0015").is_err() && RecordId::parse("00155000-1QdQWa").is_err());
    }
}
