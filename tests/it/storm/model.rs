//! What the org must hold after each day, and what must have become of each row: worked out from the rows alone, as
//! simply as it can be said. Shares no code with planner or engine, and knows neither jobs nor order.

use super::scenario::{Copies, Load, Missing, Operation, REFUSED, Reference, Row, Scenario};
use std::collections::{BTreeMap, BTreeSet};

/// A record: name, amount, code, a note that no load fills, and the keys of its parents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    pub key: String,
    pub name: String,
    pub amount: Option<String>,
    pub code: Option<String>,
    pub note: Option<String>,
    pub parents: Vec<Option<String>>,
}

/// What becomes of a row, by the words of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Filtered,
    Rejected,
    Duplicate,
    Held,
    Unchanged,
    Created,
    Updated,
    Deleted,
    Failed,
}

/// Rows by fate, of one load.
pub type Counts = BTreeMap<Fate, u64>;

/// The org, and what was last sent of each record: nothing where that was refused.
#[derive(Default, Clone)]
pub struct Model {
    /// By object and key.
    pub records: BTreeMap<(usize, String), Record>,
    sent: BTreeMap<(usize, String), Option<Row>>,
    /// Loads with rows that were to be linked to a parent which then was refused: whether such a row goes again as it
    /// was is told by nobody.
    pub hoped: BTreeSet<usize>,
}

/// Where a row stands: load and place.
type Place = (usize, usize);

impl Model {
    /// The org as somebody else left it.
    pub fn new(scenario: &Scenario) -> Self {
        let mut model = Self::default();
        for (object, key) in scenario.others() {
            let key = key.to_lowercase();
            let parents = vec![None; scenario.objects[object].len()];
            let record = Record { key: key.clone(), name: "Before".into(), parents, ..Record::default() };
            model.records.insert((object, key), record);
        }
        model
    }

    /// Somebody else deletes a record: what belongs to it goes along, what else refers to it loses that.
    pub fn others_delete(&mut self, scenario: &Scenario, object: usize, key: &str) {
        let gone = (object, key.to_owned());
        self.sent.remove(&gone);
        if self.records.remove(&gone).is_none() {
            return;
        }
        let (mut along, mut cleared) = (Vec::new(), Vec::new());
        for ((child, name), record) in &mut self.records {
            for (reference, parent) in scenario.objects[*child].iter().zip(&mut record.parents) {
                if reference.to != object || parent.as_deref() != Some(key) {
                    continue;
                }
                if reference.master {
                    along.push((*child, name.clone()));
                } else {
                    *parent = None;
                    cleared.push((*child, name.clone()));
                }
            }
        }
        // What referred to it is not what was sent any more: it goes again.
        cleared.iter().for_each(|child| _ = self.sent.remove(child));
        along.iter().for_each(|(child, name)| self.others_delete(scenario, *child, name));
    }

    /// Records that others gave this name and that these rows would write over.
    pub fn edits_written_over(
        &self,
        scenario: &Scenario,
        rows: &[Vec<Row>],
        theirs: &str,
    ) -> Vec<(usize, String)> {
        let mut then = self.clone();
        then.day(scenario, rows);
        let is_theirs = |model: &Self, place| model.records.get(place).is_some_and(|r| r.name == theirs);
        let edited = self.records.keys().filter(|place| is_theirs(self, place));
        edited.filter(|place| !is_theirs(&then, place)).cloned().collect()
    }

    /// A row of this record was sent that is not known here: its next row is not what was last sent (run.md, Ledger: the
    /// payload hash of what was sent, from whatever state of the source), so it goes.
    pub fn write_over(&mut self, place: &(usize, String)) {
        self.sent.remove(place);
    }

    /// A day's rows are loaded. Gives what became of each load's rows.
    pub fn day(&mut self, scenario: &Scenario, rows: &[Vec<Row>]) -> Vec<Counts> {
        let mut fates: BTreeMap<Place, Fate> = BTreeMap::new();
        self.hoped.clear();
        for (load, rows) in rows.iter().enumerate() {
            let mine = self.alone(&scenario.loads[load], rows);
            fates.extend(mine.into_iter().enumerate().filter_map(|(at, f)| Some(((load, at), f?))));
        }
        self.without_parents(scenario, rows, &mut fates);
        for (load, here) in rows.iter().enumerate() {
            for (at, row) in here.iter().enumerate() {
                if !fates.contains_key(&(load, at)) || fates[&(load, at)] == Fate::Failed {
                    let fate = self.send(scenario, rows, &fates, (load, at), row);
                    fates.insert((load, at), fate);
                }
            }
        }
        let mut counts: Vec<Counts> = (0..rows.len()).map(|load| malformed(scenario, load)).collect();
        for ((load, _), fate) in fates {
            *counts[load].entry(fate).or_default() += 1;
        }
        counts
    }

    /// Takes out the rows whose parents are not there, until no more fall; only then is it said why each fell.
    fn without_parents(&self, scenario: &Scenario, rows: &[Vec<Row>], fates: &mut BTreeMap<Place, Fate>) {
        let places = rows.iter().enumerate();
        let places =
            places.flat_map(|(load, here)| here.iter().enumerate().map(move |(at, r)| ((load, at), r)));
        let standing: Vec<(Place, &Row)> =
            places.filter(|(place, _)| fates.get(place).is_none_or(|f| *f == Fate::Failed)).collect();
        loop {
            let before = fates.len();
            let present = self.present(scenario, rows, fates);
            for (place, row) in &standing {
                if let Some(fate) = parentless(scenario, place.0, row, &present) {
                    fates.insert(*place, fate);
                }
            }
            if fates.len() == before {
                return;
            }
        }
    }

    /// Keys that the org has, or gets today.
    fn present(
        &self,
        scenario: &Scenario,
        rows: &[Vec<Row>],
        fates: &BTreeMap<Place, Fate>,
    ) -> BTreeSet<(usize, String)> {
        let mut present: BTreeSet<_> = self.records.keys().cloned().collect();
        for (load, here) in rows.iter().enumerate() {
            let lands = here.iter().enumerate().filter(|(at, _)| !fates.contains_key(&(load, *at)));
            let object = scenario.loads[load].object;
            present.extend(lands.map(|(_, row)| (object, row.key.to_lowercase())));
        }
        present
    }

    /// The row goes to the org, unless it is there as it is.
    fn send(
        &mut self,
        scenario: &Scenario,
        rows: &[Vec<Row>],
        fates: &BTreeMap<Place, Fate>,
        place: Place,
        row: &Row,
    ) -> Fate {
        let object = scenario.loads[place.0].object;
        if scenario.loads[place.0].operation.deletes() {
            let there = self.records.remove(&(object, row.key.to_lowercase())).is_some();
            return if there { Fate::Deleted } else { Fate::Unchanged };
        }
        let present = self.present(scenario, rows, fates);
        let there = |to: usize, key: &str| present.contains(&(to, key.to_lowercase()));
        let references = &scenario.objects[object];
        let parents = references.iter().zip(&row.parents);
        let parents: Vec<Option<String>> = parents
            .map(|(r, key)| Some(key.to_lowercase()).filter(|k| !k.is_empty() && there(r.to, k)))
            .collect();
        let known = (object, row.key.to_lowercase());
        let old = self.records.get(&known);
        if row.name == REFUSED {
            self.sent.insert(known, None);
            return Fate::Failed;
        }
        let sent = as_sent(row, &parents, references);
        // It was to be linked, and goes without the link, though as it went before.
        let disappointing = disappointing(scenario, rows, fates, &present);
        let mut asked = references.iter().zip(&row.parents).map(|(r, key)| (r.to, key.to_lowercase()));
        if asked.any(|parent| disappointing.contains(&parent)) {
            self.hoped.insert(place.0);
        }
        if old.is_some() && self.sent.get(&known) == Some(&Some(sent.clone())) {
            return Fate::Unchanged;
        }
        let record = written(old, row, parents);
        let fate = if old.is_some() { Fate::Updated } else { Fate::Created };
        self.records.insert(known.clone(), record);
        self.sent.insert(known, Some(sent));
        fate
    }

    /// What a row comes to by itself and its copies; nothing for one that may go. `Failed`: the org will refuse it.
    fn alone(&self, load: &Load, rows: &[Row]) -> Vec<Option<Fate>> {
        let mut fates: Vec<Option<Fate>> = rows.iter().map(|row| by_itself(load, row)).collect();
        // A copy that is rejected is one all the same.
        let is_one = |row: &Row| !row.key.is_empty() && by_itself(load, row) != Some(Fate::Filtered);
        for at in 0..rows.len() {
            if !is_one(&rows[at]) || fates[at] == Some(Fate::Rejected) {
                continue;
            }
            let same = |other: &usize| rows[*other].key.eq_ignore_ascii_case(&rows[at].key);
            let copies: Vec<usize> =
                (0..rows.len()).filter(|other| same(other) && is_one(&rows[*other])).collect();
            let counts = match load.copies {
                _ if copies.len() == 1 => true,
                Copies::Reject => false,
                Copies::First => copies.first() == Some(&at),
                Copies::Last => copies.last() == Some(&at),
            };
            let nobody = || !self.records.contains_key(&(load.object, rows[at].key.to_lowercase()));
            if !counts {
                fates[at] = Some(Fate::Duplicate);
            } else if load.operation == Operation::Update && nobody() {
                fates[at] = Some(Fate::Rejected);
            }
        }
        fates
    }
}

/// What becomes of the malformed records of a load's file.
fn malformed(scenario: &Scenario, load: usize) -> Counts {
    let records = scenario.malformed(load).len() as u64;
    if records > 0 { Counts::from([(Fate::Rejected, records)]) } else { Counts::new() }
}

fn by_itself(load: &Load, row: &Row) -> Option<Fate> {
    match row {
        Row { status, .. } if status == "gone" => Some(Fate::Filtered),
        Row { key, .. } if key.is_empty() => Some(Fate::Rejected),
        _ if load.operation.deletes() => None,
        Row { amount, .. } if amount.contains('x') => Some(Fate::Rejected),
        Row { code, .. } if code.len() > 10 => Some(Fate::Rejected),
        Row { name, .. } if name == REFUSED => Some(Fate::Failed),
        _ => None,
    }
}

/// What a row comes to by a parent that is not there.
fn parentless(
    scenario: &Scenario,
    load: usize,
    row: &Row,
    present: &BTreeSet<(usize, String)>,
) -> Option<Fate> {
    if scenario.loads[load].operation.deletes() {
        return None;
    }
    let references = &scenario.objects[scenario.loads[load].object];
    let gone = references
        .iter()
        .zip(&row.parents)
        .filter(|(r, key)| !key.is_empty() && !present.contains(&(r.to, key.to_lowercase())));
    let fates = gone.filter_map(|(r, _)| match r.missing {
        Missing::Hold => Some(Fate::Held),
        Missing::Reject => Some(Fate::Rejected),
        Missing::Blank => None,
    });
    fates.into_iter().next()
}

/// A row as it was last sent: a master is given once, so it is no part of what may change; a parent that is nowhere is
/// not sent, as if there were none.
fn as_sent(row: &Row, parents: &[Option<String>], references: &[Reference]) -> Row {
    let parents = parents.iter().zip(references);
    let parents = parents.map(|(sent, reference)| match sent {
        Some(parent) if !reference.master => parent.clone(),
        _ => String::new(),
    });
    Row { parents: parents.collect(), status: String::new(), key: row.key.to_lowercase(), ..row.clone() }
}

/// Keys of rows that a plan counts on and the day does not bring: refused by the org, or left behind by such a row.
fn disappointing(
    scenario: &Scenario,
    rows: &[Vec<Row>],
    fates: &BTreeMap<Place, Fate>,
    present: &BTreeSet<(usize, String)>,
) -> BTreeSet<(usize, String)> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for ((load, at), fate) in fates {
            let (row, object) = (&rows[*load][*at], scenario.loads[*load].object);
            let key = (object, row.key.to_lowercase());
            let parents = scenario.objects[object].iter().zip(&row.parents);
            let mut parents = parents.map(|(r, key)| (r.to, key.to_lowercase()));
            let left = matches!(fate, Fate::Held | Fate::Rejected) && parents.any(|p| found.contains(&p));
            if !present.contains(&key) && (*fate == Fate::Failed || left) {
                found.insert(key);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// A blank cell leaves what the org has.
fn written(old: Option<&Record>, row: &Row, parents: Vec<Option<String>>) -> Record {
    let kept = |new: &str, old: Option<&Option<String>>| match new {
        "" => old.cloned().flatten(),
        text => Some(text.to_owned()),
    };
    let olds = old.map(|o| o.parents.clone()).unwrap_or_else(|| vec![None; parents.len()]);
    Record {
        key: old.map_or(&row.key, |o| &o.key).to_lowercase(),
        name: row.name.clone(),
        amount: kept(&row.amount, old.map(|o| &o.amount)).map(|a| plain(&a)),
        code: kept(&row.code, old.map(|o| &o.code)),
        note: old.and_then(|o| o.note.clone()),
        parents: parents.into_iter().zip(olds).map(|(new, old)| new.or(old)).collect(),
    }
}

/// A number in one form, however many zeros it was given.
pub fn plain(number: &str) -> String {
    number.parse::<f64>().map_or_else(|_| number.to_owned(), |n| n.to_string())
}
