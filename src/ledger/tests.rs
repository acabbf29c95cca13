//! The ledger against a map, the sorter against `Vec::sort`, and files that are not as they should be.

use super::sort::Sorter;
use super::*;
use crate::model::KeyHash;
use crate::ports::{Files, MemoryFiles, read_text};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(super) const FOLDER: &str = "ledger/org/Account";

/// A landed entry whose payload tells versions of one key apart.
pub(super) fn landed(key: KeyHash, payload: u128) -> Entry {
    Entry { payload, ..Entry::new(key, State::Landed) }
}

pub(super) fn contents(ledger: &Ledger<'_>) -> Vec<(KeyHash, u128)> {
    ledger.iter().map(|entry| entry.unwrap()).map(|entry| (entry.key, entry.payload)).collect()
}

fn put(ledger: &mut Ledger<'_>, name: &str, entries: &[Entry]) -> SegmentRef {
    ledger.add(name, entries.iter().copied().map(Ok)).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Publish(Vec<Vec<(u8, Option<u8>)>>),
    Compact,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let segment = proptest::collection::vec((0_u8..60, proptest::option::weighted(0.8, any::<u8>())), 0..30);
    prop_oneof![
        8 => proptest::collection::vec(segment, 0..4).prop_map(Step::Publish),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

fn entries(segment: &[(u8, Option<u8>)]) -> Vec<Entry> {
    let last: BTreeMap<u8, Option<u8>> = segment.iter().copied().collect();
    let entry = |(key, value): (u8, Option<u8>)| match value {
        Some(value) => landed(key.into(), value.into()),
        None => Entry::new(key.into(), State::Removed),
    };
    last.into_iter().map(entry).collect()
}

proptest! {
    #[test]
    fn a_ledger_is_a_map(steps in proptest::collection::vec(step(), 1..40)) {
        let files = MemoryFiles::default();
        let mut ledger = Ledger::open(&files, FOLDER).unwrap();
        let mut model = BTreeMap::new();
        for (seq, step) in (1_u64..).zip(steps) {
            match step {
                Step::Publish(segments) => {
                    let mut written = Vec::new();
                    for (n, segment) in segments.iter().enumerate() {
                        let entries = entries(segment);
                        written.push(put(&mut ledger, &format!("{seq}-{n}"), &entries));
                        for entry in entries {
                            match entry.state {
                                State::Removed => model.remove(&entry.key),
                                _ => model.insert(entry.key, entry.payload),
                            };
                        }
                    }
                    prop_assert_eq!(ledger.publish(&written, 1, seq).unwrap(), Published::New);
                    prop_assert_eq!(ledger.publish(&written, 1, seq).unwrap(), Published::Repeat);
                }
                Step::Compact => ledger.compact().unwrap(),
                Step::Reopen => ledger = Ledger::open(&files, FOLDER).unwrap(),
            }
            prop_assert!(ledger.segments().len() <= 8);
            prop_assert_eq!(contents(&ledger), model.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(ledger.landed_count().unwrap(), model.len() as u64);
            ledger.verify().unwrap();
        }
        let keys: Vec<KeyHash> = (0..70).flat_map(|key| [key, key]).collect();
        for (found, key) in ledger.lookup(keys.iter().copied().map(Ok)).zip(&keys) {
            let (asked, entry) = found.unwrap();
            prop_assert_eq!((asked, entry.map(|e| e.payload)), (*key, model.get(key).copied()));
        }
        prop_assert_eq!(files.paths().len(), ledger.segments().len() + usize::from(ledger.last().is_some()), "no garbage");
    }

    #[test]
    fn a_sorter_is_vec_sort(
        records in proptest::collection::vec(proptest::collection::vec(0_u8..3, 10), 0..400), budget in 1_usize..4000,
    ) {
        let files = MemoryFiles::default();
        let mut sorter = Sorter::new(&files, "scratch/x", 10, budget);
        for record in &records {
            sorter.push(record).unwrap();
        }
        let sorted = sorter.finish().unwrap();
        let mut expected = records;
        expected.sort();
        prop_assert_eq!(sorted.len(), expected.len() as u64);
        for _ in 0..2 {
            let all: Vec<Vec<u8>> = sorted.iter().decode(<[u8]>::to_vec).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(&all, &expected);
        }
        drop(sorted);
        prop_assert!(files.paths().is_empty(), "runs are gone");
    }
}

#[test]
fn a_sort_uses_files_only_beyond_its_budget() {
    let files = MemoryFiles::default();
    for (rows, budget, runs) in [(100_u32, 1 << 20, 0), (20_000, 40_000, 14), (40_000, 4_000, 10)] {
        let mut sorter = Sorter::new(&files, "s", 10, budget);
        for row in 0..rows {
            let scattered = u64::from(row.wrapping_mul(2_654_435_761));
            sorter.push(&[&scattered.to_be_bytes()[..], b"xy"].concat()).unwrap();
        }
        let sorted = sorter.finish().unwrap();
        assert_eq!(files.paths().len(), runs, "{rows} rows");
        let order: Vec<u64> = sorted
            .iter()
            .decode(|r| u64::from_be_bytes(r[..8].try_into().unwrap()))
            .map(Result::unwrap)
            .collect();
        assert!(order.is_sorted() && order.len() == rows as usize);
        sorted.remove().unwrap();
    }
    let mut sorter = Sorter::new(&files, "s", 3, 100);
    assert!(sorter.push(b"four").is_err());
}

#[test]
fn a_record_that_was_never_there_does_not_count() {
    let files = MemoryFiles::default();
    let mut ledger = Ledger::open(&files, FOLDER).unwrap();
    let id = crate::model::RecordId::parse("0018c00002DJIpJ").ok();
    let entries = [
        landed(1, 0),
        Entry::new(2, State::Failed),
        Entry { id, ..Entry::new(3, State::Failed) },
        Entry::new(4, State::Held),
        Entry { id, ..Entry::new(5, State::Held) },
    ];
    let segment = put(&mut ledger, "a", &entries);
    ledger.publish(&[segment], 1, 1).unwrap();
    assert_eq!(ledger.landed_count().unwrap(), 3);
}

#[test]
fn a_merge_of_some_keeps_what_hides_older_ones() {
    let files = MemoryFiles::default();
    let mut ledger = Ledger::open(&files, FOLDER).unwrap();
    let base: Vec<Entry> = (0..1000).map(|key| landed(key, 1)).collect();
    let mut segments = vec![put(&mut ledger, "base", &base)];
    segments.extend((0..9).map(|n| put(&mut ledger, &format!("s{n}"), &[Entry::new(n, State::Removed)])));
    ledger.publish(&segments, 1, 1).unwrap();
    let live: Vec<&str> = ledger.segments().iter().map(|s| s.name.as_str()).collect();
    assert_eq!(live, ["base", "merged-1"]);
    assert_eq!(ledger.segments()[1].entries, 9);
    assert_eq!(contents(&ledger).first(), Some(&(9, 1)));
    ledger.compact().unwrap();
    assert_eq!(ledger.segments()[0].entries, 991);
}

#[test]
fn names_and_order_are_guarded() {
    let files = MemoryFiles::default();
    let mut ledger = Ledger::open(&files, FOLDER).unwrap();
    let segment = put(&mut ledger, "a", &[landed(1, 1)]);
    ledger.publish(std::slice::from_ref(&segment), 1, 1).unwrap();
    assert_eq!(put(&mut ledger, "a", &[landed(1, 1)]), segment, "the same again is no fault");
    let add = |ledger: &mut Ledger<'_>, name: &str, keys: &[u128]| {
        ledger.add(name, keys.iter().map(|k| Ok(landed(*k, 2)))).unwrap_err()
    };
    assert!(matches!(add(&mut ledger, "a", &[1]), LedgerError::NameTaken(_)));
    assert!(matches!(add(&mut ledger, "b", &[2, 1]), LedgerError::Unsorted { .. }));
    assert!(matches!(add(&mut ledger, "b", &[1, 1]), LedgerError::Unsorted { .. }));
    let missing = SegmentRef { name: "gone".to_owned(), ..segment };
    assert!(matches!(ledger.publish(&[missing], 1, 2), Err(LedgerError::Damaged { .. })));
    assert_eq!(contents(&ledger), [(1, 1)]);
    assert_eq!(ledger.remove_unused().unwrap(), 1, "the draft that was refused");
    assert_eq!(files.paths(), [format!("{FOLDER}/CURRENT"), format!("{FOLDER}/a.seg")]);
}

/// A ledger of one segment, with one of its files changed.
fn with_changed(file: &str, change: impl Fn(&mut Vec<u8>)) -> MemoryFiles {
    let files = MemoryFiles::default();
    let mut ledger = Ledger::open(&files, FOLDER).unwrap();
    let segment = put(&mut ledger, "a", &[landed(1, 1), landed(2, 2)]);
    ledger.publish(&[segment], 1, 1).unwrap();
    let path = format!("{FOLDER}/{file}");
    let mut bytes = crate::ports::read_all(&files, &path).unwrap();
    change(&mut bytes);
    files.remove(&path).unwrap();
    files.put(&path, &bytes);
    files
}

#[test]
fn files_that_are_not_as_promised_are_refused() {
    let open = |files: &MemoryFiles| Ledger::open(files, FOLDER).map(|_| ()).unwrap_err();
    let error = open(&with_changed("a.seg", |b| b[9] = 9));
    assert!(matches!(error, LedgerError::Version { found: 9, known: 2, .. }), "{error}");
    let error = open(&with_changed("CURRENT", |b| {
        let at = b.windows(10).position(|w| w == b"\"version\":").unwrap();
        b[at + 11] = b'7';
    }));
    assert!(matches!(error, LedgerError::Version { found: 7, .. }), "{error}");
    let changes: [fn(&mut Vec<u8>); 4] = [|b| b[0] = 0, |b| b[11] = 1, |b| b.truncate(40), |b| b.push(0)];
    for change in changes {
        let error = open(&with_changed("a.seg", change));
        assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
    }
    assert!(matches!(open(&with_changed("CURRENT", |b| b.truncate(9))), LedgerError::Damaged { .. }));
    let files = with_changed("a.seg", |b| b[30] ^= 1);
    let ledger = Ledger::open(&files, FOLDER).unwrap();
    assert!(matches!(ledger.verify(), Err(LedgerError::Damaged { .. })), "one bit");
}

#[test]
fn current_is_readable_and_holds_no_more_than_names() {
    let files = with_changed("CURRENT", |_| {});
    let text = read_text(&files, &format!("{FOLDER}/CURRENT")).unwrap();
    assert!(text.starts_with("{\n  \"version\": 1,\n  \"last_run\": 1,\n  \"last_seq\": 1,"), "{text}");
}

#[test]
fn a_ledger_that_was_not_built_to_its_end_is_not_there() {
    let files = MemoryFiles::default();
    let mut ledger = Ledger::open(&files, "l").unwrap();
    assert!(!ledger.is_there());
    let entry = Entry::new(crate::model::KeyForm::FoldedText.hash("a").unwrap(), State::Landed);
    // CURRENT is written (append, sync, rename), then the segment; the last writes are those of CURRENT again.
    let rows = || vec![Ok::<_, std::io::Error>(entry.key)];
    let make = |_| Some(Ok(entry));
    files.fill_at(files.writes() + 6, false);
    assert!(ledger.rebuild(rows(), |key| *key, make).is_err());
    files.make_room();
    let paths = files.paths();
    assert!(
        paths.iter().any(|p| p.ends_with(".seg")) && paths.contains(&"l/CURRENT".to_owned()),
        "{paths:?}"
    );
    let mut ledger = Ledger::open(&files, "l").unwrap();
    assert!(!ledger.is_there() && ledger.segments().is_empty());
    ledger.rebuild(rows(), |key| *key, make).unwrap();
    let ledger = Ledger::open(&files, "l").unwrap();
    assert!(ledger.is_there() && ledger.iter().count() == 1);
    files.put("l/CURRENT", &[]);
    assert!(matches!(Ledger::open(&files, "l"), Err(LedgerError::Damaged { .. })));
    files.remove("l/CURRENT").unwrap();
    assert!(matches!(Ledger::open(&files, "l"), Err(LedgerError::Damaged { .. })), "segments without it");
}
