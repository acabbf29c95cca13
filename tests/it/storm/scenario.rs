//! A random migration: objects that refer to each other, loads that fill them, and their rows, day by day. Knows how a
//! manifest and an `org.yaml` are written; must not know what becomes of a row: that is the model's.

use crate::dice::Dice;
use std::fmt::Write;

/// What is done with a row whose parent is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Hold,
    Blank,
    Reject,
}

/// What is done with rows of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    Reject,
    First,
    Last,
}

/// A reference field of an object.
#[derive(Debug, Clone)]
pub struct Reference {
    pub to: usize,
    pub missing: Missing,
    /// Given once, with the record: a master-detail.
    pub master: bool,
}

/// What a load does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Upsert,
    Insert,
    /// Of records that somebody else made.
    Update,
    /// The same.
    Delete,
    HardDelete,
}

impl Operation {
    pub fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::HardDelete)
    }

    /// Whether it is for records that the org has.
    pub fn of_others(self) -> bool {
        self == Self::Update || self.deletes()
    }

    fn word(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::HardDelete => "hardDelete",
        }
    }
}

/// A load.
#[derive(Debug, Clone)]
pub struct Load {
    pub object: usize,
    pub operation: Operation,
    pub copies: Copies,
    /// `api: auto`.
    pub auto: bool,
}

/// A row as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub key: String,
    pub name: String,
    pub amount: String,
    pub code: String,
    pub status: String,
    /// One for each reference of the object.
    pub parents: Vec<String>,
}

/// Objects with their references, loads, and for each day the rows of each load.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub objects: Vec<Vec<Reference>>,
    pub loads: Vec<Load>,
    pub days: Vec<Vec<Vec<Row>>>,
    /// References may lead in circles; then every row is a good one, because which reference of a circle goes later
    /// is the planner's choice, and with it what becomes of the children of a row that is refused.
    pub circles: bool,
    pub part_rows: usize,
    pub parallel: usize,
    seed: u64,
}

/// A text that the org's rule refuses.
pub const REFUSED: &str = "Refused";
/// A code that is longer than its field.
const TOO_LONG: &str = "ABCDEFGHIJK";

/// What a blank cell may look like.
const WHITE: [&str; 5] = ["", "", " ", "  ", "\u{3000}"];
/// Records with malformed quotes or line ends; rows like those of the file stand in them as parts of a cell.
const MALFORMED: [&str; 5] = [
    "Q1,\"x\"y,,C,live\n",
    "\"Q2\"z,n,\"1\",C,live\n",
    "Q3,\"He said \"hi\", ok\nL0-0,Stolen,1,C,live\nthanks\",C,live\n",
    "Q4,a\rb,\"1\",C,live\n",
    "Q5,\"a \"b\"\nL0-1,Stolen\",C,live\n",
];

/// Records of each object that somebody else made: as many to be updated, as many to be deleted.
pub const OTHERS: usize = 5;

impl Scenario {
    pub fn new(seed: u64) -> Self {
        let dice = &mut Dice::new(seed);
        let circles = dice.chance(40);
        let objects = objects(dice, circles);
        let mut loads = loads(dice, &objects);
        of_others(&mut Dice::of(seed, "operations"), &objects, &mut loads);
        let mut scenario = Self {
            seed,
            objects,
            loads,
            days: Vec::new(),
            circles,
            part_rows: *dice.pick(&[1, 2, 3, 7, 10_000]),
            parallel: 1 + dice.below(4),
        };
        let first = scenario.first_day(dice);
        scenario.days.push(first);
        for _ in 0..dice.below(3) {
            let next = scenario.next_day(dice);
            scenario.days.push(next);
        }
        scenario
    }

    /// Keys of the records that somebody else made before the first day, by object.
    pub fn others(&self) -> Vec<(usize, String)> {
        let mut keys = Vec::new();
        for load in self.loads.iter().filter(|load| load.operation.of_others()) {
            keys.extend((0..OTHERS).map(|number| (load.object, self.other_key(load, number))));
        }
        keys
    }

    fn other_key(&self, load: &Load, number: usize) -> String {
        let kind = if load.operation.deletes() { 'D' } else { 'E' };
        format!("{kind}{}-{number}", load.object)
    }

    /// What the sources held before they came to be this day's: rows that were not there yet, and others that said
    /// something else. Whatever of it lands, the day's own rows then write over it.
    pub fn earlier(&self, day: usize) -> Vec<Vec<Row>> {
        let dice = &mut Dice::of(self.seed, &format!("earlier {day}"));
        let mut before = self.days[day].clone();
        for (load, rows) in self.loads.iter().zip(&mut before) {
            let copies = |row: &Row, rows: &[Row]| rows.iter().filter(|r| r.key == row.key).count() > 1;
            let whole = rows.clone();
            rows.retain(|row| copies(row, &whole) || !dice.chance(15));
            for row in rows.iter_mut().filter(|row| !load.operation.deletes() && row.name != REFUSED) {
                if dice.chance(30) {
                    row.name = format!("Early {}", dice.below(3));
                }
            }
        }
        before
    }

    fn first_day(&self, dice: &mut Dice) -> Vec<Vec<Row>> {
        let mut day: Vec<Vec<Row>> = vec![Vec::new(); self.loads.len()];
        for (load, rows) in day.iter_mut().enumerate() {
            for number in 0..dice.below(9) {
                rows.push(self.row(dice, load, number));
            }
        }
        self.with_parents(dice, &mut day);
        self.with_copies(dice, &mut day);
        day
    }

    /// The same rows with some edited, some gone, some new.
    fn next_day(&self, dice: &mut Dice) -> Vec<Vec<Row>> {
        let mut day = self.days.last().cloned().unwrap_or_default();
        for (load, rows) in day.iter_mut().enumerate() {
            // Where references lead in circles, a parent that is gone would be the planner's choice again.
            if !self.circles && dice.chance(20) && !rows.is_empty() {
                rows.remove(dice.below(rows.len()));
            }
            for row in rows.iter_mut().filter(|r| !r.key.is_empty()) {
                if dice.chance(25) {
                    let fresh = self.row(dice, load, 0);
                    (row.name, row.amount, row.code) = (fresh.name, fresh.amount, fresh.code);
                    row.status = fresh.status;
                }
            }
            for number in 0..dice.below(3) {
                rows.push(self.row(dice, load, 100 * self.days.len() + number));
            }
        }
        self.with_parents(dice, &mut day);
        day
    }

    fn row(&self, dice: &mut Dice, load: usize, number: usize) -> Row {
        let bad = |dice: &mut Dice, percent| !self.circles && dice.chance(percent);
        let own = &self.loads[load];
        let key = || match own.operation.of_others() {
            true => self.other_key(own, number),
            false => format!("L{load}-{number}"),
        };
        let key = if bad(dice, 3) { String::new() } else { key() };
        let name = if bad(dice, 10) { REFUSED.into() } else { format!("Name {}", dice.below(5)) };
        let amount = match dice.below(4) {
            0 => String::new(),
            1 if bad(dice, 20) => "1,5x".into(),
            _ => format!("{}.{}0", dice.below(1000), dice.below(10)),
        };
        let code = if bad(dice, 5) { TOO_LONG.into() } else { format!("C{}", dice.below(4)) };
        let status = if bad(dice, 8) { "gone".into() } else { "live".into() };
        Row { key, name, amount, code, status, parents: Vec::new() }
    }

    /// Gives rows without parents theirs, and some of the others new ones.
    fn with_parents(&self, dice: &mut Dice, day: &mut [Vec<Row>]) {
        let keys: Vec<Vec<String>> = (0..self.objects.len()).map(|object| self.keys(day, object)).collect();
        let lost = &mut Dice::of(self.seed, &format!("nowhere {}", self.days.len()));
        for (load, rows) in day.iter_mut().enumerate() {
            let own = self.loads[load].object;
            let references = &self.objects[own];
            for row in rows {
                // Without circles a row's parents of its own object stand before it.
                let rank = keys[own].iter().position(|key| *key == row.key).unwrap_or(keys[own].len());
                let before =
                    |to: usize| if to == own && !self.circles { &keys[own][..rank] } else { &keys[to][..] };
                let old = std::mem::take(&mut row.parents);
                let new = references.iter().enumerate().map(|(at, reference)| match old.get(at) {
                    // A row keeps its master: it cannot be moved.
                    Some(parent) if reference.master || dice.chance(85) => parent.clone(),
                    // Where references lead in circles too: it is nowhere whichever of them goes later.
                    _ if self.circles && lost.chance(5) => "nowhere".into(),
                    _ => self.parent(dice, reference, before(reference.to)),
                });
                row.parents = new.collect();
            }
        }
    }

    fn parent(&self, dice: &mut Dice, reference: &Reference, keys: &[String]) -> String {
        if !self.circles && dice.chance(6) {
            return "nowhere".into();
        }
        if keys.is_empty() || !reference.master && dice.chance(25) {
            return if reference.master { "nowhere".into() } else { String::new() };
        }
        let key = dice.pick(keys);
        if dice.chance(10) { key.to_lowercase() } else { key.clone() }
    }

    fn keys(&self, day: &[Vec<Row>], object: usize) -> Vec<String> {
        let ours = |load: &Load| load.object == object && !load.operation.of_others();
        let loads = self.loads.iter().zip(day).filter(|(load, _)| ours(load));
        let keys = loads.flat_map(|(_, rows)| rows).map(|r| r.key.clone()).filter(|k| !k.is_empty());
        // A row keeps its rank from day to day.
        keys.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// Some rows twice, and of some copies one is rejected: it counts as one all the same.
    fn with_copies(&self, dice: &mut Dice, day: &mut [Vec<Row>]) {
        let bad = &mut Dice::of(self.seed, "bad copies");
        let pairs =
            self.loads.iter().zip(day).filter(|(load, _)| !self.circles && !load.operation.of_others());
        for (_, rows) in pairs {
            let good = |row: &&Row| !row.key.is_empty() && row.code != TOO_LONG && !row.amount.contains('x');
            let Some(row) = rows.iter().find(good).filter(|_| dice.chance(20)) else { continue };
            let mut copy = Row { name: format!("Copy {}", dice.below(3)), ..row.clone() };
            if bad.chance(40) {
                copy.code = TOO_LONG.into();
            }
            rows.push(copy);
            if bad.chance(30) {
                let last = rows.len() - 1;
                let first = rows.iter().position(|row| row.key == rows[last].key).unwrap_or(last);
                rows[first].amount = "1,5x".into();
            }
        }
    }

    /// `cutover.yaml`.
    pub fn manifest(&self) -> String {
        let limits = format!("{{ parallel_jobs: {}, part_rows: {} }}", self.parallel, self.part_rows);
        let mut text = format!(
            "cutover: 1\nproject: storm\nenvironments:\n  local: {{ org: {{ local: org.yaml }}, limits: {limits} }}\n  \
             other: {{ org: {{ local: org.yaml }} }}\n\
             objects:\n"
        );
        for (number, load) in self.loads.iter().enumerate() {
            let operation = load.operation.word();
            let api = if load.auto { "    api: auto\n" } else { "" };
            let copies = match load.copies {
                Copies::Reject => "reject",
                Copies::First => "first",
                Copies::Last => "last",
            };
            write!(
                text,
                "  - name: load{number}\n    object: {}\n    key: Legacy_Id__c\n    source: load{number}.csv\n    \
                 operation: {operation}\n{api}    duplicates: {copies}\n    where: status != \"gone\"\n    fields:\n      \
                 Legacy_Id__c: id\n",
                object_name(load.object)
            )
            .unwrap();
            if load.operation.deletes() {
                continue;
            }
            text += "      Name: name\n      Amount__c: amount\n      Code__c: code\n";
            for (at, reference) in self.objects[load.object].iter().enumerate() {
                let missing = match reference.missing {
                    Missing::Hold => "hold",
                    Missing::Blank => "blank",
                    Missing::Reject => "reject",
                };
                let to = object_name(reference.to);
                writeln!(text, "      R{at}__c: {{ ref: {to}, from: r{at}, on_missing: {missing} }}")
                    .unwrap();
            }
        }
        text
    }

    /// `org.yaml`.
    pub fn org(&self) -> String {
        let mut text = String::from("objects:\n");
        for (number, references) in self.objects.iter().enumerate() {
            let name = object_name(number);
            write!(
                text,
                "  {name}:\n    name: text\n    fields:\n      \
                 Legacy_Id__c: {{ type: string, length: 40, external_id: true, unique: true }}\n      \
                 Amount__c: {{ type: double, precision: 18, scale: 2 }}\n      \
                 Code__c: {{ type: string, length: 10 }}\n      \
                 Note__c: {{ type: string, length: 10 }}\n"
            )
            .unwrap();
            for (at, reference) in references.iter().enumerate() {
                let to = object_name(reference.to);
                let master = if reference.master { ", master_detail: true" } else { "" };
                writeln!(text, "      R{at}__c: {{ type: reference, to: {to}{master} }}").unwrap();
            }
            writeln!(
                text,
                "    rules:\n      - {{ name: no_refused, when: 'Name == \"{REFUSED}\"', message: Refused it is, field: Name }}"
            )
            .unwrap();
        }
        text
    }

    /// The file of a load on a day.
    pub fn csv(&self, day: usize, load: usize) -> String {
        self.file(&self.days[day][load], load)
    }

    /// The file of a load with these rows.
    pub fn file(&self, rows: &[Row], load: usize) -> String {
        let references = self.objects[self.loads[load].object].len();
        let mut text = String::from("id,name,amount,code,status");
        (0..references).for_each(|at| write!(text, ",r{at}").unwrap());
        text.push('\n');
        let malformed = self.malformed(load);
        for (at, row) in rows.iter().enumerate() {
            malformed.iter().filter(|(place, _)| *place == at).for_each(|(_, lines)| text.push_str(lines));
            let Row { key, name, amount, code, status, parents } = row;
            let white = &mut Dice::of(self.seed, &format!("white {load} {key}"));
            let mut cell =
                |text: &str| if text.is_empty() { (*white.pick(&WHITE)).to_owned() } else { text.to_owned() };
            write!(text, "{},{name},\"{}\",{},{status}", cell(key), cell(amount), cell(code)).unwrap();
            parents.iter().for_each(|parent| write!(text, ",{}", cell(parent)).unwrap());
            text.push('\n');
        }
        malformed
            .iter()
            .filter(|(place, _)| *place >= rows.len())
            .for_each(|(_, lines)| text.push_str(lines));
        text
    }

    /// Malformed records of a load's file: before which row each stands, and its lines. Each is one rejected row.
    pub fn malformed(&self, load: usize) -> Vec<(usize, &'static str)> {
        let dice = &mut Dice::of(self.seed, &format!("malformed {load}"));
        let count = if dice.chance(20) { 1 + dice.below(2) } else { 0 };
        (0..count).map(|_| (dice.below(7), *dice.pick(&MALFORMED))).collect()
    }

    /// What shows all that the org holds of an object.
    pub fn query(&self, object: usize) -> String {
        let parents: String =
            (0..self.objects[object].len()).map(|at| format!(", R{at}__r.Legacy_Id__c")).collect();
        let name = object_name(object);
        format!(
            "SELECT Legacy_Id__c, Name, Amount__c, Code__c, Note__c{parents} FROM {name} ORDER BY Legacy_Id__c"
        )
    }
}

/// `Thing0__c`.
pub fn object_name(number: usize) -> String {
    format!("Thing{number}__c")
}

/// Without circles an object refers to those before it, and to itself.
fn objects(dice: &mut Dice, circles: bool) -> Vec<Vec<Reference>> {
    let count = 1 + dice.below(4);
    let mut objects = Vec::new();
    for number in 0..count {
        let mut references = Vec::new();
        // Of two parents that are not there, the one found out first has the word; so one strict policy an object.
        let strict = *dice.pick(&[Missing::Hold, Missing::Hold, Missing::Reject]);
        for _ in 0..dice.below(3) {
            let to = if circles { dice.below(count) } else { dice.below(number + 1) };
            let first = references.is_empty();
            let master = !circles && first && to < number && dice.chance(30);
            // A master cannot be blank.
            let missing = if !master && dice.chance(25) { Missing::Blank } else { strict };
            references.push(Reference { to, missing, master });
        }
        objects.push(references);
    }
    objects
}

/// One or two loads of each object. One that refers to itself is not inserted twice over.
fn loads(dice: &mut Dice, objects: &[Vec<Reference>]) -> Vec<Load> {
    let mut loads = Vec::new();
    for object in 0..objects.len() {
        for _ in 0..1 + usize::from(dice.chance(25)) {
            let copies = *dice.pick(&[Copies::Reject, Copies::First, Copies::Last]);
            let operation = if dice.chance(20) { Operation::Insert } else { Operation::Upsert };
            loads.push(Load { object, operation, copies, auto: false });
        }
    }
    loads
}

/// Some loads by calls, and now and then one more for records that somebody else made, which have no masters.
fn of_others(dice: &mut Dice, objects: &[Vec<Reference>], loads: &mut Vec<Load>) {
    let by_calls = dice.chance(40);
    for (object, references) in objects.iter().enumerate() {
        let masterless = !references.iter().any(|reference| reference.master);
        if masterless && dice.chance(20) {
            let kinds = [Operation::Update, Operation::Update, Operation::Delete, Operation::HardDelete];
            let operation = *dice.pick(&kinds);
            loads.push(Load { object, operation, copies: Copies::Reject, auto: false });
        }
    }
    for load in loads.iter_mut() {
        load.auto = by_calls && dice.chance(60);
    }
}
