//! Callbacks.

use super::exchange::Outgoing;
use super::outbox::{Draft, PendingKind};
use super::{ClientCode, ClientError, RingbackClient, json};
use crate::protocol::{
    ActionToken, Callback, CallbackList, CallbackRequest, CallbackState, ConfirmAnswer, ConfirmRequest,
    Confirmation, ContextFault, ContextValue, ProblemCode, check_context,
};
use std::collections::HashMap;

/// At 50 a page, more than anybody scrolls through.
const MAX_PAGES: usize = 10;

impl RingbackClient {
    /// Asks for a call. Asking again for the same thing (an equal request) while the first is unanswered is the same
    /// request, also after a restart.
    pub async fn request_callback(&self, request: CallbackRequest) -> Result<Callback, ClientError> {
        check(&request.context)?;
        let draft = Draft {
            kind: PendingKind::RequestCallback,
            path: "/v1/callbacks".to_owned(),
            callback_id: None,
            body: json(&request)?,
        };
        let (callback, reused): (Callback, bool) = self.submit(draft.clone()).await?;
        if !reused {
            return Ok(callback);
        }
        // The answer to the earlier tap, word for word. If that call is over by now, this tap is a new wish.
        match self.callback(callback.id.clone()).await {
            Ok(now) if now.state == CallbackState::Completed => Ok(self.submit(draft).await?.0),
            Ok(now) => Ok(now),
            Err(_) => Ok(callback),
        }
    }

    /// One of this installation's callbacks, as it is now.
    pub async fn callback(&self, id: String) -> Result<Callback, ClientError> {
        let outgoing = Outgoing::get(format!("/v1/callbacks/{}", checked_id(&id)?));
        self.session.call(&outgoing).await.map_err(|failed| failed.error)
    }

    /// This installation's callbacks, newest first; the newest 500.
    pub async fn callbacks(&self) -> Result<Vec<Callback>, ClientError> {
        let mut all = Vec::new();
        let mut path = "/v1/callbacks".to_owned();
        for _ in 0..MAX_PAGES {
            let page: CallbackList =
                self.session.call(&Outgoing::get(path)).await.map_err(|failed| failed.error)?;
            all.extend(page.callbacks);
            let Some(next) = page.next else { break };
            if !next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte)) {
                return Err(ClientError::unreadable(200, "its cursor is not one"));
            }
            path = format!("/v1/callbacks?after={next}");
        }
        Ok(all)
    }

    /// Takes a callback back.
    pub async fn cancel(&self, id: String) -> Result<Callback, ClientError> {
        let draft = Draft {
            kind: PendingKind::Cancel,
            path: format!("/v1/callbacks/{}/cancel", checked_id(&id)?),
            callback_id: Some(id),
            body: "{}".to_owned(),
        };
        Ok(self.submit(draft).await?.0)
    }

    /// Answers "your agent is ready, are you?". The action token of the push that asked works once; without one the
    /// question that is open now is answered.
    pub async fn confirm(
        &self,
        id: String,
        answer: ConfirmAnswer,
        action_token: Option<ActionToken>,
    ) -> Result<Confirmation, ClientError> {
        let draft = Draft {
            kind: PendingKind::Confirm,
            path: format!("/v1/callbacks/{}/confirm", checked_id(&id)?),
            callback_id: Some(id),
            body: json(&ConfirmRequest { answer, action_token })?,
        };
        Ok(self.submit(draft).await?.0)
    }
}

/// Refuses a context as the server would, before it is kept.
pub(super) fn check(context: &HashMap<String, ContextValue>) -> Result<(), ClientError> {
    check_context(context).map_err(|fault| {
        let code = match fault {
            ContextFault::KeyInvalid { .. } => ProblemCode::ContextKeyInvalid,
            ContextFault::TooLarge { .. } | ContextFault::JourneyTooLarge { .. } => {
                ProblemCode::ContextTooLarge
            }
        };
        ClientError::invalid(code.code(), fault.to_string(), "context")
    })
}

/// An id becomes part of a path: whatever could change the path is no id.
fn checked_id(id: &str) -> Result<&str, ClientError> {
    let sound =
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if sound {
        Ok(id)
    } else {
        Err(ClientError::invalid(ClientCode::CallbackIdInvalid.code(), "this is not a callback's id", "id"))
    }
}
