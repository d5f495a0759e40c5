//! What happens at a desk: previews, results, retries, what comes after a talk, leaving in the middle.

use crate::hall::{Hall, always, in_seconds};
use crate::support::Failure;
use ringback_server::storage::Engine;
use serde_json::json;

pub(crate) async fn previews(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    hall.service("look", &[("ann", json!({}))], json!({ "preview_s": 5 })).await?;
    let id = hall.ask("look", 0, json!({})).await?;
    hall.staff.agent("ann", "ready").await?;
    hall.until(&id, "previewing").await?;
    assert_eq!(hall.staff.desk("ann").await?["state"], "reserved");

    let seen = hall.post(&format!("callbacks/{id}/reject"), json!({})).await?;
    assert_eq!(seen["state"], "queued");
    let desk = hall.staff.desk("ann").await?;
    assert_eq!((&desk["state"], &desk["reason"]), (&json!("not_ready"), &json!("preview")));

    // Ready anew, she is offered it again; this time she lets the time pass.
    hall.staff.agent("ann", "ready").await?;
    hall.until(&id, "previewing").await?;
    let seen = hall.until(&id, "queued").await?;
    assert_eq!(seen["attempts"], 0, "nobody was called");
    assert_eq!(hall.staff.desk("ann").await?["state"], "not_ready");

    hall.staff.agent("ann", "ready").await?;
    hall.until(&id, "previewing").await?;
    hall.post(&format!("callbacks/{id}/accept"), json!({})).await?;
    hall.until(&id, "connecting").await?;
    hall.staff.result(&id, "connected").await?;
    let seen = hall.staff.complete(&id).await?;
    assert_eq!((&seen["state"], &seen["reason"]), (&json!("completed"), &json!("handled")));
    assert_eq!(hall.staff.desk("ann").await?["state"], "ready", "without wrap-up");
    Ok(())
}

pub(crate) async fn each_result_has_its_retries(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    let retry = json!({
        "busy": { "attempts": 2, "delay_s": 1, "place": "end" },
        "no_answer": { "attempts": 2, "delay_s": 0 },
        "failed": { "attempts": 1 },
        "wrong_person": { "attempts": 2, "delay_s": 0 },
    });
    hall.service("again", &[("ann", json!({}))], json!({ "retry": retry })).await?;
    let first = hall.ask("again", 0, json!({})).await?;
    let second = hall.ask("again", 1, json!({})).await?;

    // Busy: the next is called meanwhile, and this one stands behind everybody who came before its second turn.
    hall.staff.agent("ann", "ready").await?;
    assert_eq!(hall.ringing("ann").await?, first);
    let seen = hall.staff.result(&first, "busy").await?;
    assert_eq!(seen["state"], "queued");
    assert!(seen["not_before"].is_string(), "not at once: {seen}");
    assert_eq!(hall.ringing("ann").await?, second);
    // Nobody answers: at its old place it is called again before the other.
    hall.staff.result(&second, "no_answer").await?;
    assert_eq!(hall.ringing("ann").await?, second);
    hall.staff.result(&second, "no_answer").await?;
    let seen = hall.until(&second, "completed").await?;
    assert_eq!((&seen["reason"], &seen["attempts"]), (&json!("no_answer"), &json!(2)));
    assert_eq!(seen["calls"][1]["result"], "no_answer");

    assert_eq!(hall.ringing("ann").await?, first);
    hall.staff.result(&first, "busy").await?;
    let seen = hall.until(&first, "completed").await?;
    assert_eq!((&seen["reason"], &seen["attempts"]), (&json!("no_answer"), &json!(2)));

    let failed = hall.ask("again", 2, json!({})).await?;
    assert_eq!(hall.ringing("ann").await?, failed);
    let seen = hall.staff.result(&failed, "failed").await?;
    assert_eq!((&seen["state"], &seen["reason"]), (&json!("completed"), &json!("unreachable")));

    let wrong = hall.ask("again", 3, json!({})).await?;
    for (turn, state) in [(1, "queued"), (2, "completed")] {
        assert_eq!(hall.ringing("ann").await?, wrong, "turn {turn}");
        hall.staff.result(&wrong, "connected").await?;
        let said = json!({ "disposition": "wrong_person", "note": "a neighbour" });
        let seen = hall.post(&format!("callbacks/{wrong}/complete"), said).await?;
        assert_eq!(seen["state"], state, "{seen}");
    }
    let seen = hall.staff.callback(&wrong).await?;
    assert_eq!((&seen["reason"], &seen["note"]), (&json!("unreachable"), &json!("a neighbour")));
    Ok(())
}

pub(crate) async fn the_customer_chooses_another_time_on_the_phone(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    hall.put("capacity-rules/always", always("always", 3)).await?;
    hall.service("talk", &[("ann", json!({}))], json!({ "capacity": "always", "wrap_up_s": 1 })).await?;
    let id = hall.ask("talk", 0, json!({})).await?;
    hall.staff.agent("ann", "ready").await?;
    hall.ringing("ann").await?;
    hall.staff.result(&id, "connected").await?;
    let (at, tomorrow) = in_seconds(24 * 3600);
    let said = json!({ "disposition": "reschedule", "scheduled_for": tomorrow });
    let seen = hall.post(&format!("callbacks/{id}/complete"), said).await?;
    assert_eq!(seen["state"], "scheduled");
    assert_eq!(seen["scheduled"]["at"], at.to_string());
    hall.until_agent("ann", "wrap_up").await?;
    hall.until_agent("ann", "ready").await?;
    Ok(())
}

pub(crate) async fn an_agent_leaves(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    let people = [("ann", json!({}))];
    hall.service("asks", &people, json!({ "ask_customer": true, "confirm_window_s": 60 })).await?;
    hall.service("looks", &[("bea", json!({}))], json!({ "preview_s": 60 })).await?;
    hall.service("calls", &[("cleo", json!({}))], json!({})).await?;
    // Nobody has a device here, so the question stays at "reserved".
    for (service, agent, place) in [("asks", "ann", "reserved"), ("looks", "bea", "previewing")] {
        let id = hall.ask(service, 0, json!({})).await?;
        hall.staff.agent(agent, "ready").await?;
        hall.until(&id, place).await?;
        hall.staff.agent(agent, "offline").await?;
        let seen = hall.staff.callback(&id).await?;
        assert_eq!((&seen["state"], &seen["position"]), (&json!("queued"), &json!(1)), "{seen}");
        assert_eq!(hall.staff.desk(agent).await?["state"], "offline");
        // The callback is there for whoever comes next.
        hall.staff.agent(agent, "ready").await?;
        hall.until(&id, place).await?;
    }
    let id = hall.ask("calls", 0, json!({})).await?;
    hall.staff.agent("cleo", "ready").await?;
    hall.ringing("cleo").await?;
    hall.staff.result(&id, "connected").await?;
    hall.staff.agent("cleo", "offline").await?;
    let desk = hall.staff.desk("cleo").await?;
    assert_eq!((&desk["state"], &desk["then_state"]), (&json!("on_call"), &json!("offline")));
    hall.staff.complete(&id).await?;
    let desk = hall.staff.desk("cleo").await?;
    assert_eq!((&desk["state"], &desk["then_state"]), (&json!("offline"), &json!(null)));
    Ok(())
}

pub(crate) async fn customers_are_called_ahead(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    let settings = json!({ "connect_order": "customer_first", "pacing": { "hold_s": 1 }, "retry": { "failed": { "attempts": 1 } } });
    hall.service("ahead", &[("ann", json!({}))], settings).await?;
    let first = hall.ask("ahead", 0, json!({})).await?;
    let second = hall.ask("ahead", 1, json!({})).await?;
    hall.staff.agent("ann", "ready").await?;
    let seen = hall.until(&first, "connecting").await?;
    assert_eq!(seen["agent"], json!(null), "no agent is kept for somebody who may not answer");
    assert_eq!(hall.staff.desk("ann").await?["state"], "ready");
    assert_eq!(hall.staff.callback(&second).await?["state"], "queued", "one agent, one call");
    hall.staff.result(&first, "connected").await?;
    let desk = hall.until_agent("ann", "on_call").await?;
    assert_eq!(desk["callback"]["id"], json!(first));
    hall.staff.complete(&first).await?;

    // The agent leaves while it rings: who answers waits, and not for long.
    hall.until(&second, "connecting").await?;
    hall.staff.agent("ann", "not_ready").await?;
    let seen = hall.staff.result(&second, "connected").await?;
    assert_eq!(seen["phase"], "holding");
    let seen = hall.until(&second, "completed").await?;
    assert_eq!((&seen["reason"], &seen["calls"][0]["result"]), (&json!("failed"), &json!("abandoned")));

    // One who comes in time gets whoever waits on the phone.
    hall.put(
        "services/ahead",
        json!({ "name": "ahead", "queue": "ahead", "ask_customer": false,
        "connect_order": "customer_first", "pacing": { "hold_s": 60 } }),
    )
    .await?;
    let third = hall.ask("ahead", 2, json!({})).await?;
    hall.staff.agent("ann", "ready").await?;
    hall.until(&third, "connecting").await?;
    hall.staff.agent("ann", "not_ready").await?;
    hall.staff.result(&third, "connected").await?;
    hall.staff.agent("ann", "ready").await?;
    let desk = hall.until_agent("ann", "on_call").await?;
    assert_eq!(desk["callback"]["id"], json!(third));
    Ok(())
}
