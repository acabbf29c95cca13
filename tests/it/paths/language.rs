//! Random manifests over one fixed org: every word of the language that decides what is sent, alone and together. Knows how
//! a manifest is written; must not know what becomes of a row.

use super::fields::{DEAL, Field, reference_words, text};
use super::rows::{Form, Sources};
use crate::dice::Dice;
use std::fmt::Write;

/// The org that all manifests load into.
pub const ORG: &str = "\
objects:
  Firm__c:
    name: text
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
      Note__c: { type: string, length: 8 }
      Up__c: { type: reference, to: Firm__c }
      Main__c: { type: reference, to: Deal__c }
  Place__c:
    name: text
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
  Region__c:
    name: text
    fields:
      Code__c: { type: string, length: 20 }
      Land__c: { type: string, length: 20 }
  Deal__c:
    name: text
    record_types: [Big, Small]
    fields:
      K__c: { type: string, length: 20, external_id: true, unique: true }
      Text__c: { type: string, length: 8 }
      Long__c: { type: textarea, length: 40 }
      Pick__c: { type: picklist, values: [Red, Green, Blue], restricted: true }
      Many__c: { type: multipicklist, values: [Red, Green, Blue], restricted: true }
      Number__c: { type: double, precision: 10, scale: 2 }
      Whole__c: { type: double, precision: 10, scale: 0 }
      Day__c: { type: date }
      At__c: { type: datetime }
      Yes__c: { type: boolean }
      Once__c: { type: string, length: 20, updateable: false }
      Firm__c: { type: reference, to: Firm__c }
      Link__c: { type: reference, to: [Firm__c, Place__c] }
      OnceFirm__c: { type: reference, to: Firm__c, updateable: false }
      Region__c: { type: reference, to: Region__c }
users:
  - { username: ada@acme.example, email: ada@mail.example, name: Ada, employee_number: ada, active: true }
  - { username: bob@acme.example, email: bob@mail.example, name: Bob, employee_number: bob, active: true }
  - { username: cyd@acme.example, email: cyd@mail.example, name: Cyd, employee_number: cyd, active: false }
queues:
  - { name: Desk, objects: [Deal__c] }
  - { name: Till, objects: [Deal__c] }
";

/// A load.
#[derive(Clone, PartialEq)]
pub struct Load {
    pub name: &'static str,
    pub object: &'static str,
    pub fields: Vec<Field>,
    /// Words of the load with their values.
    pub words: Vec<(&'static str, String)>,
    /// How its file is written.
    pub form: Form,
}

impl Load {
    pub fn says(&self, word: &str) -> Option<&str> {
        self.words.iter().find(|(name, _)| *name == word).map(|(_, text)| text.as_str())
    }
}

/// A manifest.
#[derive(Clone, PartialEq)]
pub struct Manifest {
    pub loads: Vec<Load>,
    /// Words under `defaults`.
    pub defaults: Vec<(&'static str, String)>,
    /// Value of `vars.v`; and of that in the environment, if it has another.
    pub vars: (String, Option<String>),
    /// Whether the loads stand in a file of their own.
    pub included: bool,
    pub limits: (usize, usize),
}

const POLICIES: &[(&str, &[&str])] = &[
    ("blank", &["keep", "clear"]),
    ("unmapped", &["blank", "pass", "reject"]),
    ("too_long", &["truncate", "reject"]),
    ("too_precise", &["round", "reject"]),
    ("on_missing", &["hold", "blank", "reject"]),
];

impl Manifest {
    pub fn new(dice: &mut Dice) -> Self {
        let mut loads = vec![firms(dice), places(dice), deals(dice, "deals")];
        if dice.chance(25) {
            loads.push(deals(dice, "more"));
        }
        if dice.chance(12) {
            loads.push(of_others(dice, "gone", "Place__c", "delete"));
        }
        if dice.chance(12) {
            loads.push(of_others(dice, "patch", "Firm__c", "update"));
        }
        if dice.chance(30) {
            loads.rotate_left(1);
        }
        let defaults = policies(dice, 12);
        let vars = (dice.pick(&["V1", "V2"]).to_string(), dice.chance(30).then(|| "V3".to_owned()));
        let limits = (1 + dice.below(3), *dice.pick(&[1, 3, 10_000]));
        Self { loads, defaults, vars, included: dice.chance(15), limits }
    }

    /// Whether a field of a load is emptied by a blank.
    pub fn clears(&self, load: &Load, field: &Field) -> bool {
        let default = self.defaults.iter().find(|(name, _)| *name == "blank").map(|(_, text)| text.as_str());
        field.says("blank").or(load.says("blank")).or(default) == Some("clear")
    }

    /// Its files: `cutover.yaml` and what that includes.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut top = String::from("cutover: 1\nproject: paths\n");
        writeln!(top, "vars: {{ v: {} }}", self.vars.0).unwrap();
        let own = self.vars.1.as_ref().map_or_else(String::new, |v| format!(", vars: {{ v: {v} }}"));
        writeln!(
            top,
            "environments: {{ local: {{ org: {{ local: org.yaml }}, limits: {{ parallel_jobs: {}, part_rows: {} }}{own} }} }}",
            self.limits.0, self.limits.1
        )
        .unwrap();
        let defaults: String = self.defaults.iter().map(|(word, text)| format!("{word}: {text}, ")).collect();
        writeln!(top, "defaults: {{ {defaults}max_failed: 100% }}").unwrap();
        let mut objects = String::from("objects:\n");
        self.loads.iter().for_each(|load| write_load(&mut objects, load));
        if self.included {
            vec![
                ("cutover.yaml".to_owned(), top + "include: loads.yaml\n"),
                ("loads.yaml".to_owned(), objects),
            ]
        } else {
            vec![("cutover.yaml".to_owned(), top + &objects)]
        }
    }

    /// The manifest with its loads' files.
    pub fn with(&self, sources: &Sources) -> Vec<(String, Vec<u8>)> {
        let files = self.files().into_iter().map(|(path, text)| (path, text.into_bytes()));
        let rows =
            self.loads.iter().map(|load| (format!("{}.csv", load.name), sources.file(load.name, &load.form)));
        let maps = [("map.csv".to_owned(), sources.map_file().into_bytes())];
        files.chain(rows).chain(maps).collect()
    }
}

fn write_load(text: &mut String, load: &Load) {
    writeln!(text, "  - name: {}\n    object: {}\n    key: K__c", load.name, load.object).unwrap();
    writeln!(text, "    source: {}", load.form.yaml(load.name)).unwrap();
    load.words.iter().for_each(|(word, value)| writeln!(text, "    {word}: {value}").unwrap());
    text.push_str("    fields:\n      K__c: id\n");
    for field in &load.fields {
        writeln!(text, "      {}: {}", field.name, field.yaml()).unwrap();
    }
}

fn policies(dice: &mut Dice, percent: u64) -> Vec<(&'static str, String)> {
    let mut words = Vec::new();
    for (word, values) in POLICIES {
        if dice.chance(percent) {
            words.push((*word, (*dice.pick(values)).to_owned()));
        }
    }
    words
}

/// A load's words but for its operation.
fn words(dice: &mut Dice) -> Vec<(&'static str, String)> {
    let mut words = policies(dice, 8);
    words.push(("duplicates", dice.pick(&["reject", "first", "last"]).to_string()));
    if dice.chance(40) {
        words.push(("api", dice.pick(&["auto", "bulk"]).to_string()));
    }
    if dice.chance(20) {
        let wheres =
            ["kind != \"X\"", "not (kind == \"B\")", "id != \"D1\"", "name is blank or kind != \"A\""];
        words.push(("where", format!("'{}'", dice.pick(&wheres))));
    }
    if dice.chance(20) {
        words.push(("part_rows", dice.pick(&["1", "2"]).to_string()));
    }
    if dice.chance(10) {
        words.push(("overlap", "true".into()));
    }
    words
}

fn firms(dice: &mut Dice) -> Load {
    let mut words = words(dice);
    if dice.chance(40) {
        words.push(("levels", dice.pick(&["1", "2", "3"]).to_string()));
    }
    let mut fields = vec![Field::new("Name", "from", "name")];
    if dice.chance(60) {
        fields.push(text(dice, "Note__c"));
    }
    for (name, column) in [("Up__c", "up"), ("Main__c", "main")] {
        if dice.chance(50) {
            let to = if name == "Up__c" { "Firm__c" } else { "Deal__c" };
            let mut field = Field::new(name, "ref", format!("{to}, from: {column}"));
            let keys: &[&str] = if name == "Up__c" { &["F0", "F1"] } else { &["D0", "D1"] };
            reference_words(dice, &mut field, keys);
            fields.push(field);
        }
    }
    Load { name: "firms", object: "Firm__c", fields, words, form: Form::new(dice) }
}

fn places(dice: &mut Dice) -> Load {
    let fields = vec![Field::new("Name", "from", "name")];
    let words = words(dice);
    Load { name: "places", object: "Place__c", fields, words, form: Form::new(dice) }
}

fn deals(dice: &mut Dice, name: &'static str) -> Load {
    let mut words = words(dice);
    if dice.chance(20) {
        words.push(("operation", "insert".into()));
    }
    if dice.chance(10) {
        words.push(("after", "[firms]".into()));
    }
    let mut fields = vec![Field::new("Name", "from", "name")];
    for (field, draw) in DEAL {
        if dice.chance(50) {
            let mut drawn = draw(dice, field);
            // What is taken on create alone is not for updates.
            let once = field.starts_with("Once");
            drawn.extras.retain(|(word, text)| !(once && *word == "only" && text == "update"));
            fields.push(drawn);
        }
    }
    Load { name, object: "Deal__c", fields, words, form: Form::new(dice) }
}

/// A load of records that are there.
fn of_others(dice: &mut Dice, name: &'static str, object: &'static str, operation: &str) -> Load {
    let mut words = words(dice);
    words.retain(|(word, _)| *word != "where");
    words.push(("operation", operation.to_owned()));
    let mut fields = if operation == "delete" { Vec::new() } else { vec![text(dice, "Note__c")] };
    // It creates nothing.
    fields.iter_mut().for_each(|field| field.extras.retain(|(word, _)| *word != "only"));
    Load { name, object, fields, words, form: Form::new(dice) }
}
