//! Callbacks.

use super::{ClientError, RingbackClient};
use crate::protocol::{ActionToken, Callback, CallbackRequest, ConfirmAnswer, Confirmation};

impl RingbackClient {
    /// Asks for a call. Asking again for the same thing (an equal request) while the first is unanswered is the same
    /// request, also after a restart.
    pub async fn request_callback(&self, request: CallbackRequest) -> Result<Callback, ClientError> {
        let _ = request;
        Err(ClientError::internal("not there yet"))
    }

    /// One of this installation's callbacks, as it is now.
    pub async fn callback(&self, id: String) -> Result<Callback, ClientError> {
        let _ = id;
        Err(ClientError::internal("not there yet"))
    }

    /// This installation's callbacks, newest first; the newest 500.
    pub async fn callbacks(&self) -> Result<Vec<Callback>, ClientError> {
        Err(ClientError::internal("not there yet"))
    }

    /// Takes a callback back.
    pub async fn cancel(&self, id: String) -> Result<Callback, ClientError> {
        let _ = id;
        Err(ClientError::internal("not there yet"))
    }

    /// Answers "your agent is ready, are you?". The action token of the push that asked works once; without one the
    /// question that is open now is answered.
    pub async fn confirm(
        &self,
        id: String,
        answer: ConfirmAnswer,
        action_token: Option<ActionToken>,
    ) -> Result<Confirmation, ClientError> {
        let _ = (id, answer, action_token);
        Err(ClientError::internal("not there yet"))
    }
}
