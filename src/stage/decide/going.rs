//! A row that may go, with all that is known of it, until it is settled whether it has to.

use crate::ledger::{Entry, State};
use crate::stage::decision::{Decision, Past, action};
use crate::stage::hash::{Instead, LinkPart};
use crate::stage::sums::Sums;

/// A row that may go.
#[derive(Debug, Clone)]
pub struct Going {
    /// What would be done.
    pub(super) decision: Decision,
    /// Its references that go without their own parent.
    pub(super) instead: Instead,
    /// What it comes to, without its chains.
    pub(super) sums: Sums,
    /// The links of its chains.
    pub(super) links: Vec<LinkPart>,
    /// Its entry in the ledger.
    pub(super) entry: Option<Entry>,
}

/// What the ledger's entry makes of a row: create, update or delete of a record.
pub(super) fn with_entry(decision: Decision, entry: Option<Entry>, deletes: bool) -> Decision {
    let Some(entry) = entry else { return Decision { action: action::CREATE, ..decision } };
    let landed = entry.state == State::Landed;
    Decision {
        action: match landed {
            true if deletes => action::DELETE,
            true => action::UPDATE,
            false => action::CREATE,
        },
        id: entry.id.filter(|_| landed),
        retry: entry.refused(),
        past: past_of(&entry),
        known: (entry.payload, entry.create),
        ..decision
    }
}

/// What an entry says of a row's last sending.
pub(in crate::stage) fn past_of(entry: &Entry) -> Past {
    Past { ours: entry.flags.created_by_us, run: entry.run, outcome: entry.outcome.map_or(255, |o| o as u8) }
}
