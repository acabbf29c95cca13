//! The grants: from the fields of a form to whose token it shall be.

use super::app::{App, Problem};
use super::jwt::Assertion;

/// The fields of a token request.
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Form {
    /// The value of a field; empty when it is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

/// What a grant gives: a token of this user, by this app.
#[derive(Debug)]
pub(crate) struct Granted<'a> {
    pub(crate) app: &'a App,
    /// Username, as it was asked for.
    pub(crate) username: String,
    /// The refresh token that was used.
    pub(crate) refresh_token: Option<String>,
}

/// Decides about a token request. `own` is the org's own address, `now` its clock in milliseconds.
pub(crate) fn grant<'a>(apps: &'a [App], form: &Form, own: &str, now: i64) -> Result<Granted<'a>, Problem> {
    match form.get("grant_type") {
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => bearer(apps, form, own, now),
        "client_credentials" => credentials(apps, form),
        "refresh_token" => refresh(apps, form),
        // Unconfirmed(password-grant): the text of an org that blocks the flow; choice: that of a login that failed.
        "password" => Err(Problem::new("invalid_grant", "authentication failure")),
        // Unconfirmed(oauth-texts): the descriptions below and of `Problem`'s constants; choice: as remembered.
        "" => Err(Problem::new("invalid_request", "missing required parameter: grant_type")),
        // The device and web flows need a person in a browser, and this org has no pages.
        _ => Err(Problem::new("unsupported_grant_type", "grant type not supported")),
    }
}

fn app<'a>(apps: &'a [App], client_id: &str) -> Result<&'a App, Problem> {
    apps.iter().find(|app| app.client_id == client_id).ok_or(Problem::CLIENT_ID)
}

fn bearer<'a>(apps: &'a [App], form: &Form, own: &str, now: i64) -> Result<Granted<'a>, Problem> {
    let assertion = Assertion::read(form.get("assertion"))?;
    let app = app(apps, assertion.issuer())?;
    let username = assertion.subject(app, own, now)?.to_owned();
    Ok(Granted { app, username, refresh_token: None })
}

fn credentials<'a>(apps: &'a [App], form: &Form) -> Result<Granted<'a>, Problem> {
    let app = app(apps, form.get("client_id"))?;
    if app.client_secret.as_deref() != Some(form.get("client_secret")) {
        return Err(Problem::SECRET);
    }
    let username = app.run_as.clone();
    let username = username.ok_or(Problem::new("invalid_grant", "no client credentials user enabled"))?;
    Ok(Granted { app, username, refresh_token: None })
}

/// A secret is needed only where one is sent: an app may let its users do without.
fn refresh<'a>(apps: &'a [App], form: &Form) -> Result<Granted<'a>, Problem> {
    let app = app(apps, form.get("client_id"))?;
    let secret = form.get("client_secret");
    if !secret.is_empty() && app.client_secret.as_deref() != Some(secret) {
        return Err(Problem::SECRET);
    }
    let token = form.get("refresh_token");
    match (&app.run_as, &app.refresh_token) {
        (Some(user), Some(known)) if known == token => {
            Ok(Granted { app, username: user.clone(), refresh_token: Some(token.to_owned()) })
        }
        _ => Err(Problem::new("invalid_grant", "expired access/refresh token")),
    }
}
