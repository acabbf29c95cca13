//! Before anything is deleted: what the run created, what is there of it, what points to it; and the plan.

use super::batches::{self, Listed};
use super::children::{Relations, hold_back, relations};
use super::fate::RecordFate;
use super::look::look;
use super::made::{Made, Read, SORT_BUDGET, read};
use super::options::RollbackOptions;
use super::past::Past;
use super::{lists, notes};
use crate::diagnostic::{Code, Diagnostic, near_name};
use crate::engine::context::{Connected, EngineError, Exit, Observer, Ports, Progress};
use crate::ledger::sort::{Sorted, Sorter};
use crate::manifest::Migration;
use crate::model::ChildFate;
use crate::plan::{Api, Losing, PLAN_SCHEMA, Plan, PlanLoad, PlanStep, RollsBack, StepKind, Undo};
use crate::transform::second;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Records of a part (spec, Order): what a delete needs of them is small.
const PART_ROWS: u32 = 50_000;

/// By so much the clock of a run may have been ahead of the org's, in milliseconds, for a query that people look through.
const SLACK: i64 = 10 * 60 * 1000;

/// What was found, and the plan.
pub(super) struct RollbackSurvey<'a> {
    pub(super) plan: Plan,
    pub(super) made: Vec<Made<'a>>,
    pub(super) fates: Vec<Vec<RecordFate>>,
    /// Records that stay and lose what they point to, by object.
    pub(super) losing: BTreeMap<String, Sorted<'a>>,
    pub(super) listed: Vec<Listed>,
}

/// What is there of a run, and what is to become of it.
pub(super) struct Seen<'a> {
    pub(super) past: Past,
    pub(super) read: Read<'a>,
    pub(super) fates: Vec<Vec<RecordFate>>,
    pub(super) relations: Relations<'a>,
}

/// What else is known of the records of an object: before the org is asked for them, and after, before it is known what
/// points to them.
pub(super) trait Earlier {
    /// Those that need not be asked for are `Done`; all others stay `Gone`.
    fn before(&self, _: &Made<'_>, _: &mut [RecordFate]) -> Result<(), EngineError> {
        Ok(())
    }

    /// Those that stay for a reason that the org does not tell.
    fn after(&self, _: &Made<'_>, _: &mut [RecordFate]) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Nothing else is.
impl Earlier for () {}

/// Looks at everything that a run did. Nothing is changed but the lists of Ids.
///
/// # Errors
/// 81 when the run cannot be rolled back; the org's refusal; the disk's own.
pub(super) async fn see<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    options: &RollbackOptions,
    observer: &dyn Observer,
    known: &impl Earlier,
) -> Result<Seen<'a>, EngineError> {
    let past = Past::read(ports.files, options.run, &connected.info.org_id)?;
    let read = read(ports, &past)?;
    let mut fates = Vec::new();
    for made in &read.made {
        observer.progress(&Progress::Reading { load: made.object.clone() });
        let mut of = vec![RecordFate::Gone; made.len() as usize];
        known.before(made, &mut of)?;
        look(ports, &connected.client, &past, made, options.include_edited, &mut of).await?;
        known.after(made, &mut of)?;
        fates.push(of);
    }
    let relations = relations(ports, connected, &read.made).await?;
    hold_back(&read.made, &relations.all, &mut fates, &options.with)?;
    lists::kept(ports.files, options.run, &read.made, &relations, &fates, &options.with)?;
    Ok(Seen { past, read, fates, relations })
}

/// What may go along must be able to refer to what the run made: another name would do nothing, without a word.
fn known_objects(with: &[String], names: &BTreeSet<String>) -> Result<(), EngineError> {
    let is_known = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let unknown = with.iter().filter(|name| !is_known(name));
    let problem = |name: &String| {
        let message = format!("`--with {name}`: no such object can refer to what the run created");
        let help = match near_name(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "leave it out, or name an object that the plan says would go along".into(),
        };
        Diagnostic::error(Code::WrongValue, message).help(help)
    };
    let problems: Vec<_> = unknown.map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(EngineError::Problems(Exit::Usage, problems)) }
}

/// Looks at everything that a run did, and makes the plan to undo it.
///
/// # Errors
/// As [`see`].
pub(super) async fn survey_records<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    migration: &Migration,
    options: &RollbackOptions,
    observer: &dyn Observer,
) -> Result<RollbackSurvey<'a>, EngineError> {
    let seen = see(ports, connected, options, observer, &()).await?;
    known_objects(&options.with, &seen.relations.objects)?;
    let (counts, losing) = losing(ports, &seen)?;
    let listed = batches::list(&ports.secret, &seen.past, &seen.read.made, &seen.fates)?;
    let rolls_back = RollsBack {
        run: options.run,
        include_edited: options.include_edited,
        with: options.with.clone(),
        loads: undo(ports, &seen)?,
        batches: listed.iter().map(|l| l.batch.clone()).collect(),
        losing: counts,
        along: along(&seen, &options.with)?,
        unseen: seen.relations.unseen.iter().cloned().collect(),
        lists: lists::folder(options.run),
    };
    let plan = plan(connected, migration, &seen.past, rolls_back);
    Ok(RollbackSurvey { plan, made: seen.read.made, fates: seen.fates, losing, listed })
}

/// Records that stay and lose what they point to: how many by field, and which by object.
///
/// # Errors
/// The disk's own.
pub(super) fn losing<'a>(
    ports: &Ports<'a>,
    seen: &Seen<'_>,
) -> io::Result<(Vec<Losing>, BTreeMap<String, Sorted<'a>>)> {
    let mut sorters: BTreeMap<String, Sorter<'a>> = BTreeMap::new();
    let (run, made) = (seen.past.state.run, &seen.read.made);
    let counts = lists::losing(ports.files, run, made, &seen.relations, &seen.fates, |object, id| {
        let new = || Sorter::new(ports.files, &format!("data/scratch/losing-{object}"), 15, SORT_BUDGET);
        sorters.entry(object.to_owned()).or_insert_with(new).push(id.bytes())
    })?;
    let losing = sorters.into_iter().map(|(object, sorter)| Ok((object, sorter.finish()?)));
    Ok((counts, losing.collect::<io::Result<_>>()?))
}

/// Records of others that go along, because somebody said so.
///
/// # Errors
/// The disk's own.
pub(super) fn along(seen: &Seen<'_>, with: &[String]) -> io::Result<Vec<Losing>> {
    let goes = |r: &&super::children::Relation<'_>| r.child.fate == ChildFate::Goes && !r.holds(with);
    let mut found = Vec::new();
    for relation in seen.relations.all.iter().filter(goes) {
        let (object, field) = (relation.child.object.clone(), relation.child.field.clone());
        let mut records = 0;
        for pair in relation.staying(&seen.read.made, &seen.fates, RecordFate::Goes) {
            pair?;
            records += 1;
        }
        found.extend((records > 0).then_some(Losing { object, field, records }));
    }
    Ok(found)
}

/// What can and cannot be undone of each load.
///
/// # Errors
/// The disk's own.
pub(super) fn undo(ports: &Ports<'_>, seen: &Seen<'_>) -> Result<Vec<Undo>, EngineError> {
    let Seen { past, read, fates, .. } = seen;
    let updated = lists::updated(ports.files, past, read)?;
    let mut undo: Vec<Undo> = Vec::new();
    for (load, known) in (0..).zip(&past.state.loads) {
        let unnamed = read.unnamed.get(&load).copied().unwrap_or(0);
        undo.push(Undo {
            load: known.name.name.clone(),
            object: known.name.object.clone(),
            updated: updated.get(&load).copied().unwrap_or(0),
            unnamed,
            find: (unnamed > 0).then(|| find(past, load)),
            deleted: past.deleted(load),
            ..Undo::default()
        });
    }
    for (made, fates) in read.made.iter().zip(fates) {
        for next in made.fated(fates) {
            let (created, fate) = next?;
            let load = past.batches[created.batch as usize].load as usize;
            undo.get_mut(load).into_iter().for_each(|undo| *counted(undo, fate) += 1);
        }
    }
    Ok(undo)
}

/// Where a record with this fate counts.
fn counted(undo: &mut Undo, fate: RecordFate) -> &mut u64 {
    match fate {
        RecordFate::Goes | RecordFate::Done | RecordFate::Refused => &mut undo.delete,
        RecordFate::Gone => &mut undo.gone,
        RecordFate::Edited => &mut undo.edited,
        RecordFate::Doubtful => &mut undo.doubtful,
        RecordFate::Parent | RecordFate::Unlisted => &mut undo.parents,
        RecordFate::Fixed => &mut undo.undeletable,
    }
}

/// The query that finds what rows of a load may have created. The clock of the run may have been ahead of the org's.
fn find(past: &Past, load: u16) -> String {
    let part = past.state.parts.values().find(|part| part.load == load);
    let (object, key) = part.map_or(("", ""), |part| (part.object.as_str(), part.key.as_str()));
    let since = second(past.state.started - SLACK);
    format!("SELECT Id, {key} FROM {object} WHERE CreatedDate >= {since}Z")
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
        org_name: connected.info.name.clone(),
        user: connected.info.username.clone(),
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

/// A load as the plan has it.
pub(super) fn load(undo: &Undo, all: &RollsBack) -> PlanLoad {
    let key = all.batches.iter().find(|b| b.object == undo.object).map(|b| b.key.clone());
    let held = undo.stays();
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
        lenient: Vec::new(),
    }
}

/// Digest of what is to be deleted where.
pub(super) fn digest(org_id: &str, rolls_back: &RollsBack) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("rollback {} of {org_id}\n", rolls_back.run).as_bytes());
    for batch in &rolls_back.batches {
        hasher.update(format!("{} {} {}\n", batch.load, batch.object, batch.blake3).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
