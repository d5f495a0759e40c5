//! What is no longer true is not said, however long it had to wait.

use crate::hall::LIMIT;
use crate::stage::{IPHONE, Stage, title};
use crate::support::Failure;
use reqwest::Method;
use ringback_core::protocol::PushEvent;
use ringback_server::storage::Engine;
use serde_json::{Value, json};

/// A service that tries again after a while, and says so.
async fn trying_again(engine: Engine) -> Result<Stage, Failure> {
    let retry = json!({ "busy": { "attempts": 2, "delay_s": 600 } });
    let stage = Stage::with_iphone(engine, "again", json!({ "retry": retry })).await?;
    stage.hall.staff.agent("ann", "ready").await?;
    Ok(stage)
}

/// Somebody was called in vain, and Apple does not let them be told yet.
async fn missed(stage: &Stage, person: usize) -> Result<String, Failure> {
    let id = stage.hall.ask("again", person, json!({})).await?;
    assert_eq!(stage.hall.ringing("ann").await?, id);
    stage.apple_wants_them_later(IPHONE, 1)?;
    stage.hall.staff.result(&id, "busy").await?;
    stage.put_off(&id, "callback_missed").await?;
    Ok(id)
}

pub(crate) async fn nothing_of_what_is_over(engine: Engine) -> Result<(), Failure> {
    let stage = trying_again(engine).await?;
    let over = missed(&stage, 0).await?;
    stage.hall.answer(stage.hall.app(Method::POST, &format!("callbacks/{over}/cancel"))).await?;
    let open = missed(&stage, 1).await?;
    // One that the contact centre takes back: the one piece of news is true, the other not.
    let taken_back = missed(&stage, 2).await?;
    stage.hall.post(&format!("callbacks/{taken_back}/cancel"), json!({})).await?;

    stage.to(IPHONE, &open, PushEvent::CallbackMissed).await?;
    stage.skipped(&over, "callback_missed").await?;
    stage.to(IPHONE, &taken_back, PushEvent::CallbackChanged).await?;
    stage.skipped(&taken_back, "callback_missed").await?;
    let late = stage
        .apns()
        .received()
        .into_iter()
        .filter(|push| push.accepted() && push.payload.to_string().contains(&over));
    assert_eq!(late.count(), 0);
    Ok(())
}

pub(crate) async fn nothing_to_who_left(engine: Engine) -> Result<(), Failure> {
    let stage = trying_again(engine).await?;
    let other = stage.iphone("b2b2", json!({ "name": "tablet" })).await?;
    stage.apple_wants_them_later("b2b2", 1)?;
    stage.apple_wants_them_later(IPHONE, 1)?;
    let id = stage.hall.ask("again", 0, json!({})).await?;
    assert_eq!(stage.hall.ringing("ann").await?, id);
    stage.hall.staff.result(&id, "busy").await?;
    let path = format!("callbacks/{id}/pushes");
    let all = |pushes: &Value, is_so: fn(&Value) -> bool| {
        pushes.as_array().is_some_and(|all| all.len() == 2 && all.iter().all(is_so))
    };
    stage.hall.until_that(&path, "put off", |pushes| all(pushes, |push| push["reason"].is_string())).await?;
    let gone = stage.hall.app(Method::DELETE, &format!("devices/{other}")).send().await?;
    assert_eq!(gone.status().as_u16(), 204);
    stage.to(IPHONE, &id, PushEvent::CallbackMissed).await?;
    let settled = stage
        .hall
        .until_that(&path, "settled", |pushes| all(pushes, |push| push["state"] != "pending"))
        .await?;
    let mut states: Vec<&str> =
        settled.as_array().into_iter().flatten().filter_map(|push| push["state"].as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["delivered", "skipped"]);
    let to_other =
        stage.apns().received().into_iter().filter(|push| push.device == "b2b2" && push.accepted());
    assert_eq!(to_other.count(), 0);
    // The phone hears of the next.
    stage.hall.post(&format!("callbacks/{id}/cancel"), json!({})).await?;
    stage
        .apns()
        .wait_for(LIMIT, |push| push.device == IPHONE && title(push) == "Your call was cancelled")
        .await?;
    Ok(())
}
