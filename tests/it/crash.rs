//! The process ends at every call through a port in turn: before it and after it, by lost power and by `kill -9`; and
//! every answer of the org is lost, or cut off, in turn. The next `apply` goes on, and in the end the org and the
//! accounts are as if nothing had happened.

use crate::world::{Aim, Life, Project, World};
use cutover::checkpoint::{Ended, LoadState, RunState, journal_path, read_journal};
use cutover::model::Outcome;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Applies that a world may need after a crash, before its run is over.
const MOST_LIVES: usize = 3;

/// A run that nothing disturbs.
struct Undisturbed {
    project: Arc<Project>,
    trace: Vec<String>,
    contents: Vec<(String, Vec<Vec<Option<String>>>)>,
    loads: Vec<LoadState>,
    exit: u8,
    /// Whether rows go by calls: of what a call created whose answer is lost, its repetition says that it is updated.
    by_calls: bool,
}

impl Undisturbed {
    fn of(project: Arc<Project>) -> Self {
        let world = World::new(&project);
        let life = world.apply(Aim::Nowhere);
        let finished = life.end.unwrap().unwrap();
        let (loads, exit) = (finished.state.loads, finished.exit.code());
        let by_calls = life.trace.iter().any(|name| name.contains("/composite/sobjects"));
        Self { trace: life.trace, contents: world.contents(), loads, exit, project, by_calls }
    }

    /// What a run counts, as far as every run must count the same.
    fn counts(&self, loads: &[LoadState]) -> Vec<LoadState> {
        let mut loads = loads.to_vec();
        for load in loads.iter_mut().filter(|_| self.by_calls) {
            let created = std::mem::take(&mut load.outcomes[Outcome::Created as usize]);
            load.outcomes[Outcome::Updated as usize] += created;
        }
        loads
    }

    /// Every disturbance of one run: both sides of every call, and both ways to lose an answer of the org.
    fn aims(&self) -> Vec<Aim> {
        let mut aims = Vec::new();
        for (number, name) in self.trace.iter().enumerate() {
            aims.extend([Aim::Before(number), Aim::After(number)]);
            if name.starts_with("org ") {
                aims.extend([Aim::Lost(number), Aim::Cut(number)]);
            }
        }
        aims
    }

    /// Disturbs one run and goes on to its end. Gives how many applies that took; an error says what is wrong then.
    fn disturbed(&self, aim: Aim, forgetful: bool) -> Result<usize, String> {
        let mut world = World::new(&self.project);
        world.forgetful = forgetful;
        let life = world.apply(aim);
        self.check_hit(aim, &life);
        if let (Aim::Before(number) | Aim::After(number), None) = (aim, &life.end) {
            // Both ways to die, and both things that the org may do meanwhile, each at half of the boundaries.
            if matches!(aim, Aim::Before(_)) || forgetful {
                world.lose_power();
            }
            if number % 2 == 0 {
                world.org_works_on();
            }
        }
        let mut last = life;
        for lives in 1..=MOST_LIVES {
            match last.end.as_ref() {
                Some(Ok(finished)) => {
                    self.check(&world, &finished.state, finished.exit.code())?;
                    return Ok(lives);
                }
                // Where only an answer was lost, the run says so and can go on; nothing else may come of it.
                Some(Err(error)) if lives == 1 && error.exit().code() == 69 => {}
                Some(Err(error)) => {
                    return Err(format!("apply {lives} ends with {}: {error}", error.exit().code()));
                }
                None => {}
            }
            last = world.apply(Aim::Nowhere);
        }
        match last.end {
            Some(Ok(finished)) => {
                self.check(&world, &finished.state, finished.exit.code()).map(|()| MOST_LIVES + 1)
            }
            other => Err(format!("not at its end after {MOST_LIVES} applies: {:?}", other.map(|e| e.err()))),
        }
    }

    /// Ends the process at one call, and the one that recovers at a call of its own.
    fn disturbed_twice(&self, first: usize, second: Aim) -> Result<usize, String> {
        let world = World::new(&self.project);
        world.apply(Aim::After(first));
        world.lose_power();
        let life = world.apply(second);
        let Aim::Before(number) = second else { return Ok(life.trace.len()) };
        assert!(
            life.end.is_none() && life.hit == Some(number),
            "{second:?} after {first} did not end the process"
        );
        world.lose_power();
        match world.apply(Aim::Nowhere).end.unwrap() {
            Ok(finished) => self.check(&world, &finished.state, finished.exit.code()).map(|()| number),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The disturbance happened where it was aimed, and nothing before it was otherwise.
    fn check_hit(&self, aim: Aim, life: &Life) {
        let (Aim::Before(number) | Aim::After(number) | Aim::Lost(number) | Aim::Cut(number)) = aim else {
            return;
        };
        assert_eq!(life.hit, Some(number), "{aim:?} was never reached");
        assert_eq!(life.trace[..=number], self.trace[..=number], "{aim:?} is another call than was meant");
        if matches!(aim, Aim::Before(_) | Aim::After(_)) {
            assert!(life.end.is_none() && life.trace.len() == number + 1, "{aim:?} did not end the process");
        }
    }

    fn check(&self, world: &World, state: &RunState, exit: u8) -> Result<(), String> {
        let contents = world.contents();
        if contents != self.contents {
            let pairs = contents.iter().zip(&self.contents).filter(|(now, then)| now != then);
            return Err(format!("the org differs: {:?}", pairs.collect::<Vec<_>>()));
        }
        if let Some(load) = state.loads.iter().find(|l| !l.tally().balances()) {
            return Err(format!("{} does not balance: {:?}", load.name.name, load.outcomes));
        }
        if exit != self.exit {
            return Err(format!("exit {exit} instead of {}", self.exit));
        }
        // The run that was disturbed counts what the undisturbed one counts.
        let path = journal_path(1);
        let (lines, _) = read_journal(&world.disk, &path).map_err(|e| e.to_string())?;
        let first = RunState::fold(&path, &lines).map_err(|e| e.to_string())?;
        if !matches!(first.ended, Some((Ended::Finished, _)))
            || self.counts(&first.loads) != self.counts(&self.loads)
        {
            return Err(format!("run 1 ended {:?} with {:?}", first.ended, first.loads));
        }
        Ok(())
    }
}

/// Runs all on as many threads as there are processors; gives what went wrong, by aim.
fn all(undisturbed: &Undisturbed, aims: &[Aim], forgetful: bool) -> (usize, Vec<(Aim, String)>) {
    let (next, applies) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut wrong = Vec::new();
        while let Some(aim) = aims.get(next.fetch_add(1, Ordering::Relaxed)) {
            match undisturbed.disturbed(*aim, forgetful) {
                Ok(lives) => _ = applies.fetch_add(lives, Ordering::Relaxed),
                Err(why) => wrong.push((*aim, why)),
            }
        }
        wrong
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let wrong = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    (applies.into_inner(), wrong)
}

/// What a name begins with, counted: what kinds of boundaries a trace has.
fn kinds(trace: &[String]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for name in trace {
        let words = if name.starts_with("org ") { 2 } else { 1 };
        *kinds.entry(name.split(' ').take(words).collect::<Vec<_>>().join(" ")).or_default() += 1;
    }
    kinds
}

fn told(undisturbed: &Undisturbed, wrong: &[(Aim, String)]) -> String {
    let name = |aim: &Aim| match aim {
        Aim::Before(n) | Aim::After(n) | Aim::Lost(n) | Aim::Cut(n) => undisturbed.trace[*n].as_str(),
        _ => "",
    };
    wrong.iter().take(12).map(|(aim, why)| format!("{aim:?} ({}): {why}\n", name(aim))).collect()
}

#[test]
fn crash_at_every_boundary() {
    at_every_boundary(Project::tiny(), 1);
}

#[test]
fn crash_at_every_boundary_of_updates_and_deletes() {
    // A third of them: each world is filled first, which takes as long again.
    at_every_boundary(Project::tidy(), 3);
}

#[test]
fn crash_at_every_boundary_of_calls() {
    at_every_boundary(Project::tidy_by_calls(), 5);
}

fn at_every_boundary(project: Arc<Project>, stride: usize) {
    let undisturbed = Undisturbed::of(project);
    let aims: Vec<Aim> = undisturbed.aims().into_iter().skip(stride / 2).step_by(stride).collect();
    let begun = std::time::Instant::now();
    let (applies, wrong) = all(&undisturbed, &aims, false);
    println!(
        "{} boundaries {:?}, {} disturbed runs, {applies} applies, {:.1?}",
        undisturbed.trace.len(),
        kinds(&undisturbed.trace),
        aims.len(),
        begun.elapsed()
    );
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), aims.len(), told(&undisturbed, &wrong));
}

/// The null control: with syncs of the journal that do nothing, the same suite finds rows that are there twice.
#[test]
fn a_journal_that_is_not_synced_is_found_out() {
    let undisturbed = Undisturbed::of(Project::tiny());
    let is_row = |name: &String| name.starts_with("append runs/1/events.ndjson") || name.starts_with("org P");
    let calls = undisturbed.trace.iter().enumerate().filter(|(_, name)| is_row(name));
    let aims: Vec<Aim> = calls.map(|(number, _)| Aim::After(number)).collect();
    let (_, wrong) = all(&undisturbed, &aims, true);
    let differs = wrong.iter().filter(|(_, why)| why.starts_with("the org differs")).count();
    println!("{} of {} crashes found out, {differs} of them with another org", wrong.len(), aims.len());
    assert!(differs > 0, "{}", told(&undisturbed, &wrong));
    let (_, wrong) = all(&undisturbed, &aims, false);
    assert!(wrong.is_empty(), "{}", told(&undisturbed, &wrong));
}

/// Recovery is itself stopped, at every 47th call, after every 47th crash.
#[test]
fn crash_while_recovering() {
    const STRIDE: usize = 47;
    let undisturbed = Undisturbed::of(Project::tiny());
    let mut runs = 0;
    for first in (20..undisturbed.trace.len()).step_by(STRIDE) {
        let calls = undisturbed.disturbed_twice(first, Aim::Nowhere).unwrap();
        for second in (first % 11..calls).step_by(STRIDE) {
            let done = undisturbed.disturbed_twice(first, Aim::Before(second));
            assert!(done.is_ok(), "after {first} ({}), before {second}: {done:?}", undisturbed.trace[first]);
            runs += 1;
        }
    }
    println!("{runs} runs crashed twice");
    assert!(runs > 50);
}
