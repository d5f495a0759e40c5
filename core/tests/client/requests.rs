//! Requests that are answered as the contract says.

use crate::support::{Phone, Server, answer, callback, problem, request, soon};
use axum::response::IntoResponse;
use ringback_core::client::ClientError;
use ringback_core::protocol::{
    ActionToken, CallInRequest, CallbackState, ConfirmAnswer, ContextValue, ProblemCode,
};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[tokio::test]
async fn every_request_goes_where_the_contract_says() {
    let ticket = json!({"id": "ci_1", "number": "+4930901820", "access_code": "007", "tel_uri": "tel:+4930901820,007",
        "expires_at": "2026-11-23T11:00:00Z"});
    let confirmation = json!({"callback": callback("cb_1", "routing"), "ticket": ticket.clone()});
    let server = Server::registering(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("POST", "/v1/callbacks") => answer(201, &callback("cb_1", "queued")),
        ("GET", "/v1/callbacks/cb_1") => answer(200, &callback("cb_1", "queued")),
        ("POST", "/v1/callbacks/cb_1/cancel") => answer(200, &callback("cb_1", "completed")),
        ("POST", "/v1/callbacks/cb_1/confirm") => answer(200, &confirmation),
        ("POST", "/v1/call-ins") => answer(201, &ticket),
        _ => problem(ProblemCode::RouteNotFound),
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let id = || "cb_1".to_owned();
    assert_eq!(client.request_callback(request()).await.expect("accepted").state, CallbackState::Queued);
    assert_eq!(client.callback(id()).await.expect("found").id, "cb_1");
    let snooze = ConfirmAnswer::Snooze { delay_s: 600 };
    let confirmation =
        client.confirm(id(), snooze, Some(ActionToken::from("once"))).await.expect("confirmed");
    assert_eq!(confirmation.ticket.expect("a ticket").access_code.expose(), "007");
    assert_eq!(client.cancel(id()).await.expect("cancelled").state, CallbackState::Completed);
    let call_in = CallInRequest {
        service: "support".to_owned(),
        caller_number: None,
        name: None,
        context: HashMap::new(),
    };
    assert_eq!(client.request_call_in(call_in).await.expect("a ticket").id, "ci_1");

    let changes: Vec<_> = server.all().into_iter().filter(|seen| seen.method != "GET").collect();
    let keys: std::collections::HashSet<_> = changes.iter().map(|seen| seen.key().to_owned()).collect();
    assert!(keys.len() == changes.len() && !keys.contains(""), "each change has a key of its own");
    assert!(changes.iter().all(|seen| seen.header("content-type") == "application/json"));
    assert!(server.all()[1..].iter().all(|seen| seen.header("authorization") == "Bearer token-1"));
    let confirm = &server.seen("POST", "/v1/callbacks/cb_1/confirm")[0];
    assert_eq!(confirm.body, r#"{"answer":{"snooze":{"delay_s":600}},"action_token":"once"}"#);
}

#[tokio::test]
async fn pages_are_followed_to_the_last() {
    let server = Server::registering(|seen| match seen.path.as_str() {
        "/v1/callbacks" => answer(
            200,
            &json!({"callbacks": [callback("cb_3", "queued"), callback("cb_2", "queued")], "next": "c-2"}),
        ),
        "/v1/callbacks?after=c-2" => answer(200, &json!({"callbacks": [callback("cb_1", "completed")]})),
        _ => problem(ProblemCode::RouteNotFound),
    })
    .await;
    let mine = Phone::new(&server.url).start().callbacks().await.expect("a list");
    assert_eq!(
        mine.iter().map(|callback| callback.id.as_str()).collect::<Vec<_>>(),
        ["cb_3", "cb_2", "cb_1"]
    );
}

#[tokio::test]
async fn pages_without_end_are_not() {
    let server = Server::registering(|_| {
        answer(200, &json!({"callbacks": [callback("cb_1", "queued")], "next": "again"}))
    })
    .await;
    let mine = soon(Phone::new(&server.url).start().callbacks()).await.expect("a list");
    assert_eq!(mine.len(), 10);
}

#[tokio::test]
async fn a_refusal_tells_all_it_knows_and_settles_the_request() {
    let server = Server::registering(|_| {
        answer(
            409,
            &json!({"type": "urn:ringback:problem:callback_already_open", "code": "callback_already_open",
            "title": "Already waiting", "status": 409, "detail": "cancel it first", "field": "number",
            "callback_id": "cb_9", "request_id": "rq_1"}),
        )
    })
    .await;
    let phone = Phone::new(&server.url);
    let error = phone.start().request_callback(request()).await.expect_err("refused");
    assert_eq!(
        error,
        ClientError::Refused {
            code: "callback_already_open".to_owned(),
            title: "Already waiting".to_owned(),
            detail: "cancel it first".to_owned(),
            status: 409,
            field: Some("number".to_owned()),
            callback_id: Some("cb_9".to_owned()),
            retry_after_s: None,
            slots: Vec::new(),
            wall_times: Vec::new(),
            request_id: Some("rq_1".to_owned()),
            pending_key: None,
        }
    );
    assert!(!error.is_retryable());
    assert_eq!(server.seen("POST", "/v1/callbacks").len(), 1);
    assert!(phone.outbox().is_empty());
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    let tries = Arc::new(AtomicUsize::new(0));
    let server = Server::registering(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => ([("retry-after", "1")], problem(ProblemCode::StorageUnavailable)).into_response(),
        _ => answer(201, &callback("cb_1", "queued")),
    })
    .await;
    let phone = Phone::new(&server.url);
    phone.start().request_callback(request()).await.expect("accepted at the second try");
    let seen = server.seen("POST", "/v1/callbacks");
    assert_eq!(seen.len(), 2);
    assert!(seen[1].at - seen[0].at >= Duration::from_secs(1));
    assert_eq!((seen[0].key(), &seen[0].body), (seen[1].key(), &seen[1].body));
    assert!(phone.outbox().is_empty());
}

#[tokio::test]
async fn a_server_that_asks_for_too_much_patience_is_left_for_later() {
    let server = Server::registering(|_| {
        ([("retry-after", "600")], problem(ProblemCode::StorageUnavailable)).into_response()
    })
    .await;
    let phone = Phone::new(&server.url);
    let error = soon(phone.start().request_callback(request())).await.expect_err("refused for now");
    assert_eq!(
        (error.code(), error.retry_after_s(), error.is_retryable()),
        ("storage_unavailable", Some(600), true)
    );
    assert_eq!(server.seen("POST", "/v1/callbacks").len(), 1);
    assert_eq!(phone.outbox(), [error.pending_key().expect("pending")]);
}

#[tokio::test]
async fn tries_are_bounded() {
    let server = Server::registering(|_| problem(ProblemCode::Internal)).await;
    let phone = Phone::new(&server.url);
    let error = phone.start().request_callback(request()).await.expect_err("refused for now");
    assert_eq!((error.code(), phone.outbox().len()), ("internal", 1));
    assert_eq!(server.seen("POST", "/v1/callbacks").len(), 3);
}

#[tokio::test]
async fn what_the_server_would_refuse_anyway_is_not_sent() {
    let server = Server::registering(|_| problem(ProblemCode::Internal)).await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let mut bad = request();
    bad.context.insert("two words".to_owned(), ContextValue::from("x"));
    let error = client.request_callback(bad).await.expect_err("a bad key");
    assert!(matches!(&error, ClientError::InvalidRequest { code, detail, .. }
        if code == "context_key_invalid" && detail.contains("two words")));
    for id in ["", "../agents", "cb_1/cancel", "cb_1?x", "ü"] {
        let error = client.cancel(id.to_owned()).await.expect_err("no id");
        assert_eq!(error.code(), "callback_id_invalid");
    }
    assert!(server.all().is_empty() && phone.outbox().is_empty());
}
