//! Push: being reached, and understanding what arrives.

use super::{ClientError, RingbackClient};
use crate::protocol::{ActionToken, Callback, Device, PushEvent, PushRegistration, Timestamp};
use std::collections::HashMap;

/// What a push turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum PushOutcome {
    /// Somebody else's: the app handles it itself.
    NotOurs,
    /// It came too late to act on.
    Expired {
        /// Which callback it was about.
        callback_id: String,
    },
    /// A second copy of one that was handled.
    Duplicate {
        /// Which callback it is about.
        callback_id: String,
    },
    /// Something to act on.
    Event {
        /// Why it was sent.
        event: PushEvent,
        /// The callback as it is now. It may have moved on since the push was sent.
        callback: Callback,
        /// For [`RingbackClient::confirm`]; works once.
        action_token: ActionToken,
        /// After this instant it is history.
        expires_at: Timestamp,
    },
}

impl RingbackClient {
    /// Tells the server how to reach this device. To be called whenever the platform gives the app a token; replaces
    /// the earlier one of the same provider, also one that is still in the outbox.
    pub async fn register_push(&self, registration: PushRegistration) -> Result<Device, ClientError> {
        let _ = registration;
        Err(ClientError::internal("not there yet"))
    }

    /// Looks at a push the app received: FCM's `data`, or the custom keys of an APNs payload whose values are texts.
    /// Fetches the callback it is about. After an error the same push may be handed over again.
    pub async fn handle_push(&self, data: HashMap<String, String>) -> Result<PushOutcome, ClientError> {
        let _ = data;
        Err(ClientError::internal("not there yet"))
    }
}
