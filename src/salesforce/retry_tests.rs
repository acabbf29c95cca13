//! The table of `retry.rs` as its doc has it, held against what the code does; and the waits.

use super::{Budget, Decision, Kind, Outcome, Tried, decide};
use crate::ports::TransportError::{Broken, NotSent};

const KINDS: [(&str, Kind); 11] = [
    ("Read", Kind::Read),
    ("MoveJob", Kind::MoveJob),
    ("RemoveJob", Kind::RemoveJob),
    ("CreateJob", Kind::CreateJob),
    ("CreateQuery", Kind::CreateQuery),
    ("Upload", Kind::Upload),
    ("InsertRecords", Kind::InsertRecords),
    ("UpdateRecords", Kind::UpdateRecords),
    ("UpsertRecords", Kind::UpsertRecords),
    ("DeleteRecords", Kind::DeleteRecords),
    ("Token", Kind::Token),
];

fn status(status: u16) -> Outcome {
    Outcome::Status { status, busy: false, retry_after_ms: None }
}

fn asks(ms: u64) -> Outcome {
    Outcome::Status { status: 503, busy: false, retry_after_ms: Some(ms) }
}

fn broken(why: &str) -> Outcome {
    Outcome::Transport(Broken(why.into()))
}

/// Every fault that is told apart, under the heading of its column.
fn faults(column: &str) -> Vec<Outcome> {
    match column {
        "no connection" => vec![Outcome::Transport(NotSent("refused".into()))],
        "too many" => {
            vec![status(429), Outcome::Status { status: 403, busy: true, retry_after_ms: None }]
        }
        "lost" => ["before the answer", "after the effect", "no answer within 150 s", "within the body"]
            .map(broken)
            .to_vec(),
        "failing" => [408, 420, 500, 502, 503, 504].map(status).to_vec(),
        "401" => vec![status(401)],
        "other" => [300, 301, 400, 403, 404, 405, 409, 410, 414, 415, 428, 431].map(status).to_vec(),
        other => panic!("a column without faults: {other}"),
    }
}

/// The table's rows, cells trimmed, the heading first.
fn table() -> Vec<Vec<&'static str>> {
    let lines = include_str!("retry.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    lines.map(|line| line.trim_end_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn does_what_the_table_says() {
    let table = table();
    let heading = &table[0];
    assert_eq!(heading.len(), 8, "{heading:?}");
    for row in &table[1..] {
        let name = row[0].trim_matches('`');
        let (_, kind) = KINDS.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("what is {name}?"));
        assert!(row[7].len() > 20, "{name} says why");
        for (column, cell) in heading[1..7].iter().zip(&row[1..7]) {
            for outcome in faults(column) {
                let found = decide(Tried::FIRST, *kind, &outcome, Budget::PATIENT, 7);
                let word = match found {
                    Decision::Wait(_) => "again",
                    Decision::LogIn => "log in",
                    Decision::Surface => "surface",
                    Decision::GiveUp => "give up",
                };
                assert_eq!(word, *cell, "{name} after {outcome:?}");
            }
        }
    }
    let rows: Vec<&str> = table[1..].iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(rows, KINDS.map(|(name, _)| name), "every kind has its row");
}

#[test]
fn waits_grow_and_spread_within_bounds() {
    let after = |attempts, random| {
        decide(Tried { attempts, ..Tried::FIRST }, Kind::Read, &status(503), Budget::PATIENT, random)
    };
    for (attempt, full) in [(1, 500), (2, 1_000), (5, 8_000), (7, 30_000), (15, 30_000)] {
        for random in [0, 1, full / 2, u64::MAX] {
            let Decision::Wait(wait) = after(attempt, random) else { panic!("attempt {attempt} ended") };
            assert!((full / 2..=full).contains(&wait), "attempt {attempt} waits {wait}");
        }
    }
    assert_ne!(after(4, 0), after(4, 1));
}

#[test]
fn the_org_may_lengthen_a_wait_but_not_shorten_it() {
    let after =
        |attempts, ms| decide(Tried { attempts, ..Tried::FIRST }, Kind::Read, &asks(ms), Budget::PATIENT, 0);
    assert_eq!(after(1, 20_000), Decision::Wait(20_000));
    assert_eq!(after(5, 1), Decision::Wait(4_000));
    assert_eq!(after(1, 900_000), Decision::GiveUp);
}

#[test]
fn patience_ends() {
    let after = |attempts, waited_ms, budget| {
        decide(Tried { attempts, waited_ms, logged_in: false }, Kind::Read, &broken("x"), budget, 0)
    };
    assert_eq!(after(16, 0, Budget::PATIENT), Decision::GiveUp);
    assert_eq!(after(9, 299_000, Budget::PATIENT), Decision::GiveUp);
    assert_eq!(after(3, 0, Budget::BRIEF), Decision::GiveUp);
    assert!(matches!(after(2, 0, Budget::BRIEF), Decision::Wait(_)));
}

#[test]
fn a_call_logs_in_once_whatever_it_waited() {
    for (_, kind) in KINDS.iter().filter(|(_, kind)| *kind != Kind::Token) {
        let tried = Tried { attempts: 16, waited_ms: 299_999, logged_in: false };
        assert_eq!(decide(tried, *kind, &status(401), Budget::BRIEF, 0), Decision::LogIn);
        let again = Tried { logged_in: true, ..Tried::FIRST };
        assert_eq!(decide(again, *kind, &status(401), Budget::PATIENT, 0), Decision::Surface);
    }
}
