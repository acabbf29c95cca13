//! Reaching the org of an environment: over HTTP, or the local org served by this very process on loopback.

use super::args::SEED;
use super::local::{Running, serve};
use super::login::log_in;
use super::project::Project;
use super::seed::drawn;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{EngineError, Exit};
use crate::local_org::{LocalOrg, OpenError, Options};
use crate::manifest::{Migration, OrgLogin};
use crate::ports::{Clock, RealClock};
use crate::salesforce::HttpOrg;
use secrecy::SecretString;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// An org that can be spoken to; a local one lives as long as this.
pub(super) struct Reached {
    /// The transport.
    pub(super) org: HttpOrg,
    /// The local org's server, where it is one.
    pub(super) local: Option<Running>,
}

/// Reaches the org of the chosen environment.
///
/// # Errors
/// An address, login or schema that cannot be used; the org's refusal of the login.
pub(super) async fn reach(project: &Project, migration: &Migration) -> Result<Reached, EngineError> {
    match &migration.environment.org {
        OrgLogin::Local { schema } => {
            let org = open_local(
                Some(&project.root.join(schema)),
                Some(&local_data(project, migration)),
                &project.root,
                seed_of(migration)?,
                false,
            )?;
            let running = serve(org.clone(), 0).await?;
            let url = format!("http://127.0.0.1:{}", running.port);
            let token = SecretString::from(org.access_token());
            let org = log_in(project, &OrgLogin::Token { url, token }).await?;
            Ok(Reached { org, local: Some(running) })
        }
        login => Ok(Reached { org: log_in(project, login).await?, local: None }),
    }
}

/// Where the records of a project's local org lie.
pub(super) fn local_data(project: &Project, migration: &Migration) -> std::path::PathBuf {
    project.state_dir.join("local").join(&migration.environment.name)
}

/// What the ids of a project's local org follow from, should it be new: drawn, or what the variable fixes. Two environments
/// are two orgs all the same, and have no id in common.
///
/// # Errors
/// 64 for a variable that is no number.
pub(super) fn seed_of(migration: &Migration) -> Result<u64, EngineError> {
    let Some(text) = std::env::var_os(SEED) else { return drawn() };
    let text = text.to_string_lossy();
    let fixed = text.parse::<u64>().map_err(|_| {
        let problem = Diagnostic::error(Code::WrongValue, format!("`{SEED}` is `{text}`, which is no seed"));
        EngineError::problem(Exit::Usage, problem.help("a whole number from 0 to 18446744073709551615"))
    })?;
    Ok(xxh3_64_with_seed(migration.environment.name.as_bytes(), fixed))
}

/// Opens a local org with its schema file and its folder; for reading only, beside a process that writes, where
/// that is enough.
///
/// # Errors
/// 65 with every problem of the schema; a database that cannot be used.
pub(super) fn open_local(
    schema: Option<&Path>,
    data: Option<&Path>,
    root: &Path,
    seed: u64,
    read_only: bool,
) -> Result<LocalOrg, EngineError> {
    let schema = match schema {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| {
                let message = format!("{} cannot be read: {e}", path.display());
                EngineError::problem(Exit::Invalid, Diagnostic::error(Code::FileMissing, message))
            })?;
            let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
            let beside = path.parent().unwrap_or(Path::new(""));
            LocalOrg::schema_with_files(&name, &text, &|file| std::fs::read(beside.join(file)))
        }
        None => LocalOrg::schema_from_yaml("org.yaml", "{}"),
    };
    let schema = schema.map_err(|problems| EngineError::Problems(Exit::Invalid, problems))?;
    if let Some(folder) = data {
        private_folder(folder)?;
    }
    let options = Options {
        data: data.map(|folder| folder.join("org.db")),
        seed,
        base_url: String::new(),
        now: RealClock.now(),
        read_only,
    };
    LocalOrg::open(schema, options).map_err(|e| not_opened(e, data))
}

/// Why the local org's file cannot be used, and what to do.
fn not_opened(error: OpenError, data: Option<&Path>) -> EngineError {
    let folder = data.map_or_else(String::new, |folder| folder.display().to_string());
    let told = format!("{folder}/org.db: {error}");
    let (exit, code, help) = match &error {
        OpenError::Busy(_) => {
            (Exit::Locked, Code::Locked, "wait until the other process is done, or stop it".to_owned())
        }
        error if error.is_disk() => (
            Exit::Interrupted,
            Code::State,
            "make room on that disk and let this user write there; then run the same again".to_owned(),
        ),
        error if error.is_damage() => (
            Exit::Invalid,
            Code::State,
            format!(
                "the local org's records are in it: restore it from a copy; or remove {folder} and run `cutover apply --refresh`, which fills an empty org"
            ),
        ),
        _ => return EngineError::Unexpected(told),
    };
    let message = if exit == Exit::Locked { error.to_string() } else { told };
    EngineError::problem(exit, Diagnostic::error(code, message).help(help))
}

/// A folder that holds customers' values: for its owner alone.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}
