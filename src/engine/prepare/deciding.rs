//! Every row decided, load by load, parents first, and again where rows were counted on that do not go after all.
//!
//! Must not know how sources are read, nor how the order of the loads was found.

use super::colliding_keys::twice;
use super::existing_records::find;
use super::left_out::{leave_out, write_absent};
use super::missing_parents::{AskedFor, ask};
use super::surveyed::{SCRATCH, SurveyOptions, Surveyed, keys};
use crate::bind::Bound;
use crate::engine::context::{Connected, EngineError, Exit, Ports};
use crate::engine::state::{Ledgers, Stale, each_once, open_notes, union};
use crate::ledger::load_tag;
use crate::ledger::merge::{Joined, join};
use crate::ledger::sort::Sorted;
use crate::model::KeyHash;
use crate::stage::{
    Decided, Decisions, LeftOutFile, Look, Parents, Presence, Reasons, Resolved, StageError, decide, resolve,
};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Decides load by load, parents first; a load's new records are parents for those after it. What a second pass fills may
/// point to rows that are decided later: where some of those turn out to be left out, all is decided again without them,
/// until no more fall.
pub(super) async fn decide_all<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    bound: &Bound,
    ledgers: &mut Ledgers<'a>,
    options: &SurveyOptions<'_>,
    survey: &mut Surveyed<'a>,
    files: &mut [Option<LeftOutFile<'a>>],
) -> Result<(), EngineError> {
    let names: Vec<String> = bound.objects.iter().map(|object| object.name.clone()).collect();
    open_notes(ledgers, &names)?;
    let relied = relied_on(survey);
    let mut told = Told {
        ambiguous: BTreeMap::new(),
        nowhere: BTreeMap::new(),
        asked: AskedFor::new(),
        notes: Vec::new(),
    };
    for round in 0..MOST_ROUNDS {
        let deciding = Deciding { ports, connected, bound, options, names: &names, round };
        let decided = deciding.all(ledgers, survey, &mut told).await?;
        let fell = |load: &usize, this: &Decided<'_>| {
            this.nowhere.len() > told.nowhere.get(load).map_or(0, Sorted::len)
        };
        let again =
            round + 1 < MOST_ROUNDS && decided.iter().any(|(l, this)| relied.contains(l) && fell(l, this));
        if !again {
            survey.decided = decided.into_values().collect();
            break;
        }
        told.nowhere = decided.into_iter().map(|(load, this)| (load, this.nowhere)).collect();
    }
    survey.notes = told.notes;
    write_out(ports, options, survey, files)
}

/// Writes down which rows are left out, and why, once that is certain.
fn write_out<'a>(
    ports: &Ports<'a>,
    options: &SurveyOptions<'_>,
    survey: &mut Surveyed<'a>,
    files: &mut [Option<LeftOutFile<'a>>],
) -> Result<(), EngineError> {
    for load in survey.order.sequence.clone() {
        let (shape, scan, this) = (&survey.shapes[load], &survey.scans[load], &survey.decided[load]);
        write_absent(ports, options.left_out, shape, this)?;
        let reasons = &mut survey.reasons[load];
        leave_out(ports, shape, scan, &this.left, files[load].as_mut(), reasons)?;
        if let Some(folder) = options.left_out.filter(|_| !this.stays.is_empty()) {
            let path = format!("{folder}/{}.left-out-values.csv", shape.name);
            let mut file = LeftOutFile::new(ports.files, path, &shape.columns);
            leave_out(ports, shape, scan, &this.stays, Some(&mut file), &mut Reasons::default())?;
        }
    }
    Ok(())
}

/// How often all is decided again at most. What falls later than that is found missing by the second pass, and waits.
const MOST_ROUNDS: u32 = 50;

/// Loads on whose rows others count that are decided before them.
fn relied_on(survey: &Surveyed<'_>) -> BTreeSet<usize> {
    let sequence = &survey.order.sequence;
    let mut relied = BTreeSet::new();
    for (at, load) in sequence.iter().enumerate() {
        let (shape, deferred) = (&survey.shapes[*load], survey.deferred[*load]);
        for other in &sequence[at..] {
            let object = survey.shapes[*other].object;
            let counts = |(index, r): (usize, &crate::stage::ReferenceShape)| {
                r.points_to(object)
                    && (deferred & (1 << index) != 0 || (object == shape.object && other != load))
            };
            if shape.references.iter().enumerate().any(counts) {
                relied.insert(*other);
            }
        }
    }
    relied
}

/// What one round of deciding leaves to the next.
struct Told<'a> {
    /// Keys that several records of the org have, by load: asked for once.
    ambiguous: BTreeMap<usize, BTreeSet<KeyHash>>,
    /// Keys of which no row goes, by load.
    nowhere: BTreeMap<usize, Sorted<'a>>,
    /// Parents that the org was asked for.
    asked: AskedFor,
    notes: Vec<String>,
}

/// One round of deciding.
struct Deciding<'x, 'c, 'a> {
    ports: &'x Ports<'a>,
    connected: &'x Connected<'c>,
    bound: &'x Bound,
    options: &'x SurveyOptions<'x>,
    names: &'x [String],
    round: u32,
}

impl<'a> Deciding<'_, '_, 'a> {
    /// Decides every load.
    async fn all(
        &self,
        ledgers: &mut Ledgers<'a>,
        survey: &Surveyed<'a>,
        told: &mut Told<'a>,
    ) -> Result<BTreeMap<usize, Decided<'a>>, EngineError> {
        let mut creates: BTreeMap<usize, Vec<Sorted<'a>>> = BTreeMap::new();
        let mut decided: BTreeMap<usize, Decided<'a>> = BTreeMap::new();
        let mut problems = Vec::new();
        told.notes = survey.scans.iter().flat_map(|scan| scan.notes.iter().cloned()).collect();
        for at in 0..survey.order.sequence.len() {
            let load = survey.order.sequence[at];
            let shape = &survey.shapes[load];
            self.find(ledgers, survey, load, told).await?;
            let later = Later {
                survey,
                object: shape.object,
                loads: &survey.order.sequence[at..],
                nowhere: &told.nowhere,
            };
            let there = There { bound: self.bound, creates: &creates, later: &later };
            let telling = (&mut told.asked, &mut told.notes);
            let this = self.one(ledgers, survey, load, there, &told.ambiguous[&load], telling).await;
            let Some(mut this) = or_problems(this, &mut problems)? else { continue };
            let empty = crate::ledger::sort::Sorter::new(self.ports.files, SCRATCH, 16, 0).finish()?;
            creates.entry(shape.object).or_default().push(std::mem::replace(&mut this.creates, empty));
            decided.insert(load, this);
        }
        match problems.is_empty() {
            true => Ok(decided),
            false => Err(EngineError::Problems(Exit::Invalid, problems)),
        }
    }

    /// Asks the org for the records of a load that creates none, once.
    async fn find(
        &self,
        ledgers: &mut Ledgers<'a>,
        survey: &Surveyed<'a>,
        load: usize,
        told: &mut Told<'a>,
    ) -> Result<(), EngineError> {
        if told.ambiguous.contains_key(&load) {
            return Ok(());
        }
        let (shape, scan) = (&survey.shapes[load], &survey.scans[load]);
        let object = &self.bound.objects[shape.object];
        let ambiguous = match shape.operation.needs_record() {
            true => find(self.ports, &self.connected.client, object, shape, scan, ledgers).await?,
            false => BTreeSet::new(),
        };
        told.ambiguous.insert(load, ambiguous);
        Ok(())
    }

    /// The references of a load, and what the org says of parents that are not known here.
    async fn resolved(
        &self,
        ledgers: &mut Ledgers<'a>,
        survey: &Surveyed<'a>,
        load: usize,
        there: There<'_, 'a>,
        (asked, notes): (&mut AskedFor, &mut Vec<String>),
    ) -> Result<Resolved<'a>, EngineError> {
        let (io, shape, scan) = (self.ports.stage(), &survey.shapes[load], &survey.scans[load]);
        let look = Look { skip: 0, put_off: survey.deferred[load] };
        let resolved = resolve(io, shape, scan, SCRATCH, look, &there.beside(ledgers))?;
        if resolved.count == 0 {
            return Ok(resolved);
        }
        let client = &self.connected.client;
        let asked = ask(self.ports, client, self.bound, shape, scan, &resolved, (ledgers, asked)).await?;
        notes.extend(asked.note(&shape.name));
        if asked.found == 0 {
            return Ok(resolved);
        }
        // First: the files of both have the same names, and go with the one that is dropped last.
        drop(resolved);
        Ok(resolve(io, shape, scan, SCRATCH, look, &there.beside(ledgers))?)
    }

    /// Decides one load.
    async fn one(
        &self,
        ledgers: &mut Ledgers<'a>,
        survey: &Surveyed<'a>,
        load: usize,
        there: There<'_, 'a>,
        ambiguous: &BTreeSet<KeyHash>,
        (asked, notes): (&mut AskedFor, &mut Vec<String>),
    ) -> Result<Decided<'a>, EngineError> {
        let (ports, options) = (self.ports, self.options);
        let (shape, scan, deferred) = (&survey.shapes[load], &survey.scans[load], survey.deferred[load]);
        let resolved = self.resolved(ledgers, survey, load, there, (asked, notes)).await?;
        let object = &self.bound.objects[shape.object].name;
        let twice = twice(ports, object, shape, scan, ledgers)?;
        notes.extend(twice.notes);
        let tags = tags(survey, shape.object);
        let given = Decisions {
            twice: &twice.keys,
            resumed: options.resumed,
            deferred,
            paths: &shape.paths,
            ambiguous,
            heir_of_all_but: Some(&tags).filter(|_| heir(survey, shape.object) == Some(load)),
            elsewhere: elsewhere(survey, load),
            round: self.round,
        };
        let stale = Stale::of(ports, ledgers, self.names, shape, scan, &there.beside(ledgers))?;
        let left = Cell::new(0);
        let entries = match shape.operation.deletes() {
            true => ledgers.entries_with_removed(object),
            false => stale.forget(ledgers.entries(object), &left),
        };
        let entries = if options.selected[load] { entries } else { Box::new(std::iter::empty()) };
        let this = decide(ports.stage(), shape, scan, &resolved, entries, given, SCRATCH)?;
        notes.extend((left.get() > 0).then(|| cannot_mend(&shape.name, left.get())));
        Ok(this)
    }
}

/// The loads of an object, as entries of the ledger name them.
fn tags(survey: &Surveyed<'_>, object: usize) -> BTreeSet<u16> {
    survey.shapes.iter().filter(|s| s.object == object).map(|s| load_tag(&s.name)).collect()
}

/// The load that answers for what another load landed, which the manifest has no more or under another name: the first of
/// the object that creates records.
fn heir(survey: &Surveyed<'_>, object: usize) -> Option<usize> {
    survey.shapes.iter().position(|s| s.object == object && !s.operation.needs_record())
}

/// Keys that stand in the sources of other loads of a load's object.
fn elsewhere<'s>(survey: &'s Surveyed<'_>, load: usize) -> Presence<'s> {
    let object = survey.shapes[load].object;
    let others = survey.shapes.iter().enumerate().filter(|(l, s)| *l != load && s.object == object);
    let left = |bytes: &[u8]| (KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[i])), None);
    others.map(|(l, _)| &survey.scans[l]).fold(Box::new(std::iter::empty()), |all, scan| {
        let rows = union(all, keys(std::iter::once(scan)));
        union(rows, Box::new(scan.left.iter().decode(left)))
    })
}

/// Rows that keep what they have.
fn cannot_mend(load: &str, rows: u64) -> String {
    format!(
        "{load}: {rows} rows refer to a record that is gone or new in the org by a field that is set on create alone: it stays as it is"
    )
}

/// Problems of the data are collected over all loads; anything else stops at once.
fn or_problems<T>(
    result: Result<T, EngineError>,
    problems: &mut Vec<crate::diagnostic::Diagnostic>,
) -> Result<Option<T>, EngineError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(EngineError::Problems(Exit::Invalid, found)) => {
            problems.extend(found);
            Ok(None)
        }
        Err(error) => Err(error),
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

/// A load and those that go after it.
struct Later<'e, 'a> {
    survey: &'e Surveyed<'a>,
    /// The load's object.
    object: usize,
    loads: &'e [usize],
    /// Keys of which no row goes, by load, as far as is known.
    nowhere: &'e BTreeMap<usize, Sorted<'a>>,
}

impl<'e> Later<'e, '_> {
    /// The keys that these loads will bring of an object, as far as is known.
    fn brings(&self, loads: &'e [usize], object: usize) -> Presence<'e> {
        let brings = |load: &&usize| {
            let shape = &self.survey.shapes[**load];
            shape.object == object && !shape.operation.deletes()
        };
        let mut all: Presence<'e> = Box::new(std::iter::empty());
        for load in loads.iter().filter(brings) {
            let rows = keys(std::iter::once(&self.survey.scans[*load]));
            let Some(nowhere) = self.nowhere.get(load) else {
                all = union(all, rows);
                continue;
            };
            let key = |bytes: &[u8]| KeyHash::from_be_bytes(std::array::from_fn(|i| bytes[i]));
            let goes = join(rows, distinct(nowhere.iter().decode(key)), |row| row.0, |key| *key);
            all = union(
                all,
                Box::new(goes.filter_map(|next| match next {
                    Ok(Joined::Left(row)) => Some(Ok(row)),
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                })),
            );
        }
        all
    }
}

/// Each of sorted keys once.
fn distinct(
    keys: impl Iterator<Item = std::io::Result<KeyHash>>,
) -> impl Iterator<Item = std::io::Result<KeyHash>> {
    each_once(keys, |key| *key)
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
        let after = self.later.loads.get(1..).unwrap_or_default();
        self.later.brings(after, self.later.object)
    }

    fn coming(&self, object: usize) -> Presence<'_> {
        self.later.brings(self.later.loads, object)
    }

    fn going(&self, object: usize) -> Presence<'_> {
        self.later.survey.going(object)
    }
}
