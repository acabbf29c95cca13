//! Whether a day ended as the model says: the org, the accounts, the exit code.

use super::model::{Counts, Fate, Model, Record, plain};
use super::scenario::object_name;
use crate::world::World;
use cutover::checkpoint::LoadState;
use cutover::engine::Finished;
use cutover::model::Outcome;
use std::collections::BTreeMap;

/// Compares. `exact`: the counts tell apart which rows landed and how, because each went once.
pub fn check(
    world: &World,
    model: &Model,
    counts: &[Counts],
    finished: &Finished,
    exact: bool,
) -> Result<(), String> {
    check_org(world, model)?;
    for (number, (load, expected)) in finished.state.loads.iter().zip(counts).enumerate() {
        if !load.tally().balances() {
            return Err(format!("load {number} does not balance: {:?}", load.outcomes));
        }
        let told = fates(load);
        let exact = exact && !model.hoped.contains(&number);
        if told != *expected && (exact || landed(&told) != landed(expected)) {
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
        Outcome::Deleted => Some(Fate::Deleted),
        Outcome::Pending => None,
    };
    let pairs = Outcome::ALL.into_iter().zip(load.outcomes).filter(|(_, rows)| *rows > 0);
    pairs.filter_map(|(outcome, rows)| Some((fate(outcome)?, rows))).collect()
}

/// The org holds what the model does, and nothing else.
fn check_org(world: &World, model: &Model) -> Result<(), String> {
    for (object, (_, rows)) in world.contents().into_iter().enumerate() {
        let lower = |text: Option<String>| text.map(|t| t.to_lowercase());
        let mut found: BTreeMap<String, Record> = BTreeMap::new();
        for row in rows {
            let mut cells = row.into_iter();
            let mut next = || cells.next().flatten();
            let (key, name) = (next().unwrap_or_default().to_lowercase(), next().unwrap_or_default());
            let (amount, code, note) = (next().map(|a| plain(&a)), next(), next());
            let parents = cells.map(lower).collect();
            let record = Record { key: key.clone(), name, amount, code, note, parents };
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
        let fate = if matches!(fate, Fate::Created | Fate::Updated | Fate::Deleted) {
            Fate::Unchanged
        } else {
            *fate
        };
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
