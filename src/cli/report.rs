//! `cutover status` and `cutover report`: the last run, from its journal alone; the org is never asked.

use super::args::{Global, PathArgs, ReportArgs};
use super::project::Project;
use super::screen::Screen;
use crate::checkpoint::{RunState, journal_path, last_run, read_journal};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{EngineError, Exit};
use crate::report::{crosswalk, failure_groups, report_json, report_text};
use std::path::Path;

pub(super) fn status(args: &PathArgs, global: &Global, screen: &Screen) -> Exit {
    show(args.path.as_deref(), global, screen, false)
}

pub(super) fn report(args: &ReportArgs, global: &Global, screen: &Screen) -> Exit {
    show(args.path.as_deref(), global, screen, args.crosswalk)
}

fn show(path: Option<&Path>, global: &Global, screen: &Screen, with_crosswalk: bool) -> Exit {
    let project = match Project::find(path, global) {
        Ok(project) => project,
        Err(error) => return screen.fail(&error, Path::new("")),
    };
    match show_in(&project, global, screen, with_crosswalk) {
        Ok(()) => Exit::Done,
        Err(error) => screen.fail(&error, &project.root),
    }
}

fn show_in(
    project: &Project,
    global: &Global,
    screen: &Screen,
    with_crosswalk: bool,
) -> Result<(), EngineError> {
    let state = last_state(project)?;
    if with_crosswalk {
        for path in crosswalk(&project.files, &state.org_id)? {
            screen.tell(&format!("written: {}/{path}", project.state_text()));
        }
    }
    if global.json {
        screen.data(&report_json(&state, exit_of(&state)).to_string());
    } else {
        let groups = failure_groups(&project.files, &state)?;
        screen.data(&report_text(&state, &groups, &project.state_text()));
    }
    Ok(())
}

/// The state of the last run.
fn last_state(project: &Project) -> Result<RunState, EngineError> {
    let run = last_run(&project.files)?;
    if run == 0 {
        let message = format!("there is no run in {}", project.state_text());
        let problem = Diagnostic::error(Code::State, message).help("`cutover apply` makes one");
        return Err(EngineError::problem(Exit::Usage, problem));
    }
    let path = journal_path(run);
    let (lines, _) = read_journal(&project.files, &path)?;
    Ok(RunState::fold(&path, &lines)?)
}

/// The exit code that the run ended with, or would end with now.
fn exit_of(state: &RunState) -> u8 {
    match (state.ended, state.paused) {
        (Some((_, exit)), _) | (None, Some(exit)) => exit,
        (None, None) => Exit::Interrupted.code(),
    }
}
