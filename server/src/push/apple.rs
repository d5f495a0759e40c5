//! What an Apple device is sent. It is made for every push, so it is written as JSON at once.

use super::apns::{ApnsPayload, ApnsPushType};
use super::policy::Interruption;
use super::texts::{Text, TextKey};
use ringback_core::protocol::PUSH_DATA_KEY;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What an Apple device is sent.
#[derive(Debug)]
pub enum ApplePayload<'a> {
    /// A notification.
    Alert {
        /// For the system.
        aps: AppleAlert<'a>,
        /// For the app.
        data: String,
    },
    /// A Live Activity.
    Activity(Value),
}

/// The `aps` of a notification.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AppleAlert<'a> {
    pub(super) alert: AppleText<'a>,
    pub(super) interruption_level: &'static str,
    pub(super) thread_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) category: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_available: Option<u32>,
}

/// Its words, or their names in the app.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum AppleText<'a> {
    #[serde(rename_all = "kebab-case")]
    Keys {
        title_loc_key: &'static str,
        loc_key: &'static str,
    },
    Plain {
        title: &'a str,
        body: &'a str,
    },
}

impl Serialize for ApplePayload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Alert { aps, data } => {
                let mut payload = serializer.serialize_map(Some(2))?;
                payload.serialize_entry("aps", aps)?;
                payload.serialize_entry(PUSH_DATA_KEY, data)?;
                payload.end()
            }
            Self::Activity(payload) => payload.serialize(serializer),
        }
    }
}

impl ApnsPayload for ApplePayload<'_> {
    fn check(&self, push_type: ApnsPushType) -> Result<(), &'static str> {
        match self {
            Self::Alert { .. } if push_type == ApnsPushType::Alert => Ok(()),
            Self::Alert { .. } => Err("it is a notification"),
            Self::Activity(payload) => payload.check(push_type),
        }
    }

    fn to_json(&self) -> String {
        // Texts, names and numbers only: there is nothing in it that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl<'a> AppleText<'a> {
    pub(super) fn of(key: TextKey, text: &'a Text, has_texts: bool) -> Self {
        if has_texts {
            let (title_loc_key, loc_key) = key.resource_keys();
            Self::Keys { title_loc_key, loc_key }
        } else {
            Self::Plain { title: &text.title, body: &text.body }
        }
    }
}

/// Apple's word for it.
pub(super) fn interruption_level(interruption: Interruption) -> &'static str {
    match interruption {
        Interruption::Passive => "passive",
        Interruption::Active => "active",
        Interruption::TimeSensitive => "time-sensitive",
    }
}
