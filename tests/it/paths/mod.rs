//! Where one ends does not depend on the way: for random manifests and sources, `apply(M1, S1)` and then `apply(M2, S2)` leave
//! what `apply(M2, S2)` leaves alone, but for what the language says stays, and that is named in the report. And what is sent
//! by jobs and by calls is the same.
//!
//! `PATHS=50000 cargo test --release --test it paths -- --nocapture` runs the slow lane; with `PATHS_FROM=25000` its second
//! half.

mod blind;
mod compare;
mod fields;
mod language;
mod parity;
mod rows;

use crate::dice::Dice;
use crate::world::{Aim, Life, Project, World, crowd, figures};
use compare::Held;
use cutover::checkpoint::RunState;
use cutover::engine::Finished;
use cutover::ports::MemoryFiles;
use language::{Manifest, ORG};
use rows::Sources;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Pairs of an ordinary run.
const PAIRS: u64 = 3_000;

/// A manifest with its sources.
#[derive(Clone)]
pub struct Side {
    manifest: Manifest,
    sources: Sources,
}

/// Two of a pair: what was applied before, and what is applied then. Often the second is the first with little changed.
fn sides(seed: u64) -> [Side; 2] {
    let dice = &mut Dice::of(seed, "paths");
    let manifest = Manifest::new(dice);
    let sources = Sources::new(dice);
    let second = if dice.chance(80) { changed(dice, &manifest) } else { Manifest::new(dice) };
    let later = if dice.chance(70) { sources.later(dice) } else { sources.clone() };
    [Side { manifest, sources }, Side { manifest: second, sources: later }]
}

/// A manifest of which little is another: a few fields, or words beside them.
fn changed(dice: &mut Dice, manifest: &Manifest) -> Manifest {
    let other = Manifest::new(dice);
    let mut new = manifest.clone();
    for load in &mut new.loads {
        let Some(from) = other.loads.iter().find(|other| other.name == load.name) else { continue };
        for field in &mut load.fields {
            let Some(drawn) = from.fields.iter().find(|drawn| drawn.name == field.name) else { continue };
            if dice.chance(30) {
                field.clone_from(drawn);
            }
        }
        if dice.chance(20) {
            load.fields.clone_from(&from.fields);
        }
        if dice.chance(20) {
            load.words.clone_from(&from.words);
        }
        if dice.chance(30) {
            load.form = from.form.clone();
        }
    }
    if dice.chance(20) {
        new.defaults = other.defaults;
    }
    if dice.chance(20) {
        new.vars = other.vars;
    }
    if dice.chance(20) {
        new.loads = other.loads;
    }
    new
}

impl Side {
    /// A new org that has regions, which nothing loads, and this side's files.
    fn world(&self) -> World {
        let mut files = self.manifest.with(&self.sources);
        files.push(("org.yaml".to_owned(), ORG.as_bytes().to_vec()));
        let world = World::new(&Project::new(files, &[]));
        let region = |(name, code, land): (&str, &str, &str)| {
            format!(
                "{{\"attributes\":{{\"type\":\"Region__c\"}},\"Name\":\"{name}\",\"Code__c\":\"{code}\",\"Land__c\":\"{land}\"}}"
            )
        };
        let regions = [("E", "east", "north"), ("W", "west", "south"), ("N", "north", "east")].map(region);
        let body = format!("{{\"records\":[{}]}}", regions.join(","));
        let made = world.others_call("POST", "composite/sobjects", &body);
        assert!(made.as_array().unwrap().iter().all(|one| one["success"] == true), "{made}");
        world
    }

    /// Whether the manifest can be read at all.
    fn is_sensible(&self) -> bool {
        let files = MemoryFiles::default();
        self.manifest.with(&self.sources).iter().for_each(|(path, bytes)| files.put(path, bytes));
        files.put("org.yaml", ORG.as_bytes());
        cutover::manifest::load(&files, "cutover.yaml", None, &|_| None).migration.is_some()
    }

    fn put(&self, world: &World) {
        for (path, bytes) in self.manifest.with(&self.sources) {
            world.sources.put(&path, &bytes);
        }
    }

    /// Whether a field waits for its record to be there.
    fn waits(&self) -> bool {
        let mut fields = self.manifest.loads.iter().flat_map(|load| &load.fields);
        fields.any(|field| field.says("only") == Some("update"))
    }
}

/// One apply that must come to an end.
fn apply(world: &World) -> Result<Finished, String> {
    ended(world.apply(Aim::Nowhere))
}

fn ended(life: Life) -> Result<Finished, String> {
    if std::env::var("PAIR").is_ok() {
        println!("{:#?}", life.notes);
        if let Some(Ok(finished)) = &life.end {
            let parts = finished.state.parts.values();
            parts.for_each(|part| {
                println!(
                    "load {} {:?} {} {} rows, {:?}",
                    part.load, part.kind, part.operation, part.rows, part.api
                )
            });
            finished.state.loads.iter().for_each(|load| println!("{load:?}"));
        }
    }
    let finished = life.end.ok_or("it was killed")?;
    let finished = finished.map_err(|error| format!("ends with {}: {error}", error.exit().code()))?;
    balanced(&finished.state)?;
    match finished.exit.code() {
        0 | 68 => Ok(finished),
        other => Err(format!("exit {other}")),
    }
}

fn balanced(state: &RunState) -> Result<(), String> {
    match state.loads.iter().find(|load| !load.balances(true)) {
        Some(load) => Err(format!("{:?} does not balance: {load:?}", load.name)),
        None => Ok(()),
    }
}

/// What was met over all pairs, by name.
#[derive(Default)]
pub struct Met(Mutex<BTreeMap<&'static str, u64>>);

impl Met {
    fn add(&self, what: &'static str, count: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += count;
    }
}

/// One pair, from its seed.
fn one(seed: u64, met: &Met) -> Result<(), String> {
    let pair = || pair(&sides(seed), seed, met);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(pair)).unwrap_or_else(|_| Err("it panicked".into()))
}

fn pair(sides: &[Side; 2], seed: u64, met: &Met) -> Result<(), String> {
    let [first, second] = sides;
    let alone = second.world();
    apply(&alone).map_err(|why| format!("alone: {why}"))?;
    if second.waits() {
        apply(&alone).map_err(|why| format!("alone, again: {why}"))?;
    }
    let world = first.world();
    apply(&world).map_err(|why| format!("first: {why}"))?;
    let before = Held::of(&world);
    second.put(&world);
    let last = apply(&world).map_err(|why| format!("second: {why}"))?;
    let named = compare::Named::read(&world, &last);
    if second.waits() {
        apply(&world).map_err(|why| format!("second, again: {why}"))?;
    }
    let (alone, after) = (Held::of(&alone), Held::of(&world));
    compare::compare(sides, &before, &alone, &after, &named, met)?;
    if seed.is_multiple_of(4) {
        forgotten(first, second, &after, &named, met)?;
    }
    Ok(())
}

/// All that is sent again to an org that is as the first apply left it comes to what the second apply left.
fn forgotten(
    first: &Side,
    second: &Side,
    after: &Held,
    named: &compare::Named,
    met: &Met,
) -> Result<(), String> {
    let mut world = first.world();
    apply(&world)?;
    second.put(&world);
    world.forget_all();
    ended(world.apply_refreshed(Aim::Nowhere)).map_err(|why| format!("all again: {why}"))?;
    if second.waits() {
        apply(&world).map_err(|why| format!("all again, and again: {why}"))?;
    }
    compare::same(second, after, &Held::of(&world), named, met)
}

#[test]
fn the_way_does_not_matter() {
    let asked = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (from, end) = (asked("PATHS_FROM").unwrap_or(0), asked("PATHS").unwrap_or(PAIRS));
    let pairs = end - from;
    let met = Met::default();
    let seeds: Vec<u64> = (from..end).collect();
    let (ended, took) = crowd(&seeds, |seed| one(*seed, &met).map_err(|why| (*seed, why)));
    let mut wrong: Vec<(u64, String)> = ended.into_iter().filter_map(Result::err).collect();
    wrong.sort();
    figures(&format!("{pairs} pairs of manifests in {took:.1?}: {:?}", met.0.lock().unwrap()));
    let told: String = wrong.iter().take(8).map(|(seed, why)| format!("seed {seed}: {why}\n")).collect();
    let all: Vec<u64> = wrong.iter().map(|(seed, _)| *seed).collect();
    assert!(wrong.is_empty(), "{} of {pairs} pairs; seeds {all:?}:\n{told}", wrong.len());
}

/// One pair by its seed, told whole: `PAIR=17 cargo test --test it one_pair -- --ignored --nocapture`.
#[test]
#[ignore = "a lens for a seed that failed"]
fn one_pair() {
    let seed: u64 = std::env::var("PAIR").unwrap().parse().unwrap();
    let sides = sides(seed);
    for (side, name) in sides.iter().zip(["first", "second"]) {
        for (path, bytes) in side.manifest.with(&side.sources) {
            println!("{name}: {path}\n{}", String::from_utf8_lossy(&bytes));
        }
    }
    let met = Met::default();
    one(seed, &met).unwrap();
}
