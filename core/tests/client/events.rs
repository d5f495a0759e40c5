//! The event stream: cut anywhere, lost at any time.

use crate::support::{BareServer, Phone, Server, event, installation, problem, soon};
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use ringback_core::client::EventSubscription;
use ringback_core::protocol::{CallbackEvent, ProblemCode};
use serde_json::json;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

fn stream(body: Body) -> Response {
    ([("content-type", "text/event-stream; charset=utf-8")], body).into_response()
}

fn sse(seq: u64) -> String {
    format!("id: {seq}\nevent: callback\ndata: {}\n\n", event(seq))
}

async fn next(events: &EventSubscription) -> CallbackEvent {
    soon(events.next()).await.expect("no error").expect("an event")
}

#[tokio::test]
async fn events_arrive_however_they_are_cut() {
    let server = Server::registering(|_| {
        let text = format!(
            ": hello\r\n\r\n{}: still here\n\n{}event: other\ndata: 1\n\n",
            sse(1).replace('\n', "\r\n"),
            sse(2)
        );
        let bytes: Vec<_> =
            text.bytes().map(|byte| Ok::<_, Infallible>(Bytes::copy_from_slice(&[byte]))).collect();
        stream(Body::from_stream(futures_util::stream::iter(bytes)))
    })
    .await;
    let events = Phone::new(&server.url).start().events().expect("a subscription");
    assert!(server.all().is_empty(), "subscribing sends nothing");
    assert_eq!((next(&events).await.seq, next(&events).await.seq), (1, 2));
    let opened = &server.seen("GET", "/v1/events")[0];
    assert_eq!((opened.header("last-event-id"), opened.header("authorization")), ("0", "Bearer token-1"));
}

#[tokio::test]
async fn a_cut_stream_goes_on_where_it_was() {
    let server = Server::registering(|seen| match seen.header("last-event-id") {
        // Cut within the second event; later the first comes once more.
        "0" => stream(Body::from(format!("{}{}", sse(1), &sse(2)[..40]))),
        "1" => stream(Body::from(format!("{}{}", sse(1), sse(2)))),
        "2" => stream(Body::from(sse(3))),
        _ => problem(ProblemCode::Internal),
    })
    .await;
    let events = Phone::new(&server.url).start().events().expect("a subscription");
    let seqs = [next(&events).await.seq, next(&events).await.seq, next(&events).await.seq];
    assert_eq!(seqs, [1, 2, 3]);
}

#[tokio::test]
async fn an_event_that_was_not_handled_comes_again_after_a_restart() {
    let server = Server::registering(|seen| {
        let after: u64 = seen.header("last-event-id").parse().expect("a number");
        stream(Body::from((after + 1..=3).map(sse).collect::<String>()))
    })
    .await;
    let phone = Phone::new(&server.url);
    let events = phone.start().events().expect("a subscription");
    assert_eq!((next(&events).await.seq, next(&events).await.seq), (1, 2));
    drop(events);
    let events = phone.start().events().expect("a subscription");
    assert_eq!(next(&events).await.seq, 2, "the first was handled, for the second was asked for");
}

#[tokio::test]
async fn refusals_that_pass_are_waited_out_and_others_are_told() {
    let answers = Arc::new(AtomicUsize::new(0));
    let server = Server::registering(move |_| match answers.fetch_add(1, Ordering::SeqCst) {
        0 => problem(ProblemCode::ShuttingDown),
        1 => "<html>Welcome to our network".into_response(),
        2 => problem(ProblemCode::RoleForbidden),
        _ => stream(Body::from(sse(1))),
    })
    .await;
    let events = Phone::new(&server.url).start().events().expect("a subscription");
    assert_eq!(soon(events.next()).await.expect_err("refused").code(), "role_forbidden");
    assert_eq!(next(&events).await.seq, 1);
}

#[tokio::test]
async fn a_lost_token_is_replaced() {
    let server = Server::start(|seen| async move {
        match (seen.path.as_str(), seen.header("authorization")) {
            ("/v1/installations", _) => installation("token-2"),
            (_, "Bearer token-2") => stream(Body::from(sse(1))),
            _ => problem(ProblemCode::CredentialsInvalid),
        }
    })
    .await;
    let phone = Phone::new(&server.url);
    let kept = json!({"base_url": server.url, "secret": "s".repeat(32), "installation": {"id": "in_1", "token": "token-1"}});
    phone.store.set("ringback.installation", &kept.to_string());
    assert_eq!(next(&phone.start().events().expect("a subscription")).await.seq, 1);
}

#[tokio::test]
async fn another_installation_begins_at_the_beginning() {
    let server = Server::registering(|_| stream(Body::from(sse(1)))).await;
    let phone = Phone::new(&server.url);
    phone.store.set("ringback.events", r#"{"installation_id":"in_old","seq":40}"#);
    assert_eq!(next(&phone.start().events().expect("a subscription")).await.seq, 1);
}

#[tokio::test]
async fn a_silent_stream_is_opened_anew() {
    let server = Server::registering(|seen| match seen.header("last-event-id") {
        "0" => {
            let first = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from(sse(1)))]);
            stream(Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending())))
        }
        _ => stream(Body::from(sse(2))),
    })
    .await;
    let phone = Phone::new(&server.url).with(|config| config.event_silence_ms = 100);
    let events = phone.start().events().expect("a subscription");
    assert_eq!((next(&events).await.seq, next(&events).await.seq), (1, 2));
}

/// A server whose stream says nothing after its head, and that tells when the phone has gone.
async fn quiet_server() -> (BareServer, mpsc::UnboundedReceiver<&'static str>) {
    let (told, hears) = mpsc::unbounded_channel();
    let server = BareServer::start(move |_, request, mut connection| {
        let told = told.clone();
        async move {
            if request.starts_with("POST /v1/installations") {
                let body = json!({"id": "in_1", "token": "token-1"}).to_string();
                return crate::support::say(&mut connection, "201 Created", &body).await;
            }
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n: hello\n\n";
            connection.write_all(head.as_bytes()).await.expect("written");
            told.send("open").expect("heard");
            let _ = connection.read(&mut [0]).await;
            told.send("gone").expect("heard");
        }
    })
    .await;
    (server, hears)
}

#[tokio::test]
async fn stopping_ends_a_wait_and_the_connection() {
    let (server, mut hears) = quiet_server().await;
    let events = Arc::new(Phone::new(&server.url).start().events().expect("a subscription"));
    let waiting = events.clone();
    let waiting = tokio::spawn(async move { waiting.next().await });
    assert_eq!(soon(hears.recv()).await, Some("open"));
    events.stop();
    assert_eq!(soon(waiting).await.expect("ran"), Ok(None));
    assert_eq!(soon(hears.recv()).await, Some("gone"));
    assert_eq!(soon(events.next()).await, Ok(None));
}

#[tokio::test]
async fn dropping_the_subscription_ends_the_connection() {
    let (server, mut hears) = quiet_server().await;
    let events = Arc::new(Phone::new(&server.url).start().events().expect("a subscription"));
    let waiting = events.clone();
    let waiting = tokio::spawn(async move { waiting.next().await });
    assert_eq!(soon(hears.recv()).await, Some("open"));
    drop(events);
    waiting.abort();
    assert_eq!(soon(hears.recv()).await, Some("gone"));
}

#[tokio::test]
async fn a_dropped_wait_loses_nothing() {
    let server = Server::registering(|_| stream(Body::from(format!("{}{}", sse(1), sse(2))))).await;
    let events = Phone::new(&server.url).start().events().expect("a subscription");
    // Polled a few times and dropped, then a few more: the connection may begin anew, no event is lost.
    let mut seqs = Vec::new();
    soon(async {
        for polls in 1.. {
            let mut left = polls;
            let mut wait = Box::pin(events.next());
            let event = std::future::poll_fn(|context| match left {
                0 => Poll::Ready(None),
                _ => {
                    left -= 1;
                    wait.as_mut().poll(context).map(Some)
                }
            });
            seqs.extend(event.await.map(|event| event.expect("no error").expect("an event").seq));
            if seqs.len() == 2 {
                break;
            }
        }
    })
    .await;
    assert_eq!(seqs, [1, 2]);
}

#[tokio::test]
async fn two_who_wait_get_an_event_each() {
    let server = Server::registering(|_| stream(Body::from(format!("{}{}", sse(1), sse(2))))).await;
    let events = Phone::new(&server.url).start().events().expect("a subscription");
    let (one, two) = tokio::join!(next(&events), next(&events));
    assert_eq!([one.seq.min(two.seq), one.seq.max(two.seq)], [1, 2]);
}
