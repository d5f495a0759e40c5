//! One tap is one request, whatever dies in between.

use crate::support::{Phone, Server, answer, callback, problem, request};
use axum::response::IntoResponse;
use ringback_core::client::{PendingKind, ResumeOutcome};
use ringback_core::host::LogLevel;
use ringback_core::protocol::{ApnsEnvironment, ProblemCode, PushRegistration, PushTarget, PushToken};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A server that is out of order until it is repaired.
async fn broken_server() -> (Server, Arc<AtomicBool>) {
    let works = Arc::new(AtomicBool::new(false));
    let repaired = works.clone();
    let server = Server::registering(move |seen| match (works.load(Ordering::SeqCst), seen.path.as_str()) {
        (false, _) => problem(ProblemCode::StorageUnavailable),
        (true, "/v1/devices") => answer(200, &json!({"id": "dv_1", "registered_at": "2026-11-23T10:00:00Z"})),
        (true, _) => answer(201, &callback("cb_1", "queued")),
    })
    .await;
    (server, repaired)
}

#[tokio::test]
async fn a_request_is_on_disk_before_the_network_is_touched() {
    let folder = Arc::new(std::sync::OnceLock::<std::path::PathBuf>::new());
    let looked_into = folder.clone();
    let server = Server::registering(move |seen| {
        let file = looked_into.get().expect("a phone").join(format!("outbox/{}.spare", seen.key()));
        let sealed = std::fs::read(&file).expect("on disk");
        let says = |what: &str| sealed.windows(what.len()).any(|part| part == what.as_bytes());
        assert!(sealed.len() > seen.body.len());
        assert!(!says("+4930901820") && !says("callbacks") && !says(seen.key()), "nobody can read it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode =
                |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!((mode(&file), mode(file.parent().expect("a folder"))), (0o600, 0o700));
        }
        answer(201, &callback("cb_1", "queued"))
    })
    .await;
    let phone = Phone::new(&server.url);
    folder.set(phone.data.path().to_owned()).expect("set once");
    phone.start().request_callback(request()).await.expect("found on disk by the server");
    assert!(phone.outbox().is_empty());
}

#[tokio::test]
async fn the_same_tap_after_a_restart_is_the_same_request() {
    let (server, works) = broken_server().await;
    let phone = Phone::new(&server.url);
    let error = phone.start().request_callback(request()).await.expect_err("out of order");
    let key = error.pending_key().expect("pending").to_owned();
    assert_eq!(
        phone.start().request_callback(request()).await.expect_err("still").pending_key(),
        Some(key.as_str())
    );
    works.store(true, Ordering::SeqCst);
    let made = phone.start().request_callback(request()).await.expect("accepted");
    assert_eq!(made.id, "cb_1");
    let sent = server.seen("POST", "/v1/callbacks");
    assert_eq!(sent.len(), 7, "three tries twice, then one");
    assert!(sent.iter().all(|seen| seen.key() == key && seen.body == sent[0].body));
    assert!(phone.outbox().is_empty());
}

#[tokio::test]
async fn another_wish_is_another_request() {
    let (server, _) = broken_server().await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let first = client.request_callback(request()).await.expect_err("out of order");
    let mut other = request();
    other.service = "sales".to_owned();
    let second = client.request_callback(other).await.expect_err("out of order");
    assert_ne!(first.pending_key(), second.pending_key());
    let pending = client.pending().await.expect("a list");
    assert_eq!(
        pending.iter().map(|request| Some(request.key.as_str())).collect::<Vec<_>>(),
        [first.pending_key(), second.pending_key()]
    );
}

#[tokio::test]
async fn a_tap_after_the_call_is_a_new_wish_though_the_first_answer_was_lost() {
    let asked = Arc::new(AtomicUsize::new(0));
    let server = Server::registering(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/v1/callbacks/cb_1") => answer(200, &callback("cb_1", "completed")),
        _ => match asked.fetch_add(1, Ordering::SeqCst) {
            0 => answer(200, &json!("the answer got lost")),
            1 => answer(201, &callback("cb_1", "queued")),
            _ => answer(201, &callback("cb_2", "queued")),
        },
    })
    .await;
    let phone = Phone::new(&server.url);
    phone.start().request_callback(request()).await.expect_err("the answer got lost");
    assert_eq!(phone.start().request_callback(request()).await.expect("accepted").id, "cb_2");
    let keys: Vec<_> =
        server.seen("POST", "/v1/callbacks").iter().map(|seen| seen.key().to_owned()).collect();
    assert!(keys[0] == keys[1] && keys[1] != keys[2]);
}

#[tokio::test]
async fn resuming_sends_what_is_kept_under_its_own_keys() {
    let (server, works) = broken_server().await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    client.request_callback(request()).await.expect_err("out of order");
    client.cancel("cb_7".to_owned()).await.expect_err("out of order");
    let keys: Vec<_> =
        client.pending().await.expect("a list").into_iter().map(|request| request.key).collect();

    let client = phone.start();
    let outcomes = client.resume().await.expect("tried");
    assert!(
        outcomes.iter().all(|resumed| resumed.outcome
            == ResumeOutcome::StillPending { code: "storage_unavailable".to_owned() })
    );
    works.store(true, Ordering::SeqCst);
    let outcomes = client.resume().await.expect("sent");
    assert_eq!(
        outcomes.iter().map(|resumed| &resumed.request.key).collect::<Vec<_>>(),
        keys.iter().collect::<Vec<_>>()
    );
    assert_eq!(outcomes[1].request.kind, PendingKind::Cancel);
    assert_eq!(outcomes[1].request.callback_id.as_deref(), Some("cb_7"));
    assert!(
        outcomes
            .iter()
            .all(|resumed| matches!(&resumed.outcome, ResumeOutcome::Accepted { callback: Some(_), .. }))
    );
    assert_eq!(
        server.seen("POST", "/v1/callbacks/cb_7/cancel").last().map(|seen| seen.key().to_owned()),
        Some(keys[1].clone())
    );
    assert_eq!(client.resume().await.expect("nothing left"), []);
}

#[tokio::test]
async fn resuming_tells_of_refusals_and_stops_when_nobody_is_there() {
    let refuses = Arc::new(AtomicBool::new(false));
    let switch = refuses.clone();
    let server = Server::registering(move |_| {
        if switch.load(Ordering::SeqCst) {
            problem(ProblemCode::ServiceUnknown)
        } else {
            "<html>".into_response()
        }
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    client.request_callback(request()).await.expect_err("not ours");
    client.cancel("cb_7".to_owned()).await.expect_err("not ours");
    let sent = server.all().len();
    let outcomes = client.resume().await.expect("tried");
    assert!(outcomes.iter().all(
        |resumed| resumed.outcome == ResumeOutcome::StillPending { code: "answer_unreadable".to_owned() }
    ));
    assert_eq!(server.all().len(), sent + 1);
    refuses.store(true, Ordering::SeqCst);
    let outcomes = client.resume().await.expect("sent");
    assert!(outcomes.iter().all(
        |resumed| matches!(&resumed.outcome, ResumeOutcome::Refused { code, .. } if code == "service_unknown")
    ));
    assert!(phone.outbox().is_empty());
}

#[tokio::test]
async fn a_discarded_request_is_not_sent_again() {
    let (server, works) = broken_server().await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let error = client.request_callback(request()).await.expect_err("out of order");
    works.store(true, Ordering::SeqCst);
    client.discard(error.pending_key().expect("pending").to_owned()).await.expect("forgotten");
    assert_eq!(client.resume().await.expect("nothing left"), []);
    assert_eq!(
        client.discard("../../etc/passwd".to_owned()).await.expect_err("no key").code(),
        "key_invalid"
    );
    assert_eq!(server.seen("POST", "/v1/callbacks").len(), 3);
}

#[tokio::test]
async fn a_request_that_grew_too_old_is_told_of_and_not_sent() {
    let (server, works) = broken_server().await;
    let phone = Phone::new(&server.url).with(|config| config.pending_max_age_s = 60);
    phone.start().request_callback(request()).await.expect_err("out of order");
    phone.clocks.pass(61);
    works.store(true, Ordering::SeqCst);
    let sent = server.all().len();
    let outcomes = phone.start().resume().await.expect("looked through");
    assert_eq!(
        outcomes.iter().map(|resumed| &resumed.outcome).collect::<Vec<_>>(),
        [&ResumeOutcome::Expired]
    );
    assert_eq!((phone.outbox().len(), server.all().len()), (0, sent));
}

#[tokio::test]
async fn a_damaged_request_is_put_aside_and_reported() {
    let server = Server::registering(|_| answer(201, &callback("cb_1", "queued"))).await;
    let phone = Phone::new(&server.url);
    let outbox = phone.data.path().join("outbox");
    std::fs::create_dir(&outbox).expect("made");
    let name = "0b9f2a52-5a8e-4a53-9e0b-9d8f7b0a3c11.kept";
    std::fs::write(outbox.join(name), "{\"format\":1,\"body\":\"+4930").expect("written");
    std::fs::write(outbox.join("left-over.tmp"), "half").expect("written");
    phone.start().request_callback(request()).await.expect("accepted all the same");
    assert_eq!((phone.outbox().len(), phone.damaged()), (0, vec![name.to_owned()]));
    assert!(!outbox.join("left-over.tmp").exists());
    let reported =
        |(level, line): &(LogLevel, String)| *level == LogLevel::Error && line.contains("1 damaged");
    phone.lines.until(|lines| lines.iter().any(reported)).await;
}

#[tokio::test]
async fn only_the_newest_push_token_is_kept() {
    let (server, works) = broken_server().await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let token = |token: &str| {
        PushRegistration::new(PushTarget::Apns {
            token: PushToken::from(token),
            environment: ApnsEnvironment::Sandbox,
            topic: "com.example.app".to_owned(),
        })
    };
    client.register_push(token("aa")).await.expect_err("out of order");
    client.register_push(token("bb")).await.expect_err("out of order");
    works.store(true, Ordering::SeqCst);
    assert_eq!(client.resume().await.expect("sent").len(), 1);
    assert!(server.seen("PUT", "/v1/devices").last().expect("sent").body.contains("\"bb\""));
}
