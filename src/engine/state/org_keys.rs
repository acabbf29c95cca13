//! Keys that the org has, as entries of a ledger: read all at once, one record at a time. Must not know which of them are
//! wanted.

use crate::bind::BoundObject;
use crate::engine::context::{EngineError, Ports};
use crate::ledger::sort::{Sorted, Sorter};
use crate::ledger::{Entry, Flags, State};
use crate::model::{KeyForm, KeyHash, RecordId};
use crate::salesforce::Client;

/// An entry for a record that the org has and no load of ours sent.
pub(in crate::engine) fn adopted(row: &[Option<String>], form: KeyForm) -> Option<Entry> {
    let [Some(id), Some(key)] = row else { return None };
    let flags = Flags { adopted: true, ..Flags::default() };
    let id = RecordId::parse(id).ok();
    Some(Entry { id, flags, load: NO_LOAD, ..Entry::new(form.hash(key)?, State::Landed) })
}
/// The load number of entries that no load sent.
const NO_LOAD: u16 = u16::MAX;

/// Bytes that one sorter may hold.
pub(in crate::engine) const SORT_BUDGET: usize = 4 << 20;
/// A key and a record: bytes.
pub(in crate::engine) const KEYED: usize = 16 + 15;

/// Every key and Id that the org has of an object, by key.
///
/// # Errors
/// The org's refusal, or the disk's own.
pub(in crate::engine) async fn all_keys<'a>(
    ports: &Ports<'a>,
    client: &Client<'_>,
    object: &BoundObject,
) -> Result<Sorted<'a>, EngineError> {
    let mut found = Sorter::new(ports.files, "data/scratch/keys", KEYED, SORT_BUDGET);
    let soql = format!("SELECT Id, {} FROM {} WHERE {} != null", object.key, object.name, object.key);
    client
        .bulk_query(&soql, &mut |row| {
            let cells: Vec<Option<String>> = row.iter().map(|c| Some(c.to_owned())).collect();
            push(&mut found, &cells, object.key_form)
        })
        .await?;
    Ok(found.finish()?)
}

pub(in crate::engine) fn push(
    found: &mut Sorter<'_>,
    row: &[Option<String>],
    form: KeyForm,
) -> std::io::Result<()> {
    match adopted(row, form) {
        Some(Entry { key, id: Some(id), .. }) => found.push(&[&key.to_be_bytes()[..], id.bytes()].concat()),
        _ => Ok(()),
    }
}

/// A record as [`all_keys`] gives it.
pub(in crate::engine) fn keyed(bytes: &[u8]) -> (KeyHash, Option<RecordId>) {
    let key = KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[i]));
    (key, RecordId::from_bytes(std::array::from_fn(|i| bytes[16 + i])))
}

/// Leaves out what is the same as the one before.
pub(in crate::engine) fn each_once<T, K: PartialEq>(
    all: impl Iterator<Item = std::io::Result<T>>,
    by: impl Fn(&T) -> K,
) -> impl Iterator<Item = std::io::Result<T>> {
    let mut last = None;
    all.filter(move |next| {
        let this = next.as_ref().ok().map(&by);
        let again = this.is_some() && this == last;
        last = this;
        !again
    })
}

/// An entry for a record that the org has and no load of ours sent.
pub(in crate::engine) fn entry(key: KeyHash, id: Option<RecordId>) -> Entry {
    let flags = Flags { adopted: true, ..Flags::default() };
    Entry { id, flags, load: NO_LOAD, ..Entry::new(key, State::Landed) }
}
