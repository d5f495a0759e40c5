//! One push for FCM, and what must hold before it leaves.

use std::collections::BTreeMap;

use bytes::Bytes;
use ringback_core::protocol::PushToken;
use serde::Serialize;

/// Which device; the kind decides the field of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FcmTarget {
    /// A Firebase installation id.
    Fid(PushToken),
    /// A registration token, which FCM has deprecated in favour of the id.
    Token(PushToken),
}

/// How hard FCM tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FcmPriority {
    /// Wakes a sleeping device. Use it for what is shown to the person.
    High,
    /// When the device is awake anyway.
    Normal,
}

/// The words of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FcmText {
    /// As they are shown.
    Plain {
        /// First line.
        title: String,
        /// Text.
        body: String,
    },
    /// Names of texts in the app's resources; the device's language decides.
    Keys {
        /// First line.
        title: String,
        /// Text.
        body: String,
    },
}

/// What the system shows when the app does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcmNotification {
    /// Its words.
    pub text: FcmText,
    /// A later notification with the same tag replaces this one.
    pub tag: String,
    /// A sound file of the app, or `default`.
    pub sound: Option<String>,
}

/// One push to one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcmPush {
    /// Which device.
    pub target: FcmTarget,
    /// What the app is told; at most 4096 bytes, names and values together.
    pub data: BTreeMap<String, String>,
    /// How hard FCM tries.
    pub priority: FcmPriority,
    /// How long FCM keeps it for a device it cannot reach, at most four weeks.
    pub ttl_s: u32,
    /// A later push with the same key replaces this one while it waits. A device has four keys at most: use fixed
    /// ones, and the notification's tag to tell callbacks apart.
    pub collapse_key: Option<String>,
    /// What is shown without the app.
    pub notification: Option<FcmNotification>,
}

/// Why a push was not sent at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFcmPush {
    /// No token.
    #[error("the target is empty")]
    Target,
    /// A name that FCM keeps for itself.
    #[error("the data key {0} is empty or reserved by FCM")]
    DataKey(String),
    /// Too much data.
    #[error("the data has {bytes} bytes, more than the {MAX_DATA_BYTES} that FCM takes")]
    DataTooLarge {
        /// Names and values together.
        bytes: usize,
    },
    /// More than four weeks.
    #[error("a push is kept for four weeks at most, not for {0} s")]
    Ttl(u32),
}

const MAX_DATA_BYTES: usize = 4096;
const MAX_TTL_S: u32 = 28 * 24 * 3600;

/// The body of `messages:send`.
#[derive(Serialize)]
pub(super) struct SendMessageRequest<'a> {
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    fid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    data: &'a BTreeMap<String, String>,
    android: AndroidConfig<'a>,
}

#[derive(Serialize)]
struct AndroidConfig<'a> {
    priority: FcmPriority,
    ttl: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    collapse_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<AndroidNotification<'a>>,
}

#[derive(Default, Serialize)]
struct AndroidNotification<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title_loc_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_loc_key: Option<&'a str>,
    tag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
}

impl FcmNotification {
    fn on_the_wire(&self) -> AndroidNotification<'_> {
        let shown = AndroidNotification {
            tag: &self.tag,
            sound: self.sound.as_deref(),
            ..AndroidNotification::default()
        };
        match &self.text {
            FcmText::Plain { title, body } => {
                AndroidNotification { title: Some(title), body: Some(body), ..shown }
            }
            FcmText::Keys { title, body } => {
                AndroidNotification { title_loc_key: Some(title), body_loc_key: Some(body), ..shown }
            }
        }
    }
}

impl SendMessageRequest<'_> {
    pub(super) fn to_json(&self) -> Bytes {
        // Texts, names and numbers only: there is nothing in it that JSON cannot say.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl FcmPush {
    pub(super) fn prepare(&self) -> Result<SendMessageRequest<'_>, InvalidFcmPush> {
        let (fid, token) = match &self.target {
            FcmTarget::Fid(fid) => (Some(fid.expose()), None),
            FcmTarget::Token(token) => (None, Some(token.expose())),
        };
        if fid.or(token) == Some("") {
            return Err(InvalidFcmPush::Target);
        }
        if let Some(key) = self.data.keys().find(|key| is_reserved(key)) {
            return Err(InvalidFcmPush::DataKey(key.clone()));
        }
        let bytes = self.data.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > MAX_DATA_BYTES {
            return Err(InvalidFcmPush::DataTooLarge { bytes });
        }
        if self.ttl_s > MAX_TTL_S {
            return Err(InvalidFcmPush::Ttl(self.ttl_s));
        }
        let notification = self.notification.as_ref().map(FcmNotification::on_the_wire);
        let android = AndroidConfig {
            priority: self.priority,
            ttl: format!("{}s", self.ttl_s),
            collapse_key: self.collapse_key.as_deref(),
            notification,
        };
        Ok(SendMessageRequest { message: Message { fid, token, data: &self.data, android } })
    }
}

fn is_reserved(key: &str) -> bool {
    matches!(key, "" | "from" | "message_type")
        || ["google.", "gcm.notification."].iter().any(|prefix| key.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn push() -> FcmPush {
        FcmPush {
            target: FcmTarget::Fid("fid1".into()),
            data: BTreeMap::from([("ringback".to_owned(), "{}".to_owned())]),
            priority: FcmPriority::High,
            ttl_s: 45,
            collapse_key: Some("agent_ready".into()),
            notification: None,
        }
    }

    fn body(push: &FcmPush) -> Value {
        serde_json::to_value(push.prepare().unwrap_or_else(|error| panic!("{error}"))).unwrap()
    }

    fn refusal(change: impl FnOnce(&mut FcmPush)) -> InvalidFcmPush {
        let mut push = push();
        change(&mut push);
        push.prepare().err().unwrap()
    }

    #[test]
    fn the_message_is_as_google_documents_it() {
        let android = json!({"priority": "HIGH", "ttl": "45s", "collapse_key": "agent_ready"});
        assert_eq!(
            body(&push()),
            json!({"message": {"fid": "fid1", "data": {"ringback": "{}"}, "android": android}})
        );
        let shown = FcmPush {
            target: FcmTarget::Token("t1".into()),
            priority: FcmPriority::Normal,
            collapse_key: None,
            notification: Some(FcmNotification {
                text: FcmText::Plain { title: "a".into(), body: "b".into() },
                tag: "cb_1".into(),
                sound: None,
            }),
            ..push()
        };
        let notification = json!({"title": "a", "body": "b", "tag": "cb_1"});
        let android = json!({"priority": "NORMAL", "ttl": "45s", "notification": notification});
        assert_eq!(
            body(&shown),
            json!({"message": {"token": "t1", "data": {"ringback": "{}"}, "android": android}})
        );
    }

    #[test]
    fn what_google_would_refuse_does_not_leave() {
        assert_eq!(refusal(|push| push.target = FcmTarget::Token("".into())), InvalidFcmPush::Target);
        for key in ["", "from", "message_type", "google.x", "gcm.notification.title"] {
            let refused = refusal(|push| drop(push.data.insert(key.into(), String::new())));
            assert_eq!(refused, InvalidFcmPush::DataKey(key.into()));
        }
        assert_eq!(refusal(|push| push.ttl_s = MAX_TTL_S + 1), InvalidFcmPush::Ttl(MAX_TTL_S + 1));
        let large = refusal(|push| drop(push.data.insert("more".into(), "x".repeat(4083))));
        assert_eq!(large, InvalidFcmPush::DataTooLarge { bytes: 4097 });
    }

    proptest! {
        #[test]
        fn whatever_is_prepared_is_within_googles_limits(
            data in proptest::collection::btree_map("[a-z._]{0,20}", ".{0,900}", 0..8),
            ttl_s in 0u32..5_000_000,
        ) {
            let push = FcmPush { data, ttl_s, ..push() };
            if let Ok(request) = push.prepare() {
                let body = serde_json::to_value(request).unwrap();
                let data = body["message"]["data"].as_object().unwrap();
                let bytes: usize = data.iter().map(|(key, value)| key.len() + value.as_str().unwrap().len()).sum();
                prop_assert!(bytes <= 4096);
                prop_assert!(!data.contains_key("from") && !data.keys().any(|key| key.starts_with("google.")));
            }
        }
    }
}
