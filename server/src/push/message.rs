//! A delivery in the words of each provider. Nothing about a person is in it: the app fetches the rest.

use super::apns::{ApnsExpiration, ApnsPriority, ApnsPush, ApnsPushType};
use super::content::{ActivityEvent, ActivityState, Content};
use super::devices::Channel;
use super::fcm::{FcmNotification, FcmPriority, FcmPush, FcmTarget, FcmText};
use super::outbox::Claim;
use super::policy::Interruption;
use super::texts::{Text, TextKey};
use crate::refusal::Refusal;
use ringback_core::protocol::{ActionToken, PUSH_DATA_KEY, PushData, PushEvent, PushToken, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The notification categories under which an app registers its actions.
const ASKING: &str = "RINGBACK_AGENT_READY";
const REMINDING: &str = "RINGBACK_CALLBACK_REMINDER";
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
) -> Result<ApnsPush, Refusal> {
    let (push_type, priority, payload) = match &claim.content {
        Content::Alert { key, text, interruption, sound } => {
            let mut aps = json!({
                "alert": apple_alert(*key, text, claim.has_texts),
                "interruption-level": apple_word(*interruption),
                "thread-id": claim.callback_id,
            });
            if let Some(sound) = sound {
                aps["sound"] = json!(sound);
            }
            match claim.event {
                // The app is woken, too, so that it can take the notification back.
                PushEvent::AgentReady if claim.withdrawn => aps["content-available"] = json!(1),
                PushEvent::AgentReady => aps["category"] = json!(ASKING),
                PushEvent::CallbackReminder => aps["category"] = json!(REMINDING),
                _ => {}
            }
            let payload = json!({ "aps": aps, PUSH_DATA_KEY: data(claim, action_token)? });
            (ApnsPushType::Alert, ApnsPriority::Immediate, payload)
        }
        Content::Activity { event, state } => {
            (ApnsPushType::LiveActivity, activity_priority(*event, state), activity(claim, *event, state))
        }
    };
    Ok(ApnsPush {
        device_token: token,
        topic: claim.topic.clone(),
        push_type,
        priority,
        expiration: ApnsExpiration::At(claim.expires_at),
        collapse_id: (push_type == ApnsPushType::Alert).then(|| replaces(claim)),
        apns_id: claim.id.parse().map_err(|_| Refusal::Damaged("a delivery's id"))?,
        payload,
    })
}

fn apple_alert(key: TextKey, text: &Text, has_texts: bool) -> Value {
    if has_texts {
        let (title, body) = key.resource_keys();
        json!({ "title-loc-key": title, "loc-key": body })
    } else {
        json!({ "title": text.title, "body": text.body })
    }
}

fn apple_word(interruption: Interruption) -> &'static str {
    match interruption {
        Interruption::Passive => "passive",
        Interruption::Active => "active",
        Interruption::TimeSensitive => "time-sensitive",
    }
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
        target: if claim.kind == "fid" { FcmTarget::Fid(token) } else { FcmTarget::Token(token) },
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

/// The message for a browser's service worker, and how long it is kept.
pub fn for_browser(
    claim: &Claim,
    action_token: Option<ActionToken>,
    now: Timestamp,
) -> Result<(Value, u32), Refusal> {
    let (_, text, interruption, _) = shown(claim)?;
    let message = json!({
        "title": text.title,
        "body": text.body,
        "tag": replaces(claim),
        "silent": interruption == Interruption::Passive,
        PUSH_DATA_KEY: data(claim, action_token)?,
    });
    Ok((message, ttl_s(claim, now)))
}

fn shown(claim: &Claim) -> Result<(TextKey, &Text, Interruption, Option<&String>), Refusal> {
    match (&claim.content, claim.channel) {
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
