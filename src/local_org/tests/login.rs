//! Logging in: each grant, what refuses it, whose name is on what is written, and when a token ends.

use super::{Reply, World};
use crate::local_org::{LocalOrg, Options};
use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tower::ServiceExt;

const ORG: &str = r#"
users:
  - { username: ada@acme.example, email: ada@mail.example, name: Ada Admin }
  - { username: old@acme.example, name: Old Owner, active: false }
connected_apps:
  - name: Loader
    client_id: loader
    client_secret: not & a = secret
    certificate: test-certificate.pem
    refresh_token: refresh-me
    run_as: Ada@acme.example
  - { name: Other, client_id: other, certificate: other-test-certificate.pem, client_secret: x }
session_minutes: 30
"#;

const NOW: i64 = 1_725_900_000_000;
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn keys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys")
}

fn world(data: Option<PathBuf>) -> World {
    let schema = LocalOrg::schema_with_files("org.yaml", ORG, &|path| std::fs::read(keys().join(path)));
    let base_url = "http://127.0.0.1:1".into();
    let options = Options { data, seed: 7, base_url, now: NOW, ..Options::default() };
    World { org: LocalOrg::open(schema.unwrap(), options).unwrap(), now: NOW }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { (b as char).into() } else { format!("%{b:02X}") })
        .collect()
}

impl World {
    /// Posts a form to an OAuth address, with a Basic header or without.
    async fn form(&self, word: &str, fields: &[(&str, &str)], basic: Option<&str>) -> Reply {
        let fields: Vec<String> = fields.iter().map(|(n, v)| format!("{n}={}", encoded(v))).collect();
        let mut request = Request::builder().method("POST").uri(format!("/services/oauth2/{word}"));
        if let Some(basic) = basic {
            request = request.header("authorization", format!("Basic {}", STANDARD.encode(basic)));
        }
        let response =
            self.org.router().oneshot(request.body(Body::from(fields.join("&"))).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    async fn assert_token(&self, fields: &[(&str, &str)]) -> String {
        let reply = self.form("token", fields, None).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// The error of a refused login and its description.
    async fn kept_out(&self, fields: &[(&str, &str)]) -> String {
        let reply = self.form("token", fields, None).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        let body = reply.json();
        format!("{}: {}", body["error"].as_str().unwrap(), body["error_description"].as_str().unwrap())
    }

    async fn as_token(&self, token: &str, method: &str, path: &str, body: String) -> Reply {
        self.send_as(token, method, path, Body::from(body)).await
    }

    /// Status and error code of a call with this token.
    async fn use_token(&self, token: &str) -> (u16, Value) {
        let reply = self.as_token(token, "GET", "/services/data/v62.0/limits", String::new()).await;
        let code = reply.json().get(0).map_or(Value::Null, |e| e["errorCode"].clone());
        (reply.status.as_u16(), code)
    }
}

/// An assertion with this header and these claims, signed by the test key.
fn signed(header: &Value, claims: &Value) -> String {
    let pem = std::fs::read_to_string(keys().join("test-key.pem")).unwrap();
    let base64: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
    let key = ring::signature::RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(&ring::signature::RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims() -> Value {
    json!({"iss": "loader", "sub": "ada@acme.example", "aud": "https://login.salesforce.com", "exp": NOW / 1000 + 180})
}

/// The claims with one of them changed.
fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&json!({"alg": "RS256"}), &claims)
}

#[tokio::test]
async fn an_assertion_gets_a_token_whose_user_is_on_what_it_writes() {
    let mut world = world(None);
    let assertion = signed(&json!({"alg": "RS256", "typ": "JWT"}), &claims());
    let reply = world.form("token", &[("grant_type", BEARER), ("assertion", &assertion)], None).await;
    assert_eq!(
        (reply.status.as_u16(), reply.headers.get("sforce-limit-info")),
        (200, None),
        "{}",
        reply.text
    );
    let body = reply.json();
    let token = body["access_token"].as_str().unwrap().to_owned();
    assert!(
        token.starts_with(&format!("{}!", &world.org.org_id()[..15])) && token != world.org.access_token()
    );
    assert_eq!(
        (&body["token_type"], &body["instance_url"]),
        (&json!("Bearer"), &json!("http://127.0.0.1:1"))
    );
    assert_eq!(body["issued_at"], NOW.to_string());
    assert!(body.get("refresh_token").is_none() && body.get("expires_in").is_none());

    let ada = world.org.query("SELECT Id FROM User WHERE Username = 'ada@acme.example'").unwrap().rows[0][0]
        .clone();
    let ada = ada.unwrap();
    let who = world.as_token(&token, "GET", "/services/oauth2/userinfo", String::new()).await.json();
    assert_eq!((&who["user_id"], &who["preferred_username"]), (&json!(ada), &json!("ada@acme.example")));
    assert_eq!((&who["email"], &who["family_name"]), (&json!("ada@mail.example"), &json!("Admin")));
    let id = body["id"].as_str().unwrap().strip_prefix("http://127.0.0.1:1").unwrap();
    assert_eq!(world.as_token(&token, "GET", id, String::new()).await.json()["user_id"], json!(ada));
    let resources = world.as_token(&token, "GET", "/services/data/v62.0", String::new()).await.json();
    assert_eq!(resources["identity"], body["id"]);

    let at = |path: &str| format!("/services/data/v62.0/{path}");
    let one = world.as_token(&token, "POST", &at("sobjects/Account"), r#"{"Name":"One"}"#.into()).await;
    assert_eq!(one.status, 201, "{}", one.text);
    let spec = json!({"object": "Account", "operation": "insert"}).to_string();
    let job = world.as_token(&token, "POST", &at("jobs/ingest"), spec).await.json();
    assert_eq!(job["createdById"], json!(ada));
    let job = at(&format!("jobs/ingest/{}", job["id"].as_str().unwrap()));
    world.as_token(&token, "PUT", &format!("{job}/batches"), "Name\nTwo\n".into()).await;
    // Who closes the job does not matter: it is its creator's.
    let closed = world.send("PATCH", &job, r#"{"state":"UploadComplete"}"#).await;
    assert_eq!(closed.json()["createdById"], json!(ada));
    world.finish();
    world.send("POST", "sobjects/Account", r#"{"Name":"Three"}"#).await;
    let rows = world
        .org
        .query("SELECT CreatedById, OwnerId, LastModifiedById FROM Account ORDER BY Name")
        .unwrap()
        .rows;
    let admin = world.org.query("SELECT Id FROM User WHERE Username = 'admin@local.invalid'").unwrap().rows
        [0][0]
        .clone();
    assert_eq!(rows[0], vec![Some(ada.clone()); 3], "One");
    assert_eq!((&rows[1], &rows[2]), (&vec![admin; 3], &vec![Some(ada); 3]), "Three, Two");
}

#[tokio::test]
async fn an_assertion_must_be_right_in_everything() {
    let world = world(None);
    let good = with("exp", json!(NOW / 1000 + 1));
    let mut forged = good.clone();
    forged.replace_range(forged.rfind('.').unwrap() + 1.., &"A".repeat(342));
    let own = with("aud", json!(["https://else.example", "http://127.0.0.1:1/"]));
    let far = with("exp", json!(NOW + 300));
    for assertion in [&good, &own, &far] {
        world.assert_token(&[("grant_type", BEARER), ("assertion", assertion)]).await;
    }
    let invalid = "invalid_grant: invalid assertion";
    for (assertion, expected) in [
        (forged, invalid),
        ("a.b.c".into(), invalid),
        (String::new(), invalid),
        (signed(&json!({"alg": "none"}), &claims()), invalid),
        (with("exp", Value::Null), invalid),
        // Signed by another key than the one registered for that app.
        (with("iss", json!("other")), invalid),
        (with("iss", json!("nobody")), "invalid_client_id: client identifier invalid"),
        (with("aud", json!("https://else.example")), "invalid_grant: audience is invalid"),
        (with("exp", json!(NOW / 1000)), "invalid_grant: expired authorization code"),
        (with("sub", json!("eve@acme.example")), "invalid_grant: user hasn't approved this consumer"),
        (with("sub", json!("old@acme.example")), "inactive_user: user is inactive"),
    ] {
        assert_eq!(world.kept_out(&[("grant_type", BEARER), ("assertion", &assertion)]).await, expected);
    }
}

#[tokio::test]
async fn credentials_of_an_app_are_those_of_its_user() {
    let world = world(None);
    let secret = "not & a = secret";
    let form = [("grant_type", "client_credentials"), ("client_id", "loader"), ("client_secret", secret)];
    let token = world.assert_token(&form).await;
    let basic = world.form("token", &form[..1], Some(&format!("loader:{secret}"))).await;
    assert_eq!(basic.status, 200, "{}", basic.text);
    assert_ne!(basic.json()["access_token"], json!(token), "each login has its own");
    let body = basic.json();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let signed = format!("{}{}", body["id"].as_str().unwrap(), body["issued_at"].as_str().unwrap());
    let tag = STANDARD.decode(body["signature"].as_str().unwrap()).unwrap();
    ring::hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
    for (id, secret, expected) in [
        ("loader", "wrong", "invalid_client: invalid client credentials"),
        ("loader", "", "invalid_client: invalid client credentials"),
        ("nobody", "x", "invalid_client_id: client identifier invalid"),
        ("other", "x", "invalid_grant: no client credentials user enabled"),
    ] {
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        assert_eq!(world.kept_out(&form).await, expected);
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("org.db");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "refresh-me"), ("client_id", "loader")];
    let gone = "invalid_grant: expired access/refresh token";
    let world = self::world(Some(file.clone()));
    let (first, second) = (world.assert_token(&refresh).await, world.assert_token(&refresh).await);
    assert_eq!(world.form("revoke", &[("token", &first)], None).await.status, 200);
    assert_eq!(world.use_token(&first).await, (401, json!("INVALID_SESSION_ID")));
    assert_eq!(world.use_token(&second).await.0, 200);
    assert_eq!(world.kept_out(&[refresh[0], refresh[2], ("refresh_token", "else")]).await, gone);
    let wrong = [refresh[0], refresh[1], refresh[2], ("client_secret", "wrong")];
    assert_eq!(world.kept_out(&wrong).await, "invalid_client: invalid client credentials");

    drop(world);
    let world = self::world(Some(file.clone()));
    assert_eq!(world.use_token(&second).await.0, 200, "tokens outlive the process");
    assert_eq!(world.form("revoke", &[("token", "refresh-me")], None).await.status, 200);
    assert_eq!(world.use_token(&second).await.0, 401, "with the refresh token go those that came from it");
    drop(world);
    let world = self::world(Some(file));
    assert_eq!(world.kept_out(&refresh).await, gone);
    let unknown = world.form("revoke", &[("token", "never")], None).await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["error"]), (400, &json!("invalid_token")));
}

#[tokio::test]
async fn a_session_ends_and_the_admins_does_not() {
    let world = world(None);
    let token = world.assert_token(&[("grant_type", BEARER), ("assertion", &with("exp", json!(NOW)))]).await;
    let minute = 60_000;
    world.org.step(NOW + 30 * minute - 1);
    assert_eq!(world.use_token(&token).await.0, 200);
    world.org.step(NOW + 30 * minute);
    assert_eq!(world.use_token(&token).await, (401, json!("INVALID_SESSION_ID")));
    assert_eq!(world.get("limits").await.status, 200);
}

#[tokio::test]
async fn other_ways_in_are_closed() {
    let world = world(None);
    let closed = "unsupported_grant_type: grant type not supported";
    for (grant, expected) in [
        ("password", "invalid_grant: authentication failure"),
        ("device", closed),
        ("authorization_code", closed),
        ("", "invalid_request: missing required parameter: grant_type"),
    ] {
        let form = [
            ("grant_type", grant),
            ("username", "ada@acme.example"),
            ("password", "x"),
            ("client_id", "loader"),
        ];
        assert_eq!(world.kept_out(&form).await, expected);
    }
    let get = world.as_token("", "GET", "/services/oauth2/token", String::new()).await;
    assert_eq!((get.status.as_u16(), &get.json()["error"]), (400, &json!("invalid_request")));
    assert_eq!(world.as_token("", "GET", "/services/oauth2/userinfo", String::new()).await.status, 401);
    let soap = world.as_token("", "POST", "/services/Soap/u/50.0", "<x/>".into()).await;
    assert_eq!(
        (soap.status.as_u16(), &soap.headers["content-type"]),
        (500, &"text/xml;charset=UTF-8".parse().unwrap())
    );
    assert!(soap.text.contains("<faultcode>sf:INVALID_OPERATION</faultcode>"), "{}", soap.text);
}
