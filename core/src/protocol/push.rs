//! Push: how a device is reached, and what a push says.

use super::{ActionToken, PushToken, Timestamp};
use serde::{Deserialize, Serialize};

/// Which of Apple's two worlds a device token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ApnsEnvironment {
    /// Builds from Xcode.
    Sandbox,
    /// TestFlight and the App Store.
    Production,
}

/// Which field of the FCM message a target goes into. Since 2026 FCM prefers the Firebase installation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FcmTokenKind {
    /// A registration token.
    Token,
    /// A Firebase installation id.
    Fid,
}

/// How to reach a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PushTarget {
    /// Apple Push Notification service.
    Apns {
        /// Lower-case hexadecimal, as the app received it; its length is Apple's business.
        token: PushToken,
        /// Where the token is valid.
        environment: ApnsEnvironment,
        /// The app's bundle id.
        topic: String,
    },
    /// A Live Activity on an Apple device. Its tokens are other ones than the app's.
    LiveActivity {
        /// Lower-case hexadecimal. Without a callback it is the token that starts activities (iOS 17.2), with one it is
        /// the token by which that callback's activity is updated.
        token: PushToken,
        /// Where the token is valid.
        environment: ApnsEnvironment,
        /// The app's bundle id, without `.push-type.liveactivity`.
        topic: String,
        /// Which callback the activity shows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        callback_id: Option<String>,
    },
    /// Firebase Cloud Messaging.
    Fcm {
        /// As the app received it.
        token: PushToken,
        /// What kind of token it is.
        kind: FcmTokenKind,
    },
    /// A browser's push service (RFC 8030).
    WebPush {
        /// The subscription's `endpoint`.
        endpoint: PushToken,
        /// The subscription's key `p256dh`, base64url.
        p256dh: PushToken,
        /// The subscription's secret `auth`, base64url.
        auth: PushToken,
    },
}

/// The body of `PUT /v1/devices`: this installation is reached here. Replaces its earlier registration with the same kind
/// of target and the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PushRegistration {
    /// How to reach it.
    pub target: PushTarget,
    /// Tells several devices of one person apart, for example `phone` and `tablet`: at most 64 of `a-z`, `0-9` and `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub name: Option<String>,
    /// The language of its texts, BCP 47, for example `de-AT`; English when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub locale: Option<String>,
    /// The app's version, for whoever looks for the cause of a fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub app_version: Option<String>,
    /// Whether the app has the texts of pushes in its own resources, under the keys of `docs/push.md`. Then the device's
    /// language decides and `locale` is only the fallback.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub has_texts: bool,
}

impl PushRegistration {
    /// Reached there, and nothing else said.
    pub fn new(target: PushTarget) -> Self {
        Self { target, name: None, locale: None, app_version: None, has_texts: false }
    }
}

/// A registered device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// Opaque, `dv_…`.
    pub id: String,
    /// When the token was first seen, or seen again after it had been given up.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub registered_at: Timestamp,
}

/// Why a push was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PushEvent {
    /// An agent is ready: is the person?
    AgentReady,
    /// The person will be called soon; or, corrected, not as soon as was said.
    CallbackUpcoming,
    /// A promised time is near.
    CallbackReminder,
    /// The contact centre chose another time, or took the callback back.
    CallbackChanged,
    /// The person was called and not reached.
    CallbackMissed,
    /// Place and wait, for a Live Activity.
    QueueProgress,
    /// An event this version does not know.
    #[serde(other)]
    Unknown,
}

/// The key under which a push carries [`PushData`], as a JSON text: a custom key beside `aps` with APNs, a `data` key
/// with FCM.
pub const PUSH_DATA_KEY: &str = "ringback";

/// The notification category of a question; its actions are the four below.
pub const CATEGORY_AGENT_READY: &str = "RINGBACK_AGENT_READY";
/// The notification category of a reminder. Nothing is asked: its actions are the app's own.
pub const CATEGORY_CALLBACK_REMINDER: &str = "RINGBACK_CALLBACK_REMINDER";
/// The notification action "connect me".
pub const ACTION_READY: &str = "ringback.ready";
/// The notification action "in ten minutes".
pub const ACTION_SNOOZE: &str = "ringback.snooze";
/// The notification action "on another number", with a text field for it.
pub const ACTION_OTHER_NUMBER: &str = "ringback.other_number";
/// The notification action "I no longer need the call".
pub const ACTION_CANCEL: &str = "ringback.cancel";

/// All that a push says to the app. Nothing about a person: the app fetches the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushData {
    /// The same for every copy of this push on every try and every device: of two, one is dropped.
    pub push_id: String,
    /// This push on this device, for a [`PushReceipt`].
    pub delivery_id: String,
    /// Why it was sent.
    pub event: PushEvent,
    /// Which callback it is about.
    pub callback_id: String,
    /// After this instant it is history.
    #[serde(deserialize_with = "super::instant::read")]
    pub expires_at: Timestamp,
    /// The right to answer it, once; absent where nothing is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_token: Option<ActionToken>,
    /// What `push_id` asked is settled: take its notification back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// What an app has done with a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    /// The app has got it.
    Received,
    /// The person has opened it.
    Opened,
}

/// The body of `POST /v1/push/receipts`: an app says what became of a push. Only the first of each kind counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PushReceipt {
    /// The `delivery_id` of the push.
    pub delivery_id: String,
    /// What was done.
    pub kind: ReceiptKind,
}
