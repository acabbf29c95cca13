//! `cutover`: Terraform for CRM data.
//!
//! Moves a company's records out of an old CRM and into Salesforce, from manifests kept in git: reviewed as a plan
//! before anything is written, loaded in dependency order through Bulk API 2.0, safe to stop at any moment, and
//! free to run again.
//!
//! The rooms below stand in the order the data flows; a room uses only rooms above it. The library exists for the
//! binary and its tests and promises no stable Rust interface; the command line, the manifest, the JSON and the
//! exit codes are the public face.

pub mod diagnostic;
pub mod yaml;
pub mod model;
pub mod ports;
pub mod source;
pub mod transform;
pub mod manifest;
pub mod bind;
pub mod ledger;
pub mod stage;
pub mod plan;
pub mod salesforce;
pub mod checkpoint;
pub mod engine;
pub mod report;
pub mod local_org;
pub mod cli;
pub mod docs;
