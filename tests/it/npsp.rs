//! A charity's data of some 17,000 rows in an org that is having a bad day: a fifth of all calls fails, or a third of all
//! rows meets a lock. It ends with the right org.

use crate::process::{NPSP, difference, npsp};
use crate::world::{Aim, Project, World};
use cutover::engine::Finished;
use cutover::local_org::Faults;
use cutover::model::Outcome;
use std::sync::Arc;

/// Applies until a run with a fifth of its calls failing must have come to its end.
const MOST: usize = 60;

/// The project of the kill tests: its inserted rows may stand twice in the org, which would be seen.
fn project() -> Arc<Project> {
    let site = npsp();
    let mut files = Project::example("npsp", &NPSP).files.clone();
    let org = files.iter_mut().find(|(path, _)| path == "org.yaml").unwrap();
    org.1 = std::fs::read(site.root().join("org.yaml")).unwrap();
    Project::new(files, &NPSP)
}

fn with_faults(project: &Arc<Project>, faults: &str) -> World {
    let world = World::new(project);
    world.org.set_faults(Faults::read("faults.yaml", &format!("faults: [{faults}]")).unwrap());
    world
}

/// Every row has landed, as one that was never disturbed has it.
fn is_right(world: &World, finished: &Finished, calm: &World, what: &str) {
    assert_eq!(finished.exit.code(), 0, "{what}: {:?}", finished.state.loads);
    for load in &finished.state.loads {
        let tally = load.tally();
        let landed = tally.get(Outcome::Created) + tally.get(Outcome::Updated);
        assert!(tally.balances() && landed == load.source, "{what}: {load:?}");
    }
    assert_eq!(difference(&world.contents(), &calm.contents()), None, "{what}");
}

/// Applies while it ends 69. Gives how often that was, and how many calls failed.
fn applies(world: &World, calm: &World, what: &str) -> (usize, u64) {
    for count in 1..=MOST {
        match world.apply(Aim::Nowhere).end.unwrap() {
            Ok(finished) => {
                is_right(world, &finished, calm, what);
                return (count, world.org.struck());
            }
            Err(error) => assert_eq!(error.exit().code(), 69, "{what}: {error}"),
        }
    }
    panic!("{what}: not over after {MOST} applies");
}

#[test]
fn a_fifth_of_all_calls_fails() {
    let project = project();
    let calm = World::new(&project);
    calm.apply(Aim::Nowhere).end.unwrap().unwrap();
    for faults in [
        "{ then: unavailable, per_mille: 200 }",
        "{ then: drop_before, per_mille: 106 }, { then: drop_after, per_mille: 106 }",
        "{ then: unavailable, per_mille: 72 }, { then: drop_before, per_mille: 72 }, { then: drop_after, per_mille: 72 }",
    ] {
        let world = with_faults(&project, faults);
        let (applies, struck) = applies(&world, &calm, faults);
        println!("{faults}: {applies} applies, {struck} calls failed");
        assert!(applies > 1 && struck > 50, "{applies} {struck}");
    }
}

#[test]
fn thirty_rows_in_a_hundred_meet_a_lock_and_one_apply_loads_them() {
    let project = project();
    let calm = World::new(&project);
    calm.apply(Aim::Nowhere).end.unwrap().unwrap();
    let world = with_faults(&project, "{ then: lock_rows, per_mille: 300 }");
    let finished = world.apply(Aim::Nowhere).end.unwrap().unwrap();
    is_right(&world, &finished, &calm, "locks");
    let parts = || finished.state.parts.values();
    let again: u64 = parts().filter(|p| p.attempt > 0).map(|p| p.rows).sum();
    let rows: u64 = finished.state.loads.iter().map(|l| l.source).sum();
    println!("{rows} rows, {} met a lock, {again} went again", world.org.struck());
    assert!((rows / 4..rows * 2 / 5).contains(&world.org.struck()), "{} of {rows}", world.org.struck());
}
