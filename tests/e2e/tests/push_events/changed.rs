//! The contact centre chooses another time or takes a callback back.

use crate::hall::{always, in_seconds};
use crate::stage::{ANDROID, IPHONE, Stage, said, title};
use crate::support::Failure;
use reqwest::Method;
use ringback_core::protocol::PushEvent;
use ringback_server::storage::Engine;
use serde_json::{Value, json};

const DAY_S: i64 = 24 * 3600;

async fn promising(engine: Engine) -> Result<Stage, Failure> {
    let stage = Stage::open(engine).await?;
    stage.hall.put("capacity-rules/always", always("always", 5)).await?;
    stage.hall.service("later", &[("ann", json!({}))], json!({ "capacity": "always" })).await?;
    stage.iphone(IPHONE, json!({})).await?;
    Ok(stage)
}

pub(crate) async fn the_contact_centre_changes_it(engine: Engine) -> Result<(), Failure> {
    let stage = promising(engine).await?;
    stage.android(json!({ "locale": "de" })).await?;
    let (_, tomorrow) = in_seconds(DAY_S);
    let (_, next_day) = in_seconds(2 * DAY_S);
    let id = stage.hall.ask("later", 0, json!({ "scheduled_for": tomorrow })).await?;
    assert!(stage.pushes(&id).await?.is_empty(), "the answer said it");

    stage.hall.post(&format!("callbacks/{id}/reschedule"), json!({ "scheduled_for": next_day })).await?;
    let moved = stage.to(IPHONE, &id, PushEvent::CallbackChanged).await?;
    assert_eq!(title(&moved), "Your call has a new time");
    assert_eq!(moved.headers["apns-collapse-id"], format!("{id}:changed"));
    assert_eq!(moved.headers["apns-push-type"], "alert");
    assert_eq!(moved.payload["aps"]["category"], Value::Null, "nothing is asked");
    let data = said(&moved).unwrap();
    assert!(data.action_token.is_none() && !data.withdrawn);
    let on_android = stage.to(ANDROID, &id, PushEvent::CallbackChanged).await?;
    let android = &on_android.payload["message"]["android"];
    assert_eq!(android["collapse_key"], "ringback_changed");
    assert_eq!(android["notification"]["tag"], format!("{id}:changed"));
    assert_eq!(android["notification"]["title"], "Ihr Anruf hat eine neue Zeit");
    assert_eq!(said(&on_android).unwrap().push_id, data.push_id, "one piece of news on two devices");

    stage.hall.post(&format!("callbacks/{id}/cancel"), json!({})).await?;
    let cancelled = stage
        .apns()
        .wait_for(crate::hall::LIMIT, |push| push.accepted() && title(push) == "Your call was cancelled")
        .await?;
    let collapse = |push: &ringback_doubles::Received| push.headers["apns-collapse-id"].clone();
    assert_eq!(collapse(&cancelled), collapse(&moved), "it takes the place of what is no longer so");
    assert_eq!(stage.pushes(&id).await?.len(), 4, "two pieces of news on two devices");
    Ok(())
}

pub(crate) async fn what_the_person_did_is_no_news(engine: Engine) -> Result<(), Failure> {
    let stage = promising(engine).await?;
    let (_, tomorrow) = in_seconds(DAY_S);
    let (_, next_day) = in_seconds(2 * DAY_S);
    let id = stage.hall.ask("later", 0, json!({ "scheduled_for": tomorrow })).await?;
    let number = ringback_e2e::number(7);
    for (what, body) in [
        ("reschedule", json!({ "scheduled_for": next_day })),
        ("number", json!({ "number": number })),
        ("reschedule", json!({ "scheduled_for": null })),
        ("snooze", json!({ "delay_s": 600 })),
        ("cancel", json!({})),
    ] {
        let request = stage.hall.app(Method::POST, &format!("callbacks/{id}/{what}")).json(&body);
        stage.hall.answer(request).await?;
        // What is to be said is written with the change itself.
        assert!(stage.pushes(&id).await?.is_empty(), "{what}");
    }
    assert_eq!(stage.hall.own(&id).await?["state"], "completed");
    Ok(())
}

pub(crate) async fn on_the_phone_they_agreed(engine: Engine) -> Result<(), Failure> {
    let stage = promising(engine).await?;
    let id = stage.hall.ask("later", 0, json!({})).await?;
    stage.hall.staff.agent("ann", "ready").await?;
    assert_eq!(stage.hall.ringing("ann").await?, id);
    stage.hall.staff.result(&id, "connected").await?;
    let (_, tomorrow) = in_seconds(DAY_S);
    let agreed = json!({ "disposition": "reschedule", "scheduled_for": tomorrow });
    let seen = stage.hall.post(&format!("callbacks/{id}/complete"), agreed).await?;
    assert_eq!(seen["state"], "scheduled");
    assert!(stage.pushes(&id).await?.is_empty());
    Ok(())
}
