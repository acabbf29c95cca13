//! What two orgs hold, cell by cell, and what the language says may differ. Knows no engine: what a run names in its files is
//! read as a user would.

use super::fields::Field;
use super::language::Load;
use super::{Met, Side};
use crate::world::World;
use cutover::engine::Finished;
use cutover::ports::{Files, read_all};
use std::collections::{BTreeMap, BTreeSet};

/// Fields of an object and what shows them.
const OBJECTS: &[(&str, &[(&str, &str)])] = &[
    (
        "Firm__c",
        &[("Name", "Name"), ("Note__c", "Note__c"), ("Up__c", "Up__r.K__c"), ("Main__c", "Main__r.K__c")],
    ),
    ("Place__c", &[("Name", "Name")]),
    (
        "Deal__c",
        &[
            ("Name", "Name"),
            ("Text__c", "Text__c"),
            ("Long__c", "Long__c"),
            ("Pick__c", "Pick__c"),
            ("Many__c", "Many__c"),
            ("Number__c", "Number__c"),
            ("Whole__c", "Whole__c"),
            ("Day__c", "Day__c"),
            ("At__c", "At__c"),
            ("Yes__c", "Yes__c"),
            ("Once__c", "Once__c"),
            ("Firm__c", "Firm__r.K__c"),
            ("Link__c", "Link__c"),
            ("OnceFirm__c", "OnceFirm__r.K__c"),
            ("Region__c", "Region__r.Code__c"),
            ("OwnerId", "Owner.Name"),
            ("RecordTypeId", "RecordType.DeveloperName"),
        ],
    ),
];

/// Columns of a source that hold keys of parents.
const PARENTS: [&str; 4] = ["firm", "link", "up", "main"];
/// Fields that the org takes on create alone.
const ONCE: [&str; 2] = ["Once__c", "OnceFirm__c"];
/// Fields that a record has whether or not anything was sent.
const OF_ITSELF: [&str; 3] = ["OwnerId", "Yes__c", "RecordTypeId"];

/// What two of them are where nothing was sent.
const UNSENT: [(&str, &str); 2] = [("OwnerId", "Local Admin"), ("Yes__c", "false")];

/// Whether a cell may be what the org gave the record by itself: then it does not tell whether the row has a value.
fn may_be_unsent(field: &str, cell: &Option<String>) -> bool {
    UNSENT.iter().any(|(of, own)| *of == field && cell.as_deref() == Some(own))
}

/// A record's cells by field.
type Record = BTreeMap<&'static str, Option<String>>;
/// An object and a key without its case.
type Place = (&'static str, String);

/// What an org holds.
#[derive(PartialEq, Debug)]
pub struct Held {
    records: BTreeMap<Place, Record>,
    /// Record Ids, by object and key.
    pub ids: BTreeMap<Place, String>,
}

impl Held {
    pub fn of(world: &World) -> Self {
        let (mut records, mut ids) = (BTreeMap::new(), BTreeMap::new());
        for (object, fields) in OBJECTS {
            let columns: String = fields.iter().map(|(_, column)| format!(", {column}")).collect();
            for row in world.org.query(&format!("SELECT Id, K__c{columns} FROM {object}")).unwrap().rows {
                let mut cells = row.into_iter();
                let id = cells.next().flatten().unwrap();
                let place = (*object, cells.next().flatten().unwrap().to_lowercase());
                let record = fields.iter().map(|(field, _)| *field).zip(cells).collect();
                assert!(records.insert(place.clone(), record).is_none(), "{place:?} is twice in the org");
                ids.insert(place, id);
            }
        }
        let names: BTreeMap<&String, String> = ids.iter().map(|((_, key), id)| (id, key.clone())).collect();
        for (field, cell) in records.values_mut().flat_map(|record: &mut Record| record.iter_mut()) {
            match *field {
                "Link__c" => *cell = cell.as_ref().map(|id| names[id].clone()),
                // Its key, in whatever case the parent has it.
                "Up__c" | "Main__c" | "Firm__c" | "OnceFirm__c" => {
                    *cell = cell.as_ref().map(|key| key.to_lowercase())
                }
                _ => {}
            }
        }
        Self { records, ids }
    }

    fn get(&self, place: &Place) -> Option<&Record> {
        self.records.get(place)
    }

    /// The first record that another org has otherwise.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let mut places = self.records.keys().chain(other.records.keys());
        let place = places.find(|place| self.get(place) != other.get(place))?;
        Some(format!("{place:?}: {:?} instead of {:?}", other.get(place), self.get(place)))
    }
}

/// What a run names in its files, by load: the keys of rows that were left out or failed, and of rows with values that stay.
pub struct Named {
    left: BTreeMap<String, BTreeMap<String, String>>,
    values: BTreeMap<String, BTreeMap<String, String>>,
    absent: BTreeMap<String, u64>,
}

impl Named {
    pub fn read(world: &World, finished: &Finished) -> Self {
        let folder = format!("data/{}", finished.state.run);
        let (mut left, mut values) = (BTreeMap::new(), BTreeMap::new());
        for name in world.disk.list(&folder).unwrap().into_iter().filter(|name| name.ends_with(".csv")) {
            let into = if name.contains(".left-out-values") {
                &mut values
            } else if name.contains(".left-out") || name.contains(".failed") {
                &mut left
            } else {
                continue;
            };
            let bytes = read_all(&world.disk, &format!("{folder}/{name}")).unwrap();
            let load = name.split('.').next().unwrap().to_owned();
            let keys: &mut BTreeMap<String, String> = into.entry(load).or_default();
            keys.extend(keys_of(&bytes));
        }
        let absent = finished.state.loads.iter().map(|load| (load.name.name.clone(), load.absent)).collect();
        Self { left, values, absent }
    }

    fn has(list: &BTreeMap<String, BTreeMap<String, String>>, load: &str, key: &str) -> bool {
        list.get(load).is_some_and(|keys| keys.contains_key(key))
    }
}

/// The column `id`, or the key of a payload, and the reason.
fn keys_of(bytes: &[u8]) -> Vec<(String, String)> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader.headers().unwrap().clone();
    let at =
        header.iter().position(|name| name == "id" || name == "K__c").unwrap_or_else(|| panic!("{header:?}"));
    let outcome = header.iter().position(|name| name == "_outcome");
    let rows = reader.records().map(Result::unwrap);
    // Another row of its key goes in place of a duplicate.
    let rows = rows.filter(|row| outcome.is_none_or(|at| &row[at] != "duplicate"));
    let why = header.iter().position(|name| name == "_message" || name == "sf__Error");
    let reason = |row: &csv::StringRecord| why.map_or_else(String::new, |at| row[at].to_owned());
    rows.map(|row| (row[at].to_lowercase(), reason(&row))).collect()
}

/// Holds the org that was reached in two steps against the one that was reached in one.
pub fn compare(
    [first, side]: &[Side; 2],
    before: &Held,
    alone: &Held,
    after: &Held,
    named: &Named,
    met: &Met,
) -> Result<(), String> {
    let pair = Pair { first, side, before, alone, after, named, met };
    // A child of a record that only one way has may go another way, and so may its own children.
    let known: BTreeSet<&str> = after.records.keys().map(|(_, key)| key.as_str()).collect();
    let fresh: BTreeSet<&str> = alone.records.keys().map(|(_, key)| key.as_str()).collect();
    let more: BTreeSet<&str> = known.difference(&fresh).copied().collect();
    for place in alone.records.keys().filter(|place| !pair.leans_on(place, &more)) {
        if after.get(place).is_none() {
            return Err(format!("{place:?} is not there after two applies"));
        }
        met.add("records compared", 1);
        pair.record(place)?;
    }
    for place in
        after.records.keys().filter(|place| alone.get(place).is_none() && !pair.leans_on(place, &more))
    {
        pair.stays_whole(place)?;
    }
    Ok(())
}

struct Pair<'p> {
    first: &'p Side,
    side: &'p Side,
    before: &'p Held,
    alone: &'p Held,
    after: &'p Held,
    named: &'p Named,
    met: &'p Met,
}

impl Pair<'_> {
    /// Whether a record's row, or a key that stands in for one of its parents, names a record that one way alone has.
    fn leans_on(&self, place: &Place, more: &BTreeSet<&str>) -> bool {
        let Some((load, _)) = self.side.sources.row(&self.side.manifest.loads, place.0, &place.1) else {
            return false;
        };
        let mut rows = self.side.sources.rows[load.as_str()].iter();
        let cells = rows.any(|row| {
            let mine = row["id"].eq_ignore_ascii_case(&place.1);
            mine && PARENTS.iter().any(|column| more.contains(row[column].to_lowercase().as_str()))
        });
        let load = self.load(&load);
        let words = load.fields.iter().flat_map(|field| ["fallback", "default"].map(|word| field.says(word)));
        let leans = cells || words.flatten().any(|key| more.contains(key.to_lowercase().as_str()));
        self.met.add("records that lean on another way's", leans.into());
        leans
    }

    fn load(&self, name: &str) -> &Load {
        self.side.manifest.loads.iter().find(|load| load.name == name).unwrap()
    }

    /// A record that both ways have.
    fn record(&self, place: &Place) -> Result<(), String> {
        let (alone, after, before) =
            (&self.alone.records[place], &self.after.records[place], self.before.get(place));
        let (name, row) =
            self.side.sources.row(&self.side.manifest.loads, place.0, &place.1).ok_or("no row")?;
        let load = self.load(&name);
        let is_left = Named::has(&self.named.left, &name, &place.1);
        // A row that is named may be as it should be: its second pass waits either way.
        if is_left && before.is_some() && alone != after {
            let refused = self.refused(place);
            // Of a key with several rows one may be refused and another go.
            if refused.is_ok() || self.side.sources.copies(&name, &place.1) == 1 {
                return refused;
            }
        }
        let mut behind = false;
        for (field, cell) in after {
            if *cell == alone[field] {
                continue;
            }
            let old = before.and_then(|record| record[field].clone());
            let of = load.fields.iter().find(|of| of.name == *field);
            match before.is_some().then(|| self.may_stay(load, of, field, &alone[field])).flatten() {
                // What the org takes on create alone stays where the ledger cannot tell what it was created with.
                None if ONCE.contains(field) && *cell == old => behind = true,
                Some(why) if *cell == old => {
                    self.met.add(why, 1);
                    // A blank wants nothing.
                    let wants = alone[field].is_some() && !may_be_unsent(field, &alone[field]);
                    behind |= why == "kept as created" && wants;
                }
                Some(_) if cell.is_none() && self.is_gone(old.as_deref()) => {}
                why => {
                    return Err(format!(
                        "{place:?} {field}: {cell:?} instead of {:?}, before {old:?} (may stay: {why:?}; {row:?})",
                        alone[field]
                    ));
                }
            }
        }
        let told = Named::has(&self.named.values, &name, &place.1);
        let once: Vec<&Field> = load.fields.iter().filter(|of| of.says("only") == Some("create")).collect();
        let differs = |of: &&Field| before.is_some_and(|record| record[of.name] != alone[of.name]);
        if behind && !told {
            return Err(format!("{place:?} keeps what it was created with, and no file names it"));
        }
        // Where other fields had a value then, the ledger cannot compare them.
        let filled = |record: Option<&Record>| -> Vec<bool> {
            let fields = ONCE.into_iter().chain(names(&once));
            fields.map(|of| record.is_some_and(|cells| cells.get(of).is_some_and(Option::is_some))).collect()
        };
        let same = self.was_created_with(load, &names(&once)) && filled(before) == filled(Some(alone));
        let known = |of: &&Field| {
            [before, Some(alone)].iter().flatten().all(|record| !may_be_unsent(of.name, &record[of.name]))
        };
        if told && same && once.iter().all(known) && !once.iter().any(differs) {
            return Err(format!("{place:?} is named with a value that stays, and all are as they should be"));
        }
        Ok(())
    }

    /// Whether the record was created with the same `only: create` fields: whichever load of its object created it.
    fn was_created_with(&self, load: &Load, fields: &[&'static str]) -> bool {
        let of_load = |load: &Load| {
            names(&load.fields.iter().filter(|of| of.says("only") == Some("create")).collect::<Vec<_>>())
        };
        let mut loads = self.first.manifest.loads.iter().filter(|other| other.object == load.object);
        loads.all(|load| of_load(load) == fields)
    }

    /// Why a field may be as it was before.
    fn may_stay(
        &self,
        load: &Load,
        of: Option<&Field>,
        field: &str,
        alone: &Option<String>,
    ) -> Option<&'static str> {
        let Some(of) = of else { return Some("not mapped") };
        if of.says("only") == Some("create") {
            return Some("kept as created");
        }
        let blank = alone.is_none() || OF_ITSELF.contains(&field);
        let clears = self.side.manifest.clears(load, of);
        // `on_missing: blank`, `unmapped: blank` and the like leave what the org has.
        let by_word =
            ["on_missing", "unmapped", "other", "inactive"].iter().any(|word| of.says(word).is_some())
                || ["ref", "lookup", "first_of", "user", "queue", "record_type"].contains(&of.verb);
        if blank && (!clears || by_word) { Some("blank keeps") } else { None }
    }

    /// A row that both could send, and that the second apply refused: it stays as it was, and with reason.
    fn refused(&self, place: &Place) -> Result<(), String> {
        self.met.add("refused and named", 1);
        let (alone, before, after) =
            (&self.alone.records[place], &self.before.records[place], &self.after.records[place]);
        self.unmoved(place, before, after)?;
        match ONCE.iter().find(|field| alone.get(*field) != before.get(*field)) {
            Some(_) => Ok(()),
            None => {
                let why: Vec<_> = self.named.left.values().filter_map(|keys| keys.get(&place.1)).collect();
                Err(format!("{place:?} is left out, and alone it lands: {why:?}; {}", unlike(alone, before)))
            }
        }
    }

    /// A record that the second way alone has: it was there before, and its row, if it has one, did not go.
    fn stays_whole(&self, place: &Place) -> Result<(), String> {
        let Some(before) = self.before.get(place) else {
            return Err(format!("{place:?} is there after two applies, and after neither alone"));
        };
        let row = self.side.sources.row(&self.side.manifest.loads, place.0, &place.1);
        let patched =
            self.side.manifest.loads.iter().any(|load| load.name == "patch" && load.object == place.0);
        if patched && row.as_ref().is_some_and(|(load, _)| load == "patch") {
            return Ok(());
        }
        if row.is_none() {
            self.met.add("absent", 1);
            let loads = self.side.manifest.loads.iter().filter(|load| load.object == place.0);
            if !loads.clone().any(|load| self.named.absent.get(load.name).is_some_and(|count| *count > 0)) {
                return Err(format!("{place:?} is absent, and no load counts it"));
            }
        }
        self.unmoved(place, before, &self.after.records[place])
    }

    /// Only what it pointed to may be gone.
    fn unmoved(&self, place: &Place, before: &Record, after: &Record) -> Result<(), String> {
        for (field, cell) in after {
            let old = &before[field];
            if cell != old && !(cell.is_none() && self.is_gone(old.as_deref())) {
                return Err(format!(
                    "{place:?} {field}: {cell:?}, though its row did not go; before {old:?}"
                ));
            }
        }
        Ok(())
    }

    /// Whether a key is one of a record that was there before and is deleted.
    fn is_gone(&self, key: Option<&str>) -> bool {
        let has = |held: &Held, key: &str| held.records.keys().any(|(_, known)| known == key);
        key.is_some_and(|key| has(self.before, key) && !has(self.after, key))
    }
}

/// Two orgs that came from the same org by the same manifest are the same, but for rows that one was right to refuse.
pub fn same(side: &Side, after: &Held, other: &Held, named: &Named, met: &Met) -> Result<(), String> {
    for (place, record) in &after.records {
        let row = side.sources.row(&side.manifest.loads, place.0, &place.1);
        if row.is_some_and(|(load, _)| Named::has(&named.left, &load, &place.1)) {
            continue;
        }
        met.add("records held against all sent again", 1);
        if other.get(place) != Some(record) {
            let why =
                other.get(place).map_or_else(|| "is not there".to_owned(), |other| unlike(other, record));
            return Err(format!("all sent again, {place:?}: {why}"));
        }
    }
    match other.records.keys().find(|place| after.get(place).is_none()) {
        Some(place) => Err(format!("all sent again, {place:?} is there")),
        None => Ok(()),
    }
}

fn names(fields: &[&Field]) -> Vec<&'static str> {
    fields.iter().map(|of| of.name).collect()
}

/// The cells that are not the same.
fn unlike(one: &Record, other: &Record) -> String {
    let cells = one.iter().filter(|(field, cell)| other[*field] != **cell);
    let told: Vec<String> =
        cells.map(|(field, cell)| format!("{field} {cell:?} instead of {:?}", other[field])).collect();
    told.join(", ")
}
