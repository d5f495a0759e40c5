//! Becoming somebody to the server, and staying it.

use crate::support::{Phone, Server, answer, callback, installation, problem, request, soon};
use ringback_core::client::ClientError;
use ringback_core::protocol::ProblemCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test]
async fn the_first_use_registers_and_the_next_does_not() {
    let server = Server::registering(|_| answer(201, &callback("cb_1", "queued"))).await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    assert!(server.all().is_empty() && phone.outbox().is_empty(), "making a client does nothing");
    client.request_callback(request()).await.expect("accepted");
    phone.start().cancel("cb_1".to_owned()).await.expect("cancelled after a restart");
    let registrations = server.seen("POST", "/v1/installations");
    assert_eq!(registrations.len(), 1);
    assert_eq!(registrations[0].header("ringback-app-key"), "rb_pub_key");
    assert_eq!(registrations[0].header("authorization"), "");
    let sent: Value = serde_json::from_str(&registrations[0].body).expect("JSON");
    let secret = sent["secret"].as_str().expect("text");
    assert!(
        secret.len() == 64
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    let kept = phone.store.value("ringback.installation");
    assert_eq!((&kept["secret"], &kept["installation"]["token"]), (&sent["secret"], &json!("token-1")));
}

#[tokio::test]
async fn the_secret_is_kept_before_it_is_sent() {
    let server = Server::registering(|_| problem(ProblemCode::Internal)).await;
    let phone = Phone::new(&server.url);
    let store = phone.store.clone();
    let kept_first = Arc::new(AtomicUsize::new(0));
    let count = kept_first.clone();
    let checking = Server::start(move |seen| {
        let sent: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let kept = store.value("ringback.installation");
        if kept["secret"].is_string() && kept["secret"] == sent["secret"] {
            count.fetch_add(1, Ordering::SeqCst);
        }
        async { problem(ProblemCode::StorageUnavailable) }
    })
    .await;
    let phone = phone.with(|config| config.base_url.clone_from(&checking.url));
    phone.start().callbacks().await.expect_err("not now");
    phone.start().callbacks().await.expect_err("not after a restart either");
    assert_eq!(kept_first.load(Ordering::SeqCst), 6, "three tries each, all with the kept secret");
    let secrets: std::collections::HashSet<_> = checking.all().into_iter().map(|seen| seen.body).collect();
    assert_eq!(secrets.len(), 1);
}

#[tokio::test]
async fn a_lost_token_is_replaced_once_for_twenty_callers() {
    let registrations = Arc::new(AtomicUsize::new(0));
    let arrived = Arc::new(tokio::sync::Barrier::new(20));
    let server = Server::start(move |seen| {
        let (registrations, arrived) = (registrations.clone(), arrived.clone());
        async move {
            if seen.is("POST", "/v1/installations") {
                return installation(&format!("token-{}", registrations.fetch_add(1, Ordering::SeqCst) + 1));
            }
            match seen.header("authorization") {
                "Bearer token-2" => answer(200, &json!({"callbacks": []})),
                "Bearer token-1" => {
                    // All twenty hold the old token before any of them learns that it is worth nothing.
                    arrived.wait().await;
                    problem(ProblemCode::CredentialsInvalid)
                }
                _ => problem(ProblemCode::Internal),
            }
        }
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.callbacks().await })
        })
        .collect();
    for call in calls {
        soon(call).await.expect("ran").expect("answered with the new token");
    }
    let registrations = server.seen("POST", "/v1/installations");
    assert_eq!(registrations.len(), 2);
    assert_eq!(registrations[0].body, registrations[1].body, "the same secret, so the same installation");
    assert_eq!(server.seen("GET", "/v1/callbacks").len(), 40);
}

#[tokio::test]
async fn a_token_that_is_refused_twice_is_told_and_the_request_kept() {
    let server = Server::registering(|_| problem(ProblemCode::CredentialsInvalid)).await;
    let phone = Phone::new(&server.url);
    let error = soon(phone.start().request_callback(request())).await.expect_err("refused");
    assert!(matches!(&error, ClientError::Refused { status: 401, pending_key: Some(_), .. }));
    assert_eq!((phone.outbox().len(), server.seen("POST", "/v1/callbacks").len()), (1, 2));
}

#[tokio::test]
async fn a_refused_app_key_is_told_and_the_request_kept() {
    let server = Server::start(|_| async { problem(ProblemCode::CredentialsInvalid) }).await;
    let phone = Phone::new(&server.url);
    let error = soon(phone.start().request_callback(request())).await.expect_err("refused");
    assert_eq!((error.code(), phone.outbox().len()), ("credentials_invalid", 1));
    assert!(server.seen("POST", "/v1/callbacks").is_empty());
}

#[tokio::test]
async fn those_who_wait_for_a_registration_share_its_failure() {
    let server = Server::start(|_| async { problem(ProblemCode::CredentialsInvalid) }).await;
    let client = Phone::new(&server.url).start();
    let calls = futures_util::future::join_all((0..20).map(|_| client.callbacks()));
    assert!(soon(calls).await.iter().all(Result::is_err));
    assert_eq!(server.all().len(), 1);
    client.callbacks().await.expect_err("whoever comes later tries anew");
    assert_eq!(server.all().len(), 2);
}

#[tokio::test]
async fn a_token_is_not_shown_to_another_server() {
    let first = Server::registering(|_| answer(200, &json!({"callbacks": []}))).await;
    let second = Server::registering(|_| answer(200, &json!({"callbacks": []}))).await;
    let phone = Phone::new(&first.url);
    phone.start().callbacks().await.expect("a list");
    let phone = phone.with(|config| config.base_url.clone_from(&second.url));
    phone.start().callbacks().await.expect("a list");
    let (at_first, at_second) = (&first.all()[0], &second.all()[0]);
    assert!(at_second.is("POST", "/v1/installations") && at_first.body != at_second.body);
}

#[tokio::test]
async fn a_damaged_store_means_a_new_installation() {
    let server = Server::registering(|_| answer(200, &json!({"callbacks": []}))).await;
    let phone = Phone::new(&server.url);
    phone.store.set("ringback.installation", "{\"base_url\":");
    phone.start().callbacks().await.expect("a list");
    assert_eq!(server.seen("POST", "/v1/installations").len(), 1);
}
