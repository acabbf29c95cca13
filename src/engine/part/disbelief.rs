//! Answers that are not believed: an Id of another object or of another record than was sent, one record for several
//! keys, another record than a key had. What became of such a row is found out as if no answer named it. Must not know
//! how that is asked.

use super::fate::Fate;
use super::fates::Collected;
use crate::model::{KeyHash, RecordId};
use crate::salesforce::ResultKind;
use std::collections::BTreeMap;

impl Collected {
    /// The fate of a row that the org says it saved under this Id; `None` when that cannot be.
    pub(in crate::engine) fn landed(
        &mut self,
        at: usize,
        from: Option<ResultKind>,
        id: Option<RecordId>,
        created: bool,
    ) -> Option<Fate> {
        let id = id.filter(|id| self.index.can_be(at, *id));
        if id.is_none() {
            self.set_one_aside(from);
        }
        id.map(|id| Fate::Landed { id, created })
    }

    /// Answers that were not believed.
    pub(in crate::engine) fn set_aside(&self) -> u64 {
        self.set_aside.values().sum()
    }

    /// One more answer is not believed.
    pub(super) fn set_one_aside(&mut self, from: Option<ResultKind>) {
        *self.set_aside.entry(from).or_default() += 1;
    }

    /// Sets aside the answers that give several keys one record: at most one of them is true.
    pub(in crate::engine) fn set_shared_aside(&mut self) {
        if self.index.matches_by_id {
            return;
        }
        let mut rows: BTreeMap<RecordId, Vec<usize>> = BTreeMap::new();
        for (at, fate) in self.fates.iter().enumerate() {
            if let Some(Fate::Landed { id, .. }) = fate {
                rows.entry(*id).or_default().push(at);
            }
        }
        for at in rows.into_values().filter(|rows| rows.len() > 1).flatten() {
            self.disbelieve(at);
        }
    }

    /// The answer for the row at a place is not believed.
    fn disbelieve(&mut self, at: usize) {
        self.fates[at] = None;
        self.set_one_aside(None);
    }

    /// Whether an answer gives a row, found by its key, another record than it had.
    pub(super) fn is_moved(&self, at: usize) -> bool {
        let known = self.index.records[at].id.filter(|_| !self.index.matches_by_id);
        matches!((known, &self.fates[at]), (Some(known), Some(Fate::Landed { id, .. })) if *id != known)
    }

    /// Whether answers give rows other records than they had.
    pub(in crate::engine) fn has_moved(&self) -> bool {
        (0..self.fates.len()).any(|at| self.is_moved(at))
    }

    /// Believes of the rows that have another record than before only those of which the org says the same when it is
    /// asked for their keys.
    pub(in crate::engine) fn confirm_moved(&mut self, found: &BTreeMap<KeyHash, RecordId>) {
        for at in 0..self.fates.len() {
            let asked = found.get(&self.index.records[at].key);
            let told = match &self.fates[at] {
                Some(Fate::Landed { id, .. }) => Some(id),
                _ => None,
            };
            if self.is_moved(at) && asked != told {
                self.disbelieve(at);
            }
        }
    }
}
