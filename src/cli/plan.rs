//! `cutover plan`: what would be done.

use super::args::{Global, PlanArgs};
use super::project::Project;
use super::screen::Screen;
use super::select::selected;
use super::watch::Watch;
use super::wired::Wired;
use crate::engine::{EngineError, Exit, Ledgers, PrepareOptions, bound, check_environment, connect, prepare};
use crate::plan::Plan;
use crate::ports::MemoryStore;
use crate::report::{plan_json, plan_text};
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
        if let Err(error) = save(path, &json) {
            return screen.fail(&error, &project.root);
        }
        screen.tell(&format!(
            "saved: `cutover apply {}` executes it, unless something has changed",
            path.display()
        ));
    }
    if args.detailed_exitcode && plan.changes { Exit::Changes } else { Exit::Done }
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

pub(super) fn save(path: &Path, json: &str) -> Result<(), EngineError> {
    let mut file = private_file(path)?;
    Ok(std::io::Write::write_all(&mut file, format!("{json}\n").as_bytes())?)
}

/// A new file that only its owner reads.
pub(super) fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
