//! The person was called and not reached.

use crate::hall::LIMIT;
use crate::stage::{IPHONE, Stage, title};
use crate::support::Failure;
use jiff::Timestamp;
use ringback_core::protocol::PushEvent;
use ringback_server::storage::Engine;
use serde_json::json;

pub(crate) async fn there_will_be_another_call(engine: Engine) -> Result<(), Failure> {
    let retry =
        json!({ "busy": { "attempts": 2, "delay_s": 600 }, "no_answer": { "attempts": 2, "delay_s": 600 } });
    let stage = Stage::with_iphone(engine, "again", json!({ "retry": retry })).await?;
    stage.hall.staff.agent("ann", "ready").await?;
    for (person, result) in ["busy", "no_answer"].into_iter().enumerate() {
        let id = stage.hall.ask("again", person, json!({})).await?;
        assert_eq!(stage.hall.ringing("ann").await?, id);
        stage.hall.staff.result(&id, result).await?;
        let tried = stage.to(IPHONE, &id, PushEvent::CallbackMissed).await?;
        assert_eq!(title(&tried), "We tried to call you");
        assert_eq!(tried.headers["apns-collapse-id"], format!("{id}:missed"));

        // Its time comes, and it is the last.
        let waking = id.clone();
        stage
            .hall
            .database(move |tx| {
                let now = Timestamp::now();
                tx.execute(
                    "update callbacks set not_before = $1, due_at = $1 where id = $2",
                    &[&now, &waking],
                )
            })
            .await?;
        assert_eq!(stage.hall.ringing("ann").await?, id);
        stage.hall.staff.result(&id, result).await?;
        let last = stage
            .apns()
            .wait_for(LIMIT, |push| {
                push.payload.to_string().contains(&id) && title(push) == "We could not reach you"
            })
            .await?;
        assert_eq!(last.headers["apns-collapse-id"], tried.headers["apns-collapse-id"]);
        assert_eq!(stage.pushes(&id).await?.len(), 2);
    }
    Ok(())
}

pub(crate) async fn nobody_said_ready(engine: Engine) -> Result<(), Failure> {
    let settings = json!({ "ask_customer": true, "confirm_window_s": 5, "confirm_timeout": "complete" });
    let stage = Stage::with_iphone(engine, "asks", settings).await?;
    let id = stage.hall.ask("asks", 0, json!({})).await?;
    stage.hall.staff.agent("ann", "ready").await?;
    let question = stage.to(IPHONE, &id, PushEvent::AgentReady).await?;
    assert_eq!(question.headers["apns-collapse-id"], id);
    let missed = stage.to(IPHONE, &id, PushEvent::CallbackMissed).await?;
    assert_eq!(title(&missed), "We could not reach you");
    Ok(())
}

pub(crate) async fn who_declined_was_reached(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::with_iphone(engine, "once", json!({})).await?;
    let id = stage.hall.ask("once", 0, json!({})).await?;
    stage.hall.staff.agent("ann", "ready").await?;
    assert_eq!(stage.hall.ringing("ann").await?, id);
    let seen = stage.hall.staff.result(&id, "rejected").await?;
    assert_eq!((&seen["state"], &seen["reason"]), (&json!("completed"), &json!("declined")));
    assert!(stage.pushes(&id).await?.is_empty());
    Ok(())
}
