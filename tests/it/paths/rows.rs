//! Random rows for the sources of a random manifest, and the files that hold them, written as a manifest says.

use super::language::Load;
use crate::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Keys of firms; some sources lack some of them.
pub const FIRMS: [&str; 5] = ["F0", "F1", "F2", "F3", "F4"];

/// The columns of every source.
pub const COLUMNS: [&str; 21] = [
    "id", "name", "text", "pick", "many", "num", "day", "at", "yes", "once", "firm", "kind", "link", "up",
    "main", "user", "alias", "rt", "queue", "region", "spare",
];

/// Values of a column, common ones several times.
const VALUES: &[(&str, &[&str])] = &[
    ("name", &["N0", "N1", "N2", "N3"]),
    (
        "text",
        &[
            "",
            "  ",
            "alpha",
            "beta",
            "alpha",
            "beta",
            "longer than eight",
            "NULL",
            "été",
            "a\nb",
            "a \"q\" b",
            "Alpha",
        ],
    ),
    ("pick", &["", "R", "G", "B", "R", "G", "Red", "Z"]),
    ("many", &["", "Red;Blue", "Green", "Blue;Red", "Red", "Red;Green", "Blue", "Pink"]),
    ("num", &["", "1", "2.50", "2.5", "3.999", "8.0E1", "12", "-4", "0", "1,234", "x"]),
    ("day", &["", "2024-02-03", "2024-03-02", "2024-05-06", "2024-02-30", " 2024-02-03 "]),
    (
        "at",
        &["", "2024-02-03T04:05", "2024-06-03T04:05", "2024-02-03T04:05:06Z", "2024-02-03T04:05:06+02:00"],
    ),
    ("yes", &["", "yes", "no", "1", "true", "0", "maybe"]),
    ("once", &["", "o1", "o1", "o1", "o2"]),
    ("firm", &["", "F0", "F1", "F2", "F3", "F4", "f1", "F9"]),
    ("kind", &["A", "B", "A", "B", "C", ""]),
    ("link", &["", "F0", "F1", "F2", "P0", "P1", "P2", "p0", "F9"]),
    ("up", &["", "", "F0", "F1", "F2", "F3", "F9"]),
    ("main", &["", "D0", "D1", "D2", "D3", "D9"]),
    (
        "user",
        &[
            "",
            "ada@mail.example",
            "bob@mail.example",
            "ada@mail.example",
            "cyd@mail.example",
            "eve@mail.example",
        ],
    ),
    ("alias", &["", "ada", "bob", "ada", "cyd", "eve"]),
    ("rt", &["", "Big", "Small", "b", "s", "Odd"]),
    ("queue", &["", "Desk", "Till", "Desk", "Shop"]),
    ("region", &["", "east", "west", "north", "east", "nowhere"]),
];

/// A row: its cells by column.
pub type Row = BTreeMap<&'static str, String>;

/// The rows of each load by its name, and the pairs of the map file.
#[derive(Clone)]
pub struct Sources {
    pub rows: BTreeMap<&'static str, Vec<Row>>,
    map: Vec<(&'static str, &'static str)>,
}

impl Sources {
    pub fn new(dice: &mut Dice) -> Self {
        let mut rows = BTreeMap::new();
        let firms: Vec<&str> = FIRMS.into_iter().filter(|_| dice.chance(88)).collect();
        let places: Vec<&str> = ["P0", "P1", "P2"].into_iter().filter(|_| dice.chance(88)).collect();
        let rest = |all: &[&'static str], used: &[&str]| -> Vec<&'static str> {
            all.iter().copied().filter(|key| !used.contains(key)).collect()
        };
        let patched = rest(&FIRMS, &firms);
        let gone = rest(&["P0", "P1", "P2"], &places);
        // A row moves between the two loads of one object now and then.
        let border = 4 + dice.below(3);
        let deals = ["D0", "D1", "D2", "D3", "D4", "D5", "D6", "D7"];
        let (one, two) = deals.split_at(border);
        let some = |dice: &mut Dice, keys: &[&'static str]| -> Vec<&'static str> {
            keys.iter().copied().filter(|_| dice.chance(88)).collect()
        };
        let (one, two) = (some(dice, one), some(dice, two));
        for (load, keys) in [
            ("firms", &firms),
            ("places", &places),
            ("deals", &one),
            ("more", &two),
            ("patch", &patched),
            ("gone", &gone),
        ] {
            rows.insert(load, of_keys(dice, keys, load != "patch" && load != "gone"));
        }
        let maps: [&[(&str, &str)]; 3] = [
            &[("R", "Red"), ("G", "Green"), ("B", "Blue")],
            &[("R", "Blue"), ("G", "Green")],
            &[("R", "Red"), ("Z", "Green"), ("B", "Red")],
        ];
        Self { rows, map: dice.pick(&maps).to_vec() }
    }

    /// The same rows with some cells changed, some rows gone and some come.
    pub fn later(&self, dice: &mut Dice) -> Self {
        let mut fresh = Self::new(dice);
        if dice.chance(50) {
            fresh.map.clone_from(&self.map);
        }
        for (load, rows) in &mut fresh.rows {
            for row in rows {
                let old = self.rows[load].iter().find(|old| old["id"].eq_ignore_ascii_case(&row["id"]));
                let Some(old) = old.filter(|_| dice.chance(80)) else { continue };
                let changed: BTreeSet<&str> = COLUMNS.into_iter().filter(|_| dice.chance(8)).collect();
                for (column, cell) in row.iter_mut().filter(|(column, _)| !changed.contains(*column)) {
                    cell.clone_from(&old[column]);
                }
            }
        }
        fresh
    }

    /// A load's file.
    pub fn file(&self, load: &str, form: &Form) -> Vec<u8> {
        let mut text = COLUMNS.join(&form.delimiter.to_string());
        text.push('\n');
        for row in &self.rows[load] {
            let cells: Vec<String> = COLUMNS.iter().map(|column| form.cell(&row[column])).collect();
            text.push_str(&cells.join(&form.delimiter.to_string()));
            text.push('\n');
        }
        form.encoded(&text)
    }

    /// The same rows, every other of them with a text that is longer than its field.
    pub fn with_long_texts(mut self) -> Self {
        for row in self.rows.values_mut().flat_map(|rows| rows.iter_mut().step_by(2)) {
            row.insert("text", "longer than eight".to_owned());
        }
        self
    }

    /// The same rows with another map.
    pub fn with_map_of(&self, other: &Self) -> Self {
        Self { rows: self.rows.clone(), map: other.map.clone() }
    }

    /// `map.csv`.
    pub fn map_file(&self) -> String {
        let mut text = String::from("from,to\n");
        self.map.iter().for_each(|(from, to)| writeln!(text, "{from},{to}").unwrap());
        text
    }

    /// How many rows of a load have this key.
    pub fn copies(&self, load: &str, key: &str) -> usize {
        self.rows[load].iter().filter(|row| row["id"].eq_ignore_ascii_case(key)).count()
    }

    /// The row of a key that a load of these brings.
    pub fn row(&self, loads: &[Load], object: &str, key: &str) -> Option<(String, &Row)> {
        loads.iter().filter(|load| load.object == object).find_map(|load| {
            let rows = &self.rows[load.name];
            let row = rows.iter().find(|row| row["id"].eq_ignore_ascii_case(key))?;
            Some((load.name.to_owned(), row))
        })
    }
}

fn of_keys(dice: &mut Dice, keys: &[&'static str], copies: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = keys.iter().map(|key| row(dice, key)).collect();
    if copies && dice.chance(15) && !rows.is_empty() {
        let key = dice.pick(keys);
        rows.push(row(dice, key));
    }
    if dice.chance(30) {
        rows.reverse();
    }
    rows
}

fn row(dice: &mut Dice, key: &str) -> Row {
    let mut row: Row = VALUES.iter().map(|(column, values)| (*column, cell(dice, values))).collect();
    row.insert("id", if dice.chance(8) { key.to_lowercase() } else { key.to_owned() });
    row.insert("spare", String::new());
    row
}

/// What a filter or a type refuses stands last, and comes seldom.
fn cell(dice: &mut Dice, values: &[&str]) -> String {
    let usual = if values.len() > 4 && !dice.chance(6) { values.len() - 1 } else { values.len() };
    dice.pick(&values[..usual]).to_string()
}

/// How a file is written.
#[derive(Clone, PartialEq)]
pub struct Form {
    delimiter: char,
    quote: char,
    latin: bool,
    nulls: bool,
    zone: &'static str,
}

impl Form {
    pub fn new(dice: &mut Dice) -> Self {
        Self {
            delimiter: *dice.pick(&[',', ',', ';', '\t']),
            quote: *dice.pick(&['"', '"', '\'']),
            latin: dice.chance(15),
            nulls: dice.chance(30),
            zone: *dice.pick(&["UTC", "Asia/Tokyo", "Europe/London"]),
        }
    }

    /// The load's `source`.
    pub fn yaml(&self, load: &str) -> String {
        let mut text = format!("{{ file: {load}.csv");
        match self.delimiter {
            ',' => {}
            '\t' => text.push_str(", delimiter: \"\\t\""),
            other => write!(text, ", delimiter: \"{other}\"").unwrap(),
        }
        if self.quote == '\'' {
            text.push_str(", quote: \"'\"");
        }
        if self.latin {
            text.push_str(", encoding: windows-1252");
        }
        if self.nulls {
            text.push_str(", null_values: [\"\", \"NULL\"]");
        }
        write!(text, ", timezone: {} }}", self.zone).unwrap();
        text
    }

    fn cell(&self, text: &str) -> String {
        if text.contains([self.delimiter, self.quote, '\n']) {
            let doubled = text.replace(self.quote, &format!("{0}{0}", self.quote));
            return format!("{0}{doubled}{0}", self.quote);
        }
        text.to_owned()
    }

    fn encoded(&self, text: &str) -> Vec<u8> {
        match self.latin {
            true => text.chars().map(|sign| u8::try_from(u32::from(sign)).unwrap()).collect(),
            false => text.as_bytes().to_vec(),
        }
    }
}
