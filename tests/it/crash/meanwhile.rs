//! What others do between a crash and the life that recovers: they change the source, or remove jobs from the org.

use super::four_objects::Expected;
use super::pairs::{EFFECTS, PAIR, pair, pair_by_calls};
use super::{Course, Undisturbed, all};
use crate::world::{Aim, Project};
use cutover::model::Outcome;
use std::sync::Arc;

/// The accounts as they are after the change.
const ACCOUNTS: &str = "id,name\nA1,Uno\nA2,Due\n";

/// What the changed source must come to.
const CHANGED: Expected = Expected {
    contents: &[&["A1|Uno", "A2|Due"], &["V1|A1"]],
    outcomes: &[&[(Outcome::Created, 2)], &[(Outcome::Created, 1)]],
    filled: &[0, 0],
    refused: (&[], &[]),
    exit: 0,
};

/// A crash after each effect in turn; then others do something, and the next `apply` meets it.
fn crash_and(
    test: &str,
    project: Arc<Project>,
    end: &'static Expected,
    others: impl Fn(&mut Course<'_>) + Sync,
) {
    let mut undisturbed = Undisturbed::of(project, &PAIR);
    // What became of a row is asked of the org: it does not tell who made a record.
    (undisturbed.lenient, undisturbed.expected) = (true, end);
    let aims = undisturbed.calls(EFFECTS);
    let told = all(&aims, |number| {
        let mut course = undisturbed.begin(None);
        let life = course.live(Aim::After(*number));
        undisturbed.check_hit(Aim::After(*number), &life, None);
        if number % 3 == 0 {
            course.world.lose_power();
        }
        others(&mut course);
        let end = course.go_on(life, &[]);
        let name = &undisturbed.trace[*number];
        (course.lives, course.met, end.map_err(|why| format!("after {number} ({name}): {why}")))
    });
    println!("{test}: {} crashes, {} applies", aims.len(), told.applies);
    told.hold(test);
}

#[test]
fn the_source_changes_after_a_crash() {
    crash_and("the_source_changes_after_a_crash", pair(), &CHANGED, |course| {
        course.world.sources.put("accounts.csv", ACCOUNTS.as_bytes());
        course.changed = true;
    });
}

#[test]
fn the_source_changes_after_a_crash_among_calls() {
    crash_and("the_source_changes_after_a_crash_among_calls", pair_by_calls(), &CHANGED, |course| {
        course.world.sources.put("accounts.csv", ACCOUNTS.as_bytes());
        course.changed = true;
    });
}

#[test]
fn the_jobs_are_removed_after_a_crash() {
    crash_and("the_jobs_are_removed_after_a_crash", pair(), &PAIR, |course| {
        course.world.org_works_on();
        course.world.remove_jobs();
    });
}
