//! Random values for the fields of the one org: every verb and every word beside it, alone and together.

use super::rows::FIRMS;
use crate::dice::Dice;
use std::fmt::Write;

/// A field's value: its verb, and what stands beside it.
#[derive(Clone, PartialEq)]
pub struct Field {
    pub name: &'static str,
    pub verb: &'static str,
    /// What stands to the right of the verb, and the words without which it is nothing (`from` of a `ref`).
    pub value: String,
    pub extras: Vec<(&'static str, String)>,
}

impl Field {
    pub fn new(name: &'static str, verb: &'static str, value: impl Into<String>) -> Self {
        Self { name, verb, value: value.into(), extras: Vec::new() }
    }

    /// What a word beside the verb says here.
    pub fn says(&self, word: &str) -> Option<&str> {
        self.extras.iter().find(|(name, _)| *name == word).map(|(_, text)| text.as_str())
    }

    pub fn yaml(&self) -> String {
        let mut text = format!("{{ {}: {}", self.verb, self.value);
        for (word, value) in &self.extras {
            write!(text, ", {word}: {value}").unwrap();
        }
        text + " }"
    }

    fn add(&mut self, dice: &mut Dice, percent: u64, word: &'static str, values: &[&str]) {
        if dice.chance(percent) {
            self.extras.push((word, (*dice.pick(values)).to_owned()));
        }
    }
}

/// Fields of `Deal__c` and how they are filled.
pub type Draw = fn(&mut Dice, &'static str) -> Field;
pub const DEAL: &[(&str, Draw)] = &[
    ("Text__c", text),
    ("Long__c", text),
    ("Pick__c", pick),
    ("Many__c", many),
    ("Number__c", number),
    ("Whole__c", number),
    ("Day__c", day),
    ("At__c", at),
    ("Yes__c", yes),
    ("Once__c", once),
    ("Firm__c", firm),
    ("Link__c", link),
    ("OnceFirm__c", firm),
    ("Region__c", region),
    ("OwnerId", owner),
    ("RecordTypeId", record_type),
];

fn common(dice: &mut Dice, field: &mut Field, defaults: &[&str]) {
    field.add(dice, 20, "default", defaults);
    field.add(dice, 25, "blank", &["clear", "keep"]);
    field.add(dice, 15, "when", &["'kind == \"A\"'", "'kind'", "'name != \"N1\"'"]);
    field.add(dice, 15, "only", &["create", "create", "update"]);
}

pub fn text(dice: &mut Dice, name: &'static str) -> Field {
    let mut field = match dice.below(10) {
        0 => Field::new(name, "value", *dice.pick(&["V", "W", "\"${v}\""])),
        1 => {
            let lists = [
                "[ { from: text }, { from: name }, { value: Z } ]",
                "[ { from: name | upper }, { from: text } ]",
                "[ { from: text | lower }, { value: Y } ]",
            ];
            let mut field = Field::new(name, "first_of", *dice.pick(&lists));
            field.add(dice, 20, "only", &["create", "update"]);
            field.add(dice, 20, "too_long", &["truncate", "reject"]);
            return field;
        }
        _ => {
            let expressions = [
                "text",
                "text",
                "text | upper",
                "text | squish",
                "'text | default(\"q\")'",
                "'text ~ kind'",
                "'text if kind == \"A\" else name'",
                "vars.v",
                "text | truncate(3)",
                "'text | replace(\"a\", \"o\")'",
            ];
            Field::new(name, "from", *dice.pick(&expressions))
        }
    };
    let plain = field.verb == "from";
    if plain {
        common(dice, &mut field, &["D1", "D2"]);
    } else {
        field.add(dice, 15, "only", &["create", "update"]);
        field.add(dice, 15, "when", &["'kind == \"A\"'", "'kind'"]);
    }
    if plain && dice.chance(20) {
        let map = ["{ alpha: one, beta: two }", "{ alpha: uno, été: été }", "{ alpha: one, beta: \"\" }"];
        field.add(dice, 100, "map", &map);
        mapped(dice, &mut field, &["F", "G"]);
    }
    field.add(dice, 30, "too_long", &["truncate", "truncate", "reject"]);
    field
}

fn mapped(dice: &mut Dice, field: &mut Field, fallbacks: &[&str]) {
    field.add(dice, 60, "unmapped", &["blank", "pass", "reject"]);
    field.add(dice, 30, "fallback", fallbacks);
}

fn pick(dice: &mut Dice, name: &'static str) -> Field {
    let mut field = Field::new(name, "from", "pick");
    common(dice, &mut field, &["Red", "Blue"]);
    match dice.below(4) {
        0 => field.add(dice, 100, "map_file", &["map.csv"]),
        _ => field.add(
            dice,
            100,
            "map",
            &["{ R: Red, G: Green, B: Blue }", "{ R: Blue, G: Green }", "{ R: Red, G: Red, Z: Blue }"],
        ),
    }
    mapped(dice, &mut field, &["Green", "Blue"]);
    field
}

fn many(dice: &mut Dice, name: &'static str) -> Field {
    let mut field = Field::new(name, "from", "many");
    common(dice, &mut field, &["Red", "\"Red;Blue\""]);
    field
}

fn number(dice: &mut Dice, name: &'static str) -> Field {
    let expressions = ["num", "num | number", "'num | number(thousands=\",\")'", "(num | number) * 2"];
    let mut field = Field::new(name, "from", *dice.pick(&expressions));
    common(dice, &mut field, &["7", "8"]);
    field.add(dice, 40, "too_precise", &["round", "reject"]);
    field
}

fn day(dice: &mut Dice, name: &'static str) -> Field {
    let mut field =
        Field::new(name, "from", *dice.pick(&["day", "'day | date(\"%Y-%d-%m\")'", "day | date"]));
    common(dice, &mut field, &["2020-01-01", "2020-01-02"]);
    field
}

fn at(dice: &mut Dice, name: &'static str) -> Field {
    let expressions = [
        "at",
        "'at | datetime(\"%Y-%m-%dT%H:%M\")'",
        "'at | datetime(\"%Y-%m-%dT%H:%M\", zone=\"Asia/Tokyo\")'",
    ];
    let mut field = Field::new(name, "from", *dice.pick(&expressions));
    common(dice, &mut field, &["\"2020-01-01T00:00:00Z\""]);
    field
}

fn yes(dice: &mut Dice, name: &'static str) -> Field {
    let mut field = Field::new(name, "from", *dice.pick(&["yes", "yes | bool", "'kind == \"A\"'"]));
    field.add(dice, 20, "only", &["create", "update"]);
    field.add(dice, 20, "default", &["\"true\"", "\"false\""]);
    field
}

fn once(dice: &mut Dice, name: &'static str) -> Field {
    let mut field = Field::new(name, "from", *dice.pick(&["once", "once | upper"]));
    field.add(dice, 20, "default", &["o1", "o9"]);
    field
}

pub fn reference_words(dice: &mut Dice, field: &mut Field, keys: &[&str]) {
    field.add(dice, 60, "on_missing", &["blank", "blank", "hold", "reject"]);
    field.add(dice, 25, "fallback", keys);
    field.add(dice, 20, "default", keys);
    field.add(dice, 20, "blank", &["clear", "keep"]);
    field.add(dice, 15, "when", &["'kind == \"A\"'", "'kind'"]);
    field.add(dice, 15, "only", &["create", "update"]);
}

fn firm(dice: &mut Dice, name: &'static str) -> Field {
    let mut field = match dice.below(6) {
        0 => Field::new(name, "lookup", "Firm__c, match: { K__c: firm }"),
        1 => {
            let lists = [
                "[ { ref: Firm__c, from: firm }, { ref: Firm__c, from: link } ]",
                "[ { ref: Firm__c, from: link }, { ref: Firm__c, from: firm } ]",
            ];
            let mut field = Field::new(name, "first_of", *dice.pick(&lists));
            field.add(dice, 60, "on_missing", &["blank", "hold", "reject"]);
            field.add(dice, 30, "fallback", &FIRMS[..2]);
            field.add(dice, 15, "only", &["create", "update"]);
            return field;
        }
        _ => Field::new(
            name,
            "ref",
            *dice.pick(&[
                "Firm__c, from: firm",
                "Firm__c, from: link",
                "Firm__c, from: 'firm if kind == \"A\" else link'",
            ]),
        ),
    };
    reference_words(dice, &mut field, &FIRMS[..2]);
    field
}

fn link(dice: &mut Dice, name: &'static str) -> Field {
    let values = [
        "Firm__c, from: link",
        "Place__c, from: link",
        "{ A: Firm__c, B: Place__c }, type: kind, from: link",
        "{ B: Firm__c, A: Place__c }, type: kind, from: link",
    ];
    let mut field = Field::new(name, "ref", *dice.pick(&values));
    if field.value.starts_with('{') {
        field.add(dice, 70, "other", &["blank", "blank", "reject"]);
    }
    reference_words(dice, &mut field, &["F0", "P0"]);
    field
}

fn region(dice: &mut Dice, name: &'static str) -> Field {
    let values = [
        "Region__c, match: { Code__c: region }",
        "Region__c, match: { Land__c: region }",
        "Region__c, match: { Code__c: region, Land__c: '\"north\"' }",
    ];
    let mut field = Field::new(name, "lookup", *dice.pick(&values));
    field.add(dice, 70, "on_missing", &["blank", "blank", "reject", "hold"]);
    field.add(dice, 15, "blank", &["clear", "keep"]);
    field.add(dice, 15, "only", &["create", "update"]);
    field
}

const USERS: [&str; 4] = [
    "user, match: Email",
    "'user if kind == \"A\" else \"bob@mail.example\"', match: Email",
    "user | lower, match: Email",
    "alias, match: EmployeeNumber",
];

fn owner(dice: &mut Dice, name: &'static str) -> Field {
    let mut field = match dice.below(4) {
        0 => Field::new(name, "queue", *dice.pick(&["queue", "'queue if kind == \"A\" else \"Till\"'"])),
        1 => {
            let lists = [
                "[ { queue: queue }, { user: user, match: Email } ]",
                "[ { user: user, match: Email }, { queue: queue } ]",
            ];
            Field::new(name, "first_of", *dice.pick(&lists))
        }
        _ => Field::new(name, "user", *dice.pick(&USERS)),
    };
    // A record cannot be without an owner.
    field.extras.push(("blank", "keep".to_owned()));
    let queue = field.verb == "queue";
    let first = field.verb == "first_of";
    let users: &[&str] = match (queue, field.value.ends_with("Email")) {
        (true, _) => &["Desk", "Till"],
        _ if first => &["ada@mail.example", "bob@mail.example"],
        (_, true) => &["ada@mail.example", "bob@mail.example"],
        _ => &["ada", "bob"],
    };
    field.add(dice, 60, "fallback", users);
    field.add(dice, 40, "default", users);
    field.add(dice, 40, "on_missing", &["blank", "reject"]);
    if !queue && field.says("fallback").is_some() {
        field.add(dice, 60, "inactive", &["fallback", "fallback", "reject"]);
    }
    field.add(dice, 15, "only", &["create", "update"]);
    field
}

fn record_type(dice: &mut Dice, name: &'static str) -> Field {
    let mut field =
        Field::new(name, "record_type", *dice.pick(&["rt", "'rt if kind == \"A\" else \"Small\"'"]));
    field.add(dice, 50, "map", &["{ b: Big, s: Small }", "{ b: Small, s: Small }"]);
    if field.says("map").is_some() {
        field.add(dice, 60, "unmapped", &["blank", "pass"]);
    }
    field.add(dice, 60, "fallback", &["Big", "Small"]);
    field.add(dice, 40, "default", &["Big", "Small"]);
    field.add(dice, 15, "only", &["create", "update"]);
    field
}
