//! Where things lie: the manifest, the project's folder, the state folder; and the state's lock.

use super::args::Global;
use super::screen::Screen;
use crate::checkpoint::Secret;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{EngineError, Exit};
use crate::manifest::{Loaded, Migration, load};
use crate::ports::{FileLock, Files, RealFiles, entropy, read_text};
use std::path::{Path, PathBuf};

/// The manifest's name.
pub(super) const MANIFEST: &str = "cutover.yaml";

/// The file whose lock is the state's.
const LOCK: &str = "lock";

/// A project on a disk.
pub(super) struct Project {
    /// The folder of the manifest.
    pub(super) root: PathBuf,
    /// The manifest's name in it.
    pub(super) manifest: String,
    /// The state folder.
    pub(super) state_dir: PathBuf,
    /// Files of the project.
    pub(super) sources: RealFiles,
    /// Files of the state.
    pub(super) files: RealFiles,
}

impl Project {
    /// Finds the project that a path names.
    ///
    /// # Errors
    /// 64 when there is no manifest.
    pub(super) fn find(path: Option<&Path>, global: &Global) -> Result<Self, EngineError> {
        let manifest = match path {
            Some(path) if path.is_dir() => path.join(MANIFEST),
            Some(path) => path.to_owned(),
            None => nearest().ok_or_else(|| missing("no `cutover.yaml` at or above the current folder"))?,
        };
        if !manifest.is_file() {
            return Err(missing(&format!("there is no manifest at {}", manifest.display())));
        }
        let root = match manifest.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let name = manifest.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let state_dir = global.state_dir.clone().unwrap_or_else(|| root.join(".cutover"));
        Ok(Self {
            sources: RealFiles::new(&root),
            files: RealFiles::new(&state_dir),
            root,
            manifest: name,
            state_dir,
        })
    }

    /// Reads the manifest for an environment. Problems come back as they are; nothing is shown.
    pub(super) fn load(&self, environment: Option<&str>) -> Loaded {
        load(&self.sources, &self.manifest, environment, &|name| std::env::var(name).ok())
    }

    /// Reads the manifest; shows warnings; errors end with 65.
    pub(super) fn migration(
        &self,
        environment: Option<&str>,
        screen: &Screen,
    ) -> Result<Migration, EngineError> {
        let Loaded { migration, diagnostics } = self.load(environment);
        match migration {
            Some(migration) => {
                screen.show(&diagnostics, &self.root);
                Ok(migration)
            }
            None => Err(EngineError::Problems(Exit::Invalid, diagnostics)),
        }
    }

    /// Takes the state's lock, and sees to it that nobody commits what lies in the folder.
    ///
    /// # Errors
    /// 75 when another process holds it.
    pub(super) fn lock(&self) -> Result<Box<dyn FileLock>, EngineError> {
        let held = hold(&self.files, &self.state_dir)?;
        if self.files.length(".gitignore")?.is_none() {
            self.files
                .append(".gitignore", b"# Customers' data and state of cutover: never commit it.\n*\n")?;
        }
        for name in self.files.list("data/scratch")? {
            self.files.remove(&format!("data/scratch/{name}"))?;
        }
        Ok(held)
    }

    /// The state folder as the user would type it.
    pub(super) fn state_text(&self) -> String {
        let text = self.state_dir.to_string_lossy().into_owned();
        text.strip_prefix("./").map_or(text.clone(), str::to_owned)
    }
}

/// Takes the lock of a state folder.
///
/// # Errors
/// 75 when another process holds it.
pub(super) fn hold(files: &RealFiles, folder: &Path) -> Result<Box<dyn FileLock>, EngineError> {
    let held = files.lock(LOCK)?.ok_or_else(|| held(files, folder))?;
    // Who it is, for the one that comes second: the lock holds without.
    let _ = files.truncate(LOCK, 0);
    let _ = files.append(LOCK, format!("{}\n", std::process::id()).as_bytes());
    Ok(held)
}

/// The project's secret, drawn where it has none yet. The state's lock is held.
///
/// # Errors
/// 65 where it cannot be read; an error of the disk.
pub(super) fn secret(files: &RealFiles) -> Result<Secret, EngineError> {
    if let Some(secret) = Secret::read(files)? {
        return Ok(secret);
    }
    let secret = Secret::new(entropy()?);
    secret.keep(files)?;
    Ok(secret)
}

/// Another process has it.
fn held(files: &RealFiles, folder: &Path) -> EngineError {
    let who = read_text(files, LOCK).ok().and_then(|text| text.trim().parse::<u32>().ok());
    let who = who.map_or_else(String::new, |id| format!(" (process {id})"));
    let message = format!("another cutover{who} works on {}", folder.display());
    let help = "wait until it is done, or stop it: the next apply goes on where it stopped";
    EngineError::problem(Exit::Locked, Diagnostic::error(Code::Locked, message).help(help))
}

fn nearest() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let found = here.ancestors().map(|f| f.join(MANIFEST)).find(|m| m.is_file())?;
    // Shown relative where it can be.
    found.strip_prefix(&here).map(Path::to_owned).ok().or(Some(found))
}

fn missing(message: &str) -> EngineError {
    let help = "name a manifest or its folder, such as `cutover check examples/northwind`";
    EngineError::problem(Exit::Usage, Diagnostic::error(Code::FileMissing, message).help(help))
}
