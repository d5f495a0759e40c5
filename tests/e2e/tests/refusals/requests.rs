//! What is wrong with a request by itself.

use crate::asker::Asker;
use crate::support::Failure;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use ringback_core::protocol::ProblemCode as Code;
use ringback_e2e::{context_values, names, number};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn request(index: usize) -> Value {
    json!({ "service": "billing", "number": number(index), "name": names()[0] })
}

fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut request = request(0);
    request[field] = value.into();
    request
}

pub(crate) async fn bodies_and_fields(asker: &Asker) -> Result<(), Failure> {
    let token = asker.installation().await?;
    let post = || asker.app(&token, Method::POST, "/v1/callbacks");

    let twice = format!("{}{{}}", request(0));
    for body in ["", "{", "nonsense", twice.as_str()] {
        let request = post().header(CONTENT_TYPE, "application/json").body(body.to_owned());
        asker.refused(Code::BodyMalformed, request).await?;
    }
    let body = request(0).to_string();
    asker.refused(Code::MediaTypeUnsupported, post().body(body.clone())).await?;
    let as_text = post().header(CONTENT_TYPE, "text/plain").body(body);
    asker.refused(Code::MediaTypeUnsupported, as_text).await?;
    let large = with("name", "x".repeat(64 * 1024));
    asker.refused(Code::BodyTooLarge, post().json(&large)).await?;

    let many: Value = (0..33).map(|index| (format!("key_{index}"), json!("x"))).collect();
    let long = "x".repeat(8200);
    let canary = context_values()[0];
    for (code, field, body) in [
        (Code::FieldUnknown, "numbr", with("numbr", number(0).expose())),
        (Code::FieldInvalid, "number", with("number", 4_930_901_820_000_u64)),
        (Code::FieldInvalid, "number", json!({ "service": "billing" })),
        (Code::FieldInvalid, "direction", with("direction", "sideways")),
        (Code::FieldInvalid, "context.cart", with("context", json!({ "cart": [canary] }))),
        (Code::ServiceUnknown, "service", with("service", "no-such-service")),
        (Code::NumberNotE164, "number", with("number", "030 901820")),
        (Code::NumberNotE164, "number", with("number", number(0).expose().replace('+', "00"))),
        (Code::NumberImpossible, "number", with("number", "+49123")),
        (Code::ContextKeyInvalid, "context.my cart", with("context", json!({ "my cart": canary }))),
        (Code::ContextTooLarge, "context", with("context", many)),
        (Code::ContextTooLarge, "context", with("context", json!({ "note": long }))),
    ] {
        asker.refused_field(code, field, post().json(&body)).await?;
    }
    let call_in = |body: Value| asker.app(&token, Method::POST, "/v1/call-ins").json(&body);
    let caller = json!({ "service": "billing", "caller_number": "030 901820" });
    asker.refused_field(Code::NumberNotE164, "caller_number", call_in(caller)).await?;
    let elsewhere = json!({ "service": "no-such-service" });
    asker.refused_field(Code::ServiceUnknown, "service", call_in(elsewhere)).await?;

    let page = asker.app(&token, Method::GET, "/v1/callbacks?befor=x");
    asker.refused_field(Code::FieldInvalid, "query", page).await?;
    let state = asker.staff(Method::GET, "callbacks?state=nonsense");
    asker.refused_field(Code::FieldInvalid, "state", state).await?;
    asker.refused_field(Code::FieldInvalid, "query", asker.staff(Method::GET, "callbacks")).await?;
    let resume = asker.app(&token, Method::GET, "/v1/events").header("Last-Event-ID", "latest");
    asker.refused_field(Code::FieldInvalid, "Last-Event-ID", resume).await?;

    let own = asker.taken(asker.app(&token, Method::GET, "/v1/callbacks")).await?;
    assert_eq!(own, r#"{"callbacks":[]}"#, "nothing of all this was kept");
    Ok(())
}

pub(crate) async fn paths_and_methods(asker: &Asker) -> Result<(), Failure> {
    let token = asker.installation().await?;
    for path in ["/", "/v1", "/v1/callback", "/v2/callbacks", "/v1/callbacks/%ff"] {
        asker.refused(Code::RouteNotFound, asker.app(&token, Method::GET, path)).await?;
    }
    asker.refused(Code::MethodNotAllowed, asker.app(&token, Method::DELETE, "/v1/callbacks")).await?;
    asker.refused(Code::MethodNotAllowed, asker.stranger(Method::POST, "/healthz")).await?;
    Ok(())
}

pub(crate) async fn idempotency_keys(asker: &Asker) -> Result<(), Failure> {
    let token = asker.installation().await?;
    let post = || asker.stranger(Method::POST, "/v1/callbacks").bearer_auth(&token).json(&request(0));
    asker.refused(Code::IdempotencyKeyMissing, post()).await?;
    for key in ["", "two words", &"k".repeat(129)] {
        asker.refused(Code::IdempotencyKeyInvalid, post().header("Idempotency-Key", key)).await?;
    }

    let first = asker.taken(post().header("Idempotency-Key", "one-tap")).await?;
    let other = asker.stranger(Method::POST, "/v1/callbacks").bearer_auth(&token);
    let other = other.json(&request(1)).header("Idempotency-Key", "one-tap");
    asker.refused(Code::IdempotencyKeyReused, other).await?;
    assert_eq!(asker.taken(post().header("Idempotency-Key", "one-tap")).await?, first);

    // The first answer stands, whatever has become of the callback.
    let id = serde_json::from_str::<Value>(&first)?["id"].as_str().unwrap_or_default().to_owned();
    asker.taken(asker.app(&token, Method::POST, &format!("/v1/callbacks/{id}/cancel"))).await?;
    assert_eq!(asker.taken(post().header("Idempotency-Key", "one-tap")).await?, first);

    // A key belongs to whoever sent it.
    let stranger = asker.installation().await?;
    let theirs = asker.stranger(Method::POST, "/v1/callbacks").bearer_auth(&stranger);
    let theirs = asker.taken(theirs.json(&request(0)).header("Idempotency-Key", "one-tap")).await?;
    assert_ne!(theirs, first);
    Ok(())
}

pub(crate) async fn twenty_copies_at_once(asker: &Asker) -> Result<(), Failure> {
    let token = asker.installation().await?;
    let mut copies = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let post = asker.stranger(Method::POST, "/v1/callbacks").bearer_auth(&token);
        copies.spawn(post.header("Idempotency-Key", "impatient").json(&request(2)).send());
    }
    let mut answers = BTreeSet::new();
    while let Some(answer) = copies.join_next().await {
        let answer = answer??;
        assert_eq!(answer.status().as_u16(), 201);
        answers.insert(answer.text().await?);
    }
    assert_eq!(answers.len(), 1, "one answer, byte for byte");
    let own: Value =
        serde_json::from_str(&asker.taken(asker.app(&token, Method::GET, "/v1/callbacks")).await?)?;
    assert_eq!(own["callbacks"].as_array().map(Vec::len), Some(1), "one callback");
    Ok(())
}
