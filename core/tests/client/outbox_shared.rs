//! An app and its extension on one folder; and an app that goes to the background.

use crate::support::{Phone, Server, answer, callback, installation, request, soon};
use ringback_core::client::{RequestState, ResumeOutcome};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A server that answers requests for calls only when told.
async fn slow_server() -> (Server, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let answers = gate.clone();
    let server = Server::start(move |seen| {
        let gate = answers.clone();
        async move {
            if seen.is("POST", "/v1/installations") {
                return installation("token-1");
            }
            if seen.is("POST", "/v1/callbacks") {
                gate.acquire().await.expect("open").forget();
            }
            answer(201, &callback("cb_1", "queued"))
        }
    })
    .await;
    (server, gate)
}

/// Two clients share nothing but the folder and the secure store, as two processes do.
#[tokio::test]
async fn what_one_process_sends_another_leaves_alone() {
    let (server, gate) = slow_server().await;
    let phone = Phone::new(&server.url);
    let (app, extension) = (phone.start(), phone.start());
    let tap = tokio::spawn({
        let app = app.clone();
        async move { app.request_callback(request()).await }
    });
    while server.seen("POST", "/v1/callbacks").is_empty() {
        tokio::task::yield_now().await;
    }
    let pending = extension.pending().await.expect("a list");
    assert_eq!(pending[0].state, RequestState::Sending);
    assert_eq!(extension.resume().await.expect("looked through"), [], "it is left to whoever sends it");
    // The same wish from there is the same request; it waits for the answer.
    let other_tap = tokio::spawn({
        let extension = extension.clone();
        async move { extension.request_callback(request()).await }
    });
    phone.lines.until(|lines| lines.iter().any(|(_, line)| line.contains("waits for"))).await;
    assert_eq!(server.seen("POST", "/v1/callbacks").len(), 1);
    gate.add_permits(10);
    assert_eq!(soon(tap).await.expect("ended").expect("accepted").id, "cb_1");
    assert_eq!(soon(other_tap).await.expect("ended").expect("accepted").id, "cb_1");
    let keys: HashSet<_> =
        server.seen("POST", "/v1/callbacks").iter().map(|seen| seen.key().to_owned()).collect();
    assert_eq!((keys.len(), phone.files().len()), (1, 0));
}

#[tokio::test]
async fn two_processes_that_start_at_once_share_one_key_and_one_secret() {
    let (server, gate) = slow_server().await;
    gate.add_permits(1000);
    let phone = Phone::new(&server.url);
    let mut wishes = Vec::new();
    for number in 0..10 {
        let client = phone.start();
        let mut wish = request();
        wish.service = format!("service-{number}");
        wishes.push(tokio::spawn(async move { client.request_callback(wish).await }));
    }
    for wish in wishes {
        soon(wish).await.expect("ended").expect("accepted");
    }
    assert!(phone.damaged().is_empty() && phone.files().is_empty());
    let secrets: HashSet<_> =
        server.seen("POST", "/v1/installations").iter().map(|seen| seen.body.clone()).collect();
    assert_eq!(secrets.len(), 1, "one installation, however often it was registered");
}

#[tokio::test]
async fn pausing_gives_every_lock_back_and_loses_nothing() {
    let (server, gate) = slow_server().await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let tap = tokio::spawn({
        let client = client.clone();
        async move { client.request_callback(request()).await }
    });
    while server.seen("POST", "/v1/callbacks").is_empty() {
        tokio::task::yield_now().await;
    }
    soon(client.pause()).await.expect("at rest");
    let error = soon(tap).await.expect("ended").expect_err("called off");
    assert_eq!((error.code(), error.pending_key()), ("cancelled", Some(phone.outbox()[0].as_str())));
    // Nothing is locked: another process may send it.
    let pending = phone.start().pending().await.expect("a list");
    assert_eq!((&pending[0].state, pending[0].may_have_arrived), (&RequestState::NotSent, true));
    gate.add_permits(10);
    let resumed = client.resume().await.expect("awake again");
    assert!(matches!(resumed[0].outcome, ResumeOutcome::Accepted { .. }), "{resumed:?}");
    let keys: HashSet<_> =
        server.seen("POST", "/v1/callbacks").iter().map(|seen| seen.key().to_owned()).collect();
    assert_eq!(keys.len(), 1);
    soon(client.pause()).await.expect("nothing is under way");
}
