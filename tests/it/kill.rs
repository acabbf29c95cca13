//! `kill -9` of the real process at many moments of a real load: what the next `apply` makes of it is what an
//! undisturbed one makes.

use crate::process::{Contents, Running, Site, difference, npsp};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

/// Moments at which a run is killed.
const MOMENTS: u32 = 20;
/// Tries to meet a run at one moment.
const TRIES: u32 = 4;

/// A run that nothing disturbs: what the org holds then, and how long its journal grew.
fn undisturbed(site: &Site) -> (Contents, Duration) {
    let world = site.world("undisturbed");
    let done = world.apply();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let state = world.told(1);
    let lasted = Duration::from_millis(u64::try_from(state.last - state.started).unwrap());
    (world.contents(), lasted)
}

/// Kills a run this long after its journal began. False when it was over by then.
fn killed(world: &Running<'_>, after: Duration) -> bool {
    let process = world.begin();
    world.until(1, 1, |_| true);
    std::thread::sleep(after);
    let died = process.kill().signal() == Some(9);
    died && world.told(1).ended.is_none()
}

/// One run killed at one moment, then gone on with to its end. Gives how many events it had come to.
fn one(site: &Site, moment: u32, lasted: Duration, expected: &Contents) -> usize {
    for attempt in 0..TRIES {
        let world = site.world(&format!("moment-{moment}-{attempt}"));
        // A later try comes a little earlier, for a run that was over too soon.
        let after = lasted * (2 * moment + 1) / (2 * MOMENTS) * (10 - attempt) / 10;
        if !killed(&world, after) {
            continue;
        }
        let events = world.journal(1).len();
        let done = world.apply();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "moment {moment}, {events} events:\n{said}");
        let state = world.told(1);
        assert!(state.ended.is_some() && state.loads.iter().all(|l| l.tally().balances()));
        let wrong = difference(&world.contents(), expected);
        assert_eq!(wrong, None, "moment {moment}, {events} events");
        return events;
    }
    panic!("moment {moment}: never met the run");
}

#[test]
fn killed_at_twenty_moments() {
    let site = npsp();
    let begun = Instant::now();
    let (expected, lasted) = undisturbed(&site);
    let events: Vec<usize> = (0..MOMENTS).map(|moment| one(&site, moment, lasted, &expected)).collect();
    println!("a run of {lasted:.1?}, killed after {events:?} events, {:.1?} in all", begun.elapsed());
    let mut different = events.clone();
    different.sort_unstable();
    different.dedup();
    assert!(different.len() >= MOMENTS as usize / 2, "moments that differ: {events:?}");
}

/// The null control: with the state lost, an insert goes twice, and the comparison sees it.
#[test]
fn a_doubled_record_is_noticed() {
    let site = npsp();
    let (expected, _) = undisturbed(&site);
    assert_eq!(difference(&expected, &expected), None);
    for (query, rows) in expected.iter().enumerate() {
        let mut doubled = expected.clone();
        doubled[query].1.insert(1, rows.1[0].clone());
        let (mut less, mut unlinked) = (expected.clone(), expected.clone());
        less[query].1.pop();
        unlinked[query].1[0][1] = Some("another".into());
        for wrong in [doubled, less, unlinked] {
            assert!(difference(&wrong, &expected).is_some_and(|d| d.starts_with(&rows.0)));
        }
    }
    let mut world = site.world("state-lost");
    assert_eq!(world.apply().status.code(), Some(0));
    world.lose_state();
    // Upserts of fields that the org takes on create alone are refused now: that is the org's right.
    assert_eq!(world.apply().status.code(), Some(68));
    for load in world.told(1).loads {
        println!("{} {:?}", load.name.name, load.outcomes);
    }
    let wrong = difference(&world.contents(), &expected).unwrap();
    assert!(wrong.contains("CampaignMember") && wrong.contains("twice"), "{wrong}");
}
