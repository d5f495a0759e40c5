//! The device registry on both databases.

use jiff::{SignedDuration, Timestamp};
use ringback_core::protocol::{
    ApnsEnvironment, CallbackRequest, Device, FcmTokenKind, ProblemCode, PushEvent, PushRegistration,
    PushTarget,
};
use ringback_server::app::Effects;
use ringback_server::callbacks::{NewCallback, cancel_by_staff, create, find};
use ringback_server::centre::Centre;
use ringback_server::identity::admin::create_app_key;
use ringback_server::push::devices::{self, MAX_DEVICES};
use ringback_server::push::ledger::{Tried, settle};
use ringback_server::push::outbox::{self, News, Turn};
use ringback_server::push::outcome::Outcome;
use ringback_server::push::texts::TextKey;
use ringback_server::push::verdict::judge;
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{Named, create_queue};
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::scratch::Scratch;
use ringback_server::storage::{Engine, Storage, Tx};
use serde_json::{Value, json};
use std::sync::Arc;

on_both_engines!(
    one_person_has_several_devices,
    a_new_token_keeps_the_device,
    the_provider_is_believed_about_what_it_knew,
    a_token_that_is_wrong_here_rests,
    a_phone_that_was_sold,
    two_register_the_same_token_at_once,
    twenty_and_no_more,
    activities_that_ended_crowd_nobody_out,
    what_is_wrong_is_named,
    an_activity_is_of_ones_own_open_callback
);

const ANNE: &str = "in_anne";
const BERT: &str = "in_bert";
/// The `p256dh` and `auth` of RFC 8291, appendix A.
const KEY: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn at(second: i64) -> Timestamp {
    let start: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
    start.checked_add(SignedDuration::from_secs(second)).unwrap()
}

/// A database with two installations, a service, and a callback of Anne's.
struct Registry {
    // The file goes with it.
    _scratch: Scratch,
    storage: Storage,
    centre: Arc<Centre>,
    callback_id: String,
}

impl Registry {
    async fn open(engine: Engine) -> Self {
        let scratch = Scratch::new(engine);
        let (storage, vault) = Storage::open_sealed(&scratch.settings).await.unwrap();
        let centre = Arc::new(Centre::new(vault));
        let for_setup = centre.clone();
        let furnished = storage.write(move |tx| {
            Effects::collect(tx, |tx, effects| furnish(tx, effects, &for_setup)).map(|(id, _)| id)
        });
        let callback_id = furnished.await.unwrap();
        Self { _scratch: scratch, storage, centre, callback_id }
    }

    async fn tx<T: Send + 'static>(
        &self,
        mut body: impl FnMut(&mut Tx<'_>, &mut Effects, &Centre) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let centre = self.centre.clone();
        self.storage
            .write(move |tx| {
                Effects::collect(tx, |tx, effects| body(tx, effects, &centre)).map(|(value, _)| value)
            })
            .await
    }

    async fn register(
        &self,
        installation: &'static str,
        registration: PushRegistration,
        now: Timestamp,
    ) -> Result<Device, Refusal> {
        self.tx(move |tx, _, centre| devices::register(tx, &centre.vault, installation, &registration, now))
            .await
    }

    async fn list(&self, installation: &'static str) -> Vec<String> {
        let list = self.tx(move |tx, _, _| devices::list(tx, installation)).await.unwrap();
        list.into_iter().map(|device| device.id).collect()
    }

    /// What the registry says of a device: its state and why.
    async fn state(&self, device: &Device) -> (String, Option<String>) {
        let id = device.id.clone();
        let state = self.tx(move |tx, _, _| {
            Ok(tx.query_one("select state, state_reason from devices where id = $1", &[&id], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?)
        });
        state.await.unwrap()
    }

    /// A push to Anne's devices that the provider answers; `meanwhile` happens while it is under way.
    async fn answered(&self, said: Outcome, attempt: i64, meanwhile: Option<(PushRegistration, Timestamp)>) {
        let id = self.callback_id.clone();
        let claims = self.tx(move |tx, effects, _| {
            let record = find(tx, &id)?;
            let news = News {
                event: PushEvent::CallbackMissed,
                occasion: attempt,
                text: TextKey::CallbackMissed,
                from: None,
                until: None,
            };
            outbox::enqueue(tx, effects, &record, &news, at(attempt))?;
            let mut claims = Vec::new();
            for lane in outbox::lanes(tx)? {
                claims.extend(outbox::claim(tx, (&lane, 1), (Turn::FIRST, 10), at(attempt))?);
            }
            Ok(claims)
        });
        let claims = claims.await.unwrap();
        assert_eq!(claims.len(), 1, "one device");
        if let Some((registration, now)) = meanwhile {
            self.register(ANNE, registration, now).await.unwrap();
        }
        let settled = self.tx(move |tx, _, _| {
            let claim = claims[0].clone();
            let verdict = judge(said.clone(), &claim, at(attempt));
            settle(tx, &Tried { claim: claim.into(), verdict, at: at(attempt), took_us: 1 }, at(attempt))
        });
        assert!(settled.await.unwrap());
    }

    /// How many pushes wait for their device.
    async fn sendable(&self) -> usize {
        let claims = self.tx(|tx, _, _| {
            let mut claims = Vec::new();
            for lane in outbox::lanes(tx)? {
                claims.extend(outbox::claim(tx, (&lane, 1), (Turn::FIRST, 10), at(100))?);
            }
            Ok(claims)
        });
        claims.await.unwrap().iter().filter(|claim| claim.still_true).count()
    }
}

fn furnish(tx: &mut Tx<'_>, effects: &mut Effects, centre: &Centre) -> Result<String, Refusal> {
    let now = at(0);
    create_app_key(tx, "app", now)?;
    for installation in [ANNE, BERT] {
        tx.execute(
            "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
             select $1, k.id, $2, $2, 0, $3 from api_keys k where k.name = 'app'",
            &[&installation, &installation.as_bytes().to_vec(), &now],
        )?;
    }
    create_queue(tx, &Named { name: "support".to_owned() }, now)?;
    create_service(tx, &ServiceSetup::new("billing", "support"), now)?;
    let new = NewCallback::check(ANNE.to_owned(), None, CallbackRequest::new("billing", "+4930901820000"))?;
    Ok(create(tx, effects, centre, &new, now)?.id)
}

fn iphone(token: &str) -> PushRegistration {
    PushRegistration::new(PushTarget::Apns {
        token: token.into(),
        environment: ApnsEnvironment::Sandbox,
        topic: "com.example.ringback".to_owned(),
    })
}

fn named(name: &str, registration: PushRegistration) -> PushRegistration {
    PushRegistration { name: Some(name.to_owned()), ..registration }
}

fn activity(token: &str, callback_id: &str) -> PushRegistration {
    PushRegistration::new(PushTarget::LiveActivity {
        token: token.into(),
        environment: ApnsEnvironment::Sandbox,
        topic: "com.example.ringback".to_owned(),
        callback_id: Some(callback_id.to_owned()),
    })
}

fn gone(since: Option<Timestamp>) -> Outcome {
    Outcome::TokenGone { invalid_since: since, reason: "Unregistered".to_owned() }
}

async fn one_person_has_several_devices(engine: Engine) {
    let registry = Registry::open(engine).await;
    let phone = registry.register(ANNE, iphone("a1"), at(1)).await.unwrap();
    let tablet = registry.register(ANNE, named("tablet", iphone("a2")), at(2)).await.unwrap();
    let android = PushTarget::Fcm { token: "f1".into(), kind: FcmTokenKind::Fid };
    let android = registry.register(ANNE, PushRegistration::new(android), at(3)).await.unwrap();
    assert_eq!(registry.list(ANNE).await, [&phone, &tablet, &android].map(|device| device.id.clone()));
    assert!(registry.list(BERT).await.is_empty());

    registry
        .tx({
            let id = tablet.id.clone();
            move |tx, _, _| devices::unregister(tx, ANNE, &id)
        })
        .await
        .unwrap();
    assert_eq!(registry.list(ANNE).await, [phone.id.clone(), android.id]);
    let stranger = registry.tx(move |tx, _, _| devices::unregister(tx, BERT, &phone.id)).await;
    let problem = stranger.unwrap_err().into_problem();
    assert_eq!(problem.code, ProblemCode::DeviceNotFound.code());
    // Registered again it is the same device, and reached.
    let again = registry.register(ANNE, named("tablet", iphone("a2")), at(9)).await.unwrap();
    assert_eq!((again.id.clone(), again.registered_at), (tablet.id, at(9)));
    assert!(registry.list(ANNE).await.contains(&again.id));
}

async fn a_new_token_keeps_the_device(engine: Engine) {
    let registry = Registry::open(engine).await;
    let first = registry.register(ANNE, iphone("a1"), at(1)).await.unwrap();
    let seen_again = registry.register(ANNE, iphone("a1"), at(2)).await.unwrap();
    assert_eq!(seen_again, first, "the same token keeps its first day");
    let rotated = registry.register(ANNE, iphone("b1"), at(3)).await.unwrap();
    assert_eq!((rotated.id, rotated.registered_at), (first.id.clone(), at(3)));
    assert_eq!(registry.list(ANNE).await, [first.id]);
}

async fn the_provider_is_believed_about_what_it_knew(engine: Engine) {
    let registry = Registry::open(engine).await;
    let device = registry.register(ANNE, iphone("a1"), at(10)).await.unwrap();
    registry.answered(gone(Some(at(9))), 11, None).await;
    assert_eq!(registry.state(&device).await.0, "active", "gone before it was registered");

    // The app said at 20 that this is its token.
    registry.register(ANNE, iphone("a1"), at(20)).await.unwrap();
    registry.answered(gone(Some(at(15))), 21, None).await;
    assert_eq!(registry.state(&device).await.0, "active", "seen since");
    registry.answered(gone(Some(at(22))), 23, None).await;
    assert_eq!(registry.state(&device).await, ("gone".to_owned(), Some("Unregistered".to_owned())));
    assert!(registry.list(ANNE).await.is_empty());

    let back = registry.register(ANNE, iphone("a1"), at(30)).await.unwrap();
    assert_eq!((&back.id, back.registered_at), (&device.id, at(30)), "back, as of now");
    // An answer about the token of before, which came late.
    registry.answered(gone(None), 31, Some((iphone("b2"), at(32)))).await;
    assert_eq!(registry.state(&device).await.0, "active");
    registry.answered(gone(None), 33, None).await;
    assert_eq!(registry.state(&device).await.0, "gone");
}

async fn a_token_that_is_wrong_here_rests(engine: Engine) {
    let registry = Registry::open(engine).await;
    let device = registry.register(ANNE, iphone("a1"), at(1)).await.unwrap();
    registry.answered(Outcome::TokenRejected { reason: "BadDeviceToken".to_owned() }, 2, None).await;
    let quarantined = ("quarantined".to_owned(), Some("BadDeviceToken".to_owned()));
    assert_eq!(registry.state(&device).await, quarantined);
    assert!(registry.list(ANNE).await.is_empty());
    let again = registry.register(ANNE, iphone("a1"), at(3)).await.unwrap();
    assert_eq!((&again.id, again.registered_at), (&device.id, at(3)));
    assert_eq!(registry.state(&device).await, ("active".to_owned(), None));
}

async fn a_phone_that_was_sold(engine: Engine) {
    let registry = Registry::open(engine).await;
    let anne = registry.register(ANNE, iphone("a1"), at(1)).await.unwrap();
    let id = registry.callback_id.clone();
    let told = registry.tx(move |tx, effects, _| {
        let news = News {
            event: PushEvent::CallbackMissed,
            occasion: 0,
            text: TextKey::CallbackMissed,
            from: None,
            until: None,
        };
        let record = find(tx, &id)?;
        outbox::enqueue(tx, effects, &record, &news, at(2))
    });
    told.await.unwrap();
    let bert = registry.register(BERT, iphone("a1"), at(3)).await.unwrap();
    assert_eq!(registry.state(&anne).await, ("gone".to_owned(), Some("moved".to_owned())));
    assert_eq!(registry.list(BERT).await, [bert.id]);
    assert_eq!(registry.sendable().await, 0, "what is on its way to Anne does not reach Bert");
}

async fn two_register_the_same_token_at_once(engine: Engine) {
    let registry = Arc::new(Registry::open(engine).await);
    for round in 0..30_i64 {
        let token = format!("{round:02x}");
        let (ann, bert) = tokio::join!(
            registry.register(ANNE, iphone(&token), at(round)),
            registry.register(BERT, iphone(&token), at(round)),
        );
        ann.unwrap();
        bert.unwrap();
        let reached = registry.list(ANNE).await.len() + registry.list(BERT).await.len();
        assert_eq!(reached, 1, "round {round}: one of them has it");
    }
    // And tokens that change hands crosswise.
    for round in 0..30_i64 {
        let (one, other) = if round % 2 == 0 { ("c1", "c2") } else { ("c2", "c1") };
        let (ann, bert) = tokio::join!(
            registry.register(ANNE, iphone(one), at(round)),
            registry.register(BERT, iphone(other), at(round)),
        );
        ann.unwrap();
        bert.unwrap();
        let twice: u32 = registry
            .tx(|tx, _, _| {
                Ok(tx.query_one(
                    "select count(*) from (select token_hash from devices where state = 'active' \
                     group by token_hash having count(*) > 1) twice",
                    &[],
                    |row| row.get(0),
                )?)
            })
            .await
            .unwrap();
        assert_eq!(twice, 0, "round {round}");
    }
}

async fn twenty_and_no_more(engine: Engine) {
    let registry = Registry::open(engine).await;
    let mut devices = Vec::new();
    for index in 0..MAX_DEVICES {
        let name = format!("d{index}");
        devices.push(
            registry.register(ANNE, named(&name, iphone(&format!("{index:02x}"))), at(index)).await.unwrap(),
        );
    }
    // The eldest shows itself again; now the second has not been seen for longest.
    registry.register(ANNE, named("d0", iphone("00")), at(50)).await.unwrap();
    registry.register(ANNE, named("one-more", iphone("ff")), at(51)).await.unwrap();
    assert_eq!(registry.list(ANNE).await.len() as i64, MAX_DEVICES);
    assert_eq!(registry.state(&devices[0]).await.0, "active");
    assert_eq!(registry.state(&devices[1]).await, ("gone".to_owned(), Some("too_many".to_owned())));
}

/// Live Activities come and go with every callback; those that are over take nobody's place.
async fn activities_that_ended_crowd_nobody_out(engine: Engine) {
    let registry = Registry::open(engine).await;
    let phone = registry.register(ANNE, iphone("a1"), at(1)).await.unwrap();
    let shown = registry.register(ANNE, activity("e0", &registry.callback_id), at(2)).await.unwrap();
    assert_eq!(registry.list(ANNE).await, [phone.id.clone(), shown.id.clone()]);
    let ended = registry.tx(move |tx, _, _| {
        Ok(tx.execute("update devices set channel = 'activity_ended' where id = $1", &[&shown.id])?)
    });
    assert_eq!(ended.await.unwrap(), 1);
    for index in 1..MAX_DEVICES {
        let name = format!("d{index}");
        registry.register(ANNE, named(&name, iphone(&format!("{index:02x}"))), at(2 + index)).await.unwrap();
    }
    assert_eq!(registry.state(&phone).await.0, "active");
    assert_eq!(registry.list(ANNE).await.len() as i64, MAX_DEVICES, "an ended one is not listed");
}

async fn what_is_wrong_is_named(engine: Engine) {
    let registry = Registry::open(engine).await;
    let (token, field) = (ProblemCode::PushTokenInvalid, ProblemCode::FieldInvalid);
    let apns = |token: &str, topic: &str| json!({ "apns": { "token": token, "environment": "sandbox", "topic": topic } });
    let live = |token: &str, topic: &str| json!({ "live_activity": { "token": token, "environment": "production", "topic": topic } });
    let fcm = |token: &str| json!({ "fcm": { "token": token, "kind": "token" } });
    let web = |endpoint: &str, p256dh: &str, auth: &str| json!({ "web_push": { "endpoint": endpoint, "p256dh": p256dh, "auth": auth } });
    let (bundle, url) = ("com.example.ringback", "https://push.example.com/a");
    let compressed = format!("A{}", &KEY[1..44]);
    let targets: Vec<(Value, ProblemCode, &str)> = vec![
        (apns("", bundle), token, "target.apns.token"),
        (apns("abc", bundle), token, "target.apns.token"),
        (apns("zz", bundle), token, "target.apns.token"),
        (apns(&"ab".repeat(300), bundle), token, "target.apns.token"),
        (apns("ab", ""), field, "target.apns.topic"),
        (apns("ab", "com.example/app"), field, "target.apns.topic"),
        (apns("ab", &"a".repeat(156)), field, "target.apns.topic"),
        (live("not hex", bundle), token, "target.live_activity.token"),
        (live("ab", "com example"), field, "target.live_activity.topic"),
        (fcm(""), token, "target.fcm.token"),
        (fcm("two words"), token, "target.fcm.token"),
        (fcm("schön"), token, "target.fcm.token"),
        (fcm(&"f".repeat(4097)), token, "target.fcm.token"),
        (web("http://push.example.com/a", KEY, AUTH), token, "target.web_push.endpoint"),
        (web("https://user@push.example.com/a", KEY, AUTH), token, "target.web_push.endpoint"),
        (web("no url", KEY, AUTH), token, "target.web_push.endpoint"),
        (web(&format!("{url}{}", "a".repeat(2048)), KEY, AUTH), token, "target.web_push.endpoint"),
        (web(url, "", AUTH), token, "target.web_push.p256dh"),
        (web(url, &compressed, AUTH), token, "target.web_push.p256dh"),
        (web(url, "%%", AUTH), token, "target.web_push.p256dh"),
        (web(url, KEY, "AAAA"), token, "target.web_push.auth"),
    ];
    let good = |more: Value| {
        let mut registration = json!({ "target": apns("ab", bundle) });
        registration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        registration
    };
    let words = [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "My phone" }), "name"),
        (json!({ "name": "n".repeat(65) }), "name"),
        (json!({ "locale": "" }), "locale"),
        (json!({ "locale": "de AT" }), "locale"),
        (json!({ "locale": "d".repeat(36) }), "locale"),
        (json!({ "app_version": "" }), "app_version"),
        (json!({ "app_version": "1\n2" }), "app_version"),
        (json!({ "app_version": "1".repeat(65) }), "app_version"),
    ];
    let cases = targets
        .into_iter()
        .map(|(target, code, field)| (json!({ "target": target }), code, field))
        .chain(words.into_iter().map(|(more, name)| (good(more), field, name)));
    for (registration, code, field) in cases {
        let shown = registration.to_string();
        let registration = serde_json::from_value(registration).unwrap();
        let refused = registry.register(ANNE, registration, at(1)).await;
        let problem = refused.expect_err(&shown).into_problem();
        assert_eq!((problem.code.as_str(), problem.field.as_deref()), (code.code(), Some(field)), "{shown}");
    }
    assert!(registry.list(ANNE).await.is_empty());
    for registration in [
        json!({ "target": web(url, KEY, AUTH) }),
        json!({ "target": web(&format!("{url}/2"), &format!("{KEY}="), &format!("{AUTH}==")), "name": "padded" }),
        good(
            json!({ "name": "n".repeat(64), "locale": "zh-Hant-TW", "app_version": "1.2 (34)", "has_texts": true }),
        ),
    ] {
        let shown = registration.to_string();
        registry.register(ANNE, serde_json::from_value(registration).unwrap(), at(2)).await.expect(&shown);
    }
}

async fn an_activity_is_of_ones_own_open_callback(engine: Engine) {
    let registry = Registry::open(engine).await;
    let id = registry.callback_id.clone();
    for (installation, callback_id) in [(BERT, id.as_str()), (ANNE, "cb_none")] {
        let refused = registry.register(installation, activity("e1", callback_id), at(1)).await;
        let problem = refused.unwrap_err().into_problem();
        assert_eq!(problem.code, ProblemCode::CallbackNotFound.code());
    }
    let first = registry.register(ANNE, activity("e1", &id), at(1)).await.unwrap();
    let renewed = registry.register(ANNE, activity("e2", &id), at(2)).await.unwrap();
    assert_eq!(first.id, renewed.id, "a callback has one activity; its token may change");
    let ended =
        registry.tx(move |tx, effects, centre| cancel_by_staff(tx, effects, centre, &id, "staff", at(3)));
    ended.await.unwrap();
    let refused = registry.register(ANNE, activity("e3", &registry.callback_id), at(4)).await;
    let problem = refused.unwrap_err().into_problem();
    assert_eq!(problem.code, ProblemCode::CallbackMovedOn.code());
    assert_eq!(problem.field.as_deref(), Some("target.live_activity.callback_id"));
}
