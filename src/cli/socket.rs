//! Carrying HTTP between a listening socket and a router.
//!
//! Does by hand what axum's own server does, for one thing that it cannot: closing a connection without an answer when
//! the org marks one as dropped.

use crate::local_org::Dropped;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// How long to wait before a connection is accepted again, when one could not be: files may be short.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `ended`; then waits for the calls that are under way.
pub(super) async fn accept(listener: TcpListener, router: Router, ended: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    tokio::pin!(ended);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut ended => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => connection(stream, router.clone(), &graceful),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    // No new connection is taken while the last calls end.
    drop(listener);
    graceful.shutdown().await;
}

fn connection(stream: TcpStream, router: Router, graceful: &GracefulShutdown) {
    // Without it small answers wait for the client's acknowledgement; one that cannot be set costs time only.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(router.clone(), request));
    let served = graceful.watch(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        // The client went away, or a fault closed the connection: nobody is left to tell.
        let _ = served.await;
    });
}

/// The router's answer; an error closes the connection.
async fn answer(router: Router, request: hyper::Request<Incoming>) -> io::Result<Response> {
    let request: Request = request.map(Body::new);
    let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
    match response.extensions().get::<Dropped>() {
        Some(Dropped) => Err(io::Error::other("dropped by a fault")),
        None => Ok(response),
    }
}
