//! The ledger of one object: which segments count, how new ones come in, and when old ones are merged.
//!
//! The order of durable steps is always: segment file, then CURRENT, then the removal of what CURRENT no longer
//! names. A crash between any two leaves the old state or the new one, and at worst files that nobody names.

use super::LedgerError;
use super::current::{self, Current};
use super::entry::Entry;
use super::merge::{Joined, join};
use super::merged::Merged;
use super::segment::{self, SegmentRef};
use crate::model::KeyHash;
use crate::ports::Files;
use std::io;

/// More live segments than this are merged.
const MOST_LIVE: usize = 8;

/// Whether a call to [`Ledger::publish`] changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The segments count from now on.
    New,
    /// The ledger had got as far as this journal line before: nothing was done.
    Repeat,
}

/// What landed of one object.
pub struct Ledger<'a> {
    files: &'a dyn Files,
    folder: String,
    current: Current,
    /// Whether CURRENT has ever been written.
    written: bool,
}

impl<'a> Ledger<'a> {
    /// Opens the ledger in a folder; an empty one when nothing is there. Checks that every live segment is there
    /// with its length and header, but not its bytes: see [`Ledger::verify`].
    ///
    /// # Errors
    /// A missing or damaged file, an unknown version, or the disk's own error.
    pub fn open(files: &'a dyn Files, folder: &str) -> Result<Self, LedgerError> {
        let found = Current::read(files, folder)?;
        // It is written before the first segment: without it, nobody knows which of them count.
        if found.is_none() && files.list(folder)?.iter().any(|name| name.ends_with(".seg")) {
            let what = "it is not there, though segments are".to_owned();
            return Err(LedgerError::Damaged { file: current::path(folder), what });
        }
        let found = found.filter(|current| !current.building);
        let (written, current) = (found.is_some(), found.unwrap_or_else(Current::empty));
        for live in &current.segments {
            segment::check(files, folder, live)?;
        }
        Ok(Self { files, folder: folder.to_owned(), current, written })
    }

    /// Reads every byte of every live segment and compares its hash.
    ///
    /// # Errors
    /// A damaged file, or the disk's own error.
    pub fn verify(&self) -> Result<(), LedgerError> {
        self.current.segments.iter().try_for_each(|live| self.verify_segment(live))
    }

    /// Reads every byte of a segment that need not be live, as a journal event names it.
    ///
    /// # Errors
    /// A missing or damaged file, or the disk's own error.
    pub fn verify_segment(&self, segment: &SegmentRef) -> Result<(), LedgerError> {
        segment::verify(self.files, &self.folder, segment)
    }

    /// What the keys of its entries are of: hashes do not tell, and the same text in two fields is one hash. Nothing
    /// while there are no entries.
    pub fn key(&self) -> Option<&str> {
        self.current.key.as_deref().filter(|_| !self.current.segments.is_empty())
    }

    /// Notes what keys are of from now on; written with the next segment.
    pub fn set_key(&mut self, key: &str) {
        self.current.key = Some(key.to_owned());
    }

    /// The live segments, oldest first.
    pub fn segments(&self) -> &[SegmentRef] {
        &self.current.segments
    }

    /// Run and journal line up to which outcomes are folded in; nothing before the first.
    pub fn last(&self) -> Option<(u32, u64)> {
        let last = (self.current.last_run, self.current.last_seq);
        (last != (0, 0)).then_some(last)
    }

    /// Whether anything was ever written into it.
    pub fn is_there(&self) -> bool {
        self.written
    }

    /// Notes, of a ledger that is to be built from what the org has, how far the journal had come by then: what it
    /// settled before is in. Written with the next segment.
    pub fn set_reached(&mut self, run: u32, seq: u64) {
        (self.current.last_run, self.current.last_seq) = (run, seq);
    }

    /// Where what counts is written down.
    pub fn current_path(&self) -> String {
        current::path(&self.folder)
    }

    /// The newest entry of each key, in order of the keys, without removed ones.
    pub fn iter(&self) -> Merged<'_> {
        self.merged(0, Some(u32::MAX))
    }

    /// As [`Ledger::iter`], with what is still known of removed records: at least of those that the last run removed.
    pub fn iter_with_removed(&self) -> Merged<'_> {
        self.merged(0, None)
    }

    /// Looks up keys that come in ascending order, repeated or not.
    pub fn lookup(
        &self,
        keys: impl IntoIterator<Item = io::Result<KeyHash>>,
    ) -> impl Iterator<Item = io::Result<(KeyHash, Option<Entry>)>> {
        join(keys, self.iter(), |key| *key, |entry| entry.key).filter_map(|step| match step {
            Ok(Joined::Left(key)) => Some(Ok((key, None))),
            Ok(Joined::Both(key, entry)) => Some(Ok((key, Some(entry)))),
            Ok(Joined::Right(_)) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// How many records the org should have: what its COUNT() is compared with.
    ///
    /// # Errors
    /// The disk's own error.
    pub fn landed_count(&self) -> io::Result<u64> {
        self.iter().try_fold(0, |count, entry| Ok(count + u64::from(entry?.is_in_org())))
    }

    /// Writes a segment durably. It does not count before it is published, so an event may name it first. The name
    /// must not be used again in this ledger's lifetime, except to write the same entries again.
    ///
    /// # Errors
    /// Entries out of order, a live segment of this name that holds something else, an error of `entries`, or the
    /// disk's own.
    pub fn add(
        &mut self,
        name: &str,
        entries: impl IntoIterator<Item = io::Result<Entry>>,
    ) -> Result<SegmentRef, LedgerError> {
        self.begin()?;
        let draft = segment::draft(self.files, &self.folder, name, entries)?;
        match self.current.live(name) {
            None => Ok(draft.commit(self.files, &self.folder)?),
            Some(live) if *live == draft.segment => Ok(draft.discard(self.files)?),
            Some(_) => Err(LedgerError::NameTaken(name.to_owned())),
        }
    }

    /// Makes segments count, newest last, as of a journal line of a run; then merges if it is time. A journal line
    /// that the ledger has reached before changes nothing, so recovery may publish again what it is not sure of.
    ///
    /// # Errors
    /// A segment that is not there as promised, a live one of that name that holds something else, or the disk's
    /// own error.
    pub fn publish(
        &mut self,
        segments: &[SegmentRef],
        last_run: u32,
        last_seq: u64,
    ) -> Result<Published, LedgerError> {
        if self.last().is_some_and(|last| (last_run, last_seq) <= last) {
            return Ok(Published::Repeat);
        }
        let mut next = Current { last_run, last_seq, replaced: Vec::new(), ..self.current.clone() };
        for segment in segments {
            match next.live(&segment.name) {
                Some(live) if live == segment => {}
                Some(_) => return Err(LedgerError::NameTaken(segment.name.clone())),
                None => {
                    segment::check(self.files, &self.folder, segment)?;
                    next.segments.push(segment.clone());
                }
            }
        }
        self.replace(next)?;
        while let Some(from) = due(&self.current.segments) {
            self.merge(from)?;
        }
        Ok(Published::New)
    }

    /// Makes entries count that no run sent: records found in the org by key. As durable as a publication.
    ///
    /// # Errors
    /// As [`Ledger::add`].
    pub fn adopt(&mut self, entries: impl IntoIterator<Item = io::Result<Entry>>) -> Result<(), LedgerError> {
        let name = (0..).map(|n: u32| format!("adopted-{n}")).find(|n| self.current.live(n).is_none());
        let segment = self.add(&name.unwrap_or_default(), entries)?;
        let mut next = Current { replaced: Vec::new(), ..self.current.clone() };
        next.segments.push(segment);
        self.replace(next)
    }

    /// Puts other entries in the place of all there are, as one segment: what `make` makes of each key that stands
    /// in the ledger, on the left, or in both.
    ///
    /// # Errors
    /// As [`Ledger::add`].
    pub fn rebuild<L>(
        &mut self,
        left: impl IntoIterator<Item = io::Result<L>>,
        key: impl Fn(&L) -> KeyHash,
        make: impl FnMut(io::Result<Joined<L, Entry>>) -> Option<io::Result<Entry>>,
    ) -> Result<(), LedgerError> {
        if !self.written {
            // Cut off before its end, it must not look like a ledger in which nothing has landed.
            Current { building: true, ..self.current.clone() }.write(self.files, &self.folder)?;
        }
        let name = format!("merged-{}", self.current.next_merge);
        let entries = join(left, self.iter(), key, |entry| entry.key).filter_map(make);
        let segment =
            segment::draft(self.files, &self.folder, &name, entries)?.commit(self.files, &self.folder)?;
        let mut next = self.current.clone();
        next.next_merge += 1;
        next.replaced = next.segments.drain(..).map(|old| old.name).collect();
        next.segments.push(segment);
        self.replace(next)
    }

    /// Merges all segments into one, without entries removed before the last run.
    ///
    /// # Errors
    /// The disk's own error.
    pub fn compact(&mut self) -> Result<(), LedgerError> {
        if self.current.segments.is_empty() { Ok(()) } else { self.merge(0) }
    }

    /// Removes segment files that do not count and drafts of such. Only for when no unfinished run may still name
    /// one of them. Gives how many there were.
    ///
    /// # Errors
    /// The disk's own error.
    pub fn remove_unused(&mut self) -> io::Result<usize> {
        let mut removed = 0;
        for file in self.files.list(&self.folder)? {
            let unused = match file.strip_suffix(".seg") {
                Some(name) => self.current.live(name).is_none(),
                None => file.ends_with(".tmp"),
            };
            if unused {
                self.files.remove(&format!("{}/{file}", self.folder))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Sees to it that CURRENT is there before any segment is.
    fn begin(&mut self) -> Result<(), LedgerError> {
        if !self.written {
            self.current.write(self.files, &self.folder)?;
            self.written = true;
        }
        Ok(())
    }

    fn merged(&self, from: usize, hide_removed: Option<u32>) -> Merged<'_> {
        let cursors = self.current.segments[from..].iter();
        Merged::new(cursors.map(|s| segment::cursor(self.files, &self.folder, s)).collect(), hide_removed)
    }

    /// Merges the segments from this one on into one. Only a merge of all may forget removed entries: below others
    /// they still hide older ones. Those of the last run stay all the same: should it be gone on with, it must know
    /// what it removed.
    fn merge(&mut self, from: usize) -> Result<(), LedgerError> {
        let name = format!("merged-{}", self.current.next_merge);
        let forget = (from == 0).then_some(self.current.last_run);
        let draft = segment::draft(self.files, &self.folder, &name, self.merged(from, forget))?;
        let merged = draft.commit(self.files, &self.folder)?;
        let mut next = self.current.clone();
        next.next_merge += 1;
        next.replaced = next.segments.drain(from..).map(|old| old.name).collect();
        next.segments.push(merged);
        self.replace(next)
    }

    /// Replaces CURRENT; then removes what the one before and this one no longer name.
    fn replace(&mut self, next: Current) -> Result<(), LedgerError> {
        next.write(self.files, &self.folder)?;
        let before = std::mem::replace(&mut self.current, next);
        self.written = true;
        for name in before.replaced.iter().chain(&self.current.replaced) {
            if self.current.live(name).is_none() {
                self.files.remove(&segment::path(&self.folder, name))?;
            }
        }
        Ok(())
    }
}

/// From which segment on it is time to merge: all when the small ones pass a quarter of the base; when there are
/// more than eight, the newest that are of similar size, so that a large one is not written again for a small one.
fn due(segments: &[SegmentRef]) -> Option<usize> {
    let [base, small @ ..] = segments else { return None };
    let total: u64 = small.iter().map(|s| s.entries).sum();
    if !small.is_empty() && total.saturating_mul(4) > base.entries {
        return Some(0);
    }
    if segments.len() <= MOST_LIVE {
        return None;
    }
    let mut from = segments.len() - 2;
    let mut sum = segments[from].entries + segments[from + 1].entries;
    while from > 1 && segments[from - 1].entries <= sum.saturating_mul(2) {
        from -= 1;
        sum += segments[from].entries;
    }
    Some(from)
}

#[cfg(test)]
mod tests {
    use super::{SegmentRef, due};

    fn due_of(entries: &[u64]) -> Option<usize> {
        let segment =
            |n: &u64| SegmentRef { name: n.to_string(), length: 0, blake3: String::new(), entries: *n };
        due(&entries.iter().map(segment).collect::<Vec<_>>())
    }

    #[test]
    fn when_to_merge() {
        for (entries, from) in [
            (&[][..], None),
            (&[5], None),
            (&[40, 10], None),
            (&[40, 11], Some(0)),
            (&[1000, 1, 1, 1, 1, 1, 1, 1], None),
            (&[1000, 1, 1, 1, 1, 1, 1, 1, 1], Some(1)),
            (&[1000, 100, 1, 1, 1, 1, 1, 1, 1], Some(2)),
            (&[100_000, 6561, 2187, 729, 243, 81, 27, 9, 1], Some(7)),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 0], Some(1)),
        ] {
            assert_eq!(due_of(entries), from, "{entries:?}");
        }
    }
}
