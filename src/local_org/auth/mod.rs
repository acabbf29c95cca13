//! Who may log in and how: connected apps, and the grants that get a token (reference G).
//!
//! Owns the decisions and their OAuth errors. Must not know HTTP; tokens themselves are `store/tokens.rs`'s.

pub(crate) mod app;
pub(crate) mod certificate;
mod grant;
mod jwt;

pub(crate) use grant::{Form, Granted, grant};
