//! What a service wants said by push, when, and in which words.

use super::texts::{Text, TextKey};
use crate::refusal::Refusal;
use ringback_core::protocol::{ProblemCode, PushEvent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a service says by push. Every duration is in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushPolicy {
    /// "You will be called soon" is said once the median wait is at most this, 30 to 14 400; never when `null`; 300 when
    /// absent.
    pub upcoming_below_s: Option<u32>,
    /// So long before a promised time the person is reminded, 60 to 86 400; never when `null`; 900 when absent.
    pub reminder_before_s: Option<u32>,
    /// A Live Activity is updated at most this often, 5 to 600; 15 when absent. Apple counts updates that wake the device.
    pub progress_every_s: u32,
    /// What is wanted otherwise of single events.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<PushEvent, EventSetup>,
    /// The service's own texts by language (BCP 47, lower case, for example `de` or `de-at`). What is left out has the
    /// texts of Ringback.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, BTreeMap<TextKey, Text>>,
}

impl Default for PushPolicy {
    fn default() -> Self {
        Self {
            upcoming_below_s: Some(300),
            reminder_before_s: Some(900),
            progress_every_s: 15,
            events: BTreeMap::new(),
            texts: BTreeMap::new(),
        }
    }
}

/// How one event is said, where it differs from the usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventSetup {
    /// `true` says nothing of this event.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
    /// How long it may still be delivered, 10 to 604 800. A question never outlives its window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u32>,
    /// How much it may disturb.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interruption: Option<Interruption>,
    /// A sound file of the app, or `default`; an empty text is silence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
}

/// How much a push may disturb, in Apple's words. `critical` needs an entitlement of Apple and is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// It lies in the list of notifications.
    Passive,
    /// It lights the screen.
    Active,
    /// It comes through most modes of quiet.
    TimeSensitive,
}

/// How an event is said, all told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manner {
    /// How long it may still be delivered, in seconds.
    pub ttl_s: u32,
    /// How much it may disturb.
    pub interruption: Interruption,
    /// Its sound, if any.
    pub sound: Option<String>,
}

/// Which goes first when there is much to send: what somebody waits for, what is news, what refreshes a picture.
pub fn urgency(event: PushEvent) -> u32 {
    match event {
        PushEvent::AgentReady => 0,
        PushEvent::CallbackUpcoming
        | PushEvent::CallbackReminder
        | PushEvent::CallbackChanged
        | PushEvent::CallbackMissed => 1,
        PushEvent::QueueProgress | PushEvent::Unknown => 2,
    }
}

impl PushPolicy {
    /// How this event is said; `None` when the service does not say it.
    pub fn manner(&self, event: PushEvent) -> Option<Manner> {
        let (ttl_s, interruption, sound) = match event {
            // Its question's window is shorter.
            PushEvent::AgentReady => (600, Interruption::TimeSensitive, true),
            PushEvent::CallbackUpcoming => (300, Interruption::Active, true),
            PushEvent::CallbackReminder => {
                (self.reminder_before_s.unwrap_or(900), Interruption::Active, true)
            }
            PushEvent::CallbackChanged => (86_400, Interruption::Active, true),
            PushEvent::CallbackMissed => (3600, Interruption::Active, true),
            PushEvent::QueueProgress | PushEvent::Unknown => (120, Interruption::Passive, false),
        };
        let setup = self.events.get(&event).cloned().unwrap_or_default();
        let sound = match setup.sound {
            Some(name) => (!name.is_empty()).then_some(name),
            None => sound.then(|| "default".to_owned()),
        };
        (!setup.off).then(|| Manner {
            ttl_s: setup.ttl_s.unwrap_or(ttl_s),
            interruption: setup.interruption.unwrap_or(interruption),
            sound,
        })
    }

    /// Refuses settings that cannot be kept.
    pub fn check(&self) -> Result<(), Refusal> {
        let refused = |field: &str, allowed: &str| {
            Refusal::of_field(
                ProblemCode::FieldInvalid,
                &format!("push.{field}"),
                format!("Allowed are {allowed}. Choose a value in that range."),
            )
        };
        let within =
            |value: Option<u32>, least, most| value.is_none_or(|value| (least..=most).contains(&value));
        if !within(self.upcoming_below_s, 30, 14_400) {
            return Err(refused("upcoming_below_s", "30 to 14400 or null"));
        }
        if !within(self.reminder_before_s, 60, 86_400) {
            return Err(refused("reminder_before_s", "60 to 86400 or null"));
        }
        if !within(Some(self.progress_every_s), 5, 600) {
            return Err(refused("progress_every_s", "5 to 600"));
        }
        for setup in self.events.values() {
            if !within(setup.ttl_s, 10, 604_800) {
                return Err(refused("events.ttl_s", "10 to 604800"));
            }
            let is_name = |sound: &String| {
                sound.len() <= 64
                    && sound.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            };
            if !setup.sound.as_ref().is_none_or(is_name) {
                return Err(refused("events.sound", "at most 64 letters, digits, `.`, `_` and `-`"));
            }
        }
        if self.events.contains_key(&PushEvent::Unknown) {
            return Err(refused("events", "the events of `docs/push.md`"));
        }
        for (language, texts) in &self.texts {
            if !is_language(language) {
                return Err(refused(
                    "texts",
                    "languages as in BCP 47, in lower case, for example `de` or `de-at`",
                ));
            }
            if texts.values().any(|text| !text.fits()) {
                return Err(refused("texts", "titles of 1 to 80 and bodies of 1 to 240 characters"));
            }
        }
        Ok(())
    }
}

/// Whether this is a language as texts are looked up by.
fn is_language(tag: &str) -> bool {
    let is_part = |part: &str| {
        (1..=8).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    tag.len() <= 35 && tag.split('-').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(json: serde_json::Value) -> PushPolicy {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn without_a_word_every_event_has_its_manner() {
        let manner = |event| PushPolicy::default().manner(event).unwrap();
        assert_eq!(manner(PushEvent::AgentReady).interruption, Interruption::TimeSensitive);
        assert_eq!(manner(PushEvent::CallbackMissed).sound.as_deref(), Some("default"));
        assert_eq!(manner(PushEvent::QueueProgress).sound, None);
        assert_eq!(manner(PushEvent::CallbackReminder).ttl_s, 900);
    }

    #[test]
    fn a_service_turns_events_off_or_has_them_said_otherwise() {
        let policy = policy(json!({
            "upcoming_below_s": null,
            "events": {
                "callback_missed": { "off": true },
                "callback_changed": { "ttl_s": 60, "interruption": "passive", "sound": "" },
            },
        }));
        policy.check().unwrap();
        assert_eq!(policy.upcoming_below_s, None);
        assert_eq!(policy.reminder_before_s, Some(900), "what is left out is as usual");
        assert_eq!(policy.manner(PushEvent::CallbackMissed), None);
        assert_eq!(
            policy.manner(PushEvent::CallbackChanged),
            Some(Manner { ttl_s: 60, interruption: Interruption::Passive, sound: None })
        );
    }

    #[test]
    fn what_cannot_be_kept_is_named() {
        for (json, field) in [
            (json!({ "upcoming_below_s": 10 }), "push.upcoming_below_s"),
            (json!({ "reminder_before_s": 5 }), "push.reminder_before_s"),
            (json!({ "progress_every_s": 1 }), "push.progress_every_s"),
            (json!({ "events": { "agent_ready": { "ttl_s": 1 } } }), "push.events.ttl_s"),
            (json!({ "events": { "agent_ready": { "sound": "../x" } } }), "push.events.sound"),
            (json!({ "events": { "no_such_event": {} } }), "push.events"),
            (json!({ "texts": { "DE": {} } }), "push.texts"),
            (json!({ "texts": { "de": { "agent_ready": { "title": "", "body": "x" } } } }), "push.texts"),
        ] {
            let problem = policy(json).check().unwrap_err().into_problem();
            assert_eq!(problem.field.as_deref(), Some(field));
        }
    }
}
