//! What a push shows, as it was chosen when it was said. It stays the same over all tries.

use super::policy::Interruption;
use super::texts::{Text, TextKey};
use crate::refusal::Refusal;
use ringback_core::protocol::{CallbackState, RoutingPhase, Timestamp};
use serde::{Deserialize, Serialize};

/// What a push shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A notification.
    Alert {
        /// Which text, for apps that have it themselves.
        key: TextKey,
        /// The text, for all others.
        text: Text,
        /// How much it may disturb.
        interruption: Interruption,
        /// Its sound, if any.
        #[serde(skip_serializing_if = "Option::is_none")]
        sound: Option<String>,
    },
    /// A Live Activity.
    Activity {
        /// What becomes of it.
        event: ActivityEvent,
        /// What it shows.
        state: ActivityState,
    },
}

/// What becomes of a Live Activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityEvent {
    /// It appears.
    Start,
    /// It shows something else.
    Update,
    /// It is over.
    End,
}

/// The `content-state` of a Live Activity: the app's `ContentState` has these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityState {
    /// Where the callback is in its life.
    pub state: CallbackState,
    /// How far the connecting has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<RoutingPhase>,
    /// Place in line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Half of all waits are shorter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_p50_s: Option<u32>,
    /// Nine in ten waits are shorter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_p90_s: Option<u32>,
    /// When this was so.
    pub at: Timestamp,
}

impl Content {
    /// As it is stored.
    pub fn to_json(&self) -> Result<String, Refusal> {
        serde_json::to_string(self).map_err(|_| Refusal::Damaged("a push that cannot be written"))
    }

    /// As it was stored.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}
