//! A run's journal and state, with everything needed to move its parts. Must not know jobs, calls or rows: only how an event is
//! recorded, when to stop, and how long to wait.

use crate::checkpoint::{Event, Journal, Part, PartKey, RunState, save};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{EngineError, Exit, Observer, Ports, Progress, Stop};
use crate::model::OrgSchema;
use crate::salesforce::Client;
use std::cell::{Cell, RefCell};

/// A run's journal and state, with everything needed to move its parts.
pub(in crate::engine) struct Desk<'d, 'a> {
    pub(in crate::engine) ports: Ports<'a>,
    pub(in crate::engine) client: &'d Client<'d>,
    pub(in crate::engine) schema: &'d OrgSchema,
    pub(in crate::engine) journal: RefCell<Journal<'a>>,
    pub(in crate::engine) state: RefCell<RunState>,
    pub(in crate::engine) observer: &'d dyn Observer,
    pub(in crate::engine) stop: &'d Stop,
    /// Set when something went wrong: parts under way leave a checkpoint and return.
    pub(in crate::engine) halted: Cell<bool>,
}

impl Desk<'_, '_> {
    /// Appends an event and folds it into the state. Not durable before [`Desk::commit`].
    pub(in crate::engine) fn record(&self, event: Event) -> Result<u64, EngineError> {
        let line = self.journal.borrow_mut().append(self.ports.clock.now(), event)?;
        self.state.borrow_mut().apply(&line).map_err(|e| EngineError::Unexpected(e.to_string()))?;
        self.observer.event(&line, &self.state.borrow());
        Ok(line.seq)
    }

    /// Makes everything recorded durable.
    pub(in crate::engine) fn commit(&self) -> Result<(), EngineError> {
        Ok(self.journal.borrow_mut().commit()?)
    }

    /// Records an event that must be durable before what follows.
    pub(in crate::engine) fn note(&self, event: Event) -> Result<u64, EngineError> {
        let seq = self.record(event)?;
        self.commit()?;
        Ok(seq)
    }

    /// Keeps the folded state. The store is disposable: a failure costs the next start some time, no more.
    pub(in crate::engine) fn save(&self) {
        if save(self.ports.store, &self.state.borrow()).is_err() {
            self.observer.progress(&Progress::Note(
                "the state store could not be written; the journal has it all".into(),
            ));
        }
    }

    /// Whether parts under way should leave a checkpoint.
    pub(in crate::engine) fn stopping(&self) -> bool {
        self.halted.get() || self.stop.asked()
    }

    /// What is known of a part.
    pub(in crate::engine) fn part(&self, key: PartKey) -> Result<Part, EngineError> {
        let part = self.state.borrow().parts.get(&key).cloned();
        part.ok_or_else(|| EngineError::Unexpected(format!("part {key} is not in the journal")))
    }

    /// The name of a part's load.
    pub(in crate::engine) fn load_name(&self, load: u16) -> String {
        self.state.borrow().loads.get(load as usize).map(|l| l.name.name.clone()).unwrap_or_default()
    }

    /// Waits before rows go again, in short pieces so that a stop is heard.
    pub(in crate::engine) async fn rest(&self, milliseconds: u64) -> Result<(), EngineError> {
        let mut left = milliseconds;
        while left > 0 {
            if self.stopping() {
                return Err(interrupted());
            }
            let piece = left.min(250);
            self.ports.clock.sleep(piece).await;
            left -= piece;
        }
        Ok(())
    }
}

/// The run was asked to stop.
pub(in crate::engine) fn interrupted() -> EngineError {
    let problem = Diagnostic::error(Code::OrgUnreachable, "the run was interrupted");
    EngineError::problem(
        Exit::Interrupted,
        problem.help("run `cutover apply` again: it goes on where it stopped"),
    )
}

/// The first wait, in milliseconds; each further one is three times as long.
const FIRST_WAIT: u64 = 500;
/// No wait is longer, in milliseconds.
const LONGEST_WAIT: u64 = 60_000;

/// Milliseconds to wait before an attempt; `spread` keeps clients that met each other from meeting again.
pub(in crate::engine) fn wait(attempt: u32, spread: u64) -> u64 {
    if attempt == 0 {
        return 0;
    }
    let base = FIRST_WAIT.saturating_mul(3_u64.saturating_pow(attempt - 1)).min(LONGEST_WAIT);
    base + spread % (base / 4 + 1)
}

#[cfg(test)]
mod tests {
    use super::wait;

    #[test]
    fn waits_grow_and_stay_bounded() {
        assert_eq!([0, 1, 2, 3].map(|n| wait(n, 0)), [0, 500, 1_500, 4_500]);
        assert!((0..40).all(|n| wait(n, u64::MAX) <= 75_000));
        assert!(wait(2, 999) > wait(2, 0));
    }
}
