//! Click-to-call: the customer dials, and is known on arrival.

use super::{AccessCode, ContextValue, PersonName, PhoneNumber, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The body of `POST /v1/call-ins`: "give me a number to dial".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CallInRequest {
    /// The service's name.
    pub service: String,
    /// The number the person will call from, E.164, when known: the call is then matched by caller id as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub caller_number: Option<PhoneNumber>,
    /// How the person wishes to be addressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub name: Option<PersonName>,
    /// What the app knows; it waits for the call and is shown to the agent.
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub context: HashMap<String, ContextValue>,
}

/// What to dial, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallTicket {
    /// Opaque, `ci_…`.
    pub id: String,
    /// The number to dial, E.164.
    pub number: PhoneNumber,
    /// What to type when asked.
    pub access_code: AccessCode,
    /// What the dialer takes, `tel:` and the number (RFC 3966). The code follows where the contact centre wants it: after
    /// `,`, a pause after which phones send it by themselves, or after `;`, where they ask first.
    pub tel_uri: PhoneNumber,
    /// After this instant the code is worth nothing.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub expires_at: Timestamp,
}
