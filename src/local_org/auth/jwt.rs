//! Assertions of the JWT bearer flow: taken apart, and what they must say.

use super::app::{App, Problem};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The audiences that Salesforce itself names.
const AUDIENCES: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];

/// Unconfirmed(invalid-assertion): the text for an assertion that cannot be read or whose signature is wrong; choice: one for both.
const INVALID: Problem = Problem::new("invalid_grant", "invalid assertion");

/// An assertion, read but not believed.
pub(super) struct Assertion<'t> {
    claims: Value,
    signed: &'t str,
    signature: Vec<u8>,
}

impl<'t> Assertion<'t> {
    /// Reads `header.claims.signature`.
    pub(super) fn read(text: &'t str) -> Result<Self, Problem> {
        let (signed, signature) = text.trim().rsplit_once('.').ok_or(INVALID)?;
        let (header, claims) = signed.split_once('.').ok_or(INVALID)?;
        if json(header).ok_or(INVALID)?.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(INVALID);
        }
        let (claims, signature) = (json(claims).ok_or(INVALID)?, bytes(signature).ok_or(INVALID)?);
        Ok(Self { claims, signed, signature })
    }

    /// `iss`: the client id of the app.
    pub(super) fn issuer(&self) -> &str {
        self.text("iss")
    }

    /// `sub`: the username, once signature, audience and expiry are right. `own` is the org's own address, `now` its
    /// clock in milliseconds.
    ///
    /// Unconfirmed(assertion-expiry): how far ahead `exp` may lie. The guide says three minutes; sfdx-core sends
    /// milliseconds where seconds belong and is let in; choice: no bound.
    pub(super) fn subject(&self, app: &App, own: &str, now: i64) -> Result<&str, Problem> {
        let signed = |c: &super::certificate::Certificate| c.signed(self.signed.as_bytes(), &self.signature);
        if !app.certificate.as_ref().is_some_and(signed) {
            return Err(INVALID);
        }
        if !self.audiences().iter().any(|aud| is_ours(aud, own)) {
            return Err(Problem::new("invalid_grant", "audience is invalid"));
        }
        let expires = self.claims.get("exp").and_then(Value::as_f64).ok_or(INVALID)?;
        if expires * 1000.0 <= now as f64 {
            return Err(Problem::new("invalid_grant", "expired authorization code"));
        }
        Ok(self.text("sub"))
    }

    fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// `aud` is a text or a list of them.
    fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

fn is_ours(audience: &str, own: &str) -> bool {
    let audience = audience.trim_end_matches('/');
    audience == own || AUDIENCES.contains(&audience)
}

fn bytes(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&bytes(part)?).ok()
}
