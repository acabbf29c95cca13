//! The survey: every source read once, the order of the loads found, and every row decided, parents first.

use super::deciding::decide_all;
use super::insert_guard::check_inserts;
use super::shapes::shapes;
use super::shared_keys::overlaps;
use super::surveyed::{SCRATCH, SurveyOptions, Surveyed};
use crate::bind::{Bound, LockWhy};
use crate::engine::context::{Connected, EngineError, Exit, Observer, Ports, Progress};
use crate::engine::state::Ledgers;
use crate::manifest::Migration;
use crate::plan::{GraphLoad, GraphReference, Lock, Order, order};
use crate::stage::{LeftOutFile, Scan, Shape, scan};

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
