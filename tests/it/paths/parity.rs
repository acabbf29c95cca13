//! By jobs and by calls: three deltas over values, types and policies leave equal orgs and equal accounts.

use super::compare::Held;
use super::language::Manifest;
use super::rows::Sources;
use super::{Met, Side, apply, changed};
use crate::dice::Dice;
use crate::world::{crowd, figures};
use cutover::engine::Finished;

/// Courses of three deltas.
const COURSES: u64 = 300;

/// The same manifest with all its loads by one way.
fn by(manifest: &Manifest, api: &str) -> Manifest {
    let mut manifest = manifest.clone();
    for load in &mut manifest.loads {
        load.words.retain(|(word, _)| *word != "api");
        load.words.push(("api", api.to_owned()));
    }
    manifest
}

fn deltas(seed: u64) -> Vec<Side> {
    let dice = &mut Dice::of(seed, "parity");
    let mut sides = vec![Side { manifest: Manifest::new(dice), sources: Sources::new(dice) }];
    for _ in 0..3 {
        let last = sides.last().unwrap();
        let side = Side { manifest: changed(dice, &last.manifest), sources: last.sources.later(dice) };
        sides.push(side);
    }
    sides
}

/// Rows by outcome, load by load.
fn counts(finished: &Finished) -> Vec<(String, [u64; 10])> {
    finished.state.loads.iter().map(|load| (load.name.name.clone(), load.outcomes)).collect()
}

fn one(seed: u64, met: &Met) -> Result<(), String> {
    let sides = deltas(seed);
    let with = |side: &Side, api| Side { manifest: by(&side.manifest, api), sources: side.sources.clone() };
    let worlds = ["bulk", "auto"].map(|api| (with(&sides[0], api).world(), api));
    for (delta, side) in sides.iter().enumerate() {
        let mut ends = Vec::new();
        for (world, api) in &worlds {
            with(side, api).put(world);
            let finished = apply(world).map_err(|why| format!("delta {delta} by {api}: {why}"))?;
            let calls =
                finished.state.parts.values().filter(|part| part.api != cutover::plan::Api::Bulk).count();
            met.add(
                if *api == "bulk" { "parts by calls, though by jobs" } else { "parts by calls" },
                calls as u64,
            );
            ends.push((counts(&finished), Held::of(world)));
        }
        if ends[0].0 != ends[1].0 {
            return Err(format!("delta {delta}: {:?} by jobs, {:?} by calls", ends[0].0, ends[1].0));
        }
        if let Some(difference) = ends[0].1.difference(&ends[1].1) {
            return Err(format!("delta {delta}: {difference}"));
        }
    }
    Ok(())
}

#[test]
fn jobs_and_calls_leave_the_same() {
    let met = Met::default();
    let seeds: Vec<u64> = (0..COURSES).collect();
    let (ended, took) = crowd(&seeds, |seed| one(*seed, &met).map_err(|why| (*seed, why)));
    let wrong: Vec<(u64, String)> = ended.into_iter().filter_map(Result::err).collect();
    let counts = met.0.lock().unwrap().clone();
    figures(&format!("{COURSES} courses of three deltas by jobs and by calls in {took:.1?}: {counts:?}"));
    let told: String = wrong.iter().take(8).map(|(seed, why)| format!("seed {seed}: {why}\n")).collect();
    assert!(wrong.is_empty(), "{} of {COURSES} courses:\n{told}", wrong.len());
    assert!(counts.get("parts by calls").copied() > Some(0), "none went by calls: {counts:?}");
    assert_eq!(counts.get("parts by calls, though by jobs").copied(), Some(0));
}
