//! Every file of the state folder damaged in turn.

use super::table::{Do, Row, Then, all};
use super::{site, undisturbed, unfinished};
use cutover::checkpoint::{RunState, SledStore, save};
use insta::assert_snapshot;

const JOURNAL: &str = "runs/1/events.ndjson";
const RUN: Then = Then::Refused("runs/1");
const ACCOUNTS: Then = Then::Refused("ledger/*/Account");

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').collect()
}

fn half(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

/// One bit of a byte in the middle.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

fn garbage(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().zip(0_u32..).map(|(b, n)| b ^ (n.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x80).collect()
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8(bytes.to_vec()).unwrap().replacen(from, to, 1).into_bytes()
}

/// A line of the journal with other words, and the checksum that it would have had.
fn said_otherwise(bytes: &[u8], line: usize, from: &str, to: &str) -> Vec<u8> {
    let mut all: Vec<Vec<u8>> = lines(bytes).into_iter().map(<[u8]>::to_vec).collect();
    let text = String::from_utf8(all[line].clone()).unwrap();
    let json = text.trim_end().split_once(' ').unwrap().1.replacen(from, to, 1);
    all[line] = format!("{:016x} {json}\n", xxhash_rust::xxh3::xxh3_64(json.as_bytes())).into_bytes();
    all.concat()
}

fn last(bytes: &[u8]) -> usize {
    lines(bytes).len() - 1
}

#[test]
fn a_damaged_journal_is_refused_or_loses_its_torn_line() {
    let site = site(3);
    let (expected, base) = (undisturbed(&site), unfinished(&site));
    let rows: [Row; 15] = [
        ("last line cut off", JOURNAL, Do::Bytes(|b| b[..b.len() - 20].to_vec()), &[], Then::GoesOn),
        ("last line not yet there", JOURNAL, Do::Bytes(|b| [b, &[0; 300][..]].concat()), &[], Then::GoesOn),
        (
            "last line with a wrong checksum",
            JOURNAL,
            Do::Bytes(|b| [&b[..b.len() - 9], b"X", &b[b.len() - 8..]].concat()),
            &[],
            Then::GoesOn,
        ),
        ("middle line changed", JOURNAL, Do::Bytes(flipped), &["is damaged"], RUN),
        (
            "middle line gone",
            JOURNAL,
            Do::Bytes(|b| {
                lines(b).iter().enumerate().filter(|(n, _)| *n != 4).flat_map(|(_, l)| l.to_vec()).collect()
            }),
            &["events.ndjson:5 is damaged"],
            RUN,
        ),
        ("line twice", JOURNAL, Do::Bytes(|b| [b, lines(b)[last(b)]].concat()), &["is damaged"], RUN),
        (
            "end lost",
            JOURNAL,
            Do::Bytes(|b| lines(b)[..6].concat()),
            &["ends at event 6", "its end is lost"],
            RUN,
        ),
        ("empty", JOURNAL, Do::Bytes(|_| Vec::new()), &["ends at event 0"], RUN),
        ("only the beginning of a line", JOURNAL, Do::Bytes(|b| b[..60].to_vec()), &["ends at event 0"], RUN),
        ("garbage", JOURNAL, Do::Bytes(garbage), &["events.ndjson:1 is damaged"], RUN),
        ("gone", JOURNAL, Do::Gone, &["ends at event 0"], RUN),
        ("a folder in its place", JOURNAL, Do::Folder, &["ends at event 0"], RUN),
        (
            "of a later version",
            JOURNAL,
            Do::Bytes(|b| said_otherwise(b, 0, "\"version\":1", "\"version\":2")),
            &["format version 2; this cutover knows version 1", "newer one"],
            RUN,
        ),
        (
            "of an earlier version",
            JOURNAL,
            Do::Bytes(|b| said_otherwise(b, 0, "\"version\":1", "\"version\":0")),
            &["format version 0"],
            RUN,
        ),
        (
            "last line of a later version",
            JOURNAL,
            Do::Bytes(|b| said_otherwise(b, last(b), "\"closed\"", "\"shelved\"")),
            &["another version wrote it"],
            RUN,
        ),
    ];
    assert_snapshot!("damaged_journal", all(&base, &rows, &expected));
}

#[test]
fn a_damaged_ledger_is_refused_and_built_anew_from_the_org() {
    const SEGMENT: &str = "ledger/*/Account/*.seg";
    const CURRENT: &str = "ledger/*/Account/CURRENT";
    let site = site(3);
    let (expected, base) = (undisturbed(&site), unfinished(&site));
    let rows: [Row; 12] = [
        (
            "segment changed",
            SEGMENT,
            Do::Bytes(flipped),
            &[".seg` is damaged", "bytes have changed"],
            ACCOUNTS,
        ),
        ("segment cut off", SEGMENT, Do::Bytes(half), &["bytes instead of"], ACCOUNTS),
        ("segment empty", SEGMENT, Do::Bytes(|_| Vec::new()), &["is damaged"], ACCOUNTS),
        ("segment gone", SEGMENT, Do::Gone, &["it is not there"], ACCOUNTS),
        (
            "segment of a later version",
            SEGMENT,
            Do::Bytes(|b| [&b[..8], &[0, 9], &b[10..]].concat()),
            &["format version 9, this program knows 2"],
            ACCOUNTS,
        ),
        ("current gone", CURRENT, Do::Gone, &["CURRENT` is damaged: it is not there"], ACCOUNTS),
        ("current cut off", CURRENT, Do::Bytes(half), &["CURRENT` is damaged"], ACCOUNTS),
        ("current empty", CURRENT, Do::Bytes(|_| Vec::new()), &["CURRENT` is damaged"], ACCOUNTS),
        (
            "current changed",
            CURRENT,
            Do::Bytes(|b| replaced(b, "\"last_seq\": 1", "\"last_seq\": 2")),
            &["CURRENT` is damaged: its bytes have changed"],
            ACCOUNTS,
        ),
        (
            "current of a later version",
            CURRENT,
            Do::Bytes(|b| replaced(b, "\"version\": 1", "\"version\": 7")),
            &["format version 7"],
            ACCOUNTS,
        ),
        (
            "current of an earlier version",
            CURRENT,
            Do::Bytes(|b| replaced(b, "\"version\": 1", "\"version\": 0")),
            &["format version 0"],
            ACCOUNTS,
        ),
        (
            "ledger of an object gone",
            "ledger/*/Account",
            Do::Gone,
            &["though run 1 put rows into this ledger"],
            Then::Refused("ledger/00D*/Account"),
        ),
    ];
    assert_snapshot!("damaged_ledger", all(&base, &rows, &expected));
}

#[test]
fn a_damaged_part_is_refused() {
    const ROWS: &str = "data/1/Item__c-*.csv";
    const INDEX: &str = "data/1/Item__c-*.index";
    let site = site(3);
    let (expected, base) = (undisturbed(&site), unfinished(&site));
    let names: &[&str] = &["is not the file that the journal names"];
    let rows: [Row; 6] = [
        ("rows changed", ROWS, Do::Bytes(flipped), names, RUN),
        ("rows cut off", ROWS, Do::Bytes(half), names, RUN),
        ("rows gone", ROWS, Do::Gone, names, RUN),
        ("index changed", INDEX, Do::Bytes(flipped), names, RUN),
        ("index cut off", INDEX, Do::Bytes(half), names, RUN),
        ("index gone", INDEX, Do::Gone, names, RUN),
    ];
    assert_snapshot!("damaged_part", all(&base, &rows, &expected));
}

#[test]
fn a_damaged_store_is_built_anew() {
    let site = site(3);
    let (expected, base) = (undisturbed(&site), unfinished(&site));
    let rows: [Row; 8] = [
        ("db garbage", "state/db", Do::Bytes(garbage), &[], Then::GoesOn),
        ("db cut off", "state/db", Do::Bytes(half), &[], Then::GoesOn),
        ("db changed", "state/db", Do::Bytes(flipped), &[], Then::GoesOn),
        ("db gone", "state/db", Do::Gone, &[], Then::GoesOn),
        ("conf garbage", "state/conf", Do::Bytes(garbage), &["built anew from the journal"], Then::GoesOn),
        ("conf empty", "state/conf", Do::Bytes(|_| Vec::new()), &[], Then::GoesOn),
        ("store a file", "state", Do::File, &["built anew from the journal"], Then::GoesOn),
        ("store gone", "state", Do::Gone, &[], Then::GoesOn),
    ];
    all(&base, &rows, &expected);
}

/// A store that says otherwise, in a form that is not ours or of another run, is not believed.
#[test]
fn what_a_store_says_of_another_run_is_not_believed() {
    let site = site(3);
    let (expected, base) = (undisturbed(&site), unfinished(&site));
    let told = base.told(1);
    let another = RunState { inputs: "another".into(), parts: Default::default(), ..told.clone() };
    let gone = RunState { ended: Some((cutover::checkpoint::Ended::Finished, 0)), ..told };
    for (name, state, version) in
        [("another-run", another, "1"), ("later", gone.clone(), "2"), ("earlier", gone, "0")]
    {
        let world = base.copied(name);
        {
            use cutover::ports::Store;
            let (store, _) = SledStore::open(&world.state().join("state")).unwrap();
            save(&store, &state).unwrap();
            let kept = String::from_utf8(store.get("run").unwrap().unwrap()).unwrap();
            let kept = kept.replacen("\"version\":1", &format!("\"version\":{version}"), 1);
            store.put("run", kept.as_bytes()).unwrap();
            store.flush().unwrap();
        }
        let done = world.apply();
        assert_eq!(done.status.code(), Some(0), "{name}: {}", super::said(&done));
        assert_eq!(crate::process::difference(&world.contents(), &expected), None, "{name}");
    }
}
