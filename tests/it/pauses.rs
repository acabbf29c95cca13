//! A run that is to stop by itself: behind the wave of a load with `pause_after`, and at the time of `--until`. It goes
//! on past that place with the next apply, wherever it was killed.

use crate::world::{Aim, Life, Project, World};
use cutover::checkpoint::{Event, PartState, journal_path, read_journal};
use cutover::local_org::Faults;
use cutover::model::Outcome;
use std::sync::Arc;

/// Accounts, then a pause, then contacts and visits.
fn with_pause() -> Arc<Project> {
    let project = Project::tiny();
    let manifest = project.files.iter().find(|(path, _)| path == "cutover.yaml").unwrap();
    let manifest = String::from_utf8(manifest.1.clone()).unwrap();
    let paused = manifest.replace("source: accounts.csv\n", "source: accounts.csv\n    pause_after: true\n");
    assert_ne!(paused, manifest);
    project.with("cutover.yaml", &paused)
}

fn contacts(world: &World) -> usize {
    world.org.query("SELECT Id FROM Contact").unwrap().rows.len()
}

/// Whether a life ended with a pause; it must have said what comes next.
fn paused(life: &Life) -> bool {
    match life.end.as_ref().unwrap() {
        Ok(_) => false,
        Err(error) => {
            let said = error.to_string();
            assert_eq!(error.exit().code(), 69, "{said}");
            assert!(said.contains("pauses after accounts") && said.contains("contacts ("), "{said}");
            true
        }
    }
}

/// Applies to the end. Before a pause is in the journal no contact may be in the org. Gives how often it paused.
fn to_the_end(world: &World) -> usize {
    for pauses in 0..4 {
        let life = world.apply(Aim::Nowhere);
        if !paused(&life) {
            let finished = life.end.unwrap().unwrap();
            assert_eq!((finished.exit.code(), finished.state.run), (68, 1));
            return pauses;
        }
        let state = world.told(1);
        assert_eq!((state.paused_after, state.why.as_deref()), (vec![0], Some("pause_after")));
        assert_eq!(contacts(world), 0);
    }
    panic!("it pauses again and again");
}

#[test]
fn a_run_pauses_once_where_the_manifest_says() {
    let calm = World::new(&Project::tiny());
    calm.apply(Aim::Nowhere).end.unwrap().unwrap();
    let world = World::new(&with_pause());
    assert_eq!(to_the_end(&world), 1);
    assert_eq!(world.contents(), calm.contents());
    // The refused account goes again in the next run, and so do those that wait for it: there is a pause between them.
    assert!(paused(&world.apply(Aim::Nowhere)));
}

#[test]
fn a_run_that_sends_nothing_of_the_load_does_not_pause() {
    let project = Project::quickstart();
    let manifest = project.files.iter().find(|(path, _)| path == "cutover.yaml").unwrap();
    let manifest = String::from_utf8(manifest.1.clone()).unwrap();
    let paused = manifest.replace("companies.csv\n", "companies.csv\n    pause_after: true\n");
    let world = World::new(&project.with("cutover.yaml", &paused));
    assert_eq!(world.apply(Aim::Nowhere).end.unwrap().unwrap_err().exit().code(), 69);
    assert_eq!(world.apply(Aim::Nowhere).end.unwrap().unwrap().state.run, 1);
    let finished = world.apply(Aim::Nowhere).end.unwrap().unwrap();
    assert_eq!((finished.exit.code(), finished.state.run), (0, 2));
}

#[test]
fn killed_around_the_pause_it_pauses_all_the_same_and_only_once() {
    let calm = World::new(&Project::tiny());
    calm.apply(Aim::Nowhere).end.unwrap().unwrap();
    let project = with_pause();
    let length = World::new(&project).apply(Aim::Nowhere).trace.len();
    let (mut before, mut behind) = (0, 0);
    for aim in (length - 45..length).flat_map(|n| [Aim::Before(n), Aim::After(n)]) {
        let world = World::new(&project);
        let life = world.apply(aim);
        assert!(life.end.is_none() && life.hit.is_some(), "{aim:?} was not met");
        world.lose_power();
        let known = !world.told(1).paused_after.is_empty();
        assert_eq!(contacts(&world), 0, "{aim:?}");
        assert_eq!(to_the_end(&world), usize::from(!known), "{aim:?}");
        assert_eq!(world.contents(), calm.contents(), "{aim:?}");
        if known { behind += 1 } else { before += 1 }
    }
    println!("killed {before} times before the pause was in the journal, {behind} times behind it");
    assert!(before > 20 && behind > 1, "{before} {behind}");
}

#[test]
fn until_a_time_nothing_more_begins_and_open_jobs_settle() {
    let project = Project::northwind();
    let calm = World::new(&project);
    calm.apply(Aim::Nowhere).end.unwrap().unwrap();
    let mut world = World::new(&project);
    world.org.set_faults(Faults::read("faults.yaml", "faults: [{ then: slow_jobs, steps: 12 }]").unwrap());
    let mut stops = 0;
    loop {
        let end = world.now() + 90_000;
        world.end = Some(end);
        let finished = match world.apply(Aim::Nowhere).end.unwrap() {
            Ok(finished) => finished,
            Err(error) => {
                let said = error.to_string();
                assert_eq!(error.exit().code(), 69, "{said}");
                assert!(said.contains("--until") && said.contains(" rows)"), "{said}");
                settled_by(&world, end);
                stops += 1;
                continue;
            }
        };
        assert_eq!((finished.exit.code(), finished.state.run), (0, 1));
        break;
    }
    assert_eq!(world.contents(), calm.contents());
    assert!((2..20).contains(&stops), "{stops} times");
}

/// Nothing was begun after the time, and nothing is open.
fn settled_by(world: &World, end: i64) {
    let state = world.told(1);
    assert_eq!(state.why.as_deref(), Some("until"));
    let over = [PartState::Settled, PartState::Staged, PartState::Dropped];
    assert!(state.parts.values().all(|p| over.contains(&p.state)), "{:?}", state.parts);
    let pending: u64 = state.loads.iter().map(|l| l.tally().get(Outcome::Pending)).sum();
    assert!(pending > 0 && state.loads.iter().all(|l| l.tally().balances()));
    let (lines, _) = read_journal(&world.disk, &journal_path(1)).unwrap();
    let late = lines.iter().filter(|line| line.at >= end);
    let begun = late.filter(|line| matches!(line.event, Event::JobIntent { .. } | Event::CallsIntent { .. }));
    assert_eq!(begun.count(), 0);
}
