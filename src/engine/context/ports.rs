//! Everything the engine is given: the outside, who watches, and who may say stop.

use super::crash_table::Window;
use crate::checkpoint::{Line, PartKey, RunState, Secret};
use crate::ports::{Clock, Files, Org, Random, Store, Work};
use crate::stage::StageIo;
use std::sync::atomic::{AtomicU8, Ordering};

/// The outside.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The org.
    pub org: &'a dyn Org,
    /// The state folder.
    pub files: &'a dyn Files,
    /// The project's folder.
    pub sources: &'a dyn Files,
    /// The store of the folded state.
    pub store: &'a dyn Store,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Threads.
    pub work: &'a dyn Work,
    /// The spread of waits.
    pub random: &'a dyn Random,
    /// What hashes that leave the state folder are keyed with.
    pub secret: Secret,
}

impl<'a> Ports<'a> {
    /// The ports of the row path.
    pub fn stage(&self) -> StageIo<'a> {
        StageIo { files: self.files, sources: self.sources, work: self.work }
    }
}

/// What goes on beside the events of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A load is being read.
    Reading {
        /// The load.
        load: String,
    },
    /// A step is being staged.
    Staging {
        /// The load.
        load: String,
        /// Rows to send.
        rows: u64,
    },
    /// The org works on a job.
    Job {
        /// The load.
        load: String,
        /// The job.
        job: String,
        /// Rows tried so far.
        processed: u64,
        /// Rows sent.
        rows: u64,
    },
    /// Something that the user should know now.
    Note(String),
}

/// Watches a run. Never asked, only told.
pub trait Observer {
    /// An event was written to the journal.
    fn event(&self, line: &Line, state: &RunState);
    /// Something goes on.
    fn progress(&self, progress: &Progress);
    /// A part that an interrupted run left behind is dealt with as the row of this window says.
    fn recovered(&self, part: PartKey, window: Window);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {
    fn event(&self, _: &Line, _: &RunState) {}
    fn progress(&self, _: &Progress) {}
    fn recovered(&self, _: PartKey, _: Window) {}
}

/// Says stop: once means finish what is under way as far as it is cheap, and leave a checkpoint.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicU8,
    end: Option<i64>,
}

impl Stop {
    /// One that also says when nothing more is to begin, in milliseconds since 1970.
    pub fn at(end: Option<i64>) -> Self {
        Self { end, ..Self::default() }
    }

    /// When nothing more is to begin, if that was said. What is under way then goes on to its end.
    pub fn end(&self) -> Option<i64> {
        self.end
    }

    /// Asks the run to stop.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst) > 0
    }
}
