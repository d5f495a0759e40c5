//! Live Activities: the line on a lock screen.

use crate::hall::{LIMIT, always, in_seconds};
use crate::stage::Stage;
use crate::support::Failure;
use jiff::Timestamp;
use reqwest::Method;
use ringback_doubles::{Fault, Received};
use ringback_server::storage::Engine;
use serde_json::{Value, json};

const STARTS: &str = "57a7";
const STARTS_TOO: &str = "57a8";
const SHOWS: &str = "ac71";

fn aps(push: &Received) -> &Value {
    &push.payload["aps"]
}

fn state(push: &Received) -> &Value {
    &aps(push)["content-state"]
}

/// The first push to an activity that is like this and that Apple has taken.
async fn shown(stage: &Stage, token: &str, is_so: impl Fn(&Received) -> bool) -> Result<Received, Failure> {
    let wanted = |push: &Received| push.device == token && push.accepted() && is_so(push);
    Ok(stage.apns().wait_for(LIMIT, wanted).await?)
}

fn all_shown(stage: &Stage, token: &str) -> Vec<Received> {
    let mut all = stage.apns().received();
    all.retain(|push| push.device == token && push.accepted());
    all
}

pub(crate) async fn from_start_to_end(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::open(engine).await?;
    stage.hall.service("line", &[("ann", json!({}))], json!({})).await?;
    stage.activity(STARTS, None).await?;
    stage.activity(STARTS_TOO, None).await?;
    let id = stage.hall.ask("line", 0, json!({})).await?;

    // It appears on each device that can start activities.
    for token in [STARTS, STARTS_TOO] {
        let start = shown(&stage, token, |_| true).await?;
        assert_eq!(start.headers["apns-topic"], "com.example.ringback.push-type.liveactivity");
        assert_eq!(start.headers["apns-push-type"], "liveactivity");
        assert_eq!(start.headers["apns-priority"], "10");
        assert_eq!(start.headers.get("apns-collapse-id"), None);
        assert_eq!(aps(&start)["event"], "start");
        assert_eq!(aps(&start)["attributes-type"], "RingbackAttributes");
        assert_eq!(aps(&start)["attributes"], json!({ "callback_id": id }));
        assert!(aps(&start)["alert"]["title"].is_string() && aps(&start)["alert"]["body"].is_string());
        assert_eq!((&state(&start)["state"], &state(&start)["position"]), (&json!("queued"), &json!(1)));
        let at = state(&start)["at"].as_str().unwrap_or_default().parse::<Timestamp>()?;
        assert_eq!(aps(&start)["timestamp"], at.as_second());
        assert!(aps(&start)["stale-date"].as_i64().is_some_and(|stale| stale > at.as_second()));
    }

    // The app hands in the activity's own token, and the line is shown there.
    stage.activity(SHOWS, Some(&id)).await?;
    let update = shown(&stage, SHOWS, |_| true).await?;
    assert_eq!((&aps(&update)["event"], &state(&update)["position"]), (&json!("update"), &json!(1)));
    assert_eq!(update.headers["apns-priority"], "5", "a place in line wakes nobody");

    // What happens is shown at once.
    stage.hall.staff.agent("ann", "ready").await?;
    assert_eq!(stage.hall.ringing("ann").await?, id);
    let rings = shown(&stage, SHOWS, |push| state(push)["phase"] == "connecting").await?;
    assert_eq!((rings.headers["apns-priority"].as_str(), &state(&rings)["state"]), ("10", &json!("routing")));
    assert_eq!(state(&rings)["position"], Value::Null);
    assert_eq!(aps(&rings)["stale-date"], Value::Null, "it stays so until something happens");
    stage.hall.staff.result(&id, "connected").await?;
    shown(&stage, SHOWS, |push| state(push)["state"] == "processing").await?;
    stage.hall.staff.complete(&id).await?;
    let end = shown(&stage, SHOWS, |push| aps(push)["event"] == "end").await?;
    assert_eq!((end.headers["apns-priority"].as_str(), &state(&end)["state"]), ("10", &json!("completed")));
    let last_s = aps(&end)["timestamp"].as_i64().unwrap_or_default();
    assert!(aps(&end)["dismissal-date"].as_i64().is_some_and(|dismissal| dismissal > last_s));

    let times: Vec<i64> =
        all_shown(&stage, SHOWS).iter().filter_map(|push| aps(push)["timestamp"].as_i64()).collect();
    assert!(times.is_sorted(), "Apple drops what is older than what it has: {times:?}");
    // Nothing follows: another activity of the same person is seen to its end first.
    let other = stage.hall.ask("line", 1, json!({})).await?;
    stage.activity("07e4", Some(&other)).await?;
    stage.hall.answer(stage.hall.app(Method::POST, &format!("callbacks/{other}/cancel"))).await?;
    shown(&stage, "07e4", |push| aps(push)["event"] == "end").await?;
    assert_eq!(aps(all_shown(&stage, SHOWS).last().unwrap())["event"], "end");
    for token in [STARTS, STARTS_TOO] {
        let starts = all_shown(&stage, token);
        let of_first = starts.iter().filter(|push| aps(push)["attributes"]["callback_id"] == id.as_str());
        assert_eq!(of_first.count(), 1, "it starts once");
    }
    Ok(())
}

pub(crate) async fn steps_are_paced(engine: Engine) -> Result<(), Failure> {
    const EVERY_S: i64 = 5;
    let stage = Stage::open(engine).await?;
    let settings = json!({ "push": { "progress_every_s": EVERY_S } });
    stage.hall.service("line", &[("ann", json!({}))], settings).await?;
    let mut ahead = Vec::new();
    for person in 0..6 {
        ahead.push(stage.hall.ask("line", person, json!({})).await?);
    }
    let id = stage.hall.ask("line", 6, json!({})).await?;
    stage.activity(SHOWS, Some(&id)).await?;
    shown(&stage, SHOWS, |push| state(push)["position"] == 7).await?;
    for (left, gone) in ahead.iter().rev().enumerate() {
        stage.hall.answer(stage.hall.app(Method::POST, &format!("callbacks/{gone}/cancel"))).await?;
        // Between two rounds of looking.
        let position = json!(6 - left);
        stage
            .hall
            .until_that(&format!("callbacks/{id}"), "further ahead", |seen| seen["position"] == position)
            .await?;
    }
    shown(&stage, SHOWS, |push| state(push)["position"] == 1).await?;
    let times: Vec<i64> =
        all_shown(&stage, SHOWS).iter().filter_map(|push| aps(push)["timestamp"].as_i64()).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= EVERY_S - 1), "{times:?}");
    assert!(times.len() <= 4, "six steps, and not as many updates: {times:?}");
    Ok(())
}

pub(crate) async fn a_promised_call_comes_into_line(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::open(engine).await?;
    stage.hall.put("capacity-rules/always", always("always", 5)).await?;
    stage.hall.service("later", &[("ann", json!({}))], json!({ "capacity": "always" })).await?;
    stage.activity(STARTS, None).await?;
    let (at, soon) = in_seconds(2);
    let id = stage.hall.ask("later", 0, json!({ "scheduled_for": soon })).await?;
    let start = shown(&stage, STARTS, |_| true).await?;
    assert_eq!(aps(&start)["attributes"]["callback_id"], id.as_str());
    assert!(start.at >= at, "not while its time is not come");

    // One that waited for tomorrow and is wanted now.
    let (_, tomorrow) = in_seconds(24 * 3600);
    let id = stage.hall.ask("later", 1, json!({ "scheduled_for": tomorrow })).await?;
    let now = stage.hall.app(Method::POST, &format!("callbacks/{id}/reschedule"));
    stage.hall.answer(now.json(&json!({ "scheduled_for": null }))).await?;
    shown(&stage, STARTS, |push| aps(push)["attributes"]["callback_id"] == id.as_str()).await?;
    Ok(())
}

pub(crate) async fn apple_is_unwell_at_the_start(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::open(engine).await?;
    stage.hall.service("line", &[("ann", json!({}))], json!({})).await?;
    stage.activity(STARTS, None).await?;
    let unwell =
        Fault::Refuse { reason: "ServiceUnavailable".to_owned(), retry_after_s: Some(5), timestamp: None };
    stage.hall.world.centre.doubles.apns.script(vec![unwell])?;
    let id = stage.hall.ask("line", 0, json!({})).await?;
    // Longer than the lines are looked at anew.
    let start = shown(&stage, STARTS, |_| true).await?;
    assert_eq!(aps(&start)["attributes"]["callback_id"], id.as_str());
    let push = stage.only(&id, "queue_progress", "delivered", |push| push["state"] == "delivered").await?;
    assert_eq!(push["attempts"], 2);
    Ok(())
}
