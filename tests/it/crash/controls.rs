//! The null controls: code of ours that is wrong in one way turns this suite red (`world/broken.rs` says how each flaw
//! is made, and why no program that ships can have it).

use super::Undisturbed;
use super::four_objects::Expected;
use super::pairs::{MANIFEST, ORG, PAIR, QUERIES, pair};
use super::{Told, all};
use crate::world::{Aim, Flaw, Project};
use cutover::model::Outcome;
use std::sync::Arc;

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

/// The pair with refused rows among the others, so that results do not come in the order of the rows.
fn mixed() -> Arc<Project> {
    let accounts = "id,name\nA1,Refused\nA2,Two\nA3,Refused\nA4,Four\nA5,Refused\nA6,Six\n";
    let rule = "{ name: no_refused, when: 'Name == \"Refused\"', message: Refused it is, field: Name }";
    let org = ORG.replacen("  Visit__c:", &format!("    rules: [{rule}]\n  Visit__c:"), 1);
    let visits = "id,account\nV2,A2\nV4,A4\nV6,A6\n";
    let files = [
        ("cutover.yaml", MANIFEST),
        ("org.yaml", org.as_str()),
        ("accounts.csv", accounts),
        ("visits.csv", visits),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
    Project::new(files, &QUERIES)
}

const MIXED: Expected = Expected {
    contents: &[&["A2|Two", "A4|Four", "A6|Six"], &["V2|A2", "V4|A4", "V6|A6"]],
    outcomes: &[&[(Outcome::Created, 3), (Outcome::Failed, 3)], &[(Outcome::Created, 3)]],
    filled: &[0, 0],
    refused: (&["A1", "A3", "A5"], &[]),
    exit: 68,
};

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
    is_found_out(&Undisturbed::of(pair(), &PAIR), Flaw::Forgetful, "its end is lost");
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
    is_found_out(&Undisturbed::of(mixed(), &MIXED), Flaw::ByPosition, "the org differs");
}
