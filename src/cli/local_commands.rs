//! `cutover local serve` and `cutover local query`.

use super::args::{Global, LocalCommand};
use super::local::{csv, json, serve_forever, table};
use super::org::{local_data, open_local, seed_of};
use super::project::Project;
use super::screen::Screen;
use super::seed::drawn;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{EngineError, Exit};
use crate::local_org::{Faults, LocalOrg};
use crate::manifest::OrgLogin;
use std::path::{Path, PathBuf};

pub(super) async fn run(command: &LocalCommand, global: &Global, screen: &Screen) -> Exit {
    let (done, root) = match command {
        LocalCommand::Serve { schema, data, seed, port, faults, admin } => {
            let seed = seed.map_or_else(drawn, Ok);
            let open = |seed| open_local(schema.as_deref(), data.as_deref(), Path::new(""), seed, false);
            let org = seed.and_then(open);
            (serve(org, faults.as_deref(), *admin, *port).await, PathBuf::new())
        }
        LocalCommand::Query { words, csv } => query(words, *csv, global, screen),
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => screen.fail(&error, &root),
    }
}

async fn serve(
    org: Result<LocalOrg, EngineError>,
    faults: Option<&Path>,
    admin: bool,
    port: u16,
) -> Result<(), EngineError> {
    let org = org?;
    if let Some(path) = faults {
        org.set_faults(read_faults(path)?);
    }
    if admin {
        org.allow_admin();
    }
    Ok(serve_forever(org, port).await?)
}

fn read_faults(path: &Path) -> Result<Faults, EngineError> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("{} cannot be read: {e}", path.display());
        EngineError::problem(Exit::Invalid, Diagnostic::error(Code::FileMissing, message))
    })?;
    Faults::read(&path.display().to_string(), &text)
        .map_err(|problems| EngineError::Problems(Exit::Invalid, problems))
}

fn query(
    words: &[String],
    as_csv: bool,
    global: &Global,
    screen: &Screen,
) -> (Result<(), EngineError>, PathBuf) {
    let (path, soql) = match words {
        [soql] => (None, soql),
        [path, soql] => (Some(Path::new(path)), soql),
        _ => return (Err(usage("a path and one statement, or the statement alone")), PathBuf::new()),
    };
    match Project::find(path, global) {
        Ok(project) => (query_in(&project, soql, as_csv, global, screen), project.root.clone()),
        Err(error) => (Err(error), PathBuf::new()),
    }
}

fn query_in(
    project: &Project,
    soql: &str,
    as_csv: bool,
    global: &Global,
    screen: &Screen,
) -> Result<(), EngineError> {
    let migration = project.migration(global.env.as_deref(), screen)?;
    let OrgLogin::Local { schema } = &migration.environment.org else {
        return Err(usage(&format!("environment `{}` is no local org", migration.environment.name)));
    };
    let schema = project.root.join(schema);
    let data = local_data(project, &migration);
    if !data.join("org.db").is_file() {
        return Err(usage("the project's local org is empty: `cutover apply` fills it"));
    }
    let org = open_local(Some(&schema), Some(&data), &project.root, seed_of(&migration)?, true)?;
    let answer = org.query(soql).map_err(|e| {
        EngineError::problem(
            Exit::Invalid,
            Diagnostic::error(Code::OrgRefused, format!("the local org: {e}")),
        )
    })?;
    let text = match (global.json, as_csv) {
        (true, _) => json(&answer),
        (_, true) => csv(&answer)?,
        _ => table(&answer),
    };
    screen.data(&text);
    Ok(())
}

fn usage(message: &str) -> EngineError {
    let help = "such as `cutover local query examples/northwind \"SELECT COUNT() FROM Account\"`";
    EngineError::problem(Exit::Usage, Diagnostic::error(Code::OrgRefused, message).help(help))
}
