//! Callbacks: what a person asks for, and what becomes of it.

use super::{
    ActionToken, CallTicket, ContextValue, Journey, PersonName, PhoneNumber, ScheduledTime, SpokenCode,
    Timestamp, WaitEstimate, WallTime,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Who dials at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The contact centre calls the customer.
    CustomerTerminated,
    /// The customer is told that an agent is ready, and calls.
    CustomerOriginated,
}

/// "Call me as soon as an agent with the right skills is free", or at a chosen time: the body of `POST /v1/callbacks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CallbackRequest {
    /// The service's name, as the contact centre set it up.
    pub service: String,
    /// The number to call, E.164.
    pub number: PhoneNumber,
    /// How the person wishes to be addressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub name: Option<PersonName>,
    /// What the app knows about why the person asks: attributes by name. Shown to the agent.
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub context: HashMap<String, ContextValue>,
    /// The way the person took: screens and form data. Shown to the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub journey: Option<Journey>,
    /// Who dials; the service's own setting when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub direction: Option<Direction>,
    /// When to call; as soon as an agent is free when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub scheduled_for: Option<WallTime>,
    /// What the agent must be able to do besides what the service asks for: skills with their least levels, 1 to 10.
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub skills: HashMap<String, u32>,
    /// How urgent it is, as far as the service lets apps say so; the service's own priority when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub priority: Option<u32>,
}

impl CallbackRequest {
    /// An immediate callback of a service to a number, and nothing else.
    pub fn new(service: impl Into<String>, number: impl Into<PhoneNumber>) -> Self {
        Self {
            service: service.into(),
            number: number.into(),
            name: None,
            context: HashMap::new(),
            journey: None,
            direction: None,
            scheduled_for: None,
            skills: HashMap::new(),
            priority: None,
        }
    }
}

/// Where a callback is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CallbackState {
    /// Promised for a chosen time.
    Scheduled,
    /// In line.
    Queued,
    /// An agent is reserved for it; see [`RoutingPhase`].
    Routing,
    /// The two are talking.
    Processing,
    /// Over; see [`CompletedReason`].
    Completed,
    /// A state this version does not know.
    #[serde(other)]
    Unknown,
}

/// How far the connecting of a reserved agent has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoutingPhase {
    /// An agent is kept free for this callback and looks at it first.
    Previewing,
    /// An agent is kept free for this callback.
    Reserved,
    /// A push provider has accepted the question whether the person is ready.
    Notified,
    /// The person is ready, or need not be asked.
    Confirmed,
    /// The call is being made.
    Connecting,
    /// The customer has answered and waits on the phone for an agent.
    Holding,
    /// A phase this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why a callback ended. Every ended callback has exactly one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CompletedReason {
    /// Agent and customer talked.
    Handled,
    /// The customer took it back.
    CancelledByCustomer,
    /// The contact centre took it back.
    CancelledByStaff,
    /// Its time ran out.
    Expired,
    /// Nobody answered: the question, or the phone.
    NoAnswer,
    /// The number cannot be reached.
    Unreachable,
    /// The customer refused the call.
    Declined,
    /// The customer called in first.
    ResolvedByInbound,
    /// Something broke on our side.
    Failed,
    /// A reason this version does not know.
    #[serde(other)]
    Unknown,
}

/// A callback as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Callback {
    /// Opaque, `cb_…`.
    pub id: String,
    /// The service's name.
    pub service: String,
    /// Where it is in its life.
    pub state: CallbackState,
    /// Only while `state` is `routing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RoutingPhase>,
    /// Only once `state` is `completed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<CompletedReason>,
    /// Who dials.
    pub direction: Direction,
    /// Place in line, 1 is next; only while `queued`. Counted up to 1000, which means 1000 or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// How long it will take from now; only while `queued`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitEstimate>,
    /// When the call was promised; only if a time was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<ScheduledTime>,
    /// How often the customer was called so far.
    #[serde(default)]
    pub attempts: u32,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub created_at: Timestamp,
    /// Until when the person may answer "ready"; only while that is being asked.
    #[serde(
        default,
        deserialize_with = "super::instant::read_optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub confirm_by: Option<Timestamp>,
    /// Not before this instant: after a snooze, between two attempts, or until the service opens.
    #[serde(
        default,
        deserialize_with = "super::instant::read_optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub not_before: Option<Timestamp>,
    /// Four digits that the agent says first, to be shown to the person: a caller who does not know them is somebody else.
    /// Only while the call is due: from the moment an agent is kept free for it, or the person is called, until the two
    /// have talked. Each attempt has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoken_code: Option<SpokenCode>,
    /// Rises by one with every change: of two copies, the higher is the newer.
    pub version: u64,
}

/// The answer of `GET /v1/callbacks`: the installation's own, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallbackList {
    /// At most 50.
    pub callbacks: Vec<Callback>,
    /// Pass as `?after=` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a person says when asked "your agent is ready, are you?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConfirmAnswer {
    /// Connect me.
    Ready,
    /// Not now; ask again after this long. The place in line is kept.
    Snooze {
        /// Seconds, 60 to 86 400.
        delay_s: u32,
    },
    /// Connect me, on another number.
    OtherNumber {
        /// E.164.
        number: PhoneNumber,
    },
    /// I no longer need the call.
    Cancel,
}

/// The body of `POST /v1/callbacks/{id}/confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfirmRequest {
    /// What the person said.
    pub answer: ConfirmAnswer,
    /// From the push; works once. Without it the question that is open now is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_token: Option<ActionToken>,
}

/// The body of `POST /v1/callbacks/{id}/number`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeNumberRequest {
    /// The number to call instead, E.164.
    pub number: PhoneNumber,
}

/// What follows from the person's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confirmation {
    /// The callback after the answer.
    pub callback: Callback,
    /// What to dial now, when the customer makes the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<CallTicket>,
}
