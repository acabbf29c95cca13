//! Faults of the transport over real sockets: the same org in the end as without them.

use crate::front::{Front, Turn};
use crate::http::Served;
use crate::project::{Project, finished};
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
