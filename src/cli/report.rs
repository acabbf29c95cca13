//! `cutover status` and `cutover report`: the last run, from its journal alone; the org is never asked.

use super::args::{Global, ReportArgs, StatusArgs};
use super::project::Project;
use super::screen::Screen;
use crate::checkpoint::{RunState, examine, journal_path, last_run};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{EngineError, Exit, Standing};
use crate::ports::{Clock, Files, RealClock, RealFiles};
use crate::report::{
    FailureGroups, Known, crosswalk, failure_groups, report_text, runs_json, runs_text, status_json,
    status_text,
};
use std::collections::BTreeSet;
use std::path::Path;

pub(super) fn status(args: &StatusArgs, global: &Global, screen: &Screen) -> Exit {
    let (done, root) = match &args.journal {
        Some(file) => (replay(file, global, screen), Path::new("").to_owned()),
        None => match Project::find(args.path.as_deref(), global) {
            Ok(project) => (status_in(&project, global, screen), project.root),
            Err(error) => (Err(error), Path::new("").to_owned()),
        },
    };
    done.map_or_else(|error| screen.fail(&error, &root), |()| Exit::Done)
}

pub(super) fn report(args: &ReportArgs, global: &Global, screen: &Screen) -> Exit {
    let (run, path) = match args.run_and_path() {
        Ok(asked) => asked,
        Err(stray) => return screen.fail(&no_number(stray), Path::new("")),
    };
    let project = match Project::find(path, global) {
        Ok(project) => project,
        Err(error) => return screen.fail(&error, Path::new("")),
    };
    let told = match args.list {
        true => list_in(&project, global, screen),
        false => report_in(&project, global, screen, run, args.crosswalk),
    };
    told.map_or_else(|error| screen.fail(&error, &project.root), |()| Exit::Done)
}

fn no_number(path: &Path) -> EngineError {
    let message = format!("{} stands behind an argument that is no run's number", path.display());
    let help = "`cutover report [RUN] [PATH]`: first the number of a run, then a manifest or its folder";
    EngineError::problem(Exit::Usage, Diagnostic::error(Code::State, message).help(help))
}

fn status_in(project: &Project, global: &Global, screen: &Screen) -> Result<(), EngineError> {
    let (state, standing) = last_state(project, global.env.as_deref())?;
    let folder = project.state_text();
    let known = Known { standing, now: RealClock.now(), folder: &folder, exit: exit_of(&state) };
    if global.json {
        screen.data(&status_json(&state, &known).to_string());
    } else {
        screen.data(&status_text(&state, &failure_groups(&project.files, &state)?, &known));
    }
    Ok(())
}

/// Any journal, wherever it lies: a copy has no files beside it, and no process that holds it.
fn replay(file: &Path, global: &Global, screen: &Screen) -> Result<(), EngineError> {
    let shown = file.display().to_string();
    if !file.is_file() {
        let problem = Diagnostic::error(Code::FileMissing, format!("there is no journal at {shown}"));
        let help = "a run's journal is `runs/<run>/events.ndjson` in the state folder";
        return Err(EngineError::problem(Exit::Usage, problem.help(help)));
    }
    let (folder, name) = (file.parent().unwrap_or(Path::new("")), file.file_name().unwrap_or_default());
    let (files, name) = (RealFiles::new(folder), name.to_string_lossy());
    let held = is_held(&files, &name);
    let Some(state) = examine(&files, &name)?.trusted(&shown)? else {
        let problem = Diagnostic::error(Code::State, format!("{shown} holds no whole event"));
        return Err(EngineError::problem(Exit::Invalid, problem.help("is it a journal of cutover?")));
    };
    let standing = Standing::of(&state, held);
    let known = Known { standing, now: RealClock.now(), folder: "<state folder>", exit: exit_of(&state) };
    if global.json {
        screen.data(&status_json(&state, &known).to_string());
    } else {
        screen.data(&status_text(&state, &FailureGroups::default(), &known));
    }
    Ok(())
}

fn report_in(
    project: &Project,
    global: &Global,
    screen: &Screen,
    run: Option<u32>,
    with_crosswalk: bool,
) -> Result<(), EngineError> {
    let (state, standing) = match run {
        Some(run) => state_of_run(project, global.env.as_deref(), run)?,
        None => last_state(project, global.env.as_deref())?,
    };
    let folder = project.state_text();
    if with_crosswalk {
        for path in crosswalk(&project.files, &state.org_id)? {
            screen.tell(&format!("written: {folder}/{path}"));
        }
    }
    if global.json {
        let known = Known { standing, now: RealClock.now(), folder: &folder, exit: exit_of(&state) };
        screen.data(&status_json(&state, &known).to_string());
    } else {
        let groups = failure_groups(&project.files, &state)?;
        screen.data(&report_text(&state, &groups, &folder));
    }
    Ok(())
}

/// All runs that are there, the oldest first; those of one environment where one is asked for.
fn list_in(project: &Project, global: &Global, screen: &Screen) -> Result<(), EngineError> {
    let mut all = Vec::new();
    for run in 1..=last_run(&project.files)? {
        if is_there(project, run)? {
            let (state, standing) = state_of(project, run)?;
            // A journal without a whole event tells no run.
            let wanted = state.run == run && global.env.as_ref().is_none_or(|env| *env == state.environment);
            all.extend(wanted.then_some((state, standing)));
        }
    }
    screen.data(&if global.json {
        runs_json(&all).to_string()
    } else {
        runs_text(&all, &project.state_text())
    });
    Ok(())
}

/// Whether a run has a journal: its folder may have been pruned, or moved aside.
fn is_there(project: &Project, run: u32) -> Result<bool, EngineError> {
    Ok(project.files.length(&journal_path(run))?.is_some())
}

/// The state of one run, and how it stands.
fn state_of_run(
    project: &Project,
    environment: Option<&str>,
    run: u32,
) -> Result<(RunState, Standing), EngineError> {
    let refused = |message: String, help: &str| {
        EngineError::problem(Exit::Usage, Diagnostic::error(Code::State, message).help(help))
    };
    if !is_there(project, run)? {
        let message = format!("there is no run {run} in {}", project.state_text());
        return Err(refused(message, "`cutover report --list` lists those that are there"));
    }
    let (state, standing) = state_of(project, run)?;
    match environment.filter(|wanted| state.environment != **wanted) {
        Some(wanted) => {
            let message = format!("run {run} went to `{}`, not to `{wanted}`", state.environment);
            Err(refused(message, "leave out `-e`, or take a run of `cutover report --list -e NAME`"))
        }
        None => Ok((state, standing)),
    }
}

/// The state of the last run, or of the last that went to this environment, and how it stands.
fn last_state(project: &Project, environment: Option<&str>) -> Result<(RunState, Standing), EngineError> {
    let last = last_run(&project.files)?;
    let none = |message: String, help: &str| {
        EngineError::problem(Exit::Usage, Diagnostic::error(Code::State, message).help(help))
    };
    if last == 0 {
        return Err(none(
            format!("there is no run in {}", project.state_text()),
            "`cutover apply` makes one",
        ));
    }
    let mut others = BTreeSet::new();
    for run in (1..=last).rev() {
        if !is_there(project, run)? {
            continue;
        }
        let (state, standing) = state_of(project, run)?;
        if environment.is_none_or(|wanted| state.environment == wanted) {
            return Ok((state, standing));
        }
        // A journal without a whole event names none.
        if !state.environment.is_empty() {
            others.insert(format!("`{}`", state.environment));
        }
    }
    let message = format!("no run in {} went to `{}`", project.state_text(), environment.unwrap_or_default());
    let others = others.into_iter().collect::<Vec<_>>().join(", ");
    let help = match others.is_empty() {
        true => "`cutover apply` makes one".to_owned(),
        false => format!("there are runs to {others}"),
    };
    Err(none(message, &help))
}

/// The state of a run, and how it stands.
fn state_of(project: &Project, run: u32) -> Result<(RunState, Standing), EngineError> {
    let path = journal_path(run);
    // First the lock, then the journal: a run that ends in between is finished, whoever held it.
    let held = is_held(&project.files, &path);
    let shown = format!("{}/{path}", project.state_text());
    let state = examine(&project.files, &path)?.trusted(&shown)?.unwrap_or_default();
    let standing = Standing::of(&state, held);
    Ok((state, standing))
}

/// Whether a process carries the run out. Where locks cannot be asked for, nobody is known to.
fn is_held(files: &RealFiles, journal: &str) -> bool {
    files.is_locked(journal).unwrap_or(false)
}

/// The exit code that the run ended with, or would end with now.
fn exit_of(state: &RunState) -> u8 {
    match (state.ended, state.paused) {
        (Some((_, exit)), _) | (None, Some(exit)) => exit,
        (None, None) => Exit::Interrupted.code(),
    }
}
