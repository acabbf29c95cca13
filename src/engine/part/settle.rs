//! From result files to outcomes: every row of a part gets exactly one fate, matched by what the row carries, and
//! the fates become a ledger segment.

use super::desk::Desk;
use super::fate::Fate;
use super::fates::Collected;
use super::resend::{MOST_ATTEMPTS, parts_again};
use super::row_files::{write_crosswalk, write_failures, write_held};
use super::trail_of_part::write_trail;
use crate::checkpoint::{Event, NamedFile, Part, PartKey};
use crate::engine::context::EngineError;
use crate::engine::state::{Ledgers, note_keys};
use crate::ledger::{Entry, Flags, Ledger, Published, SegmentRef, State, load_tag};
use crate::model::{KeyHash, Outcome, RecordId};
use crate::plan::StepKind;
use crate::stage::{IndexRecord, NOTHING_ON_CREATE, action};
use std::collections::BTreeMap;

/// Settles a part: failed rows to their file, outcomes to a segment, rows refused in passing to parts of their own,
/// all durable; then the events; then the ledger counts; then the part's own files go. Gives the new parts.
pub(in crate::engine) fn settle(
    desk: &Desk<'_, '_>,
    ledgers: &mut Ledgers<'_>,
    key: PartKey,
    mut collected: Collected,
) -> Result<Vec<PartKey>, EngineError> {
    collected.close();
    let part = desk.part(key)?;
    let again = again(desk, key, &part, &mut collected)?;
    let run = desk.state.borrow().run;
    let failures = write_failures(desk, key, &part, &collected)?;
    write_held(desk, key, &part, &collected)?;
    write_crosswalk(desk, key, &part, &collected)?;
    let trail = write_trail(desk, key, &part, &collected)?;
    let renewed = collected.made_anew();
    // Rows of this run that refer to them find the new record: those of earlier ones go again.
    note_keys(ledgers, &part.object, renewed.iter().map(|key| Ok(*key)), run.saturating_sub(1))?;
    let segment = outcomes(desk, ledgers, key, &part, &collected)?;
    let path = ledgers.segment_path(&part.object, &segment);
    let named = NamedFile { path, length: segment.length, blake3: segment.blake3.clone() };
    let Counts { created, updated, deleted, unchanged, held, failed } = counts(&part, &collected);
    let seq = desk.record(Event::PartSettled {
        part: key,
        state: collected.state().to_owned(),
        created,
        updated,
        deleted,
        unchanged,
        held,
        failed,
        segment: Some(named),
        failures,
        trail,
        renewed: renewed.len() as u64,
        set_aside: collected.set_aside(),
        over: collected.over().map(str::to_owned),
    })?;
    let keys = again.iter().map(|(key, _)| *key).collect();
    for (_, event) in again {
        desk.record(event)?;
    }
    desk.commit()?;
    if ledgers.open(&part.object)?.publish(&[segment], run, seq)? == Published::Repeat {
        return Err(EngineError::Unexpected(format!("the ledger of {} is ahead of run {run}", part.object)));
    }
    desk.ports.files.remove(&part.file.path)?;
    desk.ports.files.remove(&part.index.path)?;
    desk.save();
    Ok(keys)
}

/// Writes a part's outcomes to a segment of the ledger, durable; it does not count yet. What is gone is noted as that: should
/// it be made again, what refers to it must know.
fn outcomes(
    desk: &Desk<'_, '_>,
    ledgers: &mut Ledgers<'_>,
    key: PartKey,
    part: &Part,
    collected: &Collected,
) -> Result<SegmentRef, EngineError> {
    let entries = entries(desk, ledgers.open(&part.object)?, part, collected)?;
    let run = desk.state.borrow().run;
    let gone = entries.iter().filter(|entry| entry.state == State::Removed).map(|entry| Ok(entry.key));
    note_keys(ledgers, &part.object, gone, run)?;
    let name = format!("run-{run}-part-{key}");
    Ok(ledgers.open(&part.object)?.add(&name, entries.into_iter().map(Ok))?)
}

/// Takes the rows that were refused in passing out of a part, as long as they may go again. What is met while the org is
/// maintained is no try.
fn again(
    desk: &Desk<'_, '_>,
    key: PartKey,
    part: &Part,
    collected: &mut Collected,
) -> Result<Vec<(PartKey, Event)>, EngineError> {
    let spared = collected.ended_at_a_limit() || collected.met_maintenance();
    if part.attempt >= MOST_ATTEMPTS && !spared {
        return Ok(Vec::new());
    }
    let attempt = if collected.met_maintenance() { part.attempt.max(1) } else { part.attempt + 1 };
    let again = collected.split_passing();
    if again.is_empty() { Ok(Vec::new()) } else { parts_again(desk, key, part, &again, attempt) }
}

/// The rows of a part by outcome.
#[derive(Default)]
struct Counts {
    created: u64,
    updated: u64,
    deleted: u64,
    unchanged: u64,
    held: u64,
    failed: u64,
}

fn counts(part: &Part, collected: &Collected) -> Counts {
    let mut counts = Counts::default();
    for (_, fate, _) in collected.rows() {
        let count = match fate {
            Some(Fate::Landed { .. }) if part.deletes() => &mut counts.deleted,
            Some(Fate::Landed { created: true, .. }) if part.kind == StepKind::Rows => &mut counts.created,
            Some(Fate::Landed { .. }) => &mut counts.updated,
            Some(Fate::Gone) => &mut counts.unchanged,
            Some(Fate::Held { .. }) => &mut counts.held,
            _ => &mut counts.failed,
        };
        *count += 1;
    }
    counts
}

/// What the ledger will know of a part's rows.
fn entries(
    desk: &Desk<'_, '_>,
    ledger: &Ledger<'_>,
    part: &Part,
    collected: &Collected,
) -> Result<Vec<Entry>, EngineError> {
    let state = desk.state.borrow();
    if state.rolls_back.is_some() {
        return forgotten(ledger, collected, state.run);
    }
    let (run, load) = (state.run, load_tag(&desk.load_name(part.load)));
    if part.deletes() {
        let known = known(ledger, collected)?;
        let rows = collected.rows();
        return Ok(rows.map(|(r, fate, _)| after_delete(r, fate, known.get(&r.key), load, run)).collect());
    }
    let mut entries: Vec<Entry> = collected.rows().map(|(r, fate, _)| entry(r, fate, load, run)).collect();
    entries.extend(collected.unsure().iter().filter_map(|record| unsure(record, load)));
    entries.sort_by_key(|entry| entry.key);
    Ok(entries)
}

/// What the ledger knows of records that were to be deleted and stay.
fn known(ledger: &Ledger<'_>, collected: &Collected) -> Result<BTreeMap<KeyHash, Entry>, EngineError> {
    let stays = |fate: Option<&Fate>| !matches!(fate, Some(Fate::Landed { .. } | Fate::Gone));
    let keys: Vec<KeyHash> = collected.rows().filter(|(_, f, _)| stays(*f)).map(|(r, ..)| r.key).collect();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = ledger.lookup(keys.into_iter().map(Ok));
    let found = found.filter_map(|next| next.map(|(key, entry)| Some((key, entry?))).transpose());
    Ok(found.collect::<std::io::Result<_>>()?)
}

/// What the ledger will know of a row that was to be deleted: refused, the record is as it was, and so is what is
/// known of it (`known`), by whom it was sent and what it still lacks included.
fn after_delete(
    record: &IndexRecord,
    fate: Option<&Fate>,
    known: Option<&Entry>,
    load: u16,
    run: u32,
) -> Entry {
    let flags = Flags { created_by_us: record.past.ours, ..Flags::default() };
    let entry = Entry { load, run, flags, ..Entry::new(record.key, State::Removed) };
    match fate {
        Some(Fate::Landed { .. }) => Entry { outcome: Some(Outcome::Deleted), ..entry },
        Some(Fate::Gone) => Entry { outcome: Some(Outcome::Unchanged), ..entry },
        _ => {
            let landed = Entry { state: State::Landed, id: record.id, ..entry };
            let landed = Entry { payload: record.payload, create: record.create, ..landed };
            Entry { run, outcome: Some(Outcome::Failed), ..known.copied().unwrap_or(landed) }
        }
    }
}

/// What the ledger will know of a row that goes again although it may have landed: until then, not what its record
/// holds. With other inputs it might otherwise pass for what was there before, and never be sent.
fn unsure(record: &IndexRecord, load: u16) -> Option<Entry> {
    let id = record.id.filter(|_| record.action != action::REFERENCES)?;
    let outcome = Outcome::ALL.get(record.past.outcome as usize).copied();
    let flags = Flags { created_by_us: record.past.ours, reference_pending: record.pending, adopted: false };
    let (create, run) = (record.create, record.past.run);
    Some(Entry { id: Some(id), create, flags, outcome, load, run, ..Entry::new(record.key, State::Landed) })
}

/// What the ledger will know of a row.
fn entry(record: &IndexRecord, fate: Option<&Fate>, load: u16, run: u32) -> Entry {
    let second_pass = record.action == action::REFERENCES;
    let landed = match fate {
        Some(Fate::Landed { id, created }) => Some((*id, *created)),
        _ => None,
    };
    // A record that was to be updated and was created instead got nothing of what is sent on create alone.
    let created_instead = record.action == action::UPDATE && landed.is_some_and(|(_, created)| created);
    let create = if created_instead { NOTHING_ON_CREATE } else { record.create };
    let base = Entry { load, run, create, ..Entry::new(record.key, State::Landed) };
    let outcome = match landed {
        _ if second_pass => Outcome::ALL.get(record.past.outcome as usize).copied(),
        Some((_, true)) => Some(Outcome::Created),
        Some((_, false)) => Some(Outcome::Updated),
        None if matches!(fate, Some(Fate::Held { .. })) => Some(Outcome::Held),
        None => Some(Outcome::Failed),
    };
    let ours = record.past.ours || landed.is_some_and(|(_, created)| created);
    let pending = if second_pass { record.pending || landed.is_none() } else { record.pending };
    let flags = Flags { created_by_us: ours, reference_pending: pending, adopted: false };
    match landed.map(|(id, _)| id).or(record.id) {
        // A refused update leaves the record as it was: what we know of it is unknown again.
        Some(id) => {
            let known = landed.is_some() || second_pass;
            let run = if second_pass { record.past.run } else { run };
            Entry {
                id: Some(id),
                payload: if known { record.payload } else { 0 },
                flags,
                outcome,
                run,
                ..base
            }
        }
        None if outcome == Some(Outcome::Held) => Entry { state: State::Held, create: 0, outcome, ..base },
        None => Entry { state: State::Failed, create: 0, outcome, ..base },
    }
}

/// Entries for the records of a part that are gone. Where the ledger knows another record of the key, it keeps it; of
/// records that the org refused to delete, everything.
fn forgotten(ledger: &Ledger<'_>, collected: &Collected, run: u32) -> Result<Vec<Entry>, EngineError> {
    let gone = |fate: Option<&Fate>| match fate {
        Some(Fate::Landed { .. }) => Some(Outcome::Deleted),
        Some(Fate::Gone) => Some(Outcome::Unchanged),
        _ => None,
    };
    let gone = collected.rows().filter_map(|(row, fate, _)| Some((row.key, row.id?, gone(fate)?)));
    let gone: Vec<(KeyHash, RecordId, Outcome)> = gone.collect();
    let mut entries = Vec::new();
    for (found, (key, id, outcome)) in ledger.lookup(gone.iter().map(|g| Ok(g.0))).zip(&gone) {
        let known = found?.1.filter(|known| known.id == Some(*id));
        entries.extend(known.map(|known| Entry {
            outcome: Some(*outcome),
            load: known.load,
            run,
            ..Entry::new(*key, State::Removed)
        }));
    }
    Ok(entries)
}
