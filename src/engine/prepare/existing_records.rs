//! Records that an update or a delete is about and that no load of ours has sent: the org is asked for them by key,
//! and what it has is adopted, each time anew, since somebody may have given the key to another record meanwhile.
//! Nobody creates the others.

use crate::bind::BoundObject;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{EngineError, Exit, Ports};
use crate::engine::state::{KEYED, Ledgers, SORT_BUDGET, all_keys, each_once, entry, keyed, push};
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::{Sorted, Sorter};
use crate::ledger::{Entry, State};
use crate::model::{KeyForm, KeyHash, RecordId};
use crate::salesforce::{Client, in_lists};
use crate::stage::{RowRecord, Scan, Shape, own_keys};
use std::collections::BTreeSet;

/// Up to so many keys are asked for one by one; beyond, all keys of the object are read by a bulk query.
const MOST_LISTED: u64 = 20_000;
/// Characters of one list of keys.
const LIST: usize = 8_000;
/// Keys that several records have, at most: beyond this the field is no key at all.
const MOST_AMBIGUOUS: usize = 100_000;
/// A key, a place, and whether the ledger adopted a record of the key: bytes.
const WANTED: usize = 16 + 8 + 1;

/// Asks the org for the records of a load's rows that have not landed as far as the ledger knows. Gives the keys
/// that several records have: none of those is meant for certain.
///
/// # Errors
/// The org's refusal, or the disk's own; 65 when the field identifies nothing.
pub(super) async fn find(
    ports: &Ports<'_>,
    client: &Client<'_>,
    object: &BoundObject,
    shape: &Shape,
    scan: &Scan<'_>,
    ledgers: &mut Ledgers<'_>,
) -> Result<BTreeSet<KeyHash>, EngineError> {
    let anew = |entry: Option<&Entry>| entry.is_none_or(|entry| entry.flags.adopted);
    let (wanted, count) = unknown(ports, object, scan, ledgers, anew)?;
    if count == 0 {
        return Ok(BTreeSet::new());
    }
    let found = found(ports, client, object, shape, scan, &wanted, count).await?;
    let ambiguous = ambiguous(&found, &wanted)?;
    if ambiguous.len() >= MOST_AMBIGUOUS {
        let message =
            format!("`{}.{}` identifies nothing: many records share its values", object.name, object.key);
        return Err(EngineError::problem(Exit::Invalid, Diagnostic::error(Code::BadKey, message)));
    }
    let answers = || answers(&found, &wanted, &ambiguous);
    if answers().next().is_some() {
        ledgers.open(&object.name)?.adopt(answers())?;
    }
    Ok(ambiguous)
}

/// How many of a load's rows of which the ledger knows nothing have a record in the org.
///
/// # Errors
/// The org's refusal, or the disk's own.
pub(super) async fn there_already(
    ports: &Ports<'_>,
    client: &Client<'_>,
    object: &BoundObject,
    shape: &Shape,
    scan: &Scan<'_>,
    ledgers: &Ledgers<'_>,
) -> Result<u64, EngineError> {
    let (wanted, count) = unknown(ports, object, scan, ledgers, |entry| entry.is_none())?;
    let soql = format!("SELECT COUNT() FROM {} WHERE {} != null", object.name, object.key);
    // Most often the org is empty, and one question is enough.
    if count == 0 || client.count(&soql).await? == 0 {
        return Ok(0);
    }
    let found = found(ports, client, object, shape, scan, &wanted, count).await?;
    let (mut there, mut last) = (0, None);
    for next in known(&found, &wanted) {
        let Joined::Both((key, _), _) = next? else { continue };
        there += u64::from(last.replace(key) != Some(key));
    }
    Ok(there)
}

/// What the org has of these keys, and perhaps of others.
async fn found<'a>(
    ports: &Ports<'a>,
    client: &Client<'_>,
    object: &BoundObject,
    shape: &Shape,
    scan: &Scan<'_>,
    wanted: &Sorted<'a>,
    count: u64,
) -> Result<Sorted<'a>, EngineError> {
    match count {
        0..=MOST_LISTED => listed(ports, client, object, shape, scan, wanted).await,
        _ => all_keys(ports, client, object).await,
    }
}

/// Rows that are to be asked for, going by what the ledger knows to have landed: `key, place, whether the ledger
/// adopted one`, and how many.
fn unknown<'a>(
    ports: &Ports<'a>,
    object: &BoundObject,
    scan: &Scan<'_>,
    ledgers: &Ledgers<'_>,
    asks: impl Fn(Option<&Entry>) -> bool,
) -> Result<(Sorted<'a>, u64), EngineError> {
    let mut wanted = Sorter::new(ports.files, "data/scratch/unknown", WANTED, SORT_BUDGET);
    let mut landed = ledgers.entries(&object.name).filter(is_landed).peekable();
    let (mut rows, mut count) = (scan.rows.iter(), 0);
    while let Some(bytes) = rows.next_record()? {
        let row = RowRecord::decode(bytes);
        while let Some(passed) = landed.next_if(|l| l.as_ref().map_or(true, |entry| entry.key < row.key)) {
            passed?;
        }
        let entry = landed.peek().and_then(|l| l.as_ref().ok()).filter(|entry| entry.key == row.key);
        if asks(entry) {
            let adopted = [u8::from(entry.is_some())];
            wanted.push(&[&row.key.to_be_bytes()[..], &row.pos.to_be_bytes(), &adopted].concat())?;
            count += 1;
        }
    }
    Ok((wanted.finish()?, count))
}

/// What the org has of these keys, asked for in lists.
async fn listed<'a>(
    ports: &Ports<'a>,
    client: &Client<'_>,
    object: &BoundObject,
    shape: &Shape,
    scan: &Scan<'_>,
    wanted: &Sorted<'a>,
) -> Result<Sorted<'a>, EngineError> {
    let keys = texts(ports, shape, scan, wanted)?;
    let mut found = Sorter::new(ports.files, "data/scratch/found", KEYED, SORT_BUDGET);
    let numeric = object.key_form == KeyForm::Number;
    for list in in_lists(&object.key, keys.iter().map(String::as_str), numeric, LIST) {
        let soql = format!("SELECT Id, {} FROM {} WHERE {list}", object.key, object.name);
        for row in client.query(&soql).await? {
            push(&mut found, &row, object.key_form)?;
        }
    }
    Ok(found.finish()?)
}

fn texts(
    ports: &Ports<'_>,
    shape: &Shape,
    scan: &Scan<'_>,
    wanted: &Sorted<'_>,
) -> Result<BTreeSet<String>, EngineError> {
    let mut places = Sorter::new(ports.files, "data/scratch/places", 8, SORT_BUDGET);
    let mut iter = wanted.iter();
    while let Some(bytes) = iter.next_record()? {
        places.push(&bytes[16..24])?;
    }
    let places = places.finish()?;
    let (mut iter, mut keys) = (places.iter(), BTreeSet::new());
    let next = || Ok(iter.next_record()?.map(|b| u64::from_be_bytes(std::array::from_fn(|i| b[i]))));
    own_keys(ports.stage(), shape, &scan.chunks, next, |key| {
        keys.insert(key.trim().to_owned());
    })?;
    Ok(keys)
}

/// Wanted keys that several records have; no more than are worth telling.
fn ambiguous(found: &Sorted<'_>, wanted: &Sorted<'_>) -> Result<BTreeSet<KeyHash>, EngineError> {
    let (mut twice, mut last) = (BTreeSet::new(), None);
    for next in known(found, wanted) {
        let Joined::Both(record, _) = next? else { continue };
        if last.replace(record.0) == Some(record.0) && twice.len() < MOST_AMBIGUOUS {
            twice.insert(record.0);
        }
    }
    Ok(twice)
}

/// Entries of the records that are meant for certain; what was adopted once and is no longer found is removed.
fn answers<'s>(
    found: &'s Sorted<'_>,
    wanted: &'s Sorted<'_>,
    ambiguous: &'s BTreeSet<KeyHash>,
) -> impl Iterator<Item = std::io::Result<Entry>> + 's {
    known(found, wanted).filter_map(|next| match next {
        Ok(Joined::Both((key, id), _)) if !ambiguous.contains(&key) => Some(Ok(entry(key, id))),
        Ok(Joined::Right((key, true))) => Some(Ok(Entry::new(key, State::Removed))),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// A record with its key.
type FoundRecord = (KeyHash, Option<RecordId>);
/// A key that is asked for, and whether the ledger adopted a record of it.
type Wanted = (KeyHash, bool);

/// What was found, each record once, and what was wanted, each key once, by key.
fn known<'s>(
    found: &'s Sorted<'_>,
    wanted: &'s Sorted<'_>,
) -> impl Iterator<Item = std::io::Result<Joined<FoundRecord, Wanted>>> + 's {
    let want = |bytes: &[u8]| (KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[i])), bytes[24] == 1);
    // Two lists of keys that differ by case alone find one record twice.
    join(
        each_once(found.iter().decode(keyed), |f| *f),
        each_once(wanted.iter().decode(want), |w| w.0),
        |f| f.0,
        |w| w.0,
    )
}

fn is_landed(entry: &std::io::Result<Entry>) -> bool {
    entry.as_ref().map_or(true, |entry| entry.state == State::Landed)
}
