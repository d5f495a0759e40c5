//! What networks do: answers that break off, drip, never come, or come from somebody else.

use crate::support::{BareServer, Phone, Server, answer, callback, problem, request, say, soon};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect};
use ringback_core::client::ClientError;
use ringback_core::protocol::ProblemCode;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// A phone that is registered, so that only the request itself meets the fault.
fn registered_phone(url: &str) -> Phone {
    let phone = Phone::new(url);
    let public = "BG_wO5SSQc4drdQ1GeaWDgqFtBppoFwygQOqK84VlMoWPE91OlW_AdxT9sCwx-7ni0DG_30lqW4igrmJzvccFEo";
    let private = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQGhRANCAARv\
        8DuUkkHOHa3UNRnmlg4KhbQaaaBcMoEDqivOFZTKFjxPdTpVvwHcU_bAsMfu54tAxv99JaluIoK5ic73HBRK";
    let key = json!({"public": {"algorithm": "ecdsa-p256-sha256", "key": public}, "private": private});
    let installation = json!({"id": "in_1", "token": "token-1"});
    let kept = json!({"base_url": url, "secret": "s".repeat(32), "key": key, "installation": installation});
    phone.store.set("ringback.installation", &kept.to_string());
    phone
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let (keys, mut seen) = mpsc::unbounded_channel();
    let server = BareServer::start(move |number, request, mut stream| {
        let keys = keys.clone();
        async move {
            keys.send(request.lines().find(|line| line.starts_with("idempotency-key")).map(str::to_owned))
                .expect("kept");
            match number {
                0 => {
                    stream
                        .write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{\"id\":")
                        .await
                        .expect("half");
                }
                1 => stream.set_zero_linger().expect("a reset"),
                _ => say(&mut stream, "201 Created", &callback("cb_1", "queued").to_string()).await,
            }
        }
    })
    .await;
    let phone = registered_phone(&server.url);
    let made = soon(phone.start().request_callback(request())).await.expect("accepted at the third try");
    assert_eq!((made.id.as_str(), server.connections.load(Ordering::SeqCst)), ("cb_1", 3));
    let first = seen.recv().await.flatten();
    assert!(first.is_some());
    assert_eq!((seen.recv().await.flatten(), seen.recv().await.flatten()), (first.clone(), first));
    assert!(phone.outbox().is_empty());
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_waited_for() {
    let server = BareServer::start(|_, _, mut stream| async move {
        let _ = stream.read(&mut [0]).await;
    })
    .await;
    let phone = registered_phone(&server.url).with(|config| config.request_timeout_ms = 50);
    let error = soon(phone.start().request_callback(request())).await.expect_err("no answer");
    assert!(
        matches!(&error, ClientError::TimedOut { pending_key: Some(key), .. } if phone.outbox() == [key.as_str()])
    );
    assert_eq!(server.connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_dripping_answer_is_not_waited_for_either() {
    let server = BareServer::start(|_, _, mut stream| async move {
        let head = b"HTTP/1.1 201 Created\r\ncontent-length: 100000\r\n\r\n".as_slice();
        let mut drops = tokio::time::interval(Duration::from_millis(5));
        let mut written = stream.write_all(head).await;
        while written.is_ok() {
            drops.tick().await;
            written = stream.write_all(b" ").await;
        }
    })
    .await;
    let phone = registered_phone(&server.url).with(|config| config.request_timeout_ms = 100);
    let error = soon(phone.start().request_callback(request())).await.expect_err("no whole answer");
    assert_eq!((error.code(), phone.outbox().len()), ("timed_out", 1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let server = BareServer::start(|_, _, _| async {}).await;
    let url = server.url.clone();
    drop(server);
    let phone = registered_phone(&url);
    let error = soon(phone.start().request_callback(request())).await.expect_err("nobody there");
    assert!(matches!(&error, ClientError::Unreachable { pending_key: Some(_), .. }));
    assert_eq!((error.is_retryable(), phone.outbox().len()), (true, 1));
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_clear() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let phone = registered_phone(&format!("https://{}", listener.local_addr().expect("an address")));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.read(&mut [0; 4096]).await;
            say(&mut stream, "200 OK", "{}").await;
        }
    });
    let error = soon(phone.start().callbacks()).await.expect_err("no TLS");
    assert_eq!(error.to_string(), "no secure connection to the server");
}

#[tokio::test]
async fn a_sign_in_page_is_no_answer() {
    for status in [StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND] {
        let server =
            Server::registering(move |_| (status, Html("<html>Welcome to our network")).into_response())
                .await;
        let phone = Phone::new(&server.url);
        let error = phone.start().request_callback(request()).await.expect_err("not ours");
        assert!(
            matches!(&error, ClientError::AnswerUnreadable { status: seen, pending_key: Some(_), .. } if *seen == status.as_u16())
        );
        assert!(error.is_retryable());
        assert_eq!((phone.outbox().len(), server.seen("POST", "/v1/callbacks").len()), (1, 1));
    }
}

#[tokio::test]
async fn a_problem_document_of_somebody_else_settles_nothing() {
    let server = Server::registering(|_| {
        answer(403, &json!({"type": "about:blank", "code": "blocked", "title": "Blocked", "status": 403, "detail": "x"}))
    })
    .await;
    let phone = Phone::new(&server.url);
    let error = phone.start().request_callback(request()).await.expect_err("not ours");
    assert_eq!((error.code(), phone.outbox().len()), ("answer_unreadable", 1));
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let server = Server::registering(|_| " ".repeat(1024 * 1024 + 1).into_response()).await;
    let phone = Phone::new(&server.url);
    let error = phone.start().request_callback(request()).await.expect_err("too large");
    assert_eq!((error.code(), phone.outbox().len()), ("answer_unreadable", 1));
    assert!(error.to_string().contains("too large"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::registering(|_| answer(201, &callback("cb_1", "queued"))).await;
    let target = format!("{}/v1/callbacks", elsewhere.url);
    let server = Server::registering(move |_| Redirect::temporary(&target).into_response()).await;
    let phone = Phone::new(&server.url);
    let error = phone.start().request_callback(request()).await.expect_err("not followed");
    assert!(matches!(&error, ClientError::AnswerUnreadable { status: 307, pending_key: Some(_), .. }));
    assert!(elsewhere.all().is_empty());
}

#[tokio::test]
async fn a_dropped_call_ends_the_exchange_and_keeps_the_request() {
    let (ended, mut ends) = mpsc::unbounded_channel();
    let server = BareServer::start(move |_, _, mut stream| {
        let ended = ended.clone();
        async move {
            ended.send("asked").expect("kept");
            let _ = stream.read(&mut [0]).await;
            ended.send("closed").expect("kept");
        }
    })
    .await;
    let phone = registered_phone(&server.url);
    let client = phone.start();
    let calling = tokio::spawn(async move { client.request_callback(request()).await });
    assert_eq!(soon(ends.recv()).await, Some("asked"));
    calling.abort();
    assert_eq!(soon(ends.recv()).await, Some("closed"));
    assert_eq!(phone.outbox().len(), 1);
}

#[tokio::test]
async fn an_unusable_data_folder_is_told_before_anything_is_sent() {
    let server = Server::registering(|_| problem(ProblemCode::Internal)).await;
    let phone = Phone::new(&server.url);
    std::fs::write(phone.data.path().join("outbox"), "in the way").expect("written");
    let error = phone.start().request_callback(request()).await.expect_err("no outbox");
    assert!(matches!(error, ClientError::OutboxFailed { .. }));
    assert!(server.all().is_empty());
}
