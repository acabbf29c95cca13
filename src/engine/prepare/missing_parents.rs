//! Parents that neither the plan nor the ledger has: the org is asked for them by key, and what it has is adopted.

use crate::bind::Bound;
use crate::engine::context::{EngineError, Ports};
use crate::engine::state::{Ledgers, adopted};
use crate::ledger::Entry;
use crate::ledger::sort::Sorter;
use crate::model::KeyForm;
use crate::salesforce::{Client, in_lists};
use crate::stage::{MissingRecord, Resolved, RowRecord, Scan, Shape, key_texts};
use std::collections::{BTreeMap, BTreeSet};

/// Keys of one load that are asked for at most: so many parents are missing by mistake, and the plan says so.
const MOST_KEYS: usize = 200_000;
/// Characters of one list of keys.
const LIST: usize = 8_000;
/// Bytes that one sorter may hold.
const SORT_BUDGET: usize = 4 << 20;

/// What asking came to.
pub(super) struct Asked {
    /// Parents that the org has.
    pub(super) found: u64,
    /// Whether there were more parents missing than are asked for.
    pub(super) too_many: bool,
}

impl Asked {
    /// What the plan says of it.
    pub(super) fn note(&self, load: &str) -> Option<String> {
        let note =
            || format!("{load}: so many parents are missing that the org was not asked for all of them");
        self.too_many.then(note)
    }
}

/// Keys that the org was asked for already while a plan is made, by load and object: what it had is in the ledger since.
pub(super) type AskedFor = BTreeMap<(usize, usize), BTreeSet<String>>;

/// Asks the org for the missing parents of a load, for each of them once.
///
/// # Errors
/// The org's refusal, or the disk's own.
pub(super) async fn ask(
    ports: &Ports<'_>,
    client: &Client<'_>,
    bound: &Bound,
    shape: &Shape,
    scan: &Scan<'_>,
    resolved: &Resolved<'_>,
    (ledgers, before): (&mut Ledgers<'_>, &mut AskedFor),
) -> Result<Asked, EngineError> {
    let keys = missing_keys(ports, shape, scan, resolved)?;
    let too_many = keys.values().map(BTreeSet::len).sum::<usize>() >= MOST_KEYS;
    let mut found = 0;
    for (object, mut keys) in keys {
        let before = before.entry((shape.load.into(), object)).or_default();
        keys.retain(|key| before.insert(key.clone()));
        let target = &bound.objects[object];
        let numeric = target.key_form == KeyForm::Number;
        let mut entries: BTreeMap<u128, Entry> = BTreeMap::new();
        for list in in_lists(&target.key, keys.iter().map(String::as_str), numeric, LIST) {
            let soql = format!("SELECT Id, {} FROM {} WHERE {list}", target.key, target.name);
            for row in client.query(&soql).await? {
                entries.extend(adopted(&row, target.key_form).map(|e| (e.key, e)));
            }
        }
        found += entries.len() as u64;
        if !entries.is_empty() {
            ledgers.open(&target.name)?.adopt(entries.into_values().map(Ok))?;
        }
    }
    Ok(Asked { found, too_many })
}

/// The missing parents' keys as text, by object, and those of fallbacks that are not there. Parents of the row's own
/// object that stand in its own source are not asked for: they are sent with it.
fn missing_keys(
    ports: &Ports<'_>,
    shape: &Shape,
    scan: &Scan<'_>,
    resolved: &Resolved<'_>,
) -> Result<BTreeMap<usize, BTreeSet<String>>, EngineError> {
    let mut own = Sorter::new(ports.files, "data/scratch/own", 25, SORT_BUDGET);
    let mut wanted = Sorter::new(ports.files, "data/scratch/wanted", 9, SORT_BUDGET);
    let mut missing = resolved.missing.iter();
    while let Some(bytes) = missing.next_record()? {
        let record = MissingRecord::decode(bytes);
        if record.going {
            continue;
        }
        let place = place(record.pos, record.reference);
        if record.own {
            own.push(&[&record.parent.to_be_bytes()[..], &place].concat())?;
        } else {
            wanted.push(&place)?;
        }
    }
    let own = own.finish()?;
    let (mut own, mut rows) = (own.iter(), scan.rows.iter());
    let mut row = rows.next_record()?.map(|r| RowRecord::decode(r).key.to_be_bytes());
    while let Some(bytes) = own.next_record()? {
        while row.is_some_and(|r| r[..] < bytes[..16]) {
            row = rows.next_record()?.map(|r| RowRecord::decode(r).key.to_be_bytes());
        }
        if row.is_none_or(|r| r[..] != bytes[..16]) {
            wanted.push(&bytes[16..])?;
        }
    }
    let mut keys = texts(ports, shape, scan, &wanted.finish()?)?;
    for (index, reference) in shape.references.iter().enumerate() {
        if let (Some(fallback), Some((object, _))) = (&reference.fallback, reference.targets.first())
            && !resolved.fallbacks.contains_key(&(index as u8))
        {
            keys.entry(*object).or_default().insert(fallback.trim().to_owned());
        }
    }
    Ok(keys)
}

fn texts(
    ports: &Ports<'_>,
    shape: &Shape,
    scan: &Scan<'_>,
    wanted: &crate::ledger::sort::Sorted<'_>,
) -> Result<BTreeMap<usize, BTreeSet<String>>, EngineError> {
    let mut keys: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let mut count = 0;
    let mut places = wanted.iter();
    let next = || {
        Ok(places.next_record()?.map(|bytes| {
            let mut pos = [0; 8];
            pos.copy_from_slice(&bytes[..8]);
            (u64::from_be_bytes(pos), bytes[8])
        }))
    };
    key_texts(ports.stage(), shape, &scan.chunks, next, |object, text| {
        if count < MOST_KEYS && keys.entry(object).or_default().insert(text.trim().to_owned()) {
            count += 1;
        }
    })?;
    Ok(keys)
}

fn place(pos: u64, reference: u8) -> [u8; 9] {
    let mut bytes = [0; 9];
    bytes[..8].copy_from_slice(&pos.to_be_bytes());
    bytes[8] = reference;
    bytes
}
