//! `cutover status` on a run that is alive, one that was killed, one that was told to stop and one that is over: real
//! processes, and an org that stands still for as long as somebody looks.

use crate::process::{Running, npsp};
use cutover::checkpoint::{Event, PartState};
use cutover::ports::{Clock, Files, RealClock, RealFiles};
use serde_json::Value;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

const BINARY: &str = env!("CARGO_BIN_EXE_cutover");

fn told(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(command: &mut Command) -> Value {
    serde_json::from_str(&told(command.arg("--json"))).unwrap()
}

fn status(world: &Running<'_>) -> Value {
    json(&mut world.command("status"))
}

/// From the journal alone, in a folder that knows no project.
fn replayed(journal: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["status", "--journal"]).arg(journal).current_dir(std::env::temp_dir());
    command
}

/// A job is with the org, and the org stands still.
fn at_a_job(world: &Running<'_>) {
    world.until(1, 2, |event| matches!(event, Event::PartSettled { .. }));
    world.org("STOP");
}

#[test]
fn alive_dead_and_finished_are_told_apart() {
    let site = npsp();
    let world = site.world("alive");
    let journal = world.state().join("runs/1/events.ndjson");
    let process = world.begin();
    at_a_job(&world);
    let alive = status(&world);
    assert_eq!((&alive["run_state"], &alive["exit"]), (&"running".into(), &69.into()), "{alive}");
    assert_eq!(json(&mut replayed(&journal))["run_state"], "running");
    assert!(told(&mut world.command("status")).contains("run 1 is running, since "));
    let check = world.command_on("state", Path::new("check")).arg(site.root()).output().unwrap();
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(check.status.code() == Some(0) && said.contains("a cutover is at work here"), "{said}");
    let busy = world.command_on("state", Path::new("repair")).arg(site.root()).output().unwrap();
    assert_eq!(busy.status.code(), Some(75));

    assert_eq!(process.kill().signal(), Some(9));
    let dead = status(&world);
    assert_eq!(dead["run_state"], "interrupted", "{dead}");
    let under_way = world.told(1).parts.values().filter(|part| !part.state.is_over()).count();
    assert_eq!(dead["under_way"].as_array().unwrap().len(), under_way);
    for part in dead["under_way"].as_array().unwrap() {
        assert!(!part["next"].as_array().unwrap().is_empty(), "{part}");
    }
    let text = told(&mut world.command("status"));
    assert!(text.contains("run 1 was interrupted (exit 69)") && text.contains(" ago, at 20"), "{text}");
    // A colleague's copy tells the same, apart from where the files lie.
    let copy = site.root().join("copy");
    std::fs::copy(&journal, &copy).unwrap();
    assert_eq!(json(&mut replayed(&copy))["under_way"], dead["under_way"]);

    world.org("CONT");
    assert_eq!(world.apply().status.code(), Some(0));
    let over = status(&world);
    assert_eq!((&over["run_state"], &over["exit"]), (&"finished".into(), &0.into()), "{over}");
    assert_eq!(over["under_way"], Value::Array(vec![]));
}

#[test]
fn a_run_that_was_told_to_stop_says_so() {
    let site = npsp();
    let world = site.world("stopped");
    let process = world.begin();
    world.until(1, 2, |event| matches!(event, Event::PartSettled { .. }));
    process.interrupt();
    assert_eq!(process.wait().code(), Some(69));
    let paused = status(&world);
    assert_eq!(paused["run_state"], "paused", "{paused}");
    assert_eq!((&paused["paused"]["exit"], &paused["paused"]["why"]), (&69.into(), &"stopped".into()));
    let text = told(&mut world.command("status"));
    assert!(text.contains("run 1 paused (exit 69): it was told to stop"), "{text}");
    assert!(text.contains("`cutover apply` goes on where it stopped"), "{text}");
}

/// The time comes while the org stands still: the job that is there settles, nothing more begins, and the next apply
/// goes on.
#[test]
fn until_a_time_nothing_more_begins() {
    let site = npsp();
    let world = site.world("until");
    let passed = world.command("apply").args(["--yes", "--until", "2020-01-01T06:00:00Z"]).output().unwrap();
    assert_eq!(passed.status.code(), Some(64));
    let end = RealClock.now() + 8_000;
    let text = jiff::Timestamp::from_millisecond(end).unwrap().to_string();
    let process = world.begin_with(world.command("apply").args(["--yes", "--until", &text]));
    world.until(1, 1, |event| matches!(event, Event::JobIntent { .. }));
    world.org("STOP");
    while RealClock.now() <= end {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    world.org("CONT");
    assert_eq!(process.wait().code(), Some(69));
    assert_eq!(status(&world)["paused"]["why"], "until");
    let begun = |event: &Event| matches!(event, Event::JobIntent { .. } | Event::CallsIntent { .. });
    assert!(world.journal(1).iter().all(|line| line.at < end || !begun(&line.event)));
    assert!(world.told(1).parts.values().all(|part| part.state.is_over() || part.state == PartState::Staged));
    assert_eq!(world.apply().status.code(), Some(0));
    assert_eq!(world.told_last().run, 1);
}

/// Whoever looks, looks: an apply that begins meanwhile gets its lock.
#[test]
fn an_apply_never_meets_somebody_who_looks() {
    let site = npsp();
    let world = site.world("looked-at");
    assert_eq!(world.apply().status.code(), Some(0));
    let lookers: Vec<_> = (0..3)
        .map(|_| {
            let look = format!(
                "while :; do '{BINARY}' status '{}' --state-dir '{}' >/dev/null 2>&1; done",
                site.root().display(),
                world.state().display()
            );
            world.begin_with(Command::new("sh").arg("-c").arg(look))
        })
        .collect();
    let codes: Vec<_> = (0..4).map(|_| world.apply().status.code()).collect();
    for looker in lookers {
        looker.kill();
    }
    assert_eq!(codes, [Some(0); 4]);
}

#[test]
fn who_looks_never_keeps_a_holder_out() {
    let folder = tempfile::tempdir().unwrap();
    let (files, done) = (RealFiles::new(folder.path()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    files.is_locked("lock").unwrap();
                }
            });
        }
        let taken = (0..300).filter(|_| files.lock("lock").unwrap().is_some()).count();
        done.store(true, Ordering::SeqCst);
        assert_eq!(taken, 300);
    });
}
