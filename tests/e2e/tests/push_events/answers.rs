//! A question put on two devices has one answer.

use crate::hall::LIMIT;
use crate::stage::{ANDROID, IPHONE, Stage, said};
use crate::support::Failure;
use ringback_core::protocol::{ActionToken, PushEvent};
use ringback_server::storage::Engine;
use serde_json::{Value, json};

async fn asking(engine: Engine) -> Result<Stage, Failure> {
    let stage = Stage::with_iphone(engine, "asks", json!({ "ask_customer": true })).await?;
    stage.android(json!({})).await?;
    Ok(stage)
}

/// The right to answer that came with each of the two questions.
async fn asked_twice(stage: &Stage, id: &str) -> Result<[String; 2], Failure> {
    let mut tokens = Vec::new();
    for device in [IPHONE, ANDROID] {
        let push = stage.to(device, id, PushEvent::AgentReady).await?;
        let token = said(&push).and_then(|said| said.action_token);
        tokens.push(token.as_ref().map(ActionToken::expose).ok_or("a question can be answered")?.to_owned());
    }
    assert_ne!(tokens[0], tokens[1]);
    <[String; 2]>::try_from(tokens).map_err(|_| "two devices".into())
}

pub(crate) async fn the_other_device_stops_asking(engine: Engine) -> Result<(), Failure> {
    let stage = asking(engine).await?;
    let id = stage.hall.ask("asks", 0, json!({})).await?;
    stage.hall.staff.agent("ann", "ready").await?;
    let [on_iphone, on_android] = asked_twice(&stage, &id).await?;
    let question = stage.to(IPHONE, &id, PushEvent::AgentReady).await?;

    let (status, _) = stage.confirm(&id, &on_android).await?;
    assert_eq!(status, 200);
    let taken_back = stage
        .apns()
        .wait_for(LIMIT, |push| push.accepted() && said(push).is_some_and(|said| said.withdrawn))
        .await?;
    let data = said(&taken_back).unwrap();
    assert_eq!((taken_back.device.as_str(), data.callback_id.as_str()), (IPHONE, id.as_str()));
    assert!(data.action_token.is_none());
    assert_eq!(taken_back.headers["apns-collapse-id"], question.headers["apns-collapse-id"]);
    let aps = &taken_back.payload["aps"];
    assert_eq!((&aps["interruption-level"], &aps["sound"]), (&json!("passive"), &Value::Null));
    assert_eq!((&aps["content-available"], &aps["category"]), (&json!(1), &Value::Null));

    let (status, problem) = stage.confirm(&id, &on_iphone).await?;
    assert_eq!((status, &problem["code"]), (409, &json!("action_token_spent")), "{problem}");
    // Whoever has answered is not told so.
    stage.hall.until(&id, "connecting").await?;
    let told =
        stage.fcm().received().into_iter().filter(|push| said(push).is_some_and(|said| said.withdrawn));
    assert_eq!(told.count(), 0);
    Ok(())
}

pub(crate) async fn two_answers_at_the_same_moment(engine: Engine) -> Result<(), Failure> {
    let stage = asking(engine).await?;
    stage.hall.staff.agent("ann", "ready").await?;
    for person in 0..5 {
        let id = stage.hall.ask("asks", person, json!({})).await?;
        let [one, other] = asked_twice(&stage, &id).await?;
        let (one, other) = tokio::join!(stage.confirm(&id, &one), stage.confirm(&id, &other));
        let answers = [one?, other?];
        let mut statuses = answers.each_ref().map(|(status, _)| *status);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{answers:?}");
        assert_eq!(stage.hall.ringing("ann").await?, id);
        stage.hall.staff.result(&id, "connected").await?;
        stage.hall.staff.complete(&id).await?;
    }
    Ok(())
}
