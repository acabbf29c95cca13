//! Seeded storms: a random migration, random rows that change from day to day, and a random course of crashes, lost
//! answers, locks and jobs that fail half-way. After each day the org is what a simple model says, every row has the
//! fate that the model gives it, and every report balances.
//!
//! `STORMS=50000 cargo test --release --test it storms` runs the slow lane. A seed that fails belongs into `seeds.txt`,
//! which is replayed first ever after.

mod dice;
mod model;
mod scenario;

use crate::world::{Aim, Life, Project, World};
use cutover::checkpoint::LoadState;
use cutover::local_org::Faults;
use cutover::model::Outcome;
use dice::Dice;
use model::{Counts, Fate, Model, Record, plain};
use scenario::{Scenario, object_name};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Storms of an ordinary run.
const STORMS: u64 = 2_000;
/// Applies that a day may take.
const MOST_LIVES: usize = 16;

/// What may befall a call.
const CALLS: &[&str] = &[
    "drop_before",
    "drop_after",
    "cut",
    "cut, ending: open",
    "cut, ending: silent",
    "unavailable",
    "unavailable, carried_out: true",
    "too_many_requests",
    "not_ready, method: GET, path: 'jobs/ingest/*/*'",
    "twice",
];

/// What was met on the way, over all storms.
#[derive(Default)]
struct Met {
    applies: AtomicUsize,
    crashes: AtomicUsize,
    rows: AtomicUsize,
    circles: AtomicUsize,
}

/// One storm from its seed; an error says what is wrong.
fn storm(seed: u64, met: &Met) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let scenario = Scenario::new(&mut dice);
    met.circles.fetch_add(usize::from(scenario.circles), Ordering::Relaxed);
    let world = World::new(&project(&scenario));
    let mut model = Model::default();
    for day in 0..scenario.days.len() {
        for load in 0..scenario.loads.len() {
            world.sources.put(&format!("load{load}.csv"), scenario.csv(day, load).as_bytes());
        }
        let counts = model.day(&scenario, &scenario.days[day]);
        met.rows.fetch_add(scenario.days[day].iter().map(Vec::len).sum(), Ordering::Relaxed);
        let calm = day > 0 && dice.chance(30);
        weather(&world, &mut dice, calm);
        let (life, lives) =
            one_day(&world, &mut dice, calm, met).map_err(|why| format!("day {day}: {why}"))?;
        check(&world, &model, &counts, &life, lives).map_err(|why| format!("day {day}: {why}"))?;
    }
    Ok(())
}

fn project(scenario: &Scenario) -> Arc<Project> {
    let mut files = vec![
        ("cutover.yaml".to_owned(), scenario.manifest().into_bytes()),
        ("org.yaml".to_owned(), scenario.org().into_bytes()),
    ];
    for load in 0..scenario.loads.len() {
        files.push((format!("load{load}.csv"), scenario.csv(0, load).into_bytes()));
    }
    let queries: Vec<String> = (0..scenario.objects.len()).map(|object| scenario.query(object)).collect();
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    Project::new(files, &queries)
}

/// What the org does to rows, jobs and calls today.
fn weather(world: &World, dice: &mut Dice, calm: bool) {
    let mut faults = Vec::new();
    if !calm {
        let locks = *dice.pick(&[0, 0, 100, 400]);
        faults.push(format!("{{ then: lock_rows, per_mille: {locks} }}"));
        let slow = *dice.pick(&[0, 0, 2]);
        faults.push(format!("{{ then: slow_jobs, steps: {slow} }}"));
        if dice.chance(25) {
            faults.push(format!("{{ then: fail_job, rows: {} }}", 1 + dice.next() % 6));
        }
        if dice.chance(40) {
            let (fault, often) = (dice.pick(CALLS), dice.pick(&[20, 60, 150]));
            faults.push(format!("{{ then: {fault}, per_mille: {often}, times: 4 }}"));
        }
    }
    let text = format!("faults: [{}]", faults.join(", "));
    world.org.set_faults(Faults::read("weather.yaml", &text).unwrap());
}

/// Applies until the run is over, with crashes and lost answers on the way.
fn one_day(world: &World, dice: &mut Dice, calm: bool, met: &Met) -> Result<(Life, usize), String> {
    let mut disturbances = if calm { 0 } else { dice.below(4) };
    for lives in 1..=MOST_LIVES {
        let aim = if disturbances > 0 { aim(dice) } else { Aim::Nowhere };
        disturbances = disturbances.saturating_sub(1);
        let life = world.apply(aim);
        met.applies.fetch_add(1, Ordering::Relaxed);
        match &life.end {
            Some(Ok(_)) => return Ok((life, lives)),
            Some(Err(error)) if error.exit().code() == 69 => {}
            Some(Err(error)) => return Err(format!("{aim:?} ends with {}: {error}", error.exit().code())),
            None => {
                met.crashes.fetch_add(1, Ordering::Relaxed);
                if dice.chance(50) {
                    world.lose_power();
                }
                if dice.chance(50) {
                    world.org_works_on();
                }
            }
        }
    }
    Err(format!("not over after {MOST_LIVES} applies"))
}

fn aim(dice: &mut Dice) -> Aim {
    let number = dice.below(40 + 40 * dice.clone().below(12));
    match dice.below(4) {
        0 => Aim::Before(number),
        1 => Aim::After(number),
        2 => Aim::Lost(number),
        _ => Aim::Cut(number),
    }
}

fn check(world: &World, model: &Model, counts: &[Counts], life: &Life, lives: usize) -> Result<(), String> {
    let Some(Ok(finished)) = &life.end else { return Err("no end".into()) };
    check_org(world, model)?;
    for (number, (load, expected)) in finished.state.loads.iter().zip(counts).enumerate() {
        if !load.tally().balances() {
            return Err(format!("load {number} does not balance: {:?}", load.outcomes));
        }
        let told = fates(load);
        if told != *expected
            && (lives == 1 && !model.hoped.contains(&number) || landed(&told) != landed(expected))
        {
            return Err(format!("load {number} is said to be {told:?} and is {expected:?}"));
        }
    }
    let left = |fate| counts.iter().any(|c| c.contains_key(&fate));
    let expected = if left(Fate::Rejected) || left(Fate::Held) || left(Fate::Failed) { 68 } else { 0 };
    let code = finished.exit.code();
    if code == expected { Ok(()) } else { Err(format!("exit {code} instead of {expected}")) }
}

fn fates(load: &LoadState) -> Counts {
    let fate = |outcome| match outcome {
        Outcome::Filtered => Some(Fate::Filtered),
        Outcome::Rejected => Some(Fate::Rejected),
        Outcome::Duplicate => Some(Fate::Duplicate),
        Outcome::Held => Some(Fate::Held),
        Outcome::Unchanged => Some(Fate::Unchanged),
        Outcome::Created => Some(Fate::Created),
        Outcome::Updated => Some(Fate::Updated),
        Outcome::Failed => Some(Fate::Failed),
        Outcome::Deleted | Outcome::Pending => None,
    };
    let pairs = Outcome::ALL.into_iter().zip(load.outcomes).filter(|(_, rows)| *rows > 0);
    pairs.filter_map(|(outcome, rows)| Some((fate(outcome)?, rows))).collect()
}

fn check_org(world: &World, model: &Model) -> Result<(), String> {
    for (object, (_, rows)) in world.contents().into_iter().enumerate() {
        let lower = |text: Option<String>| text.map(|t| t.to_lowercase());
        let mut found: BTreeMap<String, Record> = BTreeMap::new();
        for row in rows {
            let mut cells = row.into_iter();
            let mut next = || cells.next().flatten();
            let (key, name) = (next().unwrap_or_default().to_lowercase(), next().unwrap_or_default());
            let (amount, code) = (next().map(|a| plain(&a)), next());
            let parents = cells.map(lower).collect();
            let record = Record { key: key.clone(), name, amount, code, parents };
            if found.insert(key.clone(), record).is_some() {
                return Err(format!("{key} is twice in {}", object_name(object)));
            }
        }
        let expected = model.records.iter().filter(|((o, _), _)| *o == object);
        let expected: BTreeMap<String, Record> =
            expected.map(|((_, key), record)| (key.clone(), record.clone())).collect();
        if found != expected {
            return Err(format!("{}: {}", object_name(object), difference(&found, &expected)));
        }
    }
    Ok(())
}

/// Counts without telling apart the rows that landed: a crash behind the last event makes a run of its own of the
/// next apply, which finds them as they must be.
fn landed(counts: &Counts) -> Counts {
    let mut merged = Counts::new();
    for (fate, rows) in counts {
        let fate = if matches!(fate, Fate::Created | Fate::Updated) { Fate::Unchanged } else { *fate };
        *merged.entry(fate).or_default() += rows;
    }
    merged
}

/// The first record that is not as it must be.
fn difference(found: &BTreeMap<String, Record>, expected: &BTreeMap<String, Record>) -> String {
    let mut keys = found.keys().chain(expected.keys());
    let key = keys.find(|key| found.get(*key) != expected.get(*key)).unwrap();
    format!("{:?} instead of {:?}", found.get(key), expected.get(key))
}

/// Seeds that once failed, and then one after the other.
fn seeds(storms: u64) -> Vec<u64> {
    let old = include_str!("seeds.txt").lines().filter(|line| !line.starts_with('#'));
    let old = old.filter_map(|line| line.split_whitespace().next()?.parse().ok());
    old.chain(0..storms).collect()
}

#[test]
fn storms() {
    let storms = std::env::var("STORMS").ok().and_then(|s| s.parse().ok()).unwrap_or(STORMS);
    let (seeds, next, met) = (seeds(storms), AtomicU64::new(0), Met::default());
    let begun = std::time::Instant::now();
    let work = || {
        let mut wrong = Vec::new();
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            if let Err(why) = storm(*seed, &met) {
                wrong.push((*seed, why));
            }
        }
        wrong
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut wrong: Vec<(u64, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    wrong.sort();
    let count = |n: &AtomicUsize| n.load(Ordering::Relaxed);
    println!(
        "{} storms, {} rows, {} applies, {} crashes, {} with circles, {:.1?}",
        seeds.len(),
        count(&met.rows),
        count(&met.applies),
        count(&met.crashes),
        count(&met.circles),
        begun.elapsed()
    );
    let told: String = wrong.iter().take(5).map(|(seed, why)| format!("seed {seed}: {why}\n")).collect();
    let all: Vec<u64> = wrong.iter().map(|(seed, _)| *seed).collect();
    assert!(wrong.is_empty(), "{} of {} storms; seeds {all:?}:\n{told}", wrong.len(), seeds.len());
}

/// One storm by its seed, told whole: `STORM=17 cargo test --test it one_storm -- --ignored --nocapture`.
#[test]
#[ignore = "a lens for a seed that failed"]
fn one_storm() {
    let seed: u64 = std::env::var("STORM").unwrap().parse().unwrap();
    let scenario = Scenario::new(&mut Dice::new(seed));
    println!("{}\n{}", scenario.manifest(), scenario.org());
    for day in 0..scenario.days.len() {
        (0..scenario.loads.len())
            .for_each(|load| println!("day {day} load{load}\n{}", scenario.csv(day, load)));
    }
    storm(seed, &Met::default()).unwrap();
}
