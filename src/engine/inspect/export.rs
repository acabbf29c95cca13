//! What the ledgers of an org know, one row for each key: hashes, Ids and outcomes, never a customer's value.

use super::ledgers::folders;
use crate::checkpoint::Secret;
use crate::engine::context::EngineError;
use crate::engine::state::is_beside;
use crate::ledger::{Entry, Ledger, State};
use crate::ports::Files;
use std::io;

/// Hexadecimal digits of a key's hash: 128 bits, as many as the ledger's own has.
const KEY_HASH: usize = 32;

/// What is known of one key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LedgerRow {
    /// The object.
    pub object: String,
    /// Hash of the canonical key, keyed with the project's secret, hexadecimal.
    pub key_hash: String,
    /// The record's Id, where it is known.
    pub id: Option<String>,
    /// `landed`, `failed`, `held` or `removed`.
    pub state: &'static str,
    /// What became of it when it was last sent.
    pub outcome: Option<&'static str>,
    /// The run that sent it last; 0 when none did.
    pub run: u32,
    /// Whether we created the record.
    pub created_by_us: bool,
    /// Whether a deferred reference of it has not been filled.
    pub reference_pending: bool,
    /// Whether it was taken over from the org by key.
    pub adopted: bool,
}

/// The orgs that have ledgers.
///
/// # Errors
/// The disk's own.
pub fn orgs(files: &dyn Files) -> io::Result<Vec<String>> {
    folders(files, "ledger")
}

/// Gives every row of an org's ledgers, by object and key, removed records as well as far as they are remembered. Hashes
/// leave keyed: the keys cannot be found by hashing guesses.
///
/// # Errors
/// A damaged ledger, the disk's own error, or that of `take`.
pub fn export(
    files: &dyn Files,
    org: &str,
    secret: &Secret,
    take: &mut dyn FnMut(&LedgerRow) -> io::Result<()>,
) -> Result<(), EngineError> {
    let objects = folders(files, &format!("ledger/{org}"))?;
    for object in objects.into_iter().filter(|object| !is_beside(object)) {
        let ledger = Ledger::open(files, &format!("ledger/{org}/{object}"))?;
        ledger.verify()?;
        for entry in ledger.iter_with_removed() {
            take(&row(&object, &entry?, secret))?;
        }
    }
    Ok(())
}

fn row(object: &str, entry: &Entry, secret: &Secret) -> LedgerRow {
    let mut key_hash = secret.seal(&entry.key.to_be_bytes());
    key_hash.truncate(KEY_HASH);
    LedgerRow {
        object: object.to_owned(),
        key_hash,
        id: entry.id.map(|id| id.to_string()),
        state: match entry.state {
            State::Landed => "landed",
            State::Failed => "failed",
            State::Held => "held",
            State::Removed => "removed",
        },
        outcome: entry.outcome.map(|outcome| outcome.word()),
        run: entry.run,
        created_by_us: entry.flags.created_by_us,
        reference_pending: entry.flags.reference_pending,
        adopted: entry.flags.adopted,
    }
}
