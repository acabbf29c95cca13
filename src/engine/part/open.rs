//! The desk of a run, opened: its journal read, its state folded, its settled parts in the ledger. Must not know what is to
//! be done in the run.

use super::desk::Desk;
use crate::checkpoint::{Folded, Journal, RunState, journal_path, restore};
use crate::engine::context::{Connected, EngineError, Observer, Ports, Stop};
use crate::engine::state::{Ledgers, republish};
use std::cell::{Cell, RefCell};

/// A run's journal opened, its state folded, its settled parts in the ledger.
pub(in crate::engine) fn desk<'d, 'a>(
    ports: Ports<'a>,
    connected: &'d Connected<'d>,
    run: u32,
    stop: &'d Stop,
    observer: &'d dyn Observer,
    ledgers: &mut Ledgers<'a>,
) -> Result<Desk<'d, 'a>, EngineError> {
    let (journal, lines) = Journal::open(ports.files, run)?;
    let mut state = match restore(ports.store, run, &lines) {
        Folded::State(state) => *state,
        _ => RunState::default(),
    };
    state.fold_more(&journal_path(run), &lines)?;
    if !lines.is_empty() && state.org_id == connected.info.org_id {
        republish(ledgers, observer, run, &lines, &state)?;
    }
    Ok(Desk {
        ports,
        client: &connected.client,
        schema: &connected.schema,
        journal: RefCell::new(journal),
        state: RefCell::new(state),
        observer,
        stop,
        halted: Cell::new(false),
    })
}
