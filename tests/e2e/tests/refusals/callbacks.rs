//! What is wrong with a request because of where a callback is, or whose it is.

use crate::asker::Asker;
use crate::support::{Failure, World};
use reqwest::Method;
use ringback_core::client::{ClientError, PushOutcome};
use ringback_core::protocol::{
    ActionToken, Callback, CallbackState, ConfirmAnswer, EventKind, PUSH_DATA_KEY, ProblemCode as Code,
    PushData,
};
use ringback_doubles::Received;
use ringback_e2e::{Phone, PhoneKind, TOPIC, number};
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// The SDK's error must be this refusal; gives the callback it names.
fn refused<T: std::fmt::Debug>(code: Code, answer: Result<T, ClientError>) -> Option<String> {
    match answer.unwrap_err() {
        ClientError::Refused { code: got, status, callback_id, .. } => {
            assert_eq!((got.as_str(), status), (code.code(), code.status()));
            callback_id
        }
        other => panic!("not a refusal: {other}"),
    }
}

/// A service with one agent of its own, so that no other case takes that agent. Gives the two names.
async fn own_line(asker: &Asker, confirm_window_s: u32) -> Result<(String, String), Failure> {
    let name = asker.fresh("line");
    asker.taken(asker.staff(Method::POST, "queues").json(&json!({ "name": name }))).await?;
    let service = json!({ "name": name, "queue": name, "confirm_window_s": confirm_window_s });
    asker.taken(asker.staff(Method::POST, "services").json(&service)).await?;
    let agent = json!({ "name": name, "queues": [name] });
    asker.taken(asker.staff(Method::POST, "agents").json(&agent)).await?;
    Ok((name.clone(), name))
}

pub(crate) async fn a_number_waits_once(world: &World, asker: &Asker) -> Result<(), Failure> {
    let owner = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("owner"), None)?;
    let other = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("other"), None)?;
    let open = owner.client.request_callback(Phone::request("billing", number(10))).await?;
    let mut again = Phone::request("billing", number(10));
    again.name = None;
    let named = refused(Code::CallbackAlreadyOpen, owner.client.request_callback(again.clone()).await);
    assert_eq!(named.as_deref(), Some(open.id.as_str()), "its owner is told which one");
    let named = refused(Code::CallbackAlreadyOpen, other.client.request_callback(again.clone()).await);
    assert_eq!(named, None, "nobody else is");
    assert!(other.client.pending().await?.is_empty(), "a refusal for good is not kept");

    let token = asker.installation().await?;
    let raw = asker.app(&token, Method::POST, "/v1/callbacks").json(&again);
    let problem = asker.refused_field(Code::CallbackAlreadyOpen, "number", raw).await?;
    assert_eq!(problem.callback_id, None);

    owner.client.cancel(open.id).await?;
    other.client.request_callback(again).await?;
    Ok(())
}

pub(crate) async fn what_belongs_to_others(world: &World, asker: &Asker) -> Result<(), Failure> {
    let owner = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("mine"), None)?;
    let thief = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("thief"), None)?;
    let callback = owner.client.request_callback(Phone::request("billing", number(11))).await?;
    let id = || callback.id.clone();
    refused(Code::CallbackNotFound, thief.client.callback(id()).await);
    refused(Code::CallbackNotFound, thief.client.cancel(id()).await);
    refused(Code::CallbackNotFound, thief.client.confirm(id(), ConfirmAnswer::Ready, None).await);
    assert!(thief.client.callbacks().await?.is_empty());
    assert_eq!(owner.client.callback(id()).await?.state, CallbackState::Queued, "nothing came of it");

    // What does not exist is answered with the same words.
    let token = asker.installation().await?;
    let show = |id: &str| asker.app(&token, Method::GET, &format!("/v1/callbacks/{id}"));
    let theirs = asker.refused(Code::CallbackNotFound, show(&callback.id)).await?;
    let nobodys = asker.refused(Code::CallbackNotFound, show("cb_00000000000000000000000000000000")).await?;
    assert_eq!(theirs.detail, nobodys.detail);
    Ok(())
}

pub(crate) async fn answers_out_of_turn(world: &World, asker: &Asker) -> Result<(), Failure> {
    let (service, agent) = own_line(asker, 30).await?;
    let staff = world.centre.staff();
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("answers"), None)?;
    phone.register_push().await?;
    let callback = phone.client.request_callback(Phone::request(&service, number(12))).await?;
    let taken = phone.client.request_callback(Phone::request("billing", number(13))).await?;
    let in_line = phone.client.request_callback(Phone::request(&service, number(14))).await?;
    let confirm = |answer| phone.client.confirm(callback.id.clone(), answer, None);
    refused(Code::CallbackMovedOn, confirm(ConfirmAnswer::Ready).await);

    staff.agent(&agent, "ready").await?;
    phone.until(&callback.id, EventKind::Notified).await?;
    for delay_s in [0, 59, 86_401] {
        refused(Code::FieldInvalid, confirm(ConfirmAnswer::Snooze { delay_s }).await);
    }
    for (code, text) in [
        (Code::NumberNotE164, "030 901820"),
        (Code::NumberImpossible, "+49123"),
        (Code::CallbackAlreadyOpen, number(14).expose()),
    ] {
        let answer = confirm(ConfirmAnswer::OtherNumber { number: text.into() }).await;
        let named = refused(code, answer);
        assert_eq!(named, (code == Code::CallbackAlreadyOpen).then(|| in_line.id.clone()));
    }
    // Another service is another line: there the number may wait as well.
    confirm(ConfirmAnswer::OtherNumber { number: number(13) }).await?;
    assert_eq!(staff.callback(&callback.id).await?["number"], number(13).expose());
    refused(Code::CallbackMovedOn, confirm(ConfirmAnswer::Ready).await);

    phone.until(&callback.id, EventKind::Connecting).await?;
    staff.result(&callback.id, "connected").await?;
    refused(Code::CallbackMovedOn, phone.client.cancel(callback.id.clone()).await);
    staff.complete(&callback.id).await?;
    refused(Code::CallbackMovedOn, confirm(ConfirmAnswer::Ready).await);
    let token = asker.installation().await?;
    let done: Callback = serde_json::from_str(
        &asker
            .taken(
                asker
                    .app(&token, Method::POST, "/v1/callbacks")
                    .json(&json!({ "service": service, "number": number(15) })),
            )
            .await?,
    )?;
    let cancel = || asker.app(&token, Method::POST, &format!("/v1/callbacks/{}/cancel", done.id));
    asker.taken(cancel()).await?;
    asker.refused(Code::CallbackMovedOn, cancel()).await?;
    phone.client.cancel(taken.id).await?;
    Ok(())
}

fn push_data(push: &Received) -> Result<PushData, Failure> {
    let apns = push.payload[PUSH_DATA_KEY].as_str();
    let data = apns.or_else(|| push.payload["message"]["data"][PUSH_DATA_KEY].as_str());
    Ok(serde_json::from_str(data.ok_or("a push has data")?)?)
}

/// The right to answer that a question carries.
fn right(data: PushData) -> Result<ActionToken, Failure> {
    Ok(data.action_token.ok_or("a question has an action token")?)
}

fn ready(token: &ActionToken) -> Value {
    json!({ "answer": "ready", "action_token": token })
}

pub(crate) async fn action_tokens_of_two_devices(asker: &Asker, world: &World) -> Result<(), Failure> {
    let (service, agent) = own_line(asker, 30).await?;
    let token = asker.installation().await?;
    let (apns, fcm) = ("a1".repeat(32), asker.fresh("fcm-token"));
    for target in [
        json!({ "apns": { "token": apns, "environment": "production", "topic": TOPIC } }),
        json!({ "fcm": { "token": fcm, "kind": "fid" } }),
    ] {
        let device = asker.app(&token, Method::PUT, "/v1/devices").json(&json!({ "target": target }));
        asker.taken(device).await?;
    }
    let request = json!({ "service": service, "number": number(16) });
    let made = asker.taken(asker.app(&token, Method::POST, "/v1/callbacks").json(&request)).await?;
    let callback: Callback = serde_json::from_str(&made)?;
    world.centre.staff().agent(&agent, "ready").await?;
    let doubles = &world.centre.doubles;
    let on_apple = doubles.apns.record().wait_for(LIMIT, |push| push.device == apns).await?;
    let on_google = doubles.fcm.record().wait_for(LIMIT, |push| push.device == fcm).await?;
    let (first, second) = (push_data(&on_apple)?, push_data(&on_google)?);
    assert_eq!(first.push_id, second.push_id, "one question");
    let (first, second) = (right(first)?, right(second)?);
    assert_ne!(first.expose(), second.expose(), "two rights to answer it");

    let confirm = |body: Value| {
        asker.app(&token, Method::POST, &format!("/v1/callbacks/{}/confirm", callback.id)).json(&body)
    };
    let forged = format!("{}x", first.expose());
    for wrong in ["", "nonsense", "a.b", forged.as_str()] {
        let body = json!({ "answer": "ready", "action_token": wrong });
        asker.refused_field(Code::ActionTokenInvalid, "action_token", confirm(body)).await?;
    }
    let unknown = json!({ "answer": { "snooze": { "delay_s": 60, "until": "tomorrow" } } });
    asker.refused_field(Code::FieldUnknown, "until", confirm(unknown)).await?;
    let late = json!({ "answer": { "snooze": { "delay_s": 5 } }, "action_token": first });
    asker.refused_field(Code::FieldInvalid, "answer.snooze.delay_s", confirm(late)).await?;

    // A refused answer has spent nothing. The first that is taken counts, and spends the other device's right as well.
    asker.taken(confirm(ready(&first))).await?;
    asker.refused(Code::ActionTokenSpent, confirm(ready(&second))).await?;
    asker.refused(Code::ActionTokenSpent, confirm(ready(&first))).await?;

    // A right to answer one question is none to answer another.
    let request = json!({ "service": service, "number": number(17) });
    let made = asker.taken(asker.app(&token, Method::POST, "/v1/callbacks").json(&request)).await?;
    let other: Callback = serde_json::from_str(&made)?;
    let path = format!("/v1/callbacks/{}/confirm", other.id);
    let elsewhere = asker.app(&token, Method::POST, &path).json(&ready(&second));
    asker.refused(Code::ActionTokenInvalid, elsewhere).await?;
    Ok(())
}

fn is_question(push: &Received, callback_id: &str) -> bool {
    push_data(push).is_ok_and(|data| data.callback_id == callback_id && data.action_token.is_some())
}

pub(crate) async fn action_tokens_of_earlier_questions(asker: &Asker, world: &World) -> Result<(), Failure> {
    let (service, agent) = own_line(asker, 5).await?;
    let staff = world.centre.staff();
    let phone = Phone::new(&world.centre, PhoneKind::Android, &world.folder("slow"), None)?;
    phone.register_push().await?;
    let callback = phone.client.request_callback(Phone::request(&service, number(18))).await?;
    let confirm = |token: &ActionToken| {
        phone.client.confirm(callback.id.clone(), ConfirmAnswer::Ready, Some(token.clone()))
    };
    staff.agent(&agent, "ready").await?;
    let mut asked = Vec::new();
    for question in 0..3 {
        let pushes = world.centre.doubles.fcm.record();
        let of_this = |push: &&Received| is_question(push, &callback.id);
        let push = pushes.wait_until(LIMIT, |all| all.iter().filter(of_this).nth(question).cloned()).await?;
        asked.push(right(push_data(&push)?)?);
        if question == 0 {
            // The agent leaves, so the question is withdrawn before its time is over; then another is put.
            staff.agent(&agent, "not_ready").await?;
            staff.agent(&agent, "ready").await?;
        } else if question == 1 {
            refused(Code::ActionTokenInvalid, confirm(&asked[0]).await);
            phone.until(&callback.id, EventKind::Requeued).await?;
            let requeued = phone.until(&callback.id, EventKind::Requeued).await?;
            assert_eq!(requeued.callback.state, CallbackState::Queued, "nobody answered in time");
        }
    }
    refused(Code::ConfirmExpired, confirm(&asked[1]).await);
    phone.until(&callback.id, EventKind::Completed).await?;
    refused(Code::ConfirmExpired, confirm(&asked[2]).await);

    // The SDK does not even show a push whose time is over.
    let last = world.centre.pushes().into_iter().rfind(|push| is_question(push, &callback.id));
    let outcome = phone.receive(&last.ok_or("three were sent")?).await?;
    assert!(!matches!(outcome, PushOutcome::Event { .. }), "{outcome:?}");

    let token = asker.installation().await?;
    let path = format!("/v1/callbacks/{}/confirm", callback.id);
    asker
        .refused(Code::CallbackNotFound, asker.app(&token, Method::POST, &path).json(&ready(&asked[2])))
        .await?;
    asker.saw(Code::ConfirmExpired.code());
    Ok(())
}

pub(crate) async fn push_tokens(asker: &Asker) -> Result<(), Failure> {
    let token = asker.installation().await?;
    let register =
        |target: Value| asker.app(&token, Method::PUT, "/v1/devices").json(&json!({ "target": target }));
    let apns = |token: &str, topic: &str| json!({ "apns": { "token": token, "environment": "sandbox", "topic": topic } });
    for wrong in ["", "abc", "xyz1", "a1 b2", &"a1".repeat(257)] {
        let request = register(apns(wrong, TOPIC));
        asker.refused_field(Code::PushTokenInvalid, "target.apns.token", request).await?;
    }
    for wrong in ["", "two words", "tökén", &"x".repeat(4097)] {
        let request = register(json!({ "fcm": { "token": wrong, "kind": "token" } }));
        asker.refused_field(Code::PushTokenInvalid, "target.fcm.token", request).await?;
    }
    asker.refused_field(Code::FieldInvalid, "target.apns.topic", register(apns("a1", "my app"))).await?;
    let misspelled = register(json!({ "fcm": { "token": "t", "kind": "token", "topik": "x" } }));
    asker.refused_field(Code::FieldUnknown, "topik", misspelled).await?;
    Ok(())
}

/// Devices and pushes that are not there, and a push that need not be sent again.
pub(crate) async fn devices_and_deliveries(asker: &Asker, world: &World) -> Result<(), Failure> {
    let token = asker.installation().await?;
    let nobodys = asker.app(&token, Method::DELETE, "/v1/devices/dv_0");
    asker.refused(Code::DeviceNotFound, nobodys).await?;
    let receipt = json!({ "delivery_id": "0", "kind": "received" });
    let of_nothing = asker.app(&token, Method::POST, "/v1/push/receipts").json(&receipt);
    asker.refused(Code::DeliveryNotFound, of_nothing).await?;

    let (service, agent) = own_line(asker, 30).await?;
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("taken"), None)?;
    phone.register_push().await?;
    let callback = phone.client.request_callback(Phone::request(&service, number(19))).await?;
    world.centre.staff().agent(&agent, "ready").await?;
    phone.until(&callback.id, EventKind::Notified).await?;
    let pushes = world.centre.staff().pushes(&callback.id).await?;
    let delivery = pushes.first().and_then(|push| push["id"].as_str()).ok_or("a question")?;
    let again = asker.staff(Method::POST, &format!("pushes/{delivery}/replay"));
    asker.refused(Code::DeliveryOver, again).await?;
    phone.client.cancel(callback.id).await?;
    Ok(())
}
