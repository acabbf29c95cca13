//! From result files to outcomes: every row of a part gets exactly one fate, matched by what the row carries, and
//! the fates become a ledger segment.

use super::again::{MOST_ATTEMPTS, parts_again};
use super::books::Books;
use super::exit::EngineError;
use super::job::Desk;
use super::kept::{cell_of, each_payload_row, write_crosswalk, write_failures};
use super::named::read_named;
use super::rollback::forgotten;
use super::trail::{Hint, write_trail};
use crate::checkpoint::{Event, NamedFile, Part, PartKey};
use crate::ledger::{Entry, Flags, Ledger, Published, State, load_tag};
use crate::model::{KeyForm, KeyHash, Outcome, RecordId};
use crate::plan::StepKind;
use crate::ports::Files;
use crate::salesforce::{ErrorClass, ResultKind, ResultRow, RowError, tells_limit};
use crate::stage::{IndexRecord, action};
use std::collections::{BTreeMap, BTreeSet};

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// The org did what was asked: the record is there, or is deleted.
    Landed {
        /// Its record.
        id: RecordId,
        /// Whether the record is new.
        created: bool,
    },
    /// It was to be deleted and is not there any more: somebody else did it.
    Gone,
    /// The org refused it.
    Failed {
        /// The record, where the org named it.
        id: String,
        /// The code.
        code: String,
        /// The org's words.
        text: String,
        /// Whether the same row may well go in when it is sent again: a lock, a job that ended before its turn.
        passing: bool,
    },
}

/// A part's index in memory: at most one part's rows, 70 bytes each.
pub(super) struct Index {
    records: Vec<IndexRecord>,
    by_id: BTreeMap<RecordId, usize>,
    key: String,
    form: KeyForm,
    matches_by_id: bool,
}

impl Index {
    /// Reads a part's index and checks it against what the journal says of it.
    pub(super) fn read(files: &dyn Files, part: &Part) -> Result<Self, EngineError> {
        let bytes = read_named(files, &part.index)?;
        let records: Vec<IndexRecord> =
            bytes.chunks_exact(IndexRecord::WIDTH).map(IndexRecord::decode).collect();
        let by_id = records.iter().enumerate().filter_map(|(i, r)| Some((r.id?, i))).collect();
        let form = KeyForm::parse(&part.form).unwrap_or(KeyForm::FoldedText);
        Ok(Self { records, by_id, key: part.key.clone(), form, matches_by_id: part.by_id() })
    }

    /// Only these records from now on.
    fn keep(&mut self, records: Vec<IndexRecord>) {
        self.by_id = records.iter().enumerate().filter_map(|(i, r)| Some((r.id?, i))).collect();
        self.records = records;
    }

    fn find(&self, get: impl Fn(&str) -> Option<String>) -> Option<usize> {
        if self.matches_by_id {
            return self.by_id.get(&RecordId::parse(&get("Id")?).ok()?).copied();
        }
        self.position(self.form.hash(&get(&self.key)?)?)
    }

    fn position(&self, key: KeyHash) -> Option<usize> {
        self.records.binary_search_by_key(&key, |r| r.key).ok()
    }
}

/// The fates of a part's rows.
pub(super) struct Collected {
    index: Index,
    fates: Vec<Option<Fate>>,
    state: String,
    message: Option<String>,
    /// Rows of which nothing was told.
    untold: BTreeSet<KeyHash>,
    /// Those of them that go again.
    unsure: Vec<IndexRecord>,
    /// What the org's answer alone does not tell of a row: that its record was found by asking, or that an earlier
    /// sending of it may have created the record.
    hints: BTreeMap<KeyHash, Hint>,
}

impl Collected {
    pub(super) fn new(index: Index, state: &str, message: Option<String>) -> Result<Self, EngineError> {
        let fates = vec![None; index.records.len()];
        let (untold, unsure, hints) = (BTreeSet::new(), Vec::new(), BTreeMap::new());
        Ok(Self { index, fates, state: state.to_owned(), message, untold, unsure, hints })
    }

    /// The job went away while its results were read.
    pub(super) fn vanished(&mut self, (state, message): (&str, &str)) {
        (self.state, self.message) = (state.to_owned(), Some(message.to_owned()));
    }

    /// The rows with their fates, in order of their keys, and what else is known of them.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&IndexRecord, Option<&Fate>, Option<Hint>)> {
        let pairs = self.index.records.iter().zip(&self.fates);
        pairs.map(|(record, fate)| (record, fate.as_ref(), self.hints.get(&record.key).copied()))
    }

    /// An earlier sending of the row at a place may have created its record.
    pub(super) fn doubt(&mut self, at: usize) {
        let record = &self.index.records[at];
        if record.action == action::CREATE {
            self.hints.insert(record.key, Hint::Doubtful);
        }
    }

    /// Takes one row of a result file.
    pub(super) fn take(&mut self, kind: ResultKind, row: &ResultRow<'_>) -> std::io::Result<()> {
        let Some(at) = self.index.find(|column| row.get(column).map(str::to_owned)) else {
            return Err(std::io::Error::other("a result file has a row that was not sent in this job"));
        };
        let fate = match kind {
            ResultKind::Successful => {
                let id = row.id().and_then(|id| RecordId::parse(id).ok());
                let id = id.ok_or_else(|| std::io::Error::other("a saved row has no record id"))?;
                Fate::Landed { id, created: row.created().unwrap_or(false) }
            }
            ResultKind::Failed => {
                let error = row.error().unwrap_or_else(|| RowError::parse(""));
                let text = row.get("sf__Error").unwrap_or_default().to_owned();
                let passing = error.class() == ErrorClass::Transient;
                Fate::Failed { id: row.id().unwrap_or_default().to_owned(), code: error.code, text, passing }
            }
            ResultKind::Unprocessed => self.not_tried(),
        };
        if let Some(before) = &self.fates[at]
            && *before != fate
        {
            return Err(std::io::Error::other("the result files give one row two outcomes"));
        }
        self.fates[at] = Some(fate);
        Ok(())
    }

    /// A row that went, as its payload has it, and its fate.
    pub(super) fn fate_of(&self, get: impl Fn(&str) -> Option<String>) -> Option<(&IndexRecord, &Fate)> {
        let at = self.index.find(get)?;
        Some((&self.index.records[at], self.fates[at].as_ref()?))
    }

    /// Whether any row failed.
    pub(super) fn has_failures(&self) -> bool {
        self.fates.iter().any(|f| matches!(f, Some(Fate::Failed { .. })))
    }

    /// Rows that no file names.
    pub(super) fn unknown(&self) -> usize {
        self.fates.iter().filter(|f| f.is_none()).count()
    }

    /// Their keys as text, from the part's payload.
    pub(super) fn unknown_keys(&self, files: &dyn Files, part: &Part) -> Result<Vec<String>, EngineError> {
        let mut keys = Vec::new();
        each_payload_row(files, part, |header, record| {
            let get = cell_of(header, record);
            if self.index.find(&get).is_some_and(|at| self.fates[at].is_none()) {
                keys.extend(get(&part.key));
            }
            Ok(())
        })?;
        Ok(keys)
    }

    /// Records of a delete of which the org must say whether they are still there: it told nothing of them, or that
    /// they are deleted or unknown to it.
    pub(super) fn doubtful(&self) -> Vec<RecordId> {
        let pairs = self.index.records.iter().zip(&self.fates);
        pairs.filter(|(_, fate)| is_doubtful(fate.as_ref())).filter_map(|(record, _)| record.id).collect()
    }

    /// Settles the doubtful records of a delete: those not among `there` are gone. By our own doing, where the org told
    /// nothing of this intent or an earlier one of it (`again`); else by somebody's.
    pub(super) fn set_gone(&mut self, there: &BTreeSet<RecordId>, again: bool) {
        for (record, fate) in self.index.records.iter().zip(&mut self.fates) {
            let Some(id) = record.id.filter(|id| is_doubtful(fate.as_ref()) && !there.contains(id)) else {
                continue;
            };
            let ours = fate.is_none() || again;
            *fate = Some(if ours { Fate::Landed { id, created: false } } else { Fate::Gone });
        }
    }

    /// The place of a row that went, as its payload has it, and the Id by which the org knew it.
    pub(super) fn place_of(&self, get: impl Fn(&str) -> Option<String>) -> Option<(usize, Option<RecordId>)> {
        let at = self.index.find(get)?;
        Some((at, self.index.records[at].id.filter(|_| self.index.matches_by_id)))
    }

    /// Gives the row at a place its fate, or leaves it unknown.
    pub(super) fn set(&mut self, at: usize, fate: Option<Fate>) {
        self.fates[at] = fate;
    }

    /// The row of a key has this record, whatever became of it.
    pub(super) fn adopt(&mut self, key: KeyHash, id: RecordId) {
        if let Some(at) = self.index.position(key) {
            self.index.records[at].id = Some(id);
            self.doubt(at);
        }
    }

    /// Rows without a fate may have landed and will not be sent again as they are.
    pub(super) fn fail_unknown(&mut self) {
        for fate in self.fates.iter_mut().filter(|f| f.is_none()) {
            let text =
                "the run was cut off before the org's answer, and its inputs have changed since".to_owned();
            let code = "UNKNOWN_OUTCOME".to_owned();
            *fate = Some(Fate::Failed { id: String::new(), code, text, passing: false });
        }
    }

    /// The record of an insert's row, of which the org told nothing, was found by its key.
    pub(super) fn set_found(&mut self, key: KeyHash, id: RecordId) {
        if let Some(at) = self.index.position(key) {
            self.fates[at] = Some(Fate::Landed { id, created: true });
            self.hints.insert(key, Hint::Found);
        }
    }

    /// Rows left without a fate get the one that is safe: they go again.
    fn close(&mut self) {
        let unknown = match self.message {
            Some(_) => self.not_tried(),
            None => Fate::Failed {
                id: String::new(),
                code: "UNKNOWN_OUTCOME".into(),
                text: "no result file names the row".into(),
                passing: true,
            },
        };
        for at in 0..self.fates.len() {
            if self.fates[at].is_none() {
                self.untold.insert(self.index.records[at].key);
                self.fates[at] = Some(unknown.clone());
                self.doubt(at);
            }
        }
    }

    /// The fate of a row that the job never came to. A fault in the upload's form meets it every time.
    fn not_tried(&self) -> Fate {
        let why = self.message.clone().unwrap_or_else(|| "the job ended before the row was tried".into());
        let structural = ["InvalidBatch", "ClientInputError"].iter().any(|word| why.contains(word));
        let text = format!("{}: {why}", self.state);
        Fate::Failed { id: String::new(), code: "NOT_PROCESSED".into(), text, passing: !structural }
    }

    /// Whether the job ended because the org's allowance of a day was spent: the rows that it did not come to are
    /// nobody's fault, and no number of tries is too many for them.
    pub(super) fn ended_at_a_limit(&self) -> bool {
        self.message.as_deref().is_some_and(tells_limit)
    }

    /// Takes out the rows that were refused in passing, to be sent again.
    fn split_passing(&mut self) -> Vec<KeyHash> {
        let passing = |fate: &Option<Fate>| matches!(fate, Some(Fate::Failed { passing: true, .. }));
        let (mut again, mut records, mut fates) = (Vec::new(), Vec::new(), Vec::new());
        for (record, fate) in self.index.records.iter().zip(std::mem::take(&mut self.fates)) {
            if passing(&fate) {
                again.push(record.key);
                self.unsure.extend(self.untold.contains(&record.key).then_some(*record));
            } else {
                records.push(*record);
                fates.push(fate);
            }
        }
        self.fates = fates;
        self.index.keep(records);
        again
    }
}

/// Whether a row's record may be gone.
pub(super) fn is_doubtful(fate: Option<&Fate>) -> bool {
    const MAYBE: [&str; 2] = ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"];
    match fate {
        None => true,
        Some(Fate::Failed { code, .. }) => MAYBE.contains(&code.as_str()),
        Some(_) => false,
    }
}

/// Settles a part: failed rows to their file, outcomes to a segment, rows refused in passing to parts of their own,
/// all durable; then the events; then the ledger counts; then the part's own files go. Gives the new parts.
pub(super) fn settle(
    desk: &Desk<'_, '_>,
    books: &mut Books<'_>,
    key: PartKey,
    mut collected: Collected,
) -> Result<Vec<PartKey>, EngineError> {
    collected.close();
    let part = desk.part(key)?;
    let again = again(desk, key, &part, &mut collected)?;
    let run = desk.state.borrow().run;
    let failures = write_failures(desk, key, &part, &collected)?;
    write_crosswalk(desk, key, &part, &collected)?;
    let trail = write_trail(desk, key, &part, &collected)?;
    let ledger = books.open(&part.object)?;
    let entries = entries(desk, ledger, &part, &collected)?;
    let segment = ledger.add(&format!("run-{run}-part-{key}"), entries.into_iter().map(Ok))?;
    let path = books.segment_path(&part.object, &segment);
    let named = NamedFile { path, length: segment.length, blake3: segment.blake3.clone() };
    let Counts { created, updated, deleted, unchanged, failed } = counts(&part, &collected);
    let seq = desk.record(Event::PartSettled {
        part: key,
        state: collected.state.clone(),
        created,
        updated,
        deleted,
        unchanged,
        failed,
        segment: Some(named),
        failures,
        trail,
    })?;
    let keys = again.iter().map(|(key, _)| *key).collect();
    for (_, event) in again {
        desk.record(event)?;
    }
    desk.commit()?;
    if books.open(&part.object)?.publish(&[segment], run, seq)? == Published::Repeat {
        return Err(EngineError::Unexpected(format!("the ledger of {} is ahead of run {run}", part.object)));
    }
    desk.ports.files.remove(&part.file.path)?;
    desk.ports.files.remove(&part.index.path)?;
    desk.save();
    Ok(keys)
}

/// Takes the rows that were refused in passing out of a part, as long as they may go again.
fn again(
    desk: &Desk<'_, '_>,
    key: PartKey,
    part: &Part,
    collected: &mut Collected,
) -> Result<Vec<(PartKey, Event)>, EngineError> {
    if part.attempt >= MOST_ATTEMPTS && !collected.ended_at_a_limit() {
        return Ok(Vec::new());
    }
    let again = collected.split_passing();
    if again.is_empty() { Ok(Vec::new()) } else { parts_again(desk, key, part, &again) }
}

/// The rows of a part by outcome.
#[derive(Default)]
struct Counts {
    created: u64,
    updated: u64,
    deleted: u64,
    unchanged: u64,
    failed: u64,
}

fn counts(part: &Part, collected: &Collected) -> Counts {
    let mut counts = Counts::default();
    for fate in &collected.fates {
        let count = match fate {
            Some(Fate::Landed { .. }) if part.deletes() => &mut counts.deleted,
            Some(Fate::Landed { created: true, .. }) if part.kind == StepKind::Rows => &mut counts.created,
            Some(Fate::Landed { .. }) => &mut counts.updated,
            Some(Fate::Gone) => &mut counts.unchanged,
            _ => &mut counts.failed,
        };
        *count += 1;
    }
    counts
}

/// What the ledger will know of a part's rows.
fn entries(
    desk: &Desk<'_, '_>,
    ledger: &Ledger<'_>,
    part: &Part,
    collected: &Collected,
) -> Result<Vec<Entry>, EngineError> {
    let state = desk.state.borrow();
    if state.rolls_back.is_some() {
        return forgotten(ledger, collected, state.run);
    }
    let load = load_tag(&desk.load_name(part.load));
    let make = if part.deletes() { after_delete } else { entry };
    let rows = collected.rows().map(|(record, fate, _)| make(record, fate, load, state.run));
    let mut entries: Vec<Entry> = rows.collect();
    if !part.deletes() {
        entries.extend(collected.unsure.iter().filter_map(|record| unsure(record, load)));
        entries.sort_by_key(|entry| entry.key);
    }
    Ok(entries)
}

/// What the ledger will know of a row that was to be deleted: refused, the record is as it was.
fn after_delete(record: &IndexRecord, fate: Option<&Fate>, load: u16, run: u32) -> Entry {
    let flags = Flags { created_by_us: record.past.ours, ..Flags::default() };
    let entry = Entry { load, run, flags, ..Entry::new(record.key, State::Removed) };
    match fate {
        Some(Fate::Landed { .. }) => Entry { outcome: Some(Outcome::Deleted), ..entry },
        Some(Fate::Gone) => Entry { outcome: Some(Outcome::Unchanged), ..entry },
        _ => Entry {
            state: State::Landed,
            id: record.id,
            payload: record.payload,
            create: record.create,
            outcome: Some(Outcome::Failed),
            ..entry
        },
    }
}

/// What the ledger will know of a row that goes again although it may have landed: until then, not what its record
/// holds. With other inputs it might otherwise pass for what was there before, and never be sent.
fn unsure(record: &IndexRecord, load: u16) -> Option<Entry> {
    let id = record.id.filter(|_| record.action != action::REFERENCES)?;
    let outcome = Outcome::ALL.get(record.past.outcome as usize).copied();
    let flags = Flags { created_by_us: record.past.ours, reference_pending: record.pending, adopted: false };
    let (create, run) = (record.create, record.past.run);
    Some(Entry { id: Some(id), create, flags, outcome, load, run, ..Entry::new(record.key, State::Landed) })
}

/// What the ledger will know of a row.
fn entry(record: &IndexRecord, fate: Option<&Fate>, load: u16, run: u32) -> Entry {
    let second_pass = record.action == action::REFERENCES;
    let landed = match fate {
        Some(Fate::Landed { id, created }) => Some((*id, *created)),
        _ => None,
    };
    let base = Entry { load, run, create: record.create, ..Entry::new(record.key, State::Landed) };
    let outcome = match landed {
        _ if second_pass => Outcome::ALL.get(record.past.outcome as usize).copied(),
        Some((_, true)) => Some(Outcome::Created),
        Some((_, false)) => Some(Outcome::Updated),
        None => Some(Outcome::Failed),
    };
    let ours = record.past.ours || landed.is_some_and(|(_, created)| created);
    let pending = if second_pass { record.pending || landed.is_none() } else { record.pending };
    let flags = Flags { created_by_us: ours, reference_pending: pending, adopted: false };
    match landed.map(|(id, _)| id).or(record.id) {
        // A refused update leaves the record as it was: what we know of it is unknown again.
        Some(id) => {
            let known = landed.is_some() || second_pass;
            let run = if second_pass { record.past.run } else { run };
            Entry {
                id: Some(id),
                payload: if known { record.payload } else { 0 },
                flags,
                outcome,
                run,
                ..base
            }
        }
        None => Entry { state: State::Failed, create: 0, outcome, ..base },
    }
}
