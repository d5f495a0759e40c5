//! Who is called first, and by whom.

use crate::hall::Hall;
use crate::support::Failure;
use reqwest::Method;
use ringback_server::storage::Engine;
use serde_json::{Value, json};

pub(crate) async fn the_urgent_come_first(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    let ageing = json!({ "increment": 1, "interval_s": 60, "limit": 100 });
    hall.service("desk", &[("ann", json!({}))], json!({ "app_priority_max": 10, "ageing": ageing })).await?;
    let plain = hall.ask("desk", 0, json!({})).await?;
    let urgent = hall.ask("desk", 1, json!({ "priority": 10 })).await?;
    let next = hall.ask("desk", 2, json!({})).await?;
    assert_eq!(hall.own(&urgent).await?["position"], 1);
    assert_eq!(hall.own(&next).await?["position"], 3);
    for wanted in [&urgent, &plain, &next] {
        assert_eq!(&hall.serve("ann").await?, wanted);
    }
    Ok(())
}

pub(crate) async fn skills_decide_who_can(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    for skill in ["tax", "law"] {
        hall.post("skills", json!({ "name": skill })).await?;
    }
    let agents = [
        ("novice", json!({ "tax": 1 })),
        ("expert", json!({ "tax": 9, "law": 5 })),
        ("able", json!({ "tax": 4 })),
    ];
    hall.service("counsel", &agents, json!({ "agent_choice": "best_fit" })).await?;
    let hard = hall.ask("counsel", 0, json!({ "skills": { "tax": 3 } })).await?;
    let nobody = hall.ask("counsel", 1, json!({ "skills": { "law": 8 } })).await?;
    let easy = hall.ask("counsel", 2, json!({})).await?;
    // The novice passes over whom she cannot help, though they came first.
    assert_eq!(hall.serve("novice").await?, easy);
    hall.staff.agent("novice", "not_ready").await?;

    // Staff see that one of the lines leads to nobody.
    let status = hall.get("queues/counsel").await?;
    let lines: Vec<(&Value, &Value, &Value)> = status["lines"]
        .as_array()
        .ok_or("a queue has lines")?
        .iter()
        .map(|line| (&line["skills"], &line["waiting"], &line["is_staffed"]))
        .collect();
    assert!(lines.contains(&(&json!("law:8"), &json!(1), &json!(false))), "{status}");
    assert!(lines.contains(&(&json!("tax:3"), &json!(1), &json!(true))), "{status}");

    // Somebody learns it, and is there for whoever waited for that.
    hall.staff.agent("expert", "ready").await?;
    assert_eq!(hall.ringing("expert").await?, hard);
    hall.staff.result(&hard, "connected").await?;
    hall.staff.complete(&hard).await?;
    hall.put("agents", json!({ "name": "expert", "queues": ["counsel"], "skills": { "tax": 9, "law": 8 } }))
        .await?;
    assert_eq!(hall.ringing("expert").await?, nobody);
    hall.staff.result(&nobody, "connected").await?;
    hall.staff.complete(&nobody).await?;

    // The expert has been idle for longer; the one who can just about do it is the better fit.
    hall.until_agent("expert", "ready").await?;
    hall.staff.agent("able", "ready").await?;
    let moderate = hall.ask("counsel", 3, json!({ "skills": { "tax": 3 } })).await?;
    assert_eq!(hall.until(&moderate, "connecting").await?["agent"], "able");
    Ok(())
}

pub(crate) async fn a_snooze_keeps_the_place_or_gives_it_up(engine: Engine) -> Result<(), Failure> {
    for (kept, order) in [("keep", [0, 1]), ("end", [1, 0])] {
        let hall = Hall::open(engine).await?;
        hall.service("nap", &[("ann", json!({}))], json!({ "snooze_place": kept })).await?;
        let ids = [hall.ask("nap", 0, json!({})).await?, hall.ask("nap", 1, json!({})).await?];
        let snooze = hall.app(Method::POST, &format!("callbacks/{}/snooze", ids[0]));
        let seen = hall.answer(snooze.json(&json!({ "delay_s": 60 }))).await?;
        assert_eq!(seen["state"], "queued");
        assert!(seen["not_before"].is_string(), "{seen}");
        // The minute is over: the clock of this callback is turned, the rest is the server's.
        let id = ids[0].clone();
        hall.database(move |tx| {
            tx.execute(
                "update callbacks set not_before = created_at, due_at = created_at where id = $1",
                &[&id],
            )
        })
        .await?;
        hall.until_that(&format!("callbacks/{}", ids[0]), "awake", |seen| seen["not_before"].is_null())
            .await?;
        for index in order {
            assert_eq!(hall.serve("ann").await?, ids[index], "{kept}");
        }
    }
    Ok(())
}

pub(crate) async fn the_doors_close(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    let now = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now());
    let today = now.date().to_string();
    let open = |name: &str, is_open: bool| {
        let hours = if is_open { json!([{ "from": "00:00", "to": "24:00" }]) } else { json!([]) };
        let week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
            .map(|day| json!({ "day": day, "from": "00:00", "to": "24:00" }));
        json!({ "name": name, "zone": "UTC", "hours": week, "special_days": [{ "date": today, "hours": hours }] })
    };
    let people = [("holder", "hold"), ("ender", "expire"), ("finisher", "finish")];
    let mut waiting = Vec::new();
    for (index, (agent, at_close)) in people.into_iter().enumerate() {
        hall.put(&format!("calendars/{at_close}"), open(at_close, true)).await?;
        hall.service(at_close, &[(agent, json!({}))], json!({ "calendar": at_close, "at_close": at_close }))
            .await?;
        waiting.push(hall.ask(at_close, index, json!({})).await?);
        hall.put(&format!("calendars/{at_close}"), open(at_close, false)).await?;
        hall.staff.agent(agent, "ready").await?;
    }
    let path = format!("callbacks/{}", waiting[0]);
    let seen = hall.until_that(&path, "put aside", |seen| seen["not_before"].is_string()).await?;
    assert_eq!(seen["state"], "queued", "it waits for the morning");
    let seen = hall.until(&waiting[1], "completed").await?;
    assert_eq!((&seen["reason"], &seen["attempts"]), (&json!("expired"), &json!(0)));
    assert_eq!(hall.ringing("finisher").await?, waiting[2]);
    assert_eq!(hall.staff.desk("holder").await?["state"], "ready");
    Ok(())
}

/// Offer, dry run and request say the same, whatever stands in the way.
pub(crate) async fn three_ways_to_ask_one_question(engine: Engine) -> Result<(), Failure> {
    let hall = Hall::open(engine).await?;
    hall.service("open", &[], json!({})).await?;
    hall.another_service("none-now", "open", json!({ "immediate": false })).await?;
    hall.another_service("full", "open", json!({ "limits": { "open_callbacks": 1 } })).await?;
    hall.another_service("resting", "open", json!({})).await?;
    hall.ask("full", 9, json!({})).await?;
    hall.put("services/resting/pause", json!({ "paused": true })).await?;
    for (service, code) in [
        ("open", None),
        ("none-now", Some("immediate_not_offered")),
        ("full", Some("callbacks_full")),
        ("resting", Some("service_paused")),
    ] {
        let offer = hall.answer(hall.app(Method::GET, &format!("services/{service}/offer"))).await?;
        assert_eq!(offer["immediate"]["offered"], json!(code.is_none()), "{offer}");
        assert_eq!(offer["immediate"]["code"].as_str(), code, "{offer}");
        let body = json!({ "service": service, "number": ringback_e2e::number(0) });
        let dry = hall.answer(hall.app(Method::POST, "callbacks/validate").json(&body)).await?;
        assert_eq!(dry["accepted"], json!(code.is_none()), "{dry}");
        let said = dry["checks"].as_array().ok_or("a dry run has checks")?;
        let said = said.iter().find_map(|check| check["code"].as_str());
        assert_eq!(said, code, "{dry}");
        let asked = hall.ask(service, 0, json!({})).await;
        match (&asked, code) {
            (Ok(_), None) => {}
            (Err(refused), Some(code)) => assert!(refused.to_string().starts_with(code), "{refused}"),
            _ => return Err(format!("{service}: {asked:?}").into()),
        }
    }
    hall.put("services/resting/pause", json!({ "paused": false })).await?;
    hall.ask("resting", 0, json!({})).await?;
    Ok(())
}
