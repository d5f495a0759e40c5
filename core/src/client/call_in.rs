//! Click-to-call.

use super::outbox::{Draft, PendingKind};
use super::{ClientError, RingbackClient, callbacks, json};
use crate::protocol::{CallInRequest, CallTicket, check_context};

impl RingbackClient {
    /// Asks for a number to dial, and a code that tells the agent who calls and why. Asking again for the same thing
    /// (an equal request) while the first is unanswered is the same request.
    ///
    /// # Errors
    /// When the server cannot be reached, with the number to call instead in [`ClientError::fallback`]. Who calls that
    /// one may [`discard`](Self::discard) the request.
    pub async fn request_call_in(&self, request: CallInRequest) -> Result<CallTicket, ClientError> {
        callbacks::check("context", check_context(&request.context))?;
        let draft = Draft {
            kind: PendingKind::RequestCallIn,
            path: "/v1/call-ins".to_owned(),
            callback_id: None,
            body: json(&request)?,
        };
        match self.submit(draft).await {
            Ok((ticket, _)) => Ok(ticket),
            Err(error) => Err(self.fallbacks.attach(error, &request.service).await),
        }
    }
}
