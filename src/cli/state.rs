//! `cutover state check`, `repair`, `export` and `prune`: the state folder, without an org.

use super::args::{ExportArgs, Global, PathArgs, PruneArgs, RepairArgs, StateCommand};
use super::project::{Project, hold, secret};
use super::screen::Screen;
use crate::checkpoint::{Secret, SledStore, journal_path, last_run};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::inspect::{
    Change, Facts, Finding, Grade, LedgerRow, StoreFacts, export, findings, orgs, perform, prunes,
    read_facts, repairs,
};
use crate::engine::{EngineError, Exit};
use crate::ports::{Files, RealFiles, entropy};
use crate::report::{Looked, changes_text, findings_text, state_json};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// How often a folder is looked at in which a process is at work: what is wrong each time is wrong.
const LOOKS: usize = 3;

pub(super) fn run(command: &StateCommand, global: &Global, screen: &Screen) -> Exit {
    let done = match command {
        StateCommand::Check(PathArgs { path }) => check(path.as_deref(), global, screen),
        StateCommand::Repair(args) => repair(args, global, screen),
        StateCommand::Export(args) => write_out(args, global, screen),
        StateCommand::Prune(args) => prune(args, global, screen),
    };
    done.unwrap_or_else(|error| screen.fail(&error, Path::new("")))
}

/// A state folder, of a project or by itself.
struct Folder {
    files: RealFiles,
    path: PathBuf,
    text: String,
}

impl Folder {
    /// # Errors
    /// 64 when there is none.
    fn find(path: Option<&Path>, global: &Global) -> Result<Self, EngineError> {
        let (dir, text) = match (path, &global.state_dir) {
            (None, Some(dir)) => (dir.clone(), dir.display().to_string()),
            _ => {
                let project = Project::find(path, global)?;
                (project.state_dir.clone(), project.state_text())
            }
        };
        if dir.is_dir() {
            return Ok(Self { files: RealFiles::new(&dir), path: dir, text });
        }
        let problem = Diagnostic::error(Code::State, format!("there is no state in {text}"));
        Err(EngineError::problem(Exit::Usage, problem.help("`cutover apply` makes one")))
    }

    /// Whether a process works on it.
    fn is_busy(&self) -> bool {
        let journal = last_run(&self.files).map(journal_path).unwrap_or_default();
        [self.files.is_locked("lock"), self.files.is_locked(&journal)].into_iter().any(|l| l.unwrap_or(false))
    }

    /// What is there and what is wrong with it. Of a folder in which a process is at work, what is wrong each time.
    fn look(&self, held: bool) -> Result<(Facts, Vec<Finding>), EngineError> {
        let busy = !held && self.is_busy();
        let store = if busy { StoreFacts::Unread } else { self.store() };
        let (mut facts, mut found) = self.look_once(busy, &store)?;
        for _ in 1..if busy { LOOKS } else { 1 } {
            let (again, still) = self.look_once(busy, &store)?;
            found.retain(|finding| still.contains(finding));
            facts = again;
        }
        Ok((facts, found))
    }

    fn look_once(&self, busy: bool, store: &StoreFacts) -> Result<(Facts, Vec<Finding>), EngineError> {
        let mut tries = if busy { LOOKS } else { 1 };
        loop {
            match read_facts(&self.files, busy, store.clone()) {
                Ok(facts) => {
                    let found = findings(&facts);
                    return Ok((facts, found));
                }
                // A file went while it was being read.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && tries > 1 => tries -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The store is looked at in a copy: to open it may change it.
    fn store(&self) -> StoreFacts {
        let folder = self.path.join("state");
        if !folder.is_dir() {
            return StoreFacts::Absent;
        }
        // Where there is no room for a copy, nothing is known of the store: that is no damage.
        let Ok(copy) = scratch_copy(&folder) else { return StoreFacts::Unread };
        let there = copy.clone();
        // A damaged store may end the thread that opens it.
        let looked = std::thread::spawn(move || SledStore::look(&there)).join();
        let _ = std::fs::remove_dir_all(&copy);
        match looked {
            Ok(Ok(holds)) => StoreFacts::Usable(holds),
            Ok(Err(error)) => StoreFacts::Broken(error.to_string()),
            Err(_) => StoreFacts::Broken("it cannot be opened".into()),
        }
    }

    /// Takes the lock, for what changes something.
    fn hold(&self) -> Result<Box<dyn crate::ports::FileLock>, EngineError> {
        let held = hold(&self.files, &self.path)?;
        let run = last_run(&self.files)?;
        if run > 0 && self.files.is_locked(&journal_path(run))? {
            let problem = Diagnostic::error(Code::Locked, format!("another process carries run {run} out"));
            return Err(EngineError::problem(
                Exit::Locked,
                problem.help("wait until it is done, or stop it"),
            ));
        }
        Ok(held)
    }
}

/// A copy of a store in a folder of its own; nothing is left of one that failed.
fn scratch_copy(store: &Path) -> std::io::Result<PathBuf> {
    let names = (0..LOOKS).map(|n| format!("cutover-look-{}-{n}", std::process::id()));
    let mut copies = names.map(|name| std::env::temp_dir().join(name));
    let free = copies.find(|copy| !copy.exists()).ok_or(std::io::ErrorKind::AlreadyExists)?;
    SledStore::copy(store, &free).inspect_err(|error| {
        if error.kind() != std::io::ErrorKind::AlreadyExists {
            let _ = std::fs::remove_dir_all(&free);
        }
    })?;
    Ok(free)
}

fn check(path: Option<&Path>, global: &Global, screen: &Screen) -> Result<Exit, EngineError> {
    let folder = Folder::find(path, global)?;
    let (facts, findings) = folder.look(false)?;
    let exit = exit_of(&findings);
    let (command, done) = ("check", false);
    let looked =
        Looked { command, folder: &folder.text, facts: &facts, findings: &findings, changes: &[], done };
    let text = || findings_text(&looked);
    screen.data(&if global.json { state_json(&looked, exit.code()).to_string() } else { text() });
    Ok(exit)
}

fn exit_of(findings: &[Finding]) -> Exit {
    if findings.iter().any(|finding| finding.grade == Grade::Damage) { Exit::Invalid } else { Exit::Done }
}

fn repair(args: &RepairArgs, global: &Global, screen: &Screen) -> Result<Exit, EngineError> {
    let folder = Folder::find(args.path.as_deref(), global)?;
    let held = if args.dry_run { None } else { Some(folder.hold()?) };
    let (facts, found) = folder.look(held.is_some())?;
    let changes = repairs(&found);
    let order = Order { command: "repair", folder, global, screen, dry_run: args.dry_run, yes: args.yes };
    order.carry_out(&facts, &found, &changes)
}

fn prune(args: &PruneArgs, global: &Global, screen: &Screen) -> Result<Exit, EngineError> {
    let folder = Folder::find(args.path.as_deref(), global)?;
    let held = if args.dry_run { None } else { Some(folder.hold()?) };
    let (facts, found) = folder.look(held.is_some())?;
    let changes = prunes(&facts, args.keep);
    let order = Order { command: "prune", folder, global, screen, dry_run: args.dry_run, yes: args.yes };
    order.carry_out(&facts, &found, &changes)
}

/// Something that the user ordered to be changed.
struct Order<'o> {
    command: &'static str,
    folder: Folder,
    global: &'o Global,
    screen: &'o Screen,
    dry_run: bool,
    yes: bool,
}

impl Order<'_> {
    /// Names the changes, asks, makes them, and says what is left.
    fn carry_out(&self, facts: &Facts, found: &[Finding], changes: &[Change]) -> Result<Exit, EngineError> {
        self.name(found, changes);
        if self.dry_run || changes.is_empty() {
            return Ok(self.end(facts, found, changes, false));
        }
        self.ask(changes.len())?;
        for change in changes {
            perform(&self.folder.files, change)?;
        }
        let (facts, found) = self.folder.look(true)?;
        Ok(self.end(&facts, &found, changes, true))
    }

    /// Says what would be done, and what a repair must leave as it is.
    fn name(&self, found: &[Finding], changes: &[Change]) {
        let mut text = changes_text(changes);
        let mended =
            |finding: &&Finding| finding.change.as_ref().is_some_and(|change| changes.contains(change));
        let damaged = found.iter().filter(|f| self.command == "repair" && f.grade == Grade::Damage);
        for Finding { path, what, next, .. } in damaged.filter(|finding| !mended(finding)) {
            text.push_str(&format!("cannot be repaired: {path}: {what}\n  help: {next}\n"));
        }
        match self.global.json {
            true if self.dry_run || self.yes => {}
            true => self.screen.say(text.trim_end()),
            false if text.is_empty() => {}
            false => self.screen.data(&text),
        }
    }

    fn ask(&self, changes: usize) -> Result<(), EngineError> {
        if self.yes {
            return Ok(());
        }
        let question = format!("Do this to {} ({changes} changes)? Only `yes` goes on:", self.folder.text);
        let help = "look at it with `--dry-run`, then say `--yes`";
        let refused = |message: &str| {
            EngineError::problem(Exit::Usage, Diagnostic::error(Code::State, message).help(help))
        };
        match self.screen.read(&question).as_deref() {
            Some("yes") => Ok(()),
            Some(_) => Err(refused("nothing was changed")),
            None => Err(refused("somebody must say yes, and there is no terminal to ask at")),
        }
    }

    fn end(&self, facts: &Facts, found: &[Finding], changes: &[Change], done: bool) -> Exit {
        let exit = if self.command == "repair" { exit_of(found) } else { Exit::Done };
        if self.global.json {
            let folder = &self.folder.text;
            let looked = Looked { command: self.command, folder, facts, findings: found, changes, done };
            self.screen.data(&state_json(&looked, exit.code()).to_string());
            return exit;
        }
        self.screen.tell(&match (changes.len(), done) {
            (0, _) if exit == Exit::Invalid => "nothing that can be repaired".into(),
            (0, _) => format!("nothing to {}", self.command),
            (changes, true) => format!("{changes} changes made"),
            (changes, false) => format!("{changes} changes would be made; nothing was changed"),
        });
        exit
    }
}

fn write_out(args: &ExportArgs, global: &Global, screen: &Screen) -> Result<Exit, EngineError> {
    let folder = Folder::find(args.path.as_deref(), global)?;
    let org = the_org(&folder, args.org.as_deref())?;
    let held = match folder.hold() {
        Ok(held) => Some(held),
        Err(error) if error.exit() == Exit::Locked => return Err(error),
        // A copy that may only be read can be told of.
        Err(_) => None,
    };
    let secret = match Secret::read(&folder.files)? {
        Some(secret) => secret,
        None if held.is_some() => secret(&folder.files)?,
        None => {
            screen.tell("note: the state folder cannot be written to and has no secret yet: the hashes of this export are like those of no other");
            Secret::new(entropy()?)
        }
    };
    let export = Export { files: &folder.files, org: &org, secret };
    match &args.out {
        None => to_the_reader(export.rows(args.csv, &mut BufWriter::new(std::io::stdout().lock())))?,
        Some(path) => {
            let mut out = BufWriter::new(super::plan::out_file(path, args.force)?);
            export.rows(args.csv, &mut out)?;
            out.into_inner().map_err(|error| error.into_error())?.finish()?;
            screen.tell(&format!("written: {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

/// A reader that has seen enough and left is no error.
fn to_the_reader(written: Result<(), EngineError>) -> Result<(), EngineError> {
    match written {
        Err(EngineError::Disk(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// The org that was named, or the only one.
fn the_org(folder: &Folder, named: Option<&str>) -> Result<String, EngineError> {
    let orgs = orgs(&folder.files)?;
    let known = orgs.join("`, `");
    let (message, help) = match (named, orgs.as_slice()) {
        (Some(org), _) if orgs.iter().any(|known| known == org) => return Ok(org.to_owned()),
        (None, [org]) => return Ok(org.clone()),
        (_, []) => (
            format!("nothing has landed yet: {} has no ledger", folder.text),
            "`cutover apply` makes one".into(),
        ),
        (Some(org), _) => {
            (format!("{} has no ledger of org `{org}`", folder.text), format!("there are `{known}`"))
        }
        (None, _) => (
            format!("{} has ledgers of several orgs", folder.text),
            format!("name one: `--org`, of `{known}`"),
        ),
    };
    Err(EngineError::problem(Exit::Usage, Diagnostic::error(Code::State, message).help(help)))
}

/// The disk's own error, where it is one.
fn unwrapped(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// What is told of an org's ledgers.
struct Export<'e> {
    files: &'e RealFiles,
    org: &'e str,
    secret: Secret,
}

impl Export<'_> {
    fn rows(&self, csv: bool, out: &mut dyn Write) -> Result<(), EngineError> {
        let Self { files, org, secret } = self;
        if !csv {
            writeln!(out, "{}", serde_json::json!({ "schema": "cutover.ledger/2", "org_id": org }))?;
            export(*files, org, secret, &mut |row: &LedgerRow| {
                writeln!(out, "{}", serde_json::to_string(row).map_err(std::io::Error::other)?)
            })?;
            return Ok(out.flush()?);
        }
        let mut csv = csv::Writer::from_writer(out);
        export(*files, org, secret, &mut |row| csv.serialize(row).map_err(unwrapped))?;
        Ok(csv.flush()?)
    }
}
