//! What a service offers at this moment, and whether a request would be accepted.

use super::{PhoneNumber, Timestamp, WaitEstimate};
use serde::{Deserialize, Serialize};

/// Whether one kind of callback can be asked for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfferedKind {
    /// Whether it can.
    pub offered: bool,
    /// Why not: the problem code a request would be refused with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// When asking again makes sense, when that is known.
    #[serde(
        default,
        deserialize_with = "super::instant::read_optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub retry_at: Option<Timestamp>,
}

/// The answer of `GET /v1/services/{name}/offer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Offer {
    /// The service's name.
    pub service: String,
    /// "Call me as soon as an agent is free."
    pub immediate: OfferedKind,
    /// "Call me then."
    pub scheduled: OfferedKind,
    /// Seconds until the service closes; absent when it is closed or never closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_in_s: Option<u32>,
    /// When it opens next; absent when it is open or has no opening hours left.
    #[serde(
        default,
        deserialize_with = "super::instant::read_optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub opens_at: Option<Timestamp>,
    /// The wait of somebody who asks for an immediate callback now.
    pub wait: WaitEstimate,
    /// Countries whose numbers are accepted (ISO 3166-1 alpha-2), in alphabetical order.
    pub countries: Vec<String>,
    /// The country a number without a country code is taken to be from, when the service names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_country: Option<String>,
    /// The CAPTCHA providers of which one must have been passed; empty means that none is asked for.
    pub captcha: Vec<String>,
    /// The contact centre's number for whoever wants to call by themselves, E.164; absent when the service has none. The
    /// client remembers it for the time when the server cannot be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_number: Option<PhoneNumber>,
}

/// One check of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// What was looked at, for example `number.country` or `limit.number`.
    pub check: String,
    /// Whether it passed.
    pub passed: bool,
    /// The problem code, when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When another try makes sense.
    #[serde(
        default,
        deserialize_with = "super::instant::read_optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub retry_at: Option<Timestamp>,
    /// The rule that decided. Told to staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// The answer of `POST /v1/callbacks/validate`: what a request would meet, without making it. The checks stand in the
/// order in which a request meets them; it would be refused with the first that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Validation {
    /// Whether the request would be accepted now.
    pub accepted: bool,
    /// Every check that was made.
    pub checks: Vec<Check>,
}
