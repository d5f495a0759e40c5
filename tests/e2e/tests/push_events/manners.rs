//! Each service says things in its own way.

use crate::stage::{ANDROID, IPHONE, Stage, said};
use crate::support::Failure;
use ringback_core::protocol::PushEvent;
use ringback_server::storage::Engine;
use serde_json::{Value, json};

const WITH_TEXTS: &str = "a2a2";

pub(crate) async fn each_service_has_its_manners(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::open(engine).await?;
    let own = json!({ "title": "Der Anruf fällt aus", "body": "Es tut uns leid." });
    let push = json!({
        "events": { "callback_changed": { "ttl_s": 60, "interruption": "passive", "sound": "soft.caf" } },
        "texts": { "de": { "callback_cancelled": own } },
    });
    stage.hall.service("plain", &[], json!({})).await?;
    stage.hall.service("own", &[], json!({ "push": push })).await?;
    stage.iphone(IPHONE, json!({ "locale": "de-AT" })).await?;
    stage.iphone(WITH_TEXTS, json!({ "name": "tablet", "locale": "de", "has_texts": true })).await?;
    stage.android(json!({ "has_texts": true })).await?;
    let plain = stage.hall.ask("plain", 0, json!({})).await?;
    let id = stage.hall.ask("own", 1, json!({})).await?;
    for id in [&plain, &id] {
        stage.hall.post(&format!("callbacks/{id}/cancel"), json!({})).await?;
    }

    let usual = stage.to(IPHONE, &plain, PushEvent::CallbackChanged).await?;
    let alert = &usual.payload["aps"];
    assert_eq!(alert["alert"]["title"], "Ihr Anruf wurde abgesagt");
    assert_eq!((&alert["interruption-level"], &alert["sound"]), (&json!("active"), &json!("default")));
    let expires_at: i64 = usual.headers["apns-expiration"].parse()?;
    assert!((expires_at - usual.at.as_second() - 86_400).abs() <= 2, "a day");

    let by_service = stage.to(IPHONE, &id, PushEvent::CallbackChanged).await?;
    let alert = &by_service.payload["aps"];
    assert_eq!(alert["alert"], own);
    assert_eq!((&alert["interruption-level"], &alert["sound"]), (&json!("passive"), &json!("soft.caf")));
    let expires_at: i64 = by_service.headers["apns-expiration"].parse()?;
    assert_eq!(said(&by_service).unwrap().expires_at.as_second(), expires_at);
    assert!((expires_at - by_service.at.as_second() - 60).abs() <= 2, "a minute");

    let by_app = stage.to(WITH_TEXTS, &id, PushEvent::CallbackChanged).await?;
    let keys = json!({
        "title-loc-key": "ringback_callback_cancelled_title", "loc-key": "ringback_callback_cancelled_body",
    });
    assert_eq!(by_app.payload["aps"]["alert"], keys, "the app has the words");

    let on_android = stage.to(ANDROID, &id, PushEvent::CallbackChanged).await?;
    let android = &on_android.payload["message"]["android"];
    let shown = &android["notification"];
    assert_eq!(shown["title_loc_key"], "ringback_callback_cancelled_title");
    assert_eq!(shown["body_loc_key"], "ringback_callback_cancelled_body");
    assert_eq!((&shown["title"], &shown["body"]), (&Value::Null, &Value::Null));
    assert_eq!((&android["priority"], &shown["sound"]), (&json!("NORMAL"), &json!("soft.caf")));
    let ttl_s: u32 = android["ttl"].as_str().unwrap_or_default().trim_end_matches('s').parse()?;
    assert!((58..=60).contains(&ttl_s), "{ttl_s}");
    let usual = stage.to(ANDROID, &plain, PushEvent::CallbackChanged).await?;
    assert_eq!(usual.payload["message"]["android"]["priority"], "HIGH");
    Ok(())
}

pub(crate) async fn an_event_is_off(engine: Engine) -> Result<(), Failure> {
    let push = json!({ "events": { "callback_changed": { "off": true } } });
    let stage = Stage::with_iphone(engine, "quiet", json!({ "push": push })).await?;
    let id = stage.hall.ask("quiet", 0, json!({})).await?;
    stage.hall.post(&format!("callbacks/{id}/cancel"), json!({})).await?;
    assert!(stage.pushes(&id).await?.is_empty());
    let refused = stage
        .hall
        .put(
            "services/quiet",
            json!({ "name": "quiet", "queue": "quiet", "push": { "progress_every_s": 1 } }),
        )
        .await;
    let refused = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("field_invalid"), "{refused}");
    Ok(())
}
