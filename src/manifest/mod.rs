//! The language people write: nodes -> Manifest -> Migration, with all problems at once.
//!
//! Owns the words of the manifest, its relative paths, environments, vars, defaults and the checks that need no org.
//! Must not know what an org has: unknown objects and fields are found by `bind`.

mod migration;

pub use migration::{
    Budget, Duplicates, Environment, Field, Inactive, Load, Migration, Operation, OrgLogin, RefTo, Verb,
};
