//! The ledgers of an org, one for each object, opened when they are needed.

use crate::engine::context::EngineError;
use crate::ledger::{Entry, Ledger, SegmentRef, State};
use crate::model::{KeyHash, RecordId};
use crate::ports::Files;
use crate::stage::{Entries, Presence};
use std::collections::BTreeMap;

/// The ledgers of one org.
pub struct Ledgers<'a> {
    files: &'a dyn Files,
    folder: String,
    ledgers: BTreeMap<String, Ledger<'a>>,
}

impl<'a> Ledgers<'a> {
    /// The ledgers below `ledger/<org id>`.
    pub fn new(files: &'a dyn Files, org_id: &str) -> Self {
        Self { files, folder: format!("ledger/{org_id}"), ledgers: BTreeMap::new() }
    }

    /// Whether these are the ledgers of this org.
    pub fn is_of(&self, org_id: &str) -> bool {
        self.folder == format!("ledger/{org_id}")
    }

    /// Opens the ledger of an object.
    ///
    /// # Errors
    /// A damaged ledger, an unknown version, or the disk's own.
    pub fn open(&mut self, object: &str) -> Result<&mut Ledger<'a>, EngineError> {
        if !self.ledgers.contains_key(object) {
            let ledger = Ledger::open(self.files, &format!("{}/{object}", self.folder))?;
            // Every byte: a record Id that has changed would be believed, and another record written or deleted.
            ledger.verify()?;
            self.ledgers.insert(object.to_owned(), ledger);
        }
        self.ledgers.get_mut(object).ok_or_else(|| EngineError::Unexpected(format!("no ledger for {object}")))
    }

    /// The ledgers that are open, by object.
    pub(in crate::engine) fn opened(&self) -> impl Iterator<Item = (&str, &Ledger<'a>)> {
        self.ledgers.iter().map(|(object, ledger)| (object.as_str(), ledger))
    }

    /// What the paths of an object's segments begin with.
    pub(in crate::engine) fn segments_of(&self, object: &str) -> String {
        format!("{}/{object}/", self.folder)
    }

    /// The newest run that any open ledger has folded in. A run must come after it: a ledger takes what an older
    /// one publishes for something that it has already, even where the older run's journal was moved aside.
    pub fn last_run(&self) -> u32 {
        self.ledgers.values().filter_map(Ledger::last).map(|(run, _)| run).max().unwrap_or(0)
    }

    /// The entries of an object whose ledger is open.
    pub fn entries(&self, object: &str) -> Entries<'_> {
        match self.ledgers.get(object) {
            Some(ledger) => Box::new(ledger.iter()),
            None => Box::new(std::iter::empty()),
        }
    }

    /// As [`Ledgers::entries`], with what is still known of removed records.
    pub fn entries_with_removed(&self, object: &str) -> Entries<'_> {
        match self.ledgers.get(object) {
            Some(ledger) => Box::new(ledger.iter_with_removed()),
            None => Box::new(std::iter::empty()),
        }
    }

    /// The landed keys of an object whose ledger is open.
    pub fn landed(&self, object: &str) -> Presence<'_> {
        Box::new(self.entries(object).filter_map(landed))
    }

    /// The path of a segment, for events.
    pub fn segment_path(&self, object: &str, segment: &SegmentRef) -> String {
        format!("{}/{object}/{}.seg", self.folder, segment.name)
    }
}

fn landed(entry: std::io::Result<Entry>) -> Option<std::io::Result<(KeyHash, Option<RecordId>)>> {
    match entry {
        Ok(entry) if entry.state == State::Landed => Some(Ok((entry.key, entry.id))),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    }
}

/// Two sorted sets of keys as one.
pub(in crate::engine) fn union<'p>(left: Presence<'p>, right: Presence<'p>) -> Presence<'p> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    Box::new(std::iter::from_fn(move || {
        let order = match (left.peek(), right.peek()) {
            (Some(Ok(l)), Some(Ok(r))) => l.0.cmp(&r.0),
            (Some(_), None) | (Some(Err(_)), _) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        match order {
            std::cmp::Ordering::Less => left.next(),
            std::cmp::Ordering::Greater => right.next(),
            std::cmp::Ordering::Equal => {
                right.next();
                left.next()
            }
        }
    }))
}
