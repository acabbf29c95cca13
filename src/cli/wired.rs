//! What a command that reaches an org works with: the real ports of a project, put together in one place.

use super::org::{Reached, reach};
use super::project::{Project, secret};
use super::seed::seed;
use crate::checkpoint::Secret;
use crate::engine::{EngineError, Ports};
use crate::manifest::Migration;
use crate::ports::{RealClock, SeededRandom, Store, Threads};

/// The real ports; a local org lives as long as this.
pub(super) struct Wired<'p> {
    project: &'p Project,
    reached: Reached,
    store: Box<dyn Store>,
    work: Threads,
    random: SeededRandom,
    secret: Secret,
}

impl<'p> Wired<'p> {
    /// Reaches the org of the chosen environment.
    ///
    /// # Errors
    /// An address, login or schema that cannot be used; the org's refusal of the login.
    pub(super) async fn new(
        project: &'p Project,
        migration: &Migration,
        store: impl FnOnce() -> Box<dyn Store>,
    ) -> Result<Self, EngineError> {
        let secret = secret(&project.files)?;
        let reached = reach(project, migration).await?;
        let (store, work, random) = (store(), threads(), SeededRandom::new(seed()));
        Ok(Self { project, reached, store, work, random, secret })
    }

    /// The ports.
    pub(super) fn ports(&self) -> Ports<'_> {
        Ports {
            org: &self.reached.org,
            files: &self.project.files,
            sources: &self.project.sources,
            store: &*self.store,
            clock: &RealClock,
            work: &self.work,
            random: &self.random,
            secret: self.secret,
        }
    }

    /// Lets the org go.
    ///
    /// # Errors
    /// The local org's own.
    pub(super) async fn close(self) -> Result<(), EngineError> {
        match self.reached.local {
            Some(local) => Ok(local.stop().await?),
            None => Ok(()),
        }
    }
}

/// As many workers as the machine has processors.
fn threads() -> Threads {
    Threads::new(std::thread::available_parallelism().map_or(2, usize::from))
}
