//! Rows refused in passing go again within the same apply: a lock is nobody's fault, nor is a job that the org gave
//! up half-way. One apply ends 0 with every row loaded once.

use crate::world::{Aim, Project, World};
use cutover::engine::{Exit, Finished};
use cutover::local_org::Faults;
use cutover::model::Outcome;
use std::sync::Arc;

fn npsp() -> Arc<Project> {
    Project::example(
        "npsp",
        &["SELECT Legacy_Id__c, Name, Account.Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c"],
    )
}

fn apply(world: &World) -> Finished {
    world.apply(Aim::Nowhere).end.unwrap().unwrap()
}

/// Applies in a world with these faults; gives how many jobs more it took than without.
fn jobs_more(fault: &str) -> usize {
    let project = npsp();
    let calm = World::new(&project);
    let calm_jobs = apply(&calm).state.parts.len();
    let world = World::new(&project);
    let faults = Faults::read("faults.yaml", &format!("faults: [{fault}]")).unwrap();
    world.org.set_faults(faults);
    let finished = apply(&world);
    assert_eq!(finished.exit, Exit::Done, "{:?}", finished.state.loads);
    for load in &finished.state.loads {
        assert!(load.tally().balances(), "{load:?}");
        assert_eq!(load.tally().get(Outcome::Created), load.source, "{load:?}");
    }
    assert_eq!(world.contents(), calm.contents());
    finished.state.parts.len() - calm_jobs
}

#[test]
fn locked_rows_go_again_until_they_are_in() {
    assert!(jobs_more("{ then: lock_rows, per_mille: 300 }") >= 13, "every load of some size meets a lock");
}

#[test]
fn a_job_given_up_half_way_has_its_rest_sent_again() {
    assert!(jobs_more("{ then: fail_job, rows: 400 }") >= 1);
}
