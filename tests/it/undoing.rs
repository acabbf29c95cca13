//! What a rollback must notice: what others did since, also while it was interrupted or its run paused; what the org
//! does not let it delete; rows of which nobody knows whether they created a record.

use crate::rollback::{applied, done, keys, lines, refusal, run};
use crate::world::{Aim, Project, World};
use cutover::checkpoint::{Event, journal_path, read_journal};
use cutover::engine::{Exit, RollbackOptions, RolledBack};
use cutover::local_org::Faults;
use cutover::model::Outcome;
use cutover::plan::Undo;
use cutover::ports::{Files, read_all};
use std::sync::Arc;

const MINUTE: i64 = 60_000;

/// Somebody changes a field of the record with a key.
fn edit(world: &World, object: &str, key: &str, field: &str) {
    let (path, json) =
        (format!("sobjects/{object}/Legacy_Id__c/{key}"), format!("{{\"{field}\":\"Edited\"}}"));
    world.others_call("PATCH", &path, &json);
    let soql = format!("SELECT {field} FROM {object} WHERE Legacy_Id__c = '{key}'");
    assert_eq!(world.org.query(&soql).unwrap().rows[0][0].as_deref(), Some("Edited"));
}

fn id(world: &World, object: &str, key: &str) -> String {
    let soql = format!("SELECT Id FROM {object} WHERE Legacy_Id__c = '{key}'");
    world.org.query(&soql).unwrap().rows[0][0].clone().unwrap()
}

fn names(world: &World) -> Vec<String> {
    keys(world).into_iter().map(|keys| keys.join(" ")).collect()
}

/// A project whose manifest is the tiny one with other words in it.
fn other(from: &str, to: &str) -> Arc<Project> {
    let project = Project::tiny();
    let manifest = project.files.iter().find(|(path, _)| path == "cutover.yaml").unwrap();
    let manifest = String::from_utf8(manifest.1.clone()).unwrap();
    assert!(manifest.contains(from));
    project.with("cutover.yaml", &manifest.replace(from, to))
}

/// What a rollback counts of each load: its plan, and the run that did it.
fn counted(back: &RolledBack) -> (Vec<Undo>, Vec<[u64; 10]>) {
    let state = back.state.as_ref().unwrap();
    assert!(state.loads.iter().all(|l| l.tally().balances()), "{:?}", state.loads);
    (back.plan.rolls_back.clone().unwrap().loads, state.loads.iter().map(|l| l.outcomes).collect())
}

/// Visits that stay because they were edited, and because they cannot be deleted.
fn counted_of(back: &RolledBack) -> (u64, u64) {
    let visits = &back.plan.rolls_back.as_ref().unwrap().loads[2];
    (visits.edited, visits.undeletable)
}

/// A file that a rollback goes by, and what it is damaged with.
type Damage = (&'static str, fn(&World, &str));

const DAMAGES: [Damage; 3] = [
    ("changed", |world, path| {
        let mut bytes = read_all(&world.disk, path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        // In a plan, what it says of a list; in the others, anywhere.
        let hash = text.find("\"blake3\": \"").map(|at| at + 12);
        let at = hash.unwrap_or(bytes.len() / 2);
        bytes[at] ^= 1;
        world.disk.put(path, &bytes);
    }),
    ("cut off", |world, path| world.disk.truncate(path, 9).unwrap()),
    ("gone", |world, path| world.disk.remove(path).unwrap()),
];

/// What a rollback goes by is believed only as it was written; else it says so, as of any file that is damaged.
#[test]
fn what_a_rollback_goes_by_is_held_against_its_hash() {
    let refused = |world: &World, path: &str, way_out: &str| {
        let error = world.rollback(Aim::Nowhere, &run(1)).end.unwrap().unwrap_err();
        let told = format!("{error} {:?}", error.diagnostics()[0].help);
        assert!(error.exit() == Exit::Invalid && told.contains(path) && told.contains(way_out), "{told}");
    };
    for (name, damage) in DAMAGES {
        let world = applied(&Project::tiny());
        let before = world.contents();
        let trails = world.disk.list("runs/1/trail").unwrap();
        let trail = format!("runs/1/trail/{}", trails[0]);
        damage(&world, &trail);
        refused(&world, &trail, "cannot be rolled back");
        assert_eq!(world.contents(), before, "{name}");
        // One that was interrupted goes by its plan and its lists too.
        for path in ["runs/2/plan.json", "runs/2/delete/0.ids"] {
            let world = applied(&Project::tiny());
            let life = world.rollback(Aim::BeforeFirst("org POST /services/data/v67.0/jobs/ingest"), &run(1));
            assert!(life.end.is_none());
            damage(&world, path);
            refused(&world, path, "roll back again");
            assert_eq!(world.contents(), before, "{name}");
        }
    }
}

/// A contact edited, one account gone, another with a foreign contact.
fn meddle(world: &World) {
    world.a_day_passes();
    edit(world, "Contact", "C3", "LastName");
    world.others_call("DELETE", &format!("sobjects/Account/{}", id(world, "Account", "A3")), "");
    let foreign = format!(
        "{{\"LastName\":\"Xen\",\"Legacy_Id__c\":\"X1\",\"AccountId\":\"{}\"}}",
        id(world, "Account", "A2")
    );
    world.others_call("POST", "sobjects/Contact", &foreign);
    assert_eq!(names(world)[..2], ["A1 A2 A5", "C1 C3 X1"]);
}

/// The calls of a rollback whose names begin like this: the number of each.
fn calls(prefix: &str) -> Vec<usize> {
    let trace = applied(&Project::tiny()).rollback(Aim::Nowhere, &run(1)).trace;
    let found = trace.iter().enumerate().filter(|(_, name)| name.starts_with(prefix));
    found.map(|(number, _)| number).collect()
}

/// The journal of the run after it is lost, and the ledgers know more: nothing is deleted, and nothing covers it up.
#[test]
fn beside_a_journal_that_is_lost_nothing_is_rolled_back() {
    let world = applied(&Project::tiny());
    world.others_call("DELETE", &format!("sobjects/Account/{}", id(&world, "Account", "A3")), "");
    world.apply_refreshed(Aim::Nowhere).end.unwrap().unwrap();
    assert_eq!(world.told(2).run, 2);
    world.disk.put("runs/2/events.ndjson", b"");
    let (before, paths) = (names(&world), world.disk.paths());
    for _ in 0..2 {
        let error = world.rollback(Aim::Nowhere, &run(1)).end.unwrap().unwrap_err();
        assert_eq!(error.exit().code(), 65, "{error}");
        assert!(error.to_string().contains("runs/2/events.ndjson"), "{error}");
    }
    assert_eq!(names(&world), before);
    let runs = |paths: Vec<String>| paths.into_iter().filter(|p| p.starts_with("runs/")).collect::<Vec<_>>();
    assert_eq!(runs(world.disk.paths()), runs(paths));
}

#[test]
fn a_rollback_that_goes_on_looks_again() {
    let calm = applied(&Project::tiny());
    meddle(&calm);
    let calm_back = done(&calm, &run(1));
    assert_eq!(
        (calm_back.exit.code(), names(&calm)),
        (68, vec!["A2 A5".into(), "C3 X1".into(), String::new()])
    );
    let expected = counted(&calm_back);

    let (puts, closes) = (calls("org PUT"), calls("org PATCH"));
    // Before anything is sent; with a job that is open; once the first part is over.
    for aim in [Aim::Before(puts[0]), Aim::Before(closes[0]), Aim::Before(puts[1]), Aim::Lost(puts[1])] {
        let world = applied(&Project::tiny());
        let cut = world.rollback(aim, &run(1));
        assert!(cut.hit.is_some() && cut.end.is_none_or(|end| end.is_err()), "{aim:?}");
        meddle(&world);
        let back = done(&world, &run(1));
        assert_eq!((back.exit.code(), names(&world)), (68, names(&calm)), "{aim:?}");
        assert_eq!(counted(&back), expected, "{aim:?}");
        assert_eq!((back.plan.notes.clone(), back.state.unwrap().run), (calm_back.plan.notes.clone(), 2));
        let kept = "data/rollback-of-1/kept.csv";
        assert_eq!(lines(&world, kept), lines(&calm, kept), "{aim:?}");
        // What somebody deleted is forgotten: the next apply loads it again.
        world.apply(Aim::Nowhere).end.unwrap().unwrap();
        assert_eq!(names(&world)[0], "A1 A2 A3 A5", "{aim:?}");
    }
}

/// What was approved is not widened: a record that was to stay stays, though nothing speaks for it any more.
#[test]
fn what_was_to_stay_stays_when_a_rollback_goes_on() {
    let world = applied(&Project::tiny());
    world.a_day_passes();
    let foreign = format!("{{\"LastName\":\"Xen\",\"AccountId\":\"{}\"}}", id(&world, "Account", "A2"));
    let foreign = world.others_call("POST", "sobjects/Contact", &foreign);
    assert!(world.rollback(Aim::BeforeFirst("org PUT"), &run(1)).end.is_none());
    world.others_call("DELETE", &format!("sobjects/Contact/{}", foreign["id"].as_str().unwrap()), "");
    let back = done(&world, &run(1));
    assert_eq!((back.exit.code(), names(&world)[0].as_str()), (68, "A2"));
    let (undo, outcomes) = counted(&back);
    assert_eq!((undo[0].parents, outcomes[0][Outcome::Held as usize]), (1, 1));
    assert_eq!(lines(&world, "data/rollback-of-1/kept.csv").len(), 1);
    // A rollback of its own takes it.
    assert_eq!((done(&world, &run(1)).exit.code(), names(&world)[0].as_str()), (0, ""));
}

/// One contact of somebody else may go with its account; by the time that it goes on there are three.
#[test]
fn more_than_was_approved_does_not_go_along() {
    let world = applied(&Project::tiny());
    world.a_day_passes();
    let foreign = |name: &str| {
        let account = id(&world, "Account", "A2");
        let json =
            format!("{{\"LastName\":\"{name}\",\"Legacy_Id__c\":\"{name}\",\"AccountId\":\"{account}\"}}");
        world.others_call("POST", "sobjects/Contact", &json);
    };
    foreign("X1");
    let options = RollbackOptions { with: vec!["Contact".into()], ..run(1) };
    assert!(world.rollback(Aim::BeforeFirst("org PUT"), &options).end.is_none());
    ["X2", "X3"].into_iter().for_each(foreign);
    let back = done(&world, &options);
    assert_eq!((back.exit.code(), names(&world)[..2].join("/")), (68, "A2/X1 X2 X3".to_owned()));
    assert_eq!(counted(&back).0[0].parents, 1);
    assert_eq!((done(&world, &options).exit.code(), names(&world)[..2].join("/")), (0, "/".to_owned()));
}

/// Rows that the org refused to delete are there: what would take them along stays when the rollback goes on.
#[test]
fn what_the_org_refused_to_delete_keeps_its_parents() {
    // Two parts of visits, then the contacts.
    let cut = calls("org PUT")[2];
    let locked = "faults: [{ then: lock_rows, per_mille: 1000, tries: 99 }]";
    let begun = || {
        let world = applied(&Project::tiny());
        assert!(world.rollback(Aim::Before(cut), &run(1)).end.is_none());
        world.org.set_faults(Faults::read("faults.yaml", locked).unwrap());
        world
    };
    // All contacts are refused; then come the accounts.
    let twin = begun();
    let puts: Vec<usize> = twin
        .rollback(Aim::Nowhere, &run(1))
        .trace
        .iter()
        .enumerate()
        .filter(|(_, name)| name.starts_with("org PUT"))
        .map(|(n, _)| n)
        .collect();
    let (lines_of, _) = read_journal(&twin.disk, &journal_path(2)).unwrap();
    let of_contacts = |event: &Event| matches!(event, Event::Uploaded { part, .. } if part.step == 1);
    let contacts = lines_of.iter().filter(|line| of_contacts(&line.event)).count();
    assert!(contacts > 0 && contacts < puts.len(), "{contacts} of {puts:?}");

    let world = begun();
    assert!(world.rollback(Aim::Before(puts[contacts]), &run(1)).end.is_none());
    assert_eq!(names(&world), ["A1 A2 A3 A5", "C1 C3", ""]);
    world.org.set_faults(Faults::default());
    world.a_day_passes();
    edit(&world, "Contact", "C3", "LastName");
    let back = done(&world, &run(1));
    assert_eq!((back.exit.code(), names(&world)), (68, vec!["A1 A5".into(), "C1 C3".into(), String::new()]));
    let (undo, outcomes) = counted(&back);
    assert_eq!((undo[0].parents, outcomes[1][Outcome::Failed as usize]), (2, 2));
}

#[test]
fn what_others_edited_while_the_run_paused_stays() {
    let world = World::new(&other("source: accounts.csv\n", "source: accounts.csv\n    pause_after: true\n"));
    assert_eq!(refusal(world.apply(Aim::Nowhere).end).0, 69);
    world.a_day_passes();
    edit(&world, "Account", "A3", "Name");
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    world.a_day_passes();
    // A5 was touched by the run after the pause, in the second pass: it is the run's own doing.
    let back = done(&world, &run(1));
    assert_eq!((back.exit.code(), names(&world)[0].as_str()), (68, "A3"));
    assert_eq!(counted(&back).0[0].edited, 1);
    let forced = RollbackOptions { include_edited: true, ..run(1) };
    assert_eq!((done(&world, &forced).exit.code(), names(&world)[0].as_str()), (0, ""));
}

/// The machine's clock is an hour ahead of the org's, or behind it: edits are told by the org's.
#[test]
fn a_clock_that_is_wrong_hides_no_edit() {
    for ahead in [60 * MINUTE, -60 * MINUTE] {
        for project in [Project::tiny(), other("key: Legacy_Id__c\n", "key: Legacy_Id__c\n    api: auto\n")] {
            let mut world = World::new(&project);
            world.ahead = ahead;
            world.apply(Aim::Nowhere).end.unwrap().unwrap();
            world.it_becomes(world.now() + MINUTE);
            edit(&world, "Visit__c", "V2", "Subject__c");
            let back = done(&world, &run(1));
            let left = vec![String::new(), String::new(), "V2".into()];
            assert_eq!((back.exit.code(), names(&world)), (68, left), "{ahead}");
        }
    }
}

const VISIT: &str = "/sobjects/Visit__c/describe";

/// Describe says that visits cannot be deleted.
fn fixed(_: &str, path: &str, _: &[u8], (status, body): (u16, Vec<u8>)) -> (u16, Vec<u8>) {
    if !path.ends_with(VISIT) {
        return (status, body);
    }
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains("\"deletable\":true"), "{text}");
    (status, text.replace("\"deletable\":true", "\"deletable\":false").into_bytes())
}

/// A job that deletes visits is refused.
fn refused(method: &str, path: &str, sent: &[u8], answer: (u16, Vec<u8>)) -> (u16, Vec<u8>) {
    let sent = String::from_utf8_lossy(sent);
    let makes = method == "POST" && path.ends_with("/jobs/ingest");
    if !makes || !sent.contains("\"delete\"") || !sent.contains("Visit__c") {
        return answer;
    }
    let error =
        r#"[{"errorCode":"INVALIDENTITY","message":"InvalidEntity : entity type cannot be deleted"}]"#;
    (400, error.into())
}

/// The object is hidden from the login.
fn hidden(_: &str, path: &str, _: &[u8], answer: (u16, Vec<u8>)) -> (u16, Vec<u8>) {
    match path.ends_with(VISIT) {
        true => (404, r#"[{"errorCode":"NOT_FOUND","message":"not there"}]"#.into()),
        false => answer,
    }
}

#[test]
fn what_cannot_be_deleted_is_said_and_left() {
    let mut world = applied(&Project::tiny());
    world.meddle = Some(Arc::new(fixed));
    let back = done(&world, &run(1));
    assert_eq!(
        (back.exit.code(), names(&world)),
        (68, vec![String::new(), String::new(), "V1 V2 V4".into()])
    );
    let (undo, outcomes) = counted(&back);
    assert_eq!((undo[2].undeletable, undo[2].delete, outcomes[2][Outcome::Held as usize]), (3, 0, 3));
    let said = back.plan.notes.join("\n");
    assert!(said.contains("cannot be undone: this login may not delete them (visits 3)"), "{said}");
    assert_eq!(lines(&world, "data/rollback-of-1/kept.csv").len(), 3);
    // They point to nothing now; the next apply mends that, and has touched them after the run.
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    world.meddle = None;
    assert_eq!(counted_of(&done(&world, &run(1))), (3, 0));
    let forced = RollbackOptions { include_edited: true, ..run(1) };
    assert_eq!((done(&world, &forced).exit.code(), names(&world)[2].as_str()), (0, ""));
}

#[test]
fn a_job_that_the_org_refuses_does_not_block_what_comes_after() {
    let mut world = applied(&Project::tiny());
    let loaded = world.contents();
    world.meddle = Some(Arc::new(refused));
    let back = done(&world, &run(1));
    let left = vec![String::new(), String::new(), "V1 V2 V4".into()];
    assert_eq!((back.exit.code(), names(&world)), (68, left));
    let (undo, outcomes) = counted(&back);
    assert_eq!((undo[2].undeletable, outcomes[2][Outcome::Held as usize]), (3, 3));
    let said = back.plan.notes.join("\n");
    assert!(said.contains("entity type cannot be deleted") && said.contains("visits 3"), "{said}");
    assert!(back.state.unwrap().ended.is_some());
    assert_eq!(lines(&world, "data/rollback-of-1/kept.csv").len(), 3);
    world.meddle = None;
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    assert_eq!(world.contents(), loaded);
}

/// It is interrupted, and meanwhile the login loses a permission, or the sight of an object.
#[test]
fn an_interrupted_rollback_ends_whatever_the_org_refuses() {
    for meddle in [fixed, refused, hidden] {
        let mut world = applied(&Project::tiny());
        assert!(world.rollback(Aim::BeforeFirst("org PUT"), &run(1)).end.is_none());
        world.meddle = Some(Arc::new(meddle));
        let back = done(&world, &run(1));
        let left = vec![String::new(), String::new(), "V1 V2 V4".into()];
        assert_eq!((back.exit.code(), names(&world)), (68, left));
        assert_eq!(counted(&back).0[2].undeletable, 3);
        world.meddle = None;
        world.apply(Aim::Nowhere).end.unwrap().unwrap();
        assert_eq!(names(&world)[2], "V1 V2 V4");
    }
}

/// A job of a run is closed and then lost, and the source changes: the run is superseded. With these accounts.
fn lost(accounts: &str, now: &str) -> World {
    let project = Project::tiny().with("accounts.csv", accounts);
    let trace = World::new(&project).apply(Aim::Nowhere).trace;
    let closes = trace.iter().position(|name| name.starts_with("org PATCH")).unwrap();
    let world = World::new(&project);
    assert!(world.apply(Aim::After(closes)).end.is_none());
    world.org_works_on();
    world.remove_jobs();
    world.sources.put("accounts.csv", now.as_bytes());
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    assert!(world.told(1).ended.is_some() && world.told(2).ended.is_some());
    world
}

#[test]
fn records_that_a_superseded_run_may_have_created_are_named() {
    let head = "id,name,parent,contact\n";
    let world = lost(&format!("{head}A1,One,,\nA5,Five,,\n"), &format!("{head}A1,Other,,\nA5,Five,,\n"));
    assert_eq!(names(&world)[0], "A1 A5");
    let back = done(&world, &run(1));
    let undo = back.plan.rolls_back.unwrap();
    assert_eq!((back.exit.code(), undo.loads[0].doubtful, undo.loads[0].unnamed), (68, 2, 0));
    assert_eq!(lines(&world, "data/rollback-of-1/kept.csv").len(), 2);
    assert_eq!(names(&world)[0], "A1 A5");
}

#[test]
fn rows_that_may_have_created_a_record_that_nobody_can_name_are_told() {
    let head = "id,name,parent,contact\n";
    let world = lost(&format!("{head}A4,Refused,,\n"), &format!("{head}A4,Refused again,,\n"));
    let back = done(&world, &run(1));
    let undo = back.plan.rolls_back.unwrap();
    assert_eq!((back.exit.code(), undo.loads[0].unnamed, back.state.is_none()), (68, 1, true));
    let said = back.plan.notes.join("\n");
    assert!(said.contains("may have been created") && said.contains("accounts 1"), "{said}");
    let soql = "SELECT Id, Legacy_Id__c FROM Account WHERE CreatedDate >= 2023-12-31T";
    assert!(said.contains(soql) && undo.loads[0].find.as_deref().is_some_and(|f| f.contains(soql)), "{said}");
    // What a later sending of the same run told is known: nothing is in doubt.
    let project = Project::tiny().with("accounts.csv", &format!("{head}A1,One,,C1\nA2,Two,A1,\n"));
    let trace = World::new(&project).apply(Aim::Nowhere).trace;
    let closes = trace.iter().position(|name| name.starts_with("org PATCH")).unwrap();
    let world = World::new(&project);
    assert!(world.apply(Aim::Before(closes)).end.is_none());
    world.remove_jobs();
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    let back = done(&world, &run(1));
    assert_eq!((back.exit.code(), names(&world)), (0, vec![String::new(); 3]), "{:?}", back.plan.notes);
}

/// A record of the run has another key now, or was made before the run began, as the org tells it: it is not deleted.
#[test]
fn a_record_that_cannot_be_the_runs_stays() {
    for (from, to) in [
        ("\"Legacy_Id__c\":\"V1\"", "\"Legacy_Id__c\":\"V9\""),
        ("\"CreatedDate\":\"2024", "\"CreatedDate\":\"2019"),
    ] {
        let mut world = applied(&Project::tiny());
        world.meddle =
            Some(Arc::new(move |method: &str, path: &str, _: &[u8], (status, body): (u16, Vec<u8>)| {
                if method != "GET"
                    || !path.contains("/query")
                    || !path.contains("Visit__c")
                    || path.contains("COUNT")
                {
                    return (status, body);
                }
                let text = String::from_utf8(body).unwrap();
                (status, text.replacen(from, to, 1).into_bytes())
            }));
        let back = done(&world, &run(1));
        world.meddle = None;
        assert_eq!(back.exit.code(), 68, "{to}");
        assert_eq!(names(&world)[2].split_whitespace().count(), 1, "{to}: {:?}", names(&world));
        assert_eq!(counted(&back).0[2].doubtful, 1, "{to}");
    }
}

/// People with the day on which each was made elsewhere.
fn dated() -> Arc<Project> {
    let manifest = "cutover: 1\nproject: dated\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  \
        - object: Contact\n    key: Email\n    source: people.csv\n    fields:\n      Email: mail\n      LastName: name\n      \
        CreatedDate: { from: 'since | datetime(\"%d/%m/%Y %H:%M\", zone=\"UTC\")', only: create }\n";
    let files = [
        ("cutover.yaml", manifest),
        ("org.yaml", "set_audit_fields: true\n"),
        (
            "people.csv",
            "mail,name,since\nada@x.example,Ada,02/01/2019 03:04\nbob@x.example,Bob,03/01/2019 03:04\n",
        ),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
    Project::new(files, &["SELECT Email FROM Contact ORDER BY Email"])
}

#[test]
fn a_record_with_another_date_than_its_row_set_stays() {
    for (told, stays) in [("2019-01-02T03:04", 0), ("2019-01-02T03:05", 1)] {
        let mut world = applied(&dated());
        world.meddle =
            Some(Arc::new(move |method: &str, path: &str, _: &[u8], (status, body): (u16, Vec<u8>)| {
                let text = String::from_utf8(body).unwrap();
                let text = if method == "GET" && path.contains("/query") {
                    text.replace("2019-01-02T03:04", told)
                } else {
                    text
                };
                (status, text.into_bytes())
            }));
        let back = done(&world, &run(1));
        world.meddle = None;
        assert_eq!(counted(&back).0[0].doubtful, stays, "{told}");
        assert_eq!(keys(&world)[0].len() as u64, stays, "{told}");
    }
}

#[test]
fn what_went_by_calls_goes_though_some_of_it_went_again_by_a_job() {
    let manifest = "cutover: 1\nproject: calls\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  \
        - { object: Account, key: K__c, source: a.csv, api: auto, fields: { K__c: id, Name: id } }\n";
    let org = "objects: { Account: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } } }\n";
    let rows: String = (0..40).map(|n| format!("A{n}\n")).collect();
    let files = [("cutover.yaml", manifest), ("org.yaml", org), ("a.csv", &format!("id\n{rows}"))];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
    let world = World::new(&Project::new(files, &["SELECT K__c FROM Account ORDER BY K__c"]));
    world
        .org
        .set_faults(Faults::read("f", "faults: [{ then: lock_rows, per_mille: 150, times: 3 }]").unwrap());
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    let told = world.told(1);
    assert!(told.parts.values().any(|part| part.attempt > 0), "some went again: {:?}", told.parts);
    assert_eq!(keys(&world)[0].len(), 40);
    let back = done(&world, &run(1));
    assert_eq!((back.exit, keys(&world)[0].len()), (Exit::Done, 0), "{:?}", counted(&back).0);
}

#[test]
fn a_rollback_that_pauses_says_how_it_goes_on() {
    let world = applied(&Project::tiny());
    world.org.set_faults(Faults::read("f", "faults: [{ then: refuse_rows, per_mille: 1000 }]").unwrap());
    let error = world.rollback(Aim::Nowhere, &run(1)).end.unwrap().unwrap_err();
    let help = error.diagnostics()[0].help.clone().unwrap();
    assert_eq!(error.exit(), Exit::Interrupted, "{error}");
    assert!(help.contains("`cutover rollback 1`") && !help.contains("cutover apply"), "{help}");
    world.org.set_faults(Faults::default());
    assert_eq!(done(&world, &run(1)).exit, Exit::Done);
}
