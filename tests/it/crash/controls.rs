//! The null controls: code of ours that is wrong in one way turns this suite red (`world/broken.rs` says how each flaw
//! is made, and why no program that ships can have it).

use super::Undisturbed;
use super::four::{FOUR, four};
use super::pairs::{PAIR, pair};
use super::{Told, all};
use crate::world::{Aim, Flaw};

/// The suite around what is in the journal and in the org, with a flaw and without it.
fn with(undisturbed: &Undisturbed, flaw: Option<Flaw>) -> Told {
    let aims: Vec<Aim> = undisturbed
        .calls(&["append runs/1/events.ndjson", "sync runs/1/events.ndjson", "org P"])
        .into_iter()
        .map(Aim::After)
        .collect();
    let told = all(&aims, |aim| undisturbed.disturbed(*aim, flaw));
    println!("{flaw:?}: {} of {} crashes found out", told.wrong.len(), aims.len());
    told
}

/// Without the flaw nothing is wrong; with it the suite is red, for this reason.
#[track_caller]
fn is_found_out(undisturbed: &Undisturbed, flaw: Flaw, by: &str) {
    let told = with(undisturbed, None);
    assert!(told.wrong.is_empty(), "{:#?}", told.wrong);
    let told = with(undisturbed, Some(flaw));
    let of_the_kind = told.wrong.iter().filter(|why| why.contains(by)).count();
    println!("{flaw:?}: {of_the_kind} of them: {by}");
    assert!(of_the_kind > 0, "{:#?}", told.wrong);
}

#[test]
fn a_journal_that_is_not_synced_is_found_out() {
    is_found_out(&Undisturbed::of(pair(), &PAIR), Flaw::Forgetful, "the org differs");
}

#[test]
fn an_intent_that_is_written_late_is_found_out() {
    is_found_out(&Undisturbed::of(pair(), &PAIR), Flaw::LateIntent, "open jobs that nobody knows");
}

#[test]
fn an_outcome_that_is_written_before_its_intent_is_found_out() {
    is_found_out(&Undisturbed::of(pair(), &PAIR), Flaw::OutcomeFirst, "the org differs");
}

#[test]
fn results_matched_by_position_are_found_out() {
    is_found_out(&Undisturbed::of(four(), &FOUR), Flaw::ByPosition, "the org differs");
}
