//! Callbacks.

use super::exchange::Outgoing;
use super::outbox::{Draft, PendingKind};
use super::{ClientCode, ClientError, RingbackClient, json};
use crate::protocol::{
    ActionToken, Callback, CallbackList, CallbackRequest, CallbackState, ChangeNumberRequest, ConfirmAnswer,
    ConfirmRequest, Confirmation, ContextFault, PhoneNumber, ProblemCode, RescheduleRequest, SnoozeRequest,
    Validation, WallTime, check_context, check_journey,
};

/// At 50 a page, more than anybody scrolls through.
const MAX_PAGES: usize = 10;

impl RingbackClient {
    /// Asks for a call, now or for the time in `scheduled_for`. Asking again for the same thing (an equal request) while
    /// the first is unanswered is the same request, also after a restart.
    ///
    /// # Errors
    /// [`ClientError::Refused`] for a full or closed slot has the nearest free ones in `slots`; for a wall time that the
    /// clock skips or shows twice, what to choose from in `wall_times`. When the server cannot be reached, the number to
    /// call instead is in [`ClientError::fallback`], if an earlier offer of the service had one; who calls that one may
    /// [`discard`](Self::discard) the request.
    pub async fn request_callback(&self, request: CallbackRequest) -> Result<Callback, ClientError> {
        match self.request_by_outbox(&request).await {
            Err(error) => Err(self.fallbacks.attach(error, &request.service).await),
            done => done,
        }
    }

    async fn request_by_outbox(&self, request: &CallbackRequest) -> Result<Callback, ClientError> {
        check("context", check_context(&request.context))?;
        if let Some(journey) = &request.journey {
            check("journey", check_journey(journey))?;
        }
        let draft = Draft {
            kind: PendingKind::RequestCallback,
            path: "/v1/callbacks".to_owned(),
            callback_id: None,
            body: json(request)?,
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

    /// Says what a request for a call would meet now, check by check, without making it.
    pub async fn validate(&self, request: CallbackRequest) -> Result<Validation, ClientError> {
        let outgoing = Outgoing {
            method: "POST",
            path: "/v1/callbacks/validate".to_owned(),
            body: Some(json(&request)?.into_bytes()),
            idempotency_key: None,
            captcha: None,
        };
        self.session.call(&outgoing).await.map_err(|failed| failed.error)
    }

    /// Takes a callback back.
    pub async fn cancel(&self, id: String) -> Result<Callback, ClientError> {
        let draft = about(PendingKind::Cancel, id, "cancel", "{}".to_owned())?;
        Ok(self.submit(draft).await?.0)
    }

    /// Chooses another time; `None` is "as soon as an agent is free". Refused as a request for that time would be: see
    /// [`request_callback`](Self::request_callback).
    pub async fn reschedule(
        &self,
        id: String,
        scheduled_for: Option<WallTime>,
    ) -> Result<Callback, ClientError> {
        let body = json(&RescheduleRequest { scheduled_for })?;
        self.change(about(PendingKind::Reschedule, id, "reschedule", body)?).await
    }

    /// "Not now": for so many seconds, 60 to 86 400, nobody calls.
    pub async fn snooze(&self, id: String, delay_s: u32) -> Result<Callback, ClientError> {
        let body = json(&SnoozeRequest { delay_s })?;
        self.change(about(PendingKind::Snooze, id, "snooze", body)?).await
    }

    /// Has another number called.
    pub async fn change_number(&self, id: String, number: PhoneNumber) -> Result<Callback, ClientError> {
        let body = json(&ChangeNumberRequest { number })?;
        self.change(about(PendingKind::ChangeNumber, id, "number", body)?).await
    }

    /// Sends a change that may be made twice. When an equal one was kept, its answer may be old, and what it asked for
    /// long undone or over: then this tap is a wish of its own.
    async fn change(&self, draft: Draft) -> Result<Callback, ClientError> {
        let (callback, reused) = self.submit(draft.clone()).await?;
        if reused { Ok(self.submit(draft).await?.0) } else { Ok(callback) }
    }

    /// Answers "your agent is ready, are you?". The action token of the push that asked works once; without one the
    /// question that is open now is answered.
    pub async fn confirm(
        &self,
        id: String,
        answer: ConfirmAnswer,
        action_token: Option<ActionToken>,
    ) -> Result<Confirmation, ClientError> {
        let body = json(&ConfirmRequest { answer, action_token })?;
        Ok(self.submit(about(PendingKind::Confirm, id, "confirm", body)?).await?.0)
    }
}

/// A request about a callback that exists.
fn about(kind: PendingKind, id: String, action: &str, body: String) -> Result<Draft, ClientError> {
    let path = format!("/v1/callbacks/{}/{action}", checked_id(&id)?);
    Ok(Draft { kind, path, callback_id: Some(id), body })
}

/// Refuses a context or a journey as the server would, before it is kept.
pub(super) fn check(field: &str, checked: Result<(), ContextFault>) -> Result<(), ClientError> {
    checked.map_err(|fault| {
        let code = match fault {
            ContextFault::KeyInvalid { .. } => ProblemCode::ContextKeyInvalid,
            ContextFault::TooLarge { .. } | ContextFault::JourneyTooLarge { .. } => {
                ProblemCode::ContextTooLarge
            }
        };
        ClientError::invalid(code.code(), fault.to_string(), field)
    })
}

/// An id becomes part of a path: whatever could change the path is no id.
pub(super) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(super) fn checked_id(id: &str) -> Result<&str, ClientError> {
    if is_id(id) {
        Ok(id)
    } else {
        Err(ClientError::invalid(ClientCode::CallbackIdInvalid.code(), "this is not a callback's id", "id"))
    }
}
