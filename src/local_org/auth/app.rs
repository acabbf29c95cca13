//! A connected app, and why a login is refused.

use super::certificate::Certificate;

/// A connected app, as `org.yaml` has it.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    /// What signatures of assertions are checked with.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) refresh_token: Option<String>,
    /// Username of whom client credentials and the refresh token are.
    pub(crate) run_as: Option<String>,
}

/// A refusal: `error` and `error_description` of RFC 6749.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) error: &'static str,
    pub(crate) description: &'static str,
}

impl Problem {
    pub(crate) const fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    /// The app is not one of the org's.
    pub(super) const CLIENT_ID: Self = Self::new("invalid_client_id", "client identifier invalid");
    /// The app's secret is wrong.
    pub(super) const SECRET: Self = Self::new("invalid_client", "invalid client credentials");
}
