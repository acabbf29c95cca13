//! Each grant against a scripted endpoint, and what becomes of its answers.

use super::super::super::testing::{Script, block_on};
use super::super::{LogIn, Session, SigningKey};
use super::{Grant, OAuth, audience};
use crate::ports::{SeededRandom, TestClock};
use crate::salesforce::OrgError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use secrecy::ExposeSecret;
use std::sync::Arc;

const TOKEN: &str = "POST /services/oauth2/token";
/// As recorded (reference G).
const GOOD: &str = r#"{"access_token":"00Dx0000000BV7z!AR8AQ","instance_url":"https://na1.salesforce.com/",
    "id":"https://login.salesforce.com/id/00Dx0000000BV7z/005x00000012Q9P","issued_at":"1278448832702","signature":"x"}"#;

fn oauth(grant: Grant, script: &Arc<Script>) -> OAuth {
    let (clock, random) = (TestClock::at(1_700_000_000_000), SeededRandom::new(1));
    let host = Box::new(script.clone());
    OAuth::new(grant, "https://acme--uat.sandbox.my.salesforce.com", host, Box::new(clock), Box::new(random))
}

fn log_in(grant: Grant, script: Script) -> Result<Session, OrgError> {
    let script = Arc::new(script);
    let session = block_on(oauth(grant, &script).log_in());
    script.done();
    session
}

fn client() -> Grant {
    Grant::ClientCredentials { client_id: "3MVG9".into(), client_secret: "hush & more".into() }
}

fn refresh() -> Grant {
    Grant::RefreshToken { client_id: "3MVG9".into(), client_secret: None, refresh_token: "5Aep!old".into() }
}

#[test]
fn client_credentials_and_refresh_tokens_go_as_forms() {
    let sent =
        format!("{TOKEN} grant_type=client_credentials&client_id=3MVG9&client_secret=hush%20%26%20more");
    let session = log_in(client(), Script::default().reply(&sent, 200, GOOD)).unwrap();
    assert_eq!(session.url, "https://na1.salesforce.com");
    assert_eq!(session.token.expose_secret(), "00Dx0000000BV7z!AR8AQ");
    assert!(!format!("{session:?} {:?}", client()).contains("AR8AQ"), "{session:?}");
    assert!(!format!("{:?} {:?}", client(), refresh()).contains("hush"));
    let sent = format!("{TOKEN} grant_type=refresh_token&client_id=3MVG9&refresh_token=5Aep%21old");
    assert!(log_in(refresh(), Script::default().reply(&sent, 200, GOOD)).is_ok());
}

#[test]
fn an_assertion_is_signed_for_its_audience_and_soon_expires() {
    let key = SigningKey::from_pem(include_bytes!("../../../tests/it/fixtures/keys/rsa.pkcs8.pem")).unwrap();
    let grant = Grant::Jwt { client_id: "3MVG9".into(), username: "a@b.example".into(), key };
    let script = Arc::new(Script::default());
    let oauth = oauth(grant, &script);
    let form = super::written(&oauth.form().unwrap());
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    let parts: Vec<&str> = form.strip_prefix(grant).unwrap().split('.').collect();
    let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(text(parts[0]), r#"{"alg":"RS256"}"#);
    assert_eq!(
        text(parts[1]),
        r#"{"aud":"https://test.salesforce.com","exp":1700000180,"iss":"3MVG9","sub":"a@b.example"}"#
    );
    let public: &[u8] = include_bytes!("../../../tests/it/fixtures/keys/rsa.pub.der");
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let message = format!("{}.{}", parts[0], parts[1]);
    let verifier = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
    assert!(verifier.verify(message.as_bytes(), &signature).is_ok());
}

#[test]
fn audiences() {
    let (login, test) = ("https://login.salesforce.com", "https://test.salesforce.com");
    assert_eq!((audience(login), audience(test)), (login, test));
    assert_eq!(audience("https://acme.my.salesforce.com"), login);
    assert_eq!(audience("https://acme--uat.sandbox.my.salesforce.com"), test);
    assert_eq!(audience("http://127.0.0.1:7777"), "http://127.0.0.1:7777");
}

#[test]
fn a_refusal_is_told_without_our_secrets() {
    let refusal = r#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#;
    let error = log_in(client(), Script::default().reply(TOKEN, 400, refusal)).unwrap_err();
    assert!(matches!(&error, OrgError::Refused { code, .. } if code == "invalid_grant"), "{error}");
    assert!(error.to_string().contains("user hasn't approved this consumer"));
    let echo = "<html>bad request: client_secret = hush & more</html>";
    let error = log_in(client(), Script::default().reply(TOKEN, 401, echo)).unwrap_err().to_string();
    assert!(error.contains("bad request") && !error.contains("hush"), "{error}");
    let odd = r#"{"access_token":["00D!secret"],"instance_url":"https://na1.salesforce.com"}"#;
    let error = log_in(client(), Script::default().reply(TOKEN, 200, odd)).unwrap_err().to_string();
    assert!(error.contains("no `access_token`") && !error.contains("00D!"), "{error}");
}

#[test]
fn an_endpoint_that_stumbles_is_asked_again() {
    let script =
        Script::default().not_sent(TOKEN).broken(TOKEN).reply(TOKEN, 503, "").reply(TOKEN, 200, GOOD);
    assert!(log_in(client(), script).is_ok());
    let script = (0..6).fold(Script::default(), |script, _| script.broken(TOKEN));
    assert!(matches!(log_in(client(), script), Err(OrgError::Transport(_))));
}

#[test]
fn a_rotated_refresh_token_is_used_next() {
    let rotated = r#"{"access_token":"1","instance_url":"https://a.example","refresh_token":"5Aep-new"}"#;
    let asks =
        |token: &str| format!("{TOKEN} grant_type=refresh_token&client_id=3MVG9&refresh_token={token}");
    let script =
        Script::default().reply(&asks("5Aep%21old"), 200, rotated).reply(&asks("5Aep-new"), 200, GOOD);
    let script = Arc::new(script);
    let oauth = oauth(refresh(), &script);
    block_on(async {
        oauth.log_in().await.unwrap();
        oauth.log_in().await.unwrap();
    });
    script.done();
}
