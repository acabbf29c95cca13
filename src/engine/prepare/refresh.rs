//! Trust, then check: whether the org still has what we loaded, and the ledger built again from the org.
//!
//! Must not know what rows refer to: which records are new under a known key is told by `state/recreated.rs`.

use crate::bind::{Bound, BoundObject};
use crate::checkpoint::{RunState, journal_path, last_run, read_journal};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{EngineError, Exit, Observer, Ports, Progress};
use crate::engine::state::{Ledgers, OrgKeys, all_keys, entry, is_same, note, republish};
use crate::ledger::merge::Joined;
use crate::ledger::{Entry, HASH_RULE};
use crate::salesforce::Client;
use std::cell::Cell;

/// Compares the org's COUNT() with each ledger that is in use.
///
/// # Errors
/// 81 for each object of which the org has fewer records than we landed.
pub(super) async fn check_counts(
    client: &Client<'_>,
    bound: &Bound,
    ledgers: &mut Ledgers<'_>,
) -> Result<(), EngineError> {
    let mut problems = Vec::new();
    for object in &bound.objects {
        let ledger = ledgers.open(&object.name)?;
        let (key, landed) = (key_of(object), ledger.landed_count()?);
        if let Some(other) = ledger.key().filter(|other| *other != key) {
            problems.push(another_key(object, other));
            continue;
        }
        ledger.set_key(&key);
        if landed == 0 {
            continue;
        }
        let soql = format!("SELECT COUNT() FROM {} WHERE {} != null", object.name, object.key);
        let there = client.count(&soql).await?;
        if there < landed {
            problems.push(gone(object, landed, there));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(EngineError::Problems(Exit::Stale, problems)) }
}

/// The key field and how its values are compared: what a ledger's hashes are of.
fn key_of(object: &BoundObject) -> String {
    format!("{} {}", object.key, object.key_form.word())
}

/// With hashes of another field, one record would be taken for another.
fn another_key(object: &BoundObject, other: &str) -> Diagnostic {
    let message = format!(
        "what we know of {} was found by another key (`{other}`, now `{}`): its records would be mistaken for others",
        object.name,
        key_of(object)
    );
    let help = "run `cutover apply --refresh`: it reads the keys that the org has and forgets the old ones";
    Diagnostic::error(Code::OrgDrift, message).help(help)
}

fn gone(object: &BoundObject, landed: u64, there: u64) -> Diagnostic {
    let message = format!(
        "the org has {there} {} records with a {}; we landed {landed}: somebody removed records, records went with a master that was deleted, or this is another org",
        object.name, object.key
    );
    let help = "run `cutover apply --refresh`: it reads the keys that the org has and loads what is missing";
    Diagnostic::error(Code::OrgDrift, message).help(help)
}

/// Builds every ledger again from the keys and Ids that the org has. What we know of a record that is still there
/// stays; a record that we did not know is adopted; one that is gone is forgotten. What refers to a record that is gone
/// or new under its key is noted first, so that a refresh that is cut off anywhere and made again comes to the same.
///
/// # Errors
/// The org's refusal, or the disk's own.
pub(in crate::engine) async fn refresh(
    ports: &Ports<'_>,
    client: &Client<'_>,
    bound: &Bound,
    ledgers: &mut Ledgers<'_>,
    observer: &dyn Observer,
) -> Result<(), EngineError> {
    let reached = settled_first(ports, ledgers, observer)?;
    for object in &bound.objects {
        ledgers.open(&object.name)?;
    }
    let run = last_run(ports.files)?.max(ledgers.last_run());
    for object in &bound.objects {
        let same_key = ledgers.open(&object.name)?.key().is_none_or(|key| key == key_of(object));
        let before = ledgers.open(&object.name)?.landed_count()?;
        let found = OrgKeys(all_keys(ports, client, object).await?);
        let renewed = note(ports, ledgers, &object.name, &found, same_key, run)?;
        let (adopted, shared) = rebuild(ledgers, object, &found, reached)?;
        let after = ledgers.open(&object.name)?.landed_count()?;
        let told = [
            Some(format!("{}: the ledger had {before} records, the org has {after}", object.name)),
            (renewed > 0)
                .then(|| format!("{renewed} are gone or have a new Id: rows that refer to them go again")),
            (adopted > 0).then(|| {
                format!(
                    "of {adopted} no more than key and Id is known: their rows go again, and those without a row are not told as absent"
                )
            }),
            (shared > 0).then(|| format!("{shared} have the key of another: the first of them counts")),
        ];
        observer.progress(&Progress::Note(told.into_iter().flatten().collect::<Vec<_>>().join("; ")));
    }
    Ok(())
}

/// What the last run settled goes into the ledgers before they are built again: published later, it would hide what
/// the org was found to have. Gives how far that is.
fn settled_first(
    ports: &Ports<'_>,
    ledgers: &mut Ledgers<'_>,
    observer: &dyn Observer,
) -> Result<(u32, u64), EngineError> {
    let run = last_run(ports.files)?;
    let path = journal_path(run);
    let (lines, _) = read_journal(ports.files, &path)?;
    let state = RunState::fold(&path, &lines)?;
    if !ledgers.is_of(&state.org_id) {
        return Ok((0, 0));
    }
    republish(ledgers, observer, run, &lines, &state)?;
    Ok((run, state.seq))
}

/// What is known of a record, but for hashes that cannot be compared with ours.
fn comparable(known: Entry) -> Entry {
    if known.rule == HASH_RULE { known } else { known.without_hashes() }
}

/// Gives how many records were adopted, and how many have the key of another.
fn rebuild(
    ledgers: &mut Ledgers<'_>,
    object: &BoundObject,
    found: &OrgKeys<'_>,
    (run, seq): (u32, u64),
) -> Result<(u64, u64), EngineError> {
    let (adopted, shared) = (Cell::new(0), Cell::new(0));
    let ledger = ledgers.open(&object.name)?;
    ledger.set_key(&key_of(object));
    if !ledger.is_there() {
        ledger.set_reached(run, seq);
    }
    ledger.rebuild(
        found.first_of_each(&shared),
        |r| r.0,
        |joined| match joined {
            Ok(Joined::Both(record, known)) if is_same(&record, &known) => Some(Ok(comparable(known))),
            Ok(Joined::Left((key, id)) | Joined::Both((key, id), _)) => {
                adopted.set(adopted.get() + 1);
                Some(Ok::<Entry, _>(entry(key, id)))
            }
            Ok(Joined::Right(_)) => None,
            Err(error) => Some(Err(error)),
        },
    )?;
    Ok((adopted.get(), shared.get()))
}
