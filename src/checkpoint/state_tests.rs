//! The fold: every prefix of a journal balances, and the store goes on from where it was saved.

use super::*;
use crate::checkpoint::{Folded, restore, save};
use crate::ports::MemoryStore;

fn named(path: &str) -> NamedFile {
    NamedFile { path: path.into(), length: 1, blake3: "00".into() }
}

fn journal() -> Vec<Line> {
    let part = PartKey { step: 0, number: 1 };
    let events = vec![
        Event::RunStarted {
            version: 1,
            run: 3,
            environment: "local".into(),
            org_id: "00D".into(),
            inputs: "x".into(),
            loads: vec![LoadName { name: "a".into(), object: "Account".into(), files: vec![] }],
            rolls_back: None,
            names: crate::checkpoint::RunNames::default(),
        },
        Event::Surveyed {
            load: 0,
            source: 5,
            outcomes: [1, 0, 0, 0, 0, 0, 0, 0, 0, 4],
            absent: 0,
            quotes: 0,
            lenient: Vec::new(),
        },
        Event::StepStaged {
            step: 0,
            load: 0,
            kind: StepKind::Rows,
            rows: 3,
            held: 1,
            rejected: 0,
            waiting: 0,
            dated: false,
        },
        Event::PartStaged {
            part,
            load: 0,
            kind: StepKind::Rows,
            operation: "upsert".into(),
            object: "Account".into(),
            key: "K__c".into(),
            form: "folded".into(),
            api: Default::default(),
            assign: None,
            attempt: 0,
            rows: 3,
            file: named("f"),
            index: named("i"),
        },
        Event::JobIntent { part },
        Event::JobCreated { part, job: "750".into(), there: None },
        Event::Uploaded { part },
        Event::Closed { part },
        Event::PartSettled {
            part,
            state: "JobComplete".into(),
            created: 2,
            updated: 0,
            deleted: 0,
            unchanged: 0,
            held: 0,
            failed: 1,
            segment: None,
            failures: None,
            trail: None,
            renewed: 0,
            set_aside: 0,
            over: None,
        },
    ];
    events.into_iter().enumerate().map(|(i, event)| Line { seq: i as u64 + 1, at: 10, event }).collect()
}

#[test]
fn every_prefix_of_a_journal_balances() {
    let lines = journal();
    for end in 2..=lines.len() {
        let state = RunState::fold("j", &lines[..end]).unwrap();
        assert!(state.loads[0].tally().balances(), "after {end} events: {:?}", state.loads[0]);
    }
    let state = RunState::fold("j", &lines).unwrap();
    assert_eq!(state.loads[0].outcomes, [1, 0, 0, 1, 0, 2, 0, 0, 1, 0]);
}

/// The journal with another end: the part settled with these counts, and the run over.
fn ended(created: u64, failed: u64, ended: Ended) -> RunState {
    let mut lines = journal();
    if let Some(Event::PartSettled { created: c, failed: f, .. }) = lines.last_mut().map(|l| &mut l.event) {
        (*c, *f) = (created, failed);
    }
    lines.push(Line { seq: lines.len() as u64 + 1, at: 10, event: Event::RunEnded { ended, exit: 0 } });
    RunState::fold("j", &lines).unwrap()
}

#[test]
fn a_count_that_is_wrong_shows() {
    assert_eq!(ended(2, 1, Ended::Finished).unbalanced().count(), 0);
    let more = ended(4, 1, Ended::Finished);
    assert_eq!((more.unbalanced().count(), more.loads[0].surplus), (1, 2), "{:?}", more.loads);
    let fewer = ended(1, 1, Ended::Finished);
    assert_eq!(
        (fewer.unbalanced().count(), fewer.loads[0].balances(false)),
        (1, true),
        "one is pending for ever"
    );
    assert_eq!(ended(1, 1, Ended::Budget).unbalanced().count(), 0, "a budget leaves rows");
}

#[test]
fn a_reference_that_comes_to_an_end_twice_shows() {
    let mut load = ended(2, 1, Ended::Finished).loads.remove(0);
    load.references.pending = 1;
    take(&mut load.references.pending, 2, &mut load.surplus);
    assert_eq!((load.references.pending, load.balances(false)), (0, false));
}

#[test]
fn references_that_a_resumed_run_tries_again_count_once() {
    let mut lines = journal();
    let mut add = |event| lines.push(Line { seq: lines.len() as u64 + 1, at: 10, event });
    for number in [7, 8] {
        let part = PartKey { step: 1, number };
        add(Event::RunResumed { inputs: "x".into() });
        add(Event::Surveyed {
            load: 0,
            source: 5,
            outcomes: [1, 0, 0, 1, 0, 2, 0, 0, 1, 0],
            absent: 0,
            quotes: 0,
            lenient: Vec::new(),
        });
        let (load, kind, rows) = (0, StepKind::References, 1);
        add(Event::StepStaged { step: 1, load, kind, rows, held: 0, rejected: 0, waiting: 0, dated: false });
        let (operation, object) = ("update".into(), "Account".into());
        let (key, form) = ("K__c".into(), "folded".into());
        let (file, index) = (named("f"), named("i"));
        add(Event::PartStaged {
            part,
            load,
            kind,
            operation,
            object,
            key,
            form,
            api: Default::default(),
            assign: None,
            attempt: 0,
            rows,
            file,
            index,
        });
        add(Event::JobIntent { part });
        add(Event::JobCreated { part, job: "750".into(), there: None });
        add(Event::Uploaded { part });
        add(Event::Closed { part });
        let state = "JobComplete".into();
        let (updated, failed) = (number - 7, 8 - number);
        let (updated, failed) = (u64::from(updated), u64::from(failed));
        let (segment, failures) = (None, None);
        let (created, deleted, unchanged, held) = (0, 0, 0, 0);
        add(Event::PartSettled {
            part,
            state,
            created,
            updated,
            deleted,
            unchanged,
            held,
            failed,
            segment,
            failures,
            trail: None,
            renewed: 0,
            set_aside: 0,
            over: None,
        });
    }
    let state = RunState::fold("j", &lines).unwrap();
    assert_eq!(state.loads[0].references, References { filled: 1, pending: 0, failed: 0 });
}

#[test]
fn the_store_goes_on_from_where_it_was_saved() {
    let lines = journal();
    let store = MemoryStore::default();
    save(&store, &RunState::fold("j", &lines[..5]).unwrap()).unwrap();
    let Folded::State(mut state) = restore(&store, 3, &lines) else { panic!("it fits the journal") };
    state.fold_more("j", &lines).unwrap();
    assert_eq!(*state, RunState::fold("j", &lines).unwrap());
}

#[test]
fn illegal_events_are_refused() {
    let mut lines = journal();
    lines.remove(5);
    for (i, line) in lines.iter_mut().enumerate() {
        line.seq = i as u64 + 1;
    }
    assert!(matches!(RunState::fold("j", &lines), Err(JournalError::Illegal { line: 6, .. })));
}
