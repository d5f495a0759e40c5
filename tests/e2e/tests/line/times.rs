//! Promised times, shifts that are planned, and what ends because time passes.

use crate::hall::{Hall, always, in_seconds};
use crate::support::Failure;
use jiff::Timestamp;
use reqwest::Method;
use ringback_server::storage::Engine;
use serde_json::{Value, json};

async fn promising(engine: Engine) -> Result<Hall, Failure> {
    let hall = Hall::open(engine).await?;
    hall.put("capacity-rules/always", always("always", 5)).await?;
    hall.service("later", &[("ann", json!({}))], json!({ "capacity": "always" })).await?;
    Ok(hall)
}

fn began_at(callback: &Value) -> Result<Timestamp, Failure> {
    Ok(callback["calls"][0]["began_at"].as_str().ok_or("nobody was called")?.parse()?)
}

pub(crate) async fn a_promise_is_kept_and_not_before_its_time(engine: Engine) -> Result<(), Failure> {
    let hall = promising(engine).await?;
    let (at, soon) = in_seconds(4);
    hall.staff.agent("ann", "ready").await?;
    let id = hall.ask("later", 0, json!({ "scheduled_for": soon })).await?;
    assert_eq!(hall.own(&id).await?["state"], "scheduled");
    // Who asks for a call at once has it, though somebody ready is all there is.
    let other = hall.ask("later", 1, json!({})).await?;
    assert_eq!(hall.serve("ann").await?, other);
    let called = began_at(&hall.until(&id, "connecting").await?)?;
    assert!(called >= at, "promised for {at}, called at {called}");
    assert!(called.duration_since(at).as_secs() <= 3, "promised for {at}, called at {called}");
    Ok(())
}

pub(crate) async fn the_server_is_away_at_the_promised_time(engine: Engine) -> Result<(), Failure> {
    let mut hall = promising(engine).await?;
    let (at, soon) = in_seconds(2);
    let id = hall.ask("later", 0, json!({ "scheduled_for": soon })).await?;
    let (_, later) = in_seconds(3600);
    let other = hall.ask("later", 1, json!({ "scheduled_for": later })).await?;
    hall.world.centre.kill().await?;
    let left = at.duration_since(Timestamp::now()).unsigned_abs();
    tokio::time::sleep_until(tokio::time::Instant::now() + left).await;
    hall.world.centre.start_server().await?;
    hall.staff.agent("ann", "ready").await?;
    let seen = hall.until(&id, "connecting").await?;
    assert!(began_at(&seen)? >= at);
    assert_eq!(seen["attempts"], 1);
    assert_eq!(hall.staff.callback(&other).await?["state"], "scheduled", "its time is not come");
    Ok(())
}

pub(crate) async fn another_time_and_back_to_now(engine: Engine) -> Result<(), Failure> {
    let hall = promising(engine).await?;
    let (_, tomorrow) = in_seconds(24 * 3600);
    let (_, next_day) = in_seconds(48 * 3600);
    let id = hall.ask("later", 0, json!({ "scheduled_for": tomorrow })).await?;
    let hall = &hall;
    let left = |wall: Value| async move {
        let date = wall["local"].as_str().unwrap_or_default()[..10].to_owned();
        let slots = hall.get(&format!("capacity-rules/always/slots?date={date}")).await?;
        let taken =
            slots.as_array().into_iter().flatten().filter(|slot| slot["capacity_left"] == json!(4)).count();
        Ok::<_, Failure>(taken)
    };
    let move_to = |time: Value| {
        let request = hall.app(Method::POST, &format!("callbacks/{id}/reschedule"));
        hall.answer(request.json(&json!({ "scheduled_for": time })))
    };
    assert_eq!((left(tomorrow.clone()).await?, left(next_day.clone()).await?), (1, 0));
    assert_eq!(move_to(next_day.clone()).await?["state"], "scheduled");
    assert_eq!((left(tomorrow.clone()).await?, left(next_day.clone()).await?), (0, 1), "the seat moves too");
    assert_eq!(move_to(Value::Null).await?["state"], "queued");
    assert_eq!((left(tomorrow).await?, left(next_day).await?), (0, 0));
    assert_eq!(hall.serve("ann").await?, id);
    Ok(())
}

pub(crate) async fn a_thousand_expire_in_one_second(engine: Engine) -> Result<(), Failure> {
    const NUMBERS: usize = 200;
    const EACH: usize = 5;
    let hall = Hall::open(engine).await?;
    let limits = json!({ "limits": { "open_per_number": EACH }, "expires_after_s": 3600 });
    hall.service("crowd", &[], limits).await?;
    for _ in 0..EACH {
        let mut asking = tokio::task::JoinSet::new();
        for index in 0..NUMBERS {
            asking.spawn(hall.request("crowd", index, json!({})).send());
        }
        while let Some(answer) = asking.join_next().await {
            answer??.error_for_status()?;
        }
    }
    assert_eq!(hall.get("queues/crowd").await?["waiting"], json!(NUMBERS * EACH));
    let at = Timestamp::now();
    hall.database(move |tx| tx.execute("update callbacks set expires_at = $1, due_at = $1", &[&at])).await?;
    hall.until_that("queues/crowd", "empty", |queue| queue["waiting"] == json!(0)).await?;
    let (expired, open) = hall
        .database(|tx| {
            let expired: u32 = tx.query_one(
                "select count(*) from callbacks where state = 'completed' and reason = 'expired' and version = 2",
                &[],
                |row| row.get(0),
            )?;
            let open: i64 = tx.query_one("select cast(sum(n) as bigint) from tallies", &[], |row| row.get(0))?;
            Ok((expired, open))
        })
        .await?;
    assert_eq!(
        (expired as usize, open),
        (NUMBERS * EACH, 0),
        "each ends once, and nothing is counted any more"
    );
    Ok(())
}

pub(crate) async fn shifts_are_planned(engine: Engine) -> Result<(), Failure> {
    let hall = promising(engine).await?;
    let (at, _) = in_seconds(3600);
    let planned = json!([{ "at": at, "agents": 3 }, { "at": at, "agents": -1 }]);
    hall.put("queues/later/planned-changes", planned).await?;
    let status = hall.get("queues/later").await?;
    assert_eq!(status["planned_changes"], json!([{ "at": at, "agents": 2 }]), "{status}");
    hall.put("queues/later/planned-changes", json!([])).await?;
    assert_eq!(hall.get("queues/later").await?["planned_changes"], json!([]));
    Ok(())
}
