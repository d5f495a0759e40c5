//! Click-to-call.

use super::{ClientError, RingbackClient};
use crate::protocol::{CallInRequest, CallTicket};

impl RingbackClient {
    /// Asks for a number to dial, and a code that tells the agent who calls and why.
    pub async fn request_call_in(&self, request: CallInRequest) -> Result<CallTicket, ClientError> {
        let _ = request;
        Err(ClientError::internal("not there yet"))
    }
}
