//! Before anything is deleted: what the run created, what is there of it, what points to it; and the plan.

use super::super::connect::Connected;
use super::super::exit::EngineError;
use super::super::ports::{Observer, Ports, Progress};
use super::RollbackOptions;
use super::batches::{self, Listed};
use super::children::{Relations, hold_back, relations};
use super::look::{Fate, Made, Read, SORT_BUDGET, look, read};
use super::past::Past;
use super::{lists, notes};
use crate::ledger::sort::{Sorted, Sorter};
use crate::manifest::Migration;
use crate::model::ChildFate;
use crate::plan::{Api, Losing, PLAN_SCHEMA, Plan, PlanLoad, PlanStep, RollsBack, StepKind, Undo};
use std::collections::BTreeMap;
use std::io;

/// Records of a part (spec, Order): what a delete needs of them is small.
const PART_ROWS: u32 = 50_000;

/// What was found, and the plan.
pub(super) struct Surveyed<'a> {
    pub(super) plan: Plan,
    pub(super) made: Vec<Made<'a>>,
    pub(super) fates: Vec<Vec<Fate>>,
    /// Records that stay and lose what they point to, by object.
    pub(super) losing: BTreeMap<String, Sorted<'a>>,
    pub(super) listed: Vec<Listed>,
}

/// Looks at everything that a run did, and makes the plan to undo it. Nothing is changed but the lists of Ids.
///
/// # Errors
/// 81 when the run cannot be rolled back; the org's refusal; the disk's own.
pub(super) async fn survey<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    migration: &Migration,
    options: &RollbackOptions,
    observer: &dyn Observer,
) -> Result<Surveyed<'a>, EngineError> {
    let past = Past::read(ports.files, options.run, &connected.info.org_id)?;
    let read = read(ports, &past)?;
    let mut fates = Vec::new();
    for made in &read.made {
        observer.progress(&Progress::Reading { load: made.object.clone() });
        fates.push(look(ports, &connected.client, &past, made, options.include_edited).await?);
    }
    let relations = relations(ports, connected, &read.made).await?;
    hold_back(&read.made, &relations.all, &mut fates, &options.with)?;
    lists::kept(ports.files, options.run, &read.made, &relations, &fates, &options.with)?;
    let (counts, losing) = losing(ports, options.run, &read.made, &relations, &fates)?;
    let listed = batches::list(&past, &read.made, &fates)?;
    let undo = undo(ports, &past, &read, &fates, &listed)?;
    let rolls_back = RollsBack {
        run: options.run,
        include_edited: options.include_edited,
        with: options.with.clone(),
        loads: undo,
        batches: listed.iter().map(|l| l.batch.clone()).collect(),
        losing: counts,
        along: along(&read.made, &relations, &fates, &options.with)?,
        unseen: relations.unseen.into_iter().collect(),
        lists: lists::folder(options.run),
    };
    let plan = plan(connected, migration, &past, rolls_back);
    Ok(Surveyed { plan, made: read.made, fates, losing, listed })
}

/// Records that stay and lose what they point to: how many by field, and which by object.
fn losing<'a>(
    ports: &Ports<'a>,
    run: u32,
    made: &[Made<'_>],
    relations: &Relations<'_>,
    fates: &[Vec<Fate>],
) -> io::Result<(Vec<Losing>, BTreeMap<String, Sorted<'a>>)> {
    let mut sorters: BTreeMap<String, Sorter<'a>> = BTreeMap::new();
    let counts = lists::losing(ports.files, run, made, relations, fates, |object, id| {
        let new = || Sorter::new(ports.files, &format!("data/scratch/losing-{object}"), 15, SORT_BUDGET);
        sorters.entry(object.to_owned()).or_insert_with(new).push(id.bytes())
    })?;
    let losing = sorters.into_iter().map(|(object, sorter)| Ok((object, sorter.finish()?)));
    Ok((counts, losing.collect::<io::Result<_>>()?))
}

/// Records of others that go along, because somebody said so.
fn along(
    made: &[Made<'_>],
    relations: &Relations<'_>,
    fates: &[Vec<Fate>],
    with: &[String],
) -> io::Result<Vec<Losing>> {
    let goes = |r: &&super::children::Relation<'_>| r.child.fate == ChildFate::Goes && !r.holds(with);
    let mut found = Vec::new();
    for relation in relations.all.iter().filter(goes) {
        let (object, field) = (relation.child.object.clone(), relation.child.field.clone());
        let mut records = 0;
        for pair in relation.staying(made, fates, Fate::Goes) {
            pair?;
            records += 1;
        }
        found.extend((records > 0).then_some(Losing { object, field, records }));
    }
    Ok(found)
}

/// What can and cannot be undone of each load.
fn undo(
    ports: &Ports<'_>,
    past: &Past,
    read: &Read<'_>,
    fates: &[Vec<Fate>],
    listed: &[Listed],
) -> Result<Vec<Undo>, EngineError> {
    let updated = lists::updated(ports.files, past, read)?;
    let mut undo: Vec<Undo> = Vec::new();
    for (load, known) in (0..).zip(&past.state.loads) {
        undo.push(Undo {
            load: known.name.name.clone(),
            object: known.name.object.clone(),
            updated: updated.get(&load).copied().unwrap_or(0),
            unnamed: read.unnamed.get(&load).copied().unwrap_or(0),
            deleted: past.deleted(load),
            delete: listed.iter().filter(|l| l.batch.load == load).map(|l| l.batch.records).sum(),
            ..Undo::default()
        });
    }
    for (made, fates) in read.made.iter().zip(fates) {
        for next in made.fated(fates) {
            let (created, fate) = next?;
            let load = past.batches[created.batch as usize].load as usize;
            let Some(undo) = undo.get_mut(load) else { continue };
            match fate {
                Fate::Goes => {}
                Fate::Gone => undo.gone += 1,
                Fate::Edited => undo.edited += 1,
                Fate::Doubtful => undo.doubtful += 1,
                Fate::Parent => undo.parents += 1,
            }
        }
    }
    Ok(undo)
}

fn plan(connected: &Connected<'_>, migration: &Migration, past: &Past, rolls_back: RollsBack) -> Plan {
    let rows = migration.environment.part_rows.unwrap_or(PART_ROWS).max(1);
    let steps: Vec<PlanStep> = (0..)
        .zip(&rolls_back.batches)
        .map(|(index, batch)| PlanStep {
            index,
            wave: index + 1,
            load: batch.load,
            name: past.state.loads.get(batch.load as usize).map_or("", |l| &l.name.name).to_owned(),
            kind: StepKind::Rows,
            level: 0,
            rows: batch.records,
            operation: "delete".into(),
            api: Api::Bulk,
            parts: batch.records.div_ceil(u64::from(rows)),
            part_rows: rows,
            lock: None,
            needs: index.checked_sub(1).into_iter().collect(),
        })
        .collect();
    Plan {
        schema: PLAN_SCHEMA.into(),
        project: migration.project.clone(),
        environment: migration.environment.name.clone(),
        org_id: connected.info.org_id.clone(),
        sandbox: connected.info.is_sandbox,
        inputs: digest(&connected.info.org_id, &rolls_back),
        changes: !steps.is_empty(),
        sources: Vec::new(),
        loads: rolls_back.loads.iter().map(|undo| load(undo, &rolls_back)).collect(),
        steps,
        edges: Vec::new(),
        notes: notes::notes(&rolls_back),
        rolls_back: Some(rolls_back),
    }
}

fn load(undo: &Undo, all: &RollsBack) -> PlanLoad {
    let key = all.batches.iter().find(|b| b.object == undo.object).map(|b| b.key.clone());
    let held = undo.edited + undo.parents + undo.doubtful;
    PlanLoad {
        name: undo.load.clone(),
        object: undo.object.clone(),
        operation: "delete".into(),
        key: key.unwrap_or_default(),
        needs: Vec::new(),
        source: undo.delete + undo.gone + held,
        filtered: 0,
        rejected: 0,
        duplicate: 0,
        held,
        unchanged: undo.gone,
        create: 0,
        update: 0,
        delete: undo.delete,
        done: 0,
        absent: 0,
        deferred: 0,
        reasons: Vec::new(),
    }
}

/// Digest of what is to be deleted where.
fn digest(org_id: &str, rolls_back: &RollsBack) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("rollback {} of {org_id}\n", rolls_back.run).as_bytes());
    for batch in &rolls_back.batches {
        hasher.update(format!("{} {} {}\n", batch.load, batch.object, batch.blake3).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
