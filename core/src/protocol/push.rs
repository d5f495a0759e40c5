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
    /// Firebase Cloud Messaging.
    Fcm {
        /// As the app received it.
        token: PushToken,
        /// What kind of token it is.
        kind: FcmTokenKind,
    },
}

/// The body of `PUT /v1/devices`: this installation is reached here. Replaces its earlier registration with the same
/// provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PushRegistration {
    /// How to reach it.
    pub target: PushTarget,
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
    pub registered_at: Timestamp,
}

/// Why a push was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PushEvent {
    /// An agent is ready: is the person?
    AgentReady,
    /// An event this version does not know.
    #[serde(other)]
    Unknown,
}

/// The key under which a push carries [`PushData`], as a JSON text: a custom key beside `aps` with APNs, a `data` key
/// with FCM.
pub const PUSH_DATA_KEY: &str = "ringback";

/// All that a push says to the app. Nothing about a person: the app fetches the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushData {
    /// The same for every copy of this push on every try: of two, one is dropped.
    pub push_id: String,
    /// Why it was sent.
    pub event: PushEvent,
    /// Which callback it is about.
    pub callback_id: String,
    /// After this instant it is history.
    pub expires_at: Timestamp,
    /// The right to answer it, once.
    pub action_token: ActionToken,
}
