//! The trail of a run: what it did to which record, one small file of hashes and Ids for each part. Durable before the
//! event that settles the part names it; a rollback reads it, however many runs came after. Must not know rows or values.

use super::verified_file::{lost, read_or};
use crate::checkpoint::{NamedFile, PartKey};
use crate::engine::context::EngineError;
use crate::model::{KeyHash, RecordId};
use crate::ports::Files;

/// What was done to a record; the numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(in crate::engine) enum Deed {
    /// The org said that this run created it.
    Created = 1,
    /// The org lost the answer and was asked for the key: the record may have been there before.
    Found = 2,
    /// This run may have created it, or changed it: the answer that would tell is lost. Where its row went again, what
    /// another part says of the key counts.
    Doubtful = 3,
    /// It was there and was changed.
    Updated = 4,
    /// It was deleted.
    Deleted = 5,
    /// It was to be deleted again and was gone.
    Gone = 6,
    /// It was to be deleted again and the org refused.
    Refused = 7,
}

impl Deed {
    const ALL: [Self; 7] =
        [Self::Created, Self::Found, Self::Doubtful, Self::Updated, Self::Deleted, Self::Gone, Self::Refused];
}

/// One record of a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct TrailRecord {
    /// The key of its row.
    pub(in crate::engine) key: KeyHash,
    /// The record; nothing where no answer named it.
    pub(in crate::engine) id: Option<RecordId>,
    /// What was done.
    pub(in crate::engine) deed: Deed,
    /// The `CreatedDate` that its row set, to the second; zeros where it set none.
    pub(in crate::engine) dated: Moment,
}

/// Bytes of a moment, to the second.
pub(in crate::engine) const MOMENT: usize = 19;

/// A moment by the org's clock, `2024-09-09T19:25:27` in UTC; zeros where it is not known.
pub(in crate::engine) type Moment = [u8; MOMENT];

/// How the name of a trail ends whose rows set `CreatedDate`.
const DATED: &str = ".dated";

/// Where the trail of a part lies.
pub(in crate::engine) fn trail_path(run: u32, part: PartKey, dated: bool) -> String {
    format!("runs/{run}/trail/{part}{}", if dated { DATED } else { ".ids" })
}

impl TrailRecord {
    /// Bytes: key 16, id 15 (zeros: none), deed 1, big endian.
    const WIDTH: usize = 32;

    /// To bytes; with its date in a trail whose rows set one.
    pub(in crate::engine) fn encode(&self, dated: bool) -> Vec<u8> {
        let mut bytes = self.key.to_be_bytes().to_vec();
        bytes.extend(self.id.as_ref().map_or(&[0; 15], |id| id.bytes()));
        bytes.push(self.deed as u8);
        bytes.extend(self.dated.iter().filter(|_| dated));
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let dated = bytes.get(Self::WIDTH..).filter(|rest| !rest.is_empty());
        let dated = dated.map_or(Some([0; MOMENT]), |rest| rest.try_into().ok())?;
        let key = KeyHash::from_be_bytes(bytes.get(..16)?.try_into().ok()?);
        let id = RecordId::from_bytes(bytes.get(16..31)?.try_into().ok()?);
        let deed = Deed::ALL.into_iter().find(|deed| Some(&(*deed as u8)) == bytes.get(31))?;
        Some(Self { key, id, deed, dated })
    }
}

/// The way out where a trail is lost.
const OUT_OF_A_TRAIL: &str = "restore it from a copy: without it that run cannot be rolled back, and nothing else needs it (`cutover state check` lists all that is wrong)";

/// Reads a trail, and sees to it that it is the one that the journal names. At most one part's rows.
///
/// # Errors
/// 65 for another file than the journal names; an error of the disk.
pub(in crate::engine) fn read_trail(
    files: &dyn Files,
    named: &NamedFile,
) -> Result<Vec<TrailRecord>, EngineError> {
    let bytes = read_or(files, named, OUT_OF_A_TRAIL)?;
    let width = TrailRecord::WIDTH + if named.path.ends_with(DATED) { MOMENT } else { 0 };
    let steps: Option<Vec<TrailRecord>> = bytes.chunks(width).map(TrailRecord::decode).collect();
    let strange = || lost(format!("`{}` says what no trail says", named.path), OUT_OF_A_TRAIL);
    steps.ok_or_else(strange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_back_as_they_were() {
        let id = RecordId::parse("0018c00002DJIpJ").ok();
        for deed in Deed::ALL {
            for id in [id, None] {
                for dated in [[0; MOMENT], *b"2019-03-05T10:00:00"] {
                    let step = TrailRecord { key: 1 << 90, id, deed, dated };
                    assert_eq!(TrailRecord::decode(&step.encode(dated != [0; MOMENT])), Some(step));
                }
            }
        }
        assert_eq!(TrailRecord::decode(&[0; TrailRecord::WIDTH]), None);
        assert_eq!(TrailRecord::decode(&[1; 31]), None);
        assert_eq!(TrailRecord::decode(&[1; 40]), None);
    }
}
