//! The folded state in the store: kept with its version, and taken back only where it is of this very run. It is
//! disposable: where anything is unlike what we wrote, the journal is folded anew.

use super::event::Event;
use super::journal::Line;
use super::state::RunState;
use crate::ports::{Store, StoreError};
use serde::{Deserialize, Serialize};

/// Version of what the store holds; another one is not read.
const VERSION: u32 = 1;
/// Where it stands in the store.
const KEY: &str = "run";

#[derive(Serialize)]
struct Kept<'s> {
    version: u32,
    state: &'s RunState,
}

#[derive(Deserialize)]
struct Found {
    version: u32,
    state: RunState,
}

/// What the store knows of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Folded {
    /// Nothing that can be used.
    Nothing,
    /// The state, as of an event that the journal has.
    State(Box<RunState>),
    /// An event that the journal does not have any more.
    Ahead(u64),
}

/// Keeps the folded state in the store; durable when it returns. Never before the journal is.
///
/// # Errors
/// When the store is damaged: it may then be thrown away.
pub fn save(store: &dyn Store, state: &RunState) -> Result<(), StoreError> {
    let bytes =
        serde_json::to_vec(&Kept { version: VERSION, state }).map_err(|e| StoreError(e.to_string()))?;
    store.put(KEY, &bytes)?;
    store.flush()
}

/// The folded state from the store, if it is of the run that this journal tells of.
pub fn restore(store: &dyn Store, run: u32, lines: &[Line]) -> Folded {
    let Some(state) = kept(store).filter(|state| state.run == run) else { return Folded::Nothing };
    match lines {
        // Nobody says which run that was; a journal that is not there was moved aside by somebody.
        [] => Folded::Ahead(state.seq),
        [first, ..] if !begins(&state, first) => Folded::Nothing,
        lines if state.seq > lines.len() as u64 => Folded::Ahead(state.seq),
        _ => Folded::State(Box::new(state)),
    }
}

/// The run that the store knows of; 0 when it knows of none. A number is not used twice, even where the journal of its
/// run was moved aside.
pub fn last_kept(store: &dyn Store) -> u32 {
    kept(store).map_or(0, |state| state.run)
}

/// The run and the last event that the store holds, for whoever looks at it.
///
/// # Errors
/// The store's own, and what is in it being of another form.
pub(super) fn holds(store: &dyn Store) -> Result<Option<(u32, u64)>, StoreError> {
    let Some(bytes) = store.get(KEY)? else { return Ok(None) };
    let found: Result<Found, _> = serde_json::from_slice(&bytes);
    let found = found.map_err(|error| StoreError(error.to_string()))?;
    Ok(Some((found.state.run, found.state.seq)))
}

fn kept(store: &dyn Store) -> Option<RunState> {
    let found: Found = serde_json::from_slice(&store.get(KEY).ok()??).ok()?;
    (found.version == VERSION).then_some(found.state)
}

/// Whether a state follows from a journal with this first line: numbers alone also fit the run of another folder.
fn begins(state: &RunState, first: &Line) -> bool {
    let Event::RunStarted { org_id, inputs, environment, .. } = &first.event else { return false };
    state.started == first.at
        && (&state.org_id, &state.inputs, &state.environment) == (org_id, inputs, environment)
}

#[cfg(test)]
mod tests {
    use super::{Folded, KEY, restore, save};
    use crate::checkpoint::{Event, Line, RunState};
    use crate::ports::{MemoryStore, Store};

    fn journal(inputs: &str) -> Vec<Line> {
        let started = Event::RunStarted {
            version: 1,
            run: 3,
            environment: "local".into(),
            org_id: "00D".into(),
            inputs: inputs.into(),
            loads: Vec::new(),
            rolls_back: None,
            names: crate::checkpoint::RunNames::default(),
        };
        let events = [started, Event::StepDone { step: 0 }, Event::StepDone { step: 1 }];
        (1..).zip(events).map(|(seq, event)| Line { seq, at: 7, event }).collect()
    }

    #[test]
    fn what_the_store_knows_is_believed_only_where_it_fits_the_journal() {
        let (store, lines) = (MemoryStore::default(), journal("a"));
        let state = RunState::fold("journal", &lines[..2]).unwrap();
        assert_eq!(restore(&store, 3, &lines), Folded::Nothing, "an empty store");
        save(&store, &state).unwrap();
        assert_eq!(restore(&store, 3, &lines), Folded::State(Box::new(state)));
        assert_eq!(restore(&store, 4, &lines), Folded::Nothing, "another run");
        assert_eq!(restore(&store, 3, &journal("b")), Folded::Nothing, "the same number in another folder");
        assert_eq!(restore(&store, 3, &lines[..1]), Folded::Ahead(2), "the journal lost its end");
        assert_eq!(restore(&store, 3, &[]), Folded::Ahead(2), "the journal lost everything");
    }

    #[test]
    fn another_version_is_not_read() {
        let (store, lines) = (MemoryStore::default(), journal("a"));
        save(&store, &RunState::fold("journal", &lines).unwrap()).unwrap();
        let kept = String::from_utf8(store.get(KEY).unwrap().unwrap()).unwrap();
        assert!(kept.contains("\"version\":1"), "{kept}");
        for other in ["\"version\":0", "\"version\":2"] {
            store.put(KEY, kept.replace("\"version\":1", other).as_bytes()).unwrap();
            assert_eq!(restore(&store, 3, &lines), Folded::Nothing, "{other}");
        }
        store.put(KEY, b"{").unwrap();
        assert_eq!(restore(&store, 3, &lines), Folded::Nothing);
    }
}
