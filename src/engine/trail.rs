//! The trail of a run: what it did to which record, one small file of hashes and Ids for each part. Durable before the
//! event that settles the part names it; a rollback reads it, however many runs came after. Must not know rows or values.

use super::collected::{Collected, Fate};
use super::desk::Desk;
use crate::checkpoint::{NamedFile, Part, PartKey};
use crate::engine::context::EngineError;
use crate::model::{KeyHash, RecordId};
use crate::plan::StepKind;
use crate::ports::{Files, read_all, write_durably};
use crate::stage::{IndexRecord, action};

/// What is known of a row beside its fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// Its record was found by asking for the key: it may have been there before.
    Found,
    /// An earlier sending, whose answer nobody has, may have created its record.
    Doubtful,
}

/// What was done to a record; the numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Deed {
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
pub(super) struct Step {
    /// The key of its row.
    pub(super) key: KeyHash,
    /// The record; nothing where no answer named it.
    pub(super) id: Option<RecordId>,
    /// What was done.
    pub(super) deed: Deed,
}

impl Step {
    /// Bytes: key 16, id 15 (zeros: none), deed 1, big endian.
    pub(super) const WIDTH: usize = 32;

    fn encode(&self) -> [u8; Self::WIDTH] {
        let mut bytes = [0; Self::WIDTH];
        bytes[..16].copy_from_slice(&self.key.to_be_bytes());
        if let Some(id) = &self.id {
            bytes[16..31].copy_from_slice(id.bytes());
        }
        bytes[31] = self.deed as u8;
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let key = KeyHash::from_be_bytes(bytes.get(..16)?.try_into().ok()?);
        let id = RecordId::from_bytes(bytes.get(16..31)?.try_into().ok()?);
        let deed = Deed::ALL.into_iter().find(|deed| Some(&(*deed as u8)) == bytes.get(31))?;
        Some(Self { key, id, deed })
    }
}

/// Writes what a part did, durable; nothing where it did nothing to any record.
pub(super) fn write_trail(
    desk: &Desk<'_, '_>,
    key: PartKey,
    part: &Part,
    collected: &Collected,
) -> Result<Option<NamedFile>, EngineError> {
    let (run, again, back) = {
        let state = desk.state.borrow();
        (state.run, state.resumed || part.attempt > 0, state.rolls_back.is_some())
    };
    let (mut bytes, anew) = (Vec::new(), collected.made_anew());
    for (record, fate, hint) in collected.rows() {
        let told = if back { deleted(fate) } else { done(part, record, fate, hint, again) };
        // Told as an update, of a record that was not there before: an earlier sending may have made it, or somebody else.
        let done = told.map(|(deed, id)| match deed {
            Deed::Updated if part.kind == StepKind::Rows && anew.contains(&record.key) => {
                (Deed::Doubtful, id)
            }
            deed => (deed, id),
        });
        if let Some((deed, id)) = done {
            bytes.extend(Step { key: record.key, id: id.or(record.id), deed }.encode());
        }
    }
    // Of rows that go again: what becomes of them may come to no trail of this run.
    for (key, id) in collected.doubted() {
        bytes.extend(Step { key: *key, id: *id, deed: Deed::Doubtful }.encode());
    }
    if bytes.is_empty() {
        return Ok(None);
    }
    let path = format!("runs/{run}/trail/{key}.ids");
    write_durably(desk.ports.files, &path, &bytes)?;
    let blake3 = blake3::hash(&bytes).to_hex().to_string();
    Ok(Some(NamedFile { path, length: bytes.len() as u64, blake3 }))
}

/// What became of a record that was to be deleted again: of each one, so that a rollback that goes on knows the rest.
fn deleted(fate: Option<&Fate>) -> Option<(Deed, Option<RecordId>)> {
    let deed = match fate {
        Some(Fate::Landed { .. }) => Deed::Deleted,
        Some(Fate::Gone) => Deed::Gone,
        _ => Deed::Refused,
    };
    Some((deed, None))
}

/// What a row did. `again`: it may have been sent before.
fn done(
    part: &Part,
    record: &IndexRecord,
    fate: Option<&Fate>,
    hint: Option<Hint>,
    again: bool,
) -> Option<(Deed, Option<RecordId>)> {
    let new = part.kind == StepKind::Rows && record.action == action::CREATE;
    match (fate, hint) {
        (Some(Fate::Landed { id, .. }), _) if part.deletes() => Some((Deed::Deleted, Some(*id))),
        (Some(Fate::Landed { id, .. }), Some(Hint::Found)) => Some((Deed::Found, Some(*id))),
        (Some(Fate::Landed { id, created: true }), _) if part.kind == StepKind::Rows => {
            Some((Deed::Created, Some(*id)))
        }
        (Some(Fate::Landed { id, .. }), hint) if new && (again || hint.is_some()) => {
            Some((Deed::Doubtful, Some(*id)))
        }
        (Some(Fate::Landed { id, .. }), _) => Some((Deed::Updated, Some(*id))),
        (_, Some(Hint::Doubtful)) => Some((Deed::Doubtful, None)),
        _ => None,
    }
}

/// Reads a trail, and sees to it that it is the one that the journal names. At most one part's rows.
///
/// # Errors
/// Another file than the journal names; the disk's own.
pub(super) fn read_trail(files: &dyn Files, named: &NamedFile) -> Result<Vec<Step>, EngineError> {
    let bytes = read_all(files, &named.path)?;
    let steps: Option<Vec<Step>> = bytes.chunks(Step::WIDTH).map(Step::decode).collect();
    match steps {
        Some(steps) if blake3::hash(&bytes).to_hex().as_str() == named.blake3 => Ok(steps),
        _ => Err(EngineError::Unexpected(format!("{} is not the file that the journal names", named.path))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_back_as_they_were() {
        let id = RecordId::parse("0018c00002DJIpJ").ok();
        for deed in Deed::ALL {
            for id in [id, None] {
                let step = Step { key: 1 << 90, id, deed };
                assert_eq!(Step::decode(&step.encode()), Some(step));
            }
        }
        assert_eq!(Step::decode(&[0; Step::WIDTH]), None);
        assert_eq!(Step::decode(&[1; 31]), None);
    }
}
