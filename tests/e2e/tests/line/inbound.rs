//! People who call in by themselves.

use crate::hall::Hall;
use crate::support::Failure;
use reqwest::Method;
use ringback_e2e::number;
use ringback_server::storage::Engine;
use serde_json::{Value, json};

pub(crate) async fn somebody_who_waits_calls_in(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    let calls_in = |index: usize| hall.post("inbound-calls", json!({ "caller_number": number(index) }));
    for (policy, agent) in [("front", "ann"), ("resolve", "bea"), ("leave", "cleo")] {
        hall.service(policy, &[(agent, json!({}))], json!({ "inbound": policy })).await?;
        let first = hall.ask(policy, 0, json!({})).await?;
        let last = hall.ask(policy, 1, json!({ "context": { "cart": "canary-cart" } })).await?;
        assert_eq!(calls_in(5).await?, json!([]), "nobody waits under this number");
        let found: Value = calls_in(1).await?;
        let found = found.as_array().ok_or("a list")?;
        let of_this = found.iter().find(|one| one["callback"]["id"] == json!(last)).ok_or("it is found")?;
        assert_eq!(of_this["done"], policy);
        assert_eq!(of_this["callback"]["context"]["cart"], "canary-cart", "whoever takes the call knows why");
        let seen = hall.own(&last).await?;
        match policy {
            "front" => assert_eq!(seen["position"], 1, "{seen}"),
            "resolve" => assert_eq!(seen["reason"], "resolved_by_inbound", "{seen}"),
            _ => assert_eq!(seen["position"], 2, "{seen}"),
        }
        let served = if policy == "front" { &last } else { &first };
        assert_eq!(&hall.serve(agent).await?, served);
    }
    Ok(())
}

pub(crate) async fn numbers_to_dial_are_accounted_for(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    let group = json!({ "name": "door", "numbers": ["+493023125009"], "code_digits": 4 });
    hall.post("call-in-groups", group).await?;
    hall.service("dial", &[], json!({ "call_in_group": "door" })).await?;
    let mut tickets = Vec::new();
    for index in 0..3 {
        let body = json!({ "service": "dial", "caller_number": number(index) });
        tickets.push(hall.answer(hall.app(Method::POST, "call-ins").json(&body)).await?);
    }
    let typed = json!({ "called_number": tickets[0]["number"], "access_code": tickets[0]["access_code"] });
    hall.post("call-ins/match", typed).await?;
    let shown = json!({ "called_number": tickets[1]["number"], "caller_number": number(1) });
    hall.post("call-ins/match", shown).await?;
    // The third lets its time pass.
    hall.database(|tx| {
        tx.execute("update call_ins set expires_at = created_at where state = 'waiting'", &[])
    })
    .await?;
    let list = hall
        .until_that("call-ins", "expired", |list| {
            list.as_array().is_some_and(|list| list.iter().any(|one| one["state"] == "expired"))
        })
        .await?;
    let states: Vec<_> = list.as_array().into_iter().flatten().map(|one| one["state"].as_str()).collect();
    assert_eq!(states, [Some("expired"), Some("matched"), Some("matched")], "newest first");
    assert!(!list.to_string().contains("access_code"), "codes are for the caller alone");
    let health = hall.get("call-in-groups/door/health").await?;
    assert_eq!(
        (&health["waiting"], &health["matched_a_day"], &health["expired_a_day"], &health["is_healthy"]),
        (&json!(0), &json!(2), &json!(1), &json!(true))
    );
    Ok(())
}
