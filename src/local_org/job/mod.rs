//! Jobs: their life from created to done, their uploads, and what each step of the clock does to them.
//!
//! A job, its upload and its progress live in the database; a step is one transaction. Must not know HTTP.

mod context;
pub(crate) mod header;
pub(crate) mod info;
mod limits;
pub(crate) mod process;
pub(crate) mod query;
pub(crate) mod results;
pub(crate) mod row;
pub(crate) mod scan;
mod step;
mod table;
pub(crate) mod upload;

pub(crate) use context::Context;
pub(crate) use step::step;
pub(crate) use table::{create, delete, list, load, save};
