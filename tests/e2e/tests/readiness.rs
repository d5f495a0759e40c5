//! "Your agent is ready, are you?", asked on two devices and answered from a notification's own actions; the same stands in
//! Kotlin and in Swift.

use reqwest::Method;
use ringback_core::client::{ClientError, PushOutcome, ResumeOutcome};
use ringback_core::protocol::{
    ACTION_CANCEL, ACTION_OTHER_NUMBER, ACTION_READY, ACTION_SNOOZE, ApnsEnvironment, CATEGORY_AGENT_READY,
    Callback, CallbackState, CompletedReason, EventKind, FcmTokenKind, PushRegistration, PushTarget,
    PushToken, RoutingPhase,
};
use ringback_doubles::{Received, Record};
use ringback_e2e::{Phone, PhoneKind, Staff, TOPIC, number, push_data};
use ringback_server::storage::Engine;
use serde_json::Value;
use std::time::Duration;

mod support;
use support::{Failure, World};

const LIMIT: Duration = Duration::from_secs(30);

/// A person with an iPhone and an Android tablet, who is asked.
struct Asked {
    world: World,
    staff: Staff,
    /// The app: both devices belong to it.
    person: Phone,
    callback: Callback,
    on_phone: Received,
    on_tablet: Received,
}

impl Asked {
    async fn start(engine: Engine) -> Result<Self, Failure> {
        let world = World::start(engine).await?;
        let staff = world.centre.staff();
        let person = Phone::new(&world.centre, PhoneKind::Iphone, &world.folder("person"), None)?;
        let iphone = PushTarget::Apns {
            token: PushToken::new("0a".repeat(32)),
            environment: ApnsEnvironment::Sandbox,
            topic: TOPIC.to_owned(),
        };
        let tablet = PushTarget::Fcm { token: PushToken::new("a-tablet"), kind: FcmTokenKind::Token };
        for (name, target) in [("phone", iphone), ("tablet", tablet)] {
            let name = Some(name.to_owned());
            person.client.register_push(PushRegistration { name, ..PushRegistration::new(target) }).await?;
        }
        assert_eq!(person.client.devices().await?.len(), 2);

        let callback = person.client.request_callback(Phone::request("billing", number(0))).await?;
        staff.agent("ada", "ready").await?;
        let doubles = &world.centre.doubles;
        let on_phone = arrived(doubles.apns.record(), &callback, false).await?;
        let on_tablet = arrived(doubles.fcm.record(), &callback, false).await?;
        person.until(&callback.id, EventKind::Notified).await?;
        Ok(Self { world, staff, person, callback, on_phone, on_tablet })
    }

    /// The tablet is told that its question is settled, and can no longer answer it.
    async fn tablet_is_told(&self) -> Result<(), Failure> {
        let withdrawal = arrived(self.world.centre.doubles.fcm.record(), &self.callback, true).await?;
        assert_eq!(tag(&withdrawal), tag(&self.on_tablet), "it takes the question's place");
        assert_eq!(said(&withdrawal)["action_token"], Value::Null);
        let outcome = self.person.receive(&withdrawal).await?;
        assert_eq!(outcome, PushOutcome::Withdrawn { callback_id: self.callback.id.clone() });
        let late = self.person.act(&self.on_tablet, ACTION_READY, None).await;
        let refused = late.as_ref().err().map(ClientError::code);
        assert_eq!(refused, Some("action_token_spent"), "the first answer counts");
        assert_eq!(self.world.centre.doubles.apns.record().received().len(), 1, "the phone knows");
        Ok(())
    }

    /// What the server counted of receipts, by provider and kind.
    async fn receipts(&self, provider: &str, kind: &str) -> Result<u64, Failure> {
        // What is not yet answered is sent once more and waited for.
        self.person.client.resume().await?;
        let metrics = reqwest::get(format!("{}/metrics", self.world.centre.url)).await?.text().await?;
        let is_wanted = |line: &&str| {
            line.starts_with("ringback_push_receipts_total{")
                && line.contains(&format!("provider=\"{provider}\""))
                && line.contains(&format!("kind=\"{kind}\""))
        };
        let counts =
            metrics.lines().filter(is_wanted).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }
}

/// The push about a callback, once its provider has it.
async fn arrived(record: &Record, callback: &Callback, withdrawn: bool) -> Result<Received, Failure> {
    let is_it = |push: &Received| {
        let said = said(push);
        said["callback_id"] == *callback.id && (said["withdrawn"] == true) == withdrawn
    };
    Ok(record.wait_for(LIMIT, is_it).await?)
}

fn said(push: &Received) -> Value {
    serde_json::from_str(&push_data(push)["ringback"]).unwrap_or_default()
}

fn tag(push: &Received) -> &Value {
    &push.payload["message"]["android"]["notification"]["tag"]
}

async fn the_phone_answers_and_the_tablet_is_told(engine: Engine) -> Result<(), Failure> {
    let asked = Asked::start(engine).await?;
    let (person, staff, id) = (&asked.person, &asked.staff, &asked.callback.id);

    // Both are asked the same, each with a right to answer of its own.
    let (phone, tablet) = (said(&asked.on_phone), said(&asked.on_tablet));
    assert_eq!((&phone["push_id"], &phone["expires_at"]), (&tablet["push_id"], &tablet["expires_at"]));
    assert_ne!(phone["delivery_id"], tablet["delivery_id"]);
    assert_ne!(phone["action_token"], tablet["action_token"]);
    assert_eq!(asked.on_phone.headers["apns-collapse-id"], *id);
    assert_eq!(tag(&asked.on_tablet), id.as_str());
    assert_eq!(asked.on_phone.payload["aps"]["category"], CATEGORY_AGENT_READY);

    // The tablet's app sees the question; on the phone's lock screen the person taps "ready", with the app closed.
    assert!(matches!(person.receive(&asked.on_tablet).await?, PushOutcome::Event { .. }));
    let confirmation = person.act(&asked.on_phone, ACTION_READY, None).await?;
    assert_eq!(confirmation.callback.phase, Some(RoutingPhase::Confirmed));
    asked.tablet_is_told().await?;

    // Staff sees what the devices did: the question and its withdrawal came to the tablet, the phone's was opened.
    assert_eq!(asked.receipts("fcm", "received").await?, 2);
    assert_eq!(asked.receipts("apns", "opened").await?, 1);
    assert!(person.client.pending().await?.is_empty());

    // The call goes on.
    person.until(id, EventKind::Connecting).await?;
    assert_eq!(staff.desk("ada").await?["callback"]["number"], number(0).expose());
    staff.result(id, "connected").await?;
    person.until(id, EventKind::Processing).await?;
    staff.complete(id).await?;
    let completed = person.until(id, EventKind::Completed).await?;
    assert_eq!(completed.callback.reason, Some(CompletedReason::Handled));
    Ok(())
}

async fn in_ten_minutes(engine: Engine) -> Result<(), Failure> {
    let asked = Asked::start(engine).await?;
    let callback = asked.person.act(&asked.on_phone, ACTION_SNOOZE, None).await?.callback;
    assert_eq!(callback.state, CallbackState::Queued);
    let answered = ringback_core::protocol::Timestamp::now();
    let rests_s = callback.not_before.ok_or("it rests")?.duration_since(answered).as_secs();
    assert!((590..=600).contains(&rests_s), "{rests_s} s");
    asked.tablet_is_told().await
}

async fn on_another_number(engine: Engine) -> Result<(), Failure> {
    let asked = Asked::start(engine).await?;
    let typed = asked.person.act(&asked.on_phone, ACTION_OTHER_NUMBER, Some("no number")).await;
    assert_eq!(typed.as_ref().err().map(ClientError::code), Some("number_not_e164"));

    // A mistyped number spends nothing: the person types again, in groups this time.
    let other = number(1);
    let (country, rest) = other.expose().split_at(3);
    let grouped = format!(" {country} {rest} ");
    let callback = asked.person.act(&asked.on_phone, ACTION_OTHER_NUMBER, Some(&grouped)).await?.callback;
    assert_eq!(callback.phase, Some(RoutingPhase::Confirmed));
    asked.person.until(&callback.id, EventKind::Connecting).await?;
    assert_eq!(asked.staff.desk("ada").await?["callback"]["number"], other.expose());
    asked.tablet_is_told().await
}

async fn no_longer_needed(engine: Engine) -> Result<(), Failure> {
    let asked = Asked::start(engine).await?;
    let callback = asked.person.act(&asked.on_phone, ACTION_CANCEL, None).await?.callback;
    assert_eq!(callback.reason, Some(CompletedReason::CancelledByCustomer));
    asked.tablet_is_told().await?;
    assert_eq!(asked.staff.desk("ada").await?["state"], "ready", "the agent is free again");
    Ok(())
}

/// The server is away when the person answers: the answer is kept, and counts once it is back.
async fn the_answer_waits_for_the_server(engine: Engine) -> Result<(), Failure> {
    let mut asked = Asked::start(engine).await?;
    asked.world.centre.kill().await?;
    let away = asked.person.act(&asked.on_phone, ACTION_READY, None).await;
    assert!(matches!(away, Err(ClientError::Unreachable { pending_key: Some(_), .. })), "{away:?}");
    asked.world.centre.start_server().await?;
    let resumed = asked.person.client.resume().await?;
    let is_confirmed = |outcome: &ResumeOutcome| {
        matches!(outcome, ResumeOutcome::Accepted { callback: Some(callback), .. }
            if callback.phase == Some(RoutingPhase::Confirmed))
    };
    assert!(resumed.iter().any(|resumed| is_confirmed(&resumed.outcome)), "{resumed:?}");
    asked.tablet_is_told().await
}

/// A device that was unregistered is not asked.
async fn only_the_devices_that_are_left_are_asked(engine: Engine) -> Result<(), Failure> {
    let asked = Asked::start(engine).await?;
    let (client, staff) = (&asked.person.client, &asked.staff);
    asked.person.act(&asked.on_phone, ACTION_CANCEL, None).await?;
    asked.tablet_is_told().await?;
    let tablet = client.devices().await?.pop().ok_or("the tablet registered last")?;
    client.unregister_push(tablet.id).await?;
    assert_eq!(client.devices().await?.len(), 1);
    let callback = client.request_callback(Phone::request("billing", number(2))).await?;
    arrived(asked.world.centre.doubles.apns.record(), &callback, false).await?;
    let pushes = staff.ask(Method::GET, &format!("callbacks/{}/pushes", callback.id), None).await?;
    let providers: Vec<_> = pushes.as_array().into_iter().flatten().map(|push| &push["provider"]).collect();
    assert_eq!(providers, ["apns"]);
    Ok(())
}

support::on_both_engines! {
    ready => |engine| the_phone_answers_and_the_tablet_is_told(engine);
    snooze => |engine| in_ten_minutes(engine);
    other_number => |engine| on_another_number(engine);
    cancel => |engine| no_longer_needed(engine);
    answered_while_the_server_is_away => |engine| the_answer_waits_for_the_server(engine);
    one_device_is_left => |engine| only_the_devices_that_are_left_are_asked(engine);
}
