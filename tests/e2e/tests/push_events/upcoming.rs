//! "You will be called soon", and when that turns out wrong.

use crate::hall::LIMIT;
use crate::stage::{IPHONE, Stage, title};
use crate::support::Failure;
use jiff::{SignedDuration, Timestamp};
use ringback_core::protocol::PushEvent;
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::time::Duration;

const EVENT: &str = "callback_upcoming";

/// What was told of a callback's wait so far, once it was told `times` times.
async fn told(stage: &Stage, id: &str, times: u32) -> Result<(), Failure> {
    let look = async {
        loop {
            let id = id.to_owned();
            let told: u32 = stage
                .hall
                .database(move |tx| {
                    tx.query_one("select upcoming_told from callbacks where id = $1", &[&id], |row| {
                        row.get(0)
                    })
                })
                .await?;
            if told == times {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, look).await?
}

/// Whoever was told something a moment ago was told it a while ago.
async fn a_while_passes(stage: &Stage) -> Result<(), Failure> {
    let before = Timestamp::now().checked_sub(SignedDuration::from_secs(61))?;
    let turned = stage.hall.database(move |tx| {
        tx.execute("update callbacks set upcoming_at = $1 where upcoming_at is not null", &[&before])
    });
    turned.await.map(drop)
}

/// The agent takes the first in line and is busy with them.
async fn begin(stage: &Stage, first: &str) -> Result<(), Failure> {
    stage.hall.staff.agent("ann", "ready").await?;
    assert_eq!(stage.hall.ringing("ann").await?, first);
    stage.hall.staff.result(first, "connected").await?;
    Ok(())
}

/// The agent goes home after the talk.
async fn leave(stage: &Stage, talking: &str) -> Result<(), Failure> {
    stage.hall.staff.agent("ann", "offline").await?;
    stage.hall.staff.complete(talking).await?;
    assert_eq!(stage.hall.staff.desk("ann").await?["state"], "offline");
    Ok(())
}

fn of_event(pushes: &[Value]) -> usize {
    pushes.iter().filter(|push| push["event"] == EVENT).count()
}

pub(crate) async fn soon_and_not_so_soon(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::with_iphone(engine, "line", json!({})).await?;
    stage.calls_last("line", 20.0).await?;
    let first = stage.hall.ask("line", 0, json!({})).await?;
    let id = stage.hall.ask("line", 1, json!({})).await?;
    assert_eq!(stage.hall.own(&id).await?["wait"]["status"], "no_agents");

    begin(&stage, &first).await?;
    let soon = stage.to(IPHONE, &id, PushEvent::CallbackUpcoming).await?;
    assert_eq!(title(&soon), "Your call is coming up");
    assert_eq!(soon.headers["apns-collapse-id"], format!("{id}:upcoming"));

    // Nobody is there any more. That is not said in the same breath.
    leave(&stage, &first).await?;
    let last = stage.hall.ask("line", 2, json!({})).await?;
    stage
        .hall
        .until_that(&format!("callbacks/{id}"), "without an agent", |callback| {
            callback["wait"]["status"] == "no_agents"
        })
        .await?;
    assert_eq!(of_event(&stage.pushes(&id).await?), 1);
    a_while_passes(&stage).await?;
    let late = stage
        .apns()
        .wait_for(LIMIT, |push| {
            title(push) == "It takes a little longer" && push.payload.to_string().contains(&id)
        })
        .await?;
    assert_eq!(late.headers["apns-collapse-id"], soon.headers["apns-collapse-id"]);
    assert_eq!(of_event(&stage.pushes(&last).await?), 0, "whoever was told nothing is not corrected");
    Ok(())
}

pub(crate) async fn soon_was_said_in_the_answer(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::with_iphone(engine, "line", json!({})).await?;
    stage.calls_last("line", 20.0).await?;
    let first = stage.hall.ask("line", 0, json!({})).await?;
    begin(&stage, &first).await?;
    // What was measured has to be known before it can be promised.
    stage
        .hall
        .until_that("queues/line", "with somebody at work", |queue| queue["waiting"] == json!(0))
        .await?;
    let scout = stage.hall.ask("line", 1, json!({})).await?;
    stage
        .hall
        .until_that(&format!("callbacks/{scout}"), "told a wait", |callback| {
            callback["wait"]["status"] == "estimated"
        })
        .await?;

    let asked = stage.hall.answer(stage.hall.request("line", 2, json!({}))).await?;
    assert!(asked["wait"]["p50_s"].as_u64().is_some_and(|p50_s| p50_s <= 300), "{asked}");
    let id = asked["id"].as_str().unwrap_or_default();
    told(&stage, id, 1).await?;
    assert_eq!(of_event(&stage.pushes(id).await?), 0, "the answer said it");

    // It was wrong: that is said.
    leave(&stage, &first).await?;
    a_while_passes(&stage).await?;
    let late = stage.to(IPHONE, id, PushEvent::CallbackUpcoming).await?;
    assert_eq!(title(&late), "It takes a little longer");
    Ok(())
}

pub(crate) async fn a_service_that_says_nothing_is_in_the_way(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::with_iphone(engine, "line", json!({})).await?;
    let silent = json!({ "push": { "upcoming_below_s": null } });
    stage.hall.another_service("silent", "line", silent).await?;
    stage.calls_last("line", 20.0).await?;
    let first = stage.hall.ask("line", 0, json!({})).await?;
    let mut silent = Vec::new();
    for person in 1..4 {
        silent.push(stage.hall.ask("silent", person, json!({})).await?);
    }
    let id = stage.hall.ask("line", 4, json!({})).await?;
    begin(&stage, &first).await?;
    stage.to(IPHONE, &id, PushEvent::CallbackUpcoming).await?;
    for id in silent {
        assert!(stage.pushes(&id).await?.is_empty());
    }
    Ok(())
}
