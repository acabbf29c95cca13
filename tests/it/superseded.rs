//! A run that was left unfinished: gone on with after Ctrl-C; superseded once its source has changed.

use crate::process::{Running, Site, difference, npsp};
use cutover::checkpoint::{Ended, Event};
use std::os::unix::process::ExitStatusExt;

/// A row that changes, and one that is new.
fn change(site: &Site) {
    site.edit("data/Account.csv", "Shaw Household", "Shaw and Sons");
    let path = site.root().join("data/Account.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("99999,New Household,United States,1 Main St,Colorado,Aurora,80044,Household Account,0122a000000PCxAAAW\n");
    std::fs::write(path, text).unwrap();
}

/// Kills a run when it has settled some parts and is in the middle of another.
fn kill_in_the_middle(world: &Running<'_>, settled: usize) {
    let process = world.begin();
    world.until(1, settled, |e| matches!(e, Event::PartSettled { .. }));
    world.until(1, settled + 1, |e| matches!(e, Event::Closed { .. }));
    assert_eq!(process.kill().signal(), Some(9), "it was over before it could be killed");
    assert!(world.told(1).ended.is_none());
}

#[test]
fn a_changed_source_supersedes_an_unfinished_run() {
    let site = npsp();
    // What a run over the changed source makes of an org that has seen nothing.
    let changed = npsp();
    change(&changed);
    let fresh = changed.world("fresh");
    assert_eq!(fresh.apply().status.code(), Some(0));
    let expected = fresh.contents();

    for settled in [1, 6] {
        let world = site.world(&format!("killed-after-{settled}"));
        kill_in_the_middle(&world, settled);
        let before = std::fs::read_to_string(site.root().join("data/Account.csv")).unwrap();
        change(&site);
        let done = world.apply();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "{said}");
        assert!(said.contains("superseded"), "{said}");
        let old = world.told(1);
        assert!(matches!(old.ended, Some((Ended::Superseded, _))), "{:?}", old.ended);
        assert!(old.parts.values().all(|p| p.state.is_over()), "no part is left open");
        let new = world.told(2);
        assert!(matches!(new.ended, Some((Ended::Finished, 0))), "{:?}", new.ended);
        assert!(new.loads.iter().all(|l| l.tally().balances()));
        let total: u64 = new.loads.iter().map(|l| l.outcomes[4]).sum();
        assert!(total > 0, "what landed before is unchanged, not sent again");
        assert_eq!(difference(&world.contents(), &expected), None, "killed after {settled} parts");
        site.write("data/Account.csv", &before);
    }
}

#[test]
fn ctrl_c_leaves_a_run_that_goes_on() {
    let site = npsp();
    let undisturbed = site.world("undisturbed");
    assert_eq!(undisturbed.apply().status.code(), Some(0));
    let expected = undisturbed.contents();

    let world = site.world("interrupted");
    let process = world.begin();
    world.until(1, 3, |e| matches!(e, Event::PartSettled { .. }));
    process.interrupt();
    assert_eq!(process.wait().code(), Some(69));
    let state = world.told(1);
    assert!(state.ended.is_none() && state.paused == Some(69), "{:?} {:?}", state.ended, state.paused);

    let status = world.command("status").output().unwrap();
    let text = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.status.success() && text.contains("goes on where it stopped"), "{text}");
    let json = world.command("status").arg("--json").output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["exit"], 69);

    let done = world.apply();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(matches!(world.told(1).ended, Some((Ended::Finished, 0))), "the same run goes on");
    assert!(world.journal(2).is_empty(), "there is no second run");
    assert_eq!(difference(&world.contents(), &expected), None);
}
