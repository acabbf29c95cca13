//! State folders that are not ours to write, are in use, or are left in a hurry; and a local org whose file is damaged.

use super::{said, site, undisturbed, unfinished};
use crate::process::{Running, Site, difference};
use crate::project::Project;
use cutover::checkpoint::Event;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Somebody who is not root: permissions mean something to them.
const NOBODY: u32 = 65_534;

fn everybody(path: &Path, mode: u32) {
    let mut found = Vec::new();
    crate::project::walk(path, &mut found);
    for path in found {
        let run = if path.is_dir() { mode | (mode & 0o444) >> 2 } else { mode };
        std::fs::set_permissions(&path, PermissionsExt::from_mode(run)).unwrap();
    }
}

/// The command as somebody whom permissions stop. They may not even see where our own binary lies: it is copied.
fn as_somebody(site: &Site, command: &Command) -> Output {
    let binary = site.root().with_file_name("cutover");
    if !binary.exists() {
        std::fs::copy(command.get_program(), &binary).unwrap();
        std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let mut theirs = Command::new(binary);
    theirs.args(command.get_args()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
    if root {
        theirs.uid(NOBODY).gid(NOBODY);
    }
    theirs.output().unwrap()
}

fn applied(world: &Running<'_>) -> Command {
    let mut command = world.command("apply");
    command.arg("--yes");
    command
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_gone_on_with() {
    let site = site(3);
    let (expected, base) = (undisturbed(&site), unfinished(&site));
    let world = base.copied("read-only");
    everybody(site.root().parent().unwrap(), 0o644);
    everybody(world.state(), 0o444);
    let done = as_somebody(&site, &applied(&world));
    let told = said(&done);
    assert_eq!(done.status.code(), Some(69), "{told}");
    for word in
        ["cannot write", "Permission denied", "let this user read and write", "goes on where it stopped"]
    {
        assert!(told.contains(word), "no {word:?} in\n{told}");
    }
    // To look at it is enough that it can be read.
    let status = as_somebody(&site, &world.command("status"));
    assert_eq!(status.status.code(), Some(0), "{}", said(&status));
    // One file alone: the journal.
    everybody(world.state(), 0o666);
    std::fs::set_permissions(world.state().join("runs/1/events.ndjson"), PermissionsExt::from_mode(0o444))
        .unwrap();
    let done = as_somebody(&site, &applied(&world));
    assert_eq!(done.status.code(), Some(69), "{}", said(&done));
    assert!(said(&done).contains("events.ndjson: Permission denied"), "{}", said(&done));
    everybody(world.state(), 0o600);
    assert_eq!(world.apply().status.code(), Some(0));
    assert_eq!(difference(&world.contents(), &expected), None);
}

/// What is upserted comes to the same; what was inserted must be adopted from the org, and `--refresh` does that.
#[test]
fn a_state_folder_that_is_gone_is_built_anew_from_the_org() {
    let site = site(3);
    let (expected, base) = (undisturbed(&site), unfinished(&site));
    let mut world = base.copied("gone");
    world.lose_state();
    let done = world.command("apply").args(["--refresh", "--yes"]).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!(difference(&world.contents(), &expected), None);
}

/// A world whose run waits for an org that does not answer.
fn waiting(site: &Site) -> (Running<'_>, std::process::Child) {
    let faults = site.root().join("faults.yaml");
    let world = site.world_with("waiting", &["--faults", faults.to_str().unwrap()]);
    let child = applied(&world).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    world.until(1, 3, |event| matches!(event, Event::Closed { .. }));
    (world, child)
}

fn signal(child: &std::process::Child, name: &str) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", child.id())).status().unwrap();
    assert!(sent.success());
}

/// What a process says until a line has these words. Read a byte at a time: what comes later is read by others.
fn said_until(child: &mut std::process::Child, words: &str) -> String {
    let mut said = Vec::new();
    let stderr = child.stderr.as_mut().unwrap();
    while !String::from_utf8_lossy(&said).contains(words) {
        let mut byte = [0];
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&said));
        said.extend(byte);
    }
    String::from_utf8(said).unwrap()
}

#[test]
fn a_second_process_is_told_who_holds_the_state() {
    let site = site(3);
    let (world, mut child) = waiting(&site);
    for word in ["apply", "plan"] {
        let second = world.command(word).output().unwrap();
        assert_eq!(second.status.code(), Some(75), "{}", said(&second));
        assert!(said(&second).contains(&format!("(process {})", child.id())), "{}", said(&second));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let after = world.command("plan").output().unwrap();
    assert_ne!(after.status.code(), Some(75), "a killed process holds nothing: {}", said(&after));
}

#[test]
fn ctrl_c_twice_leaves_now_and_the_next_apply_goes_on() {
    for name in ["INT", "TERM"] {
        let site = site(3);
        let expected = undisturbed(&site);
        let (mut world, mut child) = waiting(&site);
        // The org does not answer: the first signal waits for it, the second one does not.
        world.org("STOP");
        signal(&child, name);
        let mut told = said_until(&mut child, "once more leaves now");
        signal(&child, name);
        let done = child.wait_with_output().unwrap();
        told.push_str(&said(&done));
        assert_eq!((done.status.code(), done.status.signal()), (Some(69), None), "{told}");
        assert!(told.contains("once more leaves now"), "{told}");
        assert!(told.contains("left at once: run `cutover apply` again"), "{told}");
        let state = world.told(1);
        assert!(state.ended.is_none() && state.paused.is_none(), "it left at once");
        world.kill_org();
        world.serve_again();
        let done = world.apply();
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        assert_eq!(difference(&world.contents(), &expected), None, "{name}");
    }
}

#[test]
fn a_local_org_that_is_damaged_is_refused() {
    let project = Project::example("quickstart");
    project.apply(0);
    let whole = std::fs::read(project.path(".cutover/local/local/org.db")).unwrap();
    project.set("data/companies.csv", "1001", "phone", "1");
    std::fs::write(project.path(".cutover/local/local/org.db"), vec![7; 9_000]).unwrap();
    for arguments in [&["apply"][..], &["plan"], &["local", "query", "SELECT Name FROM Account"]] {
        let told = project.run(arguments).exits(65).err;
        assert!(told.contains("org.db") && told.contains("apply --refresh"), "{told}");
    }
    std::fs::write(project.path(".cutover/local/local/org.db"), whole).unwrap();
    assert_eq!(project.apply(0).total("updated"), 1);
}
