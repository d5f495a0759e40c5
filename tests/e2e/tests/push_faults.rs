//! The push services refuse: what becomes of the push, of the device and of the lane, as staff and the service see it.

use reqwest::Method;
use ringback_core::client::PushOutcome;
use ringback_core::protocol::{Callback, ConfirmAnswer, EventKind};
use ringback_doubles::{Fault, Received, Record};
use ringback_e2e::{Phone, PhoneKind, Staff, number};
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::time::Duration;

mod support;
use support::{Failure, World};

const LIMIT: Duration = Duration::from_secs(30);

/// A centre with one agent and one phone.
struct Scene {
    world: World,
    phone: Phone,
    staff: Staff,
}

impl Scene {
    async fn start(engine: Engine, kind: PhoneKind) -> Result<Self, Failure> {
        let world = World::start(engine).await?;
        let phone = Phone::new(&world.centre, kind, &world.folder("phone"), None)?;
        phone.register_push().await?;
        let staff = world.centre.staff();
        staff.agent("ada", "ready").await?;
        Ok(Self { world, phone, staff })
    }

    fn apns(&self) -> &Record {
        self.world.centre.doubles.apns.record()
    }

    fn fcm(&self) -> &Record {
        self.world.centre.doubles.fcm.record()
    }

    /// Somebody asks for a call, and the agent is ready.
    async fn ask(&self, index: usize) -> Result<Callback, Failure> {
        Ok(self.phone.client.request_callback(Phone::request("billing", number(index))).await?)
    }

    /// The one question of a callback once it is no longer under way, as staff sees it. No event tells staff of it, so it
    /// is asked for until it is settled.
    async fn settled(&self, callback: &Callback) -> Result<Value, Failure> {
        self.staff_sees(callback, |push| push["state"] != "pending").await
    }

    async fn staff_sees(&self, callback: &Callback, wanted: fn(&Value) -> bool) -> Result<Value, Failure> {
        let look = async {
            loop {
                let mut pushes = self.staff.pushes(&callback.id).await?;
                pushes.retain(|push| push["event"] == "agent_ready");
                if let Some(push) = pushes.first().filter(|push| wanted(push)) {
                    assert_eq!(pushes.len(), 1, "one device, one push: {pushes:?}");
                    return Ok::<_, Failure>(push.clone());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, look).await?
    }

    /// The call is taken back, so that the agent is free for the next.
    async fn forget(&self, callback: &Callback) -> Result<(), Failure> {
        self.phone.client.cancel(callback.id.clone()).await?;
        Ok(())
    }
}

async fn arrived(record: &Record, count: usize) -> Result<Vec<Received>, Failure> {
    Ok(record.wait_for_count(LIMIT, count).await?)
}

fn refusal(reason: &str, retry_after_s: u64) -> Fault {
    Fault::Refuse { reason: reason.into(), retry_after_s: Some(retry_after_s), timestamp: None }
}

/// 410 and 400: the token is of no use, so the device gets no more pushes until the app registers again.
async fn a_token_that_apple_does_not_know(engine: Engine, reason: &str) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Iphone).await?;
    scene.world.centre.doubles.apns.script(vec![Fault::refuse(reason)])?;
    let callback = scene.ask(0).await?;
    let push = scene.settled(&callback).await?;
    assert_eq!((push["state"].as_str(), push["reason"].as_str()), (Some("failed"), Some(reason)));
    assert_eq!(push["attempts"], 1);
    scene.forget(&callback).await?;

    // The next question finds no device to be put to.
    let callback = scene.ask(1).await?;
    scene.phone.until(&callback.id, EventKind::Reserved).await?;
    assert!(scene.staff.pushes(&callback.id).await?.is_empty());
    scene.forget(&callback).await?;
    assert_eq!(scene.apns().received().len(), 1, "not asked again");

    // The app registers again, with the same token: now it counts.
    scene.phone.register_push().await?;
    let callback = scene.ask(2).await?;
    assert_eq!(scene.settled(&callback).await?["state"], "delivered");
    Ok(())
}

/// 503: tried again under the same id, so that the device would show one notification even if both had got through.
async fn apple_is_unwell(engine: Engine) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Iphone).await?;
    let unwell = Fault::refuse("ServiceUnavailable");
    scene.world.centre.doubles.apns.script(vec![unwell, Fault::Disconnect, Fault::Accept])?;
    let callback = scene.ask(0).await?;
    let push = scene.settled(&callback).await?;
    assert_eq!((push["state"].as_str(), push["attempts"].as_u64()), (Some("delivered"), Some(3)));
    let tries = arrived(scene.apns(), 3).await?;
    for header in ["apns-id", "apns-collapse-id", "apns-expiration"] {
        assert!(tries.iter().all(|one| one.headers[header] == tries[0].headers[header]), "{header}");
    }
    assert!(
        tries.iter().all(|one| one.payload == tries[0].payload),
        "the same push, the same right to answer"
    );
    assert_eq!(push["id"], tries[0].headers["apns-id"].as_str());
    Ok(())
}

/// 403 `ExpiredProviderToken`: a new token at once, and the push with it; no attempt is burnt.
async fn the_provider_token_has_run_out(engine: Engine) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Iphone).await?;
    scene.world.centre.doubles.apns.script(vec![Fault::refuse("ExpiredProviderToken")])?;
    let callback = scene.ask(0).await?;
    let push = scene.settled(&callback).await?;
    assert_eq!((push["state"].as_str(), push["attempts"].as_u64()), (Some("delivered"), Some(1)));
    let tries = arrived(scene.apns(), 2).await?;
    assert_ne!(tries[0].headers["authorization"], tries[1].headers["authorization"], "a new token");
    assert_eq!(tries[0].headers["apns-id"], tries[1].headers["apns-id"]);
    Ok(())
}

/// 403 `InvalidProviderToken`: nothing gets through until an operator acts; then it does.
async fn the_lane_is_blocked_and_lifted(engine: Engine) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Iphone).await?;
    let doubles = &scene.world.centre.doubles;
    doubles.apns.every_push(Some(Fault::refuse("InvalidProviderToken")))?;
    let callback = scene.ask(0).await?;
    arrived(scene.apns(), 1).await?;
    // No attempt is burnt. While the lane tries whether it is open again, that attempt counts until it is refused.
    scene
        .staff_sees(&callback, |push| push["reason"] == "InvalidProviderToken" && push["attempts"] == 0)
        .await?;
    doubles.apns.every_push(None)?;
    let push = scene.settled(&callback).await?;
    assert_eq!((push["state"].as_str(), push["attempts"].as_u64()), (Some("delivered"), Some(1)));
    Ok(())
}

/// The same with nobody to act: the push ends with its question and is not sent late.
async fn the_lane_stays_blocked(engine: Engine) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Iphone).await?;
    let service = json!({
        "name": "quick", "queue": "support", "confirm_window_s": 5, "confirm_timeout": "complete",
    });
    scene.staff.ask(Method::POST, "services", Some(service)).await?;
    scene.world.centre.doubles.apns.every_push(Some(Fault::refuse("InvalidProviderToken")))?;
    let callback = scene.phone.client.request_callback(Phone::request("quick", number(0))).await?;
    scene.phone.until(&callback.id, EventKind::Completed).await?;
    let push = scene.settled(&callback).await?;
    assert_eq!(
        (push["state"].as_str(), push["reason"].as_str()),
        (Some("expired"), Some("InvalidProviderToken"))
    );
    let expires_at = scene.apns().received()[0].headers["apns-expiration"].parse::<i64>()?;
    assert!(scene.apns().received().iter().all(|push| push.at.as_second() <= expires_at), "none late");
    Ok(())
}

/// 404 `UNREGISTERED`: the app was removed.
async fn google_no_longer_knows_the_app(engine: Engine) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Android).await?;
    scene.world.centre.doubles.fcm.script(vec![Fault::refuse("UNREGISTERED")])?;
    let callback = scene.ask(0).await?;
    let push = scene.settled(&callback).await?;
    assert_eq!((push["state"].as_str(), push["reason"].as_str()), (Some("failed"), Some("UNREGISTERED")));
    scene.forget(&callback).await?;
    let callback = scene.ask(1).await?;
    scene.phone.until(&callback.id, EventKind::Reserved).await?;
    assert!(scene.staff.pushes(&callback.id).await?.is_empty());
    scene.forget(&callback).await?;
    scene.phone.register_push().await?;
    let callback = scene.ask(2).await?;
    assert_eq!(scene.settled(&callback).await?["state"], "delivered");
    Ok(())
}

/// 401: Google forgot the access token; a new one is fetched and the push sent with it.
async fn google_forgets_the_access_token(engine: Engine) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Android).await?;
    let callback = scene.ask(0).await?;
    assert_eq!(scene.settled(&callback).await?["state"], "delivered");
    scene.forget(&callback).await?;
    let fcm = &scene.world.centre.doubles.fcm;
    fcm.revoke_tokens();
    let callback = scene.ask(1).await?;
    let push = scene.settled(&callback).await?;
    assert_eq!((push["state"].as_str(), push["attempts"].as_u64()), (Some("delivered"), Some(1)));
    assert_eq!(fcm.token_record().received().len(), 2, "one token at first, one more after the refusal");
    let statuses: Vec<u16> =
        scene.fcm().received().iter().filter_map(|push| Some(push.answer.as_ref()?.status)).collect();
    assert_eq!(statuses, [200, 401, 200]);
    Ok(())
}

/// 429 with `Retry-After`: not before that.
async fn google_asks_for_patience(engine: Engine) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Android).await?;
    scene.world.centre.doubles.fcm.script(vec![refusal("QUOTA_EXCEEDED", 2)])?;
    let callback = scene.ask(0).await?;
    let push = scene.settled(&callback).await?;
    assert_eq!((push["state"].as_str(), push["attempts"].as_u64()), (Some("delivered"), Some(2)));
    let tries = arrived(scene.fcm(), 2).await?;
    let waited_s = tries[1].at.duration_since(tries[0].at).as_secs_f64();
    assert!(waited_s >= 2.0, "waited {waited_s} s");
    Ok(())
}

/// The app speaks for a bundle id that nobody entered a key for. Staff is told; the question can still be answered.
async fn nobody_entered_a_credential(engine: Engine) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Iphone).await?;
    let target =
        json!({ "apns": { "token": "a1b2", "environment": "sandbox", "topic": "com.example.other" } });
    scene.phone.register_target(serde_json::from_value(target)?).await?;
    let callback = scene.ask(0).await?;
    let push = scene.settled(&callback).await?;
    assert_eq!((push["state"].as_str(), push["reason"].as_str()), (Some("failed"), Some("no_credential")));
    assert!(scene.apns().received().is_empty());
    let confirmed = scene.phone.client.confirm(callback.id, ConfirmAnswer::Ready, None).await?;
    assert!(confirmed.ticket.is_none());
    Ok(())
}

/// A push that the provider answers late, after the person has: the answer stands, and the late word changes nothing.
async fn the_person_is_faster_than_the_provider(engine: Engine) -> Result<(), Failure> {
    let scene = Scene::start(engine, PhoneKind::Iphone).await?;
    scene.world.centre.doubles.apns.script(vec![Fault::Delay { delay_ms: 1000 }])?;
    let callback = scene.ask(0).await?;
    let push = scene.phone.wait_for_push(&scene.world.centre, &callback.id).await?;
    let PushOutcome::Event { action_token, .. } = scene.phone.receive(&push).await? else {
        return Err("the push was not understood".into());
    };
    scene.phone.client.confirm(callback.id.clone(), ConfirmAnswer::Ready, action_token).await?;
    scene.phone.until(&callback.id, EventKind::Connecting).await?;
    assert_eq!(scene.settled(&callback).await?["state"], "delivered");
    assert_eq!(scene.staff.callback(&callback.id).await?["phase"], "connecting");
    Ok(())
}

support::on_both_engines! {
    apns_unregistered => |engine| a_token_that_apple_does_not_know(engine, "Unregistered");
    apns_bad_device_token => |engine| a_token_that_apple_does_not_know(engine, "BadDeviceToken");
    apns_service_unavailable => |engine| apple_is_unwell(engine);
    apns_expired_provider_token => |engine| the_provider_token_has_run_out(engine);
    apns_invalid_provider_token => |engine| the_lane_is_blocked_and_lifted(engine);
    apns_invalid_provider_token_for_good => |engine| the_lane_stays_blocked(engine);
    apns_slow => |engine| the_person_is_faster_than_the_provider(engine);
    fcm_unregistered => |engine| google_no_longer_knows_the_app(engine);
    fcm_unauthenticated => |engine| google_forgets_the_access_token(engine);
    fcm_quota_exceeded => |engine| google_asks_for_patience(engine);
    no_credential => |engine| nobody_entered_a_credential(engine);
}
