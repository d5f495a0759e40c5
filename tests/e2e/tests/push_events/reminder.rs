//! A promised time is near.

use crate::hall::{always, in_seconds};
use crate::stage::{IPHONE, Stage, said, title};
use crate::support::Failure;
use jiff::Timestamp;
use reqwest::Method;
use ringback_core::protocol::PushEvent;
use ringback_server::storage::Engine;
use serde_json::{Value, json};

const BEFORE_S: i64 = 60;
const EVENT: &str = "callback_reminder";

async fn reminding(engine: Engine) -> Result<Stage, Failure> {
    let stage = Stage::open(engine).await?;
    stage.hall.put("capacity-rules/always", always("always", 9)).await?;
    let settings = json!({ "capacity": "always", "push": { "reminder_before_s": BEFORE_S } });
    stage.hall.service("later", &[("ann", json!({}))], settings).await?;
    stage.iphone(IPHONE, json!({})).await?;
    Ok(stage)
}

/// When the callback is looked at next.
async fn next_look(stage: &Stage, id: &str) -> Result<Option<Timestamp>, Failure> {
    let id = id.to_owned();
    stage
        .hall
        .database(move |tx| {
            tx.query_one("select not_before from callbacks where id = $1", &[&id], |row| row.get(0))
        })
        .await
}

/// Waits until the callback was looked at and is to be looked at again after `after`.
async fn looked_at(stage: &Stage, id: &str, after: Timestamp) -> Result<(), Failure> {
    let look = async {
        while next_look(stage, id).await?.is_none_or(|next| next <= after) {
            tokio::task::yield_now().await;
        }
        Ok(())
    };
    tokio::time::timeout(crate::hall::LIMIT, look).await?
}

pub(crate) async fn reminded_once(engine: Engine) -> Result<(), Failure> {
    let stage = reminding(engine).await?;
    let (at, soon) = in_seconds(BEFORE_S + 2);
    let id = stage.hall.ask("later", 0, json!({ "scheduled_for": soon })).await?;
    let push = stage.to(IPHONE, &id, PushEvent::CallbackReminder).await?;
    let before = at.duration_since(push.at).as_secs_f64();
    assert!((BEFORE_S as f64 - 3.0..=BEFORE_S as f64).contains(&before), "{before} s before");
    assert_eq!(title(&push), "Your call is near");
    assert_eq!(push.payload["aps"]["category"], "RINGBACK_CALLBACK_REMINDER");
    assert_eq!(push.headers["apns-collapse-id"], format!("{id}:reminder"));
    assert_eq!(push.headers["apns-expiration"], at.as_second().to_string(), "not after the time itself");
    assert_eq!(said(&push).unwrap().expires_at, at);

    // Looked at again, even as if it were that moment again, nothing more is said.
    looked_at(&stage, &id, Timestamp::now()).await?;
    let turned = id.clone();
    let remind_at = Timestamp::from_second(at.as_second() - BEFORE_S)?;
    stage
        .hall
        .database(move |tx| {
            tx.execute(
                "update callbacks set not_before = $1, due_at = $1 where id = $2",
                &[&remind_at, &turned],
            )
        })
        .await?;
    looked_at(&stage, &id, Timestamp::now()).await?;
    stage.only(&id, EVENT, "delivered", |push| push["state"] == "delivered").await?;
    assert_eq!(stage.pushes(&id).await?.len(), 1);
    Ok(())
}

pub(crate) async fn nearer_than_the_reminder(engine: Engine) -> Result<(), Failure> {
    let stage = reminding(engine).await?;
    let (at, soon) = in_seconds(BEFORE_S / 2);
    let id = stage.hall.ask("later", 0, json!({ "scheduled_for": soon })).await?;
    let after = Timestamp::from_second(at.as_second() - 1)?;
    looked_at(&stage, &id, after).await?;
    assert!(stage.pushes(&id).await?.is_empty(), "whoever chose it a moment ago knows it");
    Ok(())
}

pub(crate) async fn reminded_of_what_still_is(engine: Engine) -> Result<(), Failure> {
    let stage = reminding(engine).await?;
    stage.apple_wants_them_later(IPHONE, 3)?;
    let (_, soon) = in_seconds(BEFORE_S + 2);
    let (_, tomorrow) = in_seconds(24 * 3600);
    let moved = stage.hall.ask("later", 0, json!({ "scheduled_for": soon })).await?;
    let cancelled = stage.hall.ask("later", 1, json!({ "scheduled_for": soon })).await?;
    let kept = stage.hall.ask("later", 2, json!({ "scheduled_for": soon })).await?;
    for id in [&moved, &cancelled, &kept] {
        stage.put_off(id, EVENT).await?;
    }
    for (id, what, body) in
        [(&moved, "reschedule", json!({ "scheduled_for": tomorrow })), (&cancelled, "cancel", Value::Null)]
    {
        stage
            .hall
            .answer(stage.hall.app(Method::POST, &format!("callbacks/{id}/{what}")).json(&body))
            .await?;
    }
    stage.to(IPHONE, &kept, PushEvent::CallbackReminder).await?;
    stage.skipped(&moved, EVENT).await?;
    stage.skipped(&cancelled, EVENT).await?;
    Ok(())
}

/// A line that takes long is entered long before the time: the reminder comes all the same.
pub(crate) async fn reminded_in_line(engine: Engine) -> Result<(), Failure> {
    let stage = reminding(engine).await?;
    stage.calls_last("later", 600.0).await?;
    stage.hall.staff.agent("ann", "ready").await?;
    let first = stage.hall.ask("later", 0, json!({})).await?;
    assert_eq!(stage.hall.ringing("ann").await?, first);
    let second = stage.hall.ask("later", 1, json!({})).await?;
    stage
        .hall
        .until_that(&format!("callbacks/{second}"), "told a long wait", |callback| {
            callback["wait"]["p50_s"].as_u64().is_some_and(|p50_s| p50_s > 120)
        })
        .await?;
    let (at, soon) = in_seconds(BEFORE_S + 3);
    let id = stage.hall.ask("later", 2, json!({ "scheduled_for": soon })).await?;
    stage.hall.until(&id, "queued").await?;
    let waiting = stage.only(&id, EVENT, "put into the outbox", |_| true).await?;
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("pending"), &json!(0)), "not yet");
    let push = stage.to(IPHONE, &id, PushEvent::CallbackReminder).await?;
    assert!(at.duration_since(push.at).as_secs() <= BEFORE_S);
    assert_eq!(stage.hall.staff.callback(&id).await?["state"], "queued");
    Ok(())
}
