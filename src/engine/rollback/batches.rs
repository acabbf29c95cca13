//! The records to delete, a list for each step: Ids with the hashes of their keys, by Id. Written once, before the run
//! begins, so that one that was interrupted goes on with what was approved.

use super::fate::RecordFate;
use super::made::{Created, Made, SORT_BUDGET, id_at};
use super::past::Past;
use crate::checkpoint::{Part, PartKey, RunState, Secret};
use crate::engine::context::{EngineError, Ports};
use crate::engine::state::{Deed, lost, read_trail};
use crate::ledger::sort::{Sorted, Sorter};
use crate::model::{KeyHash, RecordId};
use crate::plan::Batch;
use crate::ports::{Files, cannot};
use std::io;

/// Id 15, key's hash 16.
const WIDTH: usize = 15 + 16;
/// Bytes read or written at a time.
const GATHER: usize = WIDTH << 11;

/// A batch, and which batch of the run it undoes.
pub(super) struct Listed {
    pub(super) batch: Batch,
    of: u16,
    made: usize,
}

/// Where the list of a step lies.
fn path(run: u32, step: u16) -> String {
    format!("runs/{run}/delete/{step}.ids")
}

/// The lists of what goes, the last batch of the run first: children were staged after their parents had landed.
///
/// # Errors
/// The disk's own.
pub(super) fn list(
    secret: &Secret,
    past: &Past,
    made: &[Made<'_>],
    fates: &[Vec<RecordFate>],
) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for (of, batch) in past.batches.iter().enumerate().rev() {
        let of = of as u16;
        let Some(at) = made.iter().position(|m| m.object == batch.object) else { continue };
        let (mut hasher, mut records) = (blake3::Hasher::new(), 0);
        for created in going(&made[at], &fates[at], of) {
            hasher.update(&encode(&created?));
            records += 1;
        }
        if records > 0 {
            let (object, key, form) = (batch.object.clone(), batch.key.clone(), batch.form.clone());
            // The plan leaves the folder: with the Ids, the keys could be found by guessing.
            let blake3 = secret.seal(hasher.finalize().as_bytes());
            listed.push(Listed {
                batch: Batch { load: batch.load, object, key, form, records, blake3 },
                of,
                made: at,
            });
        }
    }
    Ok(listed)
}

fn going<'s>(
    made: &'s Made<'_>,
    fates: &'s [RecordFate],
    of: u16,
) -> impl Iterator<Item = io::Result<Created>> + 's {
    made.fated(fates).filter_map(move |next| match next {
        Ok((created, RecordFate::Goes)) if created.batch == of => Some(Ok(created)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

fn encode(created: &Created) -> [u8; WIDTH] {
    let mut bytes = [0; WIDTH];
    bytes[..15].copy_from_slice(created.id.bytes());
    bytes[15..].copy_from_slice(&created.key.to_be_bytes());
    bytes
}

/// Writes every list for a run, durable.
///
/// # Errors
/// The disk's own.
pub(super) fn write(
    files: &dyn Files,
    run: u32,
    listed: &[Listed],
    made: &[Made<'_>],
    fates: &[Vec<RecordFate>],
) -> io::Result<()> {
    for (step, list) in (0..).zip(listed) {
        let path = path(run, step);
        let temporary = format!("{path}.tmp");
        files.remove(&temporary)?;
        let mut gathered = Vec::with_capacity(GATHER);
        for created in going(&made[list.made], &fates[list.made], list.of) {
            gathered.extend(encode(&created?));
            if gathered.len() >= GATHER {
                files.append(&temporary, &gathered)?;
                gathered.clear();
            }
        }
        files.append(&temporary, &gathered)?;
        files.sync(&temporary)?;
        files.rename(&temporary, &path)?;
    }
    files.sync_dir(&format!("runs/{run}/delete"))
}

/// The way out where a list, or the plan that names it, is lost.
pub(super) const OUT_OF_A_LIST: &str = "restore it from a copy; or move that run's folder (`runs/…`) out of the state folder and roll back again: what it has deleted is then found gone";

/// The list of a step, read from its beginning; checked against its hash first.
pub(super) struct Reader<'f> {
    files: &'f dyn Files,
    path: String,
    at: u64,
    buffer: Vec<u8>,
}

impl<'f> Reader<'f> {
    /// Opens a list.
    ///
    /// # Errors
    /// 65 for a list that is not the one that was approved; an error of the disk.
    pub(super) fn open(ports: &Ports<'f>, run: u32, step: u16, batch: &Batch) -> Result<Self, EngineError> {
        let new = || Self { files: ports.files, path: path(run, step), at: 0, buffer: Vec::new() };
        let found = new().hash().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => lost(format!("`{}` is not there", path(run, step)), OUT_OF_A_LIST),
            _ => cannot("read", path(run, step), error).into(),
        })?;
        // An older cutover wrote the plain hash.
        if ports.secret.seal(found.as_bytes()) == batch.blake3 || found.to_hex().as_str() == batch.blake3 {
            return Ok(new());
        }
        Err(lost(format!("`{}` is not the list that was approved", path(run, step)), OUT_OF_A_LIST))
    }

    /// The hash of the whole list.
    fn hash(mut self) -> io::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        while self.fill()? {
            hasher.update(&self.buffer);
            self.buffer.clear();
        }
        Ok(hasher.finalize())
    }

    /// Reads the next piece; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let mut piece = vec![0; GATHER];
        let mut filled = 0;
        while filled < piece.len() {
            match self.files.read_at(&self.path, self.at, &mut piece[filled..])? {
                0 => break,
                read => (filled, self.at) = (filled + read, self.at + read as u64),
            }
        }
        piece.truncate(filled);
        self.buffer = piece;
        Ok(filled > 0)
    }
}

/// A record to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Going {
    pub(super) id: RecordId,
    pub(super) key: KeyHash,
}

impl Iterator for Reader<'_> {
    type Item = io::Result<Going>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.buffer.len() < WIDTH {
            match self.fill() {
                Ok(true) => self.buffer.reverse(),
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        // The piece lies backwards, so that its head is cut off at no cost.
        let rest = self.buffer.len().checked_sub(WIDTH)?;
        let mut bytes = self.buffer.split_off(rest);
        bytes.reverse();
        let key = KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[15 + i]));
        Some(id_at(&bytes, 0).map(|id| Going { id, key }))
    }
}

/// Ids of a step that have an outcome like this, by Id: of a run that goes on.
///
/// # Errors
/// A trail that is not the one that the journal names; the disk's own.
pub(super) fn settled<'a>(
    files: &'a dyn Files,
    state: &RunState,
    step: u16,
    like: impl Fn(Deed) -> bool,
) -> Result<Sorted<'a>, EngineError> {
    let mut ids = Sorter::new(files, "data/scratch/rollback-settled", 15, SORT_BUDGET);
    let of_step = |(key, _): &(&PartKey, &Part)| key.step == step;
    for (_, part) in state.parts.iter().filter(of_step) {
        for done in part.trail.iter().map(|named| read_trail(files, named)).collect::<Result<Vec<_>, _>>()? {
            let alike = done.iter().filter(|step| like(step.deed));
            alike.filter_map(|step| step.id).try_for_each(|id| ids.push(id.bytes()))?;
        }
    }
    Ok(ids.finish()?)
}
