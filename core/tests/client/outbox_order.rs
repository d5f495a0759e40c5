//! What was asked for about one callback leaves in that order, and a tap is a tap however often it is made at once.

use crate::support::{Phone, Server, answer, callback, problem, request, soon};
use axum::response::IntoResponse;
use ringback_core::client::{PendingKind, RequestState, ResumeOutcome};
use ringback_core::host::LogLevel;
use ringback_core::protocol::{ContextValue, ProblemCode};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Semaphore;

const CALLBACKS: &str = "/v1/callbacks";

fn cb(id: &str) -> String {
    id.to_owned()
}

#[tokio::test]
async fn nothing_overtakes_what_was_asked_for_earlier() {
    let works = Arc::new(AtomicBool::new(false));
    let repaired = works.clone();
    let server = Server::registering(move |seen| match repaired.load(Ordering::SeqCst) {
        false => problem(ProblemCode::StorageUnavailable),
        true if seen.path.ends_with("/snooze") => problem(ProblemCode::ServiceUnknown),
        true => answer(200, &callback("cb_1", "completed")),
    })
    .await;
    let phone = Phone::new(&server.url).with(|config| config.max_tries = 1);
    let client = phone.start();
    client.snooze(cb("cb_1"), 600).await.expect_err("out of order");
    client.snooze(cb("cb_2"), 600).await.expect_err("out of order");
    works.store(true, Ordering::SeqCst);

    // The snooze goes first, is refused, and does not stand in the way any more.
    client.cancel(cb("cb_1")).await.expect("accepted");
    let paths: Vec<_> = server.all().iter().skip(1).map(|seen| seen.path.clone()).collect();
    let of = |id: &str, action: &str| format!("{CALLBACKS}/{id}/{action}");
    let expected = [of("cb_1", "snooze"), of("cb_2", "snooze"), of("cb_1", "snooze"), of("cb_1", "cancel")];
    assert_eq!(paths, expected);

    // That it was refused, nobody has heard yet.
    let pending = phone.start().pending().await.expect("a list");
    assert_eq!(pending.len(), 2);
    assert!(matches!(&pending[0].state, RequestState::Refused { code, .. } if code == "service_unknown"));
    assert_eq!((pending[0].kind, pending[0].callback_id.as_deref()), (PendingKind::Snooze, Some("cb_1")));
    assert_eq!((&pending[1].state, pending[1].may_have_arrived), (&RequestState::NotSent, true));
}

#[tokio::test]
async fn resuming_leaves_what_comes_after_one_that_stays() {
    let server = Server::registering(|seen| {
        if seen.path.contains("cb_1") {
            problem(ProblemCode::StorageUnavailable)
        } else {
            answer(200, &callback("cb_2", "queued"))
        }
    })
    .await;
    let phone = Phone::new(&server.url).with(|config| config.base_url = "http://127.0.0.1:9".to_owned());
    let client = phone.start();
    for (id, delay_s) in [("cb_1", 600), ("cb_2", 600)] {
        client.snooze(cb(id), delay_s).await.expect_err("offline");
        client.cancel(cb(id)).await.expect_err("offline");
    }
    let url = server.url.clone();
    let phone = phone.with(|config| config.base_url = url);
    let resumed = phone.start().resume().await.expect("tried");
    let is_accepted: Vec<_> =
        resumed.iter().map(|one| matches!(one.outcome, ResumeOutcome::Accepted { .. })).collect();
    assert_eq!(is_accepted, [false, false, true, true]);
    assert!(server.seen("POST", "/v1/callbacks/cb_1/cancel").is_empty());
    assert_eq!(phone.outbox().len(), 2);
}

#[tokio::test]
async fn many_taps_at_once_are_one_request_sent_once() {
    let gate = Arc::new(Semaphore::new(0));
    let (answers, most_at_once) = (gate.clone(), Arc::new(AtomicUsize::new(0)));
    let (at_once, most) = (Arc::new(AtomicUsize::new(0)), most_at_once.clone());
    let server = Server::start(move |seen| {
        let (gate, at_once, most) = (answers.clone(), at_once.clone(), most.clone());
        async move {
            match (seen.method.as_str(), seen.path.as_str()) {
                ("POST", "/v1/installations") => crate::support::installation("token-1"),
                ("POST", CALLBACKS) => {
                    most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    gate.acquire().await.expect("open").forget();
                    at_once.fetch_sub(1, Ordering::SeqCst);
                    answer(201, &callback("cb_1", "queued"))
                }
                _ => answer(200, &callback("cb_1", "queued")),
            }
        }
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let tap = || {
        let client = client.clone();
        tokio::spawn(async move { client.request_callback(request()).await })
    };
    let first = tap();
    while server.seen("POST", CALLBACKS).is_empty() {
        tokio::task::yield_now().await;
    }
    let others: Vec<_> = (0..5).map(|_| tap()).collect();
    // Each of them has found the request that is being sent.
    phone.lines.until(|lines| lines.iter().filter(|(_, line)| line.contains("waits for")).count() == 5).await;
    assert_eq!(client.pending().await.expect("a list").len(), 1);
    gate.add_permits(100);
    for tap in others.into_iter().chain([first]) {
        assert_eq!(soon(tap).await.expect("ended").expect("accepted").id, "cb_1");
    }
    assert_eq!(most_at_once.load(Ordering::SeqCst), 1);
    let sent = server.seen("POST", CALLBACKS);
    assert!(sent.iter().all(|seen| seen.key() == sent[0].key()) && phone.files().is_empty(), "{sent:?}");
}

#[tokio::test]
async fn a_portal_says_nothing_about_a_request() {
    let portal = Arc::new(AtomicBool::new(true));
    let switch = portal.clone();
    let server = Server::start(move |seen| {
        let is_portal = switch.load(Ordering::SeqCst);
        async move {
            match seen.path.as_str() {
                _ if is_portal => {
                    ([("content-type", "text/html")], "<html>Welcome, guest</html>").into_response()
                }
                "/v1/installations" => crate::support::installation("token-1"),
                _ => answer(201, &callback("cb_1", "queued")),
            }
        }
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let error = client.request_callback(request()).await.expect_err("a portal");
    assert_eq!(error.code(), "answer_unreadable");
    let pending = client.pending().await.expect("a list");
    assert_eq!(pending[0].state, RequestState::NotSent);
    assert!(!pending[0].may_have_arrived, "the registration was in the way");
    let status = client.outbox_status().await.expect("known");
    assert_eq!(status.waiting, 1);
    assert!(status.next_try_at.is_some_and(|at| at > ringback_core::protocol::Timestamp::now()));

    portal.store(false, Ordering::SeqCst);
    assert!(matches!(
        client.resume().await.expect("sent")[0].outcome,
        ResumeOutcome::Accepted { callback: Some(_), .. }
    ));
    let status = client.outbox_status().await.expect("known");
    assert_eq!((status.waiting, status.next_try_at, status.damaged), (0, None, 0));
}

#[tokio::test]
async fn a_conflict_and_another_body_settle_a_request_only_when_the_server_says_so() {
    for status in [409, 422] {
        let says = Arc::new(AtomicBool::new(false));
        let switch = says.clone();
        let server = Server::registering(move |_| match switch.load(Ordering::SeqCst) {
            false => answer(status, &json!({"error": "some proxy's own"})),
            true => problem(if status == 409 {
                ProblemCode::CallbackAlreadyOpen
            } else {
                ProblemCode::IdempotencyKeyReused
            }),
        })
        .await;
        let phone = Phone::new(&server.url);
        let client = phone.start();
        let error = client.request_callback(request()).await.expect_err("a proxy");
        assert_eq!((error.code(), phone.outbox().len()), ("answer_unreadable", 1));
        says.store(true, Ordering::SeqCst);
        let resumed = client.resume().await.expect("sent");
        assert!(matches!(resumed[0].outcome, ResumeOutcome::Refused { .. }), "{resumed:?}");
        assert!(phone.outbox().is_empty());
        assert!(matches!(resumed[0].request.state, RequestState::Refused { .. }));
    }
}

#[tokio::test]
async fn the_outbox_has_an_end_and_says_so() {
    let phone = Phone::new("http://127.0.0.1:9").with(|config| config.max_tries = 1);
    let client = phone.start();
    for number in 0..64 {
        let mut wish = request();
        wish.context.insert("cart".to_owned(), ContextValue::from(number.to_string()));
        assert_eq!(client.request_callback(wish).await.expect_err("offline").code(), "unreachable");
    }
    let error = client.cancel(cb("cb_1")).await.expect_err("full");
    assert_eq!((error.code(), error.pending_key()), ("outbox_failed", None));
    assert!(error.to_string().contains("discard"), "{error}");
    assert_eq!(phone.outbox().len(), 64);
}

#[tokio::test]
async fn lost_keys_and_torn_files_are_put_aside_and_counted() {
    let phone = Phone::new("http://127.0.0.1:9");
    let client = phone.start();
    client.request_callback(request()).await.expect_err("offline");
    client.cancel(cb("cb_1")).await.expect_err("offline");
    let file = phone.data.path().join("outbox").join(format!("{}.kept", phone.outbox()[0]));
    let sealed = std::fs::read(&file).expect("there");
    std::fs::write(&file, &sealed[..200]).expect("torn");
    let client = phone.start();
    assert_eq!(client.pending().await.expect("a list").len(), 1);
    assert_eq!(client.outbox_status().await.expect("known").damaged, 1);

    // The app was installed anew over its old data, or the keychain was emptied.
    phone.store.set("ringback.seal", "\"nonsense\"");
    let client = phone.start();
    let error = client.cancel(cb("cb_2")).await.expect_err("offline");
    assert_eq!(error.code(), "unreachable", "it works on with a new key");
    let pending = client.pending().await.expect("a list");
    assert_eq!(pending.iter().map(|kept| kept.callback_id.as_deref()).collect::<Vec<_>>(), [Some("cb_2")]);
    assert_eq!((client.outbox_status().await.expect("known").damaged, phone.damaged().len()), (2, 2));
    let reported =
        |(level, line): &(LogLevel, String)| *level == LogLevel::Error && line.contains("1 damaged");
    phone.lines.until(|lines| lines.iter().filter(|line| reported(line)).count() == 2).await;
}
