//! Position and wait: over lost connections, to the end.

use crate::support::{Phone, Server, problem, soon};
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use ringback_core::client::{ClientError, LineSubscription};
use ringback_core::protocol::{LineUpdate, ProblemCode};
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const PATH: &str = "/v1/callbacks/cb_1/line";

fn stream(text: impl Into<Body>) -> Response {
    ([("content-type", "text/event-stream")], text.into()).into_response()
}

fn update(position: u32) -> String {
    let wait = json!({"status": "estimated", "p10_s": 10, "p50_s": 60, "p90_s": 300, "confidence": "low"});
    let update =
        json!({"callback_id": "cb_1", "at": "2026-11-23T10:00:00Z", "position": position, "wait": wait});
    format!("event: line\ndata: {update}\n\n")
}

const END: &str = "event: end\ndata: {}\n\n";

async fn next(line: &LineSubscription) -> Option<LineUpdate> {
    soon(line.next()).await.expect("no error")
}

async fn position(line: &LineSubscription) -> Option<u32> {
    next(line).await.expect("an update").position
}

fn subscribe(server: &Server) -> LineSubscription {
    Phone::new(&server.url).start().line("cb_1").expect("a subscription")
}

#[tokio::test]
async fn updates_arrive_until_the_callback_is_over() {
    let server = Server::registering(|_| stream(format!("{}{}{END}", update(2), update(1)))).await;
    let line = subscribe(&server);
    assert!(server.all().is_empty(), "subscribing sends nothing");
    let first = next(&line).await.expect("an update");
    assert_eq!((first.callback_id.as_str(), first.position), ("cb_1", Some(2)));
    assert_eq!(first.wait.expect("a wait").p90_s, Some(300));
    assert_eq!(position(&line).await, Some(1));
    assert_eq!((next(&line).await, next(&line).await), (None, None));
    let opened = server.seen("GET", PATH);
    assert_eq!(opened.len(), 1, "over is over");
    assert_eq!(
        (opened[0].header("authorization"), opened[0].header("last-event-id")),
        ("Bearer token-1", "")
    );
}

#[tokio::test]
async fn a_lost_connection_goes_on_with_what_is_so_now() {
    let connections = Arc::new(AtomicUsize::new(0));
    let server = Server::registering(move |_| match connections.fetch_add(1, Ordering::SeqCst) {
        // Cut within the second update.
        0 => stream(format!("{}{}", update(9), &update(8)[..30])),
        1 => problem(ProblemCode::ShuttingDown),
        2 => stream(format!("event: news\ndata: 1\n\n{}", update(3))),
        _ => stream(END),
    })
    .await;
    let line = subscribe(&server);
    assert_eq!((position(&line).await, position(&line).await), (Some(9), Some(3)));
    assert_eq!(next(&line).await, None);
}

#[tokio::test]
async fn a_callback_that_is_not_ones_own_is_told() {
    let server = Server::registering(|_| problem(ProblemCode::CallbackNotFound)).await;
    let error = soon(subscribe(&server).next()).await.expect_err("refused");
    assert_eq!(error.code(), "callback_not_found");
    let not_an_id = Phone::new(&server.url).start().line("../agents").err().expect("no id");
    assert!(matches!(not_an_id, ClientError::InvalidRequest { code, .. } if code == "callback_id_invalid"));
}

#[tokio::test]
async fn stopping_ends_a_wait() {
    let server = Server::registering(|_| {
        let first = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from(update(1)))]);
        stream(Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending())))
    })
    .await;
    let line = Arc::new(subscribe(&server));
    assert_eq!(position(&line).await, Some(1));
    let waiting = line.clone();
    let waiting = tokio::spawn(async move { waiting.next().await });
    line.stop();
    assert_eq!(soon(waiting).await.expect("ran"), Ok(None));
    assert_eq!(next(&line).await, None);
}
