//! Push: being reached, and understanding what arrives.

use super::outbox::{Draft, PendingKind};
use super::{ClientCode, ClientError, RingbackClient, json};
use crate::host::LogLevel;
use crate::protocol::{
    ActionToken, Callback, Device, PUSH_DATA_KEY, PushData, PushEvent, PushRegistration, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const VAULT_KEY: &str = "ringback.pushes";
/// Handled pushes that are remembered, if they live that long: more than one phone gets at once.
const MAX_REMEMBERED: usize = 64;

/// A push that was handled, until it expires. Remembered across restarts: a push often starts the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Handled {
    push_id: String,
    expires_at: Timestamp,
}

/// What a push turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and the languages beyond the border know no boxes"
)]
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
    /// What was asked is answered, on another device: the notification is to be taken back.
    Withdrawn {
        /// Which callback it was about.
        callback_id: String,
    },
    /// Something to act on.
    Event {
        /// Why it was sent.
        event: PushEvent,
        /// The callback as it is now. It may have moved on since the push was sent.
        callback: Callback,
        /// For [`RingbackClient::confirm`]; works once. Absent where nothing is asked.
        action_token: Option<ActionToken>,
        /// After this instant it is history.
        expires_at: Timestamp,
    },
}

impl RingbackClient {
    /// Tells the server how to reach this device. To be called whenever the platform gives the app a token; replaces
    /// the earlier one of the same provider, also one that is still in the outbox.
    pub async fn register_push(&self, registration: PushRegistration) -> Result<Device, ClientError> {
        let draft = Draft {
            kind: PendingKind::RegisterPush,
            path: "/v1/devices".to_owned(),
            callback_id: None,
            body: json(&registration)?,
        };
        Ok(self.submit(draft).await?.0)
    }

    /// Looks at a push the app received: FCM's `data`, or the custom keys of an APNs payload whose values are texts.
    /// Fetches the callback it is about. After an error the same push may be handed over again.
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] with the code `push_malformed` for one that is ours and cannot be read.
    pub async fn handle_push(&self, data: HashMap<String, String>) -> Result<PushOutcome, ClientError> {
        let Some(text) = data.get(PUSH_DATA_KEY) else { return Ok(PushOutcome::NotOurs) };
        let push: PushData = serde_json::from_str(text).map_err(|_| {
            ClientError::invalid(ClientCode::PushMalformed.code(), "the push cannot be read", PUSH_DATA_KEY)
        })?;
        if push.withdrawn {
            return Ok(PushOutcome::Withdrawn { callback_id: push.callback_id });
        }
        if push.expires_at <= self.clock.now() {
            return Ok(PushOutcome::Expired { callback_id: push.callback_id });
        }
        let is_copy = |earlier: &Handled| earlier.push_id == push.push_id;
        if self.handled_pushes().await?.iter().any(is_copy) {
            return Ok(PushOutcome::Duplicate { callback_id: push.callback_id });
        }
        let callback = self.callback(push.callback_id.clone()).await?;
        // Looked at again, one at a time: of two copies that arrived together one is the duplicate.
        let _turn = self.pushes.lock().await;
        let mut handled = self.handled_pushes().await?;
        if handled.iter().any(is_copy) {
            return Ok(PushOutcome::Duplicate { callback_id: push.callback_id });
        }
        remember(
            &mut handled,
            Handled { push_id: push.push_id, expires_at: push.expires_at },
            self.clock.now(),
        );
        if let Err(error) = self.vault.write(VAULT_KEY, &handled).await {
            // Told twice is better than not told.
            self.log.log(LogLevel::Warn, "ringback::push", format!("a push may come up again: {error}"));
        }
        Ok(PushOutcome::Event {
            event: push.event,
            callback,
            action_token: push.action_token,
            expires_at: push.expires_at,
        })
    }

    async fn handled_pushes(&self) -> Result<Vec<Handled>, ClientError> {
        Ok(self.vault.read(VAULT_KEY).await?.unwrap_or_default())
    }
}

/// Adds a push to those that were handled; forgets the expired ones, and the oldest when there are too many.
fn remember(handled: &mut Vec<Handled>, push: Handled, now: Timestamp) {
    handled.retain(|earlier| earlier.expires_at > now);
    handled.push(push);
    handled.drain(..handled.len().saturating_sub(MAX_REMEMBERED));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_still_come_twice_is_remembered() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let push = |id: usize, second| Handled { push_id: id.to_string(), expires_at: at(second) };
        let mut handled = vec![push(1, 10), push(2, 20)];
        remember(&mut handled, push(3, 30), at(10));
        assert_eq!(handled, [push(2, 20), push(3, 30)]);
        for id in 4..100 {
            remember(&mut handled, push(id, 40), at(10));
        }
        assert_eq!((handled.len(), &handled[63]), (64, &push(99, 40)));
    }
}
