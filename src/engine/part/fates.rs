//! What became of a part's rows, gathered from result files and answers: every row gets exactly one fate, matched by
//! what it carries, a key or an Id. Must not know the ledger or the journal.

use super::fate::{Fate, Hint};
use super::index::Index;
use super::payload::{cell_of, each_payload_row, has_column};
use crate::checkpoint::Part;
use crate::engine::context::EngineError;
use crate::engine::state::{MOMENT, Moment};
use crate::model::{KeyHash, RecordId};
use crate::ports::Files;
use crate::salesforce::{ErrorClass, ResultKind, ResultRow, RowError, tells_limit, tells_maintenance};
use crate::stage::{IndexRecord, action};
use std::collections::{BTreeMap, BTreeSet};

/// How often a delete that another record keeps goes again: the records that keep it may be among those after it.
const KEPT_ATTEMPTS: u32 = 2;

/// The fates of a part's rows.
pub(in crate::engine) struct Collected {
    pub(super) index: Index,
    pub(super) fates: Vec<Option<Fate>>,
    /// Answers about records that several rows name: the first of the rows, the file that it came from, the fate.
    shared: Vec<(usize, Option<ResultKind>, Fate)>,
    state: String,
    message: Option<String>,
    /// When the org was done with the rows, by its own clock.
    over: Option<String>,
    /// Rows of which nothing was told.
    untold: BTreeSet<KeyHash>,
    /// Those of them that go again.
    unsure: Vec<IndexRecord>,
    /// Rows that go again although they may have created a record: their keys, and the record where one was found.
    doubted: Vec<(KeyHash, Option<RecordId>)>,
    /// What the org's answer alone does not tell of a row: that its record was found by asking, or that an earlier
    /// sending of it may have created the record.
    hints: BTreeMap<KeyHash, Hint>,
    /// Rows whose record is another than we knew, as was found before they had a fate that tells it.
    renewed: BTreeSet<KeyHash>,
    /// Answers that were not believed, by the file that they came from.
    pub(super) set_aside: BTreeMap<Option<ResultKind>, u64>,
}

impl Collected {
    pub(in crate::engine) fn new(
        index: Index,
        state: &str,
        message: Option<String>,
    ) -> Result<Self, EngineError> {
        let fates = vec![None; index.records.len()];
        let (shared, untold, hints) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        let (unsure, doubted, renewed) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (state, over) = (state.to_owned(), None);
        let set_aside = BTreeMap::new();
        Ok(Self {
            index,
            fates,
            shared,
            state,
            message,
            over,
            untold,
            unsure,
            doubted,
            hints,
            renewed,
            set_aside,
        })
    }

    /// The job went away while its results were read.
    pub(in crate::engine) fn vanished(&mut self, (state, message): (&str, &str)) {
        (self.state, self.message) = (state.to_owned(), Some(message.to_owned()));
    }

    /// An earlier sending of the row at a place may have created its record.
    pub(in crate::engine) fn doubt(&mut self, at: usize) {
        let record = &self.index.records[at];
        if record.action == action::CREATE {
            self.hints.insert(record.key, Hint::Doubtful);
        }
    }

    /// The org was done with the rows at this second of its own clock, where it told.
    pub(in crate::engine) fn was_over(&mut self, second: Option<String>) {
        self.over = second;
    }

    /// When the org was done with the rows, by its own clock.
    pub(in crate::engine) fn over(&self) -> Option<&str> {
        self.over.as_deref()
    }

    /// How the org worded the end.
    pub(in crate::engine) fn state(&self) -> &str {
        &self.state
    }

    /// The rows with their fates, in order of their keys, and what else is known of them.
    pub(in crate::engine) fn rows(
        &self,
    ) -> impl Iterator<Item = (&IndexRecord, Option<&Fate>, Option<Hint>)> {
        let pairs = self.index.records.iter().zip(&self.fates);
        pairs.map(|(record, fate)| (record, fate.as_ref(), self.hints.get(&record.key).copied()))
    }

    /// Rows that go again although they may have landed.
    pub(in crate::engine) fn unsure(&self) -> &[IndexRecord] {
        &self.unsure
    }

    /// Rows that go again although they may have created a record: what becomes of them later need not tell.
    pub(in crate::engine) fn doubted(&self) -> &[(KeyHash, Option<RecordId>)] {
        &self.doubted
    }

    /// Whether the job ended because the org's allowance of a day was spent: the rows that it did not come to are
    /// nobody's fault, and no number of tries is too many for them.
    pub(in crate::engine) fn ended_at_a_limit(&self) -> bool {
        self.message.as_deref().is_some_and(tells_limit)
    }

    /// Whether the org is maintained: it said so of a row, or of the job. No row is at fault, and no number of tries is too many.
    pub(in crate::engine) fn met_maintenance(&self) -> bool {
        let of_row =
            |fate: &Option<Fate>| matches!(fate, Some(Fate::Failed { code, .. }) if is_maintenance(code));
        self.fates.iter().any(of_row) || self.message.as_deref().is_some_and(tells_maintenance)
    }

    /// Takes one row of a result file. One that names no row of the part, or a record that cannot be the row's, is set
    /// aside: what became of the row is found out as if no file named it.
    pub(in crate::engine) fn take(&mut self, kind: ResultKind, row: &ResultRow<'_>) -> std::io::Result<()> {
        let Some(at) = self.index.find(|column| row.get(column).map(str::to_owned)) else {
            self.set_one_aside(Some(kind));
            return Ok(());
        };
        let fate = match kind {
            ResultKind::Successful => {
                let id = row.id().and_then(|id| RecordId::parse(id).ok());
                self.landed(at, Some(kind), id, row.created().unwrap_or(false))
            }
            ResultKind::Failed => {
                let error = row.error().unwrap_or_else(|| RowError::parse(""));
                let text = row.get("sf__Error").unwrap_or_default().to_owned();
                Some(self.refused(row.id().unwrap_or_default().to_owned(), error, text))
            }
            ResultKind::Unprocessed => Some(self.not_tried()),
        };
        if let Some(fate) = fate {
            self.give(at, Some(kind), fate);
        }
        Ok(())
    }

    /// A result file is read once more: what it said of records that several rows name is said again.
    pub(in crate::engine) fn read_again(&mut self, kind: ResultKind) {
        self.shared.retain(|(_, from, _)| *from != Some(kind));
        self.set_aside.remove(&Some(kind));
    }

    /// What a refusal comes to.
    fn refused(&self, id: String, error: RowError, text: String) -> Fate {
        if self.waits(&error) {
            return Fate::Held { code: error.code, text };
        }
        let passing = self.passes(&error);
        Fate::Failed { id, code: error.code, text, passing }
    }

    /// Whether a row waits for what it points to. Of a row that names its record by Id the org may mean that record.
    pub(in crate::engine) fn waits(&self, error: &RowError) -> bool {
        let by_id = self.index.matches_by_id && error.code != "INVALID_FIELD";
        error.class() == ErrorClass::Dependency && !by_id
    }

    /// Whether the same row may well go in when it is sent again.
    pub(in crate::engine) fn passes(&self, error: &RowError) -> bool {
        let kept = error.code == "DELETE_FAILED" && self.index.attempt < KEPT_ATTEMPTS;
        error.class() == ErrorClass::Transient || kept
    }

    /// Gives a row its fate; two that differ are none that can be believed.
    fn give(&mut self, at: usize, from: Option<ResultKind>, fate: Fate) {
        if self.index.shares(at) {
            self.shared.push((at, from, fate));
            return;
        }
        let fate = match self.fates[at].take() {
            Some(before) if before != fate => self.contradicted(at, [before, fate]),
            _ => fate,
        };
        self.fates[at] = Some(fate);
    }

    /// The row counts as failed, but its record is not forgotten: an insert must not go twice.
    fn contradicted(&mut self, at: usize, both: [Fate; 2]) -> Fate {
        for fate in both {
            if let Fate::Landed { id, .. } = fate {
                self.is(at, id);
            }
        }
        let id = self.index.records[at].id.map(|id| id.to_string()).unwrap_or_default();
        let text = "the result files give the row two outcomes".to_owned();
        Fate::Failed { id, code: "CONTRADICTED".into(), text, passing: false }
    }

    /// A row that went, as its payload has it, and its fate.
    pub(in crate::engine) fn fate_of(
        &self,
        get: impl Fn(&str) -> Option<String>,
    ) -> Option<(&IndexRecord, &Fate)> {
        let at = self.index.find(get)?;
        Some((&self.index.records[at], self.fates[at].as_ref()?))
    }

    /// Whether any row failed.
    pub(in crate::engine) fn has_failures(&self) -> bool {
        self.fates.iter().any(|f| matches!(f, Some(Fate::Failed { .. })))
    }

    /// Whether any row waits for what it points to.
    pub(in crate::engine) fn has_held(&self) -> bool {
        self.fates.iter().any(|f| matches!(f, Some(Fate::Held { .. })))
    }

    /// Whether the whole upload was refused for its form, so that no row was tried.
    pub(in crate::engine) fn was_refused_whole(&self) -> bool {
        self.message.as_deref().is_some_and(is_structural)
    }

    /// Rows that no file names.
    pub(in crate::engine) fn unknown(&self) -> usize {
        self.fates.iter().filter(|f| f.is_none()).count()
    }

    /// Their keys as text, from the part's payload.
    pub(in crate::engine) fn unknown_keys(
        &self,
        files: &dyn Files,
        part: &Part,
    ) -> Result<Vec<String>, EngineError> {
        self.keys(files, part, |at| self.fates[at].is_none())
    }

    /// The keys, as text, of the rows that have another record than before.
    pub(in crate::engine) fn moved_keys(
        &self,
        files: &dyn Files,
        part: &Part,
    ) -> Result<Vec<String>, EngineError> {
        self.keys(files, part, |at| self.is_moved(at))
    }

    fn keys(
        &self,
        files: &dyn Files,
        part: &Part,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Vec<String>, EngineError> {
        let mut keys = Vec::new();
        each_payload_row(files, part, |header, record| {
            let get = cell_of(header, record);
            if self.index.find(&get).is_some_and(&wanted) {
                // As it is compared: without space around it.
                keys.extend(get(&part.key).map(|key| key.trim().to_owned()));
            }
            Ok(())
        })?;
        Ok(keys)
    }

    /// The `CreatedDate` that each row of the part sets, to the second; none where they set none.
    pub(super) fn dates(
        &self,
        files: &dyn Files,
        part: &Part,
    ) -> Result<BTreeMap<KeyHash, Moment>, EngineError> {
        let mut dates = BTreeMap::new();
        if !has_column(files, part, "CreatedDate")? {
            return Ok(dates);
        }
        each_payload_row(files, part, |header, record| {
            let get = cell_of(header, record);
            let moment = get("CreatedDate").and_then(|text| text.as_bytes().get(..MOMENT)?.try_into().ok());
            dates.extend(
                self.index.find(&get).map(|at| (self.index.records[at].key, moment.unwrap_or_default())),
            );
            Ok(())
        })?;
        Ok(dates)
    }

    /// Records of a delete of which the org must say whether they are still there: it told nothing of them, or that
    /// they are deleted or unknown to it.
    pub(in crate::engine) fn doubtful(&self) -> Vec<RecordId> {
        let pairs = self.index.records.iter().zip(&self.fates);
        pairs.filter(|(_, fate)| is_doubtful(fate.as_ref())).filter_map(|(record, _)| record.id).collect()
    }

    /// Settles the doubtful records of a delete: those not among `there` are gone. By our own doing, where the org told
    /// nothing of this intent or an earlier one of it (`again`); else by somebody's.
    pub(in crate::engine) fn set_gone(&mut self, there: &BTreeSet<RecordId>, again: bool) {
        for (record, fate) in self.index.records.iter().zip(&mut self.fates) {
            let Some(id) = record.id.filter(|id| is_doubtful(fate.as_ref()) && !there.contains(id)) else {
                continue;
            };
            let ours = fate.is_none() || again;
            *fate = Some(if ours { Fate::Landed { id, created: false } } else { Fate::Gone });
        }
    }

    /// The place of a row that went, as its payload has it, and the Id by which the org knew it.
    pub(in crate::engine) fn place_of(
        &self,
        get: impl Fn(&str) -> Option<String>,
    ) -> Option<(usize, Option<RecordId>)> {
        let at = self.index.find(get)?;
        Some((at, self.index.records[at].id.filter(|_| self.index.matches_by_id)))
    }

    /// Gives the row at a place its fate, or leaves it unknown.
    pub(in crate::engine) fn set(&mut self, at: usize, fate: Option<Fate>) {
        if let Some(fate) = fate {
            self.give(at, None, fate);
        }
    }

    /// The row of a key has this record, whatever became of it.
    pub(in crate::engine) fn adopt(&mut self, key: KeyHash, id: RecordId) {
        if let Some(at) = self.index.position(key) {
            self.is(at, id);
            self.doubt(at);
        }
    }

    /// The row at a place has this record.
    fn is(&mut self, at: usize, id: RecordId) {
        let record = &mut self.index.records[at];
        if record.id.replace(id).is_some_and(|known| known != id) {
            self.renewed.insert(record.key);
        }
    }

    /// Keys whose record is another than we knew: somebody had deleted it, and it was made again. However the org told
    /// it: an update too, where an earlier sending of ours made it, or somebody else.
    pub(in crate::engine) fn made_anew(&self) -> BTreeSet<KeyHash> {
        let known = |(record, fate, _): (&IndexRecord, Option<&Fate>, _)| match fate {
            Some(Fate::Landed { id, .. }) if record.id.is_some_and(|known| known != *id) => Some(record.key),
            _ => None,
        };
        self.rows().filter_map(known).chain(self.renewed.iter().copied()).collect()
    }

    /// Rows without a fate may have landed and will not be sent again as they are.
    pub(in crate::engine) fn fail_unknown(&mut self) {
        for at in 0..self.fates.len() {
            if self.fates[at].is_some() {
                continue;
            }
            let text =
                "the run was cut off before the org's answer, and its inputs have changed since".to_owned();
            let code = "UNKNOWN_OUTCOME".to_owned();
            self.fates[at] = Some(Fate::Failed { id: String::new(), code, text, passing: false });
            self.doubt(at);
        }
    }

    /// The record of an insert's row, of which the org told nothing, was found by its key.
    pub(in crate::engine) fn set_found(&mut self, key: KeyHash, id: RecordId) {
        if let Some(at) = self.index.position(key) {
            self.fates[at] = Some(Fate::Landed { id, created: true });
            self.hints.insert(key, Hint::Found);
        }
    }

    /// Rows left without a fate get the one that is safe: they go again.
    pub(in crate::engine) fn close(&mut self) {
        self.share_out();
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
                // Of an upload that was refused for its form no row was tried.
                if !self.was_refused_whole() {
                    self.doubt(at);
                }
            }
        }
    }

    /// Rows that name one record get what the org said of it, if it said the same as often as there are rows. They never
    /// go again: not even then would it be known which is meant.
    fn share_out(&mut self) {
        let shared = std::mem::take(&mut self.shared);
        for rows in self.index.shared() {
            let told: Vec<&Fate> =
                shared.iter().filter(|(at, ..)| *at == rows[0]).map(|(_, _, fate)| fate).collect();
            let agree = told.len() == rows.len() && told.iter().all(|fate| *fate == told[0]);
            let fate = match told.first().filter(|_| agree).map(|fate| (*fate).clone()) {
                Some(Fate::Failed { id, code, text, .. }) => Fate::Failed { id, code, text, passing: false },
                Some(fate) => fate,
                None => self.undecided(&rows),
            };
            for at in rows {
                self.fates[at].get_or_insert_with(|| fate.clone());
            }
        }
    }

    /// Nobody knows which of the rows the org took.
    fn undecided(&self, rows: &[usize]) -> Fate {
        let lines: Vec<String> = rows.iter().map(|at| self.index.records[*at].line.to_string()).collect();
        let lines = lines.join(" and ");
        let text =
            format!("the rows at lines {lines} go to one record, and the org does not say which it took");
        let id = self.index.records[rows[0]].id.map(|id| id.to_string()).unwrap_or_default();
        Fate::Failed { id, code: "SAME_RECORD".into(), text, passing: false }
    }

    /// The fate of a row that the job never came to. A fault in the upload's form meets it every time.
    fn not_tried(&self) -> Fate {
        let why = self.message.clone().unwrap_or_else(|| "the job ended before the row was tried".into());
        let text = format!("{}: {why}", self.state);
        let passing = !is_structural(&why);
        Fate::Failed { id: String::new(), code: "NOT_PROCESSED".into(), text, passing }
    }

    /// Takes out the rows that were refused in passing, to be sent again.
    pub(in crate::engine) fn split_passing(&mut self) -> Vec<KeyHash> {
        let passing = |fate: &Option<Fate>| matches!(fate, Some(Fate::Failed { passing: true, .. }));
        let (mut again, mut records, mut fates) = (Vec::new(), Vec::new(), Vec::new());
        for (record, fate) in self.index.records.iter().zip(std::mem::take(&mut self.fates)) {
            if passing(&fate) {
                again.push(record.key);
                self.unsure.extend(self.untold.contains(&record.key).then_some(*record));
                let doubtful = self.hints.get(&record.key) == Some(&Hint::Doubtful);
                self.doubted.extend(doubtful.then_some((record.key, record.id)));
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

fn is_maintenance(code: &str) -> bool {
    RowError { code: code.to_owned(), message: String::new(), fields: Vec::new() }.is_maintenance()
}

/// Whether an upload was refused for its form.
fn is_structural(message: &str) -> bool {
    ["InvalidBatch", "ClientInputError"].iter().any(|word| message.contains(word))
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

#[cfg(test)]
#[path = "fates_tests.rs"]
mod tests;
