//! The process ends at every call through a port in turn: before it and after it, by lost power and by `kill -9`; every
//! answer of the org is lost, or cut off, in turn; and every call is made twice. The next `apply` goes on, and in the end
//! the org, the accounts and the files are what is written down for the world.

mod boundary;
mod controls;
mod four_objects;
mod meanwhile;
mod others;
mod pairs;
mod twice;

use crate::world::{Aim, Flaw, Life, Project, World, crowd, figures, reached};
use cutover::checkpoint::{Ended, Event, LoadState, RunState, journal_path, last_run, read_journal};
use cutover::engine::Window;
use cutover::model::Outcome;
use cutover::plan::Plan;
use cutover::ports::{Files, read_all};
use four_objects::Expected;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Applies that a world may need after a disturbance, before its run is over.
const MOST_LIVES: usize = 3;

/// A run that nothing disturbs, over a world of which it is written down what must come of it.
struct Undisturbed {
    project: Arc<Project>,
    expected: &'static Expected,
    trace: Vec<String>,
    loads: Vec<LoadState>,
    plan: Plan,
    /// Whether a created row may count as updated: of what a call created whose answer is lost, its repetition says
    /// that it is updated.
    lenient: bool,
}

/// The course of a world that is disturbed.
struct Course<'u> {
    undisturbed: &'u Undisturbed,
    world: World,
    met: Vec<Window>,
    lives: usize,
    /// Whether a call that makes a job was repeated behind our back: one job more than anybody knows.
    repeated: bool,
    /// Whether a delete was repeated behind our back: the answer that arrives says that the record was gone.
    gone: bool,
    /// Whether a source was changed on the way: then the first run is not the one that counts.
    changed: bool,
}

impl Undisturbed {
    fn of(project: Arc<Project>, expected: &'static Expected) -> Self {
        let world = World::new(&project);
        let life = world.apply(Aim::Nowhere);
        let finished = life.end.unwrap().unwrap();
        let lenient = life.trace.iter().any(|name| name.contains("/composite/sobjects"));
        let (loads, plan) = (finished.state.loads.clone(), finished.plan);
        let this = Self { trace: life.trace, loads, plan, expected, project, lenient };
        assert_eq!(
            (world.contents().len(), this.loads.len()),
            (expected.contents.len(), expected.outcomes.len())
        );
        for (load, expected) in this.loads.iter().zip(expected.outcomes) {
            let counts = |(outcome, rows): &(Outcome, u64)| load.outcomes[*outcome as usize] == *rows;
            let sum: u64 = expected.iter().map(|(_, rows)| rows).sum();
            assert!(expected.iter().all(counts) && load.source == sum, "{load:?}");
        }
        assert_eq!(this.loads.iter().map(|l| l.references.filled).collect::<Vec<_>>(), expected.filled);
        let course = Course {
            undisturbed: &this,
            world,
            met: Vec::new(),
            lives: 1,
            repeated: false,
            gone: false,
            changed: false,
        };
        course.check(&finished.state, finished.exit.code()).unwrap();
        this
    }

    fn begin(&self, flaw: Option<Flaw>) -> Course<'_> {
        let mut world = World::new(&self.project);
        world.flaw = flaw;
        Course {
            undisturbed: self,
            world,
            met: Vec::new(),
            lives: 0,
            repeated: false,
            gone: false,
            changed: false,
        }
    }

    /// What a run counts, as far as every run must count the same.
    fn counts(&self, loads: &[LoadState], gone: bool) -> Vec<LoadState> {
        let mut loads = loads.to_vec();
        for load in loads.iter_mut().filter(|_| gone) {
            let deleted = std::mem::take(&mut load.outcomes[Outcome::Deleted as usize]);
            load.outcomes[Outcome::Unchanged as usize] += deleted;
        }
        for load in loads.iter_mut().filter(|_| self.lenient) {
            let created = std::mem::take(&mut load.outcomes[Outcome::Created as usize]);
            load.outcomes[Outcome::Updated as usize] += created;
        }
        loads
    }

    /// Numbers of the calls whose name begins like one of these.
    fn calls(&self, of: &[&str]) -> Vec<usize> {
        numbers(&self.trace, of)
    }

    /// The disturbance happened where it was aimed, and nothing before it was otherwise.
    fn check_hit(&self, aim: Aim, life: &Life, flaw: Option<Flaw>) {
        // With a flaw the course is another.
        let Some(number) = aim.number().filter(|_| flaw.is_none()) else { return };
        assert_eq!(life.hit, Some(number), "{aim:?} was never reached");
        assert!(life.trace[..=number] == self.trace[..=number], "{aim:?} is another call than was meant");
        if matches!(aim, Aim::Before(_) | Aim::After(_)) {
            assert!(life.end.is_none() && life.trace.len() == number + 1, "{aim:?} did not end the process");
        }
    }
}

impl Course<'_> {
    /// One `apply`.
    fn live(&mut self, aim: Aim) -> Life {
        let life = self.world.apply(aim);
        self.met.extend(&life.windows);
        self.lives += 1;
        life
    }

    /// Goes on until a run is over, and looks at what came of it. Only a life that was disturbed may end with an error,
    /// and only with one of these codes.
    fn go_on(&mut self, mut life: Life, codes: &[u8]) -> Result<(), String> {
        for lives in 0..=MOST_LIVES {
            match life.end.take() {
                Some(Ok(finished)) => return self.check(&finished.state, finished.exit.code()),
                // Where only an answer was lost, the run says so and can go on; nothing else may come of it.
                Some(Err(error)) if lives == 0 && codes.contains(&error.exit().code()) => {}
                Some(Err(error)) => {
                    return Err(format!("apply {} ends with {}: {error}", self.lives, error.exit().code()));
                }
                None => {}
            }
            life = self.live(Aim::Nowhere);
        }
        Err(format!("not at its end after {} applies", self.lives))
    }

    fn check(&self, state: &RunState, exit: u8) -> Result<(), String> {
        let expected = self.undisturbed.expected;
        for ((query, rows), expected) in self.world.contents().iter().zip(expected.contents) {
            let cells =
                |row: &Vec<Option<String>>| row.iter().map(|c| c.clone().unwrap_or_default()).collect();
            let found: Vec<String> = rows.iter().map(cells).map(|c: Vec<String>| c.join("|")).collect();
            if found != *expected {
                return Err(format!("the org differs: {found:?} instead of {expected:?}: {query}"));
            }
        }
        if let Some(load) = state.loads.iter().find(|l| !l.tally().balances()) {
            return Err(format!("{} does not balance: {:?}", load.name.name, load.outcomes));
        }
        if exit != expected.exit {
            return Err(format!("exit {exit} instead of {}", expected.exit));
        }
        if !self.changed {
            self.check_first_run()?;
        }
        self.check_files()?;
        self.check_jobs()
    }

    /// The run that was disturbed counts what the undisturbed one counts.
    fn check_first_run(&self) -> Result<(), String> {
        let path = journal_path(1);
        let (lines, _) = read_journal(&self.world.disk, &path).map_err(|e| e.to_string())?;
        let first = RunState::fold(&path, &lines).map_err(|e| e.to_string())?;
        let counts = |loads| self.undisturbed.counts(loads, self.gone);
        if !matches!(first.ended, Some((Ended::Finished, _)))
            || counts(&first.loads) != counts(&self.undisturbed.loads)
        {
            return Err(format!("run 1 ended {:?} with {:?}", first.ended, first.loads));
        }
        Ok(())
    }

    /// Each row that did not land stands in one file, once, with its key; of all that was staged nothing is left.
    fn check_files(&self) -> Result<(), String> {
        let (mut refused, mut left_out) = (Vec::new(), Vec::new());
        for path in self.world.disk.paths().into_iter().filter(|path| path.starts_with("data/")) {
            let keys = match path.ends_with(".csv") {
                _ if !path.starts_with("data/1/") && is_kept(&path) => continue,
                true if path.contains(".failed") => &mut refused,
                true if path.contains(".left-out") => &mut left_out,
                _ if is_kept(&path) => continue,
                _ => return Err(format!("{path} is left behind")),
            };
            keys.extend(keys_of(&self.world, &path));
        }
        refused.sort();
        left_out.sort();
        let expected = self.undisturbed.expected.refused;
        if !self.changed && (&refused[..], &left_out[..]) != (&owned(expected.0)[..], &owned(expected.1)[..])
        {
            return Err(format!("refused {refused:?}, left out {left_out:?} instead of {expected:?}"));
        }
        Ok(())
    }

    /// No job is left open that a journal knows; and of each that none knows the user was told.
    fn check_jobs(&self) -> Result<(), String> {
        let mut known = BTreeSet::new();
        for run in 1..=last_run(&self.world.disk).unwrap() {
            let (lines, _) = read_journal(&self.world.disk, &journal_path(run)).map_err(|e| e.to_string())?;
            known.extend(lines.into_iter().filter_map(|line| match line.event {
                Event::JobCreated { job, .. } => Some(job),
                _ => None,
            }));
        }
        let jobs = self.world.jobs();
        let open = jobs.iter().filter(|(_, state)| state == "Open");
        let (ours, strange): (Vec<_>, Vec<_>) = open.partition(|(id, _)| known.contains(id));
        let told = self.met.iter().filter(|window| **window == Window::Intent).count();
        match (ours.len(), strange.len().saturating_sub(usize::from(self.repeated))) {
            (0, strange) if strange <= told => Ok(()),
            (0, strange) => Err(format!("{strange} open jobs that nobody knows, {told} told of")),
            (ours, _) => Err(format!("{ours} jobs are left open")),
        }
    }
}

/// Files with customers' values that are kept for people.
fn is_kept(path: &str) -> bool {
    [".failed.csv", ".absent.csv", ".left-out", "/crosswalk/"].iter().any(|part| path.contains(part))
}

/// The keys in a file of rows that did not land.
fn keys_of(world: &World, path: &str) -> Vec<String> {
    let bytes = read_all(&world.disk as &dyn Files, path).unwrap();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().unwrap().clone();
    let named = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
    let Some(key) = named("Legacy_Id__c").or_else(|| named("id")) else {
        return vec![format!("{path} has no header")];
    };
    reader.records().map(|row| row.unwrap()[key].to_owned()).collect()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Numbers of the calls whose name begins like one of these.
fn numbers(trace: &[String], of: &[&str]) -> Vec<usize> {
    let meant = |(_, name): &(usize, &String)| of.iter().any(|begin| name.starts_with(begin));
    trace.iter().enumerate().filter(meant).map(|(number, _)| number).collect()
}

/// What became of many courses.
#[derive(Default)]
struct Told {
    applies: usize,
    met: BTreeMap<Window, usize>,
    wrong: Vec<String>,
    took: Duration,
}

/// Carries all out.
fn all<T: Sync>(
    aims: &[T],
    carry_out: impl Fn(&T) -> (usize, Vec<Window>, Result<(), String>) + Sync,
) -> Told {
    let (each, took) = crowd(aims, carry_out);
    let mut told = Told { took, ..Told::default() };
    for (applies, met, end) in each {
        told.applies += applies;
        met.into_iter().for_each(|window| *told.met.entry(window).or_default() += 1);
        told.wrong.extend(end.err());
    }
    told
}

impl Told {
    fn and(mut self, other: Self) -> Self {
        self.applies += other.applies;
        self.took += other.took;
        self.wrong.extend(other.wrong);
        other.met.into_iter().for_each(|(window, times)| *self.met.entry(window).or_default() += times);
        self
    }

    /// Nothing was wrong, and the test met the windows that the crash table says it meets.
    #[track_caller]
    fn hold(&self, test: &str) {
        let some: String = self.wrong.iter().take(12).map(|why| format!("{why}\n")).collect();
        assert!(self.wrong.is_empty(), "{} are wrong:\n{some}", self.wrong.len());
        println!("{test}: windows met {:?}", self.met);
        reached(test, &self.met);
    }
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
