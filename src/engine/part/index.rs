//! The index of a part in memory: which row an answer is about, by the key or Id that it carries. Must not know what became
//! of a row.

use crate::checkpoint::Part;
use crate::engine::context::EngineError;
use crate::engine::state::read_named;
use crate::model::{KeyForm, KeyHash, RecordId};
use crate::ports::Files;
use crate::stage::IndexRecord;
use std::collections::BTreeMap;

/// A part's index in memory: at most one part's rows, 70 bytes each.
pub(in crate::engine) struct Index {
    pub(super) records: Vec<IndexRecord>,
    pub(super) by_id: BTreeMap<RecordId, Vec<usize>>,
    pub(super) key: String,
    pub(super) form: KeyForm,
    pub(super) matches_by_id: bool,
    pub(super) attempt: u32,
    /// The first three characters of the object's Ids, where describe tells them.
    pub(super) prefix: Option<String>,
}

impl Index {
    /// Reads a part's index and checks it against what the journal says of it. `prefix`: how Ids of its object begin.
    pub(super) fn read(files: &dyn Files, part: &Part, prefix: Option<&str>) -> Result<Self, EngineError> {
        let bytes = read_named(files, &part.index)?;
        let records: Vec<IndexRecord> =
            bytes.chunks_exact(IndexRecord::WIDTH).map(IndexRecord::decode).collect();
        let form = KeyForm::parse(&part.form).unwrap_or(KeyForm::FoldedText);
        let (key, by_id) = (part.key.clone(), by_id(&records));
        let prefix = prefix.map(str::to_owned);
        Ok(Self { records, by_id, key, form, matches_by_id: part.by_id(), attempt: part.attempt, prefix })
    }

    /// Only these records from now on.
    pub(super) fn keep(&mut self, records: Vec<IndexRecord>) {
        self.by_id = by_id(&records);
        self.records = records;
    }

    /// The row that carries this; of several that name one record, the first.
    pub(super) fn find(&self, get: impl Fn(&str) -> Option<String>) -> Option<usize> {
        if self.matches_by_id {
            let rows = self.by_id.get(&RecordId::parse(&get("Id")?).ok()?)?;
            return rows.first().copied();
        }
        self.position(self.form.hash(&get(&self.key)?)?)
    }

    pub(super) fn position(&self, key: KeyHash) -> Option<usize> {
        self.records.binary_search_by_key(&key, |r| r.key).ok()
    }

    /// Whether a record with this Id can be that of the row: it is one of the object, and the very one that was sent.
    pub(super) fn can_be(&self, at: usize, id: RecordId) -> bool {
        let of_object = self.prefix.as_deref().is_none_or(|prefix| prefix == id.prefix());
        of_object && (!self.matches_by_id || self.records[at].id == Some(id))
    }

    /// Whether other rows name the same record: an answer by Id does not say which of them is meant.
    pub(super) fn shares(&self, at: usize) -> bool {
        let rows = self.records[at].id.filter(|_| self.matches_by_id).and_then(|id| self.by_id.get(&id));
        rows.is_some_and(|rows| rows.len() > 1)
    }

    /// The rows that name one record, for each record that several rows name.
    pub(super) fn shared(&self) -> Vec<Vec<usize>> {
        let shared = self.by_id.values().filter(|rows| self.matches_by_id && rows.len() > 1);
        shared.cloned().collect()
    }
}

pub(super) fn by_id(records: &[IndexRecord]) -> BTreeMap<RecordId, Vec<usize>> {
    let mut by_id: BTreeMap<RecordId, Vec<usize>> = BTreeMap::new();
    for (at, id) in records.iter().enumerate().filter_map(|(at, r)| Some((at, r.id?))) {
        by_id.entry(id).or_default().push(at);
    }
    by_id
}
