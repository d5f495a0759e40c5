//! A delivery in the words of each provider. Nothing about a person is in it: the app fetches the rest.

use super::apns::{ApnsExpiration, ApnsPriority, ApnsPush, ApnsPushType};
use super::apple::{AppleAlert, ApplePayload, AppleText, interruption_level};
use super::content::{ActivityEvent, ActivityState, Content};
use super::devices::{Channel, Subscription};
use super::fcm::{FcmNotification, FcmPriority, FcmPush, FcmTarget, FcmText};
use super::outbox::Claim;
use super::policy::Interruption;
use super::texts::{Text, TextKey};
use super::web_push::{WebPush, WebPushUrgency};
use crate::refusal::Refusal;
use ringback_core::protocol::{
    ActionToken, CATEGORY_AGENT_READY, CATEGORY_CALLBACK_REMINDER, PUSH_DATA_KEY, PushData, PushEvent,
    PushToken, Timestamp,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The type of an app's Live Activity attributes.
const ATTRIBUTES: &str = "RingbackAttributes";
/// A Live Activity that shows a wait says that it is out of date when it has heard nothing for so long, in seconds.
const STALE_AFTER_S: i64 = 120;
/// So long its last word is still seen, in seconds.
const SEEN_FOR_S: i64 = 120;

fn data(claim: &Claim, action_token: Option<ActionToken>) -> Result<String, Refusal> {
    let data = PushData {
        push_id: claim.push_id.clone(),
        delivery_id: claim.id.clone(),
        event: claim.event,
        callback_id: claim.callback_id.clone(),
        expires_at: claim.expires_at,
        action_token,
        withdrawn: claim.withdrawn,
    };
    serde_json::to_string(&data).map_err(|_| Refusal::Damaged("a push that cannot be written"))
}

/// What replaces what on a device: a question has its callback's id, everything else a word more.
fn replaces(claim: &Claim) -> String {
    match claim.event {
        PushEvent::AgentReady => claim.callback_id.clone(),
        PushEvent::CallbackUpcoming => format!("{}:upcoming", claim.callback_id),
        PushEvent::CallbackReminder => format!("{}:reminder", claim.callback_id),
        PushEvent::CallbackChanged => format!("{}:changed", claim.callback_id),
        PushEvent::CallbackMissed => format!("{}:missed", claim.callback_id),
        PushEvent::QueueProgress | PushEvent::Unknown => format!("{}:progress", claim.callback_id),
    }
}

/// The push for an Apple device.
pub fn for_apns(
    claim: &Claim,
    token: PushToken,
    action_token: Option<ActionToken>,
) -> Result<ApnsPush<ApplePayload<'_>>, Refusal> {
    let (push_type, priority, payload) = match &*claim.content {
        Content::Alert { key, text, interruption, sound } => {
            let asks = claim.event == PushEvent::AgentReady;
            let aps = AppleAlert {
                alert: AppleText::of(*key, text, claim.has_texts),
                interruption_level: interruption_level(*interruption),
                thread_id: &claim.callback_id,
                sound: sound.as_deref(),
                category: match claim.event {
                    PushEvent::AgentReady if !claim.withdrawn => Some(CATEGORY_AGENT_READY),
                    PushEvent::CallbackReminder => Some(CATEGORY_CALLBACK_REMINDER),
                    _ => None,
                },
                // The app is woken, too, so that it can take the notification back.
                content_available: (asks && claim.withdrawn).then_some(1),
            };
            let payload = ApplePayload::Alert { aps, data: data(claim, action_token)? };
            (ApnsPushType::Alert, ApnsPriority::Immediate, payload)
        }
        Content::Activity { event, state } => {
            let payload = ApplePayload::Activity(activity(claim, *event, state));
            (ApnsPushType::LiveActivity, activity_priority(*event, state), payload)
        }
    };
    Ok(ApnsPush {
        device_token: token,
        topic: claim.topic.to_string(),
        push_type,
        priority,
        expiration: ApnsExpiration::At(claim.expires_at),
        collapse_id: (push_type == ApnsPushType::Alert).then(|| replaces(claim)),
        apns_id: claim.id.parse().map_err(|_| Refusal::Damaged("a delivery's id"))?,
        payload,
    })
}

/// Apple counts updates of high priority; a step forward in line is not worth one.
fn activity_priority(event: ActivityEvent, state: &ActivityState) -> ApnsPriority {
    match event {
        ActivityEvent::Update if state.position.is_some() => ApnsPriority::PowerSaving,
        _ => ApnsPriority::Immediate,
    }
}

fn activity(claim: &Claim, event: ActivityEvent, state: &ActivityState) -> Value {
    let at_s = state.at.as_second();
    let mut aps = json!({ "timestamp": at_s, "content-state": state });
    match event {
        ActivityEvent::Start => {
            aps["event"] = json!("start");
            aps["attributes-type"] = json!(ATTRIBUTES);
            aps["attributes"] = json!({ "callback_id": claim.callback_id });
            let (title, body) = ("Your place in line", "You will be called.");
            aps["alert"] = json!({ "title": title, "body": body });
        }
        ActivityEvent::Update => aps["event"] = json!("update"),
        ActivityEvent::End => {
            aps["event"] = json!("end");
            aps["dismissal-date"] = json!(at_s + SEEN_FOR_S);
        }
    }
    // What is no wait stays so until something happens, and that is told at once.
    if state.position.is_some() {
        aps["stale-date"] = json!(at_s + STALE_AFTER_S);
    }
    json!({ "aps": aps })
}

/// The push for a device that Firebase reaches.
pub fn for_fcm(
    claim: &Claim,
    token: PushToken,
    action_token: Option<ActionToken>,
    now: Timestamp,
) -> Result<FcmPush, Refusal> {
    let (key, text, interruption, sound) = shown(claim)?;
    let text = if claim.has_texts {
        let (title, body) = key.resource_keys();
        FcmText::Keys { title: title.to_owned(), body: body.to_owned() }
    } else {
        FcmText::Plain { title: text.title.clone(), body: text.body.clone() }
    };
    Ok(FcmPush {
        target: if &*claim.kind == "fid" { FcmTarget::Fid(token) } else { FcmTarget::Token(token) },
        data: BTreeMap::from([(PUSH_DATA_KEY.to_owned(), data(claim, action_token)?)]),
        priority: if interruption == Interruption::Passive { FcmPriority::Normal } else { FcmPriority::High },
        ttl_s: ttl_s(claim, now),
        // A device keeps at most four keys, so they are fixed and the notification's tag tells callbacks apart.
        collapse_key: Some(
            match claim.event {
                PushEvent::AgentReady => "ringback_agent_ready",
                PushEvent::CallbackUpcoming | PushEvent::CallbackReminder => "ringback_soon",
                PushEvent::CallbackChanged => "ringback_changed",
                _ => "ringback_missed",
            }
            .to_owned(),
        ),
        notification: Some(FcmNotification { text, tag: replaces(claim), sound: sound.cloned() }),
    })
}

/// The push for a browser's service worker.
pub fn for_browser(
    claim: &Claim,
    subscription: Subscription,
    action_token: Option<ActionToken>,
    now: Timestamp,
) -> Result<WebPush, Refusal> {
    let (_, text, interruption, _) = shown(claim)?;
    let message = json!({
        "title": text.title,
        "body": text.body,
        "tag": replaces(claim),
        "silent": interruption == Interruption::Passive,
        PUSH_DATA_KEY: data(claim, action_token)?,
    });
    Ok(WebPush {
        endpoint: subscription.endpoint,
        p256dh: subscription.p256dh,
        auth: subscription.auth,
        ttl_s: ttl_s(claim, now),
        urgency: match interruption {
            Interruption::Passive => WebPushUrgency::Low,
            Interruption::Active => WebPushUrgency::Normal,
            Interruption::TimeSensitive => WebPushUrgency::High,
        },
        topic: Some(topic(claim)),
        payload: message.to_string().into_bytes(),
    })
}

/// What replaces what at a browser's push service, in the 32 characters that a topic has.
fn topic(claim: &Claim) -> String {
    let event = match claim.event {
        PushEvent::AgentReady => 'a',
        PushEvent::CallbackUpcoming => 'u',
        PushEvent::CallbackReminder => 'r',
        PushEvent::CallbackChanged => 'c',
        PushEvent::CallbackMissed => 'm',
        PushEvent::QueueProgress | PushEvent::Unknown => 'p',
    };
    let id = &claim.callback_id;
    format!("{event}{}", &id[id.len().saturating_sub(31)..])
}

fn shown(claim: &Claim) -> Result<(TextKey, &Text, Interruption, Option<&String>), Refusal> {
    match (&*claim.content, claim.channel) {
        (Content::Alert { key, text, interruption, sound }, Channel::Fcm | Channel::WebPush) => {
            Ok((*key, text, *interruption, sound.as_ref()))
        }
        _ => Err(Refusal::Damaged("a Live Activity for a device that has none")),
    }
}

/// Rounded down: better not at all than a moment too late.
fn ttl_s(claim: &Claim, now: Timestamp) -> u32 {
    u32::try_from(claim.expires_at.duration_since(now).as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::apns::ApnsPayload;
    use proptest::prelude::*;
    use ringback_core::protocol::{CallbackState, RoutingPhase};

    /// What a record of RFC 8188 has room for in 4096 bytes: 86 go to its header, 16 to the tag, 1 to the delimiter.
    const BROWSER_BYTES: usize = 4096 - 86 - 16 - 1;

    fn claim(event: PushEvent, channel: Channel, content: Content, has_texts: bool) -> Claim {
        let expires_at = Timestamp::from_second(1_800_000_000).unwrap();
        Claim {
            seq: 1,
            id: uuid::Uuid::max().to_string(),
            fence: 1,
            attempts: 1,
            push_id: format!("pu_{}", uuid::Uuid::max().simple()),
            callback_id: format!("cb_{}", uuid::Uuid::max().simple()),
            event,
            occasion: i64::MAX,
            withdrawn: false,
            urgency: 1,
            content: content.into(),
            expires_at,
            due_at: expires_at,
            created_at: expires_at,
            device_id: format!("dv_{}", uuid::Uuid::max().simple()),
            provider: "apns".into(),
            lane: "apns".into(),
            channel,
            kind: "token".into(),
            topic: "com.example.ringback".into(),
            has_texts,
            token: Vec::new(),
            registered_at: expires_at,
            still_true: true,
        }
    }

    fn action_token() -> Option<ActionToken> {
        // As long as a delivery's id and a keyed hash of 32 bytes in base64url.
        Some(ActionToken::new("t".repeat(36 + 1 + 43)))
    }

    fn any_text() -> impl Strategy<Value = Text> {
        // Plain, beyond the first plane, and what JSON writes as six bytes.
        let of = |most| {
            prop_oneof![Just('a'), Just('\u{1F600}'), Just('\u{1}'), any::<char>()]
                .prop_flat_map(move |one| {
                    prop::collection::vec(prop_oneof![Just(one), any::<char>()], 1..=most)
                })
                .prop_map(|all| all.into_iter().collect::<String>())
        };
        (of(80), of(240)).prop_map(|(title, body)| Text { title, body })
    }

    fn sizes(claim: &Claim) -> (usize, usize, usize) {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let token = || PushToken::new("a".repeat(64));
        let mut to_apple = claim.clone();
        to_apple.channel = Channel::Apns;
        let apns = for_apns(&to_apple, token(), action_token()).unwrap().payload.to_json().len();
        let fcm = for_fcm(claim, token(), action_token(), now).unwrap();
        let texts = match &fcm.notification.as_ref().unwrap().text {
            FcmText::Plain { title, body } | FcmText::Keys { title, body } => title.len() + body.len(),
        };
        let data: usize = fcm.data.iter().map(|(key, value)| key.len() + value.len()).sum();
        let of_nobody = || PushToken::from("");
        let subscription = Subscription { endpoint: of_nobody(), p256dh: of_nobody(), auth: of_nobody() };
        let browser = for_browser(claim, subscription, action_token(), now).unwrap().payload.len();
        (apns, texts + data, browser)
    }

    proptest! {
        /// Whatever texts a service has: no provider refuses a push for its size.
        #[test]
        fn every_push_fits(text in any_text(), key in prop::sample::select(&TextKey::ALL[..]), has_texts: bool) {
            prop_assert!(text.fits());
            let sound = Some("s".repeat(64));
            let content = Content::Alert { key, text, interruption: Interruption::TimeSensitive, sound };
            let (apns, fcm, browser) = sizes(&claim(PushEvent::AgentReady, Channel::Fcm, content, has_texts));
            prop_assert!(apns <= 4096, "{apns}");
            prop_assert!(fcm <= 4096, "{fcm}");
            prop_assert!(browser <= BROWSER_BYTES, "{browser}");
        }
    }

    #[test]
    fn the_longest_texts_fit() {
        let text = Text { title: "\u{1}".repeat(80), body: "\u{1}".repeat(240) };
        assert!(text.fits());
        let sound = Some("s".repeat(64));
        let content = Content::Alert {
            key: TextKey::AgentReady,
            text,
            interruption: Interruption::TimeSensitive,
            sound,
        };
        let (apns, _, browser) = sizes(&claim(PushEvent::AgentReady, Channel::WebPush, content, false));
        assert!(apns <= 4096 && browser <= BROWSER_BYTES, "{apns} {browser}");
    }

    #[test]
    fn a_notification_is_worded_as_apple_wants_it() {
        let text = Text { title: "Your call".into(), body: "is \"near\"".into() };
        let alert = |key, sound| Content::Alert {
            key,
            text: text.clone(),
            interruption: Interruption::TimeSensitive,
            sound,
        };
        let payload = |claim: &Claim| {
            let push = for_apns(claim, "ab".into(), None).unwrap();
            assert_eq!(push.payload.check(ApnsPushType::Alert), Ok(()));
            assert!(push.payload.check(ApnsPushType::LiveActivity).is_err());
            let payload: Value = serde_json::from_str(&push.payload.to_json()).unwrap();
            assert!(payload.check(ApnsPushType::Alert).is_ok());
            let told: PushData = serde_json::from_str(payload[PUSH_DATA_KEY].as_str().unwrap()).unwrap();
            assert_eq!((&told.delivery_id, told.withdrawn), (&claim.id, claim.withdrawn));
            payload["aps"].clone()
        };
        let thread = format!("cb_{}", "f".repeat(32));
        let content = alert(TextKey::AgentReady, Some("ring.caf".to_owned()));
        let mut question = claim(PushEvent::AgentReady, Channel::Apns, content, false);
        assert_eq!(
            payload(&question),
            json!({ "alert": { "title": "Your call", "body": "is \"near\"" }, "interruption-level": "time-sensitive",
                "thread-id": thread, "sound": "ring.caf", "category": CATEGORY_AGENT_READY })
        );
        question.withdrawn = true;
        assert_eq!(payload(&question)["content-available"], 1);
        assert_eq!(payload(&question).get("category"), None);
        let content = alert(TextKey::CallbackReminder, None);
        assert_eq!(
            payload(&claim(PushEvent::CallbackReminder, Channel::Apns, content, true)),
            json!({ "alert": { "title-loc-key": "ringback_callback_reminder_title", "loc-key": "ringback_callback_reminder_body" },
                "interruption-level": "time-sensitive", "thread-id": thread, "category": CATEGORY_CALLBACK_REMINDER })
        );
    }

    #[test]
    fn an_activity_is_worded_as_apple_wants_it() {
        let at = Timestamp::from_second(1_764_000_000).unwrap();
        let waiting = ActivityState {
            state: CallbackState::Queued,
            phase: None,
            position: Some(3),
            wait_p50_s: Some(240),
            wait_p90_s: Some(600),
            at,
        };
        let called = ActivityState {
            state: CallbackState::Routing,
            phase: Some(RoutingPhase::Connecting),
            position: None,
            wait_p50_s: None,
            wait_p90_s: None,
            at,
        };
        let push = |event, state: &ActivityState| {
            let content = Content::Activity { event, state: state.clone() };
            let claim = claim(PushEvent::QueueProgress, Channel::Activity, content, false);
            let push = for_apns(&claim, "ab".into(), None).unwrap();
            assert_eq!(push.payload.check(ApnsPushType::LiveActivity), Ok(()));
            assert!(push.payload.check(ApnsPushType::Background).is_err());
            let payload: Value = serde_json::from_str(&push.payload.to_json()).unwrap();
            ApnsPush {
                payload,
                device_token: push.device_token,
                topic: push.topic,
                push_type: push.push_type,
                priority: push.priority,
                expiration: push.expiration,
                collapse_id: push.collapse_id,
                apns_id: push.apns_id,
            }
        };
        let start = push(ActivityEvent::Start, &waiting);
        assert_eq!((start.push_type, start.priority), (ApnsPushType::LiveActivity, ApnsPriority::Immediate));
        assert_eq!(start.collapse_id, None);
        assert_eq!(
            start.payload["aps"]["attributes"]["callback_id"],
            json!(format!("cb_{}", "f".repeat(32)))
        );
        let update = push(ActivityEvent::Update, &waiting);
        assert_eq!(update.priority, ApnsPriority::PowerSaving);
        assert_eq!(
            update.payload,
            json!({ "aps": {
                "timestamp": 1_764_000_000, "event": "update", "stale-date": 1_764_000_120,
                "content-state": {
                    "state": "queued", "position": 3, "wait_p50_s": 240, "wait_p90_s": 600, "at": "2025-11-24T16:00:00Z",
                },
            } })
        );
        let rings = push(ActivityEvent::Update, &called);
        assert_eq!(
            (rings.priority, &rings.payload["aps"]["stale-date"]),
            (ApnsPriority::Immediate, &Value::Null)
        );
        let end = push(ActivityEvent::End, &called);
        assert_eq!(end.payload["aps"]["dismissal-date"], 1_764_000_120);
    }
}
