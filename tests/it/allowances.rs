//! The day's limits, seen coming: a run stops before a part that does not fit, at a checkpoint and with the time to come
//! back, so that no call is refused; what a job could not take is still to be sent; and asking after jobs is calm.

use crate::world::{Aim, Project, World};
use cutover::checkpoint::PartState;
use cutover::engine::EngineError;
use cutover::local_org::Faults;
use cutover::model::Outcome;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A project in an org whose days allow no more than this.
pub fn limited(project: &Project, limit: &str) -> Arc<Project> {
    let mut files = project.files.clone();
    let org = files.iter_mut().find(|(path, _)| path == "org.yaml").unwrap();
    org.1.extend_from_slice(format!("\nlimits: {{ {limit} }}\n").as_bytes());
    let queries: Vec<&str> = project.queries.iter().map(String::as_str).collect();
    Project::new(files, &queries)
}

/// The code of the error that a life ended with.
fn stopped(end: Result<cutover::engine::Finished, EngineError>) -> EngineError {
    let error = end.expect_err("it is not over");
    assert_eq!(error.exit().code(), 69, "{error}");
    error
}

/// Applies whenever it says that it makes sense to come back, until it ends 0. No call may be refused on the way, and
/// nothing may be left open. Gives how often it was applied, and how many jobs the first of them made.
fn days(limit: &str, most: usize) -> (usize, usize) {
    let calm = World::new(&Project::northwind());
    calm.apply(Aim::Nowhere).end.unwrap().unwrap();
    let mut world = World::new(&limited(&Project::northwind(), limit));
    world.tap = crate::world::Tap::open();
    let mut first = None;
    for day in 1..=most {
        let end = world.apply(Aim::Nowhere).end.unwrap();
        let refused: Vec<_> = world.tap.kept().iter().filter(|e| e.status >= 400).cloned().collect();
        assert!(refused.is_empty(), "{limit}, day {day}: {refused:?}");
        if let Ok(finished) = end {
            assert_eq!((finished.exit.code(), finished.state.run), (0, 1));
            assert_eq!(world.contents(), calm.contents());
            return (day, first.expect("one day is not enough"));
        }
        let said = stopped(end).to_string();
        let state = world.told(1);
        let back = state.back.expect("it says when to come back");
        let at = cutover::ports::utc_text(back);
        assert!(said.contains("left today") && said.contains(&at), "{said}");
        assert_eq!(state.why.as_deref(), Some("limit"));
        assert!((world.now() + 60_000..=world.now() + 86_400_000).contains(&back), "{said}");
        assert!(state.loads.iter().all(|l| l.tally().balances() && l.tally().get(Outcome::Failed) == 0));
        let at_rest = [PartState::Settled, PartState::Staged, PartState::Dropped];
        assert!(state.parts.values().all(|p| at_rest.contains(&p.state)), "a job was left open");
        first = first.or(Some(state.parts.values().filter(|p| p.job.is_some()).count()));
        world.it_becomes(back);
    }
    panic!("{limit}: not over after {most} days");
}

#[test]
fn batches_are_counted_before_they_run_out() {
    let (days, first) = days("daily_bulk_batches: 4", 9);
    assert_eq!(first, 4, "the whole of a day is used");
    assert!(days > 2, "{days}");
}

#[test]
fn calls_are_counted_before_they_run_out() {
    let (days, first) = days("daily_api_requests: 150", 9);
    assert!(days >= 2 && first >= 2, "{days} days, {first} jobs on the first");
}

#[test]
fn who_may_not_ask_for_the_limits_goes_on_without() {
    let world = World::new(&Project::quickstart());
    let faults = Faults::read("faults.yaml", "faults: [{ then: unavailable, path: limits }]").unwrap();
    world.org.set_faults(faults);
    let finished = world.apply(Aim::Nowhere).end.unwrap().unwrap();
    assert_eq!(finished.exit.code(), 0);
    assert!(world.org.struck() > 2, "it asked");
}

const MANY: &str = "\
cutover: 1
project: many
environments: { local: { org: { local: org.yaml } } }
objects:
  - object: Account
    key: Legacy_Id__c
    source: accounts.csv
    fields: { Legacy_Id__c: id, Name: name }
";

/// 14,000 accounts in an org that takes two batches a day: a canary, then a job whose second batch finds none left.
fn many() -> Arc<Project> {
    let rows: String = (0..14_000).map(|n| format!("A{n},Account {n}\n")).collect();
    let project =
        Project::tiny().with("cutover.yaml", MANY).with("accounts.csv", &format!("id,name\n{rows}"));
    let queries = ["SELECT Legacy_Id__c, Name FROM Account ORDER BY Legacy_Id__c"];
    limited(&Project::new(project.files.clone(), &queries), "daily_bulk_batches: 2")
}

#[test]
fn rows_that_a_spent_day_keeps_out_of_a_job_are_not_failed() {
    let world = World::new(&many());
    let said = stopped(world.apply(Aim::Nowhere).end.unwrap()).to_string();
    assert!(said.contains("inside a job"), "{said}");
    let state = world.told(1);
    let tally = state.loads[0].tally();
    let counts = [Outcome::Created, Outcome::Failed, Outcome::Pending].map(|o| tally.get(o));
    assert_eq!((counts, tally.balances()), ([12_000, 0, 2_000], true));
    assert!(
        state.parts.values().all(|p| p.failures.is_none()),
        "a failed-row file names rows that did not fail"
    );
    world.it_becomes(state.back.unwrap());
    let finished = world.apply(Aim::Nowhere).end.unwrap().unwrap();
    let tally = finished.state.loads[0].tally();
    assert_eq!((finished.exit.code(), tally.get(Outcome::Created)), (0, 14_000));
    assert_eq!(world.contents()[0].1.len(), 14_000);
}

/// When each job was closed and asked after, in milliseconds of the world's clock.
#[derive(Default)]
struct Asked {
    closed: Option<i64>,
    at: Vec<i64>,
}

fn questions(trace: &[String]) -> BTreeMap<String, Asked> {
    let (mut now, mut jobs) = (0, BTreeMap::<String, Asked>::new());
    for call in trace {
        let words: Vec<&str> = call.split(' ').collect();
        if let ["sleep", milliseconds] = words[..] {
            now += milliseconds.parse::<i64>().unwrap();
        }
        let ["org", method, path, ..] = words[..] else { continue };
        let Some((_, job)) = path.split_once("/jobs/ingest/") else { continue };
        match method {
            "PATCH" => jobs.entry(job.to_owned()).or_default().closed = Some(now),
            "GET" if !job.contains('/') => jobs.entry(job.to_owned()).or_default().at.push(now),
            _ => {}
        }
    }
    jobs
}

#[test]
fn jobs_side_by_side_are_asked_after_calmly() {
    const MINUTE: i64 = 60_000;
    let world = World::new(&Project::northwind());
    let faults = Faults::read("faults.yaml", "faults: [{ then: slow_jobs, steps: 150 }]").unwrap();
    world.org.set_faults(faults);
    let life = world.apply(Aim::Nowhere);
    assert_eq!(life.end.unwrap().unwrap().exit.code(), 0);
    let (mut calm, mut longest) = (0, 0);
    for (job, asked) in questions(&life.trace) {
        let closed = asked.closed.unwrap();
        let quick = asked.at.iter().filter(|at| **at < closed + MINUTE).count();
        assert!(quick <= 40, "{job}: {quick} questions in its first minute");
        for pair in asked.at.windows(2).filter(|pair| pair[1] >= closed + MINUTE) {
            assert!(pair[1] - pair[0] >= 5_000, "{job}: {} and {} ms", pair[0] - closed, pair[1] - closed);
            calm += 1;
        }
        longest = longest.max(asked.at.last().unwrap() - closed);
    }
    assert!(calm > 50 && longest > 5 * MINUTE, "{calm} questions after the first minute, {longest} ms");
}

#[test]
fn a_small_job_is_seen_at_once() {
    let life = World::new(&Project::quickstart()).apply(Aim::Nowhere);
    let jobs = questions(&life.trace);
    assert!(jobs.len() >= 2);
    for asked in jobs.values() {
        let took = asked.at.last().unwrap() - asked.closed.unwrap();
        assert!(took <= 1_000 && asked.at.len() < 12, "{took} ms, {:?}", asked.at);
    }
}
