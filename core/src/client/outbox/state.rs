//! What an app sees of a kept request.

use crate::protocol::{CallTicket, Callback, Timestamp};

/// What a kept request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum PendingKind {
    /// [`request_callback`](crate::client::RingbackClient::request_callback).
    RequestCallback,
    /// [`cancel`](crate::client::RingbackClient::cancel).
    Cancel,
    /// [`confirm`](crate::client::RingbackClient::confirm).
    Confirm,
    /// [`reschedule`](crate::client::RingbackClient::reschedule).
    Reschedule,
    /// [`snooze`](crate::client::RingbackClient::snooze).
    Snooze,
    /// [`change_number`](crate::client::RingbackClient::change_number).
    ChangeNumber,
    /// [`register_push`](crate::client::RingbackClient::register_push).
    RegisterPush,
    /// [`unregister_push`](crate::client::RingbackClient::unregister_push).
    UnregisterPush,
    /// [`request_call_in`](crate::client::RingbackClient::request_call_in).
    RequestCallIn,
    /// That a push was received or opened. Given up after an hour.
    PushReceipt,
}

/// How far a kept request has come. One that the server has accepted is not kept any more: it is a callback, or what was
/// asked of one is done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum RequestState {
    /// It waits to be sent, or to be sent again.
    NotSent,
    /// It is being sent at this moment, by this client or by another process of the app.
    Sending,
    /// The server refused it while nobody waited for the answer. It will not be sent again; it is listed until it is
    /// discarded, or for `pending_max_age_s`.
    Refused {
        /// The code of the problem.
        code: String,
        /// What is wrong and what to do.
        detail: String,
    },
    /// It outlived its use: "call me now" was not sent within `immediate_useful_s`, or anything within
    /// `pending_max_age_s`. It will not be sent again; it is listed as a refused one is. The person should be told.
    Expired,
}

/// A request that is kept on the device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PendingRequest {
    /// Its idempotency key.
    pub key: String,
    /// What it asks for.
    pub kind: PendingKind,
    /// Which callback it is about, when it is about one that exists.
    pub callback_id: Option<String>,
    /// When it was asked for, by the device's clock.
    pub requested_at: Timestamp,
    /// How far it has come.
    pub state: RequestState,
    /// It was sent at least once and the answer did not arrive: the server may have it, and may have accepted it.
    pub may_have_arrived: bool,
}

impl PendingRequest {
    /// The server has yet to answer it; otherwise it is listed only to be told of.
    pub fn is_open(&self) -> bool {
        matches!(self.state, RequestState::NotSent | RequestState::Sending)
    }
}

/// What whoever schedules work in the background wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct OutboxStatus {
    /// How many requests wait for an answer; with none there is no work to schedule.
    pub waiting: u32,
    /// From when on [`resume`](super::RingbackClient::resume) makes sense: now, or later when the last tries came to
    /// nothing. `None` when nothing waits.
    pub next_try_at: Option<Timestamp>,
    /// How many files could not be read and lie in `outbox/damaged`, where the newest 16 are left: requests that are lost,
    /// for example because the key in the secure store is gone.
    pub damaged: u32,
}

/// What became of a kept request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and the languages beyond the border know no boxes"
)]
pub enum ResumeOutcome {
    /// The server accepted it.
    Accepted {
        /// The callback it made or changed, if any.
        callback: Option<Callback>,
        /// What to dial, if that was asked for.
        ticket: Option<CallTicket>,
    },
    /// The server refused it for good; it will not be sent again.
    Refused {
        /// The code of the problem.
        code: String,
        /// What is wrong and what to do.
        detail: String,
    },
    /// It outlived its use, see [`RequestState::Expired`]; it was not sent again.
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
