//! The manifest meets an org: `(Migration, OrgSchema, OrgFacts) -> Bound`, or everything that stands between them.
//!
//! Pure. Owns what can only be judged with an org's describe and facts in hand: objects, fields, what may be written
//! and when, keys, references, record types, users and queues. Says which facts it needs as data ([`needs`]); must not
//! know how they are fetched, nor rows.
//!
//! | file | question |
//! |---|---|
//! | `facts.rs` | what must be known of the org first |
//! | `bound.rs` | what comes out |
//! | `load.rs` | is this object there, and is everything it requires sent |
//! | `key.rs` | can this field be a key |
//! | `field.rs`, `access.rs`, `values.rs` | can this field be written, when, and with these values |
//! | `reference.rs`, `header.rs` | can it point there, and what is its column called |
//! | `table.rs`, `lookup.rs` | which record type, user, queue or other record is meant by a text |
//! | `assignment.rs` | which assignment rule is meant |
//! | `first_of.rs` | can it hold what each of several finds |

mod access;
mod bound;
mod facts;
mod field;
mod first_of;
mod header;
mod key;
mod field_kind;
mod load;
mod lookup;
mod reference;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod world;

pub use bound::{Assignment, Belongs, Bound, BoundLoad, BoundObject, Column, LockWhy, Reference};
pub use facts::{Need, OrgFacts, QueueFact, RecordFact, RuleFact, UserFact, needs, records_key};
pub use header::relationship_column;

use crate::diagnostic::{Diagnostic, any_error, sort};
use crate::manifest::Migration;
use crate::model::OrgSchema;
use world::World;

/// Binds a migration to an org. All problems are told at once, in the order in which they are shown; there is a
/// result when none of them is an error.
pub fn bind(migration: &Migration, schema: &OrgSchema, facts: &OrgFacts) -> (Option<Bound>, Vec<Diagnostic>) {
    let objects = bound::objects(migration, schema);
    let world = World { migration, schema, facts, objects: &objects };
    let mut problems = Vec::new();
    let loads: Vec<_> = (0..migration.loads.len()).map(|i| load::bind(&world, i, &mut problems)).collect();
    sort(&mut problems);
    let whole = loads.into_iter().collect::<Option<Vec<_>>>().filter(|_| !any_error(&problems));
    (whole.map(|loads| Bound { objects, loads }), problems)
}
