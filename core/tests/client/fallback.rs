//! The number to call when the server cannot be reached.

use crate::support::{Phone, Server, answer, problem};
use axum::response::IntoResponse;
use ringback_core::client::{ClientError, RingbackClient};
use ringback_core::host::LogLevel;
use ringback_core::protocol::{CallInRequest, ProblemCode};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What a server says of its number; `Err` while it is away.
type Says = Arc<Mutex<Result<Option<&'static str>, ()>>>;

async fn server() -> (Server, Says) {
    let says: Says = Arc::new(Mutex::new(Ok(Some("+493023125001"))));
    let saying = says.clone();
    let server = Server::registering(move |seen| {
        let Ok(number) = *saying.lock().expect("not poisoned") else {
            return "<html>sign in".into_response();
        };
        if seen.path != "/v1/services/billing/offer" {
            return problem(ProblemCode::CallInNotOffered);
        }
        let mut offer = json!({"service": "billing", "immediate": {"offered": true}, "wait": {"status": "no_data"},
            "scheduled": {"offered": false}, "countries": ["DE"], "captcha": []});
        if let Some(number) = number {
            offer["fallback_number"] = json!(number);
        }
        answer(200, &offer)
    })
    .await;
    (server, says)
}

async fn call_in(client: &RingbackClient, service: &str) -> ClientError {
    let request = CallInRequest {
        service: service.to_owned(),
        caller_number: None,
        name: None,
        context: HashMap::new(),
    };
    client.request_call_in(request).await.expect_err("no ticket")
}

#[tokio::test]
async fn the_last_known_number_comes_with_the_error_also_after_a_restart() {
    let (server, says) = server().await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    assert_eq!(client.fallback("billing".to_owned()).await, Ok(None));
    assert_eq!(call_in(&client, "billing").await.fallback(), None, "a refusal is an answer");
    let offer = client.offer("billing".to_owned()).await.expect("an offer");
    assert_eq!(offer.fallback_number.expect("a number").expose(), "+493023125001");
    let before = jiff::Timestamp::now();
    *says.lock().expect("not poisoned") = Err(());

    let client = phone.start();
    for error in
        [client.offer("billing".to_owned()).await.expect_err("away"), call_in(&client, "billing").await]
    {
        assert_eq!(error.code(), "answer_unreadable");
        let number = error.fallback().expect("a number");
        assert_eq!((number.number.expose(), number.from_cache), ("+493023125001", true));
        assert_eq!((number.service.as_str(), number.tel_uri.expose()), ("billing", "tel:+493023125001"));
        assert!(number.as_of <= before && number.as_of > before - jiff::SignedDuration::from_secs(20));
    }
    assert_eq!(call_in(&client, "sales").await.fallback(), None, "another service's");
    // A tap says so too, and stays kept.
    let wish = |service| ringback_core::protocol::CallbackRequest::new(service, "+4930901820");
    let error = client.request_callback(wish("billing")).await.expect_err("away");
    let number = error.fallback().expect("a number");
    assert_eq!((number.number.expose(), number.from_cache), ("+493023125001", true));
    assert!(error.pending_key().is_some());
    assert_eq!(client.request_callback(wish("sales")).await.expect_err("away").fallback(), None);
    assert!(client.fallback("billing".to_owned()).await.expect("no error").is_some());
    assert!(client.fallback("../x".to_owned()).await.is_err());
}

#[tokio::test]
async fn a_number_that_is_no_more_is_forgotten_and_a_damaged_file_is_nothing() {
    let (server, says) = server().await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    client.offer("billing".to_owned()).await.expect("an offer");
    *says.lock().expect("not poisoned") = Ok(None);
    client.offer("billing".to_owned()).await.expect("an offer");
    assert_eq!(client.fallback("billing".to_owned()).await, Ok(None));
    *says.lock().expect("not poisoned") = Ok(Some("+493023125002"));
    client.offer("billing".to_owned()).await.expect("an offer");
    let file = phone.data.path().join("services.sealed");
    let sound = std::fs::read(&file).expect("a file");
    assert!(!sound.windows(5).any(|part| part == b"+4930"), "nobody can read it");
    let mut changed = sound.clone();
    changed[sound.len() / 2] ^= 1;
    let clear = br#"{"format":1,"numbers":[]}"#;
    for content in [b"".as_slice(), &sound[..sound.len() - 1], b"\0", &changed, clear] {
        std::fs::write(&file, content).expect("written");
        assert_eq!(client.fallback("billing".to_owned()).await, Ok(None));
        assert!(!file.exists(), "it is told of once");
    }
    let reported = |lines: &Vec<(LogLevel, String)>| {
        lines.iter().filter(|(_, line)| line.contains("services.sealed is damaged")).count() == 5
    };
    phone.lines.until(reported).await;
    client.offer("billing".to_owned()).await.expect("an offer");
    assert!(client.fallback("billing".to_owned()).await.expect("no error").is_some());
}
