//! `cutover rollback`: the org is as it was before the run, updates excepted and listed; whatever happens on the way, and
//! nothing goes that the run did not create.

use crate::damaging_proxy::{Front, Turn};
use crate::http::Served;
use crate::project::{Output, Project, finished};
use crate::world::{self, Aim, World};
use cutover::engine::{EngineError, RollbackOptions, RolledBack};
use cutover::local_org::Faults;
use cutover::ports::{Files, read_text};
use serde_json::Value;
use std::sync::Arc;

/// The real binary.
fn back(project: &Project, arguments: &[&str], code: i32) -> Value {
    let done = project.run(&[&["rollback", "--json"], arguments].concat()).exits(code).json();
    assert_eq!((&done["schema"], &done["exit"]), (&"cutover.rollback/1".into(), &code.into()));
    done
}

fn sum(of: &Value, word: &str) -> u64 {
    of["rolls_back"]["loads"].as_array().unwrap().iter().map(|l| l[word].as_u64().unwrap()).sum()
}

fn notes(of: &Value) -> String {
    of["notes"].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned() + "\n").collect()
}

#[test]
fn northwind_is_as_it_was_before() {
    let project = Project::example("northwind");
    let contents = || world::NORTHWIND.iter().map(|soql| project.query(soql)).collect::<Vec<_>>();
    // Three records are there already; one of them is another now.
    project.run(&["apply", "--select", "shippers"]).exits(0);
    let before = contents();
    project.replace("data/shippers.csv", "Speedy Express", "Speedier Express");
    let report = project.apply(0);
    let (created, updated) = (report.total("created"), report.total("updated"));
    assert!(created > 2_000 && updated == 1, "{created} {updated}");
    let creates = |_: ()| -> u64 {
        let plan = project.run(&["plan", "--json"]).exits(0).json();
        plan["loads"].as_array().unwrap().iter().map(|l| l["create"].as_u64().unwrap()).sum()
    };
    assert_eq!(creates(()), 0);

    let done = back(&project, &["2"], 0);
    assert_eq!([sum(&done, "delete"), sum(&done, "updated")], [created, 1]);
    let told = notes(&done);
    assert!(
        told.contains("cannot be undone: records that were there before and were updated (shippers 1)"),
        "{told}"
    );
    let listed = project.csv(".cutover/data/rollback-of-2/updated.csv");
    let shipper = &project.query("SELECT Id FROM Shipper__c WHERE Name = 'Speedier Express'")[0]["Id"];
    assert_eq!((listed.len(), &listed[0]["record_id"]), (1, shipper));
    let mut after = contents();
    for row in &mut after[4] {
        let old = row["Name"].replace("Speedier", "Speedy");
        row.insert("Name".into(), old);
    }
    assert!(after == before, "the org is not as it was: {after:?}");
    assert_eq!(creates(()), created, "the whole load is planned again");

    let twice = back(&project, &["2"], 0);
    assert_eq!((sum(&twice, "delete"), sum(&twice, "gone"), &twice["report"]), (0, created, &Value::Null));
    let text = project.run(&["rollback", "2"]).exits(0).out;
    assert!(text.contains("Nothing to delete."), "{text}");
    assert_eq!(project.apply(0).total("created"), created);
}

#[test]
fn examples_leave_nothing_behind() {
    for name in ["cycle", "npsp"] {
        let project = Project::example(name);
        let code = project.run(&["apply", "--json"]);
        let created = crate::project::Report(code.json()).total("created");
        let done = back(&project, &["1"], 0);
        let counts = [sum(&done, "delete"), sum(&done, "updated"), sum(&done, "doubtful")];
        assert!(created > 3 && counts == [created, 0, 0], "{name}: {created} {done}");
        assert_eq!(sum(&back(&project, &["1"], 0), "gone"), created, "{name}");
        assert_eq!(
            crate::project::Report(project.run(&["apply", "--json"]).json()).total("created"),
            created
        );
    }
    let project = Project::example("quickstart");
    let narrowed = project.run(&["rollback", "1", "--select", "Account"]).exits(64);
    assert!(narrowed.err.contains("as a whole"), "{}", narrowed.err);
}

const LEGACY: &str = "Legacy_Id__c: id";

/// The tiny world, into which somebody has loaded an account before.
pub fn tiny() -> Arc<world::Project> {
    let tiny = world::Project::tiny();
    let before = "cutover: 1\nproject: before\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  - object: Account\n    key: Legacy_Id__c\n    source: old.csv\n    fields: { Legacy_Id__c: id, Name: name }\n";
    let before = tiny.with("cutover.yaml", before).with("old.csv", "id,name\nA1,Old\n");
    let (files, schema, queries) = (tiny.files.clone(), tiny.schema.clone(), tiny.queries.clone());
    Arc::new(world::Project { files, schema, queries, before: Some(before), seed: None })
}

pub fn run(number: u32) -> RollbackOptions {
    RollbackOptions { run: number, ..RollbackOptions::default() }
}

pub fn applied(project: &Arc<world::Project>) -> World {
    let world = World::new(project);
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    world
}

pub fn done(world: &World, options: &RollbackOptions) -> RolledBack {
    world.rollback(Aim::Nowhere, options).end.unwrap().unwrap()
}

/// The first column of each of a world's queries.
pub fn keys(world: &World) -> Vec<Vec<String>> {
    let first = |rows: Vec<Vec<Option<String>>>| rows.into_iter().map(|r| r[0].clone().unwrap()).collect();
    world.contents().into_iter().map(|(_, rows)| first(rows)).collect()
}

pub fn lines(world: &World, path: &str) -> Vec<String> {
    read_text(&world.disk, path).unwrap().lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_hierarchy_and_a_cycle_go_and_what_was_there_before_stays() {
    let world = applied(&tiny());
    let loaded = world.contents();
    let back = done(&world, &run(1));
    assert_eq!((back.exit.code(), keys(&world)), (0, vec![vec!["A1".to_owned()], vec![], vec![]]));
    let undo = back.plan.rolls_back.unwrap();
    let counts: Vec<_> = undo.loads.iter().map(|l| (l.delete, l.updated, l.unnamed)).collect();
    assert_eq!(counts, [(3, 1, 0), (2, 0, 0), (3, 0, 0)]);
    assert_eq!((undo.losing.len(), undo.losing[0].field.as_str()), (1, "Primary_Contact__c"));
    assert_eq!(lines(&world, "data/rollback-of-1/updated.csv").len(), 1);
    let state = back.state.unwrap();
    assert!(state.loads.iter().all(|l| l.tally().balances()) && state.rolls_back == Some(1));
    // What lost its reference is sent again though its row is the same.
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    assert_eq!(world.contents(), loaded);
}

/// The process ends, or an answer is lost, at every twelfth call of a rollback.
#[test]
fn it_goes_on_wherever_it_is_stopped() {
    let project = tiny();
    let world = applied(&project);
    let loaded = world.contents();
    let undisturbed = world.rollback(Aim::Nowhere, &run(1));
    let (trace, state) = (undisturbed.trace, undisturbed.end.unwrap().unwrap().state.unwrap());
    let (after, mut ended) = (world.contents(), 0);
    for number in (0..trace.len()).step_by(12) {
        let org = trace[number].starts_with("org ");
        let aim = match number / 12 % 3 {
            0 => Aim::Before(number),
            1 if org => Aim::Lost(number),
            2 if org => Aim::Cut(number),
            _ => Aim::After(number),
        };
        let world = applied(&project);
        let life = world.rollback(aim, &run(1));
        assert_eq!(life.hit, Some(number), "{aim:?} was never reached");
        let mut end = life.end;
        if end.is_none() {
            ended += 1;
            if number % 2 == 0 {
                world.lose_power();
            }
            if number % 5 == 0 {
                world.org_works_on();
            }
        }
        for _ in 0..3 {
            match &end {
                Some(Ok(_)) => break,
                Some(Err(error)) => assert_eq!(error.exit().code(), 69, "{aim:?} {}: {error}", trace[number]),
                None => {}
            }
            end = world.rollback(Aim::Nowhere, &run(1)).end;
        }
        let back = end.unwrap().unwrap_or_else(|e| panic!("{aim:?} {}: {e}", trace[number]));
        assert_eq!((back.exit.code(), &world.contents()), (0, &after), "{aim:?} {}", trace[number]);
        if let Some(last) = back.state.filter(|last| last.run == 2) {
            assert!(last.loads.iter().all(|l| l.tally().balances()), "{aim:?}: {:?}", last.loads);
            let deleted = |loads: &[cutover::checkpoint::LoadState]| -> u64 {
                loads.iter().map(|l| l.outcomes[7] + l.outcomes[4]).sum()
            };
            assert_eq!(deleted(&last.loads), deleted(&state.loads), "{aim:?} {}", trace[number]);
        }
        if number % 36 == 0 {
            world.apply(Aim::Nowhere).end.unwrap().unwrap();
            assert_eq!(world.contents(), loaded, "{aim:?} {}", trace[number]);
        }
    }
    println!("{} boundaries, stopped at {ended}", trace.len());
    assert!(ended > 20, "{ended}");
}

/// A colleague's project over the same org: a day later.
fn colleague(world: &World, manifest: &str, rows: &str) {
    world.a_day_passes();
    let head = "cutover: 1\nproject: colleague\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  - ";
    let project = world::Project::tiny()
        .with("cutover.yaml", &format!("{head}{manifest}"))
        .with("rows.csv", rows)
        .with("none.csv", "id,name\n");
    let project = project.with("people.csv", "id,account\nP1,K7\n");
    let mut other = World::new(&project);
    other.org = world.org.clone();
    other.apply(Aim::Nowhere).end.unwrap().unwrap();
}

#[test]
fn what_others_edited_stays_and_so_do_its_parents() {
    let world = applied(&world::Project::tiny());
    colleague(
        &world,
        "{ object: Account, key: Legacy_Id__c, operation: update, source: none.csv, fields: { Legacy_Id__c: id, Name: name } }\n  - { object: Contact, key: Legacy_Id__c, source: rows.csv, fields: { Legacy_Id__c: id, LastName: name, AccountId: { ref: Account, from: account } } }\n",
        "id,name,account\nC1,Adah,A1\nX1,Xen,A5\n",
    );
    let names = |world: &World| keys(world).into_iter().map(|k| k.join(" ")).collect::<Vec<_>>();
    let back = done(&world, &run(1));
    assert_eq!((back.exit.code(), names(&world)), (68, vec!["A1 A5".into(), "C1 X1".into(), String::new()]));
    let undo = back.plan.rolls_back.unwrap();
    let counts: Vec<_> = undo.loads.iter().map(|l| (l.delete, l.edited, l.parents)).collect();
    assert_eq!(counts, [(2, 0, 2), (1, 1, 0), (3, 0, 0)]);
    let kept = lines(&world, "data/rollback-of-1/kept.csv");
    let why = |why: &str| kept.iter().filter(|line| line.contains(why)).count();
    assert_eq!((kept.len(), why("edited since"), why("would take it along,Contact,AccountId")), (3, 1, 2));
    assert!(back.plan.notes.iter().any(|n| n.contains("`--include-edited`")), "{:?}", back.plan.notes);

    // Again the same: nothing is left to do, and that is told.
    let again = done(&world, &run(1));
    assert_eq!((again.exit.code(), again.state.is_none()), (68, true));
    // A deliberate word for each; a parent goes when nothing stays that would go with it.
    let edited = RollbackOptions { include_edited: true, ..run(1) };
    assert_eq!(
        (done(&world, &edited).exit.code(), names(&world)),
        (68, vec!["A5".into(), "X1".into(), String::new()])
    );
    let all = RollbackOptions { with: vec!["contact".into()], ..edited };
    let back = done(&world, &all);
    assert_eq!((back.exit.code(), names(&world)), (0, vec![String::new(); 3]));
    assert_eq!(back.plan.rolls_back.unwrap().along[0].records, 1);
}

/// More records than are asked for one by one: bulk queries find the same.
#[test]
fn a_large_run() {
    const ROWS: usize = 20_100;
    let rows = (0..ROWS).fold("id\n".to_owned(), |text, n| format!("{text}K{n}\n"));
    let manifest = "cutover: 1\nproject: large\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  - { object: Account, key: Legacy_Id__c, source: accounts.csv, fields: { Legacy_Id__c: id, Name: id } }\n";
    let project = world::Project::tiny().with("cutover.yaml", manifest).with("accounts.csv", &rows);
    let world = applied(&project);
    colleague(
        &world,
        "{ object: Account, key: Legacy_Id__c, operation: update, source: rows.csv, fields: { Legacy_Id__c: id, Name: name } }\n  - { object: Contact, key: Legacy_Id__c, source: people.csv, fields: { Legacy_Id__c: id, LastName: id, AccountId: { ref: Account, from: account } } }\n",
        "id,name\nK5,Edited\n",
    );
    let back = done(&world, &run(1));
    assert_eq!(keys(&world)[..2], [vec!["K5".to_owned(), "K7".into()], vec!["P1".into()]]);
    let undo = &back.plan.rolls_back.unwrap().loads[0];
    assert_eq!((back.exit.code(), undo.delete, undo.edited, undo.parents), (68, ROWS as u64 - 2, 1, 1));
    assert_eq!(done(&world, &run(1)).plan.rolls_back.unwrap().loads[0].gone, ROWS as u64 - 2);
}

#[test]
fn of_two_runs_the_first_keeps_what_the_second_built_on() {
    let project = Project::example("quickstart");
    project.run(&["apply", "--select", "Account"]).exits(0);
    project.apply(0);
    let first = back(&project, &["1"], 68);
    assert_eq!((sum(&first, "delete"), sum(&first, "parents")), (1, 5), "{first}");
    assert!(notes(&first).contains("`--with OBJECT`"), "{first}");
    let kept = project.csv(".cutover/data/rollback-of-1/kept.csv");
    assert!(kept.len() == 6 && kept.iter().all(|line| line["by_object"] == "Contact"), "{kept:?}");
    assert_eq!((project.count("Account"), project.count("Contact")), (5, 6));
    assert_eq!(sum(&back(&project, &["2"], 0), "delete"), 6);
    assert_eq!(sum(&back(&project, &["1"], 0), "gone"), 1);
    assert_eq!((project.count("Account"), project.count("Contact")), (0, 0));
    assert_eq!(project.apply(0).total("created"), 12);
}

/// An answer that would tell who created a record is lost: it stays, and is told.
#[test]
fn what_cannot_be_told_stays() {
    let project = world::Project::tidy_by_calls();
    let undisturbed = World::new(&project).apply(Aim::Nowhere).trace;
    let call = undisturbed.iter().position(|name| name.contains("/composite/sobjects/Account/Legacy_Id__c"));
    let world = World::new(&project);
    world.apply(Aim::Lost(call.unwrap())).end.unwrap().unwrap();
    let loaded = keys(&world).remove(0);
    let back = done(&world, &run(1));
    let undo = back.plan.rolls_back.unwrap();
    let fresh = undo.loads.last().unwrap();
    // The answer to the first call, with one new record, was lost; that to the second, with its child, was not.
    assert_eq!((back.exit.code(), fresh.load.as_str(), fresh.delete, fresh.doubtful), (68, "fresh", 1, 1));
    assert_eq!(
        (loaded.contains(&"B3".to_owned()), keys(&world)[0].contains(&"B3".to_owned())),
        (true, false)
    );
    assert!(keys(&world)[0].contains(&"B1".to_owned()));
    // Two names were changed and three records deleted: neither comes back.
    assert_eq!(undo.loads.iter().map(|l| l.updated).sum::<u64>(), 2);
    assert_eq!(undo.loads.iter().map(|l| l.deleted).sum::<u64>(), 4);
    let kept = lines(&world, "data/rollback-of-1/kept.csv");
    assert!(kept.len() == 1 && kept[0].contains("cannot tell"), "{kept:?}");
    // With its answer, the run is known to have created them.
    let told = World::new(&project);
    told.apply(Aim::Nowhere).end.unwrap().unwrap();
    let undo = done(&told, &run(1)).plan.rolls_back.unwrap();
    assert_eq!((undo.loads.last().unwrap().delete, undo.loads.last().unwrap().doubtful), (2, 0));
}

pub fn refusal<T>(end: Option<Result<T, EngineError>>) -> (u8, String) {
    let error = end.unwrap().err().unwrap();
    (error.exit().code(), error.to_string())
}

/// Whether a command was refused with 81 and these words.
fn is((code, words): (u8, String), said: &str) -> bool {
    println!("{code}: {words}");
    code == 81 && words.contains(said)
}

#[test]
fn a_run_that_cannot_be_rolled_back_is_refused() {
    let world = World::new(&world::Project::tiny());
    let tried = |options: &RollbackOptions| refusal(world.rollback(Aim::Nowhere, options).end);
    assert!(is(tried(&run(1)), "there is no run 1 in this state folder"));
    world.apply(Aim::BeforeFirst("org PUT"));
    assert!(is(tried(&run(1)), "run 1 is not over"));
    world.apply(Aim::Nowhere).end.unwrap().unwrap();

    // A rollback under way: nothing else goes on before it.
    assert!(world.rollback(Aim::BeforeFirst("org PUT"), &run(1)).end.is_none());
    let under_way = "run 2, the rollback of run 1, is not over";
    assert!(is(refusal(world.apply(Aim::Nowhere).end), under_way));
    assert!(is(tried(&run(7)), under_way));
    assert_eq!(done(&world, &run(1)).state.unwrap().run, 2);
    assert!(is(tried(&run(2)), "itself a rollback"));

    // A trail that is damaged.
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    let trails = world.disk.list("runs/3/trail").unwrap();
    assert!(!trails.is_empty());
    let path = format!("runs/3/trail/{}", trails[0]);
    world.disk.truncate(&path, 5).unwrap();
    let (code, words) = tried(&run(3));
    assert!(code == 65 && words.contains("is not the file that the journal names"), "{words}");
}

/// A record that is there under the key of one that is gone is another.
#[test]
fn what_took_the_place_of_a_record_stays() {
    let world = applied(&world::Project::tiny());
    let only = "{ object: Contact, key: Legacy_Id__c, operation: delete, source: rows.csv, fields: { Legacy_Id__c: id } }\n";
    colleague(&world, only, "id\nC3\n");
    colleague(
        &world,
        &only.replace("operation: delete, ", "").replace(LEGACY, "Legacy_Id__c: id, LastName: id"),
        "id\nC3\n",
    );
    let back = done(&world, &run(1));
    let undo = back.plan.rolls_back.unwrap();
    assert_eq!((undo.loads[1].delete, undo.loads[1].gone), (1, 1));
    assert_eq!(keys(&world)[1], ["C3"], "the colleague's contact stays");
}

fn remote(project: &Project, front: &Front, arguments: &[&str]) -> Output {
    let mut command = project.command(arguments);
    command.args(["-e", "prod"]).env("TEST_URL", &front.url).env("TEST_TOKEN", front.token());
    finished(command)
}

#[test]
fn it_is_approved_like_a_delete() {
    let project = Project::example("quickstart");
    let token = "{ url: env:TEST_URL, token: env:TEST_TOKEN }";
    let prod = format!("environments: {{ prod: {{ org: {token}, protect: false }},");
    project.replace("cutover.yaml", "environments: {", &prod);
    let org = Served::start(&project);
    let front = Front::production(&org);
    let run = |arguments: &[&str]| remote(&project, &front, arguments);
    run(&["apply", "--yes"]).exits(0);
    let jobs = org.jobs();
    for asked in
        [run(&["rollback", "1"]), run(&["rollback", "1", "--yes"]), run(&["rollback", "1", "-q", "--yes"])]
    {
        let asked = asked.exits(64);
        assert!(
            asked.err.contains("DELETES 6 Account records") && asked.err.contains("rollback FILE --yes"),
            "{}",
            asked.err
        );
    }
    run(&["rollback", "1", "--out", "saved.json"]).exits(0);
    run(&["rollback", "saved.json"]).exits(64);
    let more = run(&["rollback", "saved.json", "--include-edited", "--yes"]).exits(64);
    assert!(more.err.contains("a saved plan says itself"), "{}", more.err);
    let typed = run(&["rollback", "1", "--with", "Contcat", "--yes"]).exits(64);
    assert!(typed.err.contains("did you mean `Contact`"), "{}", typed.err);
    let wrong = run(&["apply", "saved.json"]).exits(64);
    assert!(wrong.err.contains("`cutover rollback saved.json` does that"), "{}", wrong.err);
    assert_eq!((org.jobs(), org.count("Account")), (jobs, 6));
    // A protected org wants the saved plan and its name typed.
    project.replace("cutover.yaml", ", protect: false", "");
    let refused = run(&["rollback", "1", "--yes"]).exits(64);
    assert!(refused.err.contains("cutover rollback 1 -e prod --out FILE"), "{}", refused.err);
    let refused = run(&["rollback", "saved.json", "--yes"]).exits(64);
    assert!(
        refused.err.contains("`prod` is protected") && refused.err.contains("there is none"),
        "{}",
        refused.err
    );
    project.replace("cutover.yaml", token, &format!("{token}, protect: false"));
    run(&["rollback", "saved.json", "--yes"]).exits(0);
    assert_eq!((org.count("Account"), org.count("Contact")), (0, 0));
    let stale = run(&["rollback", "saved.json", "--yes"]).exits(81);
    assert!(stale.err.contains("the saved plan is stale"), "{}", stale.err);
}

/// More records than are asked for one by one, and none of them has its key any more: each is asked for by Id before it is
/// called gone.
#[test]
fn of_a_large_run_whose_keys_were_emptied_nothing_is_called_gone() {
    const ROWS: u64 = 20_100;
    let rows = (0..ROWS).fold("id\n".to_owned(), |text, n| format!("{text}K{n}\n"));
    let manifest = "cutover: 1\nproject: large\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  - { object: Account, key: Legacy_Id__c, source: accounts.csv, fields: { Legacy_Id__c: id, Name: id } }\n";
    let project = world::Project::tiny().with("cutover.yaml", manifest).with("accounts.csv", &rows);
    let world = applied(&project);
    world.a_day_passes();
    let edit = format!(
        "{{ then: edit_records, object: Account, count: {ROWS}, field: Legacy_Id__c, value: '', path: limits, nth: 1 }}"
    );
    world.org.set_faults(Faults::read("faults.yaml", &format!("faults: [{edit}]")).unwrap());
    world.others_call("GET", "limits", "");
    let keyed = world.org.query("SELECT COUNT() FROM Account WHERE Legacy_Id__c != null").unwrap();
    assert_eq!(keyed.rows[0][0].as_deref(), Some("0"));
    let back = done(&world, &run(1));
    let undo = &back.plan.rolls_back.unwrap().loads[0];
    assert_eq!((back.exit.code(), undo.gone, undo.edited, undo.delete), (68, 0, ROWS, 0));
}

/// A field that cannot be asked for is told as one; an org that does not answer is no answer.
#[test]
fn a_question_about_children_that_failed_is_not_taken_for_one_that_cannot_be_asked() {
    let project = Project::example("quickstart");
    let token = "{ url: env:TEST_URL, token: env:TEST_TOKEN }";
    project.replace(
        "cutover.yaml",
        "environments: {",
        &format!("environments: {{ prod: {{ org: {token}, protect: false }},"),
    );
    let org = Served::start(&project);
    let calm = Front::before(&org, |_, _| Turn::Pass);
    remote(&project, &calm, &["apply", "--yes"]).exits(0);
    for (status, code, exit) in [
        ("400 Bad Request", "MALFORMED_QUERY", 0),
        ("400 Bad Request", "INVALID_TYPE", 0),
        ("400 Bad Request", "INVALID_FIELD", 0),
        ("400 Bad Request", "QUERY_TIMEOUT", 1),
        ("404 Not Found", "NOT_FOUND", 1),
        ("403 Forbidden", "INSUFFICIENT_ACCESS", 77),
    ] {
        let front = Front::before(&org, move |asked, _| {
            let children = asked.line.contains("/query") && asked.line.contains("AccountId");
            let body = format!(r#"[{{"errorCode":"{code}","message":"it is so"}}]"#);
            if children { Turn::Say(status, "", body) } else { Turn::Pass }
        });
        let planned = remote(&project, &front, &["rollback", "1", "--out", "saved.json"]).exits(exit);
        if exit == 0 {
            let plan: Value = serde_json::from_str(&project.read("saved.json")).unwrap();
            let unseen = plan["rolls_back"]["unseen"].as_array().unwrap();
            assert!(unseen.contains(&"Contact.AccountId".into()), "{code}: {unseen:?}");
        } else {
            assert!(
                planned.err.contains(code) || planned.err.contains("it is so"),
                "{code}: {}",
                planned.err
            );
        }
    }
}
