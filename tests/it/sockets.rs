//! Faults of the transport over real sockets: the same org in the end as without them.

use crate::damaging_proxy::{Front, Turn};
use crate::http::Served;
use crate::project::{Output, Project, Report, finished};
use crate::world::NORTHWIND;
use serde_json::Value;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Applies quickstart through a front that does this to the `n`th request whose line begins and ends like this, and
/// sees that the org holds what it holds without.
#[track_caller]
fn survives(method: &str, end: &'static str, turn: Turn) -> Front {
    let project = Project::example("quickstart");
    let target = "environments: { uat: { org: { url: env:TEST_URL, token: env:TEST_TOKEN } },";
    project.replace("cutover.yaml", "environments: {", target);
    let org = Served::start(&project);
    let (start, done) = (format!("{method} "), AtomicUsize::new(0));
    let front = Front::before(&org, move |asked, _| {
        let hit = asked.line.starts_with(&start) && asked.line.ends_with(end);
        if hit && done.fetch_add(1, Ordering::SeqCst) == 0 { turn.clone() } else { Turn::Pass }
    });
    let mut command = project.command(&["apply", "--json", "-e", "uat", "--yes"]);
    command.env("TEST_URL", &front.url).env("TEST_TOKEN", front.token());
    let report = finished(command).exits(0).json();
    let created = |load: usize| report["loads"][load]["created"].as_u64().unwrap();
    assert_eq!((created(0), created(1)), (6, 6), "{report}");
    assert_eq!((org.count("Account"), org.count("Contact")), (6, 6));
    assert_eq!(org.count("Contact WHERE AccountId = null"), 0);
    assert_eq!(org.jobs(), 2, "no job too many");
    front
}

#[test]
fn a_close_whose_answer_is_lost() {
    let front = survives("PATCH", "", Turn::DropAfter);
    assert_eq!(front.seen("PATCH ").len(), 3);
}

#[test]
fn a_close_that_is_lost_on_its_way() {
    survives("PATCH", "", Turn::DropBefore);
}

#[test]
fn a_result_file_that_breaks_off() {
    let front = survives("GET", "/successfulResults", Turn::Truncate);
    let downloads = front.seen("GET ").into_iter().filter(|a| a.line.ends_with("/successfulResults")).count();
    assert_eq!(downloads, 3, "two jobs, and one download again");
}

#[test]
fn too_many_requests_and_an_org_that_is_away() {
    for (method, status) in
        [("POST", "429 Too Many Requests"), ("GET", "503 Service Unavailable"), ("PATCH", "502 Bad Gateway")]
    {
        survives(method, "", Turn::Say(status, "retry-after: 1\r\n", "<html>busy</html>".into()));
    }
}

/// Northwind with two ways to a served org: `sandbox` by a bare token, `app` by a login that can be made again.
fn northwind() -> Project {
    let project = Project::example("northwind");
    let app = "{ client_credentials: { login: env:SF_INSTANCE_URL, client_id: loader, client_secret: env:APP_SECRET } }";
    project.replace("cutover.yaml", "environments:\n", &format!("environments:\n  app: {{ org: {app} }}\n"));
    let app =
        "{ name: Loader, client_id: loader, client_secret: hush, run_as: nancy.davolio@northwind.example }";
    project.append("org.yaml", &format!("\nconnected_apps: [{app}]\n"));
    project
}

/// One apply of northwind.
#[track_caller]
fn applied(project: &Project, org: &Served, environment: &str, token: &str) -> Output {
    let mut command = project.command(&["apply", "--json", "-e", environment, "--yes"]);
    command.env("SF_INSTANCE_URL", &org.url).env("SF_ACCESS_TOKEN", token).env("APP_SECRET", "hush");
    finished(command)
}

fn contents(org: &Served) -> Vec<Vec<Value>> {
    NORTHWIND.iter().map(|soql| org.records(soql)).collect()
}

/// What a served org holds after an apply of northwind that nothing disturbs, and how many jobs that takes.
fn calm() -> &'static (Vec<Vec<Value>>, usize) {
    static CALM: OnceLock<(Vec<Vec<Value>>, usize)> = OnceLock::new();
    CALM.get_or_init(|| {
        let project = northwind();
        let org = Served::start(&project);
        applied(&project, &org, "sandbox", &org.token).exits(0);
        let rows = contents(&org);
        assert_eq!(rows.iter().map(Vec::len).sum::<usize>(), 3_482);
        (rows, org.jobs())
    })
}

/// The last apply ended well: all is in the org, and every fault has struck. Gives the states of the jobs besides those
/// that a calm apply makes.
#[track_caller]
fn ends_well(org: &Served, output: Output, faults: u64) -> Vec<String> {
    let report = Report(output.exits(0).json()).balances();
    assert_eq!(report.total("created"), 3_482, "as many as without");
    let (rows, jobs) = calm();
    assert_eq!(org.struck(), faults, "every fault has struck");
    for ((soql, now), then) in NORTHWIND.iter().zip(contents(org)).zip(rows) {
        assert!(now == *then, "{soql}");
    }
    let mut states = org.job_states();
    states.retain(|state| state != "JobComplete");
    assert_eq!(org.jobs(), jobs + states.len());
    states
}

#[test]
fn northwind_through_connections_dropped_after_the_effect() {
    let project = northwind();
    let faults = "faults:\n  - { then: drop_after, method: PATCH, path: 'jobs/ingest/*', nth: 3 }\n  \
        - { then: drop_after, method: POST, path: jobs/ingest, nth: 9 }\n";
    let org = Served::with_faults(&project, faults);
    let stopped = applied(&project, &org, "sandbox", &org.token).exits(69);
    assert!(stopped.err.contains("the connection broke"), "{}", stopped.err);
    let resumed = applied(&project, &org, "sandbox", &org.token);
    assert_eq!(ends_well(&org, resumed, 2), ["Open"], "the job whose making was not answered");
}

#[test]
fn northwind_through_a_login_that_ends() {
    let project = northwind();
    let faults = "faults:\n  - { then: unauthorized, method: PUT, path: 'jobs/ingest/*/batches', nth: 2 }\n  \
        - { then: revoked, method: POST, path: jobs/ingest, nth: 8 }\n  \
        - { then: revoked, path: 'jobs/ingest/*/successfulResults', nth: 9 }\n";
    let org = Served::with_faults(&project, faults);
    let output = applied(&project, &org, "app", "");
    assert!(ends_well(&org, output, 3).is_empty());
}

#[test]
fn northwind_through_a_bare_token_that_ends() {
    let project = northwind();
    let faults = "faults: [{ then: revoked, method: PUT, path: 'jobs/ingest/*/batches', nth: 9 }]";
    let org = Served::with_faults(&project, faults);
    let token = org.log_in("grant_type=client_credentials&client_id=loader&client_secret=hush");
    for _ in 0..2 {
        let refused = applied(&project, &org, "sandbox", &token).exits(77);
        assert!(refused.err.contains("INVALID_SESSION_ID"), "{}", refused.err);
        assert!(!refused.err.contains(&token), "{}", refused.err);
    }
    let token = org.log_in("grant_type=client_credentials&client_id=loader&client_secret=hush");
    let resumed = applied(&project, &org, "sandbox", &token);
    let given_up = ends_well(&org, resumed, 1);
    assert!(!given_up.is_empty() && given_up.iter().all(|state| state == "Aborted"), "{given_up:?}");
}

#[test]
fn northwind_through_truncated_downloads() {
    let project = northwind();
    let faults = "faults:\n  - { then: cut, path: 'jobs/ingest/*/successfulResults', nth: 3 }\n  \
        - { then: cut, ending: open, path: 'jobs/ingest/*/successfulResults', nth: 7 }\n  \
        - { then: cut, ending: silent, path: 'jobs/ingest/*/successfulResults', nth: 12 }\n  \
        - { then: cut, ending: open, path: 'jobs/ingest/*/failedResults', nth: 4 }\n";
    let org = Served::with_faults(&project, faults);
    let output = applied(&project, &org, "sandbox", &org.token);
    assert!(ends_well(&org, output, 4).is_empty());
}
