//! What a settled part did to each record, written to its trail. Must not know how a trail is stored or read again.

use super::desk::Desk;
use super::fate::{Fate, Hint};
use super::fates::Collected;
use crate::checkpoint::{NamedFile, Part, PartKey};
use crate::engine::context::EngineError;
use crate::engine::state::{Deed, TrailRecord, trail_path};
use crate::model::{KeyHash, RecordId};
use crate::plan::StepKind;
use crate::ports::write_durably;
use crate::stage::{IndexRecord, action};

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
    let dates = collected.dates(desk.ports.files, part)?;
    let dated = |key: &KeyHash| dates.get(key).copied().unwrap_or_default();
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
            let (id, dated) = (id.or(record.id), dated(&record.key));
            bytes.extend(TrailRecord { key: record.key, id, deed, dated }.encode(!dates.is_empty()));
        }
    }
    // Of rows that go again: what becomes of them may come to no trail of this run.
    for (key, id) in collected.doubted() {
        let record = TrailRecord { key: *key, id: *id, deed: Deed::Doubtful, dated: dated(key) };
        bytes.extend(record.encode(!dates.is_empty()));
    }
    if bytes.is_empty() {
        return Ok(None);
    }
    let path = trail_path(run, key, !dates.is_empty());
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
