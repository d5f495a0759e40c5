//! Pushes: ours or not, in time or not, once or twice; answered from the notification.

use crate::support::{Phone, Seen, Server, answer, at_rest, callback, problem};
use axum::response::Response;
use proptest::prelude::*;
use ringback_core::client::{PendingKind, PushOutcome, ResumeOutcome, RingbackClient};
use ringback_core::protocol::{
    ApnsEnvironment, CallbackState, ConfirmAnswer, PhoneNumber, ProblemCode, PushEvent, PushRegistration,
    PushTarget, PushToken,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

fn push(id: &str, expires_at: &str) -> HashMap<String, String> {
    raw(
        &json!({"push_id": id, "delivery_id": format!("d_{id}"), "event": "agent_ready", "callback_id": "cb_1",
        "expires_at": expires_at, "action_token": "once"}),
    )
}

fn raw(data: &Value) -> HashMap<String, String> {
    HashMap::from([("ringback".to_owned(), data.to_string()), ("badge".to_owned(), "1".to_owned())])
}

fn receipt(id: &str, kind: &str) -> Value {
    json!({"delivery_id": format!("d_{id}"), "kind": kind})
}

/// What the server was told of pushes. A receipt is sent while nobody waits: what is not yet answered is sent once more.
async fn receipts(server: &Server, client: &RingbackClient) -> Vec<Value> {
    at_rest(client).await;
    client.resume().await.expect("tried");
    let mut told: Vec<Value> = Vec::new();
    for seen in server.seen("POST", RECEIPTS) {
        let receipt = serde_json::from_str(&seen.body).expect("JSON");
        if !told.contains(&receipt) {
            told.push(receipt);
        }
    }
    told
}

/// A server that takes receipts and answers, and knows the callback.
fn takes_answers(seen: &Seen) -> Response {
    match seen.path.as_str() {
        RECEIPTS => answer(204, &Value::Null),
        "/v1/callbacks/cb_1/confirm" => answer(200, &json!({"callback": callback("cb_1", "routing")})),
        _ => answer(200, &callback("cb_1", "routing")),
    }
}

const RECEIPTS: &str = "/v1/push/receipts";
const LATER: &str = "2999-01-01T00:00:00Z";

#[tokio::test]
async fn a_push_brings_the_callback_once() {
    let server = Server::registering(|_| answer(200, &callback("cb_1", "routing"))).await;
    let phone = Phone::new(&server.url);
    let outcome = phone.start().handle_push(push("ps_1", LATER)).await.expect("handled");
    let PushOutcome::Event { event, callback, action_token, expires_at } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((event, callback.state), (PushEvent::AgentReady, CallbackState::Routing));
    let action_token = action_token.expect("a question");
    assert_eq!((action_token.expose(), expires_at.to_string().as_str()), ("once", LATER));
    let again = phone.start().handle_push(push("ps_1", LATER)).await.expect("handled");
    assert_eq!(again, PushOutcome::Duplicate { callback_id: "cb_1".to_owned() });
    assert!(matches!(phone.start().handle_push(push("ps_2", LATER)).await, Ok(PushOutcome::Event { .. })));
}

#[tokio::test]
async fn of_two_copies_at_once_one_is_the_duplicate() {
    let server = Server::registering(|_| answer(200, &callback("cb_1", "routing"))).await;
    let client = Phone::new(&server.url).start();
    let (one, two) =
        tokio::join!(client.handle_push(push("ps_1", LATER)), client.handle_push(push("ps_1", LATER)));
    let duplicates =
        [one, two].into_iter().filter(|outcome| matches!(outcome, Ok(PushOutcome::Duplicate { .. })));
    assert_eq!(duplicates.count(), 1);
}

#[tokio::test]
async fn a_push_that_could_not_be_looked_up_may_be_tried_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let server = Server::registering(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => problem(ProblemCode::CallbackNotFound),
        _ => answer(200, &callback("cb_1", "routing")),
    })
    .await;
    let client = Phone::new(&server.url).start();
    client.handle_push(push("ps_1", LATER)).await.expect_err("not found");
    assert!(matches!(client.handle_push(push("ps_1", LATER)).await, Ok(PushOutcome::Event { .. })));
}

#[tokio::test]
async fn what_is_not_ours_late_or_broken_asks_nothing_of_the_server() {
    let server = Server::registering(|_| problem(ProblemCode::Internal)).await;
    let client = Phone::new(&server.url).start();
    let other = HashMap::from([("from".to_owned(), "somebody else".to_owned())]);
    assert_eq!(client.handle_push(other).await, Ok(PushOutcome::NotOurs));
    let broken = HashMap::from([("ringback".to_owned(), "{\"push_id\":".to_owned())]);
    assert_eq!(client.handle_push(broken).await.expect_err("broken").code(), "push_malformed");
    assert!(server.all().is_empty());
    let late = client.handle_push(push("ps_1", "2020-01-01T00:00:00Z")).await;
    assert_eq!(late, Ok(PushOutcome::Expired { callback_id: "cb_1".to_owned() }));
    assert!(server.seen("GET", "/v1/callbacks/cb_1").is_empty());
}

#[tokio::test]
async fn the_server_is_told_that_a_push_came_and_was_opened() {
    let server = Server::registering(|seen| takes_answers(&seen)).await;
    let client = Phone::new(&server.url).start();
    client.handle_push(push("ps_1", LATER)).await.expect("handled");
    client.push_opened(push("ps_1", LATER)).await.expect("kept");
    client.push_opened(HashMap::from([("chat".to_owned(), "hello".to_owned())])).await.expect("left alone");
    let told = receipts(&server, &client).await;
    assert_eq!(told.len(), 2);
    assert!(told.contains(&receipt("ps_1", "received")) && told.contains(&receipt("ps_1", "opened")));
    assert_eq!(client.pending().await.expect("a list"), []);
}

#[tokio::test]
async fn a_withdrawn_question_is_told_of_and_received() {
    let server = Server::registering(|seen| takes_answers(&seen)).await;
    let client = Phone::new(&server.url).start();
    let withdrawn = raw(
        &json!({"push_id": "ps_2", "delivery_id": "d_ps_2", "event": "agent_ready", "callback_id": "cb_1",
        "expires_at": LATER, "withdrawn": true}),
    );
    let outcome = client.handle_push(withdrawn.clone()).await;
    assert_eq!(outcome, Ok(PushOutcome::Withdrawn { callback_id: "cb_1".to_owned() }));
    assert_eq!(receipts(&server, &client).await, [receipt("ps_2", "received")]);
    let error = client.answer_push(withdrawn, ConfirmAnswer::Ready).await.expect_err("nothing is asked");
    assert_eq!(error.code(), "push_asks_nothing");
}

#[tokio::test]
async fn a_receipt_neither_delays_nor_fails_a_push() {
    let server = Server::start(|seen| async move {
        match seen.path.as_str() {
            "/v1/installations" => crate::support::installation("token-1"),
            RECEIPTS => std::future::pending().await,
            _ => answer(200, &callback("cb_1", "routing")),
        }
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let handled = crate::support::soon(client.handle_push(push("ps_1", LATER))).await;
    assert!(matches!(handled, Ok(PushOutcome::Event { .. })));
    assert_eq!(phone.outbox().len(), 1, "on disk until the server has it");

    // A folder that cannot be written takes the receipt, and nothing else.
    let phone = Phone::new(&server.url);
    std::fs::write(phone.data.path().join("outbox"), "in the way").expect("written");
    assert!(matches!(phone.start().handle_push(push("ps_2", LATER)).await, Ok(PushOutcome::Event { .. })));
    phone.lines.until(|lines| lines.iter().any(|(_, line)| line.contains("a receipt is not sent"))).await;
}

#[tokio::test]
async fn a_refused_receipt_is_dropped_and_an_old_one_too() {
    let server = Server::registering(|seen| match seen.path.as_str() {
        RECEIPTS if seen.body.contains("d_gone") => problem(ProblemCode::DeliveryNotFound),
        _ => problem(ProblemCode::StorageUnavailable),
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    client.push_opened(push("gone", LATER)).await.expect("kept");
    at_rest(&client).await;
    assert_eq!(phone.outbox().len(), 0, "the server knows no such push");

    client.push_opened(push("ps_1", LATER)).await.expect("kept");
    at_rest(&client).await;
    let resumed = client.resume().await.expect("tried");
    assert_eq!(resumed[0].request.kind, PendingKind::PushReceipt);
    assert_eq!(resumed[0].outcome, ResumeOutcome::StillPending { code: "storage_unavailable".to_owned() });
    phone.clocks.pass(3700);
    assert_eq!(client.resume().await.expect("looked through")[0].outcome, ResumeOutcome::Expired);
    assert_eq!(phone.outbox().len(), 0);
}

#[tokio::test]
async fn receipts_never_take_the_room_of_requests() {
    let phone = Phone::new("http://127.0.0.1:9");
    let client = phone.start();
    client.cancel("cb_7".to_owned()).await.expect_err("nobody there");
    for number in 0..70 {
        client.push_opened(push(&format!("ps_{number}"), LATER)).await.expect("kept");
    }
    let pending = client.pending().await.expect("a list");
    let receipts = pending.iter().filter(|request| request.kind == PendingKind::PushReceipt).count();
    assert_eq!((receipts, pending.len()), (64, 65), "the oldest receipts gave way, and nothing else");
}

#[tokio::test]
async fn a_question_is_answered_from_its_notification() {
    let server = Server::registering(|seen| takes_answers(&seen)).await;
    let phone = Phone::new(&server.url);
    // The action starts the app: it has seen nothing of this push.
    let number = PhoneNumber::from("+4930901820");
    let answer = ConfirmAnswer::OtherNumber { number };
    let confirmation = phone.start().answer_push(push("ps_1", LATER), answer).await.expect("answered");
    assert_eq!(confirmation.callback.id, "cb_1");
    let sent = server.seen("POST", "/v1/callbacks/cb_1/confirm");
    let body: Value = serde_json::from_str(&sent[0].body).expect("JSON");
    let answer = json!({"other_number": {"number": "+4930901820"}});
    assert_eq!((sent.len(), body), (1, json!({"answer": answer, "action_token": "once"})));
    let client = phone.start();
    assert_eq!(receipts(&server, &client).await, [receipt("ps_1", "opened")]);
    let copy = client.handle_push(push("ps_1", LATER)).await.expect("handled");
    assert_eq!(copy, PushOutcome::Duplicate { callback_id: "cb_1".to_owned() }, "it asks what is answered");
}

#[tokio::test]
async fn an_answer_outlives_the_app() {
    let phone = Phone::new("http://127.0.0.1:9");
    let error =
        phone.start().answer_push(push("ps_1", LATER), ConfirmAnswer::Ready).await.expect_err("nobody there");
    let pending = phone.start().pending().await.expect("a list");
    let kept = pending.iter().find(|request| request.kind == PendingKind::Confirm).expect("kept");
    assert_eq!((error.pending_key(), kept.callback_id.as_deref()), (Some(kept.key.as_str()), Some("cb_1")));
}

#[tokio::test]
async fn only_an_open_question_of_ours_is_answered() {
    let server = Server::registering(|_| problem(ProblemCode::Internal)).await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let reminder = raw(
        &json!({"push_id": "ps_1", "delivery_id": "d", "event": "callback_reminder", "callback_id": "cb_1",
        "expires_at": LATER}),
    );
    let bad_id =
        raw(&json!({"push_id": "ps_1", "delivery_id": "d", "event": "agent_ready", "callback_id": "../x",
        "expires_at": LATER, "action_token": "once"}));
    for (data, code) in [
        (HashMap::from([("chat".to_owned(), "hello".to_owned())]), "push_not_ours"),
        (HashMap::from([("ringback".to_owned(), "[]".to_owned())]), "push_malformed"),
        (reminder, "push_asks_nothing"),
        (push("ps_1", "2020-01-01T00:00:00Z"), "confirm_expired"),
    ] {
        let error = client.answer_push(data, ConfirmAnswer::Ready).await.expect_err(code);
        assert_eq!((error.code(), error.pending_key()), (code, None));
        assert!(!error.title().is_empty());
    }
    assert!(server.all().is_empty() && phone.outbox().is_empty(), "nothing was sent or kept");
    let error = client.answer_push(bad_id, ConfirmAnswer::Ready).await.expect_err("no id");
    assert_eq!(error.code(), "callback_id_invalid");
}

#[tokio::test]
async fn devices_are_registered_listed_and_unregistered() {
    let device = json!({"id": "dv_1", "registered_at": "2026-11-23T10:00:00Z"});
    let server = Server::registering(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("PUT", "/v1/devices") => answer(200, &device),
        ("GET", "/v1/devices") => answer(200, &json!([device])),
        ("DELETE", "/v1/devices/dv_1") => answer(204, &Value::Null),
        _ => problem(ProblemCode::DeviceNotFound),
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let target = PushTarget::Apns {
        token: PushToken::from("00"),
        environment: ApnsEnvironment::Sandbox,
        topic: "com.example.app".to_owned(),
    };
    let registration = PushRegistration {
        name: Some("tablet".to_owned()),
        locale: Some("de-AT".to_owned()),
        app_version: Some("7.1".to_owned()),
        has_texts: true,
        ..PushRegistration::new(target)
    };
    let registered = client.register_push(registration).await.expect("registered");
    let body: Value = serde_json::from_str(&server.seen("PUT", "/v1/devices")[0].body).expect("JSON");
    assert_eq!(
        (&body["name"], &body["locale"], &body["app_version"], &body["has_texts"]),
        (&json!("tablet"), &json!("de-AT"), &json!("7.1"), &json!(true))
    );
    assert_eq!(client.devices().await.expect("a list"), std::slice::from_ref(&registered));
    client.unregister_push(registered.id).await.expect("gone");
    let sent = server.seen("DELETE", "/v1/devices/dv_1");
    assert_eq!((sent.len(), sent[0].body.as_str(), sent[0].header("content-type")), (1, "", ""));
    for (id, sends) in [("dv_2", 1), ("../x", 0)] {
        let before = server.all().len();
        assert_eq!(client.unregister_push(id.to_owned()).await.expect_err(id).code(), "device_not_found");
        assert_eq!(server.all().len() - before, sends);
    }
    assert!(phone.outbox().is_empty());
}

static CLIENT: LazyLock<Arc<RingbackClient>> = LazyLock::new(|| Phone::new("http://127.0.0.1:9").start());

proptest! {
    #[test]
    fn any_push_is_survived(text in ".{0,200}", id in "[a-z/._]{0,9}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let broken = HashMap::from([("ringback".to_owned(), text)]);
        prop_assert!(runtime.block_on(CLIENT.handle_push(broken)).is_err());
        let mut late = push(&id, "2020-01-01T00:00:00Z");
        late.insert(id.clone(), id);
        prop_assert!(runtime.block_on(CLIENT.handle_push(late)).is_ok());
    }
}
