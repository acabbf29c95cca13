//! The grants of a program at the token endpoint (reference G).

use super::super::client::{Client, NEWEST_VERSION};
use super::super::error::OrgError;
use super::super::retry::{Budget, Kind};
use super::super::soql::encode;
use super::{LogIn, Session, SigningKey};
use crate::ports::{Clock, Future, Method, Org, Random};
use crate::salesforce::call::Call;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::sync::{Mutex, PoisonError};

const PATH: &str = "/services/oauth2/token";
/// Seconds that an assertion is good for.
const ASSERTION_LIVES: i64 = 180;

/// What we have to show for ourselves.
#[derive(Debug)]
pub enum Grant {
    /// An assertion signed with our key, whose certificate the app has.
    Jwt {
        /// The app's consumer key.
        client_id: String,
        /// Who we are.
        username: String,
        /// The key.
        key: SigningKey,
    },
    /// The app's own secret; it runs as the user that the app names.
    ClientCredentials {
        /// The app's consumer key.
        client_id: String,
        /// The app's secret.
        client_secret: SecretString,
    },
    /// A refresh token that a user granted before.
    RefreshToken {
        /// The app's consumer key.
        client_id: String,
        /// The app's secret, where it has one.
        client_secret: Option<SecretString>,
        /// The refresh token.
        refresh_token: SecretString,
    },
}

/// A login at a token endpoint.
pub struct OAuth {
    grant: Grant,
    /// Address of the endpoint's host, without a slash at the end.
    login: String,
    host: Box<dyn Org>,
    clock: Box<dyn Clock>,
    random: Box<dyn Random>,
    /// The refresh token that the last answer gave in place of ours, where the app rotates them.
    rotated: Mutex<Option<SecretString>>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    instance_url: String,
    refresh_token: Option<String>,
}

impl OAuth {
    /// A login with this grant at `login`, an address that `host` sends requests to.
    pub fn new(
        grant: Grant,
        login: &str,
        host: Box<dyn Org>,
        clock: Box<dyn Clock>,
        random: Box<dyn Random>,
    ) -> Self {
        Self { grant, login: login.to_owned(), host, clock, random, rotated: Mutex::default() }
    }

    async fn ask(&self) -> Result<Session, OrgError> {
        let form = self.form()?;
        let client = Client::new(&*self.host, &*self.clock, &*self.random, NEWEST_VERSION);
        let client = client.with_budget(Budget::LOGIN);
        let call = Call::text(
            Kind::Token,
            Method::Post,
            PATH.into(),
            written(&form),
            "application/x-www-form-urlencoded",
        )
        .header("accept", "application/json");
        let answer: Answer = client.json(call).await.map_err(|error| told(error, &form))?;
        if let Some(token) = answer.refresh_token.filter(|token| !token.is_empty()) {
            *self.rotated.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.into());
        }
        let url = answer.instance_url.trim_end_matches('/').to_owned();
        Ok(Session { url, token: answer.access_token.into() })
    }

    fn form(&self) -> Result<Form, OrgError> {
        let open = |text: &str| Field::Open(text.to_owned());
        Ok(match &self.grant {
            Grant::Jwt { client_id, username, key } => vec![
                ("grant_type", open("urn:ietf:params:oauth:grant-type:jwt-bearer")),
                ("assertion", Field::Secret(self.assertion(client_id, username, key)?)),
            ],
            Grant::ClientCredentials { client_id, client_secret } => vec![
                ("grant_type", open("client_credentials")),
                ("client_id", open(client_id)),
                ("client_secret", Field::Secret(client_secret.clone())),
            ],
            Grant::RefreshToken { client_id, client_secret, refresh_token } => {
                let rotated = self.rotated.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let token = rotated.unwrap_or_else(|| refresh_token.clone());
                let mut form = vec![
                    ("grant_type", open("refresh_token")),
                    ("client_id", open(client_id)),
                    ("refresh_token", Field::Secret(token)),
                ];
                form.extend(client_secret.iter().map(|s| ("client_secret", Field::Secret(s.clone()))));
                form
            }
        })
    }

    fn assertion(&self, client_id: &str, username: &str, key: &SigningKey) -> Result<SecretString, OrgError> {
        let expires = self.clock.now() / 1_000 + ASSERTION_LIVES;
        let claims =
            json!({ "iss": client_id, "sub": username, "aud": audience(&self.login), "exp": expires });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&json!({ "alg": "RS256" })), part(&claims));
        let signature = key.sign(message.as_bytes()).map_err(|e| OrgError::Login(e.to_string()))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

impl LogIn for OAuth {
    fn log_in(&self) -> Future<'_, Result<Session, OrgError>> {
        Box::pin(self.ask())
    }
}

/// What is sent to the endpoint; secrets apart, so that no message repeats them.
type Form = Vec<(&'static str, Field)>;

enum Field {
    Open(String),
    Secret(SecretString),
}

impl Field {
    fn text(&self) -> &str {
        match self {
            Self::Open(text) => text,
            Self::Secret(secret) => secret.expose_secret(),
        }
    }
}

fn written(form: &Form) -> String {
    let pairs = form.iter().map(|(name, field)| format!("{name}={}", encode(field.text())));
    pairs.collect::<Vec<_>>().join("&")
}

// Unconfirmed(jwt-audience): which audience the org's own address asks for; choice: the one of its kind, `test` for
// the address of a sandbox and `login` for any other; a host of this machine is its own audience.

/// Whom an assertion is meant for.
fn audience(login: &str) -> &str {
    let host = login.split("://").nth(1).unwrap_or(login);
    if login.starts_with("http://") {
        login
    } else if host == "test.salesforce.com" || host.contains(".sandbox.") {
        "https://test.salesforce.com"
    } else {
        "https://login.salesforce.com"
    }
}

/// A refusal in the endpoint's words, less what we sent it; an answer that is none, without what it holds.
fn told(error: OrgError, form: &Form) -> OrgError {
    let clean = |message: &str| {
        form.iter().fold(message.to_owned(), |message, (_, field)| match field {
            Field::Secret(secret) if !secret.expose_secret().is_empty() => {
                message.replace(secret.expose_secret(), "…")
            }
            _ => message,
        })
    };
    match error.reworded(clean) {
        error if error.is_limit() => error,
        OrgError::Api { status: status @ 400..=499, code, message } => {
            OrgError::Refused { status, code, message }
        }
        OrgError::Protocol(_) => {
            OrgError::Protocol("the login's answer has no `access_token` and `instance_url`".into())
        }
        other => other,
    }
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
