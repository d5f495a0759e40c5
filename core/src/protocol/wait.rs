//! The wait: how long it will take, and how sure that is.

use super::Timestamp;
use serde::{Deserialize, Serialize};

/// What is known of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WaitStatus {
    /// There is a window of seconds.
    Estimated,
    /// Nobody who could serve is logged in: no number would be honest.
    NoAgents,
    /// There is nothing yet to estimate from.
    NoData,
    /// The service is closed; the wait begins when it opens.
    Closed,
    /// A status this version does not know.
    #[serde(other)]
    Unknown,
}

/// How sure a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Many calls were measured lately, under the staffing of now.
    High,
    /// Fewer were measured, or the staffing just changed.
    Medium,
    /// Little is known; the window is a guess from the last waits.
    Low,
    /// A value this version does not know.
    #[serde(other)]
    Unknown,
}

/// How long a wait will take, in seconds from now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitEstimate {
    /// What is known; the numbers below are there only when it is `estimated`.
    pub status: WaitStatus,
    /// One in ten waits is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p10_s: Option<u32>,
    /// Half of all waits are shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_s: Option<u32>,
    /// Nine in ten waits are shorter: the number to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_s: Option<u32>,
    /// How sure the window is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// When the service opens, when it is `closed` and that is known.
    #[serde(
        default,
        deserialize_with = "super::instant::read_optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub opens_at: Option<Timestamp>,
}

/// Where a callback stands in line: what `GET /v1/callbacks/{id}/line` streams as server-sent events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineUpdate {
    /// The callback.
    pub callback_id: String,
    /// When this was so.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub at: Timestamp,
    /// Place in line, 1 is next. Absent while it is not in line: scheduled, being connected, or over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// How long it will take from `at`. Absent while it is not in line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitEstimate>,
}
