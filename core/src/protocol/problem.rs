//! Problems: every refusal has a stable code, a status and a sentence a person can act on (RFC 9457).

use super::{CaptchaChallenge, Slot, Timestamp, WallTime};
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
    /// Which limit was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<ReachedLimit>,
    /// Free slots nearest to the one that was asked for, before and after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
    /// What to choose from instead, when a wall time does not exist or exists twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wall_times: Vec<WallTime>,
    /// What to solve before the same request is sent again, under the same idempotency key, with a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<CaptchaChallenge>,
    /// The server's time, when the caller's is too far from it.
    #[serde(
        default,
        deserialize_with = "super::instant::read_optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub server_time: Option<Timestamp>,
    /// Names this request in the server's logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// A limit that leaves no room for a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReachedLimit {
    /// What is limited: `number`, `prefix`, `installation`, `address` or `service`.
    pub limit: String,
    /// At most so many requests
    pub count: u32,
    /// in so many seconds.
    pub window_s: u32,
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
    SignatureMissing = "signature_missing", 401, "This installation signs what it changes", "Send `Signature-Input` and `Signature`, made with the key that the installation registered. The SDK does so by itself.";
    SignatureInvalid = "signature_invalid", 401, "The signature is not good", "Sign again: the detail says what is wrong. Behind a proxy that changes the address, set `http.public_urls` on the server.";
    SignatureOutdated = "signature_outdated", 401, "The signature was made at another time", "Correct the clock by `server_time` of this answer and sign again. The SDK does so by itself.";
    SignatureReplayed = "signature_replayed", 401, "The signature was used already", "Sign each request afresh, with a nonce of its own. The SDK does so by itself.";
    ContentDigestMismatch = "content_digest_mismatch", 400, "The body is not the one of the digest", "Send `Content-Digest` with the SHA-256 or SHA-512 of the body as it is sent (RFC 9530).";
    InstallationKeyRequired = "installation_key_required", 403, "Installations of this app need a key", "Register the installation with a `public_key` and sign what it changes. The SDK does so by itself.";
    InstallationKeyMismatch = "installation_key_mismatch", 409, "The installation has another key", "A key is registered once. Register a new installation, with a secret of its own.";
    AttestationChallengeInvalid = "attestation_challenge_invalid", 422, "The attestation challenge is not a good one", "Ask for a challenge with this installation's token and use it within five minutes.";
    AttestationChallengeSpent = "attestation_challenge_spent", 409, "The attestation challenge was used already", "Ask for a fresh challenge for each piece of evidence.";
    AttestationKeyUnknown = "attestation_key_unknown", 409, "The App Attest key is not known", "Attest a new key; the SDK asks its provider to.";
    AttestationNotOffered = "attestation_not_offered", 422, "Evidence of this kind is not judged here", "Send evidence of one of the `providers` that come with the challenge, or none.";
    RoleForbidden = "role_forbidden", 403, "The key's role does not allow this", "Use a key whose role allows it, or ask an administrator.";
    ServiceUnknown = "service_unknown", 422, "There is no service of this name", "Use the name of a service that the contact centre has set up: `ringback admin service list`.";
    NumberNotE164 = "number_not_e164", 422, "The phone number is not in E.164 form", "Send `+`, the country code and the number, digits only, for example +4930901820.";
    NumberImpossible = "number_impossible", 422, "The phone number cannot exist", "Ask the person to check the number: its length or its beginning exists in no numbering plan.";
    NumberPremium = "number_premium", 422, "Numbers of this kind are not called", "Give a mobile or landline number. Premium-rate, shared-cost, satellite and similar numbers are not called.";
    NumberCountryNotAllowed = "number_country_not_allowed", 422, "Numbers of this country are not called", "Give a number of a country that the service calls: the offer lists them.";
    NumberBlocked = "number_blocked", 422, "This number is not called", "Give another number, or call the contact centre.";
    PatternTooLarge = "pattern_too_large", 422, "A pattern is too large", "Shorten the pattern: 200 characters at most, and no large repeats such as `{1000}`.";
    ChallengeRequired = "challenge_required", 403, "A CAPTCHA must be passed first", "Solve the `challenge` of this answer and send the same request again with the token in `Ringback-Captcha`. The SDK does so by itself.";
    CaptchaInvalid = "captcha_invalid", 403, "The CAPTCHA token is not a valid one", "Send `Ringback-Captcha: <provider> <token>` with the token as its provider gave it; solve the `challenge` of this answer.";
    CaptchaExpired = "captcha_expired", 403, "The CAPTCHA token is too old", "Solve the `challenge` of this answer and send the request before it expires.";
    CaptchaSpent = "captcha_spent", 403, "The CAPTCHA token was used already", "Each token is good for one request. Solve the `challenge` of this answer.";
    CaptchaMismatch = "captcha_mismatch", 403, "The CAPTCHA token was given for something else", "A token is good for one installation, service and kind of request. Solve the `challenge` of this answer.";
    CaptchaProviderNotAccepted = "captcha_provider_not_accepted", 403, "The service does not accept this CAPTCHA provider", "Use one of the `providers` of this answer's `challenge`.";
    CaptchaRejected = "captcha_rejected", 403, "The CAPTCHA provider does not vouch for this token", "Solve the `challenge` of this answer.";
    CaptchaUnavailable = "captcha_unavailable", 403, "The CAPTCHA provider could not be asked", "Solve the `challenge` of this answer: it is proof of work, which needs no provider.";
    LimitReached = "limit_reached", 429, "Too many requests for now", "Try again when `retry_after_s` is over.";
    CallbacksFull = "callbacks_full", 503, "The service has as many open callbacks as it can keep", "Try again later, or choose a time.";
    ServicePaused = "service_paused", 503, "The service takes no requests for now", "Try again later; `retry_after_s` says when, if that is known.";
    ServiceClosed = "service_closed", 422, "The service is closed", "Choose a time in its opening hours, or ask again when it opens: `retry_after_s` says when.";
    ImmediateNotOffered = "immediate_not_offered", 422, "The service offers no immediate callbacks", "Choose a time: `availability` lists free slots.";
    ScheduledNotOffered = "scheduled_not_offered", 422, "The service offers no scheduled callbacks", "Ask for an immediate callback.";
    SlotFull = "slot_full", 409, "The slot is full", "Choose one of the `slots` of this answer.";
    SlotClosed = "slot_closed", 422, "Nobody is called at that time", "Choose one of the `slots` of this answer.";
    TimePast = "time_past", 422, "The chosen time is past", "Choose a time that is still to come.";
    TimeBeyondHorizon = "time_beyond_horizon", 422, "The chosen time is too far away", "Choose an earlier time; the detail says how far ahead calls are promised.";
    TimeInGap = "time_in_gap", 422, "The clock never shows that time", "Clocks go forward over it. Choose one of the `wall_times` of this answer.";
    TimeAmbiguous = "time_ambiguous", 422, "The clock shows that time twice", "Clocks go back then. Send one of the `wall_times` of this answer, which say `earlier` or `later`.";
    ZoneUnknown = "zone_unknown", 422, "There is no such time zone", "Send an IANA zone such as `Europe/Berlin`; abbreviations such as `CET` mean several things.";
    SkillUnstaffed = "skill_unstaffed", 422, "No agent can do that", "Ask for other skills or lower levels.";
    PriorityNotAllowed = "priority_not_allowed", 422, "Apps may not ask for this priority", "Leave `priority` out, or ask for at most what the detail says.";
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
    DeviceNotFound = "device_not_found", 404, "There is no such device", "Check the id. Somebody else's device is answered the same way.";
    DeliveryNotFound = "delivery_not_found", 404, "There is no such push", "Check the id: it is the `delivery_id` of the push. Pushes of callbacks that went to the archive are gone.";
    DeliveryOver = "delivery_over", 409, "The push cannot be sent again", "Only a push that failed and whose event is still true is sent again; the detail says what became of this one.";
    CallInNotOffered = "call_in_not_offered", 422, "The service offers no number to dial", "Request a callback, or have the contact centre give the service a click-to-call group.";
    CallInNumbersBusy = "call_in_numbers_busy", 503, "Every access code of the group is in use", "Try again in a minute, or request a callback.";
    CallInNotFound = "call_in_not_found", 404, "No waiting call-in fits this call", "Ask the caller to type the code again; codes expire, and each works once.";
    AgentNotFound = "agent_not_found", 404, "There is no such agent", "Check the agent's name: `ringback admin agent list`.";
    AgentBusy = "agent_busy", 409, "The agent has a callback at hand", "Finish that callback first.";
    ReferenceUnknown = "reference_unknown", 422, "The request names something that does not exist", "Create the named queue, skill, agent or group first, or correct its name.";
    NameTaken = "name_taken", 409, "Something of this kind and name exists", "Choose another name, or change the one that exists.";
    InUse = "in_use", 409, "Something else still needs it", "Take it out of the services that name it first.";
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
            limit: None,
            slots: Vec::new(),
            wall_times: Vec::new(),
            challenge: None,
            server_time: None,
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
