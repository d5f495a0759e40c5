//! Problems: every refusal has a stable code, a status and a sentence a person can act on (RFC 9457).

use serde::{Deserialize, Serialize};

/// A problem document, `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:ringback:problem:` and the code.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The code: stable, for programs. See [`ProblemCode`].
    pub code: String,
    /// What kind of problem it is; the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here and what to do. Never holds a phone number, a name, a token or a context value.
    pub detail: String,
    /// Which field or header is meant, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Which callback stands in the way; told to its owner only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_id: Option<String>,
    /// When another try makes sense, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// Names this request in the server's logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal, $advice:literal;)+) => {
        /// Every code the server answers with. `docs/errors.md` is made from this table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(#[doc = $title] $variant),+
        }

        impl ProblemCode {
            /// All codes, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as it stands in the document.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status it is answered with.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// What kind of problem it is.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// What to do about it.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice),+ }
            }
        }
    };
}

problem_codes! {
    BodyMalformed = "body_malformed", 400, "The body is not the JSON that is asked for", "Send what the API reference shows for this request; the detail names the place.";
    FieldUnknown = "field_unknown", 422, "The body has a field that does not exist", "Remove the named field or correct its spelling. Unknown fields are refused so that nothing you send is lost unseen.";
    FieldInvalid = "field_invalid", 422, "A field has a value that is not allowed", "Correct the named field; the detail says what is allowed.";
    BodyTooLarge = "body_too_large", 413, "The body is too large", "Send at most 64 KiB.";
    MediaTypeUnsupported = "media_type_unsupported", 415, "The body is not declared as JSON", "Send `Content-Type: application/json`.";
    RouteNotFound = "route_not_found", 404, "There is no such path", "Compare the path with `/openapi.json`.";
    MethodNotAllowed = "method_not_allowed", 405, "The path does not know this method", "Compare the method with `/openapi.json`.";
    CredentialsMissing = "credentials_missing", 401, "No key or token was sent", "Send the app key in `Ringback-App-Key`, or a token or secret key in `Authorization: Bearer`.";
    CredentialsInvalid = "credentials_invalid", 401, "The key or token is not valid", "Check that the key belongs to this server and was not revoked. An app registers its installation again.";
    RoleForbidden = "role_forbidden", 403, "The key's role does not allow this", "Use a key whose role allows it, or ask an administrator.";
    ServiceUnknown = "service_unknown", 422, "There is no service of this name", "Use the name of a service that the contact centre has set up: `ringback admin service list`.";
    NumberNotE164 = "number_not_e164", 422, "The phone number is not in E.164 form", "Send `+`, the country code and the number, digits only, for example +4930901820.";
    NumberImpossible = "number_impossible", 422, "The phone number cannot exist", "Ask the person to check the number: its length or its beginning exists in no numbering plan.";
    ContextKeyInvalid = "context_key_invalid", 422, "A context key is not an identifier", "Use letters, digits, `_`, `-` and `.`, beginning with a letter or `_`, at most 64 characters.";
    ContextTooLarge = "context_too_large", 422, "The context is too large", "Send at most 32 keys and 8192 bytes in all.";
    IdempotencyKeyMissing = "idempotency_key_missing", 400, "The request needs an idempotency key", "Send `Idempotency-Key` with a fresh random value, and the same value when you repeat the request.";
    IdempotencyKeyInvalid = "idempotency_key_invalid", 400, "The idempotency key is malformed", "Use 1 to 128 visible ASCII characters, for example a UUID.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "The idempotency key was used for another request", "Use a fresh key for a different request; repeat a request with its body unchanged.";
    CallbackAlreadyOpen = "callback_already_open", 409, "This number already waits for a call of this service", "Show the person the callback that is open, or cancel it first. Its owner finds it in `callback_id`.";
    CallbackNotFound = "callback_not_found", 404, "There is no such callback", "Check the id. Somebody else's callback is answered the same way.";
    CallbackMovedOn = "callback_moved_on", 409, "The callback is no longer where this request supposes", "Fetch the callback and go by its present state.";
    ConfirmExpired = "confirm_expired", 410, "The time to answer is over", "Fetch the callback: it was connected, put back in line or ended, as the service wants it.";
    ActionTokenInvalid = "action_token_invalid", 403, "The action token does not belong to this question", "Use the token of the newest push for this callback, or answer from inside the app without one.";
    ActionTokenSpent = "action_token_spent", 409, "The action token was used already", "The first answer counts. Fetch the callback to see what came of it.";
    PushTokenInvalid = "push_token_invalid", 422, "The push token cannot be one of this provider", "Send the token as the provider gave it to the app: APNs in hexadecimal, FCM unchanged.";
    CallInNotOffered = "call_in_not_offered", 422, "The service offers no number to dial", "Request a callback, or have the contact centre give the service a click-to-call group.";
    CallInNumbersBusy = "call_in_numbers_busy", 503, "Every access code of the group is in use", "Try again in a minute, or request a callback.";
    CallInNotFound = "call_in_not_found", 404, "No waiting call-in fits this call", "Ask the caller to type the code again; codes expire, and each works once.";
    AgentNotFound = "agent_not_found", 404, "There is no such agent", "Check the agent's name: `ringback admin agent list`.";
    AgentBusy = "agent_busy", 409, "The agent has a callback at hand", "Finish that callback first.";
    ReferenceUnknown = "reference_unknown", 422, "The request names something that does not exist", "Create the named queue, skill, agent or group first, or correct its name.";
    NameTaken = "name_taken", 409, "Something of this kind and name exists", "Choose another name, or change the one that exists.";
    RequestTimeout = "request_timeout", 503, "The server did not finish in time", "Repeat the request with the same idempotency key.";
    StorageUnavailable = "storage_unavailable", 503, "The database does not answer", "Repeat the request with the same idempotency key after a moment. Nothing accepted is lost.";
    ShuttingDown = "shutting_down", 503, "The server is going down", "Repeat the request with the same idempotency key; another node or the next start answers it.";
    Internal = "internal", 500, "The server made a mistake", "Report the `request_id` to whoever runs the server.";
}

impl Problem {
    /// A problem of this code; `detail` says what is wrong here and what to do.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("urn:ringback:problem:{}", code.code()),
            code: code.code().to_owned(),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            field: None,
            callback_id: None,
            retry_after_s: None,
            request_id: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        let codes: HashSet<_> = ProblemCode::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(codes.len(), ProblemCode::ALL.len());
        assert!(ProblemCode::ALL.iter().all(|code| (400..600).contains(&code.status())));
    }
}
