//! The customer's whole journey, readable from top to bottom; the same stands in Kotlin and in Swift.

use ringback_core::client::PushOutcome;
use ringback_core::protocol::{
    CallInRequest, CallbackState, CompletedReason, ConfirmAnswer, EventKind, PushEvent, RoutingPhase,
};
use ringback_e2e::{LIMIT, Phone, PhoneKind, StaffError, number};
use ringback_server::storage::Engine;
use std::collections::HashMap;

mod support;
use support::{Failure, World};

async fn from_a_tap_to_an_answered_call(engine: Engine, kind: PhoneKind) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let centre = &world.centre;
    let staff = centre.staff();
    let phone = Phone::new(centre, kind, &world.folder("phone"), None)?;
    phone.register_push().await?;

    // A person taps "call me" and keeps their place in line.
    let callback = phone.client.request_callback(Phone::request("billing", number(0))).await?;
    assert_eq!((callback.state, callback.position), (CallbackState::Queued, Some(1)));

    // An agent with the right skills becomes ready; the phone gets a push without anything personal in it.
    staff.agent("ada", "ready").await?;
    let push = phone.wait_for_push(centre, &callback.id).await?;

    // The app hands the push to the SDK, which fetches the details.
    let PushOutcome::Event { event, callback: asked, action_token, .. } = phone.receive(&push).await? else {
        return Err("the push was not understood".into());
    };
    assert_eq!((event, asked.state), (PushEvent::AgentReady, CallbackState::Routing));
    assert!(matches!(phone.receive(&push).await?, PushOutcome::Duplicate { .. }), "a second copy is dropped");

    // The person says "ready".
    phone.until(&callback.id, EventKind::Notified).await?;
    let confirmed = phone.client.confirm(callback.id.clone(), ConfirmAnswer::Ready, action_token).await?;
    assert_eq!(confirmed.callback.phase, Some(RoutingPhase::Confirmed));
    phone.until(&callback.id, EventKind::Connecting).await?;

    // The agent sees who to call and why, dials, and talks.
    let desk = staff.desk("ada").await?;
    assert_eq!(desk["callback"]["number"], number(0).expose());
    assert_eq!(desk["callback"]["context"]["cart"], ringback_e2e::context_values()[0]);
    staff.result(&callback.id, "connected").await?;
    phone.until(&callback.id, EventKind::Processing).await?;

    // The record is closed.
    staff.complete(&callback.id).await?;
    let completed = phone.until(&callback.id, EventKind::Completed).await?;
    assert_eq!(completed.callback.reason, Some(CompletedReason::Handled));
    assert_eq!(
        completed.seq, 7,
        "requested, reserved, notified, confirmed, connecting, processing, completed"
    );
    assert_eq!(phone.client.callbacks().await?[0].state, CallbackState::Completed);
    assert_eq!(staff.desk("ada").await?["state"], "wrap_up");
    Ok(())
}

async fn a_customer_dials_and_is_known_on_arrival(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    let request = CallInRequest {
        service: "billing".into(),
        caller_number: Some(number(1)),
        name: None,
        context: HashMap::from([("cart".into(), ringback_e2e::context_values()[1].into())]),
    };
    let ticket = phone.client.request_call_in(request.clone()).await?;
    assert_eq!(ticket.access_code.expose().len(), 6);
    assert!(ticket.tel_uri.expose().starts_with("tel:+"));

    let staff = world.centre.staff();
    let call = serde_json::json!({ "called_number": ticket.number, "access_code": ticket.access_code });
    let known = staff.ask(reqwest::Method::POST, "call-ins/match", Some(call.clone())).await?;
    assert_eq!(known["context"]["cart"], ringback_e2e::context_values()[1]);
    let again = staff.ask(reqwest::Method::POST, "call-ins/match", Some(call)).await;
    assert!(
        matches!(again, Err(StaffError::Refused(problem)) if problem.code == "call_in_not_found"),
        "once only"
    );

    // A caller who types nothing is known by their number.
    let second = phone.client.request_call_in(request).await?;
    assert_ne!(second.number, ticket.number, "numbers are given out in turn");
    let call = serde_json::json!({ "called_number": second.number, "caller_number": number(1) });
    assert_eq!(
        staff.ask(reqwest::Method::POST, "call-ins/match", Some(call)).await?["id"],
        second.id.as_str()
    );
    Ok(())
}

async fn an_agent_is_ready_and_the_customer_calls(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let staff = world.centre.staff();
    let phone = Phone::new(&world.centre, PhoneKind::Android, &world.folder("phone"), None)?;
    phone.register_push().await?;
    let callback = phone.client.request_callback(Phone::request("sales", number(2))).await?;
    staff.agent("grace", "ready").await?;
    let push = phone.wait_for_push(&world.centre, &callback.id).await?;
    let PushOutcome::Event { action_token, .. } = phone.receive(&push).await? else {
        return Err("the push was not understood".into());
    };
    let confirmed = phone.client.confirm(callback.id.clone(), ConfirmAnswer::Ready, action_token).await?;
    let ticket = confirmed.ticket.ok_or("the answer to \"ready\" is what to dial")?;
    let call = serde_json::json!({ "called_number": ticket.number, "access_code": ticket.access_code });
    let known = staff.ask(reqwest::Method::POST, "call-ins/match", Some(call)).await?;
    assert_eq!(known["callback_id"], callback.id.as_str());
    phone.until(&callback.id, EventKind::Processing).await?;
    staff.complete(&callback.id).await?;
    phone.until(&callback.id, EventKind::Completed).await?;
    Ok(())
}

async fn nobody_answers_and_the_place_in_line_is_kept(engine: Engine) -> Result<(), Failure> {
    let world = World::start(engine).await?;
    let staff = world.centre.staff();
    let service = serde_json::json!({
        "name": "quick", "queue": "support", "confirm_window_s": 5, "confirm_timeout": "requeue", "confirm_attempts": 2,
    });
    staff.ask(reqwest::Method::POST, "services", Some(service)).await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("phone"), None)?;
    phone.register_push().await?;
    let callback = phone.client.request_callback(Phone::request("quick", number(3))).await?;
    staff.agent("grace", "ready").await?;
    phone.until(&callback.id, EventKind::Requeued).await?;
    phone.until(&callback.id, EventKind::Reserved).await?;
    let ended = phone.until(&callback.id, EventKind::Completed).await?;
    assert_eq!(ended.callback.reason, Some(CompletedReason::NoAnswer));
    assert_eq!(staff.desk("grace").await?["state"], "ready", "the agent is free again");
    // The last word is that nobody was reached.
    let said = world.centre.doubles.apns.record().wait_for_count(LIMIT, 3).await?;
    let about: Vec<&str> = said.iter().map(|push| push.headers["apns-collapse-id"].as_str()).collect();
    let (question, last_word) = (callback.id.as_str(), format!("{}:missed", callback.id));
    assert_eq!(about, [question, question, &last_word], "asked as often as the service wants");
    Ok(())
}

support::on_both_engines! {
    over_apns => |engine| from_a_tap_to_an_answered_call(engine, PhoneKind::Iphone);
    over_fcm => |engine| from_a_tap_to_an_answered_call(engine, PhoneKind::Android);
    click_to_call => |engine| a_customer_dials_and_is_known_on_arrival(engine);
    customer_originated => |engine| an_agent_is_ready_and_the_customer_calls(engine);
    silence => |engine| nobody_answers_and_the_place_in_line_is_kept(engine);
}
