//! The entries of a ledger, as decisions read them.

use crate::ledger::Entry;

/// The ledger's entries of an object, sorted by key.
pub type Entries<'e> = Box<dyn Iterator<Item = std::io::Result<Entry>> + 'e>;
