//! A table of damages: what is done to which file of the state folder, and what an apply must say to it.

use super::said;
use crate::process::{Contents, Running, difference};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What is done to the file.
pub(super) enum Do {
    /// Its bytes become others.
    Bytes(fn(&[u8]) -> Vec<u8>),
    /// It is gone; so is a folder.
    Gone,
    /// A folder stands in its place.
    Folder,
    /// A file stands in the place of a folder.
    File,
}

/// What must come of it.
pub(super) enum Then {
    /// The next apply goes on to its end.
    GoesOn,
    /// It is refused with 65 and nothing changes. Once this is moved out of the state folder, `apply --refresh` comes to
    /// the right end.
    Refused(&'static str),
}

/// One line: a name, the file, what is done to it, words of the message, and what comes of it.
pub(super) type Row = (&'static str, &'static str, Do, &'static [&'static str], Then);

/// Every file below a folder with its bytes, the lock and the store left out: who is refused may touch those.
fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = Vec::new();
    crate::project::walk(folder, &mut found);
    let ours = |p: &PathBuf| p.is_file() && !p.ends_with("lock") && !p.starts_with(folder.join("state"));
    found.into_iter().filter(ours).map(|p| (p.clone(), std::fs::read(&p).unwrap())).collect()
}

/// The one path below the state folder that a pattern names: `*` in a part is anything, one part each.
fn find(state: &Path, pattern: &str) -> PathBuf {
    let mut at = state.to_owned();
    for part in pattern.split('/') {
        let Some((start, end)) = part.split_once('*') else {
            at.push(part);
            continue;
        };
        let names = std::fs::read_dir(&at).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let fits: Vec<String> = names.filter(|n| n.starts_with(start) && n.ends_with(end)).collect();
        assert_eq!(fits.len(), 1, "{part} of {pattern} among {fits:?}");
        at.push(&fits[0]);
    }
    at
}

fn remove(path: &Path) {
    match path.is_dir() {
        true => std::fs::remove_dir_all(path).unwrap(),
        false if path.exists() => std::fs::remove_file(path).unwrap(),
        false => {}
    }
}

fn damage(path: &Path, what: &Do) {
    assert!(path.exists(), "{} is not there to be damaged", path.display());
    match what {
        Do::Bytes(change) => {
            let before = std::fs::read(path).unwrap();
            let after = change(&before);
            assert_ne!(before, after, "{} is as it was", path.display());
            std::fs::write(path, after).unwrap();
        }
        Do::Gone => remove(path),
        Do::Folder => {
            remove(path);
            std::fs::create_dir(path).unwrap();
        }
        Do::File => {
            remove(path);
            std::fs::write(path, "not a folder\n").unwrap();
        }
    }
}

/// The error of a message, without what is another one each time.
fn tidy(text: &str, world: &Running<'_>) -> String {
    let text = text.find("error[").map_or("", |at| &text[at..]);
    let org = std::fs::read_dir(world.state().join("ledger"))
        .ok()
        .and_then(|mut d| d.next())
        .map(|e| e.unwrap().file_name().into_string().unwrap());
    let text = text.replace(&world.state().display().to_string(), "<state>");
    org.map_or(text.clone(), |org| text.replace(&org, "<org>"))
}

/// Does what a row says to a copy of a world. Gives the message that people read.
fn one(base: &Running<'_>, row: &Row, expected: &Contents) -> String {
    let (name, path, what, words, then) = row;
    let world = base.copied(&name.replace(' ', "-"));
    damage(&find(world.state(), path), what);
    let before = files_below(world.state());
    let done = world.apply();
    let told = said(&done);
    assert!(!told.contains("panicked"), "{name}:\n{told}");
    for word in *words {
        assert!(told.contains(word), "{name}: no {word:?} in\n{told}");
    }
    match then {
        Then::GoesOn => assert_eq!(done.status.code(), Some(0), "{name}:\n{told}"),
        Then::Refused(aside) => {
            assert_eq!(done.status.code(), Some(65), "{name}:\n{told}");
            assert!(files_below(world.state()) == before, "{name}: what is refused is left as it is");
            refreshed(name, &world, aside);
        }
    }
    let message = tidy(&told, &world);
    assert!(world.told_last().ended.is_some_and(|(_, exit)| exit == 0), "{name}");
    let wrong = difference(&world.contents(), expected);
    assert_eq!(wrong, None, "{name}");
    message
}

/// The way out that the message names: move that away, then `apply --refresh`.
fn refreshed(name: &str, world: &Running<'_>, aside: &str) {
    remove(&find(world.state(), aside));
    let done = world.command("apply").args(["--refresh", "--yes"]).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{name}, {aside} moved aside:\n{}", said(&done));
}

/// Every row of a table, and all the messages of those that are refused.
pub(super) fn all(base: &Running<'_>, rows: &[Row], expected: &Contents) -> String {
    let mut messages = String::new();
    for row in rows {
        let message = one(base, row, expected);
        if matches!(row.4, Then::Refused(_)) {
            writeln!(messages, "── {}\n{}", row.0, message.trim_end()).unwrap();
        }
    }
    messages
}
