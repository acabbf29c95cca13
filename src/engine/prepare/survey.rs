//! The survey: every source read once, the order of the loads found, and every row decided, parents first.

use super::colliding_keys::twice;
use super::existing_records::find;
use super::insert_guard::check_inserts;
use super::left_out::{leave_out, write_absent};
use super::missing_parents::ask;
use super::shapes::shapes;
use super::shared_keys::overlaps;
use crate::bind::{Bound, LockWhy};
use crate::engine::context::{Connected, EngineError, Exit, Observer, Ports, Progress};
use crate::engine::state::{Ledgers, Stale, open_notes, union};
use crate::ledger::sort::Sorted;
use crate::manifest::Migration;
use crate::plan::{GraphLoad, GraphReference, Lock, Order, order};
use crate::stage::{
    Decided, Decisions, LeftOutFile, Parents, Presence, Reasons, RowRecord, Scan, Shape, StageError, decide,
    resolve, scan,
};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Where sorted runs of the survey lie.
const SCRATCH: &str = "data/scratch";

/// What the survey found.
pub struct Surveyed<'a> {
    /// The shape of each load.
    pub shapes: Vec<Shape>,
    /// What each source holds.
    pub scans: Vec<Scan<'a>>,
    /// What each load's rows need.
    pub decided: Vec<Decided<'a>>,
    /// Why rows are left out.
    pub reasons: Vec<Reasons>,
    /// The graph's loads.
    pub graph: Vec<GraphLoad>,
    /// The order found.
    pub order: Order,
    /// References of each load that are filled in a second pass, a bit each.
    pub deferred: Vec<u64>,
    /// What the reviewer should know.
    pub notes: Vec<String>,
    /// The reference whose parents each load locks.
    pub locks: Vec<Option<(usize, Lock)>>,
}

impl Surveyed<'_> {
    /// References that a second pass of a load may fill: those that break cycles, and self-references where rows
    /// point at each other or stand too deep; all that can wait, where rows still lack what an earlier plan put off.
    pub fn second_pass(&self, load: usize) -> u64 {
        let (shape, earlier) = (&self.shapes[load], self.decided[load].linkless > 0);
        let references = shape.references.iter().enumerate();
        let later = references.filter(|(_, r)| r.deferrable && (earlier || r.points_to(shape.object)));
        self.deferred[load] | later.map(|(i, _)| 1 << i).sum::<u64>()
    }
}

impl Surveyed<'_> {
    /// Keys of an object that the manifest deletes: whether the org will do it is not known yet, so that nobody
    /// counts on their being there.
    pub(in crate::engine) fn going(&self, object: usize) -> Presence<'_> {
        let loads = self.shapes.iter().zip(&self.scans);
        keys(loads.filter(|(s, _)| s.object == object && s.operation.deletes()).map(|(_, scan)| scan))
    }
}

/// The keys of these loads' rows, sorted.
fn keys<'s>(scans: impl Iterator<Item = &'s Scan<'s>>) -> Presence<'s> {
    scans
        .map(|scan| scan.rows.iter().decode(|bytes| (RowRecord::decode(bytes).key, None)))
        .fold(Box::new(std::iter::empty()), |all, keys| union(all, Box::new(keys)))
}

/// What the survey is told beside its inputs.
pub(super) struct SurveyOptions<'x> {
    /// The run that goes on, when an interrupted one is continued.
    pub(super) resumed: Option<u32>,
    /// Where the files of rows left out go; nowhere for a plan.
    pub(super) left_out: Option<&'x str>,
    /// Which loads take part.
    pub(super) selected: &'x [bool],
}

/// Reads and decides everything.
///
/// # Errors
/// Cycles, duplicates, the org's refusal, the disk's own; 81 when what is to be inserted is there already.
pub(super) async fn survey<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    migration: &Migration,
    bound: &Bound,
    ledgers: &mut Ledgers<'a>,
    options: &SurveyOptions<'_>,
    observer: &dyn Observer,
) -> Result<Surveyed<'a>, EngineError> {
    let mut shapes = shapes(migration, bound)?;
    let mut files: Vec<Option<LeftOutFile<'a>>> = migration
        .loads
        .iter()
        .map(|l| options.left_out.map(|folder| left_out_file(ports, folder, l)))
        .collect();
    let scans = read_sources(ports, &mut shapes, &mut files, options.selected, observer)?;
    for object in &bound.objects {
        ledgers.open(&object.name)?;
    }
    check_inserts(ports, &connected.client, bound, (&shapes, &scans), ledgers, options.resumed.is_some())
        .await?;
    let graph = graph(migration, bound, &scans);
    let order = order(&graph).map_err(|problems| EngineError::Problems(Exit::Invalid, problems))?;
    let deferred = deferred(&order, shapes.len());
    let locks = locks(bound, migration, &scans)?;
    let reasons = scans.iter().map(|s| s.reasons.clone()).collect();
    let mut survey = Surveyed {
        shapes,
        scans,
        decided: Vec::new(),
        reasons,
        graph,
        order,
        deferred,
        notes: Vec::new(),
        locks,
    };
    decide_all(ports, connected, bound, ledgers, options, &mut survey, &mut files).await?;
    Ok(survey)
}

/// Reads every source once.
fn read_sources<'a>(
    ports: &Ports<'a>,
    shapes: &mut [Shape],
    files: &mut [Option<LeftOutFile<'a>>],
    selected: &[bool],
    observer: &dyn Observer,
) -> Result<Vec<Scan<'a>>, EngineError> {
    let mut scans = Vec::new();
    for (index, (shape, file)) in shapes.iter_mut().zip(files).enumerate() {
        if !selected[index] {
            shape.paths.clear();
        }
        observer.progress(&Progress::Reading { load: shape.name.clone() });
        scans.push(scan(ports.stage(), shape, SCRATCH, file.as_mut())?);
    }
    let overlaps = overlaps(shapes, &scans)?;
    if overlaps.is_empty() { Ok(scans) } else { Err(EngineError::Problems(Exit::Invalid, overlaps)) }
}

fn left_out_file<'a>(ports: &Ports<'a>, folder: &str, load: &crate::manifest::Load) -> LeftOutFile<'a> {
    LeftOutFile::new(ports.files, format!("{folder}/{}.left-out.csv", load.name), &load.columns)
}

/// Decides load by load, parents first; a load's new records are parents for those after it.
async fn decide_all<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    bound: &Bound,
    ledgers: &mut Ledgers<'a>,
    options: &SurveyOptions<'_>,
    survey: &mut Surveyed<'a>,
    files: &mut [Option<LeftOutFile<'a>>],
) -> Result<(), EngineError> {
    let mut creates: BTreeMap<usize, Vec<Sorted<'a>>> = BTreeMap::new();
    let mut decided: BTreeMap<usize, Decided<'a>> = BTreeMap::new();
    let (mut problems, mut notes) =
        (Vec::new(), survey.scans.iter().flat_map(|s| s.notes.clone()).collect::<Vec<_>>());
    let sequence = survey.order.sequence.clone();
    let names: Vec<String> = bound.objects.iter().map(|object| object.name.clone()).collect();
    open_notes(ledgers, &names)?;
    for (at, load) in sequence.iter().copied().enumerate() {
        let later =
            Later { survey: &*survey, object: survey.shapes[load].object, loads: &sequence[at + 1..] };
        let (shape, scan) = (&survey.shapes[load], &survey.scans[load]);
        let mask = survey.deferred[load];
        let there = There { bound, creates: &creates, later: &later };
        let ambiguous = if shape.operation.needs_record() {
            find(ports, &connected.client, &bound.objects[shape.object], shape, scan, ledgers).await?
        } else {
            BTreeSet::new()
        };
        let mut resolved = resolve(ports.stage(), shape, scan, SCRATCH, mask, &there.beside(ledgers))?;
        if resolved.count > 0 {
            let asked = ask(ports, &connected.client, bound, shape, scan, &resolved, ledgers).await?;
            notes.extend(asked.note(&shape.name));
            if asked.found > 0 {
                // First: the files of both have the same names, and go with the one that is dropped last.
                drop(resolved);
                resolved = resolve(ports.stage(), shape, scan, SCRATCH, mask, &there.beside(ledgers))?;
            }
        }
        let object = &bound.objects[shape.object].name;
        let twice = twice(ports, object, shape, scan, ledgers)?;
        notes.extend(twice.notes);
        let given = Decisions {
            twice: &twice.keys,
            resumed: options.resumed,
            deferred: survey.deferred[load],
            paths: &shape.paths,
            ambiguous: &ambiguous,
        };
        let stale = Stale::of(ports, ledgers, &names, shape, scan, &there.beside(ledgers))?;
        let left = Cell::new(0);
        let entries = match shape.operation.deletes() {
            true => ledgers.entries_with_removed(object),
            false => stale.forget(ledgers.entries(object), &left),
        };
        let entries = if options.selected[load] { entries } else { Box::new(std::iter::empty()) };
        let this = decide(ports.stage(), shape, scan, &resolved, entries, &given, SCRATCH);
        let Some(mut this) = or_problems(this, &mut problems)? else { continue };
        notes.extend((left.get() > 0).then(|| cannot_mend(&shape.name, left.get())));
        write_absent(ports, options.left_out, shape, &this)?;
        let reasons = &mut survey.reasons[load];
        leave_out(ports, shape, scan, &this.left, files[load].as_mut(), reasons)?;
        let empty = crate::ledger::sort::Sorter::new(ports.files, SCRATCH, 16, 0).finish()?;
        creates.entry(shape.object).or_default().push(std::mem::replace(&mut this.creates, empty));
        decided.insert(load, this);
    }
    if !problems.is_empty() {
        return Err(EngineError::Problems(Exit::Invalid, problems));
    }
    survey.decided = decided.into_values().collect();
    survey.notes = notes;
    Ok(())
}

/// Rows that keep what they have.
fn cannot_mend(load: &str, rows: u64) -> String {
    format!(
        "{load}: {rows} rows refer to a record that is gone or new in the org by a field that is set on create alone: it stays as it is"
    )
}

/// Problems of the data are collected over all loads; anything else stops at once.
fn or_problems<T>(
    result: Result<T, StageError>,
    problems: &mut Vec<crate::diagnostic::Diagnostic>,
) -> Result<Option<T>, EngineError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(StageError::Problems(found)) => {
            problems.extend(found);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What will be there when a load's turn comes, but for the ledger.
#[derive(Clone, Copy)]
struct There<'e, 'a> {
    bound: &'e Bound,
    creates: &'e BTreeMap<usize, Vec<Sorted<'a>>>,
    later: &'e Later<'e, 'a>,
}

impl<'e, 'a> There<'e, 'a> {
    /// With the ledger as it is now.
    fn beside(self, ledgers: &'e Ledgers<'a>) -> Expected<'e, 'a> {
        Expected { bound: self.bound, ledgers, creates: self.creates, later: self.later }
    }
}

/// What will be there when a load's turn comes: what has landed, and what the loads before it create.
struct Expected<'e, 'a> {
    bound: &'e Bound,
    ledgers: &'e Ledgers<'a>,
    creates: &'e BTreeMap<usize, Vec<Sorted<'a>>>,
    later: &'e Later<'e, 'a>,
}

/// Loads of one object that go after another.
struct Later<'e, 'a> {
    survey: &'e Surveyed<'a>,
    object: usize,
    loads: &'e [usize],
}

impl Parents for Expected<'_, '_> {
    fn of(&self, object: usize) -> Result<Presence<'_>, StageError> {
        let mut all = self.ledgers.landed(&self.bound.objects[object].name);
        for created in self.creates.get(&object).into_iter().flatten() {
            let keys = created.iter().decode(|bytes| {
                let mut key = [0; 16];
                key.copy_from_slice(&bytes[..16]);
                (u128::from_be_bytes(key), None)
            });
            all = union(all, Box::new(keys));
        }
        Ok(all)
    }

    fn later(&self) -> Presence<'_> {
        let Later { survey, object, loads } = self.later;
        let brings = |l: &&usize| {
            let shape = &survey.shapes[**l];
            shape.object == *object && !shape.operation.deletes()
        };
        keys(loads.iter().filter(brings).map(|l| &survey.scans[*l]))
    }

    fn going(&self, object: usize) -> Presence<'_> {
        self.later.survey.going(object)
    }
}

fn graph(migration: &Migration, bound: &Bound, scans: &[Scan<'_>]) -> Vec<GraphLoad> {
    let each = migration.loads.iter().zip(&bound.loads).zip(scans);
    each.map(|((load, bound), scan)| {
        let references = bound.references.iter().zip(&scan.filled).map(|(reference, rows)| GraphReference {
            field: reference.field.clone(),
            parents: reference.parents.clone(),
            deferrable: reference.deferrable(),
            rows: *rows,
            place: reference.place.clone(),
        });
        GraphLoad {
            name: load.name.clone(),
            object: bound.object_index,
            after: load.after.clone(),
            references: references.collect(),
            deletes: bound.operation.deletes().then(|| bound.points_to.clone()),
            place: load.place.clone(),
        }
    })
    .collect()
}

fn deferred(order: &Order, loads: usize) -> Vec<u64> {
    let mut masks = vec![0; loads];
    for deferred in &order.deferred {
        masks[deferred.load] |= 1 << deferred.reference;
    }
    masks
}

/// The reference whose parents each load locks: what binding says, else the one with most children per parent.
fn locks(
    bound: &Bound,
    migration: &Migration,
    scans: &[Scan<'_>],
) -> Result<Vec<Option<(usize, Lock)>>, EngineError> {
    let mut locks = Vec::new();
    for ((load, manifest), scan) in bound.loads.iter().zip(&migration.loads).zip(scans) {
        let chosen = match load.lock {
            Some((reference, why)) => Some((reference, words(why).to_owned())),
            None => most_children(scan, load.references.len())?,
        };
        locks.push(chosen.map(|(index, reason)| {
            let reference = &load.references[index];
            let object =
                reference.parents.first().map(|p| bound.objects[*p].name.clone()).unwrap_or_default();
            (index, Lock { field: reference.field.clone(), object, reason, overlap: manifest.overlap })
        }));
    }
    Ok(locks)
}

fn words(why: LockWhy) -> &'static str {
    match why {
        LockWhy::Named => "`lock_by` says so",
        LockWhy::MasterDetail => "master-detail",
        LockWhy::Required => "every record has one",
    }
}

/// The reference with most children per parent; none where no parent has two.
fn most_children(scan: &Scan<'_>, references: usize) -> Result<Option<(usize, String)>, EngineError> {
    let mut parents = vec![0_u64; scan.filled.len()];
    for sorted in scan.references.values() {
        let mut last = vec![None; scan.filled.len()];
        let mut iter = sorted.iter();
        while let Some(bytes) = iter.next_record()? {
            let (parent, pos, reference) = (&bytes[..16], &bytes[16..24], bytes[24] as usize);
            if pos != [0xff; 8] && last[reference].as_deref() != Some(parent) {
                parents[reference] += 1;
                last[reference] = Some(parent.to_vec());
            }
        }
    }
    let most = (0..references.min(parents.len()))
        .filter(|r| parents[*r] > 0 && scan.filled[*r] > parents[*r])
        .max_by_key(|r| (scan.filled[*r] * 1000 / parents[*r], std::cmp::Reverse(*r)));
    Ok(most.map(|r| (r, format!("{} rows have {} parents", scan.filled[r], parents[r]))))
}
