//! The documents, as they are read in the repository: [`architecture`] is the way in.
//!
//! Pages only; no code stands here.

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("manifest.md")]
pub mod manifest {}

#[doc = include_str!("run.md")]
pub mod run {}

#[doc = include_str!("codes.md")]
pub mod codes {}

#[doc = include_str!("local-org.md")]
pub mod local_org {}

#[doc = include_str!("soql.md")]
pub mod soql {}

#[doc = include_str!("cli.md")]
pub mod cli {}

#[doc = include_str!("unconfirmed.md")]
pub mod unconfirmed {}
