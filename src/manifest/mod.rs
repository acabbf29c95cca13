//! The language people write: nodes -> Manifest -> Migration, with all problems at once.
//!
//! Owns the words of the manifest, its relative paths, environments, vars, defaults and the checks that need no org.
//! Must not know what an org has: unknown objects and fields are found by `bind`.

mod assignment;
mod check;
mod choices;
mod digest;
mod environment;
mod expression;
mod field;
mod file;
mod load;
mod login;
mod lookup;
mod maps;
mod migration;
mod operation;
mod policy;
mod schema;
mod source;
#[cfg(test)]
mod tests;
mod values;
mod verb;
mod word_list;
mod words;

pub use choices::{ApiChoice, Duplicates, Operation};
pub use migration::{Budget, Environment, Field, Load, Migration, OrgLogin, RefTo, Verb};
pub use schema::json_schema;

use crate::diagnostic::{Diagnostic, Place, any_error, sort};
use crate::ports::Files;
use crate::yaml::Node;
use environment::Asked;
use file::{Manifest, Shelf};
use load::LoadRules;
use std::sync::Arc;
use values::Vars;

/// What came of reading a manifest.
#[derive(Debug)]
pub struct Loaded {
    /// The migration; nothing when there is an error.
    pub migration: Option<Migration>,
    /// Everything that is wrong or worth a warning, in the order in which it is shown.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the manifest at `path`, what it includes, its maps and its sources' headers; never an org. `files` is the
/// project's tree and `path` lies in it; `environment` is `-e NAME`; `env` looks up `env:NAME`.
pub fn load(
    files: &dyn Files,
    path: &str,
    environment: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Loaded {
    let mut diagnostics = Vec::new();
    let path = file::join("", path);
    let mut shelf = Shelf::new(files, &path);
    let asked = Asked { name: environment, variable: env };
    let root = shelf.tree(&path, &Place::file(path.as_str()), &mut diagnostics);
    let migration = root.and_then(|root| resolve(&root, &path, &asked, &mut shelf, &mut diagnostics));
    sort(&mut diagnostics);
    diagnostics.dedup();
    Loaded { migration: migration.filter(|_| !any_error(&diagnostics)), diagnostics }
}

/// From the tree of `cutover.yaml` to the migration, as far as that goes.
fn resolve(
    root: &Node,
    path: &str,
    asked: &Asked<'_>,
    shelf: &mut Shelf<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Migration> {
    let manifest = file::read_top(root, problems)?;
    let chosen = manifest
        .environments
        .and_then(|pair| environment::read(pair, &manifest.vars, asked, shelf, problems));
    let (environment, vars) = match chosen {
        Some((environment, vars)) => (Some(environment), vars),
        None => (None, manifest.vars.clone()),
    };
    let vars = Arc::new(vars);
    let loads = read_loads(&manifest, path, &vars, shelf, problems);
    Some(Migration {
        project: manifest.project,
        environment: environment?,
        loads,
        vars,
        files: shelf.read.iter().cloned().collect(),
    })
}

/// All loads, those of included files after those of the main one.
fn read_loads(
    manifest: &Manifest<'_>,
    path: &str,
    vars: &Arc<Vars>,
    shelf: &mut Shelf<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Load> {
    let defaults = policy::read_defaults(manifest.defaults, problems);
    let before = problems.len();
    let included = file::included(manifest, path, shelf, problems);
    let mut nodes = manifest.objects.clone();
    for tree in &included {
        nodes.extend(file::read_included(tree, problems));
    }
    let whole = !any_error(&problems[before..]);
    let rules = LoadRules { defaults: &defaults, vars };
    let drafts =
        nodes.into_iter().filter_map(|node| load::read_load(node, &rules, shelf, problems)).collect();
    check::check_loads(drafts, whole, problems)
}
