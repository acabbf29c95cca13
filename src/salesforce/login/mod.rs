//! Getting an access token: by the OAuth grants of a program, or from the `sf` command.
//!
//! Knows the token endpoint and what `sf` prints; must not know manifests, nor start processes or read files: keys come
//! as bytes, the command as a trait.

mod key;
mod oauth;
mod sf;

pub use key::{KeyProblem, SigningKey};
pub use oauth::{Grant, OAuth};
pub use sf::{SfCommand, SfLogin, SfOutput};

use super::error::OrgError;
use crate::ports::Future;
use secrecy::SecretString;

/// What a login gives.
#[derive(Debug)]
pub struct Session {
    /// Address of the org, without a slash at the end.
    pub url: String,
    /// The token that opens it.
    pub token: SecretString,
}

/// A way to get a token, as often as one is needed.
pub trait LogIn: Send + Sync {
    /// Logs in.
    ///
    /// # Errors
    /// [`OrgError::Refused`] in the org's words, a broken connection, or [`OrgError::Login`].
    fn log_in(&self) -> Future<'_, Result<Session, OrgError>>;
}
