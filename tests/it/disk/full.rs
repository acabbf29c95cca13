//! Disks without room: a limit on the size of files for the real process, and in memory a disk that is full at each
//! write in turn. Every time the exit is the documented one, the message names the file and what to do, and the next
//! apply comes to the same org.

use super::{said, site, undisturbed};
use crate::process::{Contents, Running, Site, difference};
use crate::world::{Aim, Project, World};
use cutover::engine::Exit;
use std::process::{Command, Output};

/// Limits in blocks of 1,024 bytes for many rows: from a disk on which not even the lock can be written to one on which
/// a ledger's segment cannot.
const LIMITS: [u32; 6] = [0, 1, 3, 5, 8, 20];

/// `apply --yes` whose files may not grow beyond so many blocks.
fn limited(world: &Running<'_>, blocks: u32) -> Output {
    let apply = world.command("apply");
    let mut command = Command::new("bash");
    command.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "bash"]);
    command.arg(apply.get_program()).args(apply.get_args()).arg("--yes");
    command.envs(apply.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.output().unwrap()
}

/// What a run that met the limit must say; the file that it could not write.
fn refused(done: &Output, blocks: u32) -> String {
    let told = said(done);
    assert_eq!(done.status.code(), Some(69), "{blocks} blocks:\n{told}");
    assert!(told.contains("cannot write ") && told.contains("File too large"), "{blocks} blocks:\n{told}");
    assert!(told.contains("raise the limit") && told.contains("goes on where it stopped"), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    let file = told.split("cannot write ").nth(1).unwrap().split(": ").next().unwrap();
    file.rsplit('/').next().unwrap().to_owned()
}

/// A run that meets a limit, if it does, and the next one without. The file that could not be written.
fn one(site: &Site, blocks: u32, expected: &Contents) -> Option<String> {
    let world = site.world(&format!("limit-{blocks}"));
    let done = limited(&world, blocks);
    let file = (!done.status.success()).then(|| refused(&done, blocks));
    let done = world.apply();
    assert_eq!(done.status.code(), Some(0), "{blocks} blocks:\n{}", said(&done));
    assert_eq!(difference(&world.contents(), expected), None, "{blocks} blocks");
    file
}

#[test]
fn a_limit_on_the_size_of_files_is_an_interruption() {
    let many = site(400);
    let expected = undisturbed(&many);
    let mut met: Vec<String> =
        LIMITS.iter().map(|blocks| one(&many, *blocks, &expected).expect("it does not fit")).collect();
    // One limit after the other on one folder: each run leaves the next one something to go on from.
    let world = many.world("all-limits");
    for blocks in LIMITS {
        refused(&limited(&world, blocks), blocks);
    }
    assert_eq!(world.apply().status.code(), Some(0));
    assert_eq!(difference(&world.contents(), &expected), None, "after all limits");
    // Of few rows, the journal is the longest file.
    let few = site(3);
    let expected = undisturbed(&few);
    met.extend((1..40).map_while(|blocks| one(&few, blocks, &expected)));
    met.push(merged());
    println!("the files that could not be written: {met:?}");
    for kind in ["plan.json", "rows.tmp", ".seg", "events.ndjson"] {
        assert!(met.iter().any(|file| file.contains(kind)), "no {kind} among {met:?}");
    }
}

/// Rows are added, and the one segment that all are merged into does not fit. The file that could not be written.
fn merged() -> String {
    let (site, after) = (site(400), super::site(600));
    let world = site.world("merged");
    assert_eq!(world.apply().status.code(), Some(0));
    for file in ["accounts.csv", "contacts.csv", "items.csv"] {
        std::fs::copy(after.root().join(file), site.root().join(file)).unwrap();
    }
    let file = refused(&limited(&world, 30), 30);
    assert_eq!(world.apply().status.code(), Some(0));
    assert_eq!(difference(&world.contents(), &undisturbed(&after)), None, "merged");
    file
}

/// One apply on a disk that is full at a write, then one with room. Whether the first met it.
fn full_at(project: &std::sync::Arc<Project>, write: u64, once: bool, expected: &World) -> bool {
    let world = World::new(project);
    world.disk.fill_at(world.disk.writes() + write, once);
    match world.apply(Aim::Nowhere).end.unwrap() {
        Ok(_) => {
            assert_eq!(world.contents(), expected.contents(), "write {write}");
            return false;
        }
        Err(error) => {
            assert_eq!(error.exit(), Exit::Interrupted, "write {write}: {error}");
            let told = format!("{:?}", error.diagnostics());
            assert!(told.contains("no space left") && told.contains("make room"), "write {write}: {told}");
        }
    }
    world.disk.make_room();
    if write.is_multiple_of(2) {
        world.lose_power();
    }
    let finished = world.apply(Aim::Nowhere).end.unwrap();
    let finished = finished.unwrap_or_else(|error| panic!("write {write}: {error}"));
    assert!(finished.state.loads.iter().all(|l| l.tally().balances()), "write {write}");
    assert_eq!(world.contents(), expected.contents(), "write {write}");
    true
}

/// Applies to a disk that is full at every `stride`-th write.
fn full_at_each(once: bool, stride: usize) {
    let project = Project::tiny();
    let expected = World::new(&project);
    expected.apply(Aim::Nowhere).end.unwrap().unwrap();
    let writes = (0..expected.disk.writes() as usize).step_by(stride);
    let met = writes.clone().filter(|write| full_at(&project, *write as u64, once, &expected)).count();
    println!("full at {} writes (room again at once: {once}): {met} runs stopped by it", writes.len());
    assert!(met > writes.len() / 2, "{met} of {}", writes.len());
}

#[test]
fn a_disk_that_is_full_from_any_write_on_is_gone_on_with() {
    full_at_each(false, 1);
}

#[test]
fn one_write_without_room_is_an_end_as_well() {
    full_at_each(true, 4);
}
