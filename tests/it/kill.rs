//! `kill -9` of the real process in the middle of real loads, in all the ways there are: where its journal announces
//! that it is, at any moment, in its first milliseconds, twice in a row, and together with the org. What the next
//! `apply` makes of it is what an undisturbed one makes: nothing lost, nothing doubled.
//!
//! `KILLS` says how many cycles; the slow lane has 200 (CONTRIBUTING).

use crate::process::{Contents, Running, Site, difference, npsp};
use cutover::checkpoint::Event;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

/// Cycles in CI.
const KILLS: u32 = 20;
/// Tries to meet a run in its middle.
const TRIES: u64 = 5;
/// Within so many milliseconds a process has hardly read its arguments, or asks the org who it is, or surveys its rows.
const OPENING: [u64; 3] = [60, 240, 700];

/// How a run is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// When its journal announces the n-th event of a kind.
    Announced,
    /// At any moment after its journal began.
    Moment,
    /// Again and again in its first milliseconds.
    Opening,
    /// At any moment, and then while it recovers from that.
    Twice,
    /// At any moment, the org's process with it.
    Together,
}

const WAYS: [Way; 5] = [Way::Announced, Way::Moment, Way::Opening, Way::Twice, Way::Together];

/// Events that announce where a run is.
const KINDS: [&str; 8] = [
    "run_started",
    "step_staged",
    "job_intent",
    "job_created",
    "uploaded",
    "closed",
    "part_settled",
    "step_done",
];

fn kind(event: &Event) -> String {
    serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned()
}

/// Numbers that follow from a cycle's.
struct Dice(u64);

impl Dice {
    /// A number below this one.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}

/// A run that nothing disturbs: what the org holds then, how long its journal grew, and its events by kind.
struct Undisturbed {
    contents: Contents,
    lasted: Duration,
    kinds: BTreeMap<String, u64>,
}

impl Undisturbed {
    fn of(site: &Site) -> Self {
        let world = site.world("undisturbed");
        let done = world.apply();
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let state = world.told(1);
        let lasted = Duration::from_millis(u64::try_from(state.last - state.started).unwrap());
        let mut kinds = BTreeMap::new();
        for line in world.journal(1) {
            *kinds.entry(kind(&line.event)).or_default() += 1;
        }
        Self { contents: world.contents(), lasted, kinds }
    }

    /// A moment of a run; a later try comes a little earlier, for a run that was over too soon.
    fn moment(&self, dice: &mut Dice, attempt: u64) -> Duration {
        let lasted = u64::try_from(self.lasted.as_millis()).unwrap() * (TRIES - attempt) / TRIES;
        Duration::from_millis(dice.below(lasted))
    }
}

/// Kills a run in its middle. False when it was over by then.
fn killed(world: &mut Running<'_>, way: Way, told: &Undisturbed, dice: &mut Dice, attempt: u64) -> bool {
    let process = world.begin();
    if way == Way::Announced {
        let name = KINDS[dice.below(KINDS.len() as u64) as usize];
        let count = 1 + dice.below(told.kinds[name] * (TRIES - attempt) / TRIES);
        world.until(1, count as usize, |event| kind(event) == name);
    } else {
        world.until(1, 1, |_| true);
        std::thread::sleep(told.moment(dice, attempt));
    }
    let died = process.kill().signal() == Some(9);
    if way == Way::Together {
        assert_eq!(world.kill_org().signal(), Some(9));
        world.serve_again();
    }
    died && world.told(1).ended.is_none() && (way != Way::Twice || killed_early(world, dice, OPENING[1]))
}

/// Kills a process in its first milliseconds. False when it was over by then.
fn killed_early(world: &Running<'_>, dice: &mut Dice, milliseconds: u64) -> bool {
    let process = world.begin();
    std::thread::sleep(Duration::from_millis(dice.below(milliseconds)));
    process.kill().signal() == Some(9)
}

/// One run killed, then gone on with to its end. Gives how many events it had come to.
fn one(site: &Site, cycle: u32, told: &Undisturbed) -> usize {
    let (way, mut dice) = (WAYS[cycle as usize % WAYS.len()], Dice(u64::from(cycle)));
    for attempt in 0..TRIES {
        let mut world = site.world(&format!("cycle-{cycle}-{attempt}"));
        let met = match way {
            Way::Opening => OPENING.iter().all(|most| killed_early(&world, &mut dice, *most)),
            way => killed(&mut world, way, told, &mut dice, attempt),
        };
        if !met {
            continue;
        }
        let events = world.journal(1).len();
        let done = world.apply();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "cycle {cycle}, {way:?}, {events} events:\n{said}");
        let state = world.told_last();
        assert!(state.ended.is_some() && state.loads.iter().all(|l| l.tally().balances()));
        let wrong = difference(&world.contents(), &told.contents);
        assert_eq!(wrong, None, "cycle {cycle}, {way:?}, {events} events");
        return events;
    }
    panic!("cycle {cycle}, {way:?}: never met the run");
}

#[test]
fn killed_in_every_way() {
    let kills = std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let site = npsp();
    let (begun, told) = (Instant::now(), Undisturbed::of(&site));
    let mut met: BTreeMap<Way, Vec<usize>> = BTreeMap::new();
    for cycle in 0..kills {
        met.entry(WAYS[cycle as usize % WAYS.len()]).or_default().push(one(&site, cycle, &told));
    }
    println!(
        "{kills} runs of {:.1?} killed, {:.1?} in all, after so many events:",
        told.lasted,
        begun.elapsed()
    );
    for (way, events) in &met {
        println!("  {way:?}: {events:?}");
        let mut different = events.clone();
        different.sort_unstable();
        different.dedup();
        assert!(*way == Way::Opening || different.len() > events.len() / 3, "{way:?} at {events:?}");
    }
}

/// The null control of the comparison: it sees a record too many, one too few and a link that is wrong.
#[test]
fn a_doubled_record_is_noticed() {
    let site = npsp();
    let expected = Undisturbed::of(&site).contents;
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
}

/// With the state lost an insert would go twice: it stops, and the org is as it was.
#[test]
fn a_lost_state_doubles_nothing() {
    let site = npsp();
    let expected = Undisturbed::of(&site).contents;
    let mut world = site.world("state-lost");
    assert_eq!(world.apply().status.code(), Some(0));
    world.lose_state();
    let stopped = world.apply();
    let words = String::from_utf8_lossy(&stopped.stderr);
    assert_eq!(stopped.status.code(), Some(81), "{words}");
    assert!(
        words.contains("CampaignMember record with their") && words.contains("apply --refresh"),
        "{words}"
    );
    assert_eq!(difference(&world.contents(), &expected), None);
}
