//! Trust, then check: what others removed from the org is noticed, and `apply --refresh` loads it and mends what referred
//! to it; ended anywhere, faulty calls or not, it comes to the same; at size it reads by a bulk query; and an org whose
//! state is lost is taken over with nothing loaded twice.

use crate::world::{Aim, Life, Project, Tap, World};
use axum::body::Body;
use axum::http::Request;
use cutover::engine::Finished;
use cutover::ledger::{Ledger, State};
use cutover::local_org::Faults;
use cutover::model::Outcome;
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt;

/// Somebody deletes all records of an object that have a key.
fn remove(world: &World, object: &str) -> usize {
    remove_where(world, object, "Legacy_Id__c != null")
}

/// Those of them that meet a condition.
fn remove_where(world: &World, object: &str, condition: &str) -> usize {
    let found = world.org.query(&format!("SELECT Id FROM {object} WHERE {condition}")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for row in &found.rows {
        let id = row[0].as_deref().unwrap();
        let request = Request::delete(format!("/services/data/v62.0/sobjects/{object}/{id}"))
            .header("authorization", format!("Bearer {}", world.org.access_token()))
            .body(Body::empty())
            .unwrap();
        let answer = runtime.block_on(world.org.router().oneshot(request)).unwrap();
        assert_eq!(answer.status(), 204, "{object} {id}");
    }
    found.rows.len()
}

/// A world with everything in it that a run brings.
fn loaded(project: &Arc<Project>) -> World {
    let world = World::new(project);
    world.apply(Aim::Nowhere).end.unwrap().unwrap();
    world
}

fn finished(life: Life) -> Finished {
    life.end.unwrap().unwrap_or_else(|error| panic!("{error}"))
}

/// Records of an object that have a key.
fn there(world: &World, object: &str) -> u64 {
    let soql = format!("SELECT COUNT() FROM {object} WHERE Legacy_Id__c != null");
    world.org.query(&soql).unwrap().rows[0][0].as_deref().unwrap().parse().unwrap()
}

/// Rows of a load by what became of them.
fn count(finished: &Finished, load: &str, outcome: Outcome) -> u64 {
    let load = finished.state.loads.iter().find(|l| l.name.name == load).unwrap();
    load.outcomes[outcome as usize]
}

/// The Ids that the ledger of an object holds of records that are there, and those of the org.
fn ids(world: &World, object: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let ledger = Ledger::open(&world.disk, &format!("ledger/{}/{object}", world.org.org_id())).unwrap();
    let landed = ledger.iter().map(Result::unwrap).filter(|entry| entry.state == State::Landed);
    let known = landed.map(|entry| entry.id.unwrap().to_string()).collect();
    let there = world.org.query(&format!("SELECT Id FROM {object} WHERE Legacy_Id__c != null")).unwrap();
    (known, there.rows.into_iter().map(|row| row[0].clone().unwrap()).collect())
}

const OBJECTS: [(&str, &str); 3] = [("Account", "accounts"), ("Contact", "contacts"), ("Visit__c", "visits")];

/// The must-show: 81, then exactly what is gone is made again, and what referred to it points to it.
#[test]
fn what_is_gone_is_loaded_again_and_what_referred_to_it_is_mended() {
    let project = Project::tiny();
    let before = loaded(&project).contents();
    for (object, _) in OBJECTS {
        let world = loaded(&project);
        let had = OBJECTS.map(|(other, _)| there(&world, other));
        assert!(remove(&world, object) > 1, "{object}");
        // With an account go its contacts: that is the org's way.
        let left = OBJECTS.map(|(other, _)| there(&world, other));
        assert_eq!(left[OBJECTS.iter().position(|(other, _)| *other == object).unwrap()], 0, "{object}");
        let stopped = world.apply(Aim::Nowhere).end.unwrap().unwrap_err();
        assert_eq!(stopped.exit().code(), 81, "{object}: {stopped}");
        let done = finished(world.apply_refreshed(Aim::Nowhere));
        for (at, (_, load)) in OBJECTS.iter().enumerate() {
            assert_eq!(count(&done, load, Outcome::Created), had[at] - left[at], "{object}: {load}");
        }
        assert_eq!(world.contents(), before, "{object}");
        let (known, there) = ids(&world, object);
        assert_eq!(known, there, "{object}");
        let again = finished(world.apply(Aim::Nowhere));
        let sent: u64 = OBJECTS
            .iter()
            .map(|(_, load)| count(&again, load, Outcome::Created) + count(&again, load, Outcome::Updated))
            .sum();
        assert_eq!((sent, world.contents() == before), (0, true), "{object}: nothing is left to do");
    }
}

/// Rows that do not refer to what is gone are left alone.
#[test]
fn only_what_referred_to_it_goes_again() {
    let world = loaded(&Project::tiny());
    let before = world.contents();
    assert_eq!(remove_where(&world, "Contact", "Legacy_Id__c = 'C3'"), 1);
    assert_ne!(world.contents(), before);
    let done = finished(world.apply_refreshed(Aim::Nowhere));
    assert_eq!(count(&done, "contacts", Outcome::Created), 1);
    // C3 is the contact of V2, and of A5, whose reference goes in a second pass.
    assert_eq!(
        (count(&done, "visits", Outcome::Updated), count(&done, "accounts", Outcome::Created)),
        (1, 0)
    );
    assert_eq!(world.contents(), before);
}

/// Ended at a call, or robbed of an answer, and made again: the org and the ledgers are those of a refresh that
/// nothing disturbed.
#[test]
fn a_refresh_that_is_ended_anywhere_and_made_again_comes_to_the_same() {
    let project = Project::tiny();
    let calm = loaded(&project);
    remove(&calm, "Account");
    let life = calm.apply_refreshed(Aim::Nowhere);
    let (trace, then) = (life.trace.clone(), calm.contents());
    let exit = finished(life).exit;
    let reads = trace.iter().rposition(|name| name.contains("jobs/query")).unwrap();
    let (mut worlds, mut died) = (0, 0);
    for (number, name) in trace.iter().enumerate() {
        // Every call of the refresh itself, and some of the run behind it.
        if number > reads && number % 9 != 0 {
            continue;
        }
        let mut aims = vec![Aim::Before(number), Aim::After(number)];
        if name.starts_with("org ") {
            aims.extend([Aim::Lost(number), Aim::Cut(number)]);
        }
        for aim in aims {
            let world = loaded(&project);
            remove(&world, "Account");
            let life = world.apply_refreshed(aim);
            assert_eq!(life.hit, Some(number), "{aim:?} was reached");
            died += usize::from(life.end.is_none());
            if number % 2 == 0 {
                world.lose_power();
            }
            let mut ends = (0..3).map(|_| world.apply_refreshed(Aim::Nowhere).end.unwrap());
            let end = ends.find_map(Result::ok).unwrap_or_else(|| panic!("{aim:?}: no end"));
            assert_eq!((end.exit, world.contents() == then), (exit, true), "{aim:?} at {name}");
            for (object, _) in OBJECTS {
                let (known, there) = ids(&world, object);
                assert_eq!(known, there, "{aim:?} at {}: {object}", trace[number]);
            }
            worlds += 1;
        }
    }
    println!("{worlds} refreshes disturbed at {} boundaries, {died} of them ended", reads + 1);
    assert!(reads > 40 && died > 80, "{reads} {died}");
}

/// Each call of the count and of the query jobs fails in passing: the refresh goes on, or stops and is made again.
#[test]
fn a_refresh_goes_on_through_faulty_calls() {
    let project = Project::tiny();
    let before = loaded(&project).contents();
    let calls = [
        ("POST", "jobs/query"),
        ("GET", "jobs/query/*"),
        ("GET", "jobs/query/*/results"),
        ("DELETE", "jobs/query/*"),
        ("GET", "query"),
    ];
    let faults = [
        "too_many_requests",
        "unavailable",
        "'unavailable', carried_out: true",
        "drop_before",
        "drop_after",
        "cut",
        "'cut', ending: open",
        "'cut', ending: silent",
    ];
    let mut struck = 0;
    for (method, path) in calls {
        for then in faults {
            let world = loaded(&project);
            remove(&world, "Contact");
            let rule = format!("faults: [{{ then: {then}, method: {method}, path: '{path}', nth: 2 }}]");
            world.org.set_faults(Faults::read("faults.yaml", &rule).unwrap());
            let first = world.apply_refreshed(Aim::Nowhere).end.unwrap();
            struck += world.org.struck();
            if let Err(error) = first {
                assert_eq!(error.exit().code(), 69, "{rule}: {error}");
                finished(world.apply_refreshed(Aim::Nowhere));
            }
            assert_eq!(world.contents(), before, "{rule}");
        }
    }
    assert!(struck >= 32, "{struck} calls were struck");
}

/// The state folder is deleted: a refresh takes over what the org has.
#[test]
fn a_lost_state_is_adopted_and_nothing_is_loaded_twice() {
    let project = Project::tiny();
    let mut world = loaded(&project);
    let before = world.contents();
    world.forget_all();
    let stopped = world.apply(Aim::Nowhere).end.unwrap().unwrap_err();
    assert_eq!(stopped.exit().code(), 81, "{stopped}");
    assert!(stopped.to_string().contains("visits: 3 of the rows to be inserted"), "{stopped}");
    assert_eq!(world.contents(), before, "an insert would have made them again");
    let done = finished(world.apply_refreshed(Aim::Nowhere));
    for (_, load) in OBJECTS {
        assert_eq!(count(&done, load, Outcome::Created), 0, "{load}");
    }
    assert_eq!(count(&done, "visits", Outcome::Updated), 3, "what the fields hold is not known");
    assert_eq!(world.contents(), before);
    let again = finished(world.apply(Aim::Nowhere));
    assert_eq!(count(&again, "visits", Outcome::Unchanged), 3);
    assert_eq!(world.contents(), before);
}

/// More records than a page holds: one query job, read page by page.
#[test]
fn many_records_are_read_by_a_bulk_query_in_pages() {
    const ROWS: usize = 60_000;
    let manifest = "cutover: 1\nproject: many\nenvironments: { local: { org: { local: org.yaml } } }\nobjects:\n  \
                    - { object: Account, key: Legacy_Id__c, source: accounts.csv, fields: { Legacy_Id__c: id, Name: name } }\n";
    let rows: String = (0..ROWS).map(|n| format!("A{n},Account {n}\n")).collect();
    let project =
        Project::tiny().with("cutover.yaml", manifest).with("accounts.csv", &format!("id,name\n{rows}"));
    let mut world = loaded(&project);
    world.forget_all();
    world.tap = Tap::open();
    let done = finished(world.apply_refreshed(Aim::Nowhere));
    assert_eq!(count(&done, "Account", Outcome::Updated), ROWS as u64);
    let kept = world.tap.kept();
    let to = |method: &str, text: &str| {
        kept.iter()
            .filter(|e| e.method == method && e.path.contains(text))
            .map(|e| e.path.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(to("POST", "/jobs/query").len(), 1);
    let pages = to("GET", "/results?maxRecords=");
    assert_eq!((pages.len(), pages.iter().filter(|p| p.contains("locator=")).count()), (2, 1), "{pages:?}");
}
