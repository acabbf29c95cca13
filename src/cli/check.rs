//! `cutover check` and `cutover schema`: manifests, maps and source headers; never an org.

use super::args::{Global, PathArgs};
use super::project::Project;
use super::screen::{Screen, below};
use crate::diagnostic::{Diagnostic, any_error, sort};
use crate::engine::Exit;
use crate::manifest::json_schema;
use crate::report::check_json;
use std::path::Path;

pub(super) fn run(args: &PathArgs, global: &Global, screen: &Screen) -> Exit {
    let project = match Project::find(args.path.as_deref(), global) {
        Ok(project) => project,
        Err(error) => return screen.fail(&error, Path::new("")),
    };
    let loaded = project.load(global.env.as_deref());
    let exit = if any_error(&loaded.diagnostics) { Exit::Invalid } else { Exit::Done };
    if global.json {
        let mut shown: Vec<Diagnostic> = loaded.diagnostics.iter().map(|d| below(d, &project.root)).collect();
        sort(&mut shown);
        screen.data(&check_json(&shown, exit.code()).to_string());
        return exit;
    }
    screen.show(&loaded.diagnostics, &project.root);
    screen.tell(&summary(&loaded.diagnostics, loaded.migration.as_ref().map_or(0, |m| m.loads.len())));
    exit
}

pub(super) fn schema(screen: &Screen) -> Exit {
    screen.data(&serde_json::to_string_pretty(&json_schema()).unwrap_or_default());
    Exit::Done
}

fn summary(diagnostics: &[Diagnostic], loads: usize) -> String {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = diagnostics.len() - errors;
    match (errors, warnings) {
        (0, 0) => format!("{loads} loads, no problems found"),
        (0, w) => format!("{loads} loads, no errors, {w} warning{}", plural(w)),
        (e, w) => format!("{e} error{}, {w} warning{}", plural(e), plural(w)),
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
