//! `cutover plan`: what would be done.

use super::args::{Global, PlanArgs};
use super::project::Project;
use super::screen::Screen;
use super::select::selected;
use super::watch::Watch;
use super::wired::Wired;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{EngineError, Exit, Ledgers, PrepareOptions, bound, check_environment, connect, prepare};
use crate::plan::Plan;
use crate::ports::{MemoryStore, ReplacedFile};
use crate::report::{plan_json, plan_text};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

pub(super) async fn run(args: &PlanArgs, global: &Global, screen: &Screen) -> Exit {
    let (project, plan) = match make(args.path.as_deref(), global, screen).await {
        Ok(made) => made,
        Err((error, root)) => return screen.fail(&error, &root),
    };
    let json = serde_json::to_string_pretty(&plan_json(&plan)).unwrap_or_default();
    if global.json {
        screen.data(&json);
    } else {
        screen.data(&plan_text(&plan));
    }
    if let Some(path) = &args.out {
        if let Err(error) = save(path, args.force, &json) {
            return screen.fail(&error, &project.root);
        }
        screen.tell(&format!(
            "saved: `cutover apply {}` executes it, unless something has changed",
            path.display()
        ));
    }
    match args.detailed_exitcode {
        true if plan.changes => Exit::Changes,
        // Nothing is sent, and not because everything is there.
        true if plan.left_out() > 0 => Exit::Partial,
        _ => Exit::Done,
    }
}

/// Makes the plan; an error comes with the folder that its places are relative to.
pub(super) async fn make(
    path: Option<&Path>,
    global: &Global,
    screen: &Screen,
) -> Result<(Project, Plan), (EngineError, std::path::PathBuf)> {
    let project = Project::find(path, global).map_err(|e| (e, Default::default()))?;
    match make_in(&project, global, screen).await {
        Ok(plan) => Ok((project, plan)),
        Err(error) => Err((error, project.root.clone())),
    }
}

async fn make_in(project: &Project, global: &Global, screen: &Screen) -> Result<Plan, EngineError> {
    let migration = project.migration(global.env.as_deref(), screen)?;
    let selected = selected(&migration, &global.select)?;
    let _lock = project.lock()?;
    let wired = Wired::new(project, &migration, || Box::new(MemoryStore::default())).await?;
    let ports = wired.ports();
    let connected = connect(&ports, &migration).await?;
    check_environment(&ports, &migration, &connected, false)?;
    let bound = bound(&migration, &connected)?;
    screen.show(&bound.1, &project.root);
    let mut ledgers = Ledgers::new(ports.files, &connected.info.org_id);
    let options = PrepareOptions { selected: &selected, ..PrepareOptions::default() };
    let watch = Watch::new(screen);
    let prepared = prepare(&ports, &connected, &migration, bound, &mut ledgers, options, &watch).await?;
    let plan = prepared.plan.clone();
    drop(prepared);
    wired.close().await?;
    Ok(plan)
}

/// Saves a plan where the user says.
pub(super) fn save(path: &Path, force: bool, json: &str) -> Result<(), EngineError> {
    let mut file = out_file(path, force)?;
    writeln!(file, "{json}")?;
    Ok(file.finish()?)
}

/// A file that the user names. What stands there already is replaced where an earlier command wrote it, or the user insists.
pub(super) fn out_file(path: &Path, force: bool) -> Result<ReplacedFile, EngineError> {
    if !force && path.is_file() && !is_ours(path)? {
        let message = format!("`{}` is there already, and cutover did not write it", path.display());
        let help = "name another file, or replace it with `--force`";
        return Err(EngineError::problem(
            Exit::Usage,
            Diagnostic::error(Code::WrongValue, message).help(help),
        ));
    }
    Ok(ReplacedFile::create(path)?)
}

/// Whether a file begins as those do that a command wrote: JSON that names one of our schemas, or the CSV of an export.
fn is_ours(path: &Path) -> Result<bool, EngineError> {
    let mut file = BufReader::new(std::fs::File::open(path)?);
    let begins = file.fill_buf()?;
    if begins.is_empty() || begins.starts_with(EXPORT.as_bytes()) {
        return Ok(true);
    }
    let mut documents = serde_json::Deserializer::from_reader(file).into_iter::<Named>();
    Ok(documents.next().is_some_and(|first| first.is_ok_and(|named| named.schema.starts_with("cutover."))))
}

/// How the CSV of `cutover state export` begins.
const EXPORT: &str = "object,key_hash,id,state,outcome,";

/// A document of ours.
#[derive(serde::Deserialize)]
struct Named {
    schema: String,
}
