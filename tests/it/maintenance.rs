//! An org that is maintained: the run pauses with 69, no row and no part loses a try, and the next apply goes on.

use crate::others::exit;
use crate::world::{Aim, Project, World};
use cutover::local_org::Faults;
use cutover::model::Outcome;
use std::sync::Arc;

const HOUR: i64 = 3_600_000;

/// A world in which nothing befell an apply, and one in which faults strike.
struct Worlds {
    calm: World,
    /// How the apply there ended.
    ended: u8,
    world: World,
}

fn worlds(project: &Arc<Project>, faults: impl Fn(&str) -> String) -> Worlds {
    let (calm, world) = (World::new(project), World::new(project));
    let until = jiff::Timestamp::from_millisecond(world.now() + HOUR).unwrap().to_string();
    let faults = format!("faults: [{}]", faults(&until));
    world.org.set_faults(Faults::read("faults.yaml", &faults).unwrap());
    let ended = exit(calm.apply(Aim::Nowhere));
    Worlds { calm, ended, world }
}

impl Worlds {
    /// An apply stops with 69 because of the maintenance; no row has failed for it.
    fn pauses(&self, what: &str) {
        assert_eq!(exit(self.world.apply(Aim::Nowhere)), 69, "{what}");
        let state = self.world.told(1);
        assert_eq!(state.why.as_deref(), Some("maintenance"), "{what}");
        for (load, calm) in state.loads.iter().zip(&self.calm.told(1).loads) {
            let (tally, failed) = (load.tally(), calm.tally().get(Outcome::Failed));
            assert!(tally.balances() && tally.get(Outcome::Failed) <= failed, "{what}: {load:?}");
        }
        let tries = state.parts.values().map(|part| part.attempt).max().unwrap_or(0);
        assert!(tries <= 1, "{what}: {tries} tries");
    }

    /// The next apply ends as it would have; the org and the accounts are as without it.
    fn ends_well(&self, what: &str) {
        let Self { calm, ended, world } = self;
        assert_eq!(exit(world.apply(Aim::Nowhere)), *ended, "{what}");
        assert_eq!(world.contents(), calm.contents(), "{what}");
        let tallies =
            |world: &World| world.told(1).loads.iter().map(|load| load.outcomes).collect::<Vec<_>>();
        assert_eq!(tallies(world), tallies(calm), "{what}");
    }

    fn an_hour_passes(&self) {
        self.world.it_becomes(self.world.now() + HOUR);
    }
}

#[test]
fn a_read_only_org_is_asked_before_each_wave() {
    let worlds = worlds(&Project::northwind(), |until| format!("{{ then: read_only, until: '{until}' }}"));
    worlds.pauses("read-only");
    assert!(worlds.world.jobs().is_empty(), "no job is made");
    worlds.an_hour_passes();
    worlds.ends_well("read-only");
}

#[test]
fn rows_that_it_refuses_lose_no_try() {
    for (project, share) in [(Project::northwind(), 300), (Project::tidy_by_calls(), 800)] {
        let fault = |until: &str| format!("{{ then: refuse_rows, per_mille: {share}, until: '{until}' }}");
        let worlds = worlds(&project, fault);
        (0..8).for_each(|n| worlds.pauses(&format!("{share}, apply {n}")));
        worlds.an_hour_passes();
        worlds.ends_well(&share.to_string());
    }
}

#[test]
fn a_job_that_it_ends_goes_again() {
    let worlds = worlds(&Project::northwind(), |_| "{ then: refuse_job, rows: 0 }".into());
    worlds.pauses("job");
    worlds.ends_well("job");
}

#[test]
fn a_call_that_it_refuses_goes_again() {
    for (project, aim) in [
        (Project::northwind(), "method: POST, path: jobs/ingest, nth: 3"),
        (Project::northwind(), "method: PUT, path: 'jobs/ingest/*/batches', nth: 2"),
        (Project::northwind(), "method: PATCH, path: 'jobs/ingest/*', nth: 2"),
        (Project::tidy_by_calls(), "method: PATCH, path: 'composite/**', nth: 1"),
        (Project::tidy_by_calls(), "method: DELETE, path: 'composite/**', nth: 1"),
    ] {
        let worlds = worlds(&project, |_| format!("{{ then: refuse_writes, {aim} }}"));
        worlds.pauses(aim);
        worlds.ends_well(aim);
    }
}
