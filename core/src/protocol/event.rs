//! Events: what happened to an installation's callbacks, in order.

use super::{Callback, Timestamp};
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Accepted and in line.
    Requested,
    /// Accepted for a chosen time.
    Scheduled,
    /// Another time was chosen, or "now".
    Rescheduled,
    /// The chosen time is near: it is in line.
    Entered,
    /// An agent is kept free and looks at it first.
    Previewing,
    /// An agent is kept free; the person is being asked.
    Reserved,
    /// A push provider took the question.
    Notified,
    /// The person is ready, or need not be asked.
    Confirmed,
    /// The person asked to be asked again later.
    Snoozed,
    /// Back in line.
    Requeued,
    /// The call did not reach the person; there will be another attempt.
    AttemptFailed,
    /// The customer has answered and waits on the phone for an agent.
    Holding,
    /// Another number is to be called.
    NumberChanged,
    /// Moved to the front of the line, because the person called in.
    MovedToFront,
    /// The call is being made.
    Connecting,
    /// The two are talking.
    Processing,
    /// Over.
    Completed,
    /// An event this version does not know.
    #[serde(other)]
    Unknown,
}

/// One event of `GET /v1/events` (server-sent events; the SSE `id` is `seq`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallbackEvent {
    /// Counts this installation's events from 1 without a gap; resume after it with `Last-Event-ID`.
    pub seq: u64,
    /// When it happened.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The callback right after it. Without `position`, which moves without events; with `spoken_code` in the latest
    /// event of a callback that has one.
    pub callback: Callback,
}
