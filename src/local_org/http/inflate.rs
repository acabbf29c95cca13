//! Compressed requests: REST takes `Content-Encoding: gzip`. Uploads of Bulk jobs see to theirs themselves.

use super::BODY;
use super::answer::Failure;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use flate2::read::GzDecoder;
use std::io::Read;

/// The body as it was before it was compressed.
pub(super) async fn plain(headers: &HeaderMap, body: Body) -> Result<Body, Failure> {
    let coding = headers.get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("identity");
    match coding.trim().to_ascii_lowercase().as_str() {
        "identity" => Ok(body),
        "gzip" => {
            let bytes = to_bytes(body, BODY).await.map_err(|e| broken(&e.to_string()))?;
            let mut plain = Vec::new();
            // One byte more than may be, so that what is too long is seen to be.
            let mut reader = GzDecoder::new(&*bytes).take(BODY as u64 + 1);
            reader.read_to_end(&mut plain).map_err(|e| broken(&e.to_string()))?;
            Ok(Body::from(plain))
        }
        _ => {
            let message = "The only valid compression value is gzip";
            Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message))
        }
    }
}

/// Unconfirmed(broken-gzip): what a body that cannot be unpacked answers; choice: as for one that is no JSON.
fn broken(why: &str) -> Failure {
    Failure::bad("JSON_PARSER_ERROR", why)
}
