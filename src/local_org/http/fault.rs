//! What befalls a call that a fault strikes.

use super::answer::{Answer, Failure};
use super::{exchange, token};
use crate::local_org::fault::{Effect, Ending};
use crate::local_org::{Dropped, LocalOrg};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use std::task::Poll;

/// Answers a struck call.
pub(in crate::local_org) async fn befall(org: &LocalOrg, effect: Effect, request: Request) -> Response {
    match effect {
        Effect::TooManyRequests { retry_after } => busy(retry_after),
        Effect::Unavailable { retry_after, carried_out } => {
            if carried_out {
                exchange(org, request).await;
            }
            unavailable(retry_after)
        }
        Effect::Unauthorized => refuse(Failure::session()),
        Effect::Revoked => match token(request.headers()).map(|token| org.revoke(token)) {
            Some(Err(error)) => refuse(error.into()),
            _ => exchange(org, request).await,
        },
        Effect::DropBefore => dropped(),
        Effect::DropAfter => {
            exchange(org, request).await;
            dropped()
        }
        Effect::Cut { ending } => cut(exchange(org, uncompressed(request)).await, ending).await,
        Effect::NotReady => refuse(not_ready()),
        Effect::RefuseWrites => refuse(Failure::maintained()),
        Effect::Twice => twice(org, request).await,
        Effect::DeleteJob => {
            let parts = super::parts(request.uri().path());
            after(org.others_delete_job(&parts), org, request).await
        }
        Effect::DeleteRecords(others) => after(org.others_delete(&others), org, request).await,
        Effect::EditRecords { others, field, value } => {
            after(org.others_edit(&others, &field, &value), org, request).await
        }
        // The others are of jobs and rows, and never strike a call (`Effect::is_of_calls`).
        _ => exchange(org, request).await,
    }
}

/// The call as usual, behind what somebody else has done.
async fn after(done: rusqlite::Result<()>, org: &LocalOrg, request: Request) -> Response {
    match done {
        Ok(()) => exchange(org, request).await,
        Err(error) => refuse(error.into()),
    }
}

fn refuse(failure: Failure) -> Response {
    Answer::from(failure).respond(false, false)
}

/// Unconfirmed(retry-after): Salesforce documents neither 429 nor `Retry-After` (reference K11); choice: a gateway's
/// status, the header in seconds.
fn busy(retry_after: u64) -> Response {
    let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "Too many requests");
    Answer::from(failure).with("retry-after", retry_after.to_string()).respond(false, false)
}

/// Unconfirmed(server-unavailable): the message of a 503; choice: plain words.
fn unavailable(retry_after: Option<u64>) -> Response {
    let message = "The server is temporarily unavailable. Please try again later.";
    let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, "SERVER_UNAVAILABLE", message);
    let answer = Answer::from(failure);
    match retry_after {
        Some(seconds) => answer.with("retry-after", seconds.to_string()),
        None => answer,
    }
    .respond(false, false)
}

/// Unconfirmed(results-before-end): what results answer while they are not there (reference K2); choice: as for a job
/// that is not done.
fn not_ready() -> Failure {
    Failure::bad("INVALIDJOBSTATE", "Results of a Job in state InProgress not available")
}

/// An answer that must not arrive. The status is for callers that do not know [`Dropped`].
fn dropped() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.extensions_mut().insert(Dropped);
    response
}

/// Carries a call out twice; the second answer counts.
async fn twice(org: &LocalOrg, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else { return dropped() };
    let again = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    exchange(org, Request::from_parts(parts, Body::from(bytes))).await;
    exchange(org, again).await
}

/// The request as of a client that takes nothing compressed: half of a compressed body is never taken for whole.
fn uncompressed(mut request: Request) -> Request {
    request.headers_mut().remove(header::ACCEPT_ENCODING);
    request
}

/// Half of an answer. One without a body is lost whole.
async fn cut(response: Response, ending: Ending) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if whole.is_empty() {
        return dropped();
    }
    let half = whole.slice(..whole.len() / 2);
    let body = match ending {
        Ending::Short => {
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
            breaking(half)
        }
        Ending::Open => breaking(half),
        Ending::Silent => {
            let lines = half.iter().rposition(|byte| *byte == b'\n').map_or(half.len(), |at| at + 1);
            Body::from(half.slice(..lines))
        }
    };
    Response::from_parts(parts, body)
}

/// A body that fails behind these bytes.
fn breaking(bytes: Bytes) -> Body {
    let mut sent = false;
    // The pause lets a server send what it has before it learns of the error.
    let pause = std::future::poll_fn(move |context| {
        if std::mem::replace(&mut sent, true) {
            return Poll::Ready(Err(std::io::Error::other("the answer is cut off")));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    });
    Body::from_stream(stream::iter([Ok(bytes)]).chain(stream::once(pause)))
}
