//! Requests that are not yet answered.

use super::{ClientError, RingbackClient};
use crate::protocol::{CallTicket, Callback, Timestamp};

/// What a kept request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum PendingKind {
    /// [`RingbackClient::request_callback`].
    RequestCallback,
    /// [`RingbackClient::cancel`].
    Cancel,
    /// [`RingbackClient::confirm`].
    Confirm,
    /// [`RingbackClient::register_push`].
    RegisterPush,
    /// [`RingbackClient::request_call_in`].
    RequestCallIn,
}

/// A request that the server has not answered for good. It may have been sent, and even accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PendingRequest {
    /// Its idempotency key.
    pub key: String,
    /// What it asks for.
    pub kind: PendingKind,
    /// Which callback it is about, when it is about one that exists.
    pub callback_id: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// What became of a kept request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum ResumeOutcome {
    /// The server accepted it.
    Accepted {
        /// The callback it made or changed, if any.
        callback: Option<Callback>,
        /// What to dial, if that was asked for.
        ticket: Option<CallTicket>,
    },
    /// The server refused it for good; it is no longer kept.
    Refused {
        /// The code of the problem.
        code: String,
        /// What is wrong and what to do.
        detail: String,
    },
    /// It grew older than `pending_max_age_s`; it is no longer kept, and was not sent again.
    Expired,
    /// It is still kept.
    StillPending {
        /// The code of the error that stood in the way.
        code: String,
    },
}

/// A kept request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Resumed {
    /// The request.
    pub request: PendingRequest,
    /// What became of it.
    pub outcome: ResumeOutcome,
}

impl RingbackClient {
    /// Sends again what the outbox holds, oldest first, under the same idempotency keys; to be called after a start
    /// and when the network is back. Tells of every request what became of it.
    pub async fn resume(&self) -> Result<Vec<Resumed>, ClientError> {
        Err(ClientError::internal("not there yet"))
    }

    /// What is not yet answered, oldest first, with what is being sent just now.
    pub async fn pending(&self) -> Result<Vec<PendingRequest>, ClientError> {
        Err(ClientError::internal("not there yet"))
    }

    /// Forgets a kept request: it will not be sent again. What the server has accepted already stands.
    pub async fn discard(&self, key: String) -> Result<(), ClientError> {
        let _ = key;
        Err(ClientError::internal("not there yet"))
    }
}
