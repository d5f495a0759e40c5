//! Times a person chose: what the clock on the wall shows there, and when that is.

use super::Timestamp;
use serde::{Deserialize, Serialize};

/// Which of two equal wall times is meant, when clocks go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// The first, before clocks go back.
    Earlier,
    /// The second, after clocks have gone back.
    Later,
}

/// A day and time as a person chose it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WallTime {
    /// What the clock shows, `2026-12-24T10:30` (ISO 8601 without an offset; seconds may follow).
    pub local: String,
    /// Where the clock hangs: an IANA zone, for example `Europe/Berlin`. Abbreviations such as `CET` are refused.
    pub zone: String,
    /// Needed only for a time that the clock shows twice; otherwise it has no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub fold: Option<Fold>,
}

/// When a call was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduledTime {
    /// The instant. It does not move by itself.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub at: Timestamp,
    /// What the person saw on the wall, `2026-12-24T10:30:00`.
    pub local: String,
    /// The zone the person chose it in.
    pub zone: String,
    /// What the clock will show at that instant by the rules the zone has now; only when that is no longer `local`, because
    /// the zone's rules changed after booking. Ask the person which of the two is meant, and reschedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_now: Option<String>,
}

/// A stretch of time in which calls can be promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Slot {
    /// Its first instant; the call is made then or soon after, never before.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub start: Timestamp,
    /// The first instant after it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub end: Timestamp,
    /// What the caller's clock shows at `start`: pass it back as `scheduled_for`.
    pub wall_time: WallTime,
    /// How many more calls can be promised in it; 0 is full.
    pub capacity_left: u32,
    /// How many calls can be promised in it in all.
    pub capacity_total: u32,
}

/// Which slots an app wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AvailabilityRequest {
    /// The service's name.
    pub service: String,
    /// The caller's zone, IANA.
    pub zone: String,
    /// From this instant; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub from: Option<Timestamp>,
    /// Up to this instant; seven days after `from` when absent, at most 62 days after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub to: Option<Timestamp>,
    /// Whether full slots are listed too.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default = false))]
    pub include_full: bool,
    /// At most so many slots, 1 to 5000; 500 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub limit: Option<u32>,
}

/// The slots of a service, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Availability {
    /// In order of their start.
    pub slots: Vec<Slot>,
    /// Ask again from here for the rest; absent when these are all.
    #[serde(
        default,
        deserialize_with = "super::instant::read_optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub next: Option<Timestamp>,
}

/// The body of `POST /v1/callbacks/{id}/reschedule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RescheduleRequest {
    /// The new time; absent means "call me as soon as an agent is free".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<WallTime>,
}

/// The body of `POST /v1/callbacks/{id}/snooze`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SnoozeRequest {
    /// Seconds from now in which the person is not called, 60 to 86 400.
    pub delay_s: u32,
}
