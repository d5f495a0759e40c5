//! CAPTCHA: proof that a request is worth somebody's effort. The token travels in a header, so that the request itself
//! stays the same, byte for byte, whether it is sent with one or without.

use serde::{Deserialize, Serialize};

/// The header that carries a CAPTCHA token: `<provider> <token>`.
pub const CAPTCHA_HEADER: &str = "ringback-captcha";

/// What a CAPTCHA token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CaptchaPurpose {
    /// `POST /v1/callbacks`.
    RequestCallback,
    /// `POST /v1/call-ins`.
    RequestCallIn,
}

impl CaptchaPurpose {
    /// The word for it, which is also the action that providers are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::RequestCallback => "request_callback",
            Self::RequestCallIn => "request_call_in",
        }
    }
}

/// The body of `POST /v1/captcha/challenges`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CaptchaChallengeRequest {
    /// The service's name.
    pub service: String,
    /// What the token will be for.
    pub purpose: CaptchaPurpose,
}

/// What to solve. A token of any one of the providers will do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaptchaChallenge {
    /// The providers that the service accepts, the preferred one first.
    pub providers: Vec<String>,
    /// The proof of work, when `altcha` is among them: a challenge of ALTCHA v2, as its libraries and its widget take it.
    /// Its token is the base64 payload that they make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub altcha: Option<serde_json::Value>,
}
