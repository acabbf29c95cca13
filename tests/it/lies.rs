//! An org that lies: a layer in front of the local org changes answers. Whatever it says, an apply ends in a clear error or
//! with a right org, never with a ledger that is wrong without a word; and a lie that stops one run blocks none after it.

use crate::world::{Aim, Meddle, Project, World, crowd, figures};
use cutover::engine::{EngineError, Finished};
use cutover::ledger::{Ledger, State};
use cutover::model::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A result file, or a page of a bulk query.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(bytes: &[u8]) -> Self {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        Self { header, rows }
    }

    fn write(&self) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        writer.write_record(&self.header).unwrap();
        for row in &self.rows {
            writer.write_record(row).unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn set(&mut self, row: usize, column: &str, text: &str) {
        let at = self.header.iter().position(|name| name == column);
        if let (Some(at), Some(row)) = (at, self.rows.get_mut(row)) {
            text.clone_into(&mut row[at]);
        }
    }

    fn get(&self, row: usize, column: &str) -> Option<String> {
        let at = self.header.iter().position(|name| name == column)?;
        self.rows.get(row).map(|row| row[at].clone())
    }
}

/// What a lie makes of an answer.
type Twist = fn(&mut Table);
type JsonTwist = fn(&mut Value);
type BodyTwist = fn(&[u8]) -> Vec<u8>;

/// Lies about the rows of a job.
const ROWS: &[(&str, Twist)] = &[
    ("an Id of another object", |t| t.set(0, "sf__Id", "00Q000000000001AAA")),
    ("a stranger's Id", |t| t.set(0, "sf__Id", "0017Q00000ZZZZZQAA")),
    ("no Id", |t| t.set(0, "sf__Id", "")),
    ("an Id that is none", |t| t.set(0, "sf__Id", "not an id")),
    ("one Id for all", |t| {
        if let Some(id) = t.get(0, "sf__Id") {
            (0..t.rows.len()).for_each(|row| t.set(row, "sf__Id", &id));
        }
    }),
    ("Ids of each other", |t| {
        if let (Some(one), Some(other)) = (t.get(0, "sf__Id"), t.get(1, "sf__Id")) {
            t.set(0, "sf__Id", &other);
            t.set(1, "sf__Id", &one);
        }
    }),
    ("the other of created and updated", |t| {
        for row in 0..t.rows.len() {
            let told = t.get(row, "sf__Created").as_deref() == Some("true");
            t.set(row, "sf__Created", if told { "false" } else { "true" });
        }
    }),
    ("neither created nor updated", |t| t.set(0, "sf__Created", "perhaps")),
    ("a row twice", |t| t.rows.extend(t.rows.first().cloned())),
    ("a row less", |t| drop(t.rows.pop())),
    ("no row", |t| t.rows.clear()),
    ("rows in another order", |t| t.rows.reverse()),
    ("a row that was not sent", |t| {
        let mut row = t.rows.first().cloned().unwrap_or_else(|| vec!["x".into(); t.header.len()]);
        let last = row.len();
        (2..last).for_each(|at| row[at] = "nobody-sent-this".into());
        t.rows.push(row);
    }),
    ("only rows that were not sent", |t| {
        for row in &mut t.rows {
            (2..row.len()).for_each(|at| row[at] = format!("strange-{at}"));
        }
    }),
    ("a cell too many", |t| t.rows.iter_mut().take(1).for_each(|row| row.push("more".into()))),
    ("a cell too few", |t| t.rows.iter_mut().take(1).for_each(|row| drop(row.pop()))),
    ("a column renamed", |t| t.header[0] = "Strange".into()),
    ("the header alone, twice", |t| {
        let header = t.header.clone();
        t.rows.insert(0, header);
    }),
];

/// Lies about a job.
const JOBS: &[(&str, JsonTwist)] = &[
    ("more rows than were sent", |j| j["numberRecordsProcessed"] = json!(1_000_000)),
    ("fewer rows than were sent", |j| j["numberRecordsProcessed"] = json!(0)),
    ("more failures than there are", |j| j["numberRecordsFailed"] = json!(1_000)),
    ("a negative count", |j| j["numberRecordsFailed"] = json!(-1)),
    ("a count that is no number", |j| j["numberRecordsProcessed"] = json!("many")),
    ("a state that is none", |j| j["state"] = json!("Dreaming")),
    ("that it failed", |j| j["state"] = json!("Failed")),
    ("that it was aborted", |j| j["state"] = json!("Aborted")),
    ("that it is still open", |j| j["state"] = json!("Open")),
    ("that it is complete", |j| j["state"] = json!("JobComplete")),
    ("another job", |j| j["id"] = json!("7500000000000ZZAAA")),
    ("no id", |j| drop(j.as_object_mut().map(|j| j.remove("id")))),
    ("nothing", |j| *j = json!({})),
    ("a list", |j| *j = json!([])),
];

/// Lies about a query.
const QUERIES: &[(&str, JsonTwist)] = &[
    ("more records than it has", |q| q["totalSize"] = json!(1_000)),
    ("fewer records than it has", |q| q["totalSize"] = json!(0)),
    ("a record twice", |q| {
        let first = q["records"][0].clone();
        if let (false, Some(records)) = (first.is_null(), q["records"].as_array_mut()) {
            records.push(first);
        }
    }),
    ("no record", |q| q["records"] = json!([])),
    ("records in another order", |q| {
        if let Some(records) = q["records"].as_array_mut() {
            records.reverse();
        }
    }),
    ("that there is more, and where we were", |q| {
        q["done"] = json!(false);
        q["nextRecordsUrl"] = json!("/services/data/v67.0/query/01gLIE-2000");
    }),
    ("that there is more, and not where", |q| q["done"] = json!(false)),
    ("a record that nobody asked for", |q| {
        let stranger =
            json!({"attributes": {"type": "X"}, "Id": "0017Q00000ZZZZZQAA", "Legacy_Id__c": "nobody"});
        if let Some(records) = q["records"].as_array_mut() {
            records.push(stranger);
        }
        q["totalSize"] = json!(q["totalSize"].as_u64().unwrap_or(0) + 1);
    }),
    ("records without Ids", |q| {
        for record in q["records"].as_array_mut().into_iter().flatten() {
            record["Id"] = Value::Null;
        }
    }),
    ("nothing", |q| *q = json!({})),
];

/// Lies about records that went by calls.
const CALLS: &[(&str, JsonTwist)] = &[
    ("an answer less", |a| drop(a.as_array_mut().map(Vec::pop))),
    ("an answer more", |a| {
        let first = a[0].clone();
        if let Some(all) = a.as_array_mut() {
            all.push(first);
        }
    }),
    ("an Id of another object", |a| a[0]["id"] = json!("00Q000000000001AAA")),
    ("a stranger's Id", |a| a[0]["id"] = json!("0017Q00000ZZZZZQAA")),
    ("no Id", |a| a[0]["id"] = Value::Null),
    ("one Id for all", |a| {
        let id = a[0]["id"].clone();
        for answer in a.as_array_mut().into_iter().flatten() {
            answer["id"] = id.clone();
        }
    }),
    ("success for all", |a| {
        for answer in a.as_array_mut().into_iter().flatten().filter(|a| !a["id"].is_null()) {
            answer["success"] = json!(true);
        }
    }),
    ("no success, and no error", |a| {
        a[0]["success"] = json!(false);
        a[0]["errors"] = json!([]);
    }),
    ("nothing", |a| *a = json!({})),
];

/// Lies about any answer, whatever it is about.
const BODIES: &[(&str, BodyTwist)] = &[
    ("a page of HTML", |_| b"<!DOCTYPE html><html><body>Be right back</body></html>".to_vec()),
    ("half of it", |body| body[..body.len() / 2].to_vec()),
    ("nothing at all", |_| Vec::new()),
    ("bytes that are no text", |_| vec![0xff, 0xfe, 0x00, 0xc3, 0x28]),
    ("the same twice", |body| [body, body].concat()),
];

/// What is lied about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    Successful,
    Failed,
    Unprocessed,
    Job,
    Query,
    Call,
}

impl About {
    const ALL: [Self; 6] =
        [Self::Successful, Self::Failed, Self::Unprocessed, Self::Job, Self::Query, Self::Call];

    /// Whether an answer is about this.
    fn is(self, method: &str, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        match self {
            Self::Successful => path.ends_with("/successfulResults"),
            Self::Failed => path.ends_with("/failedResults"),
            Self::Unprocessed => path.ends_with("/unprocessedrecords"),
            Self::Job => {
                let rest = path.split("/jobs/ingest").nth(1);
                rest.is_some_and(|rest| rest.matches('/').count() <= 1) && method != "DELETE"
            }
            Self::Query => path.ends_with("/query") || path.contains("/query/"),
            Self::Call => path.contains("/composite/sobjects"),
        }
    }
}

/// One lie.
#[derive(Clone)]
struct Lie {
    about: About,
    name: &'static str,
    twist: Kind,
    /// Which of the answers that it could be told in; all from there on where it is `stubborn`.
    nth: usize,
    stubborn: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Rows(Twist),
    Json(JsonTwist),
    Body(BodyTwist),
}

impl Lie {
    fn told(&self, body: &[u8]) -> Vec<u8> {
        match self.twist {
            Kind::Rows(twist) => {
                let mut table = Table::read(body);
                twist(&mut table);
                table.write()
            }
            Kind::Json(twist) => {
                let Ok(mut json) = serde_json::from_slice(body) else { return body.to_vec() };
                twist(&mut json);
                json.to_string().into_bytes()
            }
            Kind::Body(twist) => twist(body),
        }
    }

    /// A layer that tells it, and counts how often it did.
    fn layer(&self) -> (Meddle, Arc<AtomicUsize>) {
        let (lie, count, told) = (self.clone(), AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let tally = told.clone();
        let meddle: Meddle = Arc::new(move |method, path, _, (status, body)| {
            if !(200..300).contains(&status) || !lie.about.is(method, path) {
                return (status, body);
            }
            let at = count.fetch_add(1, Ordering::SeqCst);
            // One that is told for ever would keep a job from ever ending.
            let tells = at == lie.nth || lie.stubborn && (lie.nth..lie.nth + 40).contains(&at);
            let twisted = if tells { lie.told(&body) } else { body.clone() };
            tally.fetch_add(usize::from(twisted != body), Ordering::SeqCst);
            (status, twisted)
        });
        (meddle, told)
    }
}

impl std::fmt::Display for Lie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { about, name, nth, stubborn, .. } = self;
        write!(f, "{name}, of {about:?}, the {nth}th{}", if *stubborn { " and on" } else { "" })
    }
}

/// Every lie about one kind of answer, told in the first answers of the kind and told stubbornly.
fn lies(about: About) -> Vec<Lie> {
    let kinds: Vec<(&'static str, Kind)> = match about {
        About::Successful | About::Failed | About::Unprocessed => {
            ROWS.iter().map(|(name, twist)| (*name, Kind::Rows(*twist))).collect()
        }
        About::Job => JOBS.iter().map(|(name, twist)| (*name, Kind::Json(*twist))).collect(),
        About::Query => QUERIES.iter().map(|(name, twist)| (*name, Kind::Json(*twist))).collect(),
        About::Call => CALLS.iter().map(|(name, twist)| (*name, Kind::Json(*twist))).collect(),
    };
    let bodies = BODIES.iter().map(|(name, twist)| (*name, Kind::Body(*twist)));
    let places = [(0, false), (1, false), (3, false), (0, true)];
    let all = kinds.into_iter().chain(bodies);
    all.flat_map(|(name, twist)| places.map(|(nth, stubborn)| Lie { about, name, twist, nth, stubborn }))
        .collect()
}

/// Records that the ledger says have landed, by key's hash, and whether the org has each; and how often it has a key.
fn wrong_in_ledgers(world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    for object in ["Account", "Contact", "Visit__c"] {
        let Ok(there) = world.org.query(&format!("SELECT Id, Legacy_Id__c FROM {object}")) else { continue };
        let ids: BTreeMap<String, String> =
            there.rows.iter().filter_map(|row| Some((row[0].clone()?, row[1].clone()?))).collect();
        let mut keys: BTreeMap<&String, usize> = BTreeMap::new();
        ids.values().for_each(|key| *keys.entry(key).or_default() += 1);
        wrong.extend(
            keys.iter().filter(|(_, n)| **n > 1).map(|(key, n)| format!("{object} {key} is there {n} times")),
        );
        let ledger = Ledger::open(&world.disk, &format!("ledger/{}/{object}", world.org.org_id())).unwrap();
        let mut seen = BTreeMap::new();
        for entry in ledger.iter().map(Result::unwrap).filter(|entry| entry.state == State::Landed) {
            let id = entry.id.unwrap().to_string();
            if !ids.contains_key(&id) {
                wrong.push(format!("the ledger of {object} has {id}, and the org does not"));
            }
            if seen.insert(id.clone(), entry.key).is_some() {
                wrong.push(format!("the ledger of {object} has {id} for two keys"));
            }
        }
    }
    wrong
}

/// The one lie that no answer contradicts: the Id of a new record, of the right object, that is no record of the org. What we
/// know of it is wrong until `--refresh` reads the keys that the org has.
const BELIEVED: &str = "a stranger's Id";

/// What one lie came to.
#[derive(Default)]
struct End {
    /// How often it was told.
    told: usize,
    /// Whether the apply that it was told to ended in an error.
    error: bool,
    /// What went wrong.
    wrong: Vec<String>,
}

type Contents = Vec<(String, Vec<Vec<Option<String>>>)>;

/// An apply with a lie told, and then, the org honest again, as many as somebody makes who reads the errors.
fn through(lie: &Lie, project: &Arc<Project>, right: &Contents) -> End {
    let mut world = World::new(project);
    let (meddle, told) = lie.layer();
    world.meddle = Some(meddle);
    let first = world.apply(Aim::Nowhere).end.unwrap();
    world.meddle = None;
    let mut end = End { told: told.load(Ordering::SeqCst), ..End::default() };
    if end.told == 0 {
        return end;
    }
    match &first {
        Err(error) => {
            end.error = true;
            if ![1, 65, 69, 77, 81].contains(&error.exit().code()) || error.to_string().trim().is_empty() {
                end.wrong.push(format!("{lie}: ends with {} `{error}`", error.exit().code()));
            }
        }
        Ok(done) => {
            // One row is refused in these worlds whatever the org says: more than that is owned up to.
            let failed: u64 =
                done.state.loads.iter().map(|load| load.outcomes[Outcome::Failed as usize]).sum();
            let wrong = wrong_in_ledgers(&world);
            let right = wrong.is_empty() && world.contents() == *right;
            if !right && failed <= 1 && done.state.set_aside == 0 && lie.name != BELIEVED {
                end.wrong.push(format!("{lie}: ends with {} and not a word: {wrong:?}", done.exit.code()));
            }
        }
    }
    end.wrong.extend(afterwards(lie, &world, right));
    end
}

/// Applies to an honest org until nothing is left to do, as the errors say; what is not right then.
fn afterwards(lie: &Lie, world: &World, right: &Contents) -> Vec<String> {
    let mut last: Result<Finished, EngineError> = world.apply(Aim::Nowhere).end.unwrap();
    for time in 0..3 {
        let stale = matches!(&last, Err(error) if error.exit().code() == 81);
        let refreshes = stale || time == 0 && lie.name == BELIEVED;
        let life = if refreshes { world.apply_refreshed(Aim::Nowhere) } else { world.apply(Aim::Nowhere) };
        last = life.end.unwrap();
    }
    let mut wrong: Vec<String> = wrong_in_ledgers(world).iter().map(|w| format!("{lie}: {w}")).collect();
    match last {
        Err(error) => {
            wrong.push(format!("{lie}: every later apply ends with {} `{error}`", error.exit().code()))
        }
        Ok(done) if done.exit.code() != 68 => wrong.push(format!("{lie}: ends with {}", done.exit.code())),
        Ok(_) => {}
    }
    if world.contents() != *right {
        wrong.push(format!("{lie}: the org is not right: {:?}", world.contents()));
    }
    wrong
}

/// The must-show: hundreds of lies, each told at several places, in a world that goes by jobs and in one that goes by
/// calls.
#[test]
fn an_org_that_lies_is_found_out_and_blocks_nothing() {
    let jobs = Project::tiny();
    let manifest = jobs.files.iter().find(|(path, _)| path == "cutover.yaml").unwrap();
    let manifest = String::from_utf8(manifest.1.clone()).unwrap();
    let calls = jobs.with("cutover.yaml", &manifest.replace("    source:", "    api: auto\n    source:"));
    let (mut told, mut lies_told, mut errors, mut wrong) = (0, 0, 0, Vec::new());
    for project in [&jobs, &calls] {
        let calm = World::new(project);
        calm.apply(Aim::Nowhere).end.unwrap().unwrap();
        let right = calm.contents();
        let all: Vec<Lie> = About::ALL.into_iter().flat_map(lies).collect();
        let (ends, took) = crowd(&all, |lie| through(lie, project, &right));
        for end in ends {
            lies_told += usize::from(end.told > 0);
            told += end.told;
            errors += usize::from(end.error);
            wrong.extend(end.wrong);
        }
        figures(&format!("lies: {lies_told} lies, told {told} times, {errors} ended in an error, {took:?}"));
    }
    assert!(wrong.is_empty(), "{} of {lies_told}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(lies_told >= 200, "{lies_told}");
}
