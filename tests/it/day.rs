//! What a day allows is used up in the middle of a run: the org refuses with its own codes, the run stops where it can
//! be gone on with, and on another day it is brought to the same end, with nothing lost and nothing twice.

use crate::world::{Aim, Project, World};
use cutover::model::Outcome;

const QUERIES: &[&str] = &[
    "SELECT Legacy_Id__c, Name, Phone FROM Account ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, LastName, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c",
];

/// The quickstart with days that allow no more than this.
fn with_limit(limit: &str) -> World {
    let project = Project::example("quickstart", QUERIES);
    let org = project.files.iter().find(|(path, _)| path == "org.yaml").unwrap();
    let text = format!("{}\nlimits: {{ {limit} }}\n", String::from_utf8(org.1.clone()).unwrap());
    let mut files = project.files.clone();
    files.retain(|(path, _)| path != "org.yaml");
    files.push(("org.yaml".into(), text.into_bytes()));
    World::new(&Project::new(files, QUERIES))
}

/// Applies day after day until a run ends 0; gives how many days that took. On the others it stops where it can be gone
/// on with, and no row counts as failed because the day was over.
fn days(limit: &str) -> usize {
    let calm = World::new(&Project::example("quickstart", QUERIES));
    calm.apply(Aim::Nowhere).end.unwrap().unwrap();
    let world = with_limit(limit);
    for day in 1..=9 {
        match world.apply(Aim::Nowhere).end.unwrap() {
            Ok(finished) => {
                assert_eq!(finished.exit.code(), 0, "{limit}");
                assert_eq!(world.contents(), calm.contents(), "{limit}");
                return day;
            }
            Err(error) => assert_eq!(error.exit().code(), 69, "{limit}, day {day}: {error}"),
        }
        if let Some(state) = Some(world.told(1)).filter(|state| state.run == 1) {
            let failed: u64 = state.loads.iter().map(|l| l.tally().get(Outcome::Failed)).sum();
            assert!(failed == 0 && state.loads.iter().all(|l| l.tally().balances()), "{limit}: {state:?}");
        }
        world.a_day_passes();
    }
    panic!("{limit}: not over after nine days")
}

#[test]
fn a_day_without_limits_is_enough() {
    assert_eq!(days("daily_api_requests: 15000"), 1);
}

#[test]
fn no_batches_are_left() {
    assert_eq!(days("daily_bulk_batches: 1"), 2);
}

#[test]
fn no_calls_are_left() {
    assert!(days("daily_api_requests: 15") > 1);
}

#[test]
fn no_records_are_left() {
    assert!(days("daily_bulk_records: 8") > 1);
}
