//! Push: being reached, and understanding what arrives.

use super::callbacks::is_id;
use super::exchange::Outgoing;
use super::outbox::{Draft, PendingKind};
use super::{ClientCode, ClientError, RingbackClient, json, read_text};
use crate::host::LogLevel;
use crate::protocol::{
    ActionToken, Callback, ConfirmAnswer, Confirmation, Device, PUSH_DATA_KEY, ProblemCode, PushData,
    PushEvent, PushRegistration, ReceiptKind, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const DEVICES: &str = "/v1/devices";
const VAULT_KEY: &str = "ringback.pushes";
/// Handled pushes that are remembered, if they live that long: more than one phone gets at once.
const MAX_REMEMBERED: usize = 64;

/// A push that was handled, until it expires. Remembered across restarts: a push often starts the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Handled {
    push_id: String,
    #[serde(deserialize_with = "crate::protocol::instant::read")]
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
    /// What was asked is answered, on another device. Take the question's notification back: it is the one whose
    /// collapse id (APNs) or tag (FCM, Web Push) is the callback's id.
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
    /// Tells the server how to reach this device. To be called whenever the platform gives the app a token; replaces the
    /// earlier one of the same kind of target and the same name, also one that is still in the outbox.
    pub async fn register_push(&self, registration: PushRegistration) -> Result<Device, ClientError> {
        let draft = Draft {
            kind: PendingKind::RegisterPush,
            path: DEVICES.to_owned(),
            callback_id: None,
            body: json(&registration)?,
        };
        Ok(self.submit(draft).await?.0)
    }

    /// The device with this id gets no more pushes, for example after the person has logged out. A registration that is
    /// still in the outbox is given up.
    pub async fn unregister_push(&self, device_id: String) -> Result<(), ClientError> {
        if !is_id(&device_id) {
            let code = ProblemCode::DeviceNotFound.code();
            return Err(ClientError::invalid(code, "this is not a device's id", "device_id"));
        }
        let draft = Draft {
            kind: PendingKind::UnregisterPush,
            path: format!("{DEVICES}/{device_id}"),
            callback_id: None,
            body: String::new(),
        };
        let ((), _) = self.submit(draft).await?;
        Ok(())
    }

    /// The devices by which this installation is reached.
    pub async fn devices(&self) -> Result<Vec<Device>, ClientError> {
        self.session.call(&Outgoing::get(DEVICES)).await.map_err(|failed| failed.error)
    }

    /// Looks at a push the app received: FCM's `data`, or the custom keys of an APNs payload whose values are texts.
    /// Fetches the callback it is about, and tells the server that the push was received. After an error the same push may
    /// be handed over again.
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] with the code `push_malformed` for one that is ours and cannot be read.
    pub async fn handle_push(&self, data: HashMap<String, String>) -> Result<PushOutcome, ClientError> {
        let Some(push) = read(&data)? else { return Ok(PushOutcome::NotOurs) };
        let (outcome, _) = tokio::join!(self.look_at(&push), self.acknowledge(&push, ReceiptKind::Received));
        outcome
    }

    /// Answers "your agent is ready, are you?" from the notification's own actions, with the push as the platform hands
    /// it over: the app need not be open, nor have seen the push before. See
    /// [`answer_for_action`](super::answer_for_action).
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] with the code `push_not_ours`, `push_malformed`, `push_asks_nothing` (also for a
    /// question that was taken back) or `confirm_expired`; otherwise as [`confirm`](Self::confirm).
    pub async fn answer_push(
        &self,
        data: HashMap<String, String>,
        answer: ConfirmAnswer,
    ) -> Result<Confirmation, ClientError> {
        let refused = |code: &str, detail| Err(ClientError::invalid(code, detail, PUSH_DATA_KEY));
        let Some(push) = read(&data)? else {
            return refused(ClientCode::PushNotOurs.code(), "the push is not ours");
        };
        let Some(action_token) = push.action_token.clone().filter(|_| !push.withdrawn) else {
            return refused(ClientCode::PushAsksNothing.code(), "the push asks nothing, or no longer");
        };
        if push.expires_at <= self.clock.now() {
            return refused(ProblemCode::ConfirmExpired.code(), "the time to answer is over");
        }
        let (confirmation, _) = tokio::join!(
            self.confirm(push.callback_id.clone(), answer, Some(action_token)),
            self.acknowledge(&push, ReceiptKind::Opened)
        );
        if confirmation.is_ok() {
            // A copy that comes now asks what is answered.
            drop(self.is_first(&push).await);
        }
        confirmation
    }

    async fn look_at(&self, push: &PushData) -> Result<PushOutcome, ClientError> {
        let callback_id = push.callback_id.clone();
        if push.withdrawn {
            return Ok(PushOutcome::Withdrawn { callback_id });
        }
        if push.expires_at <= self.clock.now() {
            return Ok(PushOutcome::Expired { callback_id });
        }
        if self.handled_pushes().await?.iter().any(|earlier| earlier.push_id == push.push_id) {
            return Ok(PushOutcome::Duplicate { callback_id });
        }
        let callback = self.callback(callback_id.clone()).await?;
        if !self.is_first(push).await? {
            return Ok(PushOutcome::Duplicate { callback_id });
        }
        Ok(PushOutcome::Event {
            event: push.event,
            callback,
            action_token: push.action_token.clone(),
            expires_at: push.expires_at,
        })
    }

    /// Marks a push as handled. One at a time: of two copies that arrived together one is not the first.
    async fn is_first(&self, push: &PushData) -> Result<bool, ClientError> {
        let _turn = self.pushes.lock().await;
        let mut handled = self.handled_pushes().await?;
        if handled.iter().any(|earlier| earlier.push_id == push.push_id) {
            return Ok(false);
        }
        let this = Handled { push_id: push.push_id.clone(), expires_at: push.expires_at };
        remember(&mut handled, this, self.clock.now());
        if let Err(error) = self.vault.write(VAULT_KEY, &handled).await {
            // Told twice is better than not told.
            self.log.log(LogLevel::Warn, "ringback::push", format!("a push may come up again: {error}"));
        }
        Ok(true)
    }

    async fn handled_pushes(&self) -> Result<Vec<Handled>, ClientError> {
        Ok(self.vault.read(VAULT_KEY).await?.unwrap_or_default())
    }
}

/// What a push says; `None` for somebody else's.
pub(super) fn read(data: &HashMap<String, String>) -> Result<Option<PushData>, ClientError> {
    let Some(text) = data.get(PUSH_DATA_KEY) else { return Ok(None) };
    read_text(text).map(Some).map_err(|_| {
        ClientError::invalid(ClientCode::PushMalformed.code(), "the push cannot be read", PUSH_DATA_KEY)
    })
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
