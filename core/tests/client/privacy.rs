//! Nothing about a person leaves the client but on the wire.

use crate::support::{Phone, Server, answer, callback, problem};
use ringback_core::host::LogLevel;
use ringback_core::protocol::{
    ActionToken, CallInRequest, CallbackRequest, ConfirmAnswer, ContextValue, FcmTokenKind, PersonName,
    PhoneNumber, ProblemCode, PushRegistration, PushTarget, PushToken,
};
use ringback_core::transport::{HttpHeader, HttpRequest, HttpResponse};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const PRIVATE: [&str; 8] = [
    "+4930555666777",
    "Wilhelmine",
    "secret-cart-value",
    "push-token-abcdef",
    "action-token-abcdef",
    "bearer-token-abcdef",
    "rb_pub_conspicuous",
    "424242",
];

fn check(what: &str, text: &str) {
    for private in PRIVATE {
        assert!(!text.contains(private), "{what} tells {private}: {text}");
    }
}

#[tokio::test]
async fn logs_errors_and_debug_tell_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let server = Server::start(move |seen| {
        // Receipts are sent beside everything else, and would take the failures of others.
        let is_receipt = seen.path == "/v1/push/receipts";
        let fails = !is_receipt && asked.fetch_add(1, Ordering::SeqCst) % 2 == 1;
        async move {
            match (seen.method.as_str(), seen.path.as_str()) {
                ("POST", "/v1/installations") => answer(201, &json!({"id": "in_1", "token": PRIVATE[5]})),
                _ if is_receipt => problem(ProblemCode::DeliveryNotFound),
                _ if fails => problem(ProblemCode::StorageUnavailable),
                ("POST", "/v1/callbacks") => answer(200, &json!({"echo": seen.body})),
                ("POST", "/v1/call-ins") => answer(201, &json!({"id": "ci_1", "number": PRIVATE[0], "access_code": PRIVATE[7],
                    "tel_uri": format!("tel:{},{}", PRIVATE[0], PRIVATE[7]), "expires_at": "2026-11-23T11:00:00Z"})),
                ("PUT", _) => problem(ProblemCode::PushTokenInvalid),
                _ => answer(200, &callback("cb_1", "queued")),
            }
        }
    })
    .await;
    let phone = Phone::new(&server.url).with(|config| config.app_key = PRIVATE[6].to_owned());
    std::fs::create_dir(phone.data.path().join("outbox")).expect("made");
    std::fs::write(phone.data.path().join("outbox/x.kept"), PRIVATE.join(" ")).expect("written");
    phone.store.set("ringback.pushes", PRIVATE[1]);
    let client = phone.start();
    let context = HashMap::from([("cart".to_owned(), ContextValue::from(PRIVATE[2]))]);
    let request = CallbackRequest {
        name: Some(PersonName::from(PRIVATE[1])),
        context: context.clone(),
        ..CallbackRequest::new("support", PRIVATE[0])
    };
    let call_in = CallInRequest {
        service: "support".to_owned(),
        caller_number: Some(PhoneNumber::from(PRIVATE[0])),
        name: Some(PersonName::from(PRIVATE[1])),
        context,
    };
    let target = PushTarget::Fcm { token: PushToken::from(PRIVATE[3]), kind: FcmTokenKind::Token };
    let push = json!({"push_id": "ps_1", "delivery_id": "d", "event": "agent_ready", "callback_id": "cb_1", "expires_at": "2999-01-01T00:00:00Z",
        "action_token": PRIVATE[4]});
    let push = HashMap::from([("ringback".to_owned(), push.to_string())]);
    let answer = ConfirmAnswer::OtherNumber { number: PhoneNumber::from(PRIVATE[0]) };
    let token = Some(ActionToken::from(PRIVATE[4]));

    check("a request's Debug", &format!("{request:?} {call_in:?} {target:?} {answer:?} {token:?}"));
    check("a configuration's Debug", &format!("{:?}", phone.config));
    check(
        "an unreadable answer",
        &format!("{:?}", client.request_callback(request).await.expect_err("an echo")),
    );
    check("a ticket", &format!("{:?}", client.request_call_in(call_in).await.expect("a ticket")));
    check(
        "a refusal",
        &format!("{:?}", client.register_push(PushRegistration::new(target)).await.expect_err("refused")),
    );
    check("a push", &format!("{:?}", client.handle_push(push).await.expect("handled")));
    check("a confirmation", &format!("{:?}", client.confirm("cb_1".to_owned(), answer, token).await));
    check("what is pending", &format!("{:?}", client.pending().await.expect("a list")));
    check("what was resumed", &format!("{:?}", client.resume().await.expect("tried")));

    // The lines come in order: once this last one is there, all are.
    std::fs::write(phone.data.path().join("outbox/y.kept"), PRIVATE.join(" ")).expect("written");
    client.pending().await.expect("a list");
    let is_report = |(_, line): &&(LogLevel, String)| line.contains("damaged requests");
    let lines = phone.lines.until(|lines| lines.iter().filter(is_report).count() == 2).await;
    let lines = lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    check("the log", &lines);
    for spoken in ["ringback::exchange", "ringback::installation", "ringback::outbox", "ringback::vault"] {
        assert!(lines.contains(spoken), "nothing was logged by {spoken}");
    }
}

#[test]
fn what_crosses_the_transport_cannot_be_printed() {
    let headers =
        vec![HttpHeader { name: "authorization".to_owned(), value: format!("Bearer {}", PRIVATE[5]) }];
    let body = PRIVATE.join(" ").into_bytes();
    let request = HttpRequest {
        method: "POST".to_owned(),
        url: format!("https://example.com/{}", PRIVATE[1]),
        headers: headers.clone(),
        body: Some(body.clone()),
        timeout_ms: 1,
        max_answer_bytes: 1,
        pins: Vec::new(),
    };
    check("a request", &format!("{request:?}"));
    check("an answer", &format!("{:?}", HttpResponse { status: 200, headers, body }));
}
